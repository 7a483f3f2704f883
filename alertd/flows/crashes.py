"""Named crash points of our own flow: places where a test may end the process as a power cut would.

`ALERTD_CRASH_AT=NAME` or `NAME@OPERATION` arms one; app/crashing.py decides what crashing means, and
ARCHITECTURE.md says what must hold at each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

CrashPoint: TypeAlias = Callable[[str, str], None]  # name of the point, operation or ""

INTAKE_POINTS = ("intake.before_commit", "intake.after_commit", "intake.after_answer")
DECIDE_POINTS = ("decide.before_commit", "decide.after_commit")
SETTLE_POINTS = (
    "settle.before_intent",
    "settle.after_intent",
    "settle.request_sent",
    "settle.reply_read",
    "settle.after_record",
)
OPERATIONS = ("create", "note", "tag", "untag", "change", "complete")


def points() -> tuple[str, ...]:
    """Return every name that `ALERTD_CRASH_AT` accepts."""
    alone = (*INTAKE_POINTS, *DECIDE_POINTS, *SETTLE_POINTS)
    return (*alone, *(f"{point}@{operation}" for point in SETTLE_POINTS for operation in OPERATIONS))


def never(name: str, operation: str = "") -> None:
    """Do not crash."""

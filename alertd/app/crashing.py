"""`ALERTD_CRASH_AT`: ends the process at a named point, as a power cut would. For tests only."""

from __future__ import annotations

import os
from collections.abc import Mapping

from alertd.flows.crashes import CrashPoint, never, points

VARIABLE = "ALERTD_CRASH_AT"
KILLED = 137  # what a process ended by SIGKILL leaves


class UnknownCrashPoint(ValueError):
    """The variable names no crash point."""


def crash_point(environ: Mapping[str, str]) -> CrashPoint:
    """Return what flows call at each named point: nothing, unless the environment arms one.

    Raises:
        UnknownCrashPoint: The variable names no point; a test would pass for the wrong reason.
    """
    armed = environ.get(VARIABLE, "")
    if not armed:
        return never
    if armed not in points():
        raise UnknownCrashPoint(f"{VARIABLE}={armed}: no such point; there are {', '.join(points())}")

    def crash(name: str, operation: str = "") -> None:
        if armed in (name, f"{name}@{operation}"):
            os._exit(KILLED)

    return crash

"""Which call goes first where calls are scarce. Tickets have a priority; calls have a precedence."""

from __future__ import annotations

from enum import IntEnum


class Precedence(IntEnum):
    """What a call is for, the most urgent first."""

    CRITICAL_CREATE = 0
    COMPLETE = 1
    CREATE = 2
    UPDATE = 3  # tags, notes and other changes of tickets that stand
    SYNC = 4  # what people changed, metadata, directories
    BILLING = 5

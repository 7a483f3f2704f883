"""Runs a program as a unit's system call filter and MemoryDenyWriteExecute would, without systemd.

`python sandbox.py PROGRAM ARGUMENT…`, with the allowed system calls on standard input. Every other call fails
with EPERM, and so does memory that could be written and executed (systemd.exec(5)).
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

ALLOW = 0x7FFF0000
DENY = 0x00050000 | errno.EPERM
MASKED_EQUAL = 7
WRITE_AND_EXECUTE = 0x2 | 0x4
EXECUTE = 0x4


class Condition(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


class Filter:
    """One seccomp filter: a default, and rules that differ from it."""

    def __init__(self, default: int) -> None:
        self.library = ctypes.CDLL("libseccomp.so.2")
        self.library.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, call: str, *conditions: Condition) -> None:
        """Add a rule; a call that this kernel or architecture does not have is left out."""
        number = self.library.seccomp_syscall_resolve_name(call.encode())
        array = (Condition * max(1, len(conditions)))(*conditions)
        if number >= 0 and self.library.seccomp_rule_add_array(
            self.context, ctypes.c_uint32(action), number, len(conditions), array
        ):
            raise OSError(f"no rule for {call}")

    def load(self) -> None:
        """Bind this process and all it starts."""
        if self.library.seccomp_load(self.context):
            raise OSError("the filter was refused")


def deny_write_execute() -> None:
    """What MemoryDenyWriteExecute=yes does."""
    rules = Filter(ALLOW)
    rules.add(DENY, "mmap", Condition(2, MASKED_EQUAL, WRITE_AND_EXECUTE, WRITE_AND_EXECUTE))
    for call in ("mprotect", "pkey_mprotect"):
        rules.add(DENY, call, Condition(2, MASKED_EQUAL, EXECUTE, EXECUTE))
    rules.load()


def allow_only(calls: list[str]) -> None:
    """What SystemCallFilter= with SystemCallErrorNumber=EPERM does."""
    rules = Filter(DENY)
    for call in calls:
        rules.add(ALLOW, call)
    rules.load()


if __name__ == "__main__":
    allowed = sys.stdin.read().split()
    deny_write_execute()
    allow_only(allowed)
    os.execv(sys.argv[1], sys.argv[1:])

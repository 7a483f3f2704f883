"""Receipts: 26 characters, unique, sortable by time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# five bits of each random byte; 256 is a multiple of 32, so every character is as likely as any other
_TO_CROCKFORD = bytes(ord(CROCKFORD[byte & 31]) for byte in range(256))
_LAST_TWO = [CROCKFORD[ms >> 5] + CROCKFORD[ms & 31] for ms in range(1024)]
_RANDOM_CHARACTERS = 16
_BATCH = 256


class Receipts:
    """Makes receipts in the form of a ULID: milliseconds since 1970 in 10 characters, then 80 random bits.

    Args:
        entropy: Returns as many random bytes as it is asked for, as `os.urandom` does.
    """

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._random: list[str] = []
        self._epoch = -1  # milliseconds / 1024
        self._prefix = ""

    def new(self, at: datetime) -> str:
        """Return a fresh receipt of the instant `at` (aware)."""
        millisecond = int(at.timestamp() * 1000)
        if millisecond >> 10 != self._epoch:
            self._epoch = millisecond >> 10
            self._prefix = "".join(CROCKFORD[self._epoch >> shift & 31] for shift in range(35, -1, -5))
        if not self._random:
            self._random = self._draw()
        return self._prefix + _LAST_TWO[millisecond & 1023] + self._random.pop()

    def _draw(self) -> list[str]:
        # one system call for many receipts: drawing each alone costs more than all the rest of it
        text = self._entropy(_RANDOM_CHARACTERS * _BATCH).translate(_TO_CROCKFORD).decode()
        return [text[at : at + _RANDOM_CHARACTERS] for at in range(0, len(text), _RANDOM_CHARACTERS)]

"""At which line of a TOML file a key is: tomli alone, without a second grammar.

A prefix of whole lines that parses holds every key whose value has ended by then. So a key begins at the
first line from which on every prefix that parses holds it; halving finds that line with a dozen parses.
Nothing here runs unless there is a fault to print.
"""

from __future__ import annotations

import bisect
from typing import Any

import tomli

from alertd.config.paths import KeyPath, holds


class LineIndex:
    """The lines of one file that parses as a whole."""

    def __init__(self, text: str) -> None:
        self._lines = text.replace("\r\n", "\n").split("\n")
        self._parsed: dict[int, dict[str, Any] | None] = {}

    def line_of(self, path: KeyPath) -> int:
        """Return the line at which the key, or else the nearest table around it, begins; from 1."""
        while path and not holds(self._at(len(self._lines)), path):
            path = path[:-1]
        if not path:
            return 1
        counts = range(1, len(self._lines) + 1)
        return counts[bisect.bisect_left(counts, True, key=lambda count: holds(self._at(count), path))]

    def _at(self, count: int) -> dict[str, Any]:
        """Return what the first `count` lines say, or a few more where a value goes on."""
        while count < len(self._lines) and self._parse(count) is None:
            count += 1
        return self._parse(count) or {}

    def _parse(self, count: int) -> dict[str, Any] | None:
        if count not in self._parsed:
            try:
                self._parsed[count] = tomli.loads("\n".join(self._lines[:count]))
            except tomli.TOMLDecodeError:
                self._parsed[count] = None
        return self._parsed[count]

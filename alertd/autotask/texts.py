"""Texts as Autotask can take them: no longer than the field, and nothing that JSON or SQL cannot carry."""

from __future__ import annotations

TITLE, NOTE_TITLE, DESCRIPTION, NOTE, RESOLUTION, REFERENCE = 255, 250, 8000, 32000, 32000, 50
MARK = " […]"


def shown(text: object) -> str:
    """Return a text short enough for a log line."""
    return str(text)[:256]


def width(text: str) -> int:
    """Return how much of a field the text takes: UTF-16 units, and two for a line break."""
    return sum(2 if ord(mark) > 0xFFFF or mark == "\n" else 1 for mark in text)


def clean(text: str) -> str:
    r"""Return the text with \n alone for line breaks, and without NUL and halves of characters."""
    whole = text.replace("\r\n", "\n").replace("\x00", "\ufffd")
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def cut(text: str, most: int) -> str:
    """Return the text, shortened to `most` with a mark at its end where it is longer."""
    whole = clean(text)
    if width(whole) <= most:
        return whole
    return _beginning(whole, most - width(MARK)).rstrip() + MARK


def cut_before_last_line(text: str, most: int) -> str:
    """Return the text, shortened before its last line, which carries the reference that finds the ticket."""
    whole = clean(text)
    if width(whole) <= most:
        return whole
    _, newline, last = whole.rpartition("\n")
    kept = f"\n{last}"
    if not newline or width(kept) > most // 2:
        return cut(whole, most)
    return _beginning(whole, most - width(MARK) - width(kept)).rstrip() + MARK + kept


def _beginning(text: str, most: int) -> str:
    taken = 0
    for at, mark in enumerate(text):
        taken += width(mark)
        if taken > most:
            return text[:at]
    return text

"""Doors: the paths that senders reach, and what all of them are built on.

A dialect is a module with a function `doors(reception)`. A door of it finds out whose token was shown, reads
the body, has it kept, and answers as its original does; the reception does each of these.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
from aiohttp import hdrs, web

from alertd.intake.access_log import Exchange
from alertd.intake.admission import Admission
from alertd.intake.answers import Answer, Answers, Refused
from alertd.intake.delivery import Deliveries
from alertd.intake.metrics import Outcome
from alertd.intake.proving import Proving
from alertd.intake.requests import Query
from alertd.intake.senders import Surroundings

POST = frozenset({hdrs.METH_POST})
READ = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})


class Visit(msgspec.Struct, frozen=True):
    """A request at a door."""

    request: web.BaseRequest
    names: Mapping[str, str]  # what stands in the path where the template has names, percent-decoded
    query: Query
    exchange: Exchange


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """A path, the methods it takes, and how it answers.

    Args:
        path: A template such as `/v2/alerts/{id}/close`; a name in braces stands for one segment.
        methods: In capitals. A path may have several doors with different methods.
        serve: Answers. Raises `Refused` for what is not kept.
        refuse: The body with which the original says no; None: ours.
    """

    path: str
    methods: frozenset[str]
    serve: Callable[[Visit], Awaitable[Answer]]
    refuse: Callable[[Refused], bytes] | None = None


class Reception(msgspec.Struct, frozen=True):
    """What doors are built on."""

    admission: Admission
    deliveries: Deliveries
    answers: Answers
    proving: Proving
    world: Surroundings


class Found(NamedTuple):
    """A door, and what stands in the path where its template has names."""

    door: Door
    names: Mapping[str, str]


class Doors:
    """Every door, by path."""

    def __init__(self, doors: Iterable[Door]) -> None:
        self._exact: dict[str, list[Door]] = {}
        # by the first segment, so that a dialect with many paths costs the others nothing
        self._patterns: dict[str, list[tuple[re.Pattern[str], Door]]] = {}
        for door in doors:
            if "{" in door.path:
                patterns = self._patterns.setdefault(_first_segment(door.path), [])
                patterns.append((_pattern(door.path), door))
            else:
                self._exact.setdefault(door.path, []).append(door)

    def find(self, path: str, method: str) -> Found | None:
        """Return the door for a request; None: there is nothing at this path.

        Raises:
            Refused: There is, but not for this method.
        """
        there = [Found(door, {}) for door in self._exact.get(path, ())] or self._matching(path)
        for found in there:
            if method in found.door.methods:
                return found
        if there:
            raise wrong_method(there)
        return None

    def _matching(self, path: str) -> list[Found]:
        return [
            Found(door, {name: unquote(text) for name, text in match.groupdict().items()})
            for pattern, door in self._patterns.get(_first_segment(path), ())
            if (match := pattern.fullmatch(path))
        ]


def wrong_method(there: Sequence[Found]) -> Refused:
    """Return the refusal of a method that none of the doors takes."""
    allowed = ", ".join(sorted({method for found in there for method in found.door.methods}))
    return Refused(Outcome.MALFORMED, 405, f"send {allowed}", headers={hdrs.ALLOW: allowed})


def _first_segment(path: str) -> str:
    """Return it; templates have no name there."""
    return path.split("/", 2)[1] if path.startswith("/") else ""


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))

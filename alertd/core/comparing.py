"""What two configurations make of the same alerts: the tickets and calls of each, and where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from alertd.core.replaying import Planned

COMPARED = ("board", "priority", "tags", "alerts", "created_at", "completed_at", "calls")


class Counts(msgspec.Struct, frozen=True):
    """How many tickets, and how many calls by name, without reading new tickets back."""

    tickets: int
    calls: Mapping[str, int]

    @property
    def total(self) -> int:
        """All calls."""
        return sum(self.calls.values())


class Difference(msgspec.Struct, frozen=True):
    """One problem that the two treat differently. None: no ticket."""

    present: Planned | None
    other: Planned | None
    what: tuple[str, ...]  # fields of `Planned` that differ; empty where only one makes a ticket


def counted(tickets: Iterable[Planned]) -> Counts:
    """Return how many these are, and how many calls they cost."""
    number, calls = 0, Counter[str]()
    for ticket in tickets:
        number += 1
        calls.update(ticket.calls)
    return Counts(number, dict(sorted(calls.items())))


def counted_by_board(tickets: Sequence[Planned]) -> dict[str, Counts]:
    """Return the same for every board that has any, by name."""
    names = sorted({ticket.board for ticket in tickets})
    return {name: counted(ticket for ticket in tickets if ticket.board == name) for name in names}


def compare(present: Sequence[Planned], other: Sequence[Planned]) -> list[Difference]:
    """Return where they differ, in the order of the tickets' making.

    Two tickets are about the same problem if the same alert opened them, as often as it has opened any. Two
    storms are the same if they are of one customer, two lists if they are of one customer and day.
    """
    mine, theirs = _by_problem(present), _by_problem(other)
    found = []
    for problem in sorted(mine.keys() | theirs.keys(), key=lambda each: _made_at(mine, theirs, each)):
        before, after = mine.get(problem), theirs.get(problem)
        what = _differing(before, after) if before is not None and after is not None else ()
        if what or before is None or after is None:
            found.append(Difference(before, after, what))
    return found


_Problem = tuple[tuple[str, ...], int]


def _by_problem(tickets: Sequence[Planned]) -> dict[_Problem, Planned]:
    times: Counter[tuple[str, ...]] = Counter()
    found = {}
    for ticket in tickets:
        about = _about(ticket)
        times[about] += 1
        found[about, times[about]] = ticket
    return found


def _about(ticket: Planned) -> tuple[str, ...]:
    """What tells a ticket's problem from others, whatever the configuration."""
    if ticket.kind == "problem":
        return (ticket.opener,)
    return (ticket.kind, ticket.client, ticket.title if ticket.kind == "storm" else ticket.route)


def _made_at(
    mine: Mapping[_Problem, Planned], theirs: Mapping[_Problem, Planned], problem: _Problem
) -> tuple[float, _Problem]:
    made = [tickets[problem].created_at.timestamp() for tickets in (mine, theirs) if problem in tickets]
    return min(made), problem


def _differing(before: Planned, after: Planned) -> tuple[str, ...]:
    return tuple(name for name in COMPARED if getattr(before, name) != getattr(after, name))

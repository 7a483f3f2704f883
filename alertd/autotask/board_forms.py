"""Boards as routes have them: a route's own ticket options in place of its board's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from alertd.autotask.boards import Problem, Resolved, Tenant, resolve
from alertd.core.boards import BoardSettings
from alertd.core.ticket_forms import TicketForm, applied
from alertd.core.tickets import Board


class RouteForm(msgspec.Struct, frozen=True, kw_only=True):
    """A route that says something of its tickets itself."""

    route_name: str
    board: str
    form: TicketForm

    def on(self, boards: Iterable[BoardSettings]) -> BoardSettings | None:
        """Return the route's board as it is for its tickets; None where it is none of these."""
        found = next((board for board in boards if board.name == self.board), None)
        return None if found is None else applied(found, self.form)


class ResolvedForm(msgspec.Struct, frozen=True, kw_only=True):
    """What the tickets of a board, or of one of its routes, have: as configured and in the tenant's terms."""

    board_name: str
    settings: BoardSettings
    resolved: Resolved
    route_name: str = ""  # empty: of the board


class Variants:
    """Resolves boards with routes' options, each once in one reading of the tenant."""

    def __init__(
        self, boards: Sequence[BoardSettings], tenant: Tenant, assigned: Mapping[str, int | None]
    ) -> None:
        """Begin.

        Args:
            boards: As configured.
            tenant: What their tickets may have.
            assigned: How many people are assigned to a board's queue, by its name; None: that cannot be told.
        """
        self._boards = {board.name: board for board in boards}
        self._tenant = tenant
        self._assigned = assigned
        self._resolved: dict[tuple[str, bytes], Resolved] = {}

    def of(self, board: Board, form: TicketForm) -> Board:
        """Return this resolved board with a route's options."""
        if board.name not in self._boards:
            return board
        found = self.resolved(board.name, form, where="").board
        return board if found is None else msgspec.structs.replace(found, instead_of=board.instead_of)

    def told(self, route: RouteForm) -> ResolvedForm:
        """Return what the tickets of a route have, on a board that there is."""
        where = f"route {route.route_name!r}"
        return ResolvedForm(
            board_name=route.board,
            settings=applied(self._boards[route.board], route.form),
            resolved=self.resolved(route.board, route.form, where=where),
            route_name=route.route_name,
        )

    def resolved(self, name: str, form: TicketForm, *, where: str) -> Resolved:
        """Resolve the board of this name with a route's options."""
        key = name, msgspec.json.encode(form)
        if key not in self._resolved:
            settings = applied(self._boards[name], form)
            self._resolved[key] = resolve(settings, self._tenant, resources=self._assigned[name], where=where)
        return self._resolved[key]


def problems_of_routes(
    routes: Iterable[RouteForm], variants: Variants, resolved: Mapping[str, Resolved]
) -> Iterator[Problem]:
    """Yield what is wrong with routes' options: not what is wrong with their boards already."""
    for route in routes:
        if route.board not in resolved:
            continue
        known = {problem.what for problem in resolved[route.board].problems}
        where = f"route {route.route_name!r}"
        for problem in variants.resolved(route.board, route.form, where=where).problems:
            if problem.what not in known:
                yield msgspec.structs.replace(problem, where=where)

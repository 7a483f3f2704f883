"""A few calls at a time per endpoint, and who is next."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque

from alertd.autotask.precedence import Precedence

LONGEST_FIRST = 4  # of so many grants one goes to who has waited longest, whatever its class


class Turn:
    """One caller's place at an endpoint: waiting, then granted, then over."""

    __slots__ = ("company", "endpoint", "granted", "over", "precedence")

    def __init__(self, endpoint: str, precedence: Precedence, company: str = "") -> None:
        self.endpoint = endpoint
        self.precedence = precedence
        self.company = company
        self.granted = False
        self.over = False


class _Queue:
    """Who waits at one endpoint. In a class, companies take turns; a class cannot starve another for ever."""

    def __init__(self) -> None:
        self._by_order: list[tuple[int, int, int, Turn]] = []
        self._by_arrival: deque[Turn] = deque()
        self._rounds: dict[tuple[Precedence, str], int] = {}  # in which round a company's last one goes
        self._round: Counter[Precedence] = Counter()  # that each class has come to
        self._asked = 0
        self._grants = 0

    def add(self, turn: Turn) -> None:
        self._asked += 1
        key = turn.precedence, turn.company
        last = max(self._rounds.get(key, 0), self._round[turn.precedence])
        self._rounds[key] = last + 1
        heapq.heappush(self._by_order, (turn.precedence, last + 1, self._asked, turn))
        self._by_arrival.append(turn)

    def next(self) -> Turn | None:
        """Take out who is next."""
        self._grants += 1
        if self._grants % LONGEST_FIRST == 0:
            return self._longest()
        while self._by_order:
            _, round_, _, turn = heapq.heappop(self._by_order)
            if not (turn.over or turn.granted):
                self._round[turn.precedence] = max(self._round[turn.precedence], round_ - 1)
                return turn
        self._forget()
        return None

    def _longest(self) -> Turn | None:
        while self._by_arrival:
            turn = self._by_arrival.popleft()
            if not (turn.over or turn.granted):
                return turn
        self._forget()
        return None

    def _forget(self) -> None:
        """Nobody waits: the rounds begin anew."""
        self._by_order.clear()
        self._by_arrival.clear()
        self._rounds.clear()
        self._round.clear()


class Slots:
    """At most `limit` turns granted per endpoint; the most urgent waits least, then companies in turn."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.high_water = 0
        self._in_flight: Counter[str] = Counter()
        self._narrowed: dict[str, int] = {}
        self._queues: defaultdict[str, _Queue] = defaultdict(_Queue)
        self._waiting: Counter[Precedence] = Counter()

    def ask(self, endpoint: str, precedence: Precedence, company: str = "") -> Turn:
        """Take a turn, granted at once where a slot is free."""
        turn = Turn(endpoint, precedence, company)
        if self._has_room(endpoint):
            self._grant(turn)
        else:
            self._queues[endpoint].add(turn)
            self._waiting[precedence] += 1
        return turn

    def leave(self, turn: Turn) -> list[Turn]:
        """End a turn, granted or not, and return those that are granted its slot and what else is free."""
        if turn.over:
            return []
        turn.over = True
        if not turn.granted:
            self._waiting[turn.precedence] -= 1
            return []
        self._in_flight[turn.endpoint] -= 1
        return self._fill(turn.endpoint)

    def narrow(self, endpoint: str, limit: int) -> None:
        """Allow fewer at this endpoint from now on. Who is in flight stays."""
        self._narrowed[endpoint] = min(limit, self.limit)

    def widen(self, endpoint: str) -> None:
        """Allow as many as elsewhere again, from the next turn on."""
        self._narrowed.pop(endpoint, None)

    def in_flight(self, endpoint: str) -> int:
        """Return how many turns are granted there."""
        return self._in_flight[endpoint]

    def waiting(self) -> Counter[Precedence]:
        """Return how many wait for a slot, by class."""
        return +self._waiting

    def _has_room(self, endpoint: str) -> bool:
        return self._in_flight[endpoint] < self._narrowed.get(endpoint, self.limit)

    def _fill(self, endpoint: str) -> list[Turn]:
        granted: list[Turn] = []
        queue = self._queues[endpoint]
        while self._has_room(endpoint) and (following := queue.next()) is not None:
            self._waiting[following.precedence] -= 1
            self._grant(following)
            granted.append(following)
        return granted

    def _grant(self, turn: Turn) -> None:
        turn.granted = True
        self._in_flight[turn.endpoint] += 1
        self.high_water = max(self.high_water, self._in_flight[turn.endpoint])

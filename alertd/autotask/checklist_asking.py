"""One question after another to the tenant, no more than may be asked, and each answer kept as a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from alertd.autotask.answers import NoAnswer, NoRoute, Payload, ThresholdSpent, Unreached
from alertd.autotask.checklist_evidence import NOT_ASKED, Evidence, Rows, Trouble, Unanswered
from alertd.autotask.holding import HeldUntil
from alertd.autotask.metrics import AutotaskMetrics
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import Query, holds
from alertd.autotask.refusals import ErrorBody, is_unclear
from alertd.autotask.transport import MOST, MOST_OF_QUERY, Call, Transport
from alertd.autotask.zone import Zone
from alertd.flows.errors import AuthRefused, PortError, Rejected, Throttled, Unavailable

MOST_CALLS = 20  # HTTP calls of one run, whatever Autotask answers
_MOST_OF_ONE = 3  # of one question: asked, the zone asked again, asked there
_PATIENCE_S = 5.0  # longer than an endpoint is held that had too many calls at once
_MOST_SILENCE = 2  # questions in succession without any answer; each may have waited for the whole time-out


def calls_made(metrics: AutotaskMetrics) -> int:
    """Return how many HTTP requests were made so far, those for the zone included."""
    samples = [each for metric in metrics.requests.collect() for each in metric.samples]
    return round(sum(each.value for each in samples if each.name.endswith("_total")))


class SingleTries(Transport):
    """The way to the tenant for a person who waits: a failed call is told, and not made again."""

    async def read(self, call: Call) -> Payload:
        """Make a reading call once.

        Raises:
            PortError: What went wrong.
        """
        return await self.send(call)

    async def send(self, call: Call) -> Payload:
        """Make the call once, after a short wait where an endpoint has just had too many at once.

        Raises:
            PortError: What went wrong.
        """
        try:
            return await super().send(call)
        except HeldUntil as exc:  # held back here: nothing was sent
            if exc.retry_after > _PATIENCE_S:
                raise
            await self._around.sleep(exc.retry_after)
            return await super().send(call)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One call, and the name under which its answer is kept. With `query`, its rows are kept."""

    key: str
    path: str
    endpoint: str
    body: Any = None
    query: Query | None = None


def asks_for(key: str, query: Query) -> Question:
    """Return the question that a query is."""
    return Question(
        key=key, path=f"{query.entity}/query", endpoint=query.entity, body=query.body(), query=query
    )


class Asking:
    """One run's conversation. It ends early where no further answer is to be expected."""

    def __init__(self, transport: Transport, made: Callable[[], int]) -> None:
        """Begin.

        Args:
            transport: The way to the tenant; nothing else uses it meanwhile.
            made: Returns how many HTTP calls `transport` has made so far.
        """
        self._transport = transport
        self._made = made
        self._zone: Zone | Unanswered = NOT_ASKED
        self._answers: dict[str, Payload | Unanswered] = {}
        self._rows: dict[str, Rows | Unanswered] = {}
        self._partial: set[str] = set()
        self._refused_login = ""
        self._silent = 0
        self._over = False

    def evidence(self) -> Evidence:
        """Return all that was seen so far."""
        return Evidence(
            zone=self._zone,
            refused_login=self._refused_login,
            answers=dict(self._answers),
            rows=dict(self._rows),
            partial=frozenset(self._partial),
        )

    async def find_zone(self) -> None:
        """Ask where the tenant lives.

        Raises:
            PortError: There was no HTTP answer.
        """
        try:
            self._zone = await self._transport.zone()
        except PortError as exc:
            cause = exc.__cause__ if isinstance(exc.__cause__, PortError) else exc
            seen = _unanswered(cause)
            if seen.trouble is Trouble.NO_HTTP:
                raise cause from None
            self._zone, self._over = seen, True

    async def sign_in(self, *questions: Question) -> None:
        """Ask the first questions that carry the credential, until one is answered; the rest follow then.

        An answer that may have been a failed login is the last that is asked for: they add up to a lock-out.

        Raises:
            Unavailable: There was no HTTP answer to any.
        """
        for question in questions:
            answer = await self.ask(question)
            if not self.evidence().signed_in and isinstance(answer, Unanswered) and _may_be_login(answer):
                self._over = True
        asked = [each for each in self._answers.values() if each != NOT_ASKED]
        silent = [each.why for each in asked if isinstance(each, Unanswered) and _is_silence(each)]
        if asked and len(silent) == len(asked):
            raise Unavailable(silent[0])
        self._over = self._over or not self.evidence().signed_in

    async def ask(self, question: Question) -> Payload | Unanswered:
        """Ask once, and keep the answer."""
        answer = NOT_ASKED if self._is_over() else await self._answered(question)
        if question.query is None:
            self._answers[question.key] = answer
        else:
            self._rows[question.key] = rows_of(question.query, answer)
        return answer

    async def ask_pages(self, key: str, query: Query, *, most: int) -> Rows:
        """Ask for up to `most` pages of a query; more than these, and what is kept is a part."""
        await self.ask(asks_for(key, query))
        rows = page = self._kept(key)
        for _ in range(most - 1):
            if len(page) < query.limit or self._is_over():
                break
            await self.ask(_next_page(key, query, page))
            page = self._kept(key)
            rows += page
        if len(page) == query.limit:
            self._partial.add(key)
        if rows:
            self._rows[key] = rows
        return rows

    def _kept(self, key: str) -> Rows:
        rows = self._rows[key]
        return rows if isinstance(rows, tuple) else ()

    def _is_over(self) -> bool:
        return self._over or self._made() > MOST_CALLS - _MOST_OF_ONE

    async def _answered(self, question: Question) -> Payload | Unanswered:
        try:
            answer: Payload | Unanswered = await self._transport.send(_call(question))
        except AuthRefused as exc:
            self._refused_login, self._over = str(exc), True
            answer = Unanswered(Trouble.REFUSED, str(exc))
        except PortError as exc:
            answer = _unanswered(exc)
            self._over = self._over or isinstance(exc, ThresholdSpent)
        silent = isinstance(answer, Unanswered) and _is_silence(answer)
        self._silent = self._silent + 1 if silent else 0
        self._over = self._over or self._silent >= _MOST_SILENCE
        return answer


def rows_of(query: Query, answer: Payload | Unanswered) -> Rows | Unanswered:
    """Return the rows of an answer; rows that were not asked for show that the query was not applied."""
    if isinstance(answer, Unanswered):
        return answer
    items = answer.get("items")
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        return Unanswered(Trouble.FAILED, f"a query of {query.entity} answered without a list of records")
    if not all(holds(condition, row) for row in items for condition in query.conditions):
        return Unanswered(Trouble.FAILED, f"Autotask did not apply the whole query of {query.entity}")
    return tuple(items)


def _next_page(key: str, query: Query, page: Rows) -> Question:
    last = max(row["id"] for row in page if isinstance(row.get("id"), int))
    return msgspec.structs.replace(asks_for(key, query), body=query.body(after=last))


def _call(question: Question) -> Call:
    return Call(
        method="GET" if question.body is None else "POST",
        path=question.path,
        endpoint=question.endpoint,
        body=question.body,
        precedence=Precedence.COMPLETE,  # a person waits, and it is soon over
        most=MOST if question.query is None else MOST_OF_QUERY,
    )


def _unanswered(exc: PortError) -> Unanswered:
    match exc:
        case Rejected():
            trouble = Trouble.REFUSED
        case NoRoute():
            trouble = Trouble.NO_ROUTE
        case Unreached() | NoAnswer():
            trouble = Trouble.NO_HTTP
        case Throttled():
            trouble = Trouble.THROTTLED
        case _:
            trouble = Trouble.FAILED
    return Unanswered(trouble, str(exc))


def _is_silence(answer: Unanswered) -> bool:
    return answer.trouble is Trouble.NO_HTTP


def _may_be_login(answer: Unanswered) -> bool:
    """Whether the first answer of all may be a refusal of the credential, in words that nobody knows."""
    if answer.trouble is Trouble.REFUSED:
        return True
    faulty = is_unclear(ErrorBody((answer.why,)))
    return answer.why.startswith(("HTTP 401", "HTTP 403", "HTTP 500")) and not faulty

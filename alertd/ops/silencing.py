"""The admin API's silences, as `alertd silence` uses them. Alertmanager's own API is beside it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from aiohttp import hdrs, web

from alertd.core.matchers import Matcher, MatcherError, parse_matchers
from alertd.core.silences import Asked, Silence, SilenceRefused, SilenceState, expired, propose, state_of
from alertd.flows.ports import Clock, Silences
from alertd.ops.admin import Route
from alertd.ops.replies import reply_error, reply_json

SHOWN = (SilenceState.ACTIVE, SilenceState.PENDING)  # unless somebody asks for others

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class NewSilence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request for a new silence."""

    matchers: list[str]  # as amtool writes them: `host="fs02"`; all have to match
    ends_at: Instant
    starts_at: Instant | None = None  # None: now
    created_by: str = ""
    comment: str = ""


_read = msgspec.json.Decoder(NewSilence).decode


def silence_document(silence: Silence, now: datetime) -> dict[str, Any]:
    """Return one silence as lists show it."""
    return {
        "id": silence.id,
        "state": state_of(silence, now).value,
        "matchers": [str(matcher) for matcher in silence.matchers],
        "starts_at": _at(silence.starts_at),
        "ends_at": _at(silence.ends_at),
        "created_by": silence.created_by,
        "comment": silence.comment,
        "updated_at": _at(silence.updated_at),
        "annotations": silence.annotations,
    }


def shown_silences(
    silences: Iterable[Silence], states: Collection[str], now: datetime
) -> list[dict[str, Any]]:
    """Return those in these states, the first to end first. No state: all that are not over."""
    shown = [each for each in silences if state_of(each, now) in (states or SHOWN)]
    return [silence_document(each, now) for each in sorted(shown, key=lambda each: each.ends_at)]


class OperatorSilences:
    """Answers `/api/v1/silences`.

    Args:
        silences: Where they are kept and take effect.
        clock: Says which are over.
        new_id: Makes the id of a new one.
    """

    def __init__(
        self, silences: Silences, clock: Clock, *, new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    ) -> None:
        self._silences = silences
        self._clock = clock
        self._new_id = new_id

    def routes(self) -> list[Route]:
        """Return what is served, and by what."""
        return [
            Route((hdrs.METH_GET, hdrs.METH_HEAD), "/api/v1/silences", self._list),
            Route((hdrs.METH_POST,), "/api/v1/silences", self._add),
            Route((hdrs.METH_POST,), "/api/v1/silences/{id}/expire", self._expire),
        ]

    async def _list(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        asked = request.query.getall("state", [])
        unknown = set(asked) - set(SilenceState)
        if unknown:
            return reply_error(400, f"state should be one of {', '.join(SilenceState)}")
        return reply_json(shown_silences(self._silences.silences(), asked, self._clock.now()))

    async def _add(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        if request.content_type != "application/json":  # what a browser sends unasked is something else
            return reply_error(415, "send application/json")
        now = self._clock.now()
        try:
            asked = _asked(_read(await request.read()), now)
            made = propose(None, asked, now=now, new_id=self._new_id())
        except (msgspec.DecodeError, UnicodeDecodeError, MatcherError, SilenceRefused) as exc:
            return reply_error(400, str(exc))
        await self._silences.keep(*made.silences)
        return reply_json(silence_document(made.silence, now), status=201)

    async def _expire(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        found = self._silences.silence(names["id"])
        if found is None:
            return reply_error(
                404, f"there is no silence {names['id']}; alertd silence list shows those there are"
            )
        now = self._clock.now()
        over = expired(found, now)
        if over is not found:
            await self._silences.keep(over)
        return reply_json(silence_document(over, now))


def _asked(new: NewSilence, now: datetime) -> Asked:
    matchers: list[Matcher] = []
    for text in new.matchers:
        matchers.extend(parse_matchers(text))
    return Asked(
        matchers=tuple(matchers),
        starts_at=new.starts_at or now,
        ends_at=new.ends_at,
        created_by=new.created_by,
        comment=new.comment,
    )


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Silences over Alertmanager's API: list, show, make or change, expire."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping

from aiohttp import web

from alertd.core.silences import Silence, SilenceRefused, SilenceState, expired, propose
from alertd.core.v2.silences import show_silence, show_silences
from alertd.flows.ports import Clock, Silences
from alertd.ops.v2.bodies import read_body
from alertd.ops.v2.posted_silences import read_silence
from alertd.ops.v2.questions import Question, require_json_accepted, require_json_sent
from alertd.ops.v2.replies import WRONG_FORMAT, Problem, body, document, refused

_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


class SilenceDesk:
    """Answers what concerns silences.

    Args:
        silences: Those that are kept.
        clock: Says which of them are active.
    """

    def __init__(self, silences: Silences, clock: Clock) -> None:
        self._silences = silences
        self._clock = clock
        self._changing = asyncio.Lock()  # what is read has to be what is replaced

    async def show_all(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        """Answer `GET /silences`."""
        require_json_accepted(request)
        question = Question(request)
        shown = show_silences(
            self._silences.silences(),
            self._clock.now(),
            having=question.matchers(),
            states=frozenset(state for state in SilenceState if question.flag(state.value)),
        )
        return document(shown)

    async def show(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        """Answer `GET /silence/{id}`."""
        require_json_accepted(request)
        return document(show_silence(self._named(names), self._clock.now()))

    async def post(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        """Answer `POST /silences`: make a silence, or change one."""
        raw = await read_body(request)
        if raw.strip():
            require_json_sent(request)
        silence_id, asked = read_silence(raw)
        async with self._changing:
            existing = self._silences.silence(silence_id) if silence_id else None
            if silence_id and existing is None:
                raise Problem(404, "silence not found")
            try:
                proposed = propose(existing, asked, now=self._clock.now(), new_id=str(uuid.uuid4()))
            except SilenceRefused as exc:
                raise Problem(400, str(exc)) from None
            await self._silences.keep(*proposed.silences)
        return document({"silenceID": proposed.silence.id})

    async def expire(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        """Answer `DELETE /silence/{id}`: end it now. One that is over stays as it is."""
        require_json_accepted(request)
        async with self._changing:
            silence = self._named(names)
            await self._silences.keep(expired(silence, self._clock.now()))
        return body(b"")

    def _named(self, names: Mapping[str, str]) -> Silence:
        """Return the silence of the path.

        Raises:
            Problem: 422, the id is none; 404, nobody has it.
        """
        if not _UUID.fullmatch(names["id"]):
            raise refused(422, f'silenceID in path must be of type uuid: "{names["id"]}"', code=WRONG_FORMAT)
        found = self._silences.silence(names["id"])
        if found is None:
            raise Problem(404, None)
        return found

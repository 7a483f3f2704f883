"""GoAlert's generic inlet: JSON, a form or the query; the token in the query, in a form or in a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

import msgspec
from aiohttp import hdrs

from alertd.core.reading.objects import text_in
from alertd.core.sources import goalert
from alertd.flows.ports import Appended
from alertd.intake.answers import Answer, Refused
from alertd.intake.delivery import Call
from alertd.intake.doors import POST, Door, Reception, Visit
from alertd.intake.native import Heard, Native, NativeDialect, Refusal
from alertd.intake.presented import is_path_alone, presented

KIND = "goalert"
PATHS = ("/goalert/api/v2/generic/incoming", "/api/v2/generic/incoming")
_TOKENS = ("token", "integrationKey", "integration_key", "key")
_METHODS = POST | {hdrs.METH_GET}
_NAMED = "|".join(_TOKENS).encode()
_IN_FORM = re.compile(rb"(?:^|&)(?:%b)=([^&\s]{1,256})" % _NAMED)
_IN_PART = re.compile(
    rb'; *name="?(?:%b)"?[^\r\n]{0,300}+(?:\r?\n[^\r\n]{1,300}+){0,5}+\r?\n\r?\n([^\r\n]{1,256})' % _NAMED
)
_MARK = b"***"
_JSON = "application/json"


def doors(reception: Reception) -> Sequence[Door]:
    """Return the doors: with and without our prefix."""
    return [
        Door(path=path, methods=_METHODS, serve=_Inlet(reception, path).take, refuse=_refuse)
        for path in PATHS
    ]


class _Inlet:
    def __init__(self, reception: Reception, path: str) -> None:
        self._reception = reception
        self._path = path

    async def take(self, visit: Visit) -> Answer:
        """Take it. A token in a form is known only when the body has been read."""
        if is_path_alone(visit.request):
            return await self._keep(visit, b"")
        shown = presented(visit.request, visit.query, names=_TOKENS)
        if not self._reception.admission.is_anybodys(shown.tokens):
            self._reception.admission.let_try(visit.request, self._path, visit.exchange)
        async with self._reception.deliveries.body(visit.request, visit.exchange) as raw:
            return await self._keep(visit, raw)

    async def _keep(self, visit: Visit, raw: bytes) -> Answer:
        shown = presented(visit.request, visit.query, names=_TOKENS)
        in_body, raw = _token_in(raw)
        tokens = [*shown.tokens, *in_body]
        sender = self._reception.admission.admit(
            visit.request, None, url_token=None, exchange=visit.exchange, presented=tokens
        )
        self._reception.admission.passed(visit.request, self._path, visit.exchange)
        dialect = NativeDialect(_native(sender.name, visit.request.headers.get(hdrs.ACCEPT, "")))
        call = Call(visit.request, sender, dialect, shown.query, visit.exchange)
        return await self._reception.deliveries.keep(call, raw)


def _token_in(raw: bytes) -> tuple[list[bytes], bytes]:
    """Return the token of a form, if there is one, and the form without it."""
    found = _IN_PART.search(raw) if raw.startswith(b"--") else _IN_FORM.search(raw)
    if found is None or raw.lstrip().startswith((b"{", b"[")):
        return [], raw
    token = found[1] if raw.startswith(b"--") else unquote_to_bytes(found[1].replace(b"+", b" "))
    return [token], raw[: found.start(1)] + _MARK + raw[found.end(1) :]


def _native(source: str, accept: str) -> Native:
    """Return how this request is answered: with nothing, or with an id where JSON was asked for."""
    wants_json = accept.strip().lower() == _JSON

    def reply(heard: Heard, appended: Appended) -> bytes:
        if not wants_json:
            return b""
        answer = {"AlertID": appended.journal_id, "ServiceID": source, "IsNew": not appended.duplicate}
        return msgspec.json.encode(answer)

    return Native(kind=KIND, status=200 if wants_json else 204, refuse=_refusal, reply=reply, faults=_faults)


def _faults(heard: Heard) -> Sequence[str]:
    body = heard.tree if isinstance(heard.tree, dict) else {}
    fields = {**heard.said, **body}
    if text_in(fields, "summary") or goalert.is_close(text_in(fields, "action")):
        return ()
    return ("invalid value for 'Summary': must not be empty",)


def _refusal(why: Sequence[str]) -> Refusal:
    return Refusal(400, msgspec.json.encode({"error": why[0]}))


def _refuse(refused: Refused) -> bytes:
    return msgspec.json.encode({"error": refused.why})

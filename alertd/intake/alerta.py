"""Alerta's API: alerts and heartbeats, the settings that its command asks for first, and what it has sent."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from aiohttp import hdrs

from alertd.core.reading.objects import text_in
from alertd.core.sources import alerta
from alertd.flows.ports import Appended
from alertd.intake import alerta_documents as documents
from alertd.intake.alerta_reads import Reads
from alertd.intake.answers import Answer, Refused
from alertd.intake.delivery import Call
from alertd.intake.doors import POST, READ, Door, Reception, Visit
from alertd.intake.metrics import Outcome
from alertd.intake.native import Heard, Native, NativeDialect, Refusal
from alertd.intake.presented import Presented, presented
from alertd.intake.senders import Sender

KIND = "alerta"
BASES = ("/alerta", "/api", "/alerta/api")
_GET = frozenset({hdrs.METH_GET})


def doors(reception: Reception) -> Sequence[Door]:
    """Return the doors below each of the bases."""
    desk = _Desk(reception)
    reads = Reads(reception, desk.admitted)
    served = (
        ("/alert", POST, desk.alert),
        ("/heartbeat", POST, desk.heartbeat),
        ("/alert/{id}", _GET, reads.alert),
        ("/alerts", _GET, reads.listed),
        ("/alerts/count", _GET, reads.counted),
        ("/config", READ, desk.config),
    )
    return [
        Door(path=f"{base}{path}", methods=methods, serve=serve, refuse=_refuse)
        for base in BASES
        for path, methods, serve in served
    ]


class _Desk:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._alerts = Native(kind=KIND, status=201, refuse=_refusal, reply=_reply_to_alert, faults=_faults)
        self._heartbeats = Native(kind=KIND, status=201, refuse=_refusal, reply=_reply_to_heartbeat)

    def admitted(self, visit: Visit) -> tuple[Sender, Presented]:
        """Return whose request it is.

        Raises:
            Refused: Nobody's.
        """
        shown = presented(
            visit.request, visit.query, scheme="key", headers=("X-API-Key",), names=("api-key",)
        )
        sender = self._reception.admission.admit(
            visit.request, None, url_token=None, exchange=visit.exchange, presented=shown.tokens
        )
        return sender, shown

    async def alert(self, visit: Visit) -> Answer:
        return await self._take(visit, self._alerts)

    async def heartbeat(self, visit: Visit) -> Answer:
        return await self._take(visit, self._heartbeats, (("action", alerta.HEARTBEAT),))

    async def config(self, visit: Visit) -> Answer:
        """Tell everybody what Alerta's command asks for before it shows its key. It says nothing of ours."""
        return self._reception.answers.json(200, documents.CONFIG)

    async def _take(self, visit: Visit, native: Native, said: tuple[tuple[str, str], ...] = ()) -> Answer:
        sender, shown = self.admitted(visit)
        call = Call(visit.request, sender, NativeDialect(native), shown.query, visit.exchange, said)
        async with self._reception.deliveries.body(
            visit.request, visit.exchange, limit=sender.max_body
        ) as raw:
            return await self._reception.deliveries.keep(call, raw)


def _faults(heard: Heard) -> Sequence[str]:
    names = ("resource", "event")
    return [f'Missing mandatory value for "{name}"' for name in names if not text_in(heard.tree, name)]


def _reply_to_alert(heard: Heard, appended: Appended) -> bytes:
    document = documents.alert(heard.tree, heard.alerts[0], receipt=appended.receipt, received_at=heard.at)
    return msgspec.json.encode({"status": "ok", "id": document["id"], "alert": document})


def _reply_to_heartbeat(heard: Heard, appended: Appended) -> bytes:
    document = documents.heartbeat(heard.tree, receipt=appended.receipt, received_at=heard.at)
    return msgspec.json.encode({"status": "ok", "id": document["id"], "heartbeat": document})


def _refusal(why: Sequence[str]) -> Refusal:
    return Refusal(400, _error(400, why[0]))


def _refuse(refused: Refused) -> bytes:
    is_nobody = refused.outcome is Outcome.UNAUTHORIZED
    message = "Missing authorization API Key or Bearer Token, or it is invalid" if is_nobody else refused.why
    return _error(refused.status, message)


def _error(status: int, message: str) -> bytes:
    return msgspec.json.encode({"status": "error", "message": message, "code": status, "errors": None})

"""Opsgenie's alert API at its own paths: creates, what is done to alerts, heartbeats, and questions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec
from aiohttp import hdrs

from alertd.core.sources import opsgenie
from alertd.flows.ports import Appended
from alertd.intake.answers import Answer, Refused
from alertd.intake.delivery import Call
from alertd.intake.doors import POST, Door, Reception, Visit
from alertd.intake.identifiers import new_uuid, uuid_of
from alertd.intake.metrics import Outcome
from alertd.intake.native import Heard, Native, NativeDialect, Refusal
from alertd.intake.opsgenie_reads import Reads
from alertd.intake.presented import Presented, is_path_alone, presented
from alertd.intake.senders import Sender

KIND = "opsgenie"
ALERTS = "/v2/alerts"
ALERT = "/v2/alerts/{id}"
PING = "/v2/heartbeats/{name}/ping"
_GET = frozenset({hdrs.METH_GET})
_PUT = frozenset({hdrs.METH_PUT, hdrs.METH_PATCH})
_DELETE = frozenset({hdrs.METH_DELETE})
_ANY = POST | _GET | _PUT
_POSTED = (
    *("close", "acknowledge", "unacknowledge", "notes", "snooze", "escalate", "assign"),
    *("responders", "teams", "tags", "details"),
)
_PUTTED = ("message", "description", "priority")
_DELETED = ("tags", "details")
_PROCESSED = "Request will be processed"
_PONG = "PONG - Heartbeat received"
_Serve: TypeAlias = Callable[[Visit], Awaitable[Answer]]


def doors(reception: Reception) -> Sequence[Door]:
    """Return the doors of the alert API."""
    desk = _Desk(reception)
    reads = Reads(reception, desk.admitted)
    return [
        desk.door(ALERTS, POST, desk.create),
        desk.door(ALERTS, _GET, reads.listed),
        desk.door(f"{ALERTS}/count", _GET, reads.counted),
        desk.door(f"{ALERTS}/requests/{{request}}", _GET, reads.request),
        desk.door(ALERT, _GET, reads.alert),
        desk.door(ALERT, _DELETE, desk.action("delete")),
        *(desk.door(f"{ALERT}/{name}", POST, desk.action(name)) for name in _POSTED),
        *(desk.door(f"{ALERT}/{name}", _PUT | POST, desk.action(name)) for name in _PUTTED),
        *(desk.door(f"{ALERT}/{name}", _DELETE, desk.action(name)) for name in _DELETED),
        desk.door(f"{ALERT}/actions/{{action}}", POST, desk.custom_action),
        desk.door(PING, _ANY, desk.ping),
    ]


class _Desk:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._entropy = reception.world.entropy

    def door(self, path: str, methods: frozenset[str], serve: _Serve) -> Door:
        return Door(path=path, methods=methods, serve=serve, refuse=self._refuse)

    def admitted(self, visit: Visit) -> tuple[Sender, Presented]:
        """Return whose request it is.

        Raises:
            Refused: Nobody's.
        """
        shown = presented(visit.request, visit.query, scheme="geniekey", names=("apiKey",))
        sender = self._reception.admission.admit(
            visit.request, None, url_token=None, exchange=visit.exchange, presented=shown.tokens
        )
        return sender, shown

    async def create(self, visit: Visit) -> Answer:
        said = (("action", opsgenie.CREATE), (opsgenie.NEW_ID, str(new_uuid(self._entropy))))
        call = self._call(visit, said, _PROCESSED)
        async with self._reception.deliveries.body(
            visit.request, visit.exchange, limit=call.sender.max_body
        ) as raw:
            return await self._reception.deliveries.keep(call, raw)

    def action(self, name: str) -> _Serve:
        async def act(visit: Visit) -> Answer:
            said = (("action", name), ("identifier", visit.names["id"]))
            return await self._done(visit, self._call(visit, said, _PROCESSED))

        return act

    async def custom_action(self, visit: Visit) -> Answer:
        action = f"action {visit.names['action']}"
        said = (("action", action), ("identifier", visit.names["id"]))
        return await self._done(visit, self._call(visit, said, _PROCESSED))

    async def ping(self, visit: Visit) -> Answer:
        said = (("action", opsgenie.PING), ("identifier", visit.names["name"]))
        return await self._done(visit, self._call(visit, said, _PONG))

    async def _done(self, visit: Visit, call: Call) -> Answer:
        """Take what the path says in full: a body may be there."""
        if is_path_alone(visit.request):
            return await self._reception.deliveries.keep(call, b"")
        async with self._reception.deliveries.body(
            visit.request, visit.exchange, limit=call.sender.max_body
        ) as raw:
            return await self._reception.deliveries.keep(call, raw)

    def _call(self, visit: Visit, said: tuple[tuple[str, str], ...], result: str) -> Call:
        sender, shown = self.admitted(visit)
        native = Native(
            kind=KIND,
            status=202,
            refuse=self._refusal,
            reply=lambda heard, appended: self._reply(visit, appended, result),
            faults=_faults,
        )
        return Call(visit.request, sender, NativeDialect(native), shown.query, visit.exchange, said)

    def _reply(self, visit: Visit, appended: Appended, result: str) -> bytes:
        took_s = self._reception.world.monotonic() - visit.exchange.began
        return msgspec.json.encode(
            {"result": result, "took": round(took_s, 3), "requestId": uuid_of(appended.receipt)}
        )

    def _refusal(self, why: Sequence[str]) -> Refusal:
        pairs = (fault.partition(": ") for fault in why)
        errors = {name: text for name, _, text in pairs if name in opsgenie.FIELDS}
        if not errors:
            return Refusal(400, self._error("Could not parse the request body"))
        document = {"message": "Request body is not processable. Please check the errors.", "errors": errors}
        return Refusal(422, self._error(document["message"], errors=errors))

    def _refuse(self, refused: Refused) -> bytes:
        is_nobody = refused.outcome is Outcome.UNAUTHORIZED
        return self._error("Could not authenticate" if is_nobody else refused.why)

    def _error(self, message: object, **more: object) -> bytes:
        request = str(new_uuid(self._entropy))
        return msgspec.json.encode({"message": message, **more, "took": 0.0, "requestId": request})


def _faults(heard: Heard) -> Sequence[str]:
    if heard.said.get("action") != opsgenie.CREATE:
        return ()
    return [f"{name}: {text}" for name, text in opsgenie.faults_of(heard.tree).items()]

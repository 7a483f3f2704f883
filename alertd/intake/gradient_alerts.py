"""Alerts at Gradient's vendor API, and what became of them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import msgspec
import structlog

from alertd.core.alerts import Alert
from alertd.core.incidents import state_of
from alertd.core.reading.bodies import Body, Unreadable
from alertd.core.sources import gradient
from alertd.core.vendor_bodies import BadBody, id_of, object_of
from alertd.core.vendors import Account, Heard
from alertd.flows.errors import StoreFailed
from alertd.flows.ports import Appended, Entry, IncidentRow
from alertd.intake import gradient_documents as documents
from alertd.intake.answers import Answer, overloaded
from alertd.intake.delivery import Call
from alertd.intake.dialects import Taken, bounded, parked, taken
from alertd.intake.doors import Reception
from alertd.intake.gradient_desk import VendorDesk, body_of, ids_in_path
from alertd.intake.gradient_documents import Document
from alertd.intake.gradient_gate import Caller
from alertd.intake.senders import Sender, read_again

KIND = "gradient"
_FAILED = 500  # what Gradient says of a ticket that its PSA refused

_log = structlog.get_logger("alertd.intake")


class GradientDialect:
    """`POST /alerting/{accountId}`: what can be read is taken, and the answer names the message."""

    def check(self, content_type: str) -> None:
        """Take anything: some clients name none."""

    async def take(self, sender: Sender, body: Body, at: datetime) -> Taken:
        """Read the alert."""
        reading = await bounded(sender, partial(sender.read_as, KIND), body, at)
        if isinstance(reading, str):
            return _refused(parked(KIND, reading))
        whole = taken(KIND, reading)
        return msgspec.structs.replace(whole, status=201) if whole.alerts else _refused(whole)

    def answer(self, taken: Taken, appended: Appended) -> bytes:
        """Return the ids by which the vendor can ask for it."""
        if taken.document is not None:
            return taken.document
        message = documents.message_id(appended.receipt)
        return msgspec.json.encode(
            {
                "messageId": message,
                "alertId": taken.alerts[0].annotations.get("alert_id", message),
                "correlationID": documents.object_id(appended.receipt),
            }
        )


def _refused(parked: Taken) -> Taken:
    document = documents.error(400, f"the alert cannot be read: {parked.parked}")
    return msgspec.structs.replace(parked, status=400, document=msgspec.json.encode(document))


class AlertDoors:
    """Takes alerts, and tells what became of them."""

    def __init__(self, reception: Reception, desk: VendorDesk) -> None:
        self._desk = desk
        self._journal = reception.world.journal
        self._standing = reception.world.standing
        self._dialect = GradientDialect()

    async def take(self, caller: Caller) -> Answer:
        """Take an alert of an account, known or not: it would be worse to lose it."""
        ids = ids_in_path(caller, "account")
        async with self._desk.body(caller) as raw:
            account = await self._desk.account(caller, ids)
            if account is None and caller.settings.strict_accounts:
                return self._desk.no(404, f"No account map found with id: {ids[0]}")
            said = await self._said(caller, account or Account(id=ids[-1]), raw)
            visit = caller.visit
            call = Call(visit.request, caller.sender, self._dialect, visit.query, visit.exchange, said)
            answer = await self._desk.deliveries.keep(call, raw)
        if answer.status < 300:
            await self._note(caller)
        return answer

    async def _said(self, caller: Caller, account: Account, raw: bytes) -> tuple[tuple[str, str], ...]:
        """Return what the path says, and the names of what it and the body mention, as they are now."""
        try:
            service_id = id_of(object_of(body_of(caller, raw)).get("serviceId"))
        except BadBody:
            service_id = ""
        service = await self._desk.service(caller, [service_id]) if service_id else None
        names = (
            (gradient.ACCOUNT, account.id),
            (gradient.ACCOUNT_NAME, account.name),
            (gradient.SERVICE_NAME, service.name if service is not None else ""),
        )
        return tuple((name, text) for name, text in names if text)

    async def _note(self, caller: Caller) -> None:
        """Make the integration active. The alert is safe whether or not this can be kept."""
        with contextlib.suppress(StoreFailed):
            await self._desk.vendors.keep(caller.source, [Heard()], self._desk.clock.now())

    async def tell(self, caller: Caller) -> Answer:
        """Tell what became of a message: it can be asked for as soon as it is answered."""
        message = caller.visit.names["message"]
        receipt = documents.receipt_of(message)
        try:
            entry = await self._journal.entry(receipt) if receipt is not None else None
            if entry is None or entry.envelope.source != caller.source or entry.envelope.kind != KIND:
                return self._desk.no(404, f"No alert message found with id: {message}")
            return self._desk.answer({"messageId": message, **await self._told(caller, entry)})
        except StoreFailed as exc:
            raise overloaded("the store cannot be read") from exc

    async def _told(self, caller: Caller, entry: Entry) -> Document:
        envelope = entry.envelope
        if envelope.parked is not None and envelope.parked_messages >= envelope.messages:
            return _failed(400, envelope.parked)
        if not entry.decided:
            return _pending("queued")
        return _state(await self._incidents(_alerts(entry, caller.sender)))

    async def _incidents(self, alerts: Sequence[Alert]) -> list[IncidentRow]:
        conditions = (await self._standing.load([alert.key for alert in alerts], ())).conditions
        keys = [key for row in conditions.values() for key in row.condition.incidents]
        return list((await self._standing.load((), keys)).incidents.values()) if keys else []


def _alerts(entry: Entry, sender: Sender) -> Sequence[Alert]:
    try:
        return read_again(entry.envelope, sender)
    except Unreadable:  # its source has been configured anew since
        return ()


def _state(rows: Sequence[IncidentRow]) -> Document:
    """Return the state of the first ticket that stands, else why there is none, else that it is to come."""
    for row in rows:
        ticket = row.incident.ticket or row.known.ticket
        if ticket is not None:
            number = ticket.number or f"with the id {ticket.id}"
            made_at = row.known.created_at
            told: Document = {"status": "success", "ticketId": str(ticket.id), "message": f"ticket {number}"}
            return told | ({"createdAt": documents.instant(made_at)} if made_at is not None else {})
    for row in rows:
        if row.known.parked is not None:
            return _failed(_FAILED, row.known.parked)
    states = ", ".join(dict.fromkeys(state_of(row.incident) for row in rows))
    return _pending(f"no ticket yet; the incident is {states}" if rows else "no ticket is wanted")


def _pending(message: str) -> Document:
    return {"status": "pending", "message": message}


def _failed(status: int, why: str) -> Document:
    return {"status": "failed", "statusCode": status, "errors": [why], "message": "ticket not created"}

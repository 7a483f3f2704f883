"""What operators may ask and do: the answers behind the admin API and the command line, all JSON-able."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from alertd.app import explaining
from alertd.app.storms import storm_of, with_storm
from alertd.app.usage import count_row, usage_rows
from alertd.autotask.links import DeepLinks
from alertd.autotask.zone import REMEMBERED, remembered_web_url
from alertd.core import acknowledging, digest_text, outcomes
from alertd.core.alerts import Alert
from alertd.core.folding import Routing
from alertd.core.history import Happening
from alertd.core.incidents import (
    OPEN_STATES,
    Acknowledged,
    Closed,
    Holding,
    Incident,
    Silenced,
    Waiting,
    may_complete,
)
from alertd.core.matchers import Labels
from alertd.core.routes import explain as explain_routes
from alertd.core.routes import match, place
from alertd.core.shadowing import is_planned
from alertd.core.silences import Silence, shown_id
from alertd.core.tickets import Known
from alertd.flows.errors import Conflict
from alertd.flows.ports import ConditionRow, Entry, Envelope, Step
from alertd.flows.rows import incident_write
from alertd.intake.identifiers import receipt_of
from alertd.store.reading import StoredIncident
from alertd.store.store import Reader, Store

Document: TypeAlias = dict[str, Any]
MOST_HISTORY = 500
MOST_TOLD = 20  # incidents of one answer in full, as each takes reads of its own


class Inquiries:
    """Questions. They need no more than a store that can be read."""

    def __init__(
        self,
        reader: Reader,
        *,
        read: Callable[[Envelope], Sequence[Alert]],
        routing: Callable[[], Routing],
        pressure: Callable[[], int] = lambda: 0,
    ) -> None:
        self._reader = reader
        self._read = read
        self._routing = routing
        self._pressure = pressure

    async def incidents(self, *, limit: int, states: Sequence[str] | None = None) -> list[Document]:
        """Return incidents in these states (None: all but closed ones), newest first."""
        found = await self._reader.incidents(states=states or OPEN_STATES, limit=limit)
        links = await self._links()
        silences = await self._silences_of(found)
        return [summary(each, links) | silenced(each.incident, silences) for each in found]

    async def _silences_of(self, found: Sequence[StoredIncident]) -> dict[str, Silence]:
        if not any(isinstance(each.incident.phase, Silenced) for each in found):
            return {}
        return {each.id: each for each in await self._reader.stored_silences()}

    async def parked(self, *, limit: int) -> list[Document]:
        """Return what is set aside for a person: refused tickets, and requests nobody could read."""
        refused = await self._reader.incidents(states=["parked"], limit=limit)
        entries = await self._reader.parked_entries(limit=limit)
        return [_parked_incident(each) for each in refused] + [_parked_entry(each) for each in entries]

    async def usage(self, source: str | None = None) -> list[Document]:
        """Return the newest count of every account and service of a source (None: of all)."""
        return await usage_rows(self._reader.vendors, source)

    async def explain(self, asked: str) -> Document | None:
        """Return all that is known about a receipt, fingerprint, incident key, ticket number or reference.

        A receipt may also be written as the UUID that some clients were given for it. None: there is nothing
        by that name.
        """
        entry = await self._reader.entry(asked) or await self._reader.entry(receipt_of(asked) or "")
        if entry is not None:
            return await self._explain_receipt(entry)
        rows = await self._reader.conditions_by_fingerprint(asked)
        if rows:
            return await self._explain_conditions(rows)
        found = await self._incident(asked)
        if found is None:
            return None
        return {"kind": "incident", "incidents": [await self._told(found)]}

    async def _incident(self, asked: str) -> StoredIncident | None:
        by_number = asked if asked[:1].upper() == "T" else ""
        if asked.startswith("planned-"):
            return await self._reader.incident_by_ticket_number(asked)
        return (
            await self._reader.incident(asked)
            or await self._reader.incident_by_reference(asked)
            or (await self._reader.incident_by_ticket_number(by_number.upper()) if by_number else None)
            or (await self._reader.incident_by_ticket_id(int(asked)) if asked.isdecimal() else None)
        )

    async def _explain_receipt(self, entry: Entry) -> Document:
        alerts = self._read(entry.envelope)
        rows = (await self._reader.load([alert.key for alert in alerts], ())).conditions
        mine = [rows[alert.key] for alert in alerts if alert.key in rows]
        return {
            "kind": "receipt",
            "receipt": _receipt(entry),
            "alerts": [self._alert(alert) for alert in alerts],
            "history": await self._history(receipts=[entry.envelope.receipt]),
            "usage": [count_row(each) for each in await self._reader.vendors.counted(entry.envelope.receipt)],
            "incidents": await self._incidents_told(mine),
        }

    async def _explain_conditions(self, rows: Sequence[ConditionRow]) -> Document:
        return {
            "kind": "alert",
            "conditions": [_condition(row) | self._routes(row.condition.labels) for row in rows],
            "history": await self._history(alert_keys=[row.condition.key for row in rows]),
            "incidents": await self._incidents_told(rows),
        }

    async def _incidents_told(self, rows: Sequence[ConditionRow]) -> list[Document]:
        """Tell the incidents of these conditions: the first in full, the others as lists show them."""
        keys = dict.fromkeys(key for row in rows for key in row.condition.incidents)
        found = await self._reader.incidents_by_key(list(keys))
        in_full = [await self._told(each) for each in found[:MOST_TOLD]]
        links = await self._links()
        return in_full + [summary(each, links) for each in found[MOST_TOLD:]]

    async def _links(self) -> DeepLinks:
        """Return the links into the tenant, as far as the store knows where people reach it."""
        return DeepLinks(remembered_web_url(await self._reader.get(REMEMBERED)))

    async def _told(self, stored: StoredIncident) -> Document:
        calls = await self._reader.calls_of(stored.incident.key)
        return {
            **summary(stored, await self._links()),
            **silenced(stored.incident, await self._silences_of([stored])),
            **await storm_of(self._reader, stored.incident),
            "next": with_storm(what_comes_next(stored), stored, self._pressure()),
            "members": [msgspec.to_builtins(member) for member in stored.incident.members.values()],
            "history": await self._history(incident_keys=[stored.incident.key]),
            "calls": [explaining.call_row(call) for call in calls[-explaining.MOST_CALLS :]],
            "calls_left_out": max(len(calls) - explaining.MOST_CALLS, 0),
            "routed": explaining.routed(stored.incident, self._routing()),
            "standing": explaining.standing(stored),
        }

    async def _history(
        self,
        *,
        incident_keys: Sequence[str] = (),
        alert_keys: Sequence[str] = (),
        receipts: Sequence[str] = (),
    ) -> list[Document]:
        lines = await self._reader.history(
            incident_keys=incident_keys, alert_keys=alert_keys, receipts=receipts, limit=MOST_HISTORY
        )
        return [_line(each) for each in lines]

    def _routes(self, labels: Labels) -> Document:
        """Why each of today's routes takes it, or not."""
        return {
            "routes": [msgspec.to_builtins(step) for step in explain_routes(self._routing().tree, labels)]
        }

    def _alert(self, alert: Alert) -> Document:
        """How it was read, and how today's routes would take it."""
        tree = self._routing().tree
        places = [(matched, *place(matched, alert)) for matched in match(tree, alert.labels)]
        return {
            "fingerprint": alert.fingerprint,
            "status": alert.status.value,
            "severity": alert.severity.value,
            "labels": alert.labels,
            "annotations": alert.annotations,
            **self._routes(alert.labels),
            "would_join": [
                {
                    "route": matched.policy.route_name,
                    "board": matched.policy.board,
                    "incident": key,
                    "group": group,
                }
                for matched, key, group in places
            ],
        }


class Operations(Inquiries):
    """Questions, and what changes something."""

    def __init__(
        self,
        store: Store,
        *,
        read: Callable[[Envelope], Sequence[Alert]],
        routing: Callable[[], Routing],
        now: Callable[[], datetime],
        wake_settling: Callable[[], None],
        pressure: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__(store, read=read, routing=routing, pressure=pressure)
        self._store = store
        self._now = now
        self._wake_settling = wake_settling

    async def retry(self, key: str) -> Document | None:
        """Try a parked incident again at once. None: there is no such incident."""
        while True:
            row = (await self._store.load((), (key,))).incidents.get(key)
            if row is None:
                return None
            now = self._now()
            write = incident_write(row, row.incident, outcomes.unparked(row.known), settle_at=now)
            told = Happening(at=now, what="retried", incident_key=key)
            try:
                await self._store.commit(Step(incidents=[write], history=[told]))
            except Conflict:
                continue
            self._wake_settling()
            return {"incident": key, "retried": True}


def summary(stored: StoredIncident, links: DeepLinks) -> Document:
    """Return one incident as lists show it."""
    incident = stored.incident
    ticket = incident.ticket or stored.known.ticket
    return {
        "incident": incident.key,
        "state": stored.state,
        "kind": incident.kind,
        "severity": incident.severity.value,
        "title": _title(incident),
        "client": incident.client,
        "route": incident.policy.route_name,
        "board": incident.policy.board,
        "group": incident.group,
        "ticket": ticket.number if ticket is not None else "",
        "ticket_id": ticket.id if ticket is not None else None,
        "url": links.ticket(ticket.id) if ticket is not None and not is_planned(ticket) else "",
        "planned": is_planned(ticket),
        "reference": stored.reference,
        "generation": incident.generation,
        "firing": sum(member.firing for member in incident.members.values()),
        "members_total": len(incident.members),
        "opened_at": _at(incident.opened_at),
        "touched": incident.touched,
        "parked": stored.known.parked or "",
        "receipt": incident.receipt,
        **acknowledged(incident),
    }


def acknowledged(incident: Incident) -> Document:
    """Return how a person has taken it off our hands, since when, and until when at the longest."""
    phase = incident.phase
    if not isinstance(phase, Acknowledged):
        return {}
    limit_at = acknowledging.limit_at(incident)
    return {
        "acknowledged_how": phase.how,
        "acknowledged_at": _at(phase.since),
        "acknowledged_until": _at(limit_at) if limit_at is not None else None,
    }


def _title(incident: Incident) -> str:
    if incident.kind == "summary":
        return digest_text.title(incident)
    return next((member.title for member in incident.members.values()), "")


def silenced(incident: Incident, silences: Mapping[str, Silence]) -> Document:
    """Return which silences keep its ticket back, and until when; nothing where none does."""
    phase = incident.phase
    if not isinstance(phase, Silenced):
        return {}
    return {
        "silenced_by": [shown_id(each) for each in phase.by],
        "silenced_until": _at(max(ends)) if (ends := _ends(phase, silences)) else None,
        "silenced_kind": phase.kind,
        "silenced_said": phase.said,
    }


def _ends(phase: Silenced, silences: Mapping[str, Silence]) -> list[datetime]:
    """When what keeps it quiet is over, as far as is known: a silence may be longer by now."""
    known = [silences[id_].ends_at for id_ in phase.by if id_ in silences]
    return known if phase.until is None else [phase.until, *known]


def what_comes_next(stored: StoredIncident) -> str:
    """Say in one sentence what alertd will do with this incident, and when."""
    incident, known = stored.incident, stored.known
    if known.parked is not None:
        return f"parked, since Autotask refused it: {known.parked} Mend that, then `alertd incidents retry`."
    if known.intent is not None and known.intent.unclear_at is not None:
        return "the answer to the last call was unclear: alertd is looking whether it was applied"
    if known.repair is not None:
        return f"Autotask refused the ticket ({known.repair.reason}); it is tried once more with less in it"
    if known.retry_at is not None:
        return f"the last call failed; it is tried again at {_at(known.retry_at)}"
    return _next_by_phase(incident, known) + _flapping(incident)


def _flapping(incident: Incident) -> str:
    if incident.flapping is None:
        return ""
    since, until = _at(incident.flapping.since), _at(incident.flapping.until)
    return f"; flapping since {since}, so its ticket is held open until it is stable: {until} at the earliest"


def _next_by_phase(incident: Incident, known: Known) -> str:
    match incident.phase:
        case Waiting() as phase:
            return _next_after_wait(incident, phase)
        case Silenced(said=said, kind="inhibited"):
            return f"inhibited by {said}; if it still fires when that is over it gets its ticket then"
        case Silenced(by=by, kind=kind):
            what = "silenced by" if kind == "silence" else "held back by"
            return f"{what} {', '.join(by)}; what still fires when that is over gets its ticket then"
        case Holding(_, until):
            return f"all clear; the ticket is completed at {_at(until)} unless it fires again"
        case Acknowledged():
            return acknowledging.what_comes_next(incident)
        case Closed() as phase:
            return f"closed ({phase.how}){_next_after_close(incident, phase, known)}"
        case _ if known.ticket is None:
            return "its ticket is about to be made"
        case _:
            return "the ticket stands; alertd waits for the all-clear"


def _next_after_wait(incident: Incident, phase: Waiting) -> str:
    if incident.kind == "summary":
        return f"a list of what got no ticket: filed at {_at(phase.until)}, complete from the start"
    match phase:
        case Waiting(until, datetime() as collected_at) if until > collected_at:
            return f"its ticket is made at {_at(until)} unless it has cleared by itself by then"
        case _ if not incident.policy.group_wait:
            return f"waiting until {_at(phase.until)} for what may inhibit it, then the ticket is made"
        case _:
            return f"collecting alerts of its group until {_at(phase.until)}, then the ticket is made"


def _next_after_close(incident: Incident, phase: Closed, known: Known) -> str:
    ours = may_complete(incident)
    if known.ticket is None and phase.wants_ticket:
        return f"; its ticket is about to be made{', complete from the start' if ours else ''}"
    if phase.untold == "create":
        return "; whether its ticket was made is not known yet"
    if known.ticket is None:
        return " without a ticket; firing again opens it anew"
    if phase.how in ("person", "gone") or (incident.completed and incident.status_taken):
        return "; firing again makes a new ticket that names this one"
    if incident.completed:
        return f"; firing again before {_at(phase.reopen_until)} reopens its ticket, later it makes a new one"
    return "; its ticket is about to be completed" if ours else "; its ticket was left open"


def _receipt(entry: Entry) -> Document:
    envelope = entry.envelope
    return {
        "receipt": envelope.receipt,
        "source": envelope.source,
        "kind": envelope.kind,
        "received_at": _at(envelope.received_at),
        "peer": envelope.peer,
        "messages": envelope.messages,
        "parked_messages": envelope.parked_messages,
        "parked": envelope.parked or "",
        "decided": entry.decided,
        "params": envelope.params,
        "body": envelope.body.decode("utf-8", "replace"),
    }


def _parked_entry(entry: Entry) -> Document:
    return {
        "kind": "request",
        "id": entry.envelope.receipt,
        "since": _at(entry.envelope.received_at),
        "source": entry.envelope.source,
        "reason": entry.envelope.parked or "",
        "fix": "Mend the sender's template or the source's mapping; the body is kept under its receipt.",
    }


def _parked_incident(stored: StoredIncident) -> Document:
    return {
        "kind": "incident",
        "id": stored.incident.key,
        "since": _at(stored.updated_at),
        "source": stored.incident.policy.route_name,
        "reason": stored.known.parked or "",
        "fix": "Mend what Autotask complains of, then `alertd incidents retry` or reload.",
    }


def _condition(row: ConditionRow) -> Document:
    condition = row.condition
    return {
        "source": condition.source,
        "fingerprint": condition.fingerprint,
        "firing": condition.firing,
        "expired": condition.expired,
        "severity": condition.severity.value,
        "labels": condition.labels,
        "annotations": condition.annotations,
        "started_at": _at(condition.started_at),
        "ended_at": _at(condition.ended_at),
        "seen_at": _at(condition.seen_at),
        "expires_at": _at(condition.expires_at),
        "incidents": list(condition.incidents),
    }


def _line(happening: Happening) -> Document:
    return {
        "at": _at(happening.at),
        "what": happening.what,
        "incident": happening.incident_key,
        "receipt": happening.receipt,
        "detail": happening.detail,
    }


def _at(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z") if instant is not None else None

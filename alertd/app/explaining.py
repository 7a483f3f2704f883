"""What `explain` says of an incident beside its history: calls, what differs from the wish, routing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from msgspec.structs import asdict

from alertd.core.folding import Routing
from alertd.core.incidents import Acknowledged, Closed, Incident, may_complete
from alertd.core.levels import wants_ticket
from alertd.core.routes import Policy
from alertd.core.tickets import Known
from alertd.flows.sending import Precedence
from alertd.store.happenings import Call
from alertd.store.reading import StoredIncident

Document: TypeAlias = dict[str, Any]
MOST_CALLS = 100  # of one incident, the newest


def call_row(call: Call) -> Document:
    """Return one call with what came of it; an empty outcome: none is known."""
    return {
        "at": _at(call.at),
        "endpoint": call.endpoint,
        "operation": call.operation,
        "outcome": call.outcome,
        "status": call.status,
        "answer": call.answer,
    }


def standing(stored: StoredIncident) -> Document:
    """Return what is wanted of the ticket, what Autotask last confirmed, and what holds the rest up."""
    incident, known = stored.incident, stored.known
    return {
        "desired": {
            "ticket": wants_ticket(incident),
            "done": isinstance(incident.phase, Closed) and may_complete(incident),
            "severity": incident.severity.value,
            "noted": incident.note_upto,
            "revision": incident.revision,
        },
        "known": {
            "ticket_id": known.ticket.id if known.ticket is not None else None,
            "verified": known.verified,
            "noted": known.noted,
            "tags": sorted(known.tags),
            "fields": {name: asdict(field) | {"ours": field.ours} for name, field in known.fields.items()},
            "refused": sorted(known.refused),
        },
        "differs": differs(incident, known),
        "settled": stored.settle_at is None,
        "next_at": _at(_next_at(stored)),
        "held": held(known),
        "tally": {name: count for name, count in asdict(incident.tally).items() if count},
    }


def differs(incident: Incident, known: Known) -> list[str]:
    """Return what of the ticket is not as it is wanted, in words; empty: nothing that we would mend."""
    if known.ticket is None:
        return ["the ticket is to be made"] if wants_ticket(incident) else []
    found = [] if known.verified else ["it is still to be read back"]
    if incident.note_upto > known.noted:
        found.append(f"changes {known.noted + 1} to {incident.note_upto} are to be noted")
    closed = isinstance(incident.phase, Closed) and may_complete(incident)
    if closed and not incident.completed:
        found.append("it is to be completed")
    if incident.completed and not isinstance(incident.phase, Closed | Acknowledged):
        found.append("it is to be reopened")
    found += [
        f"{name} is somebody else's: {field.seen}, and ours was {field.written}"
        for name, field in known.fields.items()
        if not field.ours
    ]
    return found


def held(known: Known) -> str:
    """Say why the next call does not go yet; empty: nothing keeps it back."""
    if known.retry_at is None:
        return ""
    at = _at(known.retry_at)
    if known.held_as is not None:
        kind = Precedence(known.held_as).name.lower().replace("_", " ")
        return f"calls of class {kind} are held back until {at}, by budget, pressure or an ill Autotask"
    return f"the last call failed, {known.attempts} in a row; it is tried again at {at}"


def routed(incident: Incident, routing: Routing) -> Document:
    """Return the route that was taken when it opened, and what of its policy is otherwise today."""
    today = routing.policies.get(incident.policy.route_name)
    return {
        "route": incident.policy.route_name,
        "board": incident.policy.board,
        "exists_today": today is not None,
        "differs_today": _policy_changes(incident.policy, today) if today is not None else {},
    }


def _policy_changes(then: Policy, today: Policy) -> Mapping[str, Mapping[str, str]]:
    before, after = asdict(then), asdict(today)
    return {
        name: {"then": str(before[name]), "today": str(after[name])}
        for name in before
        if before[name] != after[name]
    }


def _next_at(stored: StoredIncident) -> datetime | None:
    times = [at for at in (stored.due_at, stored.settle_at) if at is not None]
    return min(times, default=None)


def _at(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z") if instant is not None else None

"""What `explain` says of storms: what is in one, which one something is in, and what pressure holds back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from alertd.core.incidents import Acknowledged, Closed, Folded, Incident, state_of
from alertd.core.storms import GREEN, ORANGE, PRESSURES, Storm
from alertd.store.reading import StoredIncident
from alertd.store.store import Reader

Document: TypeAlias = dict[str, Any]
MOST_CHILDREN = 40


async def storm_of(reader: Reader, incident: Incident) -> Document:
    """Return what is in a storm, or which storm something is or was in; nothing where there is none."""
    if incident.storm is not None:
        return {"storm": await _parent(reader, incident, incident.storm)}
    if not incident.storm_key:
        return {}
    parent = await reader.incident(incident.storm_key)
    ticket = parent.ticket_number if parent is not None else None
    is_in = isinstance(incident.phase, Folded)
    return {"folded_into": {"incident": incident.storm_key, "ticket": ticket or "", "folded": is_in}}


async def _parent(reader: Reader, parent: Incident, storm: Storm) -> Document:
    children = await reader.storm_children(parent.key, since=storm.began_at, limit=MOST_CHILDREN)
    return {
        "active": storm.active,
        "began_at": _at(storm.began_at),
        "calm_at": _at(storm.calm_at),
        "promote_at": _at(storm.promote_at),
        "arrived": storm.arrived,
        "folded": storm.folded,
        "firing": storm.firing,
        "cleared": storm.cleared,
        "promoted": storm.promoted,
        "children": [_child(each) for each in children],
    }


def _child(incident: Incident) -> Document:
    main = next(iter(incident.members.values()))
    return {
        "incident": incident.key,
        "state": state_of(incident),
        "severity": incident.severity.value,
        "host": main.host,
        "title": main.title,
        "ticket": incident.ticket.number if incident.ticket is not None else "",
    }


def with_storm(said: str, stored: StoredIncident, pressure: int) -> str:
    """Add to what comes next for an incident what its storm, and the pressure, make of it."""
    incident = stored.incident
    if isinstance(incident.phase, Folded):
        said = f"folded into storm {incident.storm_key}; what still fires after it gets its own ticket"
    storm = _next_of_storm(incident)
    held = _held_back(stored, pressure)
    return "; ".join(part for part in (said, storm, held) if part)


def _next_of_storm(incident: Incident) -> str:
    storm = incident.storm
    if storm is None or isinstance(incident.phase, Acknowledged | Closed):
        return ""
    if storm.active:
        return f"the storm is over at {_at(storm.calm_at)} unless more arrives"
    if storm.firing and storm.promote_at is not None:
        return f"the next of {storm.firing} that fire gets its own ticket at {_at(storm.promote_at)}"
    return f"{storm.firing} fire, which are too many for tickets of their own" if storm.firing else ""


def _held_back(stored: StoredIncident, pressure: int) -> str:
    waits = isinstance(stored.incident.phase, Folded) and pressure >= ORANGE
    if waits or (stored.known.held_as is not None and pressure > GREEN):
        return f"held back: pressure {PRESSURES[pressure]}"
    return ""


def _at(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z") if instant is not None else None

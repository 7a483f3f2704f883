"""What Opsgenie's clients ask for: what became of a request, one alert, what is open, how many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from alertd.core import identity
from alertd.core.alerts import Severity, alert_key
from alertd.core.conditions import Condition
from alertd.core.reading.bodies import Body, Unreadable, clean
from alertd.core.reading.trees import tree_of
from alertd.core.sources import opsgenie
from alertd.flows.ports import Entry, Envelope
from alertd.intake.answers import Answer, Refused
from alertd.intake.doors import Reception, Visit
from alertd.intake.identifiers import receipt_of
from alertd.intake.metrics import Outcome
from alertd.intake.presented import Presented
from alertd.intake.reading_back import caught_up
from alertd.intake.senders import Sender

_MOST = 10_000  # firing alerts of all sources that are looked through
_PAGE = 20
_LONGEST_PAGE = 100
_PRIORITIES = {
    Severity.CRITICAL: "P1",
    Severity.HIGH: "P2",
    Severity.WARNING: "P3",
    Severity.LOW: "P4",
    Severity.INFO: "P5",
}
_STATUSES = {
    "create": "Created alert",
    "close": "Closed alert",
    "delete": "Deleted alert",
    "acknowledge": "Acknowledged alert",
    "unacknowledge": "UnAcknowledged alert",
    "notes": "Added note",
    "snooze": "Snoozed alert",
}


class Reads:
    """Answers questions from the journal and from what has been decided."""

    def __init__(self, reception: Reception, admitted: Callable[[Visit], tuple[Sender, Presented]]) -> None:
        self._reception = reception
        self._world = reception.world
        self._admitted = admitted

    async def request(self, visit: Visit) -> Answer:
        """Answer what became of a request, as soon as it has been decided."""
        sender, _ = self._admitted(visit)
        entry = await self._decided(visit.names["request"], sender)
        if entry is None:
            raise Refused(Outcome.MALFORMED, 404, "Request not found. It might not be processed, yet.")
        return self._answer(visit, {"data": _outcome_of(entry.envelope)})

    async def alert(self, visit: Visit) -> Answer:
        """Answer one alert by its alias."""
        sender, _ = self._admitted(visit)
        await caught_up(self._world.handover)
        fingerprint = identity.key_fingerprint(sender.name, (visit.names["id"],))
        key = alert_key(sender.name, fingerprint)
        row = (await self._world.standing.load([key], [])).conditions.get(key)
        if row is None:
            raise Refused(Outcome.MALFORMED, 404, "Alert does not exist")
        return self._answer(visit, {"data": _alert(row.condition, visit.names["id"])})

    async def listed(self, visit: Visit) -> Answer:
        """Answer the open alerts of the source, the newest first."""
        found = await self._open(visit)
        offset = _number(visit.query.get("offset", ""), 0)
        limit = min(_number(visit.query.get("limit", ""), _PAGE), _LONGEST_PAGE)
        rows = [_alert(each, "") for each in found[offset : offset + limit]]
        return self._answer(visit, {"data": rows, "paging": {}})

    async def counted(self, visit: Visit) -> Answer:
        """Answer how many alerts of the source are open."""
        return self._answer(visit, {"data": {"count": len(await self._open(visit))}})

    async def _open(self, visit: Visit) -> list[Condition]:
        sender, _ = self._admitted(visit)
        await caught_up(self._world.handover)
        rows = await self._world.standing.firing_conditions(limit=_MOST)
        found = [row.condition for row in rows if row.condition.source == sender.name]
        return sorted(found, key=lambda each: each.started_at, reverse=True)

    async def _decided(self, request: str, sender: Sender) -> Entry | None:
        receipt = receipt_of(request)
        if receipt is None:
            return None
        await caught_up(self._world.handover)
        entry = await self._world.journal.entry(receipt)
        if entry is None or entry.envelope.source != sender.name or not entry.decided:
            return None
        return entry

    def _answer(self, visit: Visit, document: dict[str, Any]) -> Answer:
        took_s = self._world.monotonic() - visit.exchange.began
        request = visit.names.get("request") or visit.request.headers.get("X-Request-ID") or ""
        whole = {**document, "took": round(took_s, 3), "requestId": clean(request)}
        return self._reception.answers.json(200, msgspec.json.encode(whole))


def _outcome_of(envelope: Envelope) -> dict[str, Any]:
    action = envelope.params.get("action", opsgenie.CREATE)
    alias = envelope.params.get("identifier") or _alias(envelope)
    is_success = envelope.parked is None
    status = _STATUSES.get(action, f"{action} done") if is_success else f"Not taken: {envelope.parked}"
    return {
        "success": is_success,
        "isSuccess": is_success,
        "action": action.capitalize(),
        "processedAt": _time(envelope.received_at),
        "integrationId": "",
        "status": status,
        "alertId": alias,
        "alias": alias,
    }


def _alias(envelope: Envelope) -> str:
    body = Body(raw=envelope.body, content_type=envelope.content_type)
    try:
        tree = tree_of(body)
    except Unreadable:
        tree = None
    return opsgenie.alias_of(tree, envelope.params)


def _alert(condition: Condition, alias: str) -> dict[str, Any]:
    labels, annotations = condition.labels, condition.annotations
    known = alias or labels.get("alias", "") or labels["alertname"]
    return {
        "id": known,
        "alias": known,
        "tinyId": "",
        "message": annotations.get("title", ""),
        "description": annotations.get("description", ""),
        "status": "open" if condition.firing else "closed",
        "acknowledged": False,
        "isSeen": False,
        "snoozed": False,
        "tags": [tag for tag in labels.get("tags", "").split(", ") if tag],
        "count": 1,
        "createdAt": _time(condition.started_at),
        "lastOccurredAt": _time(condition.seen_at),
        "updatedAt": _time(condition.seen_at),
        "source": labels.get("sent_source", ""),
        "owner": "",
        "priority": _PRIORITIES[condition.severity],
        "responders": [],
        "entity": labels.get("entity", ""),
        "details": dict(condition.sent_labels),
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else default

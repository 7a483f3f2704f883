"""What Alerta's clients ask for: an alert by its id, what is open, how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from alertd.core.conditions import Condition
from alertd.core.reading.bodies import Body, Unreadable
from alertd.core.reading.trees import tree_of
from alertd.flows.ports import Envelope
from alertd.intake import alerta_documents as documents
from alertd.intake.answers import Answer, Refused
from alertd.intake.doors import Reception, Visit
from alertd.intake.identifiers import receipt_of
from alertd.intake.metrics import Outcome
from alertd.intake.presented import Presented
from alertd.intake.reading_back import caught_up
from alertd.intake.senders import Sender

_KIND = "alerta"
_MOST = 10_000  # firing alerts of all sources that are looked through
_PAGE = 50
_LONGEST_PAGE = 1000
_FILTERS = ("id", "resource", "event", "environment", "severity", "status", "group", "customer", "origin")
_OTHERS = frozenset({"page", "page-size", "sort-by", "reverse"})


class Reads:
    """Answers questions from the journal and from what has been decided."""

    def __init__(self, reception: Reception, admitted: Callable[[Visit], tuple[Sender, Presented]]) -> None:
        self._reception = reception
        self._world = reception.world
        self._admitted = admitted

    async def alert(self, visit: Visit) -> Answer:
        """Answer one alert by the id with which it was taken."""
        sender, _ = self._admitted(visit)
        receipt = receipt_of(visit.names["id"])
        await caught_up(self._world.handover)
        entry = await self._world.journal.entry(receipt) if receipt else None
        if entry is None or entry.envelope.source != sender.name or entry.envelope.kind != _KIND:
            raise Refused(Outcome.MALFORMED, 404, "not found")
        document = await self._sent(entry.envelope, sender)
        return self._answer({"status": "ok", "total": 1, "alert": document})

    async def listed(self, visit: Visit) -> Answer:
        """Answer the open alerts of the source that the query asks for."""
        found = await self._open(visit)
        page = max(1, _number(visit, "page", 1))
        size = max(1, min(_number(visit, "page-size", _PAGE), _LONGEST_PAGE))
        shown = found[(page - 1) * size : page * size]
        pages = -(-len(found) // size)
        return self._answer(
            {
                "status": "ok",
                "page": page,
                "pageSize": size,
                "pages": pages,
                "more": page < pages,
                "alerts": shown,
                **_counts(found),
                "lastTime": documents.time(self._world.clock.now()),
                "autoRefresh": True,
            }
        )

    async def counted(self, visit: Visit) -> Answer:
        """Answer how many there are, by severity and status."""
        return self._answer({"status": "ok", **_counts(await self._open(visit))})

    async def _open(self, visit: Visit) -> list[dict[str, Any]]:
        sender, shown = self._admitted(visit)
        if unknown := shown.query.keys() - {*_FILTERS, *_OTHERS}:
            raise Refused(
                Outcome.MALFORMED, 400, f"{len(unknown)} of the query's names cannot be searched by"
            )
        await caught_up(self._world.handover)
        rows = await self._world.standing.firing_conditions(limit=_MOST)
        mine = [row.condition for row in rows if row.condition.source == sender.name]
        found = [documents.condition(each) for each in sorted(mine, key=_newest_first, reverse=True)]
        wanted = {name: shown.query[name] for name in _FILTERS if name in shown.query}
        return [each for each in found if all(_is_as(each, *pair) for pair in wanted.items())]

    async def _sent(self, envelope: Envelope, sender: Sender) -> dict[str, Any]:
        body = Body(
            raw=envelope.body, content_type=envelope.content_type, query=tuple(envelope.params.items())
        )
        try:
            [read] = sender.read_as(_KIND, body, envelope.received_at).alerts
            tree = tree_of(body)
        except (Unreadable, ValueError):
            raise Refused(Outcome.MALFORMED, 404, "not found") from None
        row = (await self._world.standing.load([read.key], [])).conditions.get(read.key)
        return documents.alert(
            tree,
            read,
            receipt=envelope.receipt,
            received_at=envelope.received_at,
            is_open=row.condition.firing if row else None,
        )

    def _answer(self, document: dict[str, Any]) -> Answer:
        return self._reception.answers.json(200, msgspec.json.encode(document))


def _newest_first(condition: Condition) -> Any:
    return condition.started_at


def _is_as(document: dict[str, Any], name: str, wanted: str) -> bool:
    value = str(document[name] or "")
    return value.startswith(wanted) if name == "id" else value == wanted


def _counts(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "total": len(found),
        "severityCounts": dict(Counter(each["severity"] for each in found)),
        "statusCounts": dict(Counter(each["status"] for each in found)),
    }


def _number(visit: Visit, name: str, default: int) -> int:
    text = visit.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else default

"""Reminders of silences, put into the journal as alerts of the built-in source `alertd`.

What is due is compared with what fires already, so that nothing is said twice, over restarts too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from alertd.app.live import Current
from alertd.app.sources import own_sender
from alertd.core.alerts import Alert
from alertd.core.conditions import Condition
from alertd.core.reminders import Reminder, reminders
from alertd.flows.ports import Entry, Envelope
from alertd.flows.silencing import SilenceBook
from alertd.intake.senders import read_again
from alertd.store.store import Store

EVERY: Final = timedelta(seconds=15)
MOST: Final = 10_000

_log = structlog.get_logger("alertd.app")


class SilenceReminders:
    """Says which silences end soon, or have lasted for long, while they keep something quiet.

    Args:
        current: Holds the configuration.
        store: The journal, and what fires.
        silences: Those there are.
        accept: Hands over what was journalled to be decided.
        new_receipt: Makes the receipt of a request that is made now.
    """

    def __init__(
        self,
        current: Current,
        store: Store,
        silences: SilenceBook,
        *,
        accept: Callable[[Entry, Sequence[Alert]], None],
        new_receipt: Callable[[datetime], str],
    ) -> None:
        self._current = current
        self._store = store
        self._silences = silences
        self._accept = accept
        self._new_receipt = new_receipt
        self._may_fire = True  # what an earlier process has said is not known

    async def remind(self, now: datetime) -> None:
        """Have the alerts fire that should, and clear the others."""
        due = {each.silence_id: each for each in await self._due(now)}
        firing = await self._firing() if due or self._may_fire else {}
        self._may_fire = bool(due)
        changed = [_posted(each) for id_, each in due.items() if _differs(firing.get(id_), each)]
        over = [
            _cleared(condition, now)
            for id_, condition in firing.items()
            if id_ not in due or due[id_].why != condition.labels.get("alertname")
        ]
        if changed or over:
            await self._post([*over, *changed], now)
        for alert in changed:
            _log.warning(
                "app.silence_reminder", silence=alert["labels"]["silence"], why=alert["labels"]["alertname"]
            )

    async def _due(self, now: datetime) -> list[Reminder]:
        settings = self._current.live.settings.silences
        if not self._silences.active or not (settings.remind_before or settings.remind_after):
            return []
        rows = await self._store.incidents(states=["silenced"], limit=MOST)
        return reminders(
            self._silences.silences(),
            [row.incident for row in rows],
            before=settings.remind_before,
            after=settings.remind_after,
            now=now,
        )

    async def _firing(self) -> dict[str, Condition]:
        rows = (await self._store.firing()).conditions.values()
        own = [row.condition for row in rows if row.condition.source == own_sender().name]
        return {each.labels.get("silence", ""): each for each in own}

    async def _post(self, alerts: Iterable[dict[str, Any]], now: datetime) -> None:
        listed = list(alerts)
        envelope = Envelope(
            receipt=self._new_receipt(now),
            source=own_sender().name,
            kind=own_sender().kind,
            received_at=now,
            body=msgspec.json.encode({"version": "4", "status": "firing", "alerts": listed}),
            content_type="application/json",
            messages=len(listed),
        )
        appended = await self._store.append(envelope)
        self._accept(Entry(appended.journal_id, envelope), read_again(envelope, own_sender()))


def _differs(condition: Condition | None, due: Reminder) -> bool:
    return condition is None or condition.labels.get("alertname") != due.why


def _posted(due: Reminder) -> dict[str, Any]:
    annotations = {"summary": due.title, "description": due.description}
    return {"status": "firing", "labels": due.labels, "annotations": annotations}


def _cleared(condition: Condition, now: datetime) -> dict[str, Any]:
    labels = condition.sent_labels or condition.labels
    return {"status": "resolved", "labels": labels, "annotations": {}, "endsAt": now.isoformat()}

"""`alertd replay`: the journal once more, through one configuration or two, without a tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from alertd.app.calendars import stored_calendars
from alertd.app.sources import read_stored
from alertd.config.routing import Calendars, scene_of
from alertd.config.settings import Settings
from alertd.core.clients import CompanyMap
from alertd.core.comparing import Counts, Difference, compare, counted, counted_by_board
from alertd.core.folding import Message
from alertd.core.replaying import Planned, Replay
from alertd.core.silences import ActiveSilences
from alertd.core.sources.kinds import compile_profile
from alertd.flows.ports import Entry
from alertd.intake.senders import sender_of
from alertd.store.opening import open_reader
from alertd.store.store import Reader

PAGE = 500


class TooLongAgo(Exception):
    """The journal does not reach back to where the replay should begin."""


class Span(msgspec.Struct, frozen=True):
    """From when until when the journal is replayed: the end is left out."""

    since: datetime
    until: datetime


class _Course:
    """One configuration, and what it makes of the journal."""

    def __init__(
        self, settings: Settings, *, maps: CompanyMap, silences: ActiveSilences, calendars: Calendars
    ) -> None:
        self._senders = {
            each.name: sender_of(each, compile_profile(each), digests=()) for each in settings.sources
        }
        self._maps = maps
        self.replay = Replay(scene_of(settings, suppressions=silences, calendars=calendars))
        self.unread = 0  # messages that this configuration's sources cannot read

    def take(self, entry: Entry, now: datetime) -> None:
        envelope = entry.envelope
        alerts = [self._maps.applied(alert) for alert in read_stored(envelope, self._senders)]
        self.unread += envelope.messages - envelope.parked_messages - len(alerts)
        self.replay.take([Message(alert, now, envelope.receipt) for alert in alerts], now)


def replay_report(present: Settings, other: Settings | None, span: Span) -> dict[str, Any]:
    """Return what each configuration makes of that part of the journal, and where they differ, as JSON can.

    Args:
        present: The configuration in force; its store is read, whether or not a daemon runs.
        other: The one to compare it with; None: none.
        span: Which part of the journal.

    Raises:
        TooLongAgo: The journal has forgotten some of it.
        StoreError: It cannot be read.
    """
    return asyncio.run(_report(present, other, span))


async def _report(present: Settings, other: Settings | None, span: Span) -> dict[str, Any]:
    async with open_reader(present.store.path) as reader:
        await _require_reach(reader, span)
        maps = CompanyMap(await reader.company_rows())
        silences = ActiveSilences(await reader.stored_silences())
        both = [present] if other is None else [present, other]
        courses = [
            _Course(
                settings,
                maps=maps,
                silences=silences,
                calendars=await stored_calendars(settings, reader, span.since),
            )
            for settings in both
        ]
        messages = await _play(reader, courses, span)
    told = [_told(course) for course in courses]
    differences = compare(*(course.replay.tickets for course in courses)) if other is not None else []
    return {
        "since": _at(span.since),
        "until": _at(span.until),
        "messages": messages,
        "present": told[0],
        "other": told[1] if other is not None else None,
        "differences": [_difference(each) for each in differences],
    }


async def _require_reach(reader: Reader, span: Span) -> None:
    oldest = await reader.oldest_entry()
    if oldest is None or oldest.journal_id == 1 or oldest.envelope.received_at <= span.since:
        return
    raise TooLongAgo(
        f"the journal reaches back to {_at(oldest.envelope.received_at)} only ([store] keep_journal);"
        " give a later --since"
    )


async def _play(reader: Reader, courses: Sequence[_Course], span: Span) -> int:
    """Give the entries to every course, then let time pass until the end; return how many messages came."""
    after, messages, now = 0, 0, span.since
    while entries := await reader.entries_since(span.since, after=after, limit=PAGE):
        after = entries[-1].journal_id
        for entry in entries:
            if entry.envelope.received_at >= span.until:
                continue
            now = max(now, entry.envelope.received_at)
            messages += entry.envelope.messages
            for course in courses:
                course.take(entry, now)
    for course in courses:
        course.replay.pass_time(span.until)
    return messages


def _told(course: _Course) -> dict[str, Any]:
    tickets = course.replay.tickets
    by_board = counted_by_board(tickets)
    return {
        **_counts(counted(tickets)),
        "read_backs": course.replay.read_backs,
        "unread_messages": course.unread,
        "boards": {name: _counts(counts) for name, counts in by_board.items()},
        "made": [_made(ticket) for ticket in tickets],
    }


def _made(ticket: Planned) -> dict[str, Any]:
    told = _ticket(ticket)
    assert told is not None  # noqa: S101 - the ticket there is
    return {"title": ticket.title, "client": ticket.client, "receipt": ticket.receipt, **told}


def _counts(counts: Counts) -> dict[str, Any]:
    return {"tickets": counts.tickets, "calls": counts.total, "calls_by_name": dict(counts.calls)}


def _difference(found: Difference) -> dict[str, Any]:
    either = found.present or found.other
    assert either is not None  # noqa: S101 - one of them there is
    return {
        "title": either.title,
        "client": either.client,
        "alert": either.opener.partition("\x1f")[0] if either.kind == "problem" else "",
        "receipt": either.receipt,
        "what": list(found.what),
        "present": _ticket(found.present),
        "other": _ticket(found.other),
    }


def _ticket(ticket: Planned | None) -> dict[str, Any] | None:
    if ticket is None:
        return None
    return {
        "incident": ticket.incident,
        "kind": ticket.kind,
        "generation": ticket.generation,
        "route": ticket.route,
        "board": ticket.board,
        "priority": ticket.priority,
        "tags": list(ticket.tags),
        "alerts": ticket.alerts,
        "created_at": _at(ticket.created_at),
        "completed_at": _at(ticket.completed_at) if ticket.completed_at is not None else None,
        "calls": dict(ticket.calls),
    }


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")

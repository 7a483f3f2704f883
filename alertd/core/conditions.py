"""Conditions: what one source has said, message by message, about one thing that can be wrong.

A condition is the level behind alerts. Repeats change nothing in it that anybody needs to hear of; the
order of arrival does not matter where the source's own times tell the order.
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

import msgspec

from alertd.core.alerts import Alert, AlertKey, OnExpiry, Severity, Status
from alertd.core.clients import WHOSE

SEEN_STEP = timedelta(minutes=1)


class Turn(enum.Enum):
    """What one message, or the passing of time, changed."""

    FIRED = "fired"
    CHANGED = "changed"  # still firing, with another severity
    REPEATED = "repeated"
    CLEARED = "cleared"
    EXPIRED = "expired"
    STALE = "stale"  # older than what is known already
    UNKNOWN = "unknown"  # a clear of something never seen firing
    UPDATED = "updated"  # its source says something about it while it fires: acknowledged, commented
    IGNORED = "ignored"  # the same, and it does not fire


class Word(msgspec.Struct, frozen=True):
    """What one reporter says: that it fires."""

    since: datetime | None  # latest start it named, by its own clock
    until: datetime | None  # when its word runs out unless repeated; None: never


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that can be wrong at one source, and how it stands."""

    key: AlertKey
    source: str
    fingerprint: str
    firing: bool
    severity: Severity
    labels: dict[str, str]
    annotations: dict[str, str]
    sent_labels: dict[str, str] = {}
    started_at: datetime
    ended_at: datetime | None = None
    last_end_at: datetime | None = None  # latest end the source named, by its own clock
    told_end_at: datetime | None = None  # when that was received
    expired: bool = False
    seen_at: datetime  # last message, kept to the minute
    expires_at: datetime | None = None
    on_expiry: OnExpiry = "note"
    reporters: dict[str, Word] = {}  # who says that it fires
    incidents: tuple[str, ...] = ()  # keys; decided once when it fired
    ticketed: bool = False  # its incident has a ticket: repeats are counted without looking at it
    receipt: str = ""  # of the message that made it fire


def observe(
    before: Condition | None, alert: Alert, *, received_at: datetime, receipt: str
) -> tuple[Condition, Turn]:
    """Fold one message into the condition and say what it changed."""
    if alert.status is Status.CLEARED:
        return _clear(before, alert, received_at, receipt)
    return _fire(before, alert, received_at, receipt)


def hear(before: Condition | None, alert: Alert, *, received_at: datetime) -> tuple[Condition | None, Turn]:
    """Fold in what a source says about a condition, which neither fires nor clears by it.

    The source has spoken, so who fires goes on to be believed for as long as after a repeat.
    """
    if before is None or not before.firing:
        return before, Turn.IGNORED
    heard = _counted(before, received_at)
    word = before.reporters.get(alert.reporter)
    if alert.expires_after is None or word is None or word.until is None:
        return heard, Turn.UPDATED
    word = msgspec.structs.replace(word, until=max(word.until, received_at + alert.expires_after))
    reporters = {**before.reporters, alert.reporter: word}
    return msgspec.structs.replace(heard, reporters=reporters, expires_at=_latest(reporters)), Turn.UPDATED


def expire(before: Condition, now: datetime) -> tuple[Condition, Turn]:
    """Let silence speak: a firing condition whose `expires_at` has come is expired, not cleared."""
    if not before.firing or before.expires_at is None or now < before.expires_at:
        return before, Turn.REPEATED
    after = msgspec.structs.replace(
        before, firing=False, expired=True, ended_at=before.expires_at, expires_at=None, reporters={}
    )
    return after, Turn.EXPIRED


def _fire(
    before: Condition | None, alert: Alert, received_at: datetime, receipt: str
) -> tuple[Condition, Turn]:
    if before is None or not before.firing:
        if before is not None and _was_overtaken(alert, before, received_at):
            return _counted(before, received_at), Turn.STALE
        return _fresh(before, alert, received_at, receipt), Turn.FIRED
    changed = alert.severity is not before.severity
    reporters = {**before.reporters, alert.reporter: _word(before, alert, received_at)}
    after = msgspec.structs.replace(
        before,
        severity=alert.severity,
        labels=_relabelled(before, alert) if changed else before.labels,
        sent_labels=alert.sent_labels if changed else before.sent_labels,
        annotations=alert.annotations,
        seen_at=max(received_at, before.seen_at),
        started_at=_earlier_start(before, alert),
        expires_at=_latest(reporters),
        reporters=reporters,
    )
    if changed:
        return after, Turn.CHANGED
    return before if _is_no_news(before, after) else after, Turn.REPEATED


def _relabelled(before: Condition, alert: Alert) -> dict[str, str]:
    """Return today's labels, but whose it is as when it fired: a map that has changed since counts later."""
    kept = {name: before.labels[name] for name in WHOSE if name in before.labels}
    return {name: value for name, value in alert.labels.items() if name not in WHOSE} | kept


def _fresh(before: Condition | None, alert: Alert, received_at: datetime, receipt: str) -> Condition:
    word = _word(None, alert, received_at)
    return Condition(
        key=alert.key,
        source=alert.source,
        fingerprint=alert.fingerprint,
        firing=True,
        severity=alert.severity,
        labels=alert.labels,
        annotations=alert.annotations,
        sent_labels=alert.sent_labels,
        started_at=min(alert.starts_at or received_at, received_at),
        last_end_at=before.last_end_at if before is not None else None,
        told_end_at=before.told_end_at if before is not None else None,
        seen_at=received_at,
        expires_at=word.until,
        on_expiry=alert.on_expiry,
        reporters={alert.reporter: word},
        incidents=before.incidents if before is not None else (),
        receipt=receipt,
    )


def _clear(
    before: Condition | None, alert: Alert, received_at: datetime, receipt: str
) -> tuple[Condition, Turn]:
    ended_at = min(alert.ends_at or received_at, received_at)
    if before is None:
        return _never_seen(alert, ended_at, received_at, receipt), Turn.UNKNOWN
    heard = _counted(before, received_at)
    last_end_at = _later(before.last_end_at, alert.ends_at)
    if last_end_at != before.last_end_at:
        heard = msgspec.structs.replace(heard, last_end_at=last_end_at, told_end_at=received_at)
    if not before.firing and not before.expired:
        later = alert.ends_at is not None and (before.ended_at is None or ended_at > before.ended_at)
        return msgspec.structs.replace(heard, ended_at=ended_at) if later else heard, Turn.REPEATED
    if _is_of_an_earlier_time(alert, before):
        return heard, Turn.STALE
    others = _live_others(before.reporters, alert.reporter, received_at)
    if others:
        still = msgspec.structs.replace(heard, reporters=others, expires_at=_latest(others))
        return still, Turn.REPEATED
    over = msgspec.structs.replace(
        heard, firing=False, ended_at=ended_at, expired=False, expires_at=None, reporters={}
    )
    return over, Turn.CLEARED


def _never_seen(alert: Alert, ended_at: datetime, received_at: datetime, receipt: str) -> Condition:
    """Keep the clear of something unknown: its firing may have been overtaken on the way."""
    return msgspec.structs.replace(
        _fresh(None, alert, received_at, receipt),
        firing=False,
        started_at=min(alert.starts_at or ended_at, ended_at),
        ended_at=ended_at,
        last_end_at=alert.ends_at,
        told_end_at=received_at,
        expires_at=None,
        reporters={},
    )


def _was_overtaken(alert: Alert, before: Condition, received_at: datetime) -> bool:
    """Whether a firing message is from before an end that its source has named.

    Only the source's own times are compared with each other: an end that it did not name is known by our
    clock, and a start by another clock, or a clear that came late, must not make a new problem look old.
    A problem that was taken for over, as after a network cut, comes back with its old start: it is known
    from a late message by coming later than the sender's messages can be late.
    """
    if before.expired or alert.starts_at is None or before.last_end_at is None:
        return False  # silence is no statement; the source speaks again
    if alert.starts_at >= before.last_end_at:
        return False
    if alert.late_for is None or before.told_end_at is None:
        return True
    return received_at - before.told_end_at < alert.late_for


def _is_of_an_earlier_time(alert: Alert, before: Condition) -> bool:
    """Whether a clear ends an earlier firing than the one its reporter has told of since."""
    word = before.reporters.get(alert.reporter)
    if word is None or word.since is None or alert.ends_at is None:
        return False
    began_earlier = alert.starts_at is not None and alert.starts_at < word.since
    return alert.ends_at < word.since or (alert.ends_at == word.since and began_earlier)


def _earlier_start(before: Condition, alert: Alert) -> datetime:
    starts_at = alert.starts_at
    if starts_at is None or (before.last_end_at is not None and starts_at < before.last_end_at):
        return before.started_at
    return min(starts_at, before.started_at)


def _counted(before: Condition, received_at: datetime) -> Condition:
    after = msgspec.structs.replace(before, seen_at=max(received_at, before.seen_at))
    return before if _is_no_news(before, after) else after


def _is_no_news(before: Condition, after: Condition) -> bool:
    """Whether nothing but the last message's time differs, and that by less than anybody asks for."""
    if after.seen_at - before.seen_at >= SEEN_STEP:
        return False
    return msgspec.structs.replace(after, seen_at=before.seen_at) == before


def _word(before: Condition | None, alert: Alert, received_at: datetime) -> Word:
    old = before.reporters.get(alert.reporter) if before is not None else None
    since = _later(old.since if old is not None else None, alert.starts_at)
    return Word(since, received_at + alert.expires_after if alert.expires_after is not None else None)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)


def _latest(reporters: dict[str, Word]) -> datetime | None:
    """When the last of them falls silent; None: one of them never does."""
    times = [word.until for word in reporters.values() if word.until is not None]
    return max(times) if len(times) == len(reporters) else None


def _live_others(reporters: dict[str, Word], clearing: str, now: datetime) -> dict[str, Word]:
    """Who else still says that it fires. One whose word has run out no longer counts."""
    return {
        name: word
        for name, word in reporters.items()
        if name != clearing and (word.until is None or word.until > now)
    }

"""Alerts and groups as `GET /api/v2/alerts` and `/api/v2/alerts/groups` show them.

An alert is a condition that holds; one that has cleared or expired is absent. A group is an incident. The
receiver is the board's name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cmp_to_key
from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from alertd.core.alerts import Alert, AlertKey, Status
from alertd.core.conditions import Condition
from alertd.core.incidents import Folded, Incident, Waiting, is_live
from alertd.core.matchers import Labels, Predicate
from alertd.core.routes import Policy, Route, match
from alertd.core.v2.stamps import stamp

NO_END = timedelta(minutes=5)  # alerts that never expire show an end so far ahead; the API knows none without
WAITING = "wait"  # in `mutedBy` while alerts of the group are collected
STORM = "storm"  # … while they are folded into a storm's ticket
OWN_LABELS = ("alertname", "severity", "source", "client", "host")

_MUTED: Mapping[type, str] = {Waiting: WAITING, Folded: STORM}

SilencedBy: TypeAlias = Callable[[Labels], Sequence[str]]
State: TypeAlias = Literal["unprocessed", "active", "suppressed"]


class AlertStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether an alert makes tickets, and if not, because of what."""

    state: State
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()


class ReceiverName(msgspec.Struct, frozen=True):
    """A board."""

    name: str


class ShownAlert(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`gettableAlert` of the API."""

    annotations: dict[str, str]
    ends_at: str
    fingerprint: str
    receivers: tuple[ReceiverName, ...]
    starts_at: str
    status: AlertStatus
    updated_at: str
    generator_url: str | UnsetType = msgspec.field(default=UNSET, name="generatorURL")
    labels: dict[str, str]


class ShownGroup(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`alertGroup` of the API."""

    alerts: tuple[ShownAlert, ...]
    labels: dict[str, str]
    receiver: ReceiverName
    route_labels: dict[str, str] = {}


class Undecided(msgspec.Struct, frozen=True):
    """An alert that has been accepted and not been decided yet."""

    alert: Alert
    received_at: datetime


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """All that there is to show, at one moment."""

    now: datetime
    tree: Route
    conditions: Sequence[Condition] = ()  # those that hold
    incidents: Mapping[str, Incident] = {}  # by key, at least those that the conditions belong to
    undecided: Sequence[Undecided] = ()
    silenced_by: SilencedBy = lambda labels: ()  # ids of the active silences that match
    inhibited_by: SilencedBy = lambda labels: ()  # fingerprints of what inhibits
    in_windows: SilencedBy = lambda labels: ()  # names of the windows that hold them back
    muted_by: Callable[[Policy], Sequence[str]] = lambda policy: ()  # time intervals that mute this route


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for. The flags say what is to be shown; `muted` counts for groups alone."""

    accepts: Predicate = lambda labels: True
    accepts_receiver: Predicate = lambda labels: True  # given `name` as a label
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    unprocessed: bool = True
    muted: bool = True


def show_alerts(situation: Situation, wanted: Wanted) -> list[ShownAlert]:
    """Return the alerts that are wanted, by fingerprint."""
    known = {condition.key for condition in situation.conditions}
    found = [
        _shown(situation, condition, _live(situation, condition))
        for condition in _holding(situation)
        if _accepts(wanted, condition)
    ]
    found += [
        _shown_undecided(situation, each)
        for each in _newest(situation.undecided)
        if each.alert.key not in known and wanted.accepts(each.alert.labels)
    ]
    shown = [each for each in found if _is_wanted(wanted, each.status) and _reaches(wanted, each.receivers)]
    return sorted(shown, key=lambda each: (each.fingerprint, each.labels.get("source", "")))


def show_groups(situation: Situation, wanted: Wanted) -> list[ShownGroup]:
    """Return the incidents that live, each with those of its alerts that are wanted, by labels and board."""
    alerts_by_incident = defaultdict[str, list[ShownAlert]](list)
    for condition in _holding(situation):
        if not _accepts(wanted, condition):
            continue
        incidents = _live(situation, condition)
        for incident in incidents:
            shown = _shown(situation, condition, incidents, muted_in=(incident,))
            if _is_wanted(wanted, shown.status) and (wanted.muted or not shown.status.muted_by):
                alerts_by_incident[incident.key].append(shown)
    groups = [_group(situation.incidents[key], alerts) for key, alerts in alerts_by_incident.items()]
    reached = [each for each in groups if _reaches(wanted, (each.receiver,))]
    return sorted(reached, key=cmp_to_key(_compare_groups))


def _compare_groups(one: ShownGroup, other: ShownGroup) -> int:
    """Compare as Alertmanager does: fewer labels first, then by value, an absent one first; then by board."""
    names = sorted(one.labels.keys() | other.labels.keys())
    keys = [
        (len(each.labels), [each.labels.get(name, "") for name in names], each.receiver.name)
        for each in (one, other)
    ]
    return (keys[0] > keys[1]) - (keys[0] < keys[1])


def shown_labels(labels: Labels, sent: Labels) -> dict[str, str]:
    """Return the labels as sent, and ours where nothing of that name was sent, sorted by name.

    Args:
        labels: The complete ones.
        sent: Exactly as sent; empty for formats that send no labels.
    """
    own = {name: labels[name] for name in OWN_LABELS if labels.get(name)}
    every = {**own, **sent} if sent else dict(labels)
    return {name: every[name] for name in sorted(every)}


def _holding(situation: Situation) -> Iterator[Condition]:
    """Yield the conditions whose time has not run out; that they are over is decided a moment later."""
    for condition in situation.conditions:
        if condition.expires_at is None or condition.expires_at > situation.now:
            yield condition


def _accepts(wanted: Wanted, condition: Condition) -> bool:
    """Whether the filters accept it by the labels that we match on, or by those that are shown."""
    labels = condition.labels
    return wanted.accepts(labels) or wanted.accepts(shown_labels(labels, condition.sent_labels))


def _is_wanted(wanted: Wanted, status: AlertStatus) -> bool:
    return not (
        (status.state == "active" and not wanted.active)
        or (status.state == "unprocessed" and not wanted.unprocessed)
        or (status.silenced_by and not wanted.silenced)
        or (status.inhibited_by and not wanted.inhibited)
    )


def _reaches(wanted: Wanted, receivers: Iterable[ReceiverName]) -> bool:
    """Whether a receiver that is asked for gets it. One that nobody gets is found where any will do."""
    names = [receiver.name for receiver in receivers] or [""]
    return any(wanted.accepts_receiver({"name": name}) for name in names)


def _live(situation: Situation, condition: Condition) -> tuple[Incident, ...]:
    found = (situation.incidents.get(key) for key in condition.incidents)
    return tuple(incident for incident in found if incident is not None and is_live(incident))


def _shown(
    situation: Situation,
    condition: Condition,
    incidents: Sequence[Incident],
    *,
    muted_in: Sequence[Incident] = (),
) -> ShownAlert:
    ends_at = condition.expires_at or max(situation.now, condition.seen_at) + NO_END
    return ShownAlert(
        annotations=condition.annotations,
        ends_at=stamp(ends_at),
        fingerprint=condition.fingerprint,
        receivers=_names(incident.policy.board for incident in incidents),
        starts_at=stamp(condition.started_at),
        status=_status(situation, condition.labels, muted_in or incidents),
        updated_at=stamp(condition.seen_at),
        generator_url=_generator(condition.annotations),
        labels=shown_labels(condition.labels, condition.sent_labels),
    )


def _shown_undecided(situation: Situation, undecided: Undecided) -> ShownAlert:
    alert, at = undecided.alert, undecided.received_at
    return ShownAlert(
        annotations=alert.annotations,
        ends_at=stamp(at + (alert.expires_after or NO_END)),
        fingerprint=alert.fingerprint,
        receivers=_names(found.policy.board for found in match(situation.tree, alert.labels)),
        starts_at=stamp(alert.starts_at or at),
        status=AlertStatus(state="unprocessed"),
        updated_at=stamp(at),
        generator_url=_generator(alert.annotations),
        labels=shown_labels(alert.labels, alert.sent_labels),
    )


def _newest(undecided: Iterable[Undecided]) -> list[Undecided]:
    """Return the last word of each alert that is not decided, where that is that it fires."""
    last: dict[AlertKey, Undecided] = {}
    for each in undecided:
        last[each.alert.key] = each
    return [each for each in last.values() if each.alert.status is Status.FIRING]


def _status(situation: Situation, labels: Labels, incidents: Sequence[Incident]) -> AlertStatus:
    silenced_by = tuple(situation.silenced_by(labels))
    inhibited_by = tuple(situation.inhibited_by(labels))
    muted_by = (
        *situation.in_windows(labels),
        *_muted_by(situation, incidents),
        *_kept_back(incidents),
    )
    return AlertStatus(
        state="suppressed" if silenced_by or inhibited_by or muted_by else "active",
        silenced_by=silenced_by,
        inhibited_by=inhibited_by,
        muted_by=muted_by,
    )


def _muted_by(situation: Situation, incidents: Sequence[Incident]) -> Iterable[str]:
    """Return the time intervals that keep all of them from a ticket."""
    muting = [tuple(situation.muted_by(incident.policy)) for incident in incidents]
    return dict.fromkeys(name for names in muting for name in names) if all(muting) else ()


def _kept_back(incidents: Sequence[Incident]) -> Iterable[str]:
    """Return the words for what keeps back all of them: a wait, a storm."""
    words = [_MUTED.get(type(incident.phase), "") for incident in incidents]
    return dict.fromkeys(words) if all(words) else ()


def _names(boards: Iterable[str]) -> tuple[ReceiverName, ...]:
    return tuple(ReceiverName(board) for board in dict.fromkeys(boards))


def _generator(annotations: Mapping[str, str]) -> str | UnsetType:
    """Return the link back to the source. Clients open it, so nothing but the web's own schemes passes."""
    url = annotations.get("url", "")
    return url if url.startswith(("http://", "https://")) else UNSET


def _group(incident: Incident, alerts: Iterable[ShownAlert]) -> ShownGroup:
    return ShownGroup(
        alerts=tuple(sorted(alerts, key=lambda each: (each.fingerprint, each.labels.get("source", "")))),
        labels=incident.group,
        receiver=ReceiverName(incident.policy.board),
    )

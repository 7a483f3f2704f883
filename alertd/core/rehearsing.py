"""Rehearsing `[[tests]]`: their alerts go through the whole machine, in virtual time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alertd.core.alerts import Alert, Severity
from alertd.core.boards import BoardSettings
from alertd.core.folding import Message
from alertd.core.incidents import Incident, Silenced, state_of
from alertd.core.inhibiting import InhibitRules
from alertd.core.outside_hours import severity_for_priority
from alertd.core.replaying import Planned, Replay, Scene
from alertd.core.route_tests import Mismatch, PressureOutcome, SampleSilence, TestSettings, example
from alertd.core.routes import Matched, Route, match
from alertd.core.silences import ActiveSilences, Silence
from alertd.core.suppressions import Suppressions
from alertd.core.ticket_forms import applied

FIRING_SINCE = timedelta(minutes=10)  # what a test says fires already has done so for so long
_SILENCED_SINCE = timedelta(days=365)


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of a test's last alert, and of all in it."""

    alert: Alert
    matched: tuple[Matched, ...]
    incident: Incident | None  # on the first of these routes; None: there is none
    withheld: bool  # pressure keeps a call back
    ticket: Planned | None
    tickets: int
    calls: int


def rehearse(test: TestSettings, scene: Scene) -> Rehearsed:
    """Let the alerts of a test come, one after the other, and look when its `wait` is over."""
    quiet = Suppressions(scene.suppressions, ActiveSilences(_silences(test)))
    replay = Replay(msgspec.structs.replace(scene, suppressions=quiet), pressure=test.pressure)
    for number, labels in enumerate(test.firing):
        _take(replay, example(labels), test.at - FIRING_SINCE, f"firing {number}")
    now, alert = test.at, example({})
    for number, sample in enumerate(test.samples):
        now += sample.after
        alert = example(sample.labels, cleared=sample.cleared)
        _take(replay, alert, now, f"alert {number}")
    replay.pass_time(now + _wait(test, scene))
    return _looked_at(replay, alert, match(scene.routing.tree, alert.labels))


def mismatches(test: TestSettings, scene: Scene, boards: Mapping[str, BoardSettings]) -> tuple[Mismatch, ...]:
    """Rehearse the test and return what is not as expected; empty if all is.

    Args:
        test: The example.
        scene: The configuration.
        boards: Its boards by name.
    """
    return tuple(_compared(test, _actual(rehearse(test, scene), boards)))


def reached(tests: Iterable[TestSettings], tree: Route) -> frozenset[str]:
    """Return the names of the routes that an alert of these tests takes, or passes on its way."""
    samples = (sample for test in tests for sample in test.samples)
    return frozenset(
        name
        for sample in samples
        for matched in match(tree, example(sample.labels).labels)
        for name in matched.path
    )


def _wait(test: TestSettings, scene: Scene) -> timedelta:
    """How long after the last alert to look: as the test says, or until no alert waits for what inhibits."""
    if test.wait is not None:
        return test.wait
    rules = InhibitRules(scene.inhibit)
    targets = [labels for each in test.samples if rules.is_target(labels := example(each.labels).labels)]
    matched = (each for labels in targets for each in match(scene.routing.tree, labels))
    return max((each.policy.inhibit_wait for each in matched), default=timedelta())


def _silences(test: TestSettings) -> Iterator[Silence]:
    for number, given in enumerate(test.silences, start=1):
        yield _silence(given, f"silence {number}", test.at)


def _silence(given: SampleSilence, id_: str, at: datetime) -> Silence:
    return Silence(
        id=id_,
        matchers=given.matchers,
        starts_at=at - _SILENCED_SINCE,
        ends_at=at + given.ends_after,
        created_by="test",
        comment="",
        updated_at=at - _SILENCED_SINCE,
    )


def _take(replay: Replay, alert: Alert, now: datetime, receipt: str) -> None:
    replay.take([Message(alert, now, receipt)], now)


def _looked_at(replay: Replay, alert: Alert, matched: tuple[Matched, ...]) -> Rehearsed:
    row = next((replay.rows[key] for key in replay.incidents_of(alert.key)), None)
    incident = row.incident if row is not None else None
    tickets = replay.tickets
    mine = [each for each in tickets if incident is not None and each.incident == incident.key]
    return Rehearsed(
        alert=alert,
        matched=matched,
        incident=incident,
        withheld=row is not None and bool(row.withheld),
        ticket=mine[-1] if mine else None,
        tickets=len(tickets),
        calls=sum(sum(each.calls.values()) for each in tickets),
    )


def _actual(seen: Rehearsed, boards: Mapping[str, BoardSettings]) -> dict[str, Any]:
    """Return what is so, in the words of `Expectation`."""
    policy = seen.incident.policy if seen.incident is not None else seen.matched[0].policy
    board = applied(boards[policy.board], policy.form)
    usual = board.priority[_severity(seen).value]
    return {
        "route": policy.route_name,
        "board": policy.board,
        "priority": seen.ticket.priority if seen.ticket is not None else usual,
        "tags": sorted({*board.tags, *policy.tags}),
        "routes": [each.policy.route_name for each in seen.matched],
        "key": seen.incident.group if seen.incident is not None else {},
        "members": len(seen.incident.members) if seen.incident is not None else 0,
        "state": state_of(seen.incident) if seen.incident is not None else "none",
        "window": ", ".join(_held_by(seen.incident)),
        "pressure": _pressure(seen),
        "tickets": seen.tickets,
        "calls": seen.calls,
    }


def _severity(seen: Rehearsed) -> Severity:
    """Return the severity whose priority a ticket for the alert would have now."""
    if seen.incident is None:
        return seen.alert.severity
    return severity_for_priority(msgspec.structs.replace(seen.incident, severity=seen.alert.severity))


def _held_by(incident: Incident | None) -> Sequence[str]:
    """Return the names of what holds the ticket back; of what inhibits it, what explain says of that."""
    if incident is None or not isinstance(incident.phase, Silenced):
        return ()
    return [incident.phase.said] if incident.phase.kind == "inhibited" else incident.phase.by


def _pressure(seen: Rehearsed) -> PressureOutcome:
    if seen.incident is not None and state_of(seen.incident) == "folded":
        return "folded"
    return "held" if seen.withheld else "sent"


def _compared(test: TestSettings, actual: Mapping[str, Any]) -> Iterator[Mismatch]:
    for what, expected in test.expect.model_dump(exclude_none=True).items():
        wanted = sorted(set(expected)) if what == "tags" else expected
        if wanted != actual[what]:
            yield Mismatch(test.name, what, _shown(wanted), _shown(actual[what]))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f'{name}="{text}"' for name, text in value.items()) or "none"
    return ", ".join(value) or "none" if isinstance(value, list) else str(value) if value != "" else "nothing"

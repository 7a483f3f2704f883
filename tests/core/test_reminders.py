"""Silences that somebody should look at again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from alertd.core.incidents import Incident, Silenced
from alertd.core.matchers import parse_matchers
from alertd.core.reminders import kept_quiet, reminders
from alertd.core.silence_settings import SilenceSettings
from alertd.core.silences import QuietKind, Silence
from tests.core.incident_samples import opened

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def silence(*, start: timedelta, end: timedelta) -> Silence:
    return Silence(
        id="s1",
        matchers=parse_matchers('host="a"'),
        starts_at=NOW + start,
        ends_at=NOW + end,
        created_by="noc",
        comment="new\ndisks",
        updated_at=NOW,
    )


def quiet(*by: str, kind: QuietKind = "silence") -> Incident:
    return replace(opened(), phase=Silenced(NOW, None, by, "", kind))


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (-5 * HOUR, HOUR, "SilenceEnding"),
        (-5 * HOUR, HOUR + timedelta(seconds=1), None),
        (-HOUR / 2, HOUR / 2, None),  # no longer than the reminder is ahead
        (-HOUR, HOUR / 2, "SilenceEnding"),
        (-5 * HOUR, timedelta(), None),
        (HOUR / 2, 3 * HOUR, None),
        (-7 * DAY, DAY, "SilenceLasting"),
        (-7 * DAY, HOUR, "SilenceEnding"),
        (-6 * DAY, DAY, None),
    ],
)
def test_when_somebody_is_reminded(start: timedelta, end: timedelta, why: str | None) -> None:
    found = reminders([silence(start=start, end=end)], [quiet("s1")], before=HOUR, after=7 * DAY, now=NOW)
    assert [each.why for each in found] == ([why] if why else [])


def test_what_is_off_does_not_remind() -> None:
    for start, end in ((-5 * HOUR, HOUR), (-9 * DAY, 9 * DAY)):
        made = silence(start=start, end=end)
        assert reminders([made], [quiet("s1")], before=timedelta(), after=timedelta(), now=NOW) == []


def test_only_what_keeps_something_quiet_counts() -> None:
    others = [opened(), quiet("s2"), quiet("s1", kind="window")]
    made = silence(start=-5 * HOUR, end=HOUR)
    assert reminders([made], others, before=HOUR, after=7 * DAY, now=NOW) == []
    assert kept_quiet([quiet("s1", "s2"), quiet("s2")]) == {"s1": 1, "s2": 2}


def test_unless_something_else_is_said() -> None:
    settings = SilenceSettings()
    assert (settings.remind_before, settings.remind_after, settings.remind_board) == (HOUR, 7 * DAY, None)


def test_what_it_says() -> None:
    [ending] = reminders(
        [silence(start=-5 * HOUR, end=HOUR)], [quiet("s1"), quiet("s1")], before=HOUR, after=DAY, now=NOW
    )
    assert ending.labels == {"alertname": "SilenceEnding", "severity": "low", "silence": "s1"}
    assert ending.title == "Silence ends 2026-11-23 13:00 UTC: 2 incidents wait for its end"
    assert '{host="a"} (noc: new disks) ends 2026-11-23 13:00 UTC' in ending.description
    [lasting] = reminders([silence(start=-DAY, end=DAY)], [quiet("s1")], before=HOUR, after=DAY, now=NOW)
    assert lasting.title == "Silence since 2026-11-22: 1 incident waits for its end"

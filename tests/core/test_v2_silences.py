"""What `GET /api/v2/silences` shows."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alertd.core.matchers import parse_matchers
from alertd.core.silences import Silence, SilenceState
from alertd.core.v2.silences import show_silence, show_silences
from tests.core.incident_samples import T0, at

ALL = frozenset(SilenceState)


def silence(name: str, starts_at: datetime, ends_at: datetime, matchers: str = 'host="a"') -> Silence:
    return Silence(
        id=name,
        matchers=parse_matchers(matchers),
        starts_at=starts_at,
        ends_at=ends_at,
        created_by="anna",
        comment="patch night",
        updated_at=T0,
    )


def names(*silences: Silence, having: str = "", states: frozenset[SilenceState] = ALL) -> list[str]:
    shown = show_silences(silences, T0, having=parse_matchers(having), states=states)
    return [each.id for each in shown]


def test_a_silence_as_the_api_writes_it() -> None:
    shown = show_silence(silence("s", T0, at(hours=2), 'host!="a",client=~"A.*"'), T0)
    assert msgspec.json.decode(msgspec.json.encode(shown)) == {
        "id": "s",
        "status": {"state": "active"},
        "updatedAt": "2026-11-23T03:00:00.000Z",
        "annotations": {},
        "comment": "patch night",
        "createdBy": "anna",
        "startsAt": "2026-11-23T03:00:00.000Z",
        "endsAt": "2026-11-23T05:00:00.000Z",
        "matchers": [
            {"name": "host", "value": "a", "isEqual": False, "isRegex": False},
            {"name": "client", "value": "A.*", "isEqual": True, "isRegex": True},
        ],
    }


def test_active_ones_first_then_pending_then_expired() -> None:
    long, short = silence("long", T0, at(hours=2)), silence("short", T0, at(hours=1))
    late, soon = silence("late", at(hours=2), at(hours=3)), silence("soon", at(hours=1), at(hours=4))
    old, older = silence("old", at(hours=-2), at(hours=-1)), silence("older", at(hours=-3), at(hours=-2))
    every = (older, late, long, old, soon, short)
    assert names(*every) == ["short", "long", "soon", "late", "old", "older"]
    assert names(*every, states=frozenset({SilenceState.PENDING})) == ["soon", "late"]


def test_a_filter_asks_for_matchers_of_the_silence() -> None:
    plain = silence("plain", T0, at(hours=1), 'host="a",client="b"')
    pattern = silence("pattern", T0, at(hours=1), 'host=~"a"')
    assert names(plain, pattern, having='host="a"') == ["plain"]
    assert names(plain, pattern, having='host=~"a"') == ["pattern"]
    assert names(plain, pattern, having='client="b",host="a"') == ["plain"]
    assert names(plain, pattern, having='other="x"') == []

"""Silences: Alertmanager's rules for making, changing and ending them, and what they match."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from alertd.core import silences
from alertd.core.matchers import parse_matchers
from alertd.core.silences import (
    ActiveSilences,
    Asked,
    Quiet,
    Silence,
    SilenceRefused,
    SilenceState,
    expired,
    propose,
    state_of,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def asked(
    matchers: str = 'host="a"', *, start: timedelta = timedelta(), end: timedelta = HOUR, comment: str = "why"
) -> Asked:
    return Asked(
        matchers=parse_matchers(matchers),
        starts_at=NOW + start,
        ends_at=NOW + end,
        created_by="noc",
        comment=comment,
    )


def silence(
    id_: str = "s1", matchers: str = 'host="a"', *, start: timedelta = -HOUR, end: timedelta = HOUR
) -> Silence:
    return propose(
        None,
        asked(matchers, start=start, end=end),
        now=NOW + min(start, end - MINUTE),
        new_id=id_,
    ).silence


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (-2 * HOUR, SilenceState.PENDING),
        (-HOUR, SilenceState.ACTIVE),
        (HOUR - timedelta(microseconds=1), SilenceState.ACTIVE),
        (HOUR, SilenceState.EXPIRED),
    ],
)
def test_the_clock_gives_the_state(at: timedelta, state: str) -> None:
    assert state_of(silence(), NOW + at) == state


class TestPropose:
    @pytest.mark.parametrize(
        ("wanted", "why"),
        [
            (asked(""), "silence invalid: at least one matcher required"),
            (asked('a=""'), "silence invalid: at least one matcher must not match the empty string"),
            (asked('a="",b=~".*"'), "silence invalid: at least one matcher must not match the empty string"),
            (asked(start=HOUR), "Failed to create silence: start time must be before end time"),
            (asked(start=2 * HOUR), "Failed to create silence: start time must be before end time"),
            (asked(start=-HOUR, end=-MINUTE), "Failed to create silence: end time can't be in the past"),
        ],
    )
    def test_refuses_in_alertmanagers_words(self, wanted: Asked, why: str) -> None:
        with pytest.raises(SilenceRefused, match=f"^{why}$"):
            propose(None, wanted, now=NOW, new_id="n")

    @pytest.mark.parametrize("matchers", ['a!="b"', 'a="",b="c"', 'a!~"b"', 'a=~"x|y"'])
    def test_takes_matchers_that_need_some_label(self, matchers: str) -> None:
        assert propose(None, asked(matchers), now=NOW, new_id="n").silence.id == "n"

    def test_a_start_in_the_past_is_moved_to_now(self) -> None:
        made = propose(None, asked(start=-HOUR), now=NOW, new_id="n")
        assert made.silence.starts_at == NOW
        assert made.silences == (made.silence,)

    def test_a_start_in_the_future_stays(self) -> None:
        made = propose(None, asked(start=MINUTE), now=NOW, new_id="n").silence
        assert made.starts_at == NOW + MINUTE
        assert (made.updated_at, made.created_by, made.comment) == (NOW, "noc", "why")

    def test_another_end_and_comment_keep_the_id_of_an_active_one(self) -> None:
        changed = propose(silence(), asked(start=-HOUR, end=2 * HOUR, comment="longer"), now=NOW, new_id="n")
        assert changed.replaced is None
        assert (changed.silence.id, changed.silence.comment) == ("s1", "longer")
        assert (changed.silence.starts_at, changed.silence.ends_at) == (NOW - HOUR, NOW + 2 * HOUR)

    def test_the_start_is_compared_by_the_second(self) -> None:
        begun = replace(silence(), starts_at=NOW - HOUR + timedelta(milliseconds=412))
        assert propose(begun, asked(start=-HOUR), now=NOW, new_id="n").silence.id == "s1"

    @pytest.mark.parametrize("wanted", [asked('host="b"', start=-HOUR), asked(start=-2 * HOUR), asked()])
    def test_other_matchers_or_another_start_replace_an_active_one(self, wanted: Asked) -> None:
        changed = propose(silence(), wanted, now=NOW, new_id="n")
        assert changed.silence.id == "n"
        assert changed.silence.starts_at == NOW
        assert changed.replaced is not None
        assert (changed.replaced.id, changed.replaced.ends_at) == ("s1", NOW)
        assert changed.silences == (changed.replaced, changed.silence)

    def test_a_pending_one_may_move_within_the_future(self) -> None:
        pending = silence(start=MINUTE)
        kept = propose(pending, asked(start=2 * MINUTE), now=NOW, new_id="n").silence
        assert (kept.id, kept.starts_at) == ("s1", NOW + 2 * MINUTE)
        replaced = propose(pending, asked(start=-MINUTE), now=NOW, new_id="n").replaced
        assert replaced is not None
        assert replaced.starts_at == replaced.ends_at == NOW

    def test_one_that_is_over_stays_as_it_was(self) -> None:
        over = silence(start=-2 * HOUR, end=-HOUR)
        changed = propose(over, asked(start=-2 * HOUR), now=NOW, new_id="n")
        assert changed.silence.id == "n"
        assert changed.replaced is None


class TestExpired:
    def test_an_active_one_ends_now(self) -> None:
        over = expired(silence(), NOW)
        assert (over.starts_at, over.ends_at, over.updated_at) == (NOW - HOUR, NOW, NOW)
        assert state_of(over, NOW) is SilenceState.EXPIRED

    def test_a_pending_one_has_never_been(self) -> None:
        over = expired(silence(start=MINUTE), NOW)
        assert over.starts_at == over.ends_at == NOW

    def test_again_changes_nothing(self) -> None:
        over = expired(silence(), NOW)
        assert expired(over, NOW + MINUTE) is over


class TestActiveSilences:
    def test_all_that_match_keep_quiet_until_the_last_has_ended(self) -> None:
        active = ActiveSilences(
            [
                silence("s2", 'host="a"', end=2 * HOUR),
                silence("s1", 'severity=~"warning|low"'),
                silence("s3", 'host="a",severity!="warning"'),
                silence("s4", 'host="a"', start=MINUTE),
                silence("s5", 'host="b"'),
                silence("s6", 'host="a"', start=-2 * HOUR, end=-HOUR),
            ]
        )
        labels = {"host": "a", "severity": "warning"}
        assert active.quiet(labels, NOW) == Quiet(("s1", "s2"), NOW + 2 * HOUR, "noc: why")
        assert [each.id for each in active.matching(labels, NOW + MINUTE)] == ["s1", "s2", "s4"]
        assert active.quiet({"host": "c"}, NOW) is None

    def test_an_empty_value_matches_what_is_absent(self) -> None:
        active = ActiveSilences([silence("s1", 'team="",host="a"'), silence("s2", 'team="",host!=""')])
        assert [each.id for each in active.matching({"host": "a"}, NOW)] == ["s1", "s2"]
        assert not active.matching({"host": "a", "team": "x"}, NOW)

    def test_a_pattern_forgets_before_it_grows_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(silences, "MOST_REMEMBERED", 3)
        active = ActiveSilences([silence(matchers='host=~"a.*",team!~"x.*"')])
        for _ in range(2):
            for host in ("a1", "b1", "a2", "b2", "a3"):
                assert bool(active.matching({"host": host}, NOW)) is host.startswith("a")
                assert not active.matching({"host": host, "team": "xy"}, NOW)

    def test_knows_the_next_start(self) -> None:
        active = ActiveSilences([silence("s1", start=HOUR, end=2 * HOUR), silence("s2", start=MINUTE)])
        assert active.next_start_at(NOW) == NOW + MINUTE
        assert active.next_start_at(NOW + MINUTE) == NOW + HOUR
        assert active.next_start_at(NOW + HOUR) is None


def test_it_survives_being_stored() -> None:
    kept = replace(silence(matchers='host=~"a|b",team!="x"'), annotations={"ticket": "1"})
    assert msgspec.json.decode(msgspec.json.encode(kept), type=Silence) == kept

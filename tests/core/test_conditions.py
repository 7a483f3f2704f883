"""Conditions: firing, repeating, clearing, expiring, and messages in any order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.core.alerts import Alert, Severity
from alertd.core.conditions import Condition, Turn, Word, expire, observe
from tests.core.incident_samples import T0, alert, at

LATE = at(hours=9)  # by when everything was received, where only the sources' clocks matter


def fold(*alerts: Alert, received_at: datetime = LATE) -> tuple[Condition, list[Turn]]:
    condition, turns = None, []
    for each in alerts:
        condition, turn = observe(condition, each, received_at=received_at, receipt="r")
        turns.append(turn)
    assert condition is not None
    return condition, turns


def fire(start: int | None = None, **changes: Any) -> Alert:
    return alert(starts_at=None if start is None else at(minutes=start), **changes)


def clear(start: int | None = None, end: int | None = None, **changes: Any) -> Alert:
    starts_at = None if start is None else at(minutes=start)
    ends_at = None if end is None else at(minutes=end)
    return alert(cleared=True, starts_at=starts_at, ends_at=ends_at, **changes)


HISTORIES = [
    ("the first message fires", [fire()], [Turn.FIRED]),
    ("a repeat changes nothing", [fire(), fire()], [Turn.FIRED, Turn.REPEATED]),
    ("another severity is a change", [fire(), fire(severity=Severity.HIGH)], [Turn.FIRED, Turn.CHANGED]),
    ("a clear ends it", [fire(), clear()], [Turn.FIRED, Turn.CLEARED]),
    ("a second clear is a repeat", [fire(), clear(), clear()], [Turn.FIRED, Turn.CLEARED, Turn.REPEATED]),
    ("it fires again after a clear", [fire(), clear(), fire()], [Turn.FIRED, Turn.CLEARED, Turn.FIRED]),
    ("a clear of something unseen is only recorded", [clear()], [Turn.UNKNOWN]),
    ("a firing that its clear has overtaken is stale", [clear(1, 2), fire(1)], [Turn.UNKNOWN, Turn.STALE]),
    ("a firing from after that clear fires", [clear(1, 2), fire(3)], [Turn.UNKNOWN, Turn.FIRED]),
    ("a firing that starts as the last one ended fires", [clear(1, 2), fire(2)], [Turn.UNKNOWN, Turn.FIRED]),
    (
        "without an end by the source's clock, arrival decides",
        [clear(5), fire(1)],
        [Turn.UNKNOWN, Turn.FIRED],
    ),
    ("without a start, arrival decides", [clear(1, 2), fire()], [Turn.UNKNOWN, Turn.FIRED]),
    (
        "a late copy of an earlier firing is stale",
        [fire(1), clear(1, 2), fire(1)],
        [Turn.FIRED, Turn.CLEARED, Turn.STALE],
    ),
    (
        "a clear of an earlier firing does not end the present one",
        [fire(3), clear(1, 2)],
        [Turn.FIRED, Turn.STALE],
    ),
    (
        "a clear that ends as the present firing starts is of the one before",
        [fire(2), clear(1, 2)],
        [Turn.FIRED, Turn.STALE],
    ),
    ("a clear of a firing that lasted no time ends it", [fire(2), clear(2, 2)], [Turn.FIRED, Turn.CLEARED]),
    ("a clear that does not say its start is taken", [fire(2), clear(None, 2)], [Turn.FIRED, Turn.CLEARED]),
    (
        "a clear by a source that tells no starts is taken",
        [fire(), clear(None, 2)],
        [Turn.FIRED, Turn.CLEARED],
    ),
    (
        "a later clear moves the known end, so what it overtook stays stale",
        [fire(1), clear(1, 2), clear(3, 4), fire(3)],
        [Turn.FIRED, Turn.CLEARED, Turn.REPEATED, Turn.STALE],
    ),
    (
        "an earlier clear does not move the known end back",
        [clear(3, 4), clear(1, 2), fire(3)],
        [Turn.UNKNOWN, Turn.REPEATED, Turn.STALE],
    ),
]


@pytest.mark.parametrize(
    ("alerts", "turns"), [row[1:] for row in HISTORIES], ids=[row[0] for row in HISTORIES]
)
def test_history(alerts: list[Alert], turns: list[Turn]) -> None:
    assert fold(*alerts)[1] == turns


def test_a_new_condition_holds_what_its_message_says() -> None:
    condition, _ = fold(fire(1, sent_labels={"host": "a"}))

    assert (condition.firing, condition.started_at) == (True, at(minutes=1))
    assert (condition.receipt, condition.sent_labels) == ("r", {"host": "a"})


def test_a_start_in_the_future_counts_from_receipt() -> None:
    condition, _ = fold(fire(60), received_at=T0)

    assert condition.started_at == T0


def test_an_end_in_the_future_counts_from_receipt() -> None:
    condition, _ = fold(fire(0), clear(0, 60), received_at=at(minutes=1))

    assert condition.ended_at == at(minutes=1)


def test_a_problem_of_a_clock_that_runs_behind_is_not_taken_for_old() -> None:
    condition, _ = observe(None, fire(0), received_at=at(minutes=10), receipt="r")
    condition, _ = observe(condition, clear(), received_at=at(minutes=12), receipt="r")
    _, turn = observe(condition, fire(5), received_at=at(minutes=15), receipt="r")

    assert turn is Turn.FIRED


def test_a_repeat_that_started_earlier_moves_the_start_back() -> None:
    condition, _ = fold(fire(5), fire(3), fire())

    assert condition.started_at == at(minutes=3)


def test_a_late_copy_of_an_earlier_firing_does_not_move_the_start_back() -> None:
    condition, _ = fold(fire(1), clear(1, 2), fire(3), fire(1))

    assert condition.started_at == at(minutes=3)


def test_labels_stay_as_first_seen_until_the_severity_changes() -> None:
    before, _ = fold(fire(), fire(labels={"x": "1"}, sent_labels={"x": "1"}))
    changed, _ = fold(fire(), fire(labels={"x": "1"}, sent_labels={"x": "1"}, severity=Severity.LOW))

    assert (before.labels, before.sent_labels) == (alert().labels, {})
    labels = {"x": "1", "client": "Contoso"}  # whose it is stays
    assert (changed.labels, changed.sent_labels) == (labels, {"x": "1"})


def test_incidents_are_kept_over_a_clear() -> None:
    condition, _ = fold(fire())
    fresh, _ = observe(clear_of(condition, incidents=("i",)), fire(), received_at=LATE, receipt="r")

    assert fresh.incidents == ("i",)


def clear_of(condition: Condition, **changes: Any) -> Condition:
    cleared, _ = observe(condition, clear(), received_at=LATE, receipt="r")
    return msgspec.structs.replace(cleared, **changes)


def test_seen_at_never_goes_back() -> None:
    condition, _ = observe(None, fire(), received_at=at(minutes=5), receipt="r")
    condition, _ = observe(condition, fire(), received_at=T0, receipt="r")
    condition, _ = observe(condition, clear(), received_at=T0, receipt="r")

    assert condition.seen_at == at(minutes=5)


def test_a_repeat_is_worth_a_write_once_a_minute() -> None:
    first, _ = observe(None, fire(), received_at=T0, receipt="r")
    soon, _ = observe(first, fire(), received_at=at(seconds=59), receipt="r")
    later, turn = observe(first, fire(), received_at=at(seconds=60), receipt="r")
    over, _ = observe(first, clear(), received_at=T0, receipt="r")

    assert soon is first
    assert (later.seen_at, turn) == (at(seconds=60), Turn.REPEATED)
    assert observe(over, clear(), received_at=T0, receipt="r")[0] == over


# --- several reporters --------------------------------------------------------------------------------


def test_a_pair_clears_when_the_last_one_has() -> None:
    condition, turns = fold(
        fire(1, reporter="p1"),
        fire(1, reporter="p2"),
        clear(1, 5, reporter="p1"),
        clear(1, 6, reporter="p2"),
    )

    assert turns[2:] == [Turn.REPEATED, Turn.CLEARED]
    assert not condition.firing


def test_a_reporter_whose_word_has_run_out_does_not_hold_up_a_clear() -> None:
    hour = timedelta(hours=1)
    condition, _ = observe(None, fire(reporter="p1", expires_after=hour), received_at=T0, receipt="r")
    condition, _ = observe(condition, fire(reporter="p2"), received_at=T0, receipt="r")
    _, turn = observe(condition, clear(reporter="p2"), received_at=at(hours=1), receipt="r")

    assert turn is Turn.CLEARED


def test_what_is_left_of_a_pair_still_expires() -> None:
    condition, _ = observe(
        None, fire(reporter="p1", expires_after=timedelta(hours=1)), received_at=T0, receipt="r"
    )
    condition, _ = observe(condition, fire(reporter="p2"), received_at=T0, receipt="r")
    never = condition.expires_at
    condition, _ = observe(condition, clear(reporter="p2"), received_at=at(minutes=1), receipt="r")

    assert never is None
    assert condition.expires_at == at(hours=1)


def test_a_late_clear_of_one_reporter_leaves_its_word() -> None:
    condition, turns = fold(fire(1, reporter="p1"), fire(3, reporter="p2"), clear(1, 2, reporter="p2"))

    assert turns[2] is Turn.STALE
    assert condition.reporters == {
        "p1": Word(at(minutes=1), None),
        "p2": Word(at(minutes=3), None),
    }


# --- silence ------------------------------------------------------------------------------------------


def test_silence_expires_it_and_is_no_clear() -> None:
    condition, _ = observe(None, fire(expires_after=timedelta(hours=1)), received_at=T0, receipt="r")
    early, not_yet = expire(condition, at(minutes=59))
    late, turn = expire(condition, at(hours=2))

    assert (early, not_yet) == (condition, Turn.REPEATED)
    assert turn is Turn.EXPIRED
    assert (late.firing, late.expired, late.ended_at, late.expires_at) == (False, True, at(hours=1), None)


def test_what_never_expires_or_is_over_does_not_expire() -> None:
    firing, _ = fold(fire())
    over, _ = fold(fire(), clear())

    assert expire(firing, at(days=9)) == (firing, Turn.REPEATED)
    assert expire(over, at(days=9)) == (over, Turn.REPEATED)


def test_a_clear_after_an_expiry_turns_it_into_cleared() -> None:
    condition, _ = observe(None, fire(1, expires_after=timedelta(hours=1)), received_at=T0, receipt="r")
    condition, _ = expire(condition, at(hours=1))
    condition, turn = observe(condition, clear(1, 90), received_at=at(hours=2), receipt="r")

    assert turn is Turn.CLEARED
    assert (condition.expired, condition.ended_at) == (False, at(minutes=90))


def test_after_silence_the_same_firing_speaks_again() -> None:
    condition, _ = observe(None, fire(1, expires_after=timedelta(hours=1)), received_at=T0, receipt="r")
    condition, _ = observe(condition, clear(0, 0), received_at=T0, receipt="r")
    condition, _ = expire(condition, at(hours=1))
    _, turn = observe(condition, fire(1), received_at=at(hours=2), receipt="r")

    assert turn is Turn.FIRED


def test_each_repeat_puts_expiry_off() -> None:
    hour = timedelta(hours=1)
    condition, _ = observe(None, fire(expires_after=hour), received_at=T0, receipt="r")
    condition, _ = observe(condition, fire(expires_after=hour), received_at=at(minutes=30), receipt="r")

    assert condition.expires_at == at(minutes=90)


# --- any order ----------------------------------------------------------------------------------------


def history(episodes: int, *, open_end: bool) -> list[Alert]:
    told = []
    for episode in range(episodes):
        start, end = 10 * episode + 1, 10 * episode + 5
        told.append(fire(start))
        if not (open_end and episode == episodes - 1):
            told.append(clear(start, end))
    return told


@given(st.data(), st.integers(1, 4), st.booleans())
def test_any_order_with_any_repeats_comes_to_the_same_state(
    data: st.DataObject, episodes: int, open_end: bool
) -> None:
    told = history(episodes, open_end=open_end)
    again = data.draw(st.lists(st.sampled_from(told), max_size=5))
    shuffled = data.draw(st.permutations(told + again))

    condition, _ = fold(*shuffled)

    assert condition.firing is open_end
    if not open_end:
        assert condition.ended_at == at(minutes=10 * (episodes - 1) + 5)


@pytest.mark.parametrize(
    ("late_for", "minutes", "turn"),
    [(None, 600, Turn.STALE), (2, 1, Turn.STALE), (2, 2, Turn.FIRED), (0, 0, Turn.FIRED)],
    ids=["ever", "while it may be late", "no longer", "never late"],
)
def test_an_old_start_after_a_clear_fires_unless_it_may_be_late(
    late_for: int | None, minutes: int, turn: Turn
) -> None:
    window = None if late_for is None else timedelta(minutes=late_for)
    cleared, _ = fold(fire(1), clear(1, 2))
    again = observe(
        cleared, fire(1, late_for=window), received_at=LATE + timedelta(minutes=minutes), receipt="r"
    )

    assert again[1] is turn


def test_a_repeated_clear_does_not_make_late_messages_of_later_ones() -> None:
    window = timedelta(minutes=2)
    condition, _ = fold(fire(1), clear(1, 2))
    repeated_at = LATE + timedelta(minutes=5)
    condition, _ = observe(condition, clear(1, 2), received_at=repeated_at, receipt="r")

    assert observe(condition, fire(1, late_for=window), received_at=repeated_at, receipt="r")[1] is Turn.FIRED


def test_an_end_kept_without_its_receipt_is_held_against_older_firings() -> None:
    condition, _ = fold(fire(1), clear(1, 2))
    kept = msgspec.structs.replace(condition, told_end_at=None)

    assert observe(kept, fire(1, late_for=timedelta(0)), received_at=LATE, receipt="r")[1] is Turn.STALE

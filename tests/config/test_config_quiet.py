"""Windows, time intervals and reminders: what is refused between tables, with its place."""

from __future__ import annotations

import pytest

from tests.config.conftest import ConfigFile

INTERVAL = '[[time_intervals]]\nname = "office"\ntime_intervals = [{ weekdays = ["monday"] }]\n'
WINDOW = "[[windows]]\nname = 'w'\nmatchers = ['a=\"b\"']\n"
CHILD = '[[route.routes]]\nname = "quiet one"\n'


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        (CHILD + 'mute_time_intervals = ["offce"]\n' + INTERVAL, "mute_time_intervals.0", "there are office"),
        (CHILD + 'active_time_intervals = ["x"]\n', "active_time_intervals.0", "there are none"),
        (CHILD + 'hours = "x"\n', "hours", "no time interval 'x'"),
        (CHILD + 'outside = { board = "x" }\n', "outside.board", "there is no board 'x'"),
        ('[silences]\nremind_board = "x"\n', "silences.remind_board", "there is no board 'x'"),
        (INTERVAL + INTERVAL, "time_intervals.1.name", "another time interval"),
        (WINDOW + "starts = 2026-12-24T18:00:00Z\n", "windows.0", "exactly one of ends and duration"),
        (WINDOW + "cron = '0 2 * *'\nduration = '1h'\n", "windows.0.cron", "it has five fields"),
    ],
)
def test_each_fault_names_its_key(config: ConfigFile, text: str, key: str, says: str) -> None:
    fault = config.append(text).fault()
    assert fault.key.endswith(key)
    assert says in fault.problem
    assert fault.line > 0


def test_a_calendar_without_its_extra_is_refused(config: ConfigFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alertd.config.crosschecks.find_spec", lambda name: None)
    fault = config.append(WINDOW + "ical = 'a.ics'\n").fault()
    assert fault.key == "windows.0.ical"
    assert "requirements/calendar.txt" in fault.problem

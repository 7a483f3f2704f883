"""Zabbix's clock: local time without a zone, and the hour that comes twice in autumn."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from alertd.core.alerts import Alert
from alertd.core.conditions import Condition, Turn, observe
from alertd.core.reading.bodies import Body
from alertd.core.sources import kinds
from alertd.core.sources.zabbix import ZabbixSettings

ZURICH = kinds.compile_profile(
    ZabbixSettings.model_validate(
        {
            "name": "zabbix",
            "kind": "zabbix",
            "token": {"env": "T"},
            "timezone": "Europe/Zurich",
            "key_by": "trigger",
        }
    )
)
FIRST_HOUR = datetime(2026, 10, 25, 0, tzinfo=UTC)  # 02:00 in summer time; an hour later it is 02:00 again


def said(received_at: datetime, **fields: Any) -> Alert:
    raw = json.dumps({"event_id": "1", "trigger_id": "7", "date": "2026.10.25", **fields}).encode()
    (alert,) = kinds.read(Body(raw=raw), ZURICH, received_at=received_at).alerts
    return alert


def heard(before: Condition | None, alert: Alert, received_at: datetime) -> tuple[Condition, Turn]:
    return observe(before, alert, received_at=received_at, receipt="R")


def test_a_problem_of_the_second_hour_is_not_taken_for_an_old_one() -> None:
    began, ended = FIRST_HOUR + timedelta(minutes=20), FIRST_HOUR + timedelta(minutes=50)
    again = FIRST_HOUR + timedelta(minutes=70)  # 02:10, by a clock that has been set back
    condition, turn = heard(None, said(began, value="1", time="02:20:00"), began)
    assert turn is Turn.FIRED
    over = said(ended, value="0", time="02:20:00", recovery_date="2026.10.25", recovery_time="02:50:00")
    condition, turn = heard(condition, over, ended)
    assert turn is Turn.CLEARED
    condition, turn = heard(condition, said(again, value="1", time="02:10:00"), again)
    assert turn is Turn.FIRED


def test_an_end_in_the_second_hour_ends_what_began_in_the_first() -> None:
    began, ended = FIRST_HOUR + timedelta(minutes=50), FIRST_HOUR + timedelta(minutes=70)
    condition, _ = heard(None, said(began, value="1", time="02:50:00"), began)
    over = said(ended, value="0", time="02:50:00", recovery_date="2026.10.25", recovery_time="02:10:00")
    condition, turn = heard(condition, over, ended)
    assert turn is Turn.CLEARED

"""Times as senders write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alertd.core.reading.instants import instant, strptime_pattern, utc

AT = datetime(2026, 9, 1, 6, 12, 30, tzinfo=UTC)
MICRO = AT.replace(microsecond=482_123)
TORONTO = ZoneInfo("America/Toronto")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1788243150, AT),
        ("1788243150", AT),
        (1788243150.482123, MICRO),
        (1788243150000, AT),
        ("1788243150482", MICRO.replace(microsecond=482_000)),
        (1788243150482123, MICRO),
        (1788243150482123000, MICRO),
        ("2026-09-01T06:12:30Z", AT),
        ("2026-09-01T06:12:30.482123456Z", MICRO),
        ("2026-09-01T06:12:30.4821230Z", MICRO),
        ("2026-09-01 06:12:30", AT),
        ("2026-09-01T02:12:30-0400", AT),
        ("2026-09-01T08:12:30+02:00", AT),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-10:00", None),
        (5, None),
        (-5, None),
        (10**20, None),
        ("yesterday", None),
        ("", None),
        (True, None),
        (None, None),
        ({"a": 1}, None),
        (float("nan"), None),
        ("-99999999999", None),
    ],
)
def test_guessed(value: Any, expected: datetime | None) -> None:
    assert instant(value) == expected


@pytest.mark.parametrize(
    ("value", "formats", "expected"),
    [
        ("5", ["epoch_s"], datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)),
        (1788243150000, ["epoch_ms"], AT),
        (1788243150482123, ["epoch_us"], MICRO),
        ("99999999999999999999", ["epoch_s"], None),
        ("soon", ["epoch_s"], None),
        ("01.09.2026 06:12:30", ["rfc3339", "%d.%m.%Y %H:%M:%S"], AT),
        ("01.09.2026", ["%Y"], None),
        ("1788243150", ["rfc3339"], None),
    ],
)
def test_configured(value: Any, formats: list[str], expected: datetime | None) -> None:
    assert instant(value, formats) == expected


def test_clocks_that_name_no_zone_stand_where_the_settings_say() -> None:
    assert instant("2026-09-01 02:12:30", zone=TORONTO) == AT
    assert instant("01.09.2026 02:12", ["%d.%m.%Y %H:%M"], TORONTO) == AT.replace(second=0)
    assert instant("2026-09-01T06:12:30Z", zone=TORONTO) == AT


def test_utc() -> None:
    assert utc(None) is None
    assert utc(AT) is AT
    assert utc(AT.replace(tzinfo=None)) == AT
    east = AT.astimezone(timezone(timedelta(hours=2)))
    converted = utc(east)
    assert converted is not None
    assert converted.tzinfo is UTC


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy.MM.dd HH:mm:ss", "2026.09.01 06:07:08"),
        ("dd/MM/yy h:mm:ss a", "01/09/26 6:07:08 AM"),
        ("yyyy-MM-ddTHH:mm:ss.SSS", "2026-09-01T06:07:08.000"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2026-09-01T06:07:08+00:00"),
        ("EEE, d MMM yyyy HH:mm:ss Z", "Tue, 1 Sep 2026 06:07:08 +0000"),
        ("%d.%m.%Y %H:%M:%S", "01.09.2026 06:07:08"),
    ],
)
def test_patterns_of_manuals(pattern: str, text: str) -> None:
    assert instant(text, [strptime_pattern(pattern)]) == datetime(2026, 9, 1, 6, 7, 8, tzinfo=UTC)


def test_a_letter_that_means_nothing() -> None:
    with pytest.raises(ValueError, match="'QQ' is no part of a time"):
        strptime_pattern("yyyy QQ")

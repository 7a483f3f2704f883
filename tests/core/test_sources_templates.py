"""What the sheets have people paste at their senders is what is read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from alertd.core.alerts import Alert, Status
from alertd.core.reading.bodies import Body
from alertd.core.reading.settings import SenderSettings
from alertd.core.sources import datto_rmm, kinds, prtg, zabbix_media_type

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
SETTINGS: TypeAdapter[Any] = TypeAdapter(kinds.SourceSettings)
VALUES = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40
).map(str.strip)
NAMED = re.compile("|".join(f'"{name}"' for name in datto_rmm.FIELDS))


def read(kind: str, text: str) -> Alert:
    compiled = kinds.compile_profile(
        SETTINGS.validate_python({"name": "s", "kind": kind, "token": {"env": "T"}})
    )
    reading = kinds.read(Body(raw=text.encode()), compiled, received_at=NOW)
    assert reading.problems == ()
    (alert,) = reading.alerts
    return alert


def filled(kind: str, index: int, **values: str) -> str:
    """Fill a template of a sheet as its sender does: paste, and escape nothing."""
    text = kinds.KINDS[kind].sheet.templates[index].text
    for placeholder, value in values.items():
        text = text.replace(f"[{placeholder}]", value)
    return text


SAFE = VALUES.filter(
    lambda text: text != "" and not NAMED.search(text) and not re.fullmatch(r"\[[a-z_]+\]", text)
)


@given(SAFE, SAFE, SAFE)
def test_datto_escapes_nothing(message: str, user: str, site: str) -> None:
    """A quote alone breaks the JSON; then every value comes out as Datto put it in."""
    values = {
        "alert_uid": "u-1",
        "alert_message_en": f'{message} "',
        "last_user": user,
        "site_name": site,
        "device_hostname": "PC",
    }
    raised, resolved = (read("datto-rmm", filled("datto-rmm", index, **values)) for index in (0, 1))
    assert (raised.status, resolved.status) == (Status.FIRING, Status.CLEARED)
    assert raised.fingerprint == resolved.fingerprint
    assert raised.annotations["description"] == f'{message} "'
    assert raised.annotations["last_user"] == user
    assert raised.labels["client"] == site


def test_datto_before_anybody_filled_it_in() -> None:
    assert read("datto-rmm", filled("datto-rmm", 0)).status is Status.IGNORED


def test_prtg_fills_in_a_line() -> None:
    line = kinds.KINDS["prtg"].sheet.templates[0].text
    names = set(re.findall(r"([a-z]+)=", line))
    assert names <= set(prtg.FIELDS)
    values = {"%sensorid": "7", "%status": "Down", "%message": "a & b = 100 %", "%priority": "***"}
    for placeholder, value in values.items():
        line = line.replace(placeholder, value)
    alert = read("prtg", line)
    assert alert.status is Status.FIRING
    assert alert.labels["sensor_id"] == "7"
    assert alert.annotations["description"] == "a & b = 100 %"


def test_uptime_kuma_fills_in_a_custom_body() -> None:
    text = kinds.KINDS["uptime-kuma"].sheet.templates[0].text
    for slot, value in (
        ("{{ msg | json }}", '"x"'),
        ("{{ monitorJSON | json }}", '{"id": 7, "name": "Shop"}'),
        ("{{ heartbeatJSON | json }}", '{"status": 1}'),
    ):
        assert slot in text
        text = text.replace(slot, value)
    alert = read("uptime-kuma", text)
    assert (alert.status, alert.labels["client"]) == (Status.CLEARED, "Contoso")


def test_the_media_type_is_shipped_as_a_file() -> None:
    text = zabbix_media_type.media_type()
    text = text.replace("{{url}}", "https://alerts.example.com/v1/alerts/zabbix")
    text = text.replace("{{token}}", "paste-the-token-here")
    assert (ROOT / "config" / "sources" / "zabbix-media-type.yaml").read_text() == text


def test_the_sheet_of_zabbix_has_the_media_type() -> None:
    (template,) = kinds.KINDS["zabbix"].sheet.templates
    assert template.text == zabbix_media_type.media_type()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("zabbix", '{"subject": "Problem", "body": "x"}'),
        ("prtg", '{"text": "x"}'),
        ("uptime-kuma", '{"up": true}'),
        ("datto-rmm", '{"text": "x"}'),
        ("ninjaone", '{"alertId": "1", "deviceName": "PC", "timestamp": 1}'),
    ],
)
def test_what_is_of_another_shape_is_parked(kind: str, text: str) -> None:
    compiled = kinds.compile_profile(
        SETTINGS.validate_python({"name": "s", "kind": kind, "token": {"env": "T"}})
    )
    reading = kinds.read(Body(raw=text.encode()), compiled, received_at=NOW)
    assert reading.alerts == ()
    assert [problem.reason for problem in reading.problems] == ["shape"]


@pytest.mark.parametrize("kind", ["grafana", "zabbix", "prtg", "uptime-kuma", "datto-rmm", "ninjaone"])
def test_a_sheet_names_every_key(kind: str) -> None:
    """What only this kind understands is found in its sheet."""
    found = kinds.KINDS[kind]
    named = {key for key, _ in found.sheet.keys}
    assert set(found.settings.model_fields) - set(SenderSettings.model_fields) == named
    assert {"fires", "clears", "ignored"} <= {meaning.partition(",")[0] for _, meaning in found.sheet.states}

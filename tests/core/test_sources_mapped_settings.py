"""`kind = "mapped"`: what is accepted, and which key a complaint names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alertd.core.reading.fields import FieldSettings
from alertd.core.reading.settings import ClientSettings
from alertd.core.sources.mapped_settings import MappedSettings


def settings(**given: Any) -> MappedSettings:
    return MappedSettings.model_validate(
        {"name": "doorbell", "kind": "mapped", "token": {"env": "T"}} | given
    )


def test_the_example_of_the_documentation() -> None:
    found = settings(
        split="events",
        key=["device.id", "rule"],
        title="rule",
        host="device.name",
        severity={"path": "level", "map": {"1": "critical", "2": "warning"}, "default": "warning"},
        status={"path": "state", "firing": ["open"], "cleared": ["closed"]},
    )
    assert found.key is not None
    assert [field.path for field in found.key] == [["device.id"], ["rule"]]
    assert found.status is not None
    assert found.status.can_clear


@pytest.mark.parametrize(
    ("client", "kind"),
    [
        ("company", FieldSettings),
        (["a", "b"], FieldSettings),
        ({"path": "a"}, FieldSettings),
        ({"const": "a"}, FieldSettings),
        (FieldSettings(const="a"), FieldSettings),
        ({"label": "a"}, ClientSettings),
        ({"lookup": "a.b"}, ClientSettings),
        ({"default": "a"}, ClientSettings),
        (ClientSettings(default="a"), ClientSettings),
    ],
)
def test_ways_to_name_the_client(client: Any, kind: type) -> None:
    assert isinstance(settings(client=client).client, kind)


def test_a_label_of_the_client_need_not_be_a_path() -> None:
    assert settings(labels={"a[": "x"}, client={"label": "a["}).client == ClientSettings(label="a[")


@pytest.mark.parametrize(
    ("status", "can_clear"),
    [
        ("state", True),
        ({"path": "state", "cleared": "ok"}, True),
        ({"path": "state", "pairs": {"down": "up"}}, True),
        ({"path": "state", "firing": ["open"]}, False),
        ({"path": "state", "ignored": ["test"]}, False),
        ({"const": "firing"}, False),
        ({"const": "cleared"}, True),
    ],
)
def test_can_clear(status: Any, can_clear: bool) -> None:
    found = settings(status=status).status
    assert found is not None
    assert found.can_clear is can_clear


@pytest.mark.parametrize(
    ("given", "place", "message"),
    [
        ({"split": "a["}, "split", "not a path"),
        ({"key": []}, "key", "at least 1"),
        ({"key": ["a["]}, r"key\.0\.path\.0", "not a path"),
        ({"title": {"path": "a", "regex": "("}}, r"title\.regex", "not an RE2 pattern"),
        ({"titel": "a"}, "titel", "not permitted"),
        ({"severity": {"path": "a", "map": {"1": "urgent"}}}, "severity", "'urgent' is not a severity"),
        ({"severity": {"const": "bad"}}, "severity", "'bad' is not a severity"),
        ({"severity": {"path": "a", "default": "bad"}}, "severity", "'bad' is not a severity"),
        ({"status": {}}, "status", "needs path"),
        ({"status": {"path": "a", "const": "firing"}}, "status", "needs path"),
        ({"status": {"const": "open"}}, r"status\.const", "firing"),
        ({"status": {"path": "a", "firing": ["X"], "cleared": ["x"]}}, "status", "'X' has two meanings"),
        ({"status": {"path": "a", "pairs": {"down": "down"}}}, "status", "two meanings"),
        ({"starts_at": {"path": "a", "formats": ["iso"]}}, r"starts_at\.formats\.0", "'iso' is none of"),
        ({"starts_at": {"path": "a", "formats": ["%Q"]}}, r"starts_at\.formats\.0", "not a time pattern"),
        ({"starts_at": {"path": "a", "formats": ["yyyy QQ"]}}, r"starts_at\.formats\.0", "is none of"),
        ({"starts_at": {"path": "a", "template": "{a}"}}, r"starts_at", "needs either path"),
        ({"starts_at": {"path": "a", "timezone": "Nope"}}, r"starts_at\.timezone", "not a time zone"),
        ({"starts_at": {"path": "a", "timezone": "../x"}}, r"starts_at\.timezone", "not a time zone"),
        ({"starts_at": {"path": "a", "timezone": ""}}, r"starts_at\.timezone", "not a time zone"),
        ({"labels": {"site": "a["}}, r"labels\.site\.path\.0", "not a path"),
        ({"client": {"label": "a["}}, "", "not a path"),
        ({"client": {}}, r"client\.label", "needs one of label"),
        ({"client": {"label": "a", "path": "b"}}, r"client\.field\.label", "not permitted"),
        ({"ignore": [{"path": "a"}]}, r"ignore\.0", "needs either values"),
        ({"ignore": [{"path": "a", "values": ["x"], "regex": "y"}]}, r"ignore\.0", "needs either values"),
        ({"ignore": [{"path": "a", "regex": "("}]}, r"ignore\.0\.regex", "not an RE2 pattern"),
    ],
)
def test_refused(given: dict[str, Any], place: str, message: str) -> None:
    with pytest.raises(ValidationError, match=rf"(?m)^{place}\n.*{message}" if place else message):
        settings(**given)


def test_formats_and_zones_that_are_sound() -> None:
    found = settings(
        starts_at={"path": "a", "formats": ["epoch_ms", "%d.%m.%Y"], "timezone": "America/Toronto"}
    )
    assert found.starts_at is not None
    assert found.starts_at.formats == ["epoch_ms", "%d.%m.%Y"]


def test_ignore_rules_that_are_sound() -> None:
    found = settings(
        ignore=[{"path": "type", "values": "ping"}, {"path": ["a", "b"], "regex": "^test"}]
    ).ignore
    assert [(rule.values, rule.regex) for rule in found] == [(["ping"], None), ([], "^test")]

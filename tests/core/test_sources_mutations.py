"""Bodies damaged at random: every reader reads them or says why not, and nothing else."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from alertd.core import identity
from alertd.core.alerts import Alert
from alertd.core.matchers import parse_matchers
from alertd.core.reading.bodies import Body, Reading, Unreadable
from alertd.core.sources import alertmanager_v2, kinds
from alertd.core.sources.alertmanager import AlertmanagerSettings
from alertd.core.sources.mapped_settings import MappedSettings
from tests.payloads import cases

CASES_EACH = int(os.environ.get("ALERTD_FUZZ_CASES", "1000"))  # `make fuzz` asks for 30,000
NOW = datetime(2026, 9, 1, tzinfo=UTC)
TOKEN = {"name": "s", "token": {"env": "T"}}
AM = kinds.compile_profile(
    AlertmanagerSettings.model_validate(
        TOKEN | {"kind": "alertmanager", "client": {"label": "customer", "regex": "(.*)"}}
    )
)
MAPPED = kinds.compile_profile(
    MappedSettings.model_validate(
        TOKEN
        | {
            "kind": "mapped",
            "split": "events || [@]",
            "key": ["device.id", "max_by(tags, &k).k", "rule"],
            "title": {"template": "{device.name}: {rule}"},
            "client": ["^.companyName", "customer"],
            "status": {"path": "state", "firing": ["open"], "cleared": ["closed"]},
            "starts_at": {
                "path": "time",
                "formats": ["epoch_ms", "rfc3339", "%d.%m.%Y"],
                "timezone": "America/Toronto",
            },
            "labels": {"site": {"path": "site", "regex": "(\\pL+)"}},
            "redact": ["device.note"],
        }
    )
)
PLAIN = kinds.compile_profile(MappedSettings.model_validate(TOKEN | {"kind": "mapped"}))

SENT = {
    "status": "firing",
    "labels": {"alertname": "Dïsk", "instance": "fs02:9100", "severity": "page", "customer": "n"},
    "annotations": {"summary": "C:\\Users\n", "password": "x"},
    "startsAt": "2026-09-01T06:12:30.482Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "https://u:p@prom.example.net/graph?x=%20",
    "fingerprint": "9a1c0f52d3b7e684",
}
HOOK = json.dumps(
    {"version": "4", "truncatedAlerts": 1, "alerts": [SENT, SENT | {"status": "resolved"}]}
).encode()
POST = json.dumps([SENT, SENT | {"endsAt": "2026-09-01T06:14:00Z"}], ensure_ascii=False).encode()
EVENT = {
    "device": {"id": 7, "name": "Sërver", "note": "n"},
    "rule": "door",
    "state": "open",
    "time": 1788243150000,
    "tags": [{"k": 1}, {"k": 2}],
    "site": "HQ",
}
EVENTS = json.dumps({"companyName": "Contoso", "events": [EVENT, EVENT]}, ensure_ascii=False).encode()
FORM = b"id=7&title=Down+now&severity=high&state=open&data=%7B%22a%22%3A%5B1%5D%7D&url=https%3A%2F%2Fx"
XML = b'<?xml version="1.0"?><n v="1"><id>7</id><host>SRV1</host><title>down</title><t>1</t><t>2</t></n>'
PARTS = b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n{"id": 7, "title": "x"}\r\n--b--\r\n'
WRAPPED = json.dumps(EVENTS.decode()).encode()

PIECES = (
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"<",
        b">",
        b"&",
        b"=",
        b"%",
        b"\0",
        b"\n",
        b"\xff",
        b"\xef\xbb\xbf",
    ),
    *(
        b"null",
        b"true",
        b"-1",
        b"1e999",
        b"NaN",
        b"9" * 40,
        b'"\\ud800"',
        b'"\\u0000"',
        b"[" * 40,
        b"{}",
        b'""',
        b"\xff\xfe",
    ),
    *(
        b'{"a":' * 40,
        b'"password":"',
        b"<!DOCTYPE a>",
        b"&#0;",
        b"--b",
        b"0001-01-01T00:00:00Z",
        b"9999-12-31T23:59:59-14:00",
    ),
)


def mutated(raw: bytes, dice: random.Random) -> bytes:
    """Cut, repeat, replace or insert, a few times over."""
    for _ in range(dice.randint(1, 4)):
        start, end = sorted(dice.randrange(len(raw) + 1) for _ in range(2))
        end = min(end, start + dice.choice([1, 3, 20, 400]))
        middle = dice.choice(
            [b"", raw[start:end] * 2, dice.choice(PIECES), dice.randbytes(2), raw[start:end]]
        )
        raw = raw[:start] + middle + raw[end:]
    return raw


def check(alert: Alert) -> None:
    """What the rest of the program relies on."""
    for texts in (alert.labels, alert.annotations, alert.sent_labels):
        for text in (*texts, *texts.values()):
            assert "\0" not in text
            assert len(text.encode()) <= 32 * 1024 + 3
    assert {"alertname", "severity", "source"} <= alert.labels.keys()
    assert all(alert.labels[name] for name in ("alertname", "severity", "source"))
    assert len(alert.fingerprint) == 16
    for at in (alert.starts_at, alert.ends_at):
        assert at is None or at.utcoffset() is not None
    assert identity.fingerprint(alert.labels)
    assert parse_matchers('source=~"s.*"')[0].matches(alert.labels)


def read_or_none(body: Body, profile: Any) -> Reading | None:
    try:
        return kinds.read(body, profile, received_at=NOW)
    except Unreadable:
        return None


CASES: dict[str, tuple[Any, list[bytes]]] = {
    "alertmanager": (AM, [HOOK]),
    "mapped": (MAPPED, [EVENTS, WRAPPED]),
    "mapped without settings": (PLAIN, [FORM, XML, PARTS, EVENTS]),
}


@pytest.mark.parametrize("case", CASES)
def test_fuzz(case: str) -> None:
    profile, samples = CASES[case]
    fuzz(profile, samples)


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_fuzz_payloads(kind: str) -> None:
    """Every kind, by its payloads as documented."""
    model = kinds.KINDS[kind].settings
    profile = kinds.compile_profile(model.model_validate(TOKEN | {"kind": kind}))
    fuzz(profile, [case.raw for case in cases(kind) if case.raw and not case.unreadable])


def fuzz(profile: Any, samples: list[bytes]) -> None:
    dice = random.Random(20260901)
    read_well = 0
    for number in range(CASES_EACH):
        raw = kinds.redact(mutated(samples[number % len(samples)], dice), profile)
        body = Body(raw=raw, content_type=dice.choice(["", "application/x-www-form-urlencoded", "text/xml"]))
        reading = read_or_none(body, profile)
        assert reading == read_or_none(body, profile)
        if reading is None:
            continue
        read_well += bool(reading.alerts)
        for alert in reading.alerts:
            check(alert)
    assert read_well > CASES_EACH // 10  # the damage is not so great that nothing is tried


def test_fuzz_v2() -> None:
    dice = random.Random(20260902)
    answers = set()
    for _ in range(CASES_EACH):
        reading = alertmanager_v2.read(Body(raw=mutated(POST, dice)), AM.profile, received_at=NOW)
        answers.add(reading.status)
        assert (reading.status == 200) == (reading.answer == b"")
        if reading.answer:
            json.loads(reading.answer)
        for alert in reading.alerts:
            check(alert)
    assert answers == {200, 400, 422}

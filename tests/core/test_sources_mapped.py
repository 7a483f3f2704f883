"""The mapped source: any sender, described by paths."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import tomli

from alertd.core import identity
from alertd.core.alerts import Alert, Severity, Status
from alertd.core.reading.bodies import Body, Problem, Reading, Unreadable
from alertd.core.sources.mapped import compile_profile, events, read
from alertd.core.sources.mapped_settings import MappedSettings
from alertd.core.sources.mapped_sheet import SHEET
from alertd.core.sources.sheets import Template

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DOORBELL = {
    "split": "events",
    "key": ["device.id", "rule"],
    "title": "rule",
    "host": "device.name",
    "client": "^.companyName",
    "severity": {"path": "level", "map": {"1": "critical", "2": "warning"}, "default": "warning"},
    "status": {"path": "state", "firing": ["open"], "cleared": ["closed"], "ignored": ["test"]},
}
EVENT = {"device": {"id": 7, "name": "SRV1"}, "rule": "door open", "level": 1, "state": "open"}


def read_body(body: Body, **given: Any) -> Reading:
    settings = {"name": "doorbell", "kind": "mapped", "token": {"env": "T"}} | given
    return read(body, compile_profile(MappedSettings.model_validate(settings)), received_at=NOW)


def read_one(tree: Any, *, query: Any = (), **given: Any) -> Alert:
    reading = read_body(Body(raw=json.dumps(tree).encode(), query=query), **given)
    assert reading.problems == ()
    (found,) = reading.alerts
    return found


def test_the_doorbell_of_the_documentation() -> None:
    closed = EVENT | {"state": "closed", "level": 9}
    raw = json.dumps({"companyName": "Contoso", "events": [EVENT, closed, {}, "text"]}).encode()
    reading = read_body(Body(raw=raw), **DOORBELL)
    firing, cleared = reading.alerts
    assert firing == Alert(
        source="doorbell",
        fingerprint=identity.key_fingerprint("doorbell", ("7", "door open")),
        status=Status.FIRING,
        severity=Severity.CRITICAL,
        labels={
            "alertname": "door open",
            "severity": "critical",
            "source": "doorbell",
            "client": "Contoso",
            "host": "SRV1",
        },
        annotations={"title": "door open"},
    )
    assert (cleared.key, cleared.status) == (firing.key, Status.CLEARED)
    assert (cleared.severity, cleared.annotations["unknown_severity"]) == (Severity.WARNING, "9")
    assert [(problem.index, problem.reason) for problem in reading.problems] == [(2, "shape"), (3, "shape")]


@pytest.mark.parametrize(
    ("tree", "split", "count"),
    [
        ({"a": 1}, None, 1),
        ([{"a": 1}, {"a": 2}], None, 2),
        ([], None, 0),
        ({"event": {"a": 1}}, "event", 1),
        ({"groups": [{"alerts": [{"a": 1}]}, {"alerts": [{"a": 2}, {"a": 3}]}]}, "groups[].alerts[]", 3),
    ],
)
def test_split(tree: Any, split: str | None, count: int) -> None:
    reading = read_body(Body(raw=json.dumps(tree).encode()), **({"split": split} if split else {}))
    assert len(reading.alerts) == count


def test_nothing_at_the_split_path() -> None:
    with pytest.raises(Unreadable, match=r"shape: .*split"):
        read_one({"a": 1}, split="events")


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (b'{"id": "7", "host": "SRV1", "title": "down"}', "application/json"),
        (b'"{\\"id\\": \\"7\\", \\"host\\": \\"SRV1\\", \\"title\\": \\"down\\",}"', "text/plain"),
        (b"id=7&host=SRV1&title=down", "application/x-www-form-urlencoded"),
        (b"<a><id>7</id><host>SRV1</host><title>down</title></a>", "text/xml"),
        (
            b'--b\nContent-Disposition: form-data; name="data"\n\n'
            b'{"id":7,"host":"SRV1","title":"down"}\n--b--',
            "",
        ),
    ],
)
def test_every_format_is_one_tree(raw: bytes, content_type: str) -> None:
    (found,) = read_body(Body(raw=raw, content_type=content_type)).alerts
    assert found.fingerprint == identity.key_fingerprint("doorbell", ("7",))
    assert (found.labels["host"], found.annotations["title"]) == ("SRV1", "down")


def test_query_string() -> None:
    (found,) = read_body(Body(raw=b"", query=(("msg", "x"), ("id", "7"))), title="msg").alerts
    assert found.annotations["title"] == "x"


@pytest.mark.parametrize(
    ("tree", "parts"),
    [
        ({"dedup": "d", "id": 1}, ["d"]),
        ({"alert_uid": "u"}, ["u"]),
        ({"resource": "web", "event": "Down", "environment": "Prod", "id": 5}, ["Prod", "web", "Down"]),
        ({"resource": "web", "id": 5}, ["5"]),
        ({"id": 5}, ["5"]),
    ],
)
def test_usual_keys(tree: Any, parts: list[str]) -> None:
    assert read_one(tree).fingerprint == identity.key_fingerprint("doorbell", parts)


def test_without_a_key_every_message_stands_alone() -> None:
    raw = json.dumps([{"title": "x"}, {"title": "x"}]).encode()
    first, second = read_body(Body(raw=raw)).alerts
    assert first.key != second.key
    assert first.annotations["unkeyed"] == "true"
    assert first.labels["alertname"] == first.fingerprint
    assert read_body(Body(raw=raw)).alerts == (first, second)  # reading again, as after a restart


def test_a_key_that_is_partly_empty_still_counts() -> None:
    found = read_one({"a": "", "b": "x"}, key=["a", "b"])
    assert found.fingerprint == identity.key_fingerprint("doorbell", ("", "x"))
    assert "unkeyed" not in found.annotations


@pytest.mark.parametrize(
    ("tree", "given", "name"),
    [
        ({"rule": "Disk", "title": "Disk at 96 %", "id": 1}, {}, "Disk"),
        ({"event": "NodeDown", "id": 1}, {}, "NodeDown"),
        ({"title": "Disk at 96 %", "a": "1", "b": "2"}, {"key": ["a", "c", "b"]}, "1/2"),
        ({"a": "x" * 300}, {"key": ["a"]}, "x" * 200),
        ({"a": "1"}, {"key": ["a"], "alertname": {"const": "doorbell"}}, "doorbell"),
    ],
)
def test_alertname(tree: Any, given: dict[str, Any], name: str) -> None:
    assert read_one(tree, **given).labels["alertname"] == name


@pytest.mark.parametrize(
    ("tree", "given", "severity", "unknown"),
    [
        ({"severity": "P1"}, {}, Severity.CRITICAL, None),
        ({"priority": "low"}, {}, Severity.LOW, None),
        ({"level": 3}, {}, Severity.WARNING, "3"),
        ({}, {}, Severity.WARNING, None),
        ({}, {"severity": {"path": "s", "default": "info"}}, Severity.INFO, None),
        ({"s": "error"}, {"severity": "s"}, Severity.HIGH, None),
        ({"s": "odd"}, {"severity": {"path": "s", "default": "low"}}, Severity.LOW, "odd"),
        ({}, {"severity": {"const": "high"}}, Severity.HIGH, None),
    ],
)
def test_severity(tree: Any, given: dict[str, Any], severity: Severity, unknown: str | None) -> None:
    found = read_one(tree | {"id": 1}, **given)
    assert (found.severity, found.annotations.get("unknown_severity")) == (severity, unknown)


@pytest.mark.parametrize(
    ("tree", "given", "status", "unknown"),
    [
        ({"state": "ok"}, {}, Status.CLEARED, None),
        ({"action": "close"}, {}, Status.CLEARED, None),
        ({"status": "whatever"}, {}, Status.FIRING, None),
        ({}, {}, Status.FIRING, None),
        ({"s": "RESOLVED"}, {"status": "s"}, Status.CLEARED, None),
        ({"s": "alerting"}, {"status": "s"}, Status.FIRING, None),
        ({"s": "odd"}, {"status": "s"}, Status.FIRING, "odd"),
        ({"s": "resolved"}, {"status": {"path": "s", "cleared": ["closed"]}}, Status.FIRING, "resolved"),
        ({"s": 1}, {"status": {"path": "s", "firing": ["0"], "cleared": ["1"]}}, Status.CLEARED, None),
        ({"s": "ping"}, {"status": {"path": "s", "ignored": "ping"}}, Status.IGNORED, None),
        ({}, {"status": {"path": "s", "cleared": ["1"]}}, Status.FIRING, None),
        ({}, {"status": {"const": "cleared"}}, Status.CLEARED, None),
        ({"s": "Test"}, {"ignore": [{"path": "s", "values": "test"}]}, Status.IGNORED, None),
        ({"s": "a test!"}, {"ignore": [{"path": "s", "regex": "test"}]}, Status.IGNORED, None),
        (
            {"s": "real"},
            {"ignore": [{"path": "s", "values": "test"}, {"path": "s", "regex": "x"}]},
            Status.FIRING,
            None,
        ),
    ],
)
def test_status(tree: Any, given: dict[str, Any], status: Status, unknown: str | None) -> None:
    found = read_one(tree | {"id": 1}, **given)
    assert (found.status, found.annotations.get("unknown_status")) == (status, unknown)


def test_pairs_share_one_identity() -> None:
    given = {
        "key": ["device"],
        "alertname": "type",
        "status": {"path": "type", "pairs": {"Uplink down": "Uplink up", "AP offline": "AP online"}},
    }
    down = read_one({"device": "x", "type": "Uplink down"}, **given)
    up = read_one({"device": "x", "type": "Uplink up"}, **given)
    other = read_one({"device": "x", "type": "AP offline"}, **given)
    assert (down.status, up.status) == (Status.FIRING, Status.CLEARED)
    assert down.key == up.key != other.key
    assert read_one({"device": "x", "type": "UPLINK DOWN"}, **given).key == down.key
    assert read_one({"device": "x", "type": "uplink up"}, **given).key == down.key
    assert down.labels["alertname"] == up.labels["alertname"] == "Uplink down"
    assert read_one({"type": "Uplink up"}, **given).annotations["unkeyed"] == "true"


@pytest.mark.parametrize(
    ("given", "query", "client"),
    [
        ({}, (), "Contoso"),
        ({}, (("client", "Query"),), "Contoso"),
        ({"client": "nothing"}, (("client", "Query"),), "Query"),
        ({"client": {"path": "nothing", "default": "Own"}}, (("client", "Query"),), "Query"),
        ({"client": {"path": "nothing", "default": "Own"}}, (), "Own"),
        ({"client": {"const": "Fixed"}}, (("client", "Query"),), "Fixed"),
        ({"client": {"default": "Own"}}, (), "Own"),
        ({"client": {"lookup": "org.id"}, "clients": {"104": "Harbour"}}, (), "Harbour"),
        ({"client": "org.id", "clients": {"104": "Harbour"}}, (), "Harbour"),
        ({"client": {"lookup": "org.id"}}, (), "104"),
        ({"client": {"label": "site"}, "labels": {"site": "org.site"}}, (), "s-9"),
        ({"client": {"label": "site", "regex": "s-(.)"}, "labels": {"site": "org.site"}}, (), "9"),
        ({"client": {"label": "org.site"}}, (), "s-9"),
        ({"client": "nothing", "labels": {"client": "org.site"}}, (), "s-9"),
        ({"client": "nothing"}, (), None),
    ],
)
def test_client(given: dict[str, Any], query: Any, client: str | None) -> None:
    tree = {"id": 1, "company": "Contoso", "org": {"id": 104, "site": "s-9"}}
    assert read_one(tree, query=query, **given).labels.get("client") == client


def test_labels_and_what_ours_displaces() -> None:
    found = read_one(
        {"id": 1, "sev": "P1", "site": "HQ", "none": ""},
        labels={"site": "site", "severity": "sev", "none": "none"},
        severity="sev",
    )
    assert found.sent_labels == {"site": "HQ", "severity": "P1"}
    assert found.labels["sent_severity"] == "P1"
    assert (found.labels["severity"], found.labels["site"]) == ("critical", "HQ")


def test_texts() -> None:
    tree = {"id": 1, "message": "down", "description": "long", "url": "https://x"}
    assert read_one(tree).annotations == {"title": "down", "description": "long", "url": "https://x"}
    assert read_one({"id": 1, "message": "down"}).annotations == {"title": "down"}


def test_times() -> None:
    given = {
        "starts_at": {
            "path": ["none", "begin"],
            "formats": ["%Y.%m.%d %H:%M"],
            "timezone": "America/Toronto",
        },
        "ends_at": "end",
        "status": "state",
    }
    tree = {"id": 1, "begin": "2026.09.01 02:00", "end": 1788249600, "state": "ok"}
    found = read_one(tree, **given)
    assert (found.starts_at, found.ends_at) == (
        datetime(2026, 9, 1, 6, tzinfo=UTC),
        datetime(2026, 9, 1, 8, tzinfo=UTC),
    )
    assert read_one(tree | {"state": "open"}, **given).ends_at is None


def test_usual_time() -> None:
    assert read_one({"id": 1, "timestamp": 1788249600}).starts_at == datetime(2026, 9, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expires_after"),
    [
        ({}, timedelta(hours=24)),
        ({"status": "s"}, None),
        ({"status": {"path": "s", "firing": ["x"]}}, timedelta(hours=24)),
        ({"expire_after": "0s"}, None),
        ({"status": "s", "expire_after": "2h"}, timedelta(hours=2)),
    ],
)
def test_expiry(given: dict[str, Any], expires_after: timedelta | None) -> None:
    assert read_one({"id": 1}, **given).expires_after == expires_after


def test_problem_says_what() -> None:
    reading = read_body(Body(raw=b"[1]"))
    assert reading.problems == (Problem(0, "shape", "the alert is not an object with fields"),)


def example(title: str) -> Template:
    return next(template for template in SHEET.templates if template.title.startswith(title))


def read_example(template: Template) -> list[Alert]:
    lines = [line[2:] for line in template.text.splitlines() if line.startswith("# ")]
    sent = "\n".join(lines[1:])
    [source] = tomli.loads(template.text)["sources"]
    profile = compile_profile(MappedSettings.model_validate(source))
    reading = read(Body(raw=sent.encode()), profile, received_at=NOW)
    assert reading.problems == ()
    return list(reading.alerts)


@pytest.mark.parametrize("template", SHEET.templates, ids=lambda each: each.title)
def test_every_example_of_the_page_is_read(template: Template) -> None:
    for found in read_example(template):
        assert found.annotations.keys().isdisjoint({"unkeyed", "unknown_status", "unknown_severity"})


@pytest.mark.parametrize(
    ("title", "status", "labels"),
    [
        ("Nothing said", "firing", {"host": "FS01", "client": "Contoso"}),
        (
            "JSON, the value of a path, words for severity and state",
            "firing",
            {"host": "Door 3", "severity": "critical"},
        ),
        (
            "A list of alerts, with access to what surrounds it",
            "firing",
            {"alertname": "Fan", "client": "Contoso"},
        ),
        (
            "Several paths, a constant, values joined, a default",
            "firing",
            {"alertname": "Disk full", "client": "Contoso"},
        ),
        ("Part", "firing", {"host": "FS01", "client": "Contoso"}),
        (
            "A form; labels, and the customer by a number of the sender's",
            "firing",
            {"client": "Northwind Traders", "serial": "SN-1"},
        ),
        ("XML", "cleared", {"host": "SRV1"}),
        (
            "JSON inside a JSON text, as from a client that serialised twice; JMESPath",
            "firing",
            {"site": "HQ"},
        ),
    ],
)
def test_the_examples_say_what_they_promise(title: str, status: str, labels: dict[str, str]) -> None:
    first = read_example(example(title))[0]
    assert first.status == status
    assert {name: first.labels.get(name) for name in labels} == labels


def test_a_time_in_two_fields() -> None:
    [found] = read_example(example("Times"))
    assert found.starts_at == datetime(2026, 11, 23, 19, 5, 9, tzinfo=UTC)


def test_what_a_request_says_before_it_is_given_names() -> None:
    settings = {"name": "s", "kind": "mapped", "token": [{"env": "T"}], "clients": {"7": "Contoso"}}
    profile = compile_profile(MappedSettings.model_validate(settings))
    body = Body(raw=b'[7, {"id": 1, "severity": "odd", "customer": "7"}]')
    told = events(body, profile, received_at=NOW)
    assert {index: (each.key, each.severity) for index, each in told.items()} == {1: (("1",), "odd")}

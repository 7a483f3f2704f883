"""Requests that are sent to Alertmanager and to alertd alike, in this order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

JSON = {"Content-Type": "application/json"}
UNKNOWN_ID = "11111111-1111-4111-8111-111111111111"
ALERTS = "/api/v2/alerts"
GROUPS = "/api/v2/alerts/groups"
SILENCES = "/api/v2/silences"


class Asked(NamedTuple):
    """One request. `{name}` in path and body stands for a silence's id that an earlier answer gave."""

    name: str
    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}
    keeps: str = ""  # the name under which the silence's id in the answer is kept


def every_request(now: datetime) -> list[Asked]:
    """Return all requests, times set around `now`."""
    return [
        *_pages(),
        *_odd_paths(),
        *_wrong_methods(),
        *_cors(),
        *_posts(now),
        *_questions(),
        *_silence_life(now),
        *_bad_silences(now),
        *_silence_questions(),
    ]


def at(instant: datetime, **later: float) -> str:
    """Return an instant as clients write it."""
    return (instant + timedelta(**later)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def get(name: str, path: str, **headers: str) -> Asked:
    return Asked(name, "GET", path, headers=headers)


def post(name: str, path: str, document: Any, *, keeps: str = "", **headers: str) -> Asked:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Asked(name, "POST", path, body, headers or JSON, keeps)


def _pages() -> list[Asked]:
    return [
        get("healthy", "/-/healthy"),
        get("ready", "/-/ready"),
        Asked("healthy by HEAD", "HEAD", "/-/healthy"),
        Asked("ready by HEAD", "HEAD", "/-/ready"),
        get("status", "/api/v2/status"),
        get("status with a query", "/api/v2/status?x=1"),
        get("receivers", "/api/v2/receivers"),
        get("no alerts yet", ALERTS),
        get("no groups yet", GROUPS),
        get("no silences yet", SILENCES),
        get("unknown path", "/api/v2/nothing"),
        get("the root of the API", "/api/v2/"),
        get("silence without an id", "/api/v2/silence"),
        get("silence with an empty id", "/api/v2/silence/"),
        get("below an endpoint", "/api/v2/status/x"),
        get("groups under another name", "/api/v2/groups"),
        get("a slash at the end", "/api/v2/status/"),
        get("capital letters", "/api/v2/Status"),
        get("anything accepted", "/api/v2/status", Accept="*/*"),
        get("JSON accepted", "/api/v2/status", Accept="application/json"),
        get("JSON among others accepted", "/api/v2/status", Accept="text/html, application/json;q=0.9"),
        get("any application type accepted", "/api/v2/status", Accept="application/*"),
        get("only HTML accepted", "/api/v2/status", Accept="text/html"),
        get("only XML accepted", ALERTS, Accept="application/xml"),
        get("HTML, or else anything accepted", ALERTS, Accept="text/html, */*;q=0.1"),
    ]


def _odd_paths() -> list[Asked]:
    return [
        get("an empty segment", "/api/v2//status"),
        get("dots", "/api/v2/x/../status"),
        get("slashes at the end", "/api/v2/receivers//"),
        get("an escaped letter", "/api/v2/%61lerts"),
        get("an escaped slash", "/api/v2/alerts%2Fgroups"),
        get("an escaped slash in an id", "/api/v2/silence/a%2Fb"),
        get("a silence with a slash at the end", f"/api/v2/silence/{UNKNOWN_ID}/"),
        get("a question mark alone", f"{ALERTS}?"),
        get("JSON explicitly not accepted", "/api/v2/status", Accept="application/json;q=0"),
        get("nothing said to be accepted", "/api/v2/status", Accept=""),
        get("a star accepted", "/api/v2/status", Accept="*"),
        get("other JSON accepted", "/api/v2/status", Accept="application/problem+json"),
        Asked(
            "DELETE that accepts HTML",
            "DELETE",
            f"/api/v2/silence/{UNKNOWN_ID}",
            None,
            {"Accept": "text/html"},
        ),
        Asked("OPTIONS of healthy", "OPTIONS", "/-/healthy"),
    ]


def _wrong_methods() -> list[Asked]:
    return [
        Asked("HEAD of status", "HEAD", "/api/v2/status"),
        Asked("HEAD of alerts", "HEAD", ALERTS),
        Asked("POST to status", "POST", "/api/v2/status", b"{}", JSON),
        Asked("POST to receivers", "POST", "/api/v2/receivers", b"{}", JSON),
        Asked("POST to groups", "POST", GROUPS, b"[]", JSON),
        Asked("PUT of alerts", "PUT", ALERTS, b"[]", JSON),
        Asked("DELETE of alerts", "DELETE", ALERTS),
        Asked("PATCH of silences", "PATCH", SILENCES, b"{}", JSON),
        Asked("DELETE of silences", "DELETE", SILENCES),
        Asked("PUT of a silence", "PUT", f"/api/v2/silence/{UNKNOWN_ID}", b"{}", JSON),
        Asked("POST to a silence", "POST", f"/api/v2/silence/{UNKNOWN_ID}", b"{}", JSON),
        Asked("PUT to an unknown path", "PUT", "/api/v2/nothing", b"{}", JSON),
        Asked("POST to ready", "POST", "/-/ready"),
    ]


def _cors() -> list[Asked]:
    page = {"Origin": "http://page.example"}
    wants = "Access-Control-Request-Method"
    return [
        get("from a page", "/api/v2/receivers", **page),
        get("an error from a page", "/api/v2/nothing", **page),
        Asked("OPTIONS", "OPTIONS", ALERTS),
        Asked("OPTIONS with an origin", "OPTIONS", ALERTS, headers=page),
        Asked("preflight of a POST", "OPTIONS", ALERTS, headers={**page, wants: "POST"}),
        Asked("preflight of a GET", "OPTIONS", SILENCES, headers={**page, wants: "GET"}),
        Asked(
            "preflight of a DELETE",
            "OPTIONS",
            f"/api/v2/silence/{UNKNOWN_ID}",
            headers={**page, wants: "DELETE"},
        ),
        Asked(
            "preflight with headers",
            "OPTIONS",
            SILENCES,
            headers={**page, wants: "POST", "Access-Control-Request-Headers": "content-type"},
        ),
    ]


def _posts(now: datetime) -> list[Asked]:
    first = {"labels": {"alertname": "DiskFull", "host": "fs01", "client": "Acme"}}
    over = at(now, minutes=-1)  # of what only one of the two takes, so that neither lists it
    return [
        post("no alerts", ALERTS, []),
        post("the least alert", ALERTS, [first]),
        post(
            "an alert with everything",
            ALERTS,
            [
                {
                    "labels": {"alertname": "LinkDown", "host": "sw01", "client": "Acme", "port": "7"},
                    "annotations": {"summary": "Port 7 is down"},
                    "startsAt": at(now, minutes=-10),
                    "endsAt": at(now, hours=1),
                    "generatorURL": "http://prometheus.example/graph?g0.expr=up+%3D%3D+0",
                }
            ],
        ),
        post("one that is over", ALERTS, [{"labels": {"alertname": "Gone"}, "endsAt": at(now, minutes=-1)}]),
        post(
            "an end before the start",
            ALERTS,
            [{**first, "startsAt": at(now), "endsAt": at(now, minutes=-5)}],
        ),
        post("no label has a value", ALERTS, [{"labels": {"alertname": ""}}]),
        post("no labels at all", ALERTS, [{"labels": {}}]),
        post("one bad among good ones", ALERTS, [first, {"labels": {}}]),
        post("two bad ones", ALERTS, [{"labels": {}}, {"labels": {"a": ""}}]),
        post("labels missing", ALERTS, [{}]),
        post("labels missing in the second", ALERTS, [first, {"annotations": {}}]),
        post("labels null", ALERTS, [{"labels": None}]),
        post("a label that is a number", ALERTS, [{"labels": {"alertname": 5}}]),
        post("a label that is null", ALERTS, [{"labels": {"alertname": "x", "b": None}}]),
        post("labels that are a list", ALERTS, [{"labels": ["alertname"]}]),
        post("annotations that are text", ALERTS, [{**first, "annotations": "x"}]),
        post("annotations null", ALERTS, [{**first, "annotations": None}]),
        post("an item that is text", ALERTS, ["x"]),
        post("an item that is null", ALERTS, [None]),
        post("an object instead of a list", ALERTS, {"alerts": [first]}),
        post("null instead of a list", ALERTS, None),
        post("not JSON", ALERTS, b"[{"),
        post("text after the JSON", ALERTS, b"[] x"),
        post("an empty body", ALERTS, b""),
        post("blanks for a body", ALERTS, b"  \n"),
        post("a start that is no time", ALERTS, [{**first, "startsAt": "yesterday"}]),
        post("a start that is empty", ALERTS, [{**first, "startsAt": ""}]),
        post("a start that is a number", ALERTS, [{**first, "startsAt": 1700000000}]),
        post("a start in another zone", ALERTS, [{**first, "startsAt": "2026-11-20T03:12:04.118+02:00"}]),
        post("nanoseconds", ALERTS, [{**first, "startsAt": "2026-11-20T01:12:04.118273645Z"}]),
        post("a URL that is none", ALERTS, [{**first, "generatorURL": "not a URL"}]),
        post("a URL with a broken escape", ALERTS, [{**first, "generatorURL": "http://x/%zz"}]),
        post("an empty URL", ALERTS, [{**first, "generatorURL": ""}]),
        post("a URL that is a number", ALERTS, [{**first, "generatorURL": 5}]),
        post("members nobody knows", ALERTS, [{**first, "colour": "red", "status": "firing"}]),
        post(
            "a label name with a dot", ALERTS, [{"labels": {"alertname": "Over", "a.b": "c"}, "endsAt": over}]
        ),
        post("no name for a label", ALERTS, [{"labels": {"alertname": "x", "": "c"}}]),
        post("a name twice", ALERTS, b'[{"labels":{"a":"b"},"labels":{"alertname":"Twice"}}]'),
        post("no UTF-8", ALERTS, b'[{"labels":{"alertname":"\xff"}}]'),
        post("half a surrogate pair", ALERTS, b'[{"labels":{"alertname":"\\ud800"}}]'),
        post("a byte order mark", ALERTS, b"\xef\xbb\xbf[]"),
        post("a comma too many", ALERTS, b'[{"labels":{"a":"b"}},]'),
        post("single quotes", ALERTS, b"[{'labels':{}}]"),
        post("a time without a zone", ALERTS, [{**first, "startsAt": "2026-11-20T01:12:04"}]),
        post("a time with a blank", ALERTS, [{**first, "startsAt": "2026-11-20 01:12:04"}]),
        post("a day that is none", ALERTS, [{**first, "startsAt": "2026-02-30T01:12:00Z"}]),
        post("an hour that is none", ALERTS, [{**first, "startsAt": "2026-11-20T24:00:00Z"}]),
        post("an end for ever", ALERTS, [{**first, "endsAt": "9999-12-31T23:59:59Z"}]),
        post("a zero time", ALERTS, [{**first, "startsAt": "0001-01-01T00:00:00Z"}]),
        post("a compressed body", ALERTS, b"[]", **JSON, **{"Content-Encoding": "gzip"}),
        post("member names in capitals", ALERTS, [{"Labels": {"alertname": "Over"}, "endsAt": over}]),
        post("plain text", ALERTS, [first], **{"Content-Type": "text/plain"}),
        post("a form", ALERTS, b"a=b", **{"Content-Type": "application/x-www-form-urlencoded"}),
        post("JSON with a charset", ALERTS, [first], **{"Content-Type": "application/json; charset=utf-8"}),
        post("a content type that is none", ALERTS, [first], **{"Content-Type": "json"}),
        post("a query beside the alerts", f"{ALERTS}?active=false", [first]),
        post("only XML accepted for a post", ALERTS, [first], **JSON, Accept="application/xml"),
    ]


def _questions() -> list[Asked]:
    filters = {
        "equal": "alertname%3D%22DiskFull%22",
        "equal without quotes": "alertname%3DDiskFull",
        "not equal": "alertname%21%3D%22DiskFull%22",
        "a pattern": "alertname%3D~%22Disk.%2A%22",
        "not a pattern": "alertname%21~%22Disk.%2A%22",
        "blanks around": "%20alertname%20%3D%20%22DiskFull%22%20",
        "an absent label": "nothing%3D%22%22",
        "an empty value": "alertname%3D",
        "a word alone": "DiskFull",
        "nothing": "",
        "in braces": "%7Balertname%3D%22DiskFull%22%7D",
        "two in one": "alertname%3D%22DiskFull%22%2Chost%3D%22fs01%22",
        "a broken pattern": "alertname%3D~%22%5B%22",
        "no name": "%3D%22x%22",
        "an open quote": "alertname%3D%22Disk",
        "a wrong operator": "alertname%3D%3D%22x%22",
    }
    flags = ("active", "silenced", "inhibited", "unprocessed")
    return [
        *(get(f"alerts by {name}", f"{ALERTS}?filter={text}") for name, text in filters.items()),
        *(get(f"groups by {name}", f"{GROUPS}?filter={text}") for name, text in filters.items()),
        *(get(f"alerts, {flag} false", f"{ALERTS}?{flag}=false") for flag in flags),
        *(get(f"alerts, {flag} true", f"{ALERTS}?{flag}=true") for flag in flags),
        *(get(f"groups, {flag} false", f"{GROUPS}?{flag}=false") for flag in flags[:3]),
        get("a flag that is 1", f"{ALERTS}?active=1"),
        get("a flag in capitals", f"{ALERTS}?active=TRUE"),
        get("a flag that is no truth value", f"{ALERTS}?active=banana"),
        get("an empty flag", f"{ALERTS}?active="),
        get("a flag twice", f"{ALERTS}?active=false&active=true"),
        get("two filters", f"{ALERTS}?filter=alertname%3DDiskFull&filter=host%3Dfs01"),
        get("two filters against each other", f"{ALERTS}?filter=host%3Dx&filter=host%3Dfs01"),
        get("a receiver", f"{ALERTS}?receiver=noc"),
        get("a receiver by a pattern", f"{ALERTS}?receiver=n.%2A"),
        get("half a receiver", f"{ALERTS}?receiver=no"),
        get("a receiver nobody has", f"{ALERTS}?receiver=other"),
        get("an empty receiver", f"{ALERTS}?receiver="),
        get("a broken receiver", f"{ALERTS}?receiver=%5B"),
        get("groups of a receiver", f"{GROUPS}?receiver=noc"),
        get("groups of a receiver nobody has", f"{GROUPS}?receiver=other"),
        get("groups of a broken receiver", f"{GROUPS}?receiver=%28"),
        get("a parameter nobody knows", f"{ALERTS}?colour=red"),
        get("what amtool asks", f"{ALERTS}?active=true&inhibited=false&silenced=false&unprocessed=false"),
    ]


def silence(now: datetime, **changes: Any) -> dict[str, Any]:
    """Return a silence as clients post it."""
    return {
        "matchers": [{"name": "host", "value": "fs01", "isRegex": False}],
        "startsAt": at(now, minutes=1),
        "endsAt": at(now, hours=2),
        "createdBy": "anna",
        "comment": "patch night",
    } | changes


def _silence_life(now: datetime) -> list[Asked]:
    started = at(now, seconds=-5)
    alertname = [{"name": "alertname", "value": "Disk.*", "isRegex": True, "isEqual": True}]
    return [
        post("a silence", SILENCES, silence(now, startsAt=started), keeps="first"),
        get("it, by its id", "/api/v2/silence/{first}"),
        get("all silences", SILENCES),
        get("alerts that it silences", ALERTS),
        get("alerts without silenced ones", f"{ALERTS}?silenced=false"),
        get("groups without silenced ones", f"{GROUPS}?silenced=false"),
        get("groups with silenced ones", GROUPS),
        get("alerts without active ones", f"{ALERTS}?active=false"),
        post("it, longer", SILENCES, silence(now, id="{first}", startsAt=started, endsAt=at(now, hours=3))),
        post("a pending one", SILENCES, silence(now, startsAt=at(now, hours=1)), keeps="pending"),
        get("the pending one", "/api/v2/silence/{pending}"),
        post(
            "the pending one, with other matchers",
            SILENCES,
            silence(now, id="{pending}", startsAt=at(now, hours=1), matchers=alertname),
            keeps="changed",
        ),
        get("what it was before", "/api/v2/silence/{pending}"),
        get("what it is now", "/api/v2/silence/{changed}"),
        Asked("expire the first", "DELETE", "/api/v2/silence/{first}"),
        get("the expired one", "/api/v2/silence/{first}"),
        Asked("expire it again", "DELETE", "/api/v2/silence/{first}"),
        post("the expired one again", SILENCES, silence(now, id="{first}", startsAt=started), keeps="again"),
        Asked("expire a pending one", "DELETE", "/api/v2/silence/{changed}"),
        post(
            "one whose matcher says isEqual false",
            SILENCES,
            silence(now, matchers=[{"name": "host", "value": "fs09", "isRegex": False, "isEqual": False}]),
        ),
        post("an empty comment", SILENCES, silence(now, comment="")),
        post("an empty author", SILENCES, silence(now, createdBy="")),
        post("an empty id", SILENCES, silence(now, id="")),
        post("annotations", SILENCES, silence(now, annotations={"ticket": "T1"})),
        post("members a silence has not", SILENCES, silence(now, status={"state": "expired"}, colour="red")),
    ]


def _bad_silences(now: datetime) -> list[Asked]:
    complete = silence(now)
    # only we take it, and only Alertmanager takes it with text after it: the lists stay equally long
    dotted = silence(now, matchers=[{"name": "host", "value": "other", "isRegex": False}])
    without = {name: {k: v for k, v in complete.items() if k != name} for name in complete}
    host = {"name": "host", "value": "fs01", "isRegex": False}
    matchers: Mapping[str, Any] = {
        "none": [],
        "null": None,
        "text": "host=fs01",
        "an object": host,
        "no name": [{"value": "x", "isRegex": False}],
        "no value": [{"name": "host", "isRegex": False}],
        "no isRegex": [{"name": "host", "value": "x"}],
        "an empty name": [{**host, "name": ""}],
        "an empty value": [{**host, "value": ""}],
        "an empty value beside another": [{**host, "value": ""}, {**host, "name": "client"}],
        "a pattern that matches nothing at all": [{**host, "value": ".*", "isRegex": True}],
        "a broken pattern": [{**host, "value": "[", "isRegex": True}],
        "a pattern that RE2 has not": [{**host, "value": "(?=a)", "isRegex": True}],
        "a pattern of two, one empty": [{**host, "value": "a|", "isRegex": True}],
        "not an empty value": [{**host, "value": "", "isEqual": False}],
        "not any value": [{**host, "value": ".*", "isRegex": True, "isEqual": False}],
        "not some value": [{**host, "value": ".+", "isRegex": True, "isEqual": False}],
        "the same twice": [host, host],
        "isEqual null": [{**host, "isEqual": None}],
        "isEqual as text": [{**host, "isEqual": "yes"}],
        "a name with a dot": [{**host, "name": "a.b"}],
        "isRegex as text": [{**host, "isRegex": "false"}],
        "a value that is a number": [{**host, "value": 5}],
        "one that is null": [None],
    }
    times: Mapping[str, dict[str, Any]] = {
        "an end before the start": {"startsAt": at(now, hours=2), "endsAt": at(now, hours=1)},
        "an end at the start": {"startsAt": at(now, hours=1), "endsAt": at(now, hours=1)},
        "an end in the past": {"startsAt": at(now, hours=-2), "endsAt": at(now, hours=-1)},
        "a start that is no time": {"startsAt": "tomorrow"},
        "an end that is a number": {"endsAt": 5},
        "a start that is null": {"startsAt": None},
    }
    return [
        *(post(f"a silence without {name}", SILENCES, document) for name, document in without.items()),
        *(post(f"matchers: {name}", SILENCES, silence(now, matchers=m)) for name, m in matchers.items()),
        *(post(f"a silence with {name}", SILENCES, silence(now, **t)) for name, t in times.items()),
        post("a silence with text after it", SILENCES, json.dumps(dotted).encode() + b" x"),
        post("a silence that is no UTF-8", SILENCES, json.dumps(complete).encode().replace(b"anna", b"\xff")),
        post("a silence that is a number", SILENCES, b"5"),
        post("a silence whose id is null", SILENCES, silence(now, id=None)),
        post("a silence for an id in capitals", SILENCES, silence(now, id=UNKNOWN_ID.upper())),
        post("a silence for an id nobody has", SILENCES, silence(now, id=UNKNOWN_ID)),
        post("a silence for an id that is none", SILENCES, silence(now, id="x")),
        post("a silence whose id is a number", SILENCES, silence(now, id=5)),
        post("a silence whose author is a number", SILENCES, silence(now, createdBy=5)),
        post("a silence that is a list", SILENCES, [complete]),
        post("a silence that is empty", SILENCES, {}),
        post("a silence that is null", SILENCES, None),
        post("a silence that is no JSON", SILENCES, b"{"),
        post("a silence without a body", SILENCES, b""),
        post("a silence as plain text", SILENCES, complete, **{"Content-Type": "text/plain"}),
    ]


def _silence_questions() -> list[Asked]:
    filters: Sequence[tuple[str, str]] = (
        ("equal", "host%3D%22fs01%22"),
        ("a pattern", "host%3D~%22fs.%2A%22"),
        ("an absent label", "nothing%3D%22x%22"),
        ("a word alone", "fs01"),
        ("a broken pattern", "host%3D~%22%5B%22"),
    )
    return [
        get("silences", SILENCES),
        *(get(f"silences by {name}", f"{SILENCES}?filter={text}") for name, text in filters),
        get("silences by an empty filter", f"{SILENCES}?filter="),
        get("a silence nobody has", f"/api/v2/silence/{UNKNOWN_ID}"),
        get("a silence whose id is none", "/api/v2/silence/x"),
        get("a silence whose id is in capitals", f"/api/v2/silence/{UNKNOWN_ID.upper()}"),
        get("a silence whose id has no dashes", f"/api/v2/silence/{UNKNOWN_ID.replace('-', '')}"),
        Asked("expire one nobody has", "DELETE", f"/api/v2/silence/{UNKNOWN_ID}"),
        Asked("expire one whose id is none", "DELETE", "/api/v2/silence/x"),
    ]

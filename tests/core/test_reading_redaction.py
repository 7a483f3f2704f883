"""What is taken out of a body before it is stored."""

from __future__ import annotations

import json
import time
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.core.reading.redaction import _PARTS, _WHOLE, redact, redact_query, redaction

NONE = redaction()


@pytest.mark.parametrize(
    ("raw", "redacted"),
    [
        pytest.param(b'{"password": "a\\"b", "x": 1}', b'{"password": "***", "x": 1}', id="JSON"),
        pytest.param(b'{"Remote_Password_2":"x"}', b'{"Remote_Password_2":"***"}', id="part of a name"),
        pytest.param(b'{"sharedSecret":123}', b'{"sharedSecret":"***"}', id="number"),
        pytest.param(b'{"Token":"x","token_count":3}', b'{"Token":"***","token_count":3}', id="whole names"),
        pytest.param(
            b'{"labels":{"secret":"tls"}}', b'{"labels":{"secret":"tls"}}', id="a secret's name is none"
        ),
        pytest.param(
            b'--B\r\nContent-Disposition: form-data; name="token"\r\n\r\na\r\nb\r\n--B\r\n'
            b'Content-Disposition: form-data; name="title"\r\n\r\nt\r\n--B--\r\n',
            b'--B\r\nContent-Disposition: form-data; name="token"\r\n\r\n***\r\n--B\r\n'
            b'Content-Disposition: form-data; name="title"\r\n\r\nt\r\n--B--\r\n',
            id="multipart",
        ),
        pytest.param(
            b'--B\nContent-Disposition: form-data; name="password"; x=y\nContent-Type: text/plain\n\na',
            b'--B\nContent-Disposition: form-data; name="password"; x=y\nContent-Type: text/plain\n\n***',
            id="multipart cut short",
        ),
        pytest.param(b'{"ping_url":"https://hc/x"}', b'{"ping_url":"***"}', id="Healthchecks"),
        pytest.param(
            b'{"SubscribeURL":"https://sns/?A=1\\u0026Token=z"}', b'{"SubscribeURL":"***"}', id="SNS"
        ),
        pytest.param(b'{"password": null, "pwd": ""}', b'{"password": null, "pwd": "***"}', id="null stays"),
        pytest.param(b'{"password": "unfinish', b'{"password": "***"', id="broken JSON"),
        pytest.param(b'{"password": "x\\', b'{"password": "***"', id="broken escape"),
        pytest.param(
            b'"{\\"password\\": \\"a\\\\\\"b\\", \\"x\\": 1}"',
            b'"{\\"password\\": \\"***\\", \\"x\\": 1}"',
            id="JSON in a string",
        ),
        pytest.param(b"a=1&routing_key=zz&b=2", b"a=1&routing_key=***&b=2", id="form"),
        pytest.param(
            b'{"u":"https://x/?a=1&token=z"}', b'{"u":"https://x/?a=1&token=***"}', id="query string"
        ),
        pytest.param(b"<n:Password a='1'>zz</n:Password>", b"<n:Password a='1'>***</n:Password>", id="XML"),
        pytest.param(b'{"u":"https://me:pw@x/y"}', b'{"u":"https://***@x/y"}', id="user in a URL"),
        pytest.param(
            b'{"u":"https://me@corp.example:pw@x/y"}',
            b'{"u":"https://***@x/y"}',
            id="user with an @ in a URL",
        ),
        pytest.param(b'{"mail":"a@b.example"}', b'{"mail":"a@b.example"}', id="mail address stays"),
        pytest.param(
            b'{"heartbeat":{"response":"<html>"}}',
            b'{"heartbeat": {"response": "***"}}',
            id="page that was checked",
        ),
        pytest.param(
            b'{"basic_auth_pass":"x","pushToken":"y"}',
            b'{"basic_auth_pass":"***","pushToken":"***"}',
            id="Uptime Kuma 1",
        ),
        pytest.param(b'{"response":"x"}', b'{"response":"x"}', id="another response stays as sent"),
    ],
)
def test_built_in(raw: bytes, redacted: bytes) -> None:
    assert redact(raw, NONE) == redacted
    assert redact(redacted, NONE) == redacted


@pytest.mark.parametrize("name", [*_PARTS, *_WHOLE])
def test_every_name_is_found(name: str) -> None:
    assert redact(f'{{"{name.upper()}": "geheim"}}'.encode(), NONE) == f'{{"{name.upper()}": "***"}}'.encode()


@pytest.mark.parametrize(
    ("raw", "redacted"),
    [
        (b'{"asset":{"notes":"x","n":1}}', b'{"asset": {"notes": "***", "n": 1}}'),
        (
            b'[{"asset":[{"notes":{"a":1}},{"notes":2}]},7]',
            b'[{"asset": [{"notes": "***"}, {"notes": "***"}]}, 7]',
        ),
        (b'\xef\xbb\xbf{"asset":{"notes":"x"}}', b'{"asset": {"notes": "***"}}'),
        (b'{"notes":"x","asset":"notes"}', b'{"notes":"x","asset":"notes"}'),
        (b'{"asset": oops {"notes": "a\\"b"}}', b'{"asset": oops {"notes": "***"}}'),
        (b"x=1&notes=abc", b"x=1&notes=***"),
        (b"<a><notes>x</notes></a>", b"<a><notes>***</notes></a>"),
        (b'"notes=x"', b'"notes=x"'),
        (b"[" * 100 + b'{"notes":"x"}' + b"]" * 100, b"[" * 100 + b'{"notes":"***"}' + b"]" * 100),
    ],
)
def test_configured_paths(raw: bytes, redacted: bytes) -> None:
    assert redact(raw, redaction(["asset.notes"])) == redacted


def test_a_lone_surrogate_survives() -> None:
    assert json.loads(redact(b'{"a":{"b":"x"},"c":"\\ud800"}', redaction(["a.b"])))["a"] == {"b": "***"}


@pytest.mark.parametrize(
    ("name", "value", "redacted"),
    [
        pytest.param("password", "geheim", "***", id="whole name"),
        pytest.param("Remote_PASSWORD_2", "geheim", "***", id="part of a name, any case"),
        pytest.param("api_key", "", "***", id="empty"),
        pytest.param("token_count", "3", "3", id="a name that only begins so"),
        pytest.param("my_token", "3", "3", id="a name that only ends so"),
        pytest.param("client", "Müller & Söhne", "Müller & Söhne", id="the customer stays"),
        pytest.param("notes", "geheim", "***", id="configured path of one part"),
        pytest.param("page", "geheim", "geheim", id="last part of a configured path"),
        pytest.param("u", "https://me:pw@x/?token=z", "https://***@x/?token=***", id="URL in a value"),
        pytest.param("data", '{"password":"zzé","x":1}', '{"password":"***","x":1}', id="JSON in a value"),
        pytest.param("data", '{"asset":{"page":"x"}}', '{"asset": {"page": "***"}}', id="path in a value"),
        pytest.param("a", "1;pwd=zz", "1;pwd=***", id="another separator"),
    ],
)
def test_parameters_of_a_query(name: str, value: str, redacted: str) -> None:
    rules = redaction(["notes", "asset.page"])
    assert redact_query([("first", "1"), (name, value)], rules) == (("first", "1"), (name, redacted))


@pytest.mark.parametrize("name", [*_PARTS, *_WHOLE])
def test_every_name_is_found_in_a_query(name: str) -> None:
    assert redact_query([(name.upper(), "geheim")], NONE) == ((name.upper(), "***"),)


@given(st.text(), st.text(alphabet='"\\{}:&=;<>@/é€𝄞\udcffpasswordtoken', max_size=60))
def test_no_query_is_too_odd(name: str, value: str) -> None:
    ((same, _),) = redact_query([(name, value)], redaction(["token", "a.pass"]))
    assert same == name


def test_nothing_to_do_returns_the_same_object() -> None:
    raw = b'{"alerts": [{"labels": {"alertname": "DiskFull"}}]}'
    assert redact(raw, NONE) is raw


@given(st.text(max_size=40), st.sampled_from(["password", "api_key", "routing_key"]))
def test_no_value_of_valid_json_survives(value: str, name: str) -> None:
    for raw in (json.dumps({name: value, "z": 1}), json.dumps(json.dumps({name: value, "z": 1}))):
        tree = json.loads(redact(raw.encode(), NONE))
        tree = json.loads(tree) if isinstance(tree, str) else tree
        assert tree == {name: "***", "z": 1}


@pytest.mark.parametrize(
    "unit",
    [
        b'"password',
        b'"password":',
        b'"password":"\\',
        b'\\"password\\":\\"',
        b"&token",
        b"<token ",
        b"://",
        b"://@",
        b"passwordpassword",
        b'\\"token',
        b"password:\\\\",
        b'"response',
    ],
    ids=repr,
)
def test_linear_time(unit: bytes) -> None:
    raw = (unit * 262_144)[:262_144]
    started = time.perf_counter()
    redact(raw, redaction(["a.token", "password"]))
    assert time.perf_counter() - started < 5  # under 0.2 s measured


def test_speed() -> None:
    raw = b'{"alerts": [' + b'{"labels": {"alertname": "DiskFull", "instance": "fs02:9100"}},' * 16 + b"{}]}"
    best = min(timeit.repeat(lambda: redact(raw, NONE), number=100, repeat=5)) / 100
    assert best < 100e-6  # 6 µs for this kilobyte measured


def test_paths_lead_into_json_of_the_query() -> None:
    """Uptime Kuma by GET: the page that was checked is in a parameter."""
    pairs = [("heartbeat", '{"status": 0, "response": "<html>"}'), ("monitor", '{"response": "x"}')]
    assert redact_query(pairs, NONE) == (
        ("heartbeat", '{"status": 0, "response": "***"}'),
        ("monitor", '{"response": "x"}'),
    )


def test_a_configured_path_is_blanked_in_a_multipart_body() -> None:
    raw = b'--B\r\nContent-Disposition: form-data; name="notes"\r\n\r\nprivate\r\n--B--\r\n'

    assert redact(raw, redaction(["notes"])) == raw.replace(b"private", b"***")

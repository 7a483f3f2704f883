"""Bodies, problems, and what all readers share."""

from __future__ import annotations

import pytest

from alertd.core.reading.bodies import MAX_VALUE, Body, Unreadable, clean, host_of, with_own, without_port


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("a\0b", "a\ufffdb"),
        ("é\ud800é", "é\ufffdé"),
        ("x" * (MAX_VALUE + 1), "x" * MAX_VALUE),
        ("é" * MAX_VALUE, "é" * (MAX_VALUE // 2)),
        ("x" + "é" * MAX_VALUE, "x" + "é" * (MAX_VALUE // 2 - 1)),
        ("x" * (MAX_VALUE // 2), "x" * (MAX_VALUE // 2)),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_what_ours_displaces_is_kept() -> None:
    sent = {"severity": "page", "source": "s", "x": "1", "host": "kept"}
    own = {"severity": "critical", "source": "s", "client": "Contoso", "host": ""}
    assert with_own(sent, own) == {
        "severity": "critical",
        "sent_severity": "page",
        "source": "s",
        "x": "1",
        "client": "Contoso",
        "host": "kept",
    }


@pytest.mark.parametrize(
    ("host", "bare"),
    [
        ("fs02:9100", "fs02"),
        ("fs02", "fs02"),
        ("[::1]:9100", "::1"),
        ("[::1]", "::1"),
        ("fe80::1", "fe80::1"),
        ("https://user@shop.example.com:8443/health", "shop.example.com"),
        ("://", "://"),
        ("a:b", "a:b"),
    ],
)
def test_without_port(host: str, bare: str) -> None:
    assert without_port(host) == bare


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://prom:9090/graph?x=http://y", "prom:9090"),
        ("https://u:p@prom?x", "prom"),
        ("/graph", ""),
        ("", ""),
    ],
)
def test_host_of(url: str, host: str) -> None:
    assert host_of(url) == host


def test_client_in_the_query() -> None:
    assert Body(raw=b"", query=(("a", "1"), ("client", "Contoso\0"))).client == "Contoso\ufffd"
    assert Body(raw=b"").client == ""


def test_unreadable_tells_reason_and_detail() -> None:
    problem = Unreadable("syntax", "not JSON")
    assert (problem.reason, problem.detail, str(problem)) == ("syntax", "not JSON", "syntax: not JSON")

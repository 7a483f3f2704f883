"""What every source has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from alertd.core.reading.settings import ClientSettings, SourceBase, compile_client, compile_number

LABELS = {"customer": "cust-104", "client": "Contoso"}


def client(rule: dict[str, Any] | None, clients: dict[str, str] | None = None) -> str:
    settings = None if rule is None else ClientSettings.model_validate(rule)
    return compile_client(settings, clients or {})(lambda name: LABELS.get(name, ""))


@pytest.mark.parametrize(
    ("rule", "clients", "found"),
    [
        (None, {}, "Contoso"),
        ({"label": "customer"}, {}, "cust-104"),
        ({"label": "customer", "regex": "cust-(\\d+)"}, {"104": "Harbour"}, "Harbour"),
        ({"lookup": "customer"}, {"cust-104": "Harbour"}, "Harbour"),
        ({"lookup": "customer"}, {}, "cust-104"),
        ({"label": "customer", "regex": "org-(\\d+)"}, {}, ""),
        ({"default": "Fabrikam"}, {}, ""),
        ({"label": "client", "lookup": "customer"}, {"cust-104": "Harbour"}, "Harbour"),
        ({"label": "client", "lookup": "customer"}, {"Contoso": "Contoso Ltd"}, "Contoso Ltd"),
        ({"label": "none", "lookup": "customer"}, {}, "cust-104"),
        ({"label": "none", "lookup": "nothing"}, {}, ""),
    ],
)
def test_client(rule: dict[str, Any] | None, clients: dict[str, str], found: str) -> None:
    assert client(rule, clients) == found


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        (None, ""),
        ({"label": "customer"}, ""),
        ({"lookup": "customer"}, "cust-104"),
        ({"lookup": "customer", "regex": "cust-(\\d+)"}, "104"),
        ({"lookup": "customer", "label": "client", "regex": "x(.*)"}, "cust-104"),
    ],
)
def test_what_is_looked_up_is_the_senders_number(rule: dict[str, Any] | None, number: str) -> None:
    settings = None if rule is None else ClientSettings.model_validate(rule)
    assert compile_number(settings)(lambda name: LABELS.get(name, "")) == number


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "needs one of label"),
        ({"default": "a", "regex": "b"}, "regex needs the label"),
        ({"label": "a", "regex": "("}, "not an RE2 pattern"),
    ],
)
def test_client_refused(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ClientSettings.model_validate(rule)


def source(**given: Any) -> SourceBase:
    return SourceBase.model_validate({"name": "prom-1.eu", "kind": "x", "token": {"env": "T"}} | given)


def test_one_token_or_two_for_rotation() -> None:
    assert [str(each) for each in source().token] == ['{ env = "T" }']
    assert len(source(token=[{"env": "A"}, {"file": "/b"}]).token) == 2


def test_durations() -> None:
    assert source(expire_after="24h").expire_after == timedelta(days=1)


@pytest.mark.parametrize(
    "given",
    [
        {"name": "a b"},
        {"name": ""},
        {"name": "a/b"},
        {"name": "-a"},
        {"name": "x" * 64},
        {"name": "a\n"},
        {"token": []},
        {"token": [{"env": "A"}] * 3},
        {"token": "plain"},
        {"token": {"env": "A", "file": "b"}},
        {"unknown": 1},
        {"redact": [""]},
    ],
)
def test_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        source(**given)

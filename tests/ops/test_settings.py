"""`[admin]`: loopback unless there is a token."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alertd.ops.settings import AdminSettings, TcpAddress, parse_listen

TOKEN = {"file": "/etc/alertd/admin-token"}


def test_defaults() -> None:
    settings = AdminSettings()

    assert (settings.listen, settings.token, settings.metrics_need_token) == ("127.0.0.1:9876", None, False)


@pytest.mark.parametrize(
    "table",
    [
        {"listen": "[::1]:9876"},
        {"listen": "localhost:9876"},
        {"listen": "0.0.0.0:9876", "token": TOKEN},
        {"metrics_need_token": True, "token": TOKEN},
        {"hosts": ["alertd.internal"]},
    ],
    ids=str,
)
def test_taken(table: dict[str, Any]) -> None:
    AdminSettings.model_validate(table)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"listen": "0.0.0.0:9876"}, "beyond this machine needs a token"),
        ({"metrics_need_token": True}, "needs a token"),
        ({"listen": "unix:/run/x"}, "address:port"),
        ({"listen": "9876"}, "address:port"),
        ({"token": "literal"}, "SecretRef"),
        ({"tokens": []}, "Extra inputs"),
    ],
    ids=str,
)
def test_refused(table: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        AdminSettings.model_validate(table)


def test_parse_listen() -> None:
    assert parse_listen("[::1]:1") == TcpAddress("::1", 1)

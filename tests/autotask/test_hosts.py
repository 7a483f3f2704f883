from __future__ import annotations

import pytest
from pydantic import ValidationError

from alertd.autotask.hosts import may_ask_for_zone, may_receive_credential
from alertd.autotask.settings import ZONE_URL, AutotaskSettings
from tests.autotask.conftest import make_settings

LOCAL = "http://127.0.0.1:9999/atservicesrest"


@pytest.mark.parametrize(
    ("url", "zone_url", "allowed"),
    [
        ("https://webservices18.autotask.net/ATServicesRest/", ZONE_URL, True),
        ("https://webservices.autotask.net/ATServicesRest/", ZONE_URL, True),
        ("https://prde.autotask.net/ATServicesRest/", ZONE_URL, True),
        ("https://webservices18.autotask.net:443/ATServicesRest/", ZONE_URL, True),
        ("http://webservices18.autotask.net/ATServicesRest/", ZONE_URL, False),
        ("http://webservices18.autotask.net:443/ATServicesRest/", ZONE_URL, False),
        ("https://webservices18.autotask.net:8443/ATServicesRest/", ZONE_URL, False),
        ("https://webservices18.autotask.net.evil.example/", ZONE_URL, False),
        ("https://evil.example/webservices18.autotask.net/", ZONE_URL, False),
        ("https://webservices18.autotask.net@evil.example/", ZONE_URL, False),
        ("https://user@webservices18.autotask.net/", ZONE_URL, False),
        ("https://webservices18.autotask.net/?a=b", ZONE_URL, False),
        ("https://webservices18.autotask.net/#a", ZONE_URL, False),
        ("https://webservices18.autotask.net:99999/", ZONE_URL, False),
        ("http://169.254.169.254/", ZONE_URL, False),
        ("http://127.0.0.1:9999/", ZONE_URL, False),
        ("http://127.0.0.1:7/zone2/", LOCAL, True),
        ("http://localhost:7/", LOCAL, True),
        ("http://[::1]:7/", LOCAL, True),
        ("http://127.0.0.1.evil.example/", LOCAL, False),
        ("ftp://127.0.0.1/", LOCAL, False),
        ("https://proxy.example/ATServicesRest/", "https://proxy.example/atservicesrest", True),
        ("https://proxy.example:444/ATServicesRest/", "https://proxy.example/atservicesrest", False),
    ],
)
def test_where_the_credential_may_go(url: str, zone_url: str, allowed: bool) -> None:
    assert may_receive_credential(url, zone_url=zone_url) is allowed


@pytest.mark.parametrize(
    "url",
    [
        "http://webservices.autotask.net/atservicesrest",
        "https://u:p@host.example/",
        "https://h.example/?x=1",
        "x",
    ],
)
def test_zone_urls_that_cannot_be_configured(url: str) -> None:
    assert not may_ask_for_zone(url)
    with pytest.raises(ValidationError, match="zone_url"):
        make_settings(url)


def test_the_settings_of_the_example_load() -> None:
    loaded = AutotaskSettings.model_validate(
        {
            "username": "api-user@example.com",
            "secret": {"credential": "autotask_secret"},
            "integration_code": {"credential": "autotask_code"},
            "fallback_company": 0,
            "own_resources": [4, 29682890],
            "timeouts": {"create": "90s"},
        }
    )
    assert loaded.zone_url == ZONE_URL
    assert loaded.own_resources == (4, 29682890)
    assert loaded.timeouts.create.total_seconds() == 90


@pytest.mark.parametrize(
    "more",
    [
        {"calls_in_flight": 4},
        {"calls_in_flight": 0},
        {"calls_per_hour": 0},
        {"sekret": 1},
        {"metadata_every": "1s"},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(more: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        make_settings(ZONE_URL, **more)

"""Counts that are none, and services that are faults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alertd.core.vendors import (
    Heard,
    Integration,
    IntegrationStatus,
    ProfileChange,
    Service,
    after,
    is_count,
    suspicion,
)

T0 = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0", "17", "17.0", "0.5", "1e3", "123456789.25", "1" + "0" * 15])
def test_counts(text: str) -> None:
    assert is_count(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "NaN",
        "Infinity",
        "1e999999",
        "1e9999999999999999999999",
        "seventeen",
        "1" * 41,
        "1" + "0" * 16,
        "1_0",
        "١٢",
        "1 0",
        ".",
    ],
)
def test_no_counts(text: str) -> None:
    assert not is_count(text)


@pytest.mark.parametrize(
    "name",
    [
        "No such host is known. (app.usegradient.com:443)",
        "Response status code does not indicate success: 502 (Bad Gateway).",
        "The operation has timed out.",
        '{"statusCode":401,"message":"Unauthorized"}',
        "<html><head><title>503",
        "System.Net.WebException: The remote name could not be resolved",
        "Error: connect ECONNREFUSED 127.0.0.1:443",
        "[object Object]",
        "null",
    ],
)
def test_a_fault_for_a_name_is_suspect(name: str) -> None:
    assert suspicion(Service(id="s", name=name))


@pytest.mark.parametrize(
    "name",
    [
        "Server backup",
        "Microsoft 365 E3",
        "Sentry Error Monitoring",
        "MDR, 24/7 response <50 seats",
        "Uptime & Timeouts",
        "Null Security EDR",
    ],
)
def test_a_name_is_a_name(name: str) -> None:
    assert not suspicion(Service(id="s", name=name))


@pytest.mark.parametrize(
    ("status", "then"),
    [
        ("inactive", "active"),
        ("pending", "active"),
        ("active", "active"),
        ("disabled", "disabled"),
        ("error", "error"),
    ],
)
def test_what_is_heard_makes_it_active(status: IntegrationStatus, then: IntegrationStatus) -> None:
    stands = after(Integration(status=status), Heard(), T0)
    assert (stands.status, stands.heard_at, stands.created_at) == (then, T0, T0)
    assert after(stands, Heard(), T0 - timedelta(hours=1)).heard_at == T0


def test_a_profile_keeps_what_is_not_said() -> None:
    stands = after(Integration(name="BackupCo"), ProfileChange(description="x"), T0)
    assert (stands.name, stands.description, stands.created_at, stands.updated_at) == (
        "BackupCo",
        "x",
        T0,
        T0,
    )

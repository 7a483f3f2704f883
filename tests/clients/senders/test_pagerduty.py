"""PagerDuty's own clients: `pagerduty` with its command, and the older `pdpyras`."""

from __future__ import annotations

import pagerduty
import pdpyras
import pytest
from pagerduty import cli

from tests.clients.senders.conftest import Alertd
from tests.clients.senders.keys import KEYS

KEY = KEYS["pagerduty"]


def test_the_client_triggers_acknowledges_and_resolves(alertd: Alertd) -> None:
    client = pagerduty.EventsApiV2Client(KEY, base_url=alertd.secure)
    key = client.trigger("Disk C: is full", "pd1", dedup_key="pd1/disk", custom_details={"free": "1 GB"})
    ticket = alertd.ticket("Disk C: is full on pd1")
    assert client.acknowledge(key) == client.resolve(key) == key == "pd1/disk"
    assert alertd.completed("Disk C: is full on pd1")["id"] == ticket["id"]


def test_a_key_that_alertd_made_resolves(alertd: Alertd) -> None:
    client = pagerduty.EventsApiV2Client(KEY, base_url=alertd.secure)
    key = client.trigger("Fan is slow", "pd2", severity="warning")
    alertd.ticket("Fan is slow on pd2")
    client.resolve(key)
    alertd.completed("Fan is slow on pd2")


def test_a_change_event_makes_no_ticket(alertd: Alertd) -> None:
    pagerduty.EventsApiV2Client(KEY, base_url=alertd.secure).submit(
        "Deployed", "ci", timestamp="2026-11-23T12:00:00Z"
    )
    assert not [row for row in alertd.books.truth("tickets") if "Deployed" in row["title"]]


def test_a_wrong_key_is_refused(alertd: Alertd) -> None:
    with pytest.raises(pagerduty.HttpError, match="Invalid routing key"):
        pagerduty.EventsApiV2Client("f" * 32, base_url=alertd.secure).resolve("x")


def test_the_command(alertd: Alertd, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["-k", KEY, "-i", "pd3", "--base-url", alertd.secure, "--source", "pd3"]
    cli.run(["trigger", *common, "--description", "Power is out"])
    alertd.ticket("Power is out on pd3")
    cli.run(["acknowledge", *common])
    cli.run(["resolve", *common])
    alertd.completed("Power is out on pd3")
    assert capsys.readouterr().out.count("successfully. Deduplication key: pd3") == 3


def test_pdpyras(alertd: Alertd) -> None:
    session = pdpyras.EventsAPISession(KEY)
    session.url = alertd.plain
    key = session.trigger("Raid is degraded", "pd4", severity="error")
    alertd.ticket("Raid is degraded on pd4")
    session.resolve(key)
    alertd.completed("Raid is degraded on pd4")

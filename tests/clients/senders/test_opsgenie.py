"""opsgenie-sdk: create, acknowledge, note, close, what became of a request, and heartbeats."""

from __future__ import annotations

import opsgenie_sdk
import pytest

from tests.clients.senders.conftest import Alertd
from tests.clients.senders.keys import KEYS


def client(alertd: Alertd, key: str = KEYS["opsgenie"]) -> opsgenie_sdk.ApiClient:
    configuration = opsgenie_sdk.Configuration()
    configuration.host = alertd.plain
    configuration.api_key["Authorization"] = key
    return opsgenie_sdk.ApiClient(configuration=configuration)


def test_an_alert_by_its_alias(alertd: Alertd) -> None:
    api = opsgenie_sdk.AlertApi(client(alertd))
    payload = opsgenie_sdk.CreateAlertPayload(
        message="Disk D: is full", alias="og1/disk d", entity="og1", priority="P2", details={"free": "1 GB"}
    )
    created = api.create_alert(create_alert_payload=payload)
    assert created.result == "Request will be processed"
    status = created.retrieve_result().data
    assert (status.is_success, status.alias, status.action) == (True, "og1/disk d", "Create")
    alert = created.retrieve_resulting_action().data
    assert (alert.message, alert.status, alert.priority) == ("Disk D: is full", "open", "P2")
    ticket = alertd.ticket("Disk D: is full on og1")

    api.acknowledge_alert(identifier="og1/disk d", identifier_type="alias")
    note = opsgenie_sdk.AddNoteToAlertPayload(note="on it", user="jo")
    api.add_note(identifier="og1/disk d", identifier_type="alias", add_note_to_alert_payload=note)
    api.close_alert(identifier="og1/disk d", identifier_type="alias")
    assert alertd.completed("Disk D: is full on og1")["id"] == ticket["id"]
    assert api.get_alert(identifier="og1/disk d", identifier_type="alias").data.status == "closed"


def test_without_an_alias_it_is_closed_by_its_id(alertd: Alertd) -> None:
    api = opsgenie_sdk.AlertApi(client(alertd))
    payload = opsgenie_sdk.CreateAlertPayload(message="Backup failed", entity="og2")
    created = api.create_alert(create_alert_payload=payload)
    alertd.ticket("Backup failed on og2")
    assert created.id in [each.id for each in api.list_alerts(limit=5).data]
    assert api.count_alerts().data.count >= 1
    api.delete_alert(identifier=created.id)
    alertd.completed("Backup failed on og2")


def test_a_heartbeat(alertd: Alertd) -> None:
    pong = opsgenie_sdk.HeartbeatApi(client(alertd)).ping("nightly backup")
    assert pong.result == "PONG - Heartbeat received"


def test_a_wrong_key_is_refused(alertd: Alertd) -> None:
    api = opsgenie_sdk.AlertApi(client(alertd, "6d1e7f0a-8d2b-4c61-9f3e-2ab1c0d4e5f6"))
    with pytest.raises(opsgenie_sdk.exceptions.AuthenticationException, match="Could not authenticate"):
        api.create_alert(create_alert_payload=opsgenie_sdk.CreateAlertPayload(message="m"))


def test_what_opsgenie_would_refuse(alertd: Alertd) -> None:
    api = opsgenie_sdk.AlertApi(client(alertd))
    payload = opsgenie_sdk.CreateAlertPayload(message="m", alias="a" * 600)
    with pytest.raises(opsgenie_sdk.exceptions.ConfigurationException, match="should not exceed 512"):
        api.create_alert(create_alert_payload=payload)

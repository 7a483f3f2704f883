"""atrest: the smallest of them. Creates tickets and asks for one by id."""

from __future__ import annotations

import base64

import pytest
import requests
from atrest import Client

from tests.clients.books import CODE, COMPANY, NOC, SECRET, USERNAME, Zone


@pytest.fixture
def client(zone: Zone) -> Client:
    return Client(f"{zone.plain}/V1.0", CODE, USERNAME, SECRET)


def test_creates_one_ticket(zone: Zone, client: Client) -> None:
    ticket_id = client.create_ticket("Disk full", "C: has 1 % left", 1, 2, COMPANY, NOC)
    assert zone.actions("Tickets") == {"create": 1}
    ticket = zone.ticket(ticket_id)
    assert (ticket["title"], ticket["description"], ticket["queueID"]) == (
        "Disk full",
        "C: has 1 % left",
        NOC,
    )


def test_finds_it_by_an_id_sent_as_text(zone: Zone, client: Client) -> None:
    wanted = zone.fill_tickets(3)[1]
    page = client.query_tickets(wanted).json()
    assert [row["id"] for row in page["items"]] == [wanted]
    assert page["pageDetails"]["count"] == 1


def test_bug_takes_every_500_for_a_wrong_integration_code(client: Client) -> None:
    with pytest.raises(requests.HTTPError, match="Invalid Autotask integration code OR bad query parameters"):
        client.create_ticket("Disk full", "no such queue", 1, 2, COMPANY, 1)


def test_tells_a_wrong_secret_apart(zone: Zone) -> None:
    with pytest.raises(requests.HTTPError, match="Invalid Autotask credentials"):
        Client(f"{zone.plain}/V1.0", CODE, USERNAME, "wrong").query_tickets(1)


def test_bug_a_lost_answer_is_an_error_without_a_name(zone: Zone, client: Client) -> None:
    """What is no HTTP error it raises as nothing. It does not repeat the create."""
    zone.control(
        "faults", {"kind": "drop", "when": "after", "endpoint": "Tickets", "action": "create", "count": 1}
    )
    with pytest.raises(TypeError, match="exceptions must derive from BaseException"):
        client.create_ticket("Disk full", "C:", 1, 2, COMPANY, NOC)
    assert len(zone.truth("tickets")) == 1


def test_attaches_a_file(zone: Zone, client: Client) -> None:
    data = base64.b64encode(b"5 reallocated")
    ticket_id = client.create_ticket_with_attachment(
        "Disk full", "C:", 1, 2, COMPANY, NOC, "SMART", "smart.txt", data
    )
    kept = zone.truth("ticketAttachments")
    assert [(row["ticketID"], row["title"], row["fullPath"]) for row in kept] == [
        (ticket_id, "SMART", "smart.txt")
    ]

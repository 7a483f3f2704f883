"""autotask-client: asynchronous, pages by the last row's id, takes only a zone of Autotask's own names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from autotask import client as module
from autotask.client import AutotaskClient
from autotask.config import AutotaskConfig
from autotask.entities.manager import EntityManager
from autotask.exceptions import AutotaskAPIError, AutotaskAuthError, AutotaskNotFoundError
from autotask.models.note import TicketNote
from autotask.models.ticket import Ticket
from autotask.query import Q

from tests.clients.books import CODE, COMPANY, NOC, SECRET, USERNAME, VIP, Zone, new_ticket

ROWS = 1_201
Result = TypeVar("Result")


@pytest.fixture(autouse=True)
def own_zone_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ZONE_CACHE_PATH", tmp_path / "zone.json")


def use(flow: Callable[[EntityManager], Awaitable[Result]], secret: str = SECRET) -> Result:
    """Run a flow with a connected client that has looked its zone up."""

    async def connected() -> Result:
        config = AutotaskConfig(username=USERNAME, secret=secret, integration_code=CODE)
        async with AutotaskClient(config) as client:
            return await flow(EntityManager(client))

    return asyncio.run(connected())


def test_finds_its_zone_over_tls(zone: Zone) -> None:
    info = use(lambda desk: desk.entity_info(Ticket))
    assert (info["info"]["name"], info["info"]["canDelete"]) == ("Ticket", False)
    assert zone.calls() == [("GET", "zoneInformation", 200), ("GET", "Tickets/entityInformation", 200)]


def test_a_wrong_secret_is_told_apart(zone: Zone) -> None:
    with pytest.raises(AutotaskAuthError, match="401"):
        use(lambda desk: desk.get(Ticket, 1), secret="wrong")


def test_creates_and_reads_back(zone: Zone) -> None:
    made = use(lambda desk: desk.create(Ticket(**new_ticket(title="Disk full"))))
    assert (made.title, made.queueID, made.createDate.tzname()) == ("Disk full", NOC, "UTC")
    assert made.ticketNumber == zone.ticket(made.id)["ticketNumber"]
    assert zone.actions("Tickets") == {"create": 1, "read": 1}


def test_updates_only_what_is_given(zone: Zone) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    use(lambda desk: desk.update(Ticket(id=ticket_id, status=8)))
    ticket = zone.ticket(ticket_id)
    assert (ticket["status"], ticket["title"], ticket["queueID"]) == (8, "Disk 0", NOC)


def test_an_id_that_does_not_exist_is_not_found(zone: Zone) -> None:
    with pytest.raises(AutotaskNotFoundError, match="Tickets 999999 not found"):
        use(lambda desk: desk.get(Ticket, 999_999))


def test_its_own_paging_sees_every_row_once(zone: Zone) -> None:
    ids = zone.fill_tickets(ROWS)
    found = use(lambda desk: desk.query(Ticket, Q(queueID=NOC)))
    assert [row.id for row in found] == ids
    assert zone.actions("Tickets") == {"query": 3}


def test_its_own_paging_ends_on_a_full_page(zone: Zone) -> None:
    ids = zone.fill_tickets(1_000)
    found = use(lambda desk: desk.query("Tickets", Q(id__gte=ids[0])))
    assert [row.id for row in found] == ids
    assert zone.actions("Tickets") == {"query": 3}


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        pytest.param(Q(status__noteq=5), [0, 1, 3], id="noteq"),
        pytest.param(Q(title__contains="isk 2"), [2], id="contains"),
        pytest.param(Q(title__begins_with="disk 1"), [1], id="beginsWith in another case"),
        pytest.param(Q(externalID__exist=None), [3], id="exist with a value"),
        pytest.param(Q(externalID__not_exist=True), [0, 1, 2], id="notExist with a value"),
        pytest.param(Q(title__in=["Disk 0", "Disk 3"]), [0, 3], id="in"),
        pytest.param(Q(queueID=NOC) & Q.udf(**{"Alert Key": "k-3"}), [3], id="user-defined field"),
    ],
)
def test_its_operators(zone: Zone, filters: Q, wanted: list[int]) -> None:
    ids = zone.fill_tickets(3)
    zone.control("act", {"act": "complete", "ticket": ids[2]})
    udf = {"userDefinedFields": [{"name": "Alert Key", "value": "k-3"}]}
    ids += [use(lambda desk: desk.create(Ticket(**new_ticket(title="Disk 3", externalID="x") | udf))).id]
    found = use(lambda desk: desk.query(Ticket, filters))
    assert [row.id for row in found] == [ids[place] for place in wanted]


def test_reads_and_writes_children_by_path(zone: Zone) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    note = {"title": "Seen", "description": "On it", "noteType": 3, "publish": 1}

    async def flow(desk: EntityManager) -> int:
        client = desk._client
        await client.post(f"Tickets/{ticket_id}/Notes", json=note)
        made = await client.post(f"Tickets/{ticket_id}/TagAssociations", json={"tagID": VIP})
        tagged = await desk.query("TicketTagAssociations", Q(ticketID=ticket_id))
        await desk.delete(f"Tickets/{ticket_id}/TagAssociations", made["itemId"])
        return len(tagged)

    assert use(flow) == 1
    ticket = zone.ticket(ticket_id)
    assert ([each["title"] for each in ticket["notes"]], ticket["tagIDs"]) == (["Seen"], [])


def test_resolves_a_picklist(zone: Zone) -> None:
    assert use(lambda desk: desk.resolve_picklist(Ticket, "priority")) == {
        1: "High",
        2: "Medium",
        3: "Low",
        4: "Critical",
    }


def test_finds_out_who_it_is(zone: Zone) -> None:
    assert use(lambda desk: desk.whoami()).id == 29682890


def test_bug_notes_are_sought_below_the_ticket(zone: Zone) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    note = TicketNote(ticketID=ticket_id, title="Seen", description="On it", noteType=3, publish=1)
    with pytest.raises(AutotaskNotFoundError):
        use(lambda desk: desk.create(note))
    with pytest.raises(AutotaskNotFoundError):
        use(lambda desk: desk.query(TicketNote, Q(id__gt=0), parent_id=ticket_id))
    refused = [(method, path) for method, path, status in zone.calls() if status == 404]
    assert refused == [
        ("POST", f"Tickets/{ticket_id}/TicketNotes"),
        ("POST", f"Tickets/{ticket_id}/TicketNotes/query"),
    ]


def test_refusals_carry_the_reason(zone: Zone) -> None:
    with pytest.raises(AutotaskAPIError, match="Missing Required Field: title") as caught:
        use(lambda desk: desk.create(Ticket(companyID=COMPANY, status=1, priority=2, queueID=NOC)))
    assert caught.value.status_code == 500


def test_a_lost_answer_is_told_and_not_repeated(zone: Zone) -> None:
    zone.control(
        "faults", {"kind": "drop", "when": "after", "endpoint": "Tickets", "action": "create", "count": 1}
    )
    with pytest.raises(httpx.TransportError):
        use(lambda desk: desk.create(Ticket(**new_ticket())))
    assert len(zone.truth("tickets")) == 1


def test_bug_a_query_for_everything_counts_on_an_empty_filter(zone: Zone) -> None:
    """What Autotask makes of it is a switch of the simulator: some tenants may refuse it."""
    ids = zone.fill_tickets(3)
    assert [row.id for row in use(lambda desk: desk.query(Ticket))] == ids
    zone.control("tenant", {"switches": {"empty_filter": "refuse"}})
    with pytest.raises(AutotaskAPIError, match="Parameter name: filters"):
        use(lambda desk: desk.query(Ticket))

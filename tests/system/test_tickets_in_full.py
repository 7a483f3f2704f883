"""What a new ticket is linked to, and what becomes of one that Autotask refuses, with a real process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.site import Site, a_site, accounted, alert

pytestmark = pytest.mark.system
NOC, BACKUPS = 29682833, 29682834


def configure(site: Site, *, autotask: str = "", board: str = "", more: str = "") -> None:
    """Add keys to `[autotask]` and to the board."""
    site.configure(more=more)
    path = site.folder / "alertd.toml"
    text = path.read_text().replace("[[sources]]", f"{autotask}\n\n[[sources]]", 1)
    path.write_text(text.replace('queue = "NOC"\n', f'queue = "NOC"\n{board}\n', 1))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def one_ticket(site: Site, sent: dict[str, Any]) -> dict[str, Any]:
    await site.post(sent)
    await site.settled()
    [ticket] = site.tickets
    assert accounted(site.walk(), site.tickets)
    return ticket


def actions(site: Site, endpoint: str, action: str) -> int:
    counted: int = site.calls["actions"].get(endpoint, {}).get(action, 0)
    return counted


def refusals(site: Site) -> list[Any]:
    return [call for call in site.calls["calls"] if (call.endpoint, call.status) == ("Tickets", 500)]


# --- companies ----------------------------------------------------------------------------------------


async def test_a_company_is_found_by_alias_and_by_its_parent(site: Site) -> None:
    configure(site, autotask='company_alias = "monitoring name"')
    await site.start()
    northwind = "Northwind Logistics B.V."
    wanted = {
        "ACME-dental": 175,
        f"{northwind} / Northwind Logistics Warehouse": 177,
        f"{northwind} / Gone Depot": 0,
    }
    for customer, company_id in wanted.items():
        await site.post(alert(customer=customer))
        await site.settled()
        assert site.tickets[-1]["companyID"] == company_id


async def test_a_name_that_several_companies_have_is_told_and_not_guessed(site: Site) -> None:
    row = {"companyType": 1, "isActive": True, "ownerResourceID": 4, "phone": "1"}
    twins = [
        {"id": 901, "companyName": "Reception", "parentCompanyID": 175, **row},
        {"id": 902, "companyName": "Reception", "parentCompanyID": 176, **row},
    ]
    site.tenant({"rows": {"Companies": twins}})
    await site.start()
    ticket = await one_ticket(site, alert(customer="Reception"))
    await site.post(alert("other", customer="Northwind Logistics B.V./reception"))
    await site.until(lambda: len(site.tickets) == 2)
    _, explained = await site.run("explain", ticket["ticketNumber"])

    assert ticket["companyID"] == 0
    assert "Acme Dental Group / Reception (901)" in ticket["description"]
    assert "Northwind Logistics B.V. / Reception (902)" in explained
    assert {each["companyID"] for each in site.tickets} == {0, 902}


# --- devices ------------------------------------------------------------------------------------------


async def test_a_ticket_is_linked_to_its_device(site: Site) -> None:
    device = {"userDefinedFields": {"Management IP": "10.9.8.7"}}
    site.tenant(
        {
            "udfs": [{"entity": "ConfigurationItems", "name": "Management IP"}],
            "devices": [{"company": "Acme Dental Group", "name": "ACME-FS01", "fields": device}],
        }
    )
    configure(site, autotask='device_udfs = { ip = "Management IP" }')
    await site.start()
    wanted = {
        "short host name": alert("acme-fs01.acme.example"),
        "serial": alert("unknown", serial="sn-acme-fs01"),
        "device_id": alert("unheard-of", device_id="4002"),
        "ip": alert("10.9.8.7"),
    }
    for by, sent in wanted.items():
        await site.post(sent)
        await site.settled()
        ticket = site.tickets[-1]
        _, explained = await site.run("explain", ticket["ticketNumber"])
        assert ticket["configurationItemID"] == 4002
        assert f"device ACME-FS01 (4002), by {by}" in explained


async def test_devices_cost_no_call_per_ticket(site: Site) -> None:
    await site.start()
    await site.post(*[alert(host) for host in ("ACME-DC01", "ACME-FS01", "ACME-FW01", "ACME-NAS01")])
    await site.settled()

    assert {ticket["configurationItemID"] for ticket in site.tickets} == {4001, 4002, 4003, 4004}
    assert actions(site, "ConfigurationItems", "query") == 1
    await site.post(*[alert(f"unheard-of-{n}") for n in range(5)])
    await site.settled()
    assert len(site.tickets) == 9
    assert actions(site, "ConfigurationItems", "query") == 1  # read within the hour


async def test_what_might_be_several_devices_is_none_and_the_ticket_says_so(site: Site) -> None:
    site.tenant({"devices": [{"company": "Acme Dental Group", "name": "acme-fs01", "serial": "X"}] * 1})
    site.tenant({"rows": {"ConfigurationItems": [{**_device(4900), "referenceTitle": "ACME-FS01"}]}})
    await site.start()
    ticket = await one_ticket(site, alert("ACME-FS01"))

    assert ticket["configurationItemID"] is None
    assert "The device is not linked, as it might be any of these:" in ticket["description"]
    assert "(4900)" in ticket["description"]


def _device(id_: int) -> dict[str, Any]:
    return {"id": id_, "companyID": 175, "productID": 29683001, "isActive": True}


async def test_matching_devices_can_be_switched_off(site: Site) -> None:
    configure(site, autotask="match_devices = false")
    await site.start()
    ticket = await one_ticket(site, alert("ACME-FS01"))

    assert ticket["configurationItemID"] is None
    assert actions(site, "ConfigurationItems", "query") == 0


async def test_a_device_that_appears_later_changes_no_settled_ticket(site: Site) -> None:
    await site.start()
    await one_ticket(site, alert("new-host"))
    before = site.calls["actions"]["Tickets"].get("update", 0)
    site.tenant({"devices": [{"company": "Acme Dental Group", "name": "new-host"}]})
    await site.post(alert("new-host"))
    await site.settled()

    [ticket] = site.tickets
    assert ticket["configurationItemID"] is None
    assert site.calls["actions"]["Tickets"].get("update", 0) == before


# --- what boards set ----------------------------------------------------------------------------------

FULL_BOARD = """\
category = "Monitoring"
ticket_type = "Alert"
issue = "Server"
sub_issue = "disk"
sla = "Gold SLA"
contact = "Rosa.Lind@customer.example"
location = "main street"
udfs = { "alert key" = "{{ reference }}", "Alert Source" = "prometheus" }
"""


async def test_a_board_sets_what_tickets_may_have(site: Site) -> None:
    configure(site, board=FULL_BOARD)
    await site.start()
    ticket = await one_ticket(site, alert("ACME-FS01"))

    fields = ("ticketCategory", "ticketType", "issueType", "subIssueType", "serviceLevelAgreementID")
    assert [ticket[name] for name in fields] == [100, 5, 10, 136, 2]
    assert (ticket["contactID"], ticket["companyLocationID"]) == (30682001, 62)
    assert ticket["userDefinedFields"] == {"Alert Key": ticket["externalID"], "Alert Source": "Prometheus"}
    assert ticket["source"] == 8


async def test_what_a_category_sets_is_not_overwritten(site: Site) -> None:
    defaults = {"ticketCategoryID": 100, "sourceID": 4}
    site.tenant({"rows": {"TicketCategoryFieldDefaults": [defaults]}})
    configure(site, board='category = "Monitoring"')
    await site.start()
    ticket = await one_ticket(site, alert())

    assert ticket["source"] != 8


LACKING = """\
issue = "Server"
sub_issue = "Switch"
ticket_type = "Telephone"
sla = "Golden"
category = 4711
udfs = { "Alert Kee" = "x", "Alert Source" = "Pigeon" }
"""


async def test_what_the_tenant_lacks_is_told_and_left_out(site: Site) -> None:
    configure(site, board=LACKING)
    await site.start()
    ticket = await one_ticket(site, alert())
    code, told = await site.run("config", "check", "--online")

    assert code == 1
    for said in (
        "sub_issue 'Switch' does not exist under issue 'Server'",
        "ticket_type 'Telephone' does not exist",
        "sla 'Golden' does not exist; similar: 'Gold SLA'",
        "category 4711 does not exist",
        "udfs: 'Alert Kee' is no active user-defined field; similar: 'Alert",
        "udfs: 'Alert Source' has no entry 'Pigeon'",
    ):
        assert said in told
    assert (ticket["issueType"], ticket["subIssueType"], ticket["userDefinedFields"]) == (10, None, {})
    assert actions(site, "Tickets", "create") == 1


# --- repairs ------------------------------------------------------------------------------------------


async def test_a_device_that_was_retired_since_is_left_out_and_the_ticket_says_so(site: Site) -> None:
    await site.start()
    await site.post(alert("ACME-DC01"))
    await site.settled()
    site.tenant({"rows": {"ConfigurationItems": [{**_device(4002), "isActive": False}]}})
    await site.post(alert("ACME-FS01"))
    await site.settled()

    [ticket] = [each for each in site.tickets if "ACME-FS01" in each["title"]]
    _, explained = await site.run("explain", ticket["ticketNumber"])
    _, metrics = await site.ask("/metrics")
    assert ticket["configurationItemID"] is None
    assert ticket["queueID"] == NOC
    assert "Autotask refused this ticket at first" in ticket["description"]
    assert "configurationItemID" in ticket["description"]
    assert "create refused" in explained
    assert "repaired it was made without device, source" in explained
    assert 'alertd_tickets_repaired_total{board="noc"} 1.0' in metrics
    assert actions(site, "Tickets", "create") == 3
    assert accounted(site.walk(), site.tickets)


async def test_a_queue_that_is_switched_off_at_run_time_gives_way_to_the_fallback_board(site: Site) -> None:
    fallback = '\n[[boards]]\nname = "second"\nqueue = "Backups"\n'
    configure(site, autotask='fallback_board = "second"', more=fallback)
    await site.start()
    await site.post(alert("one"))
    await site.settled()
    queue = {"value": NOC, "label": "NOC", "active": False}
    site.tenant({"picklists": {"Tickets": {"queueID": [queue]}}})
    await site.post(alert("two"))
    await site.settled()
    _, metrics = await site.ask("/metrics")

    assert [ticket["queueID"] for ticket in site.tickets] == [NOC, BACKUPS]
    assert "Board noc cannot take tickets, so this is on second." in site.tickets[1]["description"]
    assert "alertd_configuration_problems 1.0" in metrics
    assert site.read_output().count("autotask.configuration_problem") == 1
    assert actions(site, "Tickets", "create") == 3


async def test_a_poison_ticket_costs_three_calls_and_holds_nobody_up(site: Site) -> None:
    await site.start()
    await site.post(alert("first"))
    await site.settled()
    site.fault(
        kind="refuse",
        status=500,
        body='{"errors": ["Missing Required Field: purchaseOrderNumber"]}',
        content_type="application/json",
        endpoint="Tickets",
        action="create",
        count=2,
    )
    await site.post(alert("poison"))
    await site.until(lambda: len(refusals(site)) == 2)
    await site.post(alert("good"))
    await site.until(lambda: site.walk().get("ticketed") == 2)
    _, parked = await site.run("parked", "list")

    assert "Missing Required Field: purchaseOrderNumber" in parked
    assert sorted(ticket["title"].rpartition(" ")[2] for ticket in site.tickets) == ["first", "good"]
    assert len(refusals(site)) == 2
    assert accounted(site.walk(), site.tickets)


async def test_a_company_that_was_closed_since_gives_way_to_the_fallback(site: Site) -> None:
    await site.start()
    await site.post(alert("one"))
    await site.settled()
    site.tenant({"companies": [{"name": "Acme Dental Group", "active": False}]})
    await site.post(alert("two"))
    await site.settled()

    assert [ticket["companyID"] for ticket in site.tickets] == [175, 0]
    assert "Autotask refused this ticket at first" in site.tickets[1]["description"]
    assert "which is no active company" in site.tickets[1]["description"]  # the directory was read again
    await site.post(alert("three"))
    await site.settled()
    assert site.tickets[2]["companyID"] == 0
    assert len(refusals(site)) == 1


async def test_a_ticket_that_lost_its_external_id_is_not_made_again(site: Site) -> None:
    configure(site, autotask='reference_udf = "Alert Key"')
    site.fault(kind="workflow", seconds=0, on="create", set={"externalID": "RMM-17"})
    site.fault(kind="drop", when="after", endpoint="Tickets", action="create", count=1)
    await site.start()
    await site.post(alert())
    await site.settled()
    await site.post(alert(firing=False))
    await site.until(lambda: site.tickets[0]["status"] == 5)

    [ticket] = site.tickets
    assert ticket["externalID"] == "RMM-17"
    assert ticket["userDefinedFields"]["Alert Key"].startswith("alertd-")
    assert actions(site, "Tickets", "create") == 1

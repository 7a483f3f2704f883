"""What boards and routes give to new tickets, by label, with a real process and the simulator's books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.system.site import Site, a_site, accounted, alert

pytestmark = pytest.mark.system
JANA, OMAR, LUCY = 29682885, 29682886, 29682887
TECHNICIAN, SENIOR = 8, 9
DISK, CPU = 136, 137

BOARD = """\
category = "Monitoring"
ticket_type = "Alert"
issue = "Server"
sub_issue = "Disk"
sla = "Gold SLA"
contract = "Managed Services Acme"
contact = "Rosa.Lind@customer.example"
location = "Main Street"
resource = "omar.haddad@msp.example"
due = { critical = "1h", warning = "2d" }
udfs = { "Alert Key" = "{{ reference }}", "Alert Source" = "Prometheus" }
title_template = "{{ labels.team | default('nobody') }}: {{ title }}"
"""

ROUTES = """
[[boards]]
name = "plain"
queue = "Backups"

[[route.routes]]
name = "cpu"
matchers = ['alertname="HighCPU"']
sub_issue = "CPU and memory"
contract = "default"
resource = "Jana Novak"
role = "senior technician"
due = "30m"
priority = { warning = "High" }
udfs = { "alert source" = "RMM" }
description_template = "CPU of {{ labels.instance }}"
[[route.routes.routes]]
name = "cpu of the night shift"
matchers = ['shift="night"']
resource = 29682887
due = { warning = "8h" }
title_template = "night: {{ title }}"

[[route.routes]]
name = "backups"
matchers = ['alertname="BackupFailed"']
board = "plain"
issue = "Backup"
contract = 5002
ticket_type = "Incident"
"""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


def configure(site: Site, *, board: str, more: str = "") -> None:
    site.configure(more=more)
    path = site.folder / "alertd.toml"
    path.write_text(path.read_text().replace('queue = "NOC"\n', f'queue = "NOC"\n{board}\n', 1))


def contracts(*rows: dict[str, Any]) -> dict[str, Any]:
    usual = {"contractType": 7, "status": 1, "timeReportingRequiresStartAndStopTimes": 0}
    dates = {"startDate": "2020-01-01T00:00:00Z", "endDate": "2099-12-31T00:00:00Z"}
    return {"rows": {"Contracts": [{**usual, **dates, **row} for row in rows]}}


async def made(site: Site, sent: dict[str, Any]) -> dict[str, Any]:
    await site.post(sent)
    await site.settled()
    return site.tickets[-1]


def due_after(ticket: dict[str, Any]) -> timedelta:
    due_at, made_at = (datetime.fromisoformat(ticket[name]) for name in ("dueDateTime", "createDate"))
    return due_at - made_at


def near(found: timedelta, wanted: timedelta) -> bool:
    return abs(found - wanted) < timedelta(minutes=1)


async def test_every_field_of_boards_and_routes_is_on_the_ticket(site: Site) -> None:
    site.tenant(
        contracts({"id": 5901, "companyID": 175, "contractName": "Acme Help", "isDefaultContract": True})
    )
    configure(site, board=BOARD, more=ROUTES)
    await site.start()

    disk = await made(site, alert(team="storage"))
    picked = ("ticketCategory", "ticketType", "issueType", "subIssueType", "serviceLevelAgreementID")
    assert [disk[name] for name in picked] == [100, 5, 10, DISK, 2]
    assert (disk["contractID"], disk["contactID"], disk["companyLocationID"]) == (5001, 30682001, 62)
    assert (disk["assignedResourceID"], disk["assignedResourceRoleID"]) == (OMAR, TECHNICIAN)
    assert disk["userDefinedFields"] == {"Alert Key": disk["externalID"], "Alert Source": "Prometheus"}
    assert disk["title"] == "storage: Disk D: on fs02 is full"
    assert near(due_after(disk), timedelta(days=2))

    cpu = await made(site, alert(alertname="HighCPU"))
    assert [cpu[name] for name in picked] == [100, 5, 10, CPU, 2]
    assert (cpu["contractID"], cpu["contactID"]) == (5901, 30682001)
    assert (cpu["assignedResourceID"], cpu["assignedResourceRoleID"]) == (JANA, SENIOR)
    assert cpu["userDefinedFields"] == {"Alert Key": cpu["externalID"], "Alert Source": "RMM"}
    assert cpu["title"].startswith("nobody: ")
    assert cpu["description"].startswith("CPU of fs02:9100\n")
    assert near(due_after(cpu), timedelta(minutes=30))
    assert (disk["priority"], cpu["priority"]) == (2, 1)  # Medium, and High by the route

    night = await made(site, alert(alertname="HighCPU", shift="night", instance="db01:9100"))
    assert (night["assignedResourceID"], night["assignedResourceRoleID"]) == (LUCY, SENIOR)
    assert (night["subIssueType"], night["priority"]) == (CPU, 1)
    assert night["title"].startswith("night: ")
    assert near(due_after(night), timedelta(hours=8))

    backup = await made(site, alert(alertname="BackupFailed", customer="Northwind Logistics B.V."))
    assert (backup["queueID"], backup["issueType"], backup["ticketType"]) == (29682834, 12, 2)
    assert (backup["contractID"], backup["companyID"]) == (5002, 176)
    assert (backup["assignedResourceID"], backup["dueDateTime"]) == (None, None)
    assert backup["userDefinedFields"] == {}

    stranger = await made(site, alert("fs09", alertname="BackupFailed"))
    assert stranger["contractID"] is None  # 5002 is another company's
    assert "none of the company's contracts, since contract 5002 is none that" in stranger["description"]
    _, explained = await site.run("explain", cpu["ticketNumber"])
    assert "contract Acme Help (5901)" in explained
    assert "due 20" in explained
    _, metrics = await site.ask("/metrics")
    assert "alertd_configuration_problems 0.0" in metrics
    assert site.calls["actions"]["Tickets"]["create"] == 5
    assert accounted(site.walk(), site.tickets)

    # what people do to the assignee is a touch; what we did at create is none
    await site.post(alert(firing=False, team="storage"))
    await site.until(lambda: site.tickets[0]["status"] == 5)

    code, told = await site.run("boards", "--json")
    assert code == 0
    assert '"contract": "default"' in told
    code, told = await site.run("check")
    assert ("assignee" in told.lower(), "MISSING" in told) == (True, False)


async def test_what_the_tenant_has_no_more_is_told_and_left_out(site: Site) -> None:
    """A tenant where each value is there and inactive, or belongs to another."""
    site.tenant({"picklists": {"Tickets": {"ticketType": [{"value": 5, "label": "Alert", "active": False}]}}})
    board = """
ticket_type = "Alert"
contract = "Backup Café Zürich (inactive)"
resource = "Piet Visser"
due = "4h"
"""
    routes = """
[[route.routes]]
name = "cpu"
matchers = ['alertname="HighCPU"']
issue = "Telephony"
resource = "ohaddad"
role = "Senior Technician"
"""
    configure(site, board=board, more=routes)
    await site.start()
    disk = await made(site, alert())
    cpu = await made(site, alert(alertname="HighCPU"))
    code, told = await site.run("config", "check", "--online")

    assert code == 1
    for said in (
        "board 'noc': ticket_type 'Alert' (5) is inactive; tickets are made without",
        "board 'noc': resource 'Piet Visser' (29682888) is inactive; tickets are made without",
        "board 'noc': contract 'Backup Café Zürich (inactive)' is no active contract of any company",
        "route 'cpu': issue 'Telephony' (13) is inactive",
        "route 'cpu': role 'Senior Technician' is none of resource 'ohaddad'; there are 'Technician'",
    ):
        assert said in told
    assert told.count("Piet Visser") == 1
    _, ready = await site.ask("/readyz")
    assert "Piet Visser" in ready
    _, metrics = await site.ask("/metrics")
    assert "alertd_configuration_problems 5.0" in metrics
    assert (disk["assignedResourceID"], cpu["assignedResourceID"], disk["contractID"]) == (None, None, None)
    assert near(due_after(disk), timedelta(hours=4))
    assert site.calls["actions"]["Tickets"]["create"] == 2  # nothing was refused

    code, told = await site.run("check", "--json")
    assert code == 1
    assert "route 'cpu': role 'Senior Technician' is none of resource 'ohaddad'" in told


async def test_a_role_that_was_taken_away_since_is_left_out_and_the_ticket_says_so(site: Site) -> None:
    configure(site, board='resource = "Omar Haddad"\ncontract = "Managed Services Acme"')
    await site.start()
    first = await made(site, alert("one"))
    tables = ("ResourceServiceDeskRoles", "ResourceRoles")
    rows = {each: site.simulator.tenant.table(each).find("resourceID", OMAR) for each in tables}
    site.tenant({"rows": {each: [{**row, "isActive": False} for row in rows[each]] for each in tables}})
    second = await made(site, alert("two"))

    assert (first["assignedResourceID"], first["contractID"]) == (OMAR, 5001)
    assert second["assignedResourceID"] is None
    assert "This Role (Technician) cannot be used" in second["description"]
    assert site.calls["actions"]["Tickets"]["create"] == 3
    assert accounted(site.walk(), site.tickets)

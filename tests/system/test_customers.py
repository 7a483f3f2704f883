"""Whose alerts are: a real process, its command line, and the tickets that stand in the simulator's books."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.site import Site, a_site, accounted, alert

pytestmark = pytest.mark.system

MORE = """
[[sources]]
name = "network"
kind = "auvik"
token = {{ file = "{folder}/network" }}
clients = {{ "10002" = "Harper & Lowe LLP" }}

[[sources]]
name = "backup"
kind = "mapped"
token = {{ file = "{folder}/backup" }}
key = ["job"]
client = {{ path = "job", regex = "^cust-([^/]+)/" }}
clients = {{ "4711" = "Northwind Logistics B.V." }}
labels = {{ serial = "serial", company_id = "psa" }}
"""
ACME, NORTHWIND, HARPER = "Acme Dental Group", "Northwind Logistics B.V.", "Harper & Lowe LLP"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        for name in ("network", "backup"):
            site.secret(name, f"{name}-0123456789abcdef0123456789")
        site.configure(more=MORE.format(folder=tmp_path))
        site.tenant({"devices": [{"company": HARPER, "name": "HL-NAS", "serial": "HL-0001"}]})
        await site.start()
        yield site


async def auvik(site: Site, number: int, **item: Any) -> dict[str, Any]:
    """Send one alert and return its ticket, once it is complete in all parts."""
    body = {
        "correlationId": f"c{number}",
        "alertName": f"Link {number} is down",
        "alertStatus": 0,
        "entityName": f"sw-{number}",
    }
    return await ticket(site, "/v1/alerts/network", body | item, token="network")


async def backup(site: Site, job: str, **item: Any) -> dict[str, Any]:
    return await ticket(site, "/v1/alerts/backup", {"job": job, **item}, token="backup")


async def ticket(site: Site, path: str, body: dict[str, Any], *, token: str) -> dict[str, Any]:
    before = {each["id"] for each in site.tickets}
    await site.send(path, body, token=token)
    await site.until(lambda: any(each["id"] not in before and each["tags"] for each in site.tickets))
    await site.settled()
    return next(each for each in site.tickets if each["id"] not in before)


def company(site: Site, name: str) -> int:
    return next(row["id"] for row in site.simulator.tenant.table("Companies") if row["companyName"] == name)


async def said(site: Site, *arguments: str) -> Any:
    code, printed = await site.run(*arguments, "--json")
    assert code == 0, printed
    return json.loads(printed)


@pytest.mark.slow
async def test_a_customer_is_mapped_and_its_tickets_follow(site: Site) -> None:
    unmapped = await auvik(site, 1, companyName="northwind logistics", companyId="10001")
    assert unmapped["companyID"] == 0
    assert 'The alert names "northwind logistics", which is no active company' in unmapped["description"]
    assert "alertd map companies set network 'northwind logistics' COMPANY" in unmapped["description"]
    touched = await auvik(site, 2, companyName="northwind logistics", companyId="10001")
    site.act(act="assign", ticket=touched["id"], resource="Lucy Brandt")

    [suggested] = await said(site, "map", "companies", "suggest")
    assert (suggested["source"], suggested["sent"], suggested["client_id"]) == (
        "network",
        "northwind logistics",
        "10001",
    )
    assert suggested["alerts"] == 2
    assert suggested["exact"]
    assert suggested["candidates"][0]["company"] == NORTHWIND
    assert [each["from"] for each in await said(site, "map", "companies", "list")] == ["configuration"] * 2

    for wrong, why in [
        (("network", "x", "Nobody Ltd"), "'Nobody Ltd' is no active company"),
        (("nothing", "x", NORTHWIND), "there is no source 'nothing'; there are alertmanager, "),
        (("network", "10002", NORTHWIND), "is in clients of source network in the configuration"),
    ]:
        code, printed = await site.run("map", "companies", "set", *wrong)
        assert (code, why in printed) == (1, True), printed

    while not any(each["touched"] for each in json.loads((await site.ask("/api/v1/incidents"))[1])):
        await asyncio.sleep(0.1)
    done = await said(site, "map", "companies", "set", "network", "10001", NORTHWIND, "--move-open")
    assert done["open_tickets"] == 1
    assert [(each["ticket_id"], each["moved"]) for each in done["moved"]] == [(unmapped["id"], True)]
    wanted = company(site, NORTHWIND)
    by_id = {each["id"]: each["companyID"] for each in site.tickets}
    assert by_id == {unmapped["id"]: wanted, touched["id"]: 0}

    mapped = await auvik(site, 3, companyName="northwind logistics", companyId="10001")
    assert mapped["companyID"] == wanted
    told = await said(site, "explain", str(unmapped["id"]))
    assert any(line["what"] == "moved" for line in told["incidents"][0]["history"])
    assert await said(site, "map", "companies", "suggest") == []

    # the ticket that was moved is still ours
    await site.send(
        "/v1/alerts/network",
        {"correlationId": "c1", "alertName": "Link 1 is down", "alertStatus": 1, "entityName": "sw-1"},
        token="network",
    )
    await site.until(lambda: site.tickets[0]["status"] == 5)
    assert accounted(site.walk(), site.tickets)

    await a_key_in_both_places_is_refused(site)


async def a_key_in_both_places_is_refused(site: Site) -> None:
    text = (site.folder / "alertd.toml").read_text()
    both = text.replace('"10002" =', '"10001" = "Acme Dental Group", "10002" =')
    (site.folder / "alertd.toml").write_text(both)
    status, why = await site.ask("/-/reload", method="POST")
    assert status == 500
    assert 'sources.network.clients: "10001" is in the map of the store too' in why
    await site.stop()
    code, printed = await site.run("run")
    assert code == 2, printed
    assert "alertd map companies remove network 10001" in printed
    (site.folder / "alertd.toml").write_text(text)

    code, exported = await site.run("map", "companies", "export")
    assert exported.splitlines()[-1].startswith("network,10001,")
    code, printed = await site.run("map", "companies", "remove", "network", "10001")
    assert code == 0, printed
    (site.folder / "map.csv").write_text(f"source,sent,company\nnetwork,20001,{ACME}\nnetwork,20002,{ACME}\n")
    code, printed = await site.run("map", "companies", "import", str(site.folder / "map.csv"))
    assert code == 0, printed
    rows = [each for each in await rows_of_store(site) if each["from"] == "store"]
    assert [(each["sent"], each["company"]) for each in rows] == [("20001", ACME), ("20002", ACME)]


async def rows_of_store(site: Site) -> Any:
    code, printed = await site.run("map", "companies", "list", "--json")
    assert code == 0, printed
    return json.loads(printed[printed.index("[") :])


async def test_a_customer_is_found_in_every_other_way(site: Site) -> None:
    assert (await auvik(site, 1, companyName="hl", companyId="10002"))["companyID"] == company(site, HARPER)
    # a number of the sender's is nobody's in Autotask, though a company has it
    assert (await auvik(site, 2, companyId=str(company(site, ACME))))["companyID"] == 0
    assert (await backup(site, "cust-4711/sql"))["companyID"] == company(site, NORTHWIND)
    assert (await backup(site, f"cust-{ACME}/sql"))["companyID"] == company(site, ACME)
    assert (await backup(site, "nightly", serial="hl-0001"))["companyID"] == company(site, HARPER)
    assert (await backup(site, "weekly", host="HL-NAS"))["companyID"] == company(site, HARPER)
    assert (await backup(site, "cust-who/x", host="HL-NAS"))["companyID"] == 0
    by_id = await backup(site, "cust-who/y", psa=str(company(site, ACME)))
    assert by_id["companyID"] == company(site, ACME)
    await site.post(alert("fs09"))
    await site.until(lambda: len(site.tickets) == 9)
    await what_was_sent_can_be_looked_at(site)


async def what_was_sent_can_be_looked_at(site: Site) -> None:
    listed = {each["name"]: each for each in await said(site, "sources", "list")}
    assert (listed["backup"]["alerts"], listed["backup"]["parked"]) == (6, 0)
    assert listed["network"]["address"] == f"http://127.0.0.1:{site.intake}/v1/alerts/network"
    assert listed["doorbell"]["last_seen_at"] is None
    tried = await said(site, "sources", "try", "backup", "--recent")
    assert [each["alerts"][0]["client"] for each in tried[-2:]] == [ACME, NORTHWIND]
    await site.kill()
    code, printed = await site.run("sources", "recent", "network", "--json")
    assert code == 0, printed
    bodies = [json.loads(each["body"])["correlationId"] for each in json.loads(printed[printed.index("[") :])]
    assert bodies == ["c2", "c1"]

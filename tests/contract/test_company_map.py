"""The map of companies, the customers that were seen, and what each source has sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from alertd.app.company_moves import CompanyMoves
from alertd.core.clients import CompanyRow, Customer
from alertd.flows.ports import Step
from alertd.store.entries import SourceTotals
from alertd.store.store import Store
from tests.contract.conftest import Opener
from tests.store.making import T0, condition_write, envelope, incident, incident_write, ticketed

ONE = CompanyRow(source="auvik", sent="Northwind", company_id=12, company="Northwind Traders")
OWN = CompanyRow(source="auvik", sent="10001", company_id=0, company="Example MSP")


async def test_rows_are_kept_replaced_and_removed(opener: Opener) -> None:
    async with opener() as store:
        await store.put_company_rows([ONE, OWN])
        await store.put_company_rows([replace(ONE, sent="NORTHWIND ", company_id=13)])
    async with opener() as store:
        assert await store.company_rows() == [OWN, replace(ONE, sent="NORTHWIND ", company_id=13)]
        assert await store.remove_company_row("auvik", " northwind")
        assert not await store.remove_company_row("auvik", "northwind")
        assert await store.company_rows() == [OWN]


async def test_customers_are_counted_by_what_they_are_called(store: Store) -> None:
    named = [("a", "Northwind"), ("b", "Northwind"), ("c", "Contoso")]
    writes = [
        condition_write(
            key,
            labels={"client": client, "client_id": "7"},
            seen_at=T0 + timedelta(minutes=number),
            firing=key != "b",
        )
        for number, (key, client) in enumerate(named)
    ]
    await store.commit(Step(conditions=writes))

    found = await store.clients_seen()
    assert [(each.client, each.client_id, each.alerts, each.firing) for each in found] == [
        ("Northwind", "7", 2, 1),
        ("Contoso", "7", 1, 1),
    ]
    assert found[0].seen_at == T0 + timedelta(minutes=1)


async def test_the_last_bodies_of_a_source(store: Store) -> None:
    for number in range(3):
        await store.append(envelope(f"r{number}", source="auvik"))
    await store.append(envelope("other", source="meraki"))

    found = await store.recent_entries("auvik", limit=2)
    assert [each.envelope.receipt for each in found] == ["r2", "r1"]
    assert found[0].envelope.body
    totals = await store.totals_by_source()
    assert totals["auvik"] == SourceTotals(3, 3, 0, T0)
    assert totals.keys() == {"auvik", "meraki"}


async def test_a_ticket_is_found_by_what_was_sent_though_a_row_had_named_another(store: Store) -> None:
    """The row before led to a company that is gone: the ticket says to map what the sender sends."""
    desk: Any = None  # nobody is asked
    customer = Customer(source="auvik", client="Gone Ltd", company_id=9, sent_client="northwind")
    opened = replace(incident("one"), client="Gone Ltd", customer=customer)
    await store.commit(
        Step(incidents=[incident_write("one", incident_=opened, known=ticketed(101), state="open")])
    )
    found = await CompanyMoves(store, desk, now=lambda: T0).find([ONE])
    assert [(each.incident.key, row) for each, row in found] == [("one", ONE)]

"""Contracts, units and adjustments over real HTTP: exact, whole or not at all, and sent once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from alertd.autotask.client import AutotaskClient
from alertd.autotask.contracts import Contracts, LineKind
from alertd.autotask.credential import Credential
from alertd.autotask.services import Catalogue, Sold
from alertd.autotask.settings import Timeouts
from alertd.autotask.transport import Around, Transport
from alertd.flows.errors import OutcomeUnknown, PortError, Rejected, Throttled, Unavailable
from alertd.simulator import Simulator
from alertd.simulator.control import control
from alertd.simulator.truth import calls, state
from tests.autotask.conftest import autotask_that, make_settings, short_timeouts

TODAY = date(2026, 3, 5)
NEXT_MONTH = date(2026, 4, 1)
ACME, EDR = 5001, 9107
SERVICE, BUNDLE = LineKind.SERVICE, LineKind.BUNDLE


@pytest.fixture
async def client(zone_url: str, credential: Credential, around: Around) -> AsyncIterator[AutotaskClient]:
    settings = make_settings(zone_url, timeouts=short_timeouts())
    made = AutotaskClient(Transport(settings, credential, around))
    yield made
    await made.close()


@pytest.fixture
def contracts(client: AutotaskClient) -> Contracts:
    return Contracts(client)


def command(sim: Simulator, what: str, body: Any) -> None:
    reply = control(sim, "POST", what, body=json.dumps(body).encode())
    assert reply.status == 200, reply


def books(sim: Simulator, key: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = state(sim, sim.clock())[key]
    return rows


async def held(contracts: Contracts, on: date, line_id: int = EDR) -> int:
    return (await contracts.units_of_lines(SERVICE, on, [line_id]))[line_id].units


# --- reading


async def test_active_recurring_contracts_and_no_others(contracts: Contracts, sim: Simulator) -> None:
    found = await contracts.recurring()
    wanted = [row for row in books(sim, "contracts") if (row["contractType"], row["status"]) == (7, 1)]
    assert [each.id for each in found] == [row["id"] for row in wanted]
    assert ACME in {each.id for each in found}
    assert all(each.is_active and each.contract_type == 7 for each in found)


async def test_contracts_by_company(contracts: Contracts) -> None:
    [acme] = [each for each in await contracts.recurring() if each.id == ACME]
    mine = await contracts.recurring([acme.company_id])
    assert {each.company_id for each in mine} == {acme.company_id}
    assert await contracts.recurring([]) == ()
    assert await contracts.contract(ACME) == acme
    assert await contracts.contract(999_999) is None
    assert acme.start_on.day == 1
    assert acme.start_on < TODAY < acme.end_on


async def test_lines_hold_exact_prices_and_no_counts(contracts: Contracts) -> None:
    lines = {line.id: line for line in await contracts.lines(SERVICE, [ACME])}
    assert list(lines) == [9101, 9102, EDR, 9108]
    assert lines[EDR].unit_price == Decimal("23.1")
    assert lines[EDR].sold_id == 77
    assert lines[9108].unit_price == Decimal(11)


async def test_units_on_a_date(contracts: Contracts) -> None:
    units = await contracts.units_on(SERVICE, TODAY, [ACME])
    assert {line: held.units for line, held in units.items()} == {9101: 24, 9102: 3, EDR: 27, 9108: 3}
    assert units[EDR].price == Decimal("623.70")  # extended: 27 units at 23.10
    assert units[EDR].start_on <= TODAY <= units[EDR].end_on


async def test_a_line_that_is_not_active_is_absent_and_not_zero(contracts: Contracts) -> None:
    assert await contracts.units_on(SERVICE, date(2019, 1, 1), [ACME]) == {}
    assert await contracts.units_of_lines(SERVICE, date(2099, 1, 1), [EDR]) == {}


async def test_bundles_have_lines_and_units_too(contracts: Contracts) -> None:
    lines = await contracts.lines(BUNDLE)
    units = await contracts.units_on(BUNDLE, TODAY)
    assert lines
    assert {line.id for line in lines} >= set(units)
    assert all(line.unit_cost is None for line in lines)


async def test_a_change_by_a_person_in_the_middle_of_a_period_is_read_by_its_day(
    contracts: Contracts, sim: Simulator
) -> None:
    act = {"act": "set_units", "line": 9102, "units": 5, "date": "2026-04-15"}
    command(sim, "act", act)
    days = [date(2026, 4, 14), date(2026, 4, 15), date(2026, 4, 30)]
    assert [await held(contracts, day, 9102) for day in days] == [3, 5, 5]


@pytest.mark.parametrize("dates_without_zone", [False, True])
async def test_dates_are_dates_with_or_without_a_zone(
    contracts: Contracts, sim: Simulator, dates_without_zone: bool
) -> None:
    command(sim, "tenant", {"switches": {"dates_without_zone": dates_without_zone}})
    units = await contracts.units_on(SERVICE, date(2026, 4, 30), [ACME])
    assert units[EDR].end_on == date(2026, 4, 30)
    assert units[EDR].units == 27


@pytest.mark.parametrize(("hidden", "cost"), [("null", None), ("zero", Decimal(0))])
async def test_costs_that_we_may_not_see(
    contracts: Contracts, sim: Simulator, hidden: str, cost: Decimal | None
) -> None:
    command(sim, "tenant", {"switches": {"hidden_cost": hidden}})
    command(sim, "faults", {"kind": "rights", "remove": ["costs"]})
    [line] = [each for each in await contracts.lines(SERVICE, [ACME]) if each.id == EDR]
    assert (line.unit_cost, line.unit_price) == (cost, Decimal("23.1"))


async def test_the_catalogue_by_id_and_name(client: AutotaskClient) -> None:
    catalogue = Catalogue(client)
    [edr] = await catalogue.by_name(Sold.SERVICE, "managed edr")
    assert (edr.id, edr.name, edr.unit_price, edr.is_active) == (77, "Managed EDR", Decimal("23.1"), True)
    assert await catalogue.by_name(Sold.SERVICE, "Managed") == ()
    assert [each.id for each in await catalogue.by_ids(Sold.SERVICE, [80, 71, 71, 999])] == [71, 80]
    [seat] = await catalogue.by_ids(Sold.BUNDLE, [31])
    assert seat.name == "Office Seat"
    assert await catalogue.by_ids(Sold.PRODUCT, []) == ()


# --- adjusting


@pytest.mark.parametrize("change", [3, -3])
async def test_an_adjustment_changes_the_units_from_its_date_on(
    contracts: Contracts, sim: Simulator, change: int
) -> None:
    lines = len(books(sim, "contractServices"))
    await contracts.adjust(SERVICE, EDR, change, effective_on=NEXT_MONTH)

    assert await held(contracts, TODAY) == 27
    assert await held(contracts, NEXT_MONTH) == 27 + change
    [made] = books(sim, "contractServiceAdjustments")
    assert made["unitChange"] == change
    assert made["effectiveDate"].startswith("2026-04-01")
    assert len(books(sim, "contractServices")) == lines


async def test_a_bundle_is_adjusted_by_its_own_entity(contracts: Contracts, sim: Simulator) -> None:
    units = await contracts.units_on(BUNDLE, NEXT_MONTH)
    line_id = min(units)
    await contracts.adjust(BUNDLE, line_id, 1, effective_on=NEXT_MONTH)
    again = await contracts.units_of_lines(BUNDLE, NEXT_MONTH, [line_id])
    assert again[line_id].units == units[line_id].units + 1
    assert len(books(sim, "contractServiceBundleAdjustments")) == 1


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        ({"kind": "drop", "when": "after"}, 30),
        ({"kind": "hang", "when": "after"}, 30),
        ({"kind": "garbage", "body": "<html>proxy</html>", "content_type": "text/html"}, 30),
        ({"kind": "truncate", "keep": 0.5}, 30),
        ({"kind": "drop", "when": "before"}, 27),
        ({"kind": "refuse", "status": 503}, 27),
        ({"kind": "refuse", "status": 500}, 27),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_an_unclear_answer_is_unknown_and_the_units_tell(
    contracts: Contracts, sim: Simulator, fault: dict[str, Any], after: int
) -> None:
    command(sim, "faults", fault | {"endpoint": "ContractServiceAdjustments", "count": 1})
    with pytest.raises(OutcomeUnknown):
        await contracts.adjust(SERVICE, EDR, 3, effective_on=NEXT_MONTH)
    assert await held(contracts, NEXT_MONTH) == after
    assert calls(sim, sim.clock())["totals"]["ContractServiceAdjustments"] == {"POST": 1}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "refuse", "status": 429, "retry_after": 3}, Throttled),
        ({"kind": "thread_refusal"}, Throttled),
        ({"kind": "rights", "remove": ["contracts_edit"]}, Rejected),
    ],
)
async def test_what_surely_was_not_applied(
    contracts: Contracts, sim: Simulator, fault: dict[str, Any], error: type[PortError]
) -> None:
    await contracts.contract(ACME)
    scope = {} if fault["kind"] == "rights" else {"endpoint": "ContractServiceAdjustments"}
    command(sim, "faults", fault | scope)
    with pytest.raises(error):
        await contracts.adjust(SERVICE, EDR, 3, effective_on=NEXT_MONTH)
    assert books(sim, "contractServiceAdjustments") == []


async def test_a_posted_period_is_a_clear_refusal(contracts: Contracts, sim: Simulator) -> None:
    command(sim, "tenant", {"switches": {"posted_periods": "refuse"}})
    units = await contracts.units_of_lines(SERVICE, date(2026, 1, 1), [EDR])
    assert units[EDR].is_posted
    with pytest.raises(Rejected, match="already approved and posted"):
        await contracts.adjust(SERVICE, EDR, 3, effective_on=date(2026, 1, 1))


@pytest.mark.parametrize(
    ("line_id", "change", "on"),
    [(EDR, -1000, NEXT_MONTH), (EDR, 1, date(2099, 1, 1)), (999_999, 1, NEXT_MONTH)],
    ids=["below zero", "after the contract", "no such line"],
)
async def test_what_autotask_refuses_changes_nothing_and_makes_no_line(
    contracts: Contracts, sim: Simulator, line_id: int, change: int, on: date
) -> None:
    lines = len(books(sim, "contractServices"))
    with pytest.raises((Rejected, OutcomeUnknown)):
        await contracts.adjust(SERVICE, line_id, change, effective_on=on)
    assert books(sim, "contractServiceAdjustments") == []
    assert len(books(sim, "contractServices")) == lines
    assert await held(contracts, NEXT_MONTH) == 27


async def test_a_change_of_nothing_is_not_sent(contracts: Contracts, sim: Simulator) -> None:
    with pytest.raises(ValueError, match="changes nothing"):
        await contracts.adjust(SERVICE, EDR, 0, effective_on=NEXT_MONTH)
    assert calls(sim, sim.clock())["total"] == 0


# --- a server of one's own: what is sent, pages, and answers that make no sense


class Rows:
    """Answers queries with these rows, by id and page; keeps what was sent."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.sent: list[Any] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        raw = await request.text()
        body = json.loads(raw)
        self.sent.append(raw)
        if not request.path.endswith("/query"):
            return web.json_response({"itemId": 1})
        after = max((each["value"] for each in body["filter"] if each["op"] == "gt"), default=0)
        page = [row for row in self.rows if row["id"] > after][: body["MaxRecords"]]
        return web.json_response({"items": page})


@asynccontextmanager
async def of_a_server(rows: Rows, credential: Credential, around: Around) -> AsyncIterator[Contracts]:
    async with autotask_that(rows) as zone_url:
        made = AutotaskClient(Transport(make_settings(zone_url, timeouts=Timeouts()), credential, around))
        try:
            yield Contracts(made)
        finally:
            await made.close()


def unit_row(number: int, **more: Any) -> dict[str, Any]:
    row = {
        "id": number,
        "contractServiceID": number,
        "contractID": 1,
        "units": 1,
        "price": 0.1,
        "startDate": "2026-03-01T00:00:00Z",
        "endDate": "2026-03-31T00:00:00Z",
        "approveAndPostDate": None,
    }
    return row | more


async def test_a_page_of_500_rows_is_a_call(credential: Credential, around: Around) -> None:
    rows = Rows([unit_row(number) for number in range(1, 1_201)])
    async with of_a_server(rows, credential, around) as contracts:
        units = await contracts.units_on(SERVICE, TODAY)
        assert len(units) == 1_200
        assert len(rows.sent) == 3


async def test_rows_of_one_line_are_summed_exactly(credential: Credential, around: Around) -> None:
    rows = Rows([unit_row(number, contractServiceID=9) for number in range(1, 11)])
    async with of_a_server(rows, credential, around) as contracts:
        units = await contracts.units_on(SERVICE, TODAY)
        assert (units[9].units, units[9].price) == (10, Decimal("1.0"))


@pytest.mark.parametrize("price", [3 * 0.07, 0.1 + 0.2, 11 * 23.1, 1 - 0.9 - 0.1])
async def test_an_amount_with_all_digits_of_a_double_is_one(
    credential: Credential, around: Around, price: float
) -> None:
    async with of_a_server(Rows([unit_row(1, price=price)]), credential, around) as contracts:
        units = await contracts.units_on(SERVICE, TODAY)
        assert units[1].price == Decimal(repr(price))


@pytest.mark.parametrize(
    "odd",
    [
        {"units": None},
        {"units": 1.5},
        {"units": "7"},
        {"units": True},
        {"price": "12.00"},
        {"price": 1e99},
        {"price": 1e-99},
        {"contractServiceID": None},
        {"startDate": "2026-02-28T22:00:00Z"},
        {"endDate": "2026-03-31T00:00:00+02:00"},
        {"approveAndPostDate": None, "units": []},
    ],
    ids=str,
)
async def test_what_cannot_be_read_is_never_a_zero(
    credential: Credential, around: Around, odd: dict[str, Any]
) -> None:
    async with of_a_server(Rows([unit_row(1), unit_row(2, **odd)]), credential, around) as contracts:
        with pytest.raises(Unavailable):
            await contracts.units_on(SERVICE, TODAY)


async def test_a_row_of_another_date_makes_the_answer_useless(credential: Credential, around: Around) -> None:
    stray = unit_row(2, startDate="2026-04-01T00:00:00Z", endDate="2026-04-30T00:00:00Z")
    async with of_a_server(Rows([unit_row(1), stray]), credential, around) as contracts:
        with pytest.raises(Unavailable):
            await contracts.units_on(SERVICE, TODAY)


async def test_the_adjustment_as_it_is_sent(credential: Credential, around: Around) -> None:
    rows = Rows([])
    async with of_a_server(rows, credential, around) as contracts:
        await contracts.adjust(SERVICE, EDR, -3, effective_on=date(2026, 3, 1))
        assert json.loads(rows.sent[0]) == {
            "id": 0,
            "contractServiceID": EDR,
            "effectiveDate": "2026-03-01T00:00:00.000Z",
            "unitChange": -3,
        }


async def test_numbers_go_back_as_they_came(credential: Credential, around: Around) -> None:
    """PUT sends whole records: an amount must neither become text nor lose its digits."""
    rows = Rows([])
    async with of_a_server(rows, credential, around) as contracts:
        await contracts._client.create("X", "X", {"price": Decimal("0.1")})
        assert rows.sent == ['{"price":0.1}']

"""Recurring contracts: their lines, the units of a line on a date, and the adjustments that change them.

Source: API reference 5.8 to 5.12. A count is a level, and an adjustment a difference that is neither read nor
repeated: read the units, post the difference once, read the units again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from alertd.autotask.amounts import amount, count, day, last_second, midnight, record_id
from alertd.autotask.client import AutotaskClient
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import MOST_ROWS, Condition, Query, Row, Where

RECURRING = 7  # Contracts.contractType, the same in every tenant
ACTIVE = 1  # Contracts.status; 0 is inactive, and stops no billing
_CONTRACT_FIELDS = (
    *("contractName", "contractNumber", "companyID", "contractType", "status"),
    *("startDate", "endDate", "contractPeriodType"),
)


class LineKind(Enum):
    """What a line of a contract sells. A service inside a bundle has no line of its own."""

    SERVICE = "service"
    BUNDLE = "bundle"


class _Names(msgspec.Struct, frozen=True, kw_only=True):
    lines: str
    units: str
    adjustments: str
    line_id: str  # of units and adjustments
    sold_id: str


_NAMES: Mapping[LineKind, _Names] = {
    LineKind.SERVICE: _Names(
        lines="ContractServices",
        units="ContractServiceUnits",
        adjustments="ContractServiceAdjustments",
        line_id="contractServiceID",
        sold_id="serviceID",
    ),
    LineKind.BUNDLE: _Names(
        lines="ContractServiceBundles",
        units="ContractServiceBundleUnits",
        adjustments="ContractServiceBundleAdjustments",
        line_id="contractServiceBundleID",
        sold_id="serviceBundleID",
    ),
}


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """A contract. Both dates belong to it."""

    id: int
    name: str
    number: str
    company_id: int
    contract_type: int
    is_active: bool
    start_on: date
    end_on: date
    period_type: int | None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A service or bundle on a contract. It holds no count: its units do, day by day."""

    kind: LineKind
    id: int
    contract_id: int
    sold_id: int  # of the service or bundle in the catalogue
    unit_price: Decimal | None
    unit_cost: Decimal | None  # None too where the user may not see costs, and for bundles


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """What a line holds on one date. There may be several rows; these are their sums."""

    line_id: int
    units: int
    price: Decimal | None  # extended: units times rate, for as much of the period as the rows cover
    is_posted: bool  # some of it is billed, and locked
    start_on: date
    end_on: date


class Contracts:
    """Contracts of one tenant. Without full contract visibility everything looks empty, and is no proof.

    Every method raises `PortError`s, which say what to do next.
    """

    def __init__(self, client: AutotaskClient) -> None:
        self._client = client

    async def recurring(self, company_ids: Sequence[int] | None = None) -> tuple[Contract, ...]:
        """Return the active recurring contracts of these companies (None: of all), whatever their dates."""
        wanted = (Where("eq", "contractType", RECURRING), Where("eq", "status", ACTIVE))
        rows = await self._rows("Contracts", wanted, _CONTRACT_FIELDS, ("companyID", company_ids))
        return tuple(_contract(row) for row in rows)

    async def contract(self, contract_id: int) -> Contract | None:
        """Return one contract as it is now. None: gone, or not ours to see."""
        row = await self._client.item("Contracts", contract_id, precedence=Precedence.BILLING)
        return None if row is None else _contract(row)

    async def lines(self, kind: LineKind, contract_ids: Sequence[int] | None = None) -> tuple[Line, ...]:
        """Return the lines of these contracts (None: of all), by rising id."""
        names = _NAMES[kind]
        costs = ("unitCost",) if kind is LineKind.SERVICE else ()
        fields = ("contractID", names.sold_id, "unitPrice", *costs)
        rows = await self._rows(names.lines, (Where("gte", "id", 0),), fields, ("contractID", contract_ids))
        return tuple(_line(kind, row) for row in rows)

    async def units_on(
        self, kind: LineKind, on: date, contract_ids: Sequence[int] | None = None
    ) -> Mapping[int, Units]:
        """Return the units on a date by line. A line that is absent is not active then, which is not 0."""
        return await self._units(kind, on, ("contractID", contract_ids))

    async def units_of_lines(self, kind: LineKind, on: date, line_ids: Sequence[int]) -> Mapping[int, Units]:
        """Return the units of these lines on a date; as `units_on`."""
        return await self._units(kind, on, (_NAMES[kind].line_id, line_ids))

    async def adjust(self, kind: LineKind, line_id: int, unit_change: int, *, effective_on: date) -> None:
        """Add `unit_change` (negative: take away) to a line, from `effective_on` to the contract's end.

        Sent once. The line is named by its own id, never by contract and service: that would make a line
        where there is none.

        Raises:
            OutcomeUnknown: It may have been applied: read the units again before anything else.
            Rejected: Autotask refuses it, and nothing was applied.
            Unavailable: Nothing was applied; the same may be sent again later.
            ValueError: A change of nothing.
        """
        if unit_change == 0:
            raise ValueError("an adjustment by 0 units changes nothing")
        names = _NAMES[kind]
        record = {
            "id": 0,
            names.line_id: line_id,
            "effectiveDate": midnight(effective_on),
            "unitChange": unit_change,
        }
        await self._client.create(names.adjustments, names.adjustments, record, precedence=Precedence.BILLING)

    # --- inside

    async def _units(
        self, kind: LineKind, on: date, among: tuple[str, Sequence[int] | None]
    ) -> Mapping[int, Units]:
        names = _NAMES[kind]
        wanted = (Where("lte", "startDate", last_second(on)), Where("gte", "endDate", midnight(on)))
        fields = (names.line_id, "contractID", "units", "price", "startDate", "endDate", "approveAndPostDate")
        totals: dict[int, Units] = {}
        for row in await self._rows(names.units, wanted, fields, among):
            part = _units(row, names.line_id)
            before = totals.get(part.line_id)
            totals[part.line_id] = part if before is None else _sum(before, part)
        return totals

    async def _rows(
        self,
        entity: str,
        wanted: tuple[Condition, ...],
        fields: tuple[str, ...],
        among: tuple[str, Sequence[int] | None],
    ) -> list[Row]:
        """Return all rows, page by page behind the last id; whole, or not at all."""
        rows: dict[int, Row] = {}
        for conditions in _among(wanted, *among):
            query = Query(entity=entity, conditions=conditions, fields=fields, precedence=Precedence.BILLING)
            rows.update({row["id"]: row for row in await self._client.exact(query)})
        return list(rows.values())


def _among(
    wanted: tuple[Condition, ...], field: str, ids: Sequence[int] | None
) -> Iterator[tuple[Condition, ...]]:
    if ids is None:
        yield wanted
        return
    distinct = sorted(set(ids))
    for start in range(0, len(distinct), MOST_ROWS):
        yield (*wanted, Where("in", field, tuple(distinct[start : start + MOST_ROWS])))


def _contract(row: Row) -> Contract:
    what = f"contract {row['id']}"
    period_type = row.get("contractPeriodType")
    return Contract(
        id=row["id"],
        name=_text(row, "contractName"),
        number=_text(row, "contractNumber"),
        company_id=record_id(row.get("companyID"), f"the company of {what}"),
        contract_type=record_id(row.get("contractType"), f"the type of {what}"),
        is_active=record_id(row.get("status"), f"the status of {what}") == ACTIVE,
        start_on=day(row.get("startDate"), f"the start of {what}"),
        end_on=day(row.get("endDate"), f"the end of {what}"),
        period_type=None if period_type is None else record_id(period_type, f"the period of {what}"),
    )


def _line(kind: LineKind, row: Row) -> Line:
    what = f"line {row['id']}"
    return Line(
        kind=kind,
        id=row["id"],
        contract_id=record_id(row.get("contractID"), f"the contract of {what}"),
        sold_id=record_id(row.get(_NAMES[kind].sold_id), f"the {kind.value} of {what}"),
        unit_price=amount(row.get("unitPrice"), f"the price of {what}"),
        unit_cost=amount(row.get("unitCost"), f"the cost of {what}"),
    )


def _units(row: Row, line_id: str) -> Units:
    what = f"row {row['id']} of units"
    return Units(
        line_id=record_id(row.get(line_id), f"the line of {what}"),
        units=count(row.get("units"), f"the count of {what}"),
        price=amount(row.get("price"), f"the price of {what}"),
        is_posted=row.get("approveAndPostDate") is not None,
        start_on=day(row.get("startDate"), f"the start of {what}"),
        end_on=day(row.get("endDate"), f"the end of {what}"),
    )


def _sum(one: Units, other: Units) -> Units:
    return Units(
        line_id=one.line_id,
        units=one.units + other.units,
        price=None if one.price is None or other.price is None else one.price + other.price,
        is_posted=one.is_posted or other.is_posted,
        start_on=max(one.start_on, other.start_on),
        end_on=min(one.end_on, other.end_on),
    )


def _text(row: Row, name: str) -> str:
    value: Any = row.get(name)
    return value if isinstance(value, str) else ""

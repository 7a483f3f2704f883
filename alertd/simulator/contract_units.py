"""The contract engine: units of services and bundles, kept as one row per period and level.

Services and bundles are the same thing under other names, told apart by a `Family`. Rows of units carry two
keys that no call shows: `unitPrice` and `unitCost`, the rates their extended price and cost are made of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from alertd.simulator.contract_days import (
    DAY,
    MONTHS,
    Level,
    Period,
    Stretch,
    changed_from,
    cut,
    day_to_wire,
    level_on,
    periods,
    stretches,
    to_day,
)
from alertd.simulator.switches import Switches
from alertd.simulator.tables import Stamp
from alertd.simulator.tenant import Tenant
from alertd.simulator.wire import JSON

RECURRING = 7


@dataclass(frozen=True, kw_only=True)
class Family:
    """The tables and fields of services, or those of bundles."""

    lines: str
    units: str
    adjustments: str
    catalogue: str
    line_id: str
    catalogue_id: str
    repeat: str


SERVICES = Family(
    lines="ContractServices",
    units="ContractServiceUnits",
    adjustments="ContractServiceAdjustments",
    catalogue="Services",
    line_id="contractServiceID",
    catalogue_id="serviceID",
    repeat="allowRepeatService",
)
BUNDLES = Family(
    lines="ContractServiceBundles",
    units="ContractServiceBundleUnits",
    adjustments="ContractServiceBundleAdjustments",
    catalogue="ServiceBundles",
    line_id="contractServiceBundleID",
    catalogue_id="serviceBundleID",
    repeat="allowRepeatServiceBundle",
)
FAMILIES = (SERVICES, BUNDLES)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One service or bundle line of a contract, where its rows are."""

    tenant: Tenant
    switches: Switches
    family: Family
    row: JSON

    @property
    def contract(self) -> JSON:
        """The contract's row."""
        return self.tenant.table("Contracts").rows[self.row["contractID"]]

    @property
    def product(self) -> JSON:
        """The row of the service or bundle in the catalogue."""
        return self.tenant.table(self.family.catalogue).rows[self.row[self.family.catalogue_id]]

    def rows(self) -> list[JSON]:
        """Return its rows of units in order of time."""
        found = self.tenant.table(self.family.units).find(self.family.line_id, self.row["id"])
        return sorted(found, key=lambda row: str(row["startDate"]))

    def levels(self) -> list[Level]:
        """Return what holds from when on."""
        return [_level(row) for row in self.rows()]

    def units_on(self, day: date) -> int | None:
        """Return the units of a day, or None if the line is not active on it."""
        wire = day_to_wire(day)
        return next((row["units"] for row in self.rows() if row["startDate"] <= wire <= row["endDate"]), None)

    def periods(self) -> list[Period]:
        """Return the billing periods of its contract, as long as its service or bundle has them."""
        months = MONTHS.get(self.product["periodType"], 0)
        return list(periods(to_day(self.contract["startDate"]), to_day(self.contract["endDate"]), months))

    def days_of_period(self, day: date) -> int:
        """Return how many days the whole period around a day has."""
        return next(each.days for each in self.periods() if each.start <= day <= each.end)

    def posted_until(self) -> date | None:
        """Return the last day that is approved and posted."""
        return max((to_day(row["endDate"]) for row in self.rows() if row["approveAndPostDate"]), default=None)


def lines_of(tenant: Tenant, switches: Switches, contract_id: int) -> list[Line]:
    """Return all lines of a contract, services first."""
    return [
        Line(tenant=tenant, switches=switches, family=family, row=row)
        for family in FAMILIES
        for row in tenant.table(family.lines).find("contractID", contract_id)
    ]


def add_line(line: Line, start: date, units: int, stamp: Stamp) -> Line:
    """File a new line and lay out its units from a day on."""
    row = line.row | supplied(line.tenant, line.family, line.row)
    row_id = line.tenant.table(line.family.lines).insert(row, stamp)
    filed = replace(line, row=line.tenant.table(line.family.lines).rows[row_id])
    begin(filed, start, units, stamp)
    return filed


def begin(line: Line, start: date, units: int, stamp: Stamp) -> None:
    """Lay out a line that has no rows yet, at its own rates."""
    price, cost = rates_of(line)
    lay_out(line, [Level(start, units, price, cost)], stamp)


def reprice(line: Line, stamp: Stamp) -> None:
    """Give a line's own rates to all its days that are not posted."""
    posted = line.posted_until()
    start = to_day(line.contract["startDate"]) if posted is None else posted + DAY
    price, cost = rates_of(line)
    change_units(line, start, 0, stamp, price=price, cost=cost)


def supplied(tenant: Tenant, family: Family, row: JSON) -> JSON:
    """Return what the server sets in a line's row: what the catalogue supplies where nothing was given."""
    product = tenant.table(family.catalogue).rows[row[family.catalogue_id]]
    names = [name for name in ("unitPrice", "unitCost", "invoiceDescription") if name in row]
    found = {name: product[name] if row[name] is None else row[name] for name in names}
    return found | internal_prices(row | found)


def internal_prices(row: JSON) -> JSON:
    """Return the prices in the MSP's own currency, which is the only one here."""
    return {
        "internalCurrencyUnitPrice": row["unitPrice"],
        "internalCurrencyAdjustedPrice": rate_of(row),
    }


def rate_of(row: JSON) -> float | None:
    """Return what one unit of a line costs the customer."""
    adjusted: float | None = row.get("adjustedPrice")
    price: float | None = row["unitPrice"]
    return price if adjusted is None else adjusted


def rates_of(line: Line) -> tuple[Decimal, Decimal]:
    """Return price and cost of one unit; a line without a cost of its own has the catalogue's."""
    cost = line.row["unitCost"] if "unitCost" in line.row else line.product["unitCost"]
    return money(rate_of(line.row)), money(cost)


def money(value: float | None) -> Decimal:
    """Return an amount from a row as a decimal."""
    return Decimal(str(value or 0))


def lay_out(line: Line, levels: list[Level], stamp: Stamp) -> None:
    """Make the rows of a line what the levels say, from the contract's start to its end.

    A row keeps its id as long as its first day stays; a row cut off a posted one is posted too.
    """
    table, old = line.tenant.table(line.family.units), {row["startDate"]: row for row in line.rows()}
    wanted = {day_to_wire(stretch.start): stretch for stretch in _stretches(line, levels)}
    for start in old.keys() - wanted.keys():
        table.delete(old[start]["id"], stamp)
    for start, stretch in wanted.items():
        values = _values(line, stretch)
        if start in old:
            table.update(old[start]["id"], values, stamp)
        else:
            table.insert(_new_row(line, stretch, list(old.values())) | values, stamp)


def change_units(
    line: Line,
    day: date,
    change: int,
    stamp: Stamp,
    *,
    price: Decimal | None = None,
    cost: Decimal | None = None,
) -> None:
    """Change the units of a line, and perhaps its rates, from a day to the end of the contract."""
    lay_out(line, changed_from(line.levels(), day, change, price=price, cost=cost), stamp)


def fit_to_contract(line: Line, old_start: date, stamp: Stamp) -> None:
    """Lay a line out again after its contract has got other dates.

    What began with the contract begins with it again, and what holds at the end goes on to the new end. A
    posted row that the old end has cut stays cut.
    """
    levels, start = line.levels(), to_day(line.contract["startDate"])
    posted = line.posted_until()
    levels = levels if posted is None else cut(levels, posted + DAY)
    if not levels:
        return
    began_with_it = levels[0].start == old_start
    levels = [level for level in levels if level.start > start or level is level_on(levels, start)]
    if began_with_it or levels[0].start < start:
        levels = [replace(levels[0], start=start), *levels[1:]]
    lay_out(line, levels, stamp)


def unit_levels(line: Line) -> list[JSON]:
    """Return stretches of days with equal units, for the ground truth."""
    found: list[JSON] = []
    for row in line.rows():
        start, end = to_day(row["startDate"]), to_day(row["endDate"])
        last = found[-1] if found else None
        if last and last["units"] == row["units"] and date.fromisoformat(last["to"]) + DAY == start:
            last["to"] = end.isoformat()
        else:
            found.append({"from": start.isoformat(), "to": end.isoformat(), "units": row["units"]})
    return found


def _stretches(line: Line, levels: list[Level]) -> list[Stretch]:
    found = list(stretches(line.periods(), levels))
    if line.switches.split_rows_prorated:
        return found
    return [replace(stretch, share=Decimal(1)) for stretch in found]


def _level(row: JSON) -> Level:
    return Level(to_day(row["startDate"]), row["units"], money(row["unitPrice"]), money(row["unitCost"]))


def _values(line: Line, stretch: Stretch) -> JSON:
    level, price = stretch.level, stretch.extended(stretch.level.price)
    values: JSON = {"endDate": day_to_wire(stretch.end), "units": level.units}
    values |= {"price": price, "internalCurrencyPrice": price, "cost": stretch.extended(level.cost)}
    return values | {"unitPrice": float(level.price), "unitCost": float(level.cost)}


def _new_row(line: Line, stretch: Stretch, old: list[JSON]) -> JSON:
    start = day_to_wire(stretch.start)
    posted = (row["approveAndPostDate"] for row in old if row["startDate"] <= start <= row["endDate"])
    row = line.tenant.new_row(line.family.units)
    for name in ("contractID", line.family.catalogue_id):
        row[name] = line.row[name]
    row |= {line.family.line_id: line.row["id"], "startDate": start, "approveAndPostDate": next(posted, None)}
    row["organizationalLevelAssociationID"] = line.contract["organizationalLevelAssociationID"]
    if "vendorCompanyID" in row:
        row["vendorCompanyID"] = line.product["vendorCompanyID"]
    return row

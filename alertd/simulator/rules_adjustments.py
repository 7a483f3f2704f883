"""Adjustments of units: a delta from a day to the end of the contract, never to be read again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from alertd.simulator.contract_days import DAY, Level, level_on, to_day
from alertd.simulator.contract_posting import bill_difference
from alertd.simulator.contract_units import Family, Line, add_line, change_units, internal_prices
from alertd.simulator.instants import to_wire
from alertd.simulator.rules_base import Rules
from alertd.simulator.rules_contracts import note_units, require_recurring
from alertd.simulator.schema_contracts import CONTRACTS
from alertd.simulator.validation import NO_REFERENCE, Writer
from alertd.simulator.wire import JSON, refused

ACTIVE = 1


@dataclass(frozen=True, kw_only=True)
class _Adjustment:
    """One adjustment and the line it is for; a line without an id has yet to be made."""

    writer: Writer
    family: Family
    values: JSON
    line: Line

    @property
    def is_new(self) -> bool:
        """Whether the line has yet to be made."""
        return self.line.row["id"] is None

    @property
    def day(self) -> date:
        """The effective date."""
        return to_day(self.values["effectiveDate"])

    @property
    def change(self) -> int:
        """The delta."""
        return int(self.values["unitChange"] or 0)

    def first_open_day(self) -> date:
        """Return the first day whose units change: posted days keep theirs, unless the tenant splits them."""
        posted = None if self.is_new else self.line.posted_until()
        if posted is None or self.writer.switches.posted_periods == "bill_and_split":
            return self.day
        return max(self.day, posted + DAY)

    def rate(self, name: str) -> Decimal | None:
        """Return an adjusted price or cost, or None if it stays."""
        value = self.values.get(name)
        return None if value is None else Decimal(str(value))


class AdjustmentRules(Rules):
    """Section 5.11, and 5.12 for bundles."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse what cannot be applied as a whole."""
        adjustment = _Adjustment(
            writer=writer, family=self._family, values=new, line=_find_line(writer, self._family, new)
        )
        _check_contract(adjustment)
        _check_change(adjustment)
        if not adjustment.is_new:
            _check_posted(adjustment)
        _check_units(adjustment)

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return what only the ground truth shows: when and by whom, and the units of that day before."""
        line = _find_line(writer, self._family, new)
        units = None if line.row["id"] is None else line.units_on(to_day(new["effectiveDate"]))
        stamp = {"at": to_wire(writer.stamp.now), "byResourceID": writer.resource_id}
        return stamp | {"unitsBefore": units, "unitsAfter": None, "contractID": line.row["contractID"]}

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Change the units, or make the line, and bill what is posted already."""
        line = _find_line(writer, self._family, new)
        adjustment = _Adjustment(writer=writer, family=self._family, values=new, line=line)
        line = _make_line(adjustment) if adjustment.is_new else _change_line(adjustment)
        told = {self._family.line_id: line.row["id"], self._family.catalogue_id: line.product["id"]}
        told["unitsAfter"] = line.units_on(adjustment.day)
        writer.tenant.table(self._family.adjustments).update(new["id"], told, writer.stamp)
        if writer.switches.adjustments_leave_notes:
            note_units(writer, line, adjustment.day)


def _find_line(writer: Writer, family: Family, new: JSON) -> Line:
    """Return the line an adjustment names; without an id if the service is to be put on the contract."""
    table = writer.tenant.table(family.lines)
    row = table.get(new[family.line_id])
    if row is None:
        row = _by_product(writer, family, new)
    elif new["contractID"] not in (None, row["contractID"]):
        raise refused(NO_REFERENCE.format(field=family.line_id, entity=table.entity.singular))
    return Line(tenant=writer.tenant, switches=writer.switches, family=family, row=row)


def _by_product(writer: Writer, family: Family, new: JSON) -> JSON:
    if new["contractID"] is None or new[family.catalogue_id] is None:
        raise refused(
            f"{family.line_id} cannot be empty unless both contractID and {family.catalogue_id} are supplied."
        )
    rows = writer.tenant.table(family.lines).find("contractID", new["contractID"])
    there = [row for row in rows if row[family.catalogue_id] == new[family.catalogue_id]]
    if there and not new[family.repeat]:
        return there[0]
    blank = writer.tenant.new_row(family.lines)
    return blank | {name: new[name] for name in ("contractID", family.catalogue_id)}


def _check_contract(adjustment: _Adjustment) -> None:
    writer, contract = adjustment.writer, adjustment.line.contract
    if not writer.rights.sees(writer.tenant, CONTRACTS, contract):
        raise refused(NO_REFERENCE.format(field="contractID", entity="Contract"))
    require_recurring(writer, contract)
    if contract["status"] != ACTIVE and not writer.switches.inactive_contracts_adjustable:
        raise refused(writer.switches.inactive_contract_text)
    if not to_day(contract["startDate"]) <= adjustment.day <= to_day(contract["endDate"]):
        raise refused(writer.switches.adjustment_dates_text)


def _check_change(adjustment: _Adjustment) -> None:
    switches = adjustment.writer.switches
    priced = (
        adjustment.rate("adjustedUnitPrice") is not None or adjustment.rate("adjustedUnitCost") is not None
    )
    if adjustment.change == 0 and not (priced and switches.price_only_adjustments):
        raise refused(switches.zero_change_text)


def _check_posted(adjustment: _Adjustment) -> None:
    posted = adjustment.line.posted_until()
    refuses = adjustment.writer.switches.posted_periods == "refuse"
    if refuses and posted is not None and adjustment.day <= posted:
        raise refused(adjustment.writer.switches.posted_period_text)


def _check_units(adjustment: _Adjustment) -> None:
    """Refuse if any day from the effective date on would have too few units."""
    switches = adjustment.writer.switches
    lowest = min((level.units for level in _affected(adjustment)), default=0) + adjustment.change
    if lowest < 0:
        raise refused(switches.negative_units_text.format(units=lowest))
    if lowest == 0 and adjustment.change and not switches.zero_units_allowed:
        raise refused(switches.negative_units_text.format(units=lowest))


def _affected(adjustment: _Adjustment) -> list[Level]:
    if adjustment.is_new:
        return []
    levels = adjustment.line.levels()
    now = level_on(levels, adjustment.day)
    return [level for level in levels if level is now or level.start > adjustment.day]


def _make_line(adjustment: _Adjustment) -> Line:
    line, price = adjustment.line, adjustment.values["adjustedUnitPrice"]
    line.row["unitPrice"] = price
    if "unitCost" in line.row:
        line.row["unitCost"] = adjustment.values["adjustedUnitCost"]
    return add_line(line, adjustment.day, adjustment.change, adjustment.writer.stamp)


def _change_line(adjustment: _Adjustment) -> Line:
    line, stamp, switches = adjustment.line, adjustment.writer.stamp, adjustment.writer.switches
    if switches.posted_periods != "refuse" and adjustment.change:
        bill_difference(line, adjustment.values, stamp)
    change_units(
        line,
        adjustment.first_open_day(),
        adjustment.change,
        stamp,
        price=adjustment.rate("adjustedUnitPrice"),
        cost=adjustment.rate("adjustedUnitCost"),
    )
    _note_rates(adjustment)
    return line


def _note_rates(adjustment: _Adjustment) -> None:
    """Show the newest rates on the line itself."""
    row, values = adjustment.line.row, adjustment.values
    price = "adjustedPrice" if "adjustedPrice" in row else "unitPrice"
    given = {price: values["adjustedUnitPrice"], "unitCost": values.get("adjustedUnitCost")}
    told = {name: value for name, value in given.items() if value is not None and name in row}
    if told:
        told |= internal_prices(row | told)
        adjustment.line.tenant.table(adjustment.family.lines).update(row["id"], told, adjustment.writer.stamp)

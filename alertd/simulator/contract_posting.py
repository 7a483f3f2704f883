"""Approve and post: the accounting step that turns units into billing items and locks them."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from alertd.simulator.contract_days import CENT, day_to_wire, to_day
from alertd.simulator.contract_units import Line
from alertd.simulator.instants import to_wire
from alertd.simulator.tables import Stamp
from alertd.simulator.wire import JSON

RECURRING_ITEM = 6


def post(line: Line, through: date, stamp: Stamp) -> int:
    """Post the rows of a line that begin no later than `through`, and return how many there were.

    The status of the contract does not matter: an inactive contract is billed on.
    """
    bound, table = day_to_wire(through), line.tenant.table(line.family.units)
    open_rows = [row for row in line.rows() if not row["approveAndPostDate"] and row["startDate"] <= bound]
    for row in open_rows:
        table.update(row["id"], {"approveAndPostDate": _posted_at(row, stamp)}, stamp)
        amounts = {"quantity": row["units"], "rate": row["unitPrice"], "extendedPrice": row["price"]}
        bill(line, row, amounts | {"ourCost": row["cost"], "totalAmount": row["price"]}, stamp)
    return len(open_rows)


def unpost(line: Line, since: date, stamp: Stamp) -> int:
    """Open the posted rows again that begin on or after `since`, and return how many there were."""
    bound, table = day_to_wire(since), line.tenant.table(line.family.units)
    posted = [row for row in line.rows() if row["approveAndPostDate"] and row["startDate"] >= bound]
    for row in posted:
        table.update(row["id"], {"approveAndPostDate": None}, stamp)
        _withdraw(line, row, stamp)
    return len(posted)


def bill_difference(line: Line, adjustment: JSON, stamp: Stamp) -> None:
    """Bill what an adjustment changes on days that are posted, prorated by days, one item per posted row."""
    day, change = to_day(adjustment["effectiveDate"]), int(adjustment["unitChange"] or 0)
    for row in line.rows():
        start, end = max(day, to_day(row["startDate"])), to_day(row["endDate"])
        if not row["approveAndPostDate"] or end < day:
            continue
        # A row may be a part of a period already; its rates are those of a whole one.
        share = Decimal((end - start).days + 1) / Decimal(line.days_of_period(start))
        price = _prorated(change, row["unitPrice"], share)
        values: JSON = {"quantity": change, "rate": row["unitPrice"], "extendedPrice": price}
        values |= {"totalAmount": price, "ourCost": _prorated(change, row["unitCost"], share)}
        bill(line, row, values | {"contractServiceAdjustmentID": adjustment["id"]}, stamp)


def bill(line: Line, row: JSON, amounts: JSON, stamp: Stamp) -> None:
    """Make a billing item for a row of units."""
    table = line.tenant.table("BillingItems")
    name = line.product["name"]
    values: JSON = {
        "billingItemType": RECURRING_ITEM,
        "companyID": line.contract["companyID"],
        "contractID": line.contract["id"],
        line.family.catalogue_id: line.product["id"],
        line.family.line_id: line.row["id"],
        _period_field(line): row["id"],
        "description": line.row["invoiceDescription"] or name,
        "itemName": name,
        "itemDate": row["startDate"],
        "postedDate": _posted_at(row, stamp),
        "postedOnTime": _posted_at(row, stamp),
        "nonBillable": 0,
        "organizationalLevelAssociationID": row["organizationalLevelAssociationID"],
    }
    table.insert(line.tenant.new_row("BillingItems") | values | amounts, stamp)


def _posted_at(row: JSON, stamp: Stamp) -> str:
    """Return now; what nobody has posted, but a scenario says was posted, was so when its period began."""
    now = to_wire(stamp.now)
    return now if stamp.resource_id is not None else min(now, str(row["startDate"]))


def _period_field(line: Line) -> str:
    return line.family.line_id.removesuffix("ID") + "PeriodID"


def _prorated(change: int, rate: float, share: Decimal) -> float:
    return float((change * Decimal(str(rate)) * share).quantize(CENT, ROUND_HALF_UP))


def _withdraw(line: Line, row: JSON, stamp: Stamp) -> None:
    table = line.tenant.table("BillingItems")
    for item in table.find("contractID", row["contractID"]):
        if item[_period_field(line)] == row["id"]:
            table.delete(item["id"], stamp)

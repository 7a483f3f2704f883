"""Rules of contracts, of services and bundles on them and in the catalogue, of blocks, charges and notes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from alertd.simulator.contract_days import MONTHS, add_months, to_day
from alertd.simulator.contract_units import (
    BUNDLES,
    RECURRING,
    SERVICES,
    Family,
    Line,
    begin,
    fit_to_contract,
    lines_of,
    rate_of,
    reprice,
    supplied,
)
from alertd.simulator.instants import to_wire
from alertd.simulator.rules_base import Rules
from alertd.simulator.validation import Writer
from alertd.simulator.wire import JSON, refused

_LONGEST_YEARS = 50


def require_recurring(writer: Writer, contract: JSON) -> None:
    """Refuse a contract that holds no services.

    Raises:
        ApiError: Its type is not Recurring Service.
    """
    if contract["contractType"] != RECURRING:
        raise refused(writer.switches.not_recurring_text)


def impossible_dates(contract: JSON) -> str:
    """Return what is wrong with a contract's dates, or an empty text."""
    start, end = to_day(contract["startDate"]), to_day(contract["endDate"])
    if end < start:
        return "endDate must be greater than or equal to startDate."
    if start.year > 9000 or end >= add_months(start, 12 * _LONGEST_YEARS):
        return f"A Contract cannot be longer than {_LONGEST_YEARS} years."
    return ""


class ContractRules(Rules):
    """Section 5.8: dates that agree with each other and with what is posted already."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse impossible dates, dates that cut posted periods, and another company's contact."""
        if fault := impossible_dates(new):
            raise refused(fault)
        contact = writer.tenant.row("Contact", new["contactID"])
        if contact and contact["companyID"] != new["companyID"]:
            raise refused("contactID is not associated to the companyID or its Parent Company")
        if old is not None:
            _check_posted(writer, old, new)

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return the change instant and the amounts in the MSP's own currency."""
        return {
            "lastModifiedDateTime": to_wire(writer.stamp.now),
            "internalCurrencyOverageBillingRate": new["overageBillingRate"],
            "internalCurrencySetupFee": new["setupFee"],
        }

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Lay the units out again when the dates have changed."""
        if old is None or _dates(old) == _dates(new):
            return
        for line in lines_of(writer.tenant, writer.switches, new["id"]):
            fit_to_contract(line, to_day(old["startDate"]), writer.stamp)


def _dates(contract: JSON) -> tuple[str, str]:
    return contract["startDate"], contract["endDate"]


def _check_posted(writer: Writer, old: JSON, new: JSON) -> None:
    if _dates(old) == _dates(new):
        return
    lines = lines_of(writer.tenant, writer.switches, old["id"])
    posted = [day for line in lines if (day := line.posted_until())]
    moved = old["startDate"] != new["startDate"]
    if posted and (moved or max(posted) > to_day(new["endDate"])):
        raise refused(writer.switches.posted_period_text)


class LineRules(Rules):
    """Sections 5.9 and 5.12: a service or a bundle on a contract."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a contract of another type, and the same service or bundle again."""
        if old is not None:
            return
        require_recurring(writer, writer.tenant.table("Contracts").rows[new["contractID"]])
        there = writer.tenant.table(self._family.lines).find("contractID", new["contractID"])
        if any(row[self._family.catalogue_id] == new[self._family.catalogue_id] for row in there):
            raise refused(writer.switches.repeated_service_text)

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return what the catalogue supplies, and a price the tenant does not let be changed as it was."""
        if old is None or writer.switches.service_price_patch != "ignored":
            return supplied(writer.tenant, self._family, new)
        kept = {name: old[name] for name in ("unitPrice", "unitCost", "adjustedPrice") if name in old}
        return supplied(writer.tenant, self._family, new | kept) | kept

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Lay out the units of a new line, or reprice those not posted yet."""
        row = writer.tenant.table(self._family.lines).rows[new["id"]]
        line = Line(tenant=writer.tenant, switches=writer.switches, family=self._family, row=row)
        if old is None:
            start = to_day(line.contract["startDate"])
            begin(line, start, writer.switches.units_of_new_line, writer.stamp)
        elif (rate_of(old), old.get("unitCost")) != (rate_of(row), row.get("unitCost")):
            reprice(line, writer.stamp)


class ServiceRules(Rules):
    """Section 5.14: the catalogue."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a period the catalogue does not know."""
        if new["periodType"] not in MONTHS and old is None:
            raise refused(
                writer.switches.invalid_picklist_text.format(field="periodType", value=new["periodType"])
            )

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return who made and changed it and when, and the markup."""
        if "markupRate" not in new:
            return {}
        now = to_wire(writer.stamp.now)
        found: JSON = {"lastModifiedDate": now, "updateResourceID": writer.resource_id}
        price, cost = new["unitPrice"], new["unitCost"]
        found["markupRate"] = round((price - cost) / cost * 100, 2) if price and cost else None
        return found if old else found | {"createDate": now}

    def check_delete(self, writer: Writer, row_id: int) -> None:
        """Refuse to delete a bundle that is on a contract."""
        if writer.tenant.table("ContractServiceBundles").find("serviceBundleID", row_id):
            raise refused("The ServiceBundle is associated with a Contract and cannot be deleted.")


class BlockRules(Rules):
    """Section 5.13."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a block that ends before it starts."""
        if new["endDate"] < new["startDate"]:
            raise refused("endDate must be greater than or equal to startDate.")


class ChargeRules(Rules):
    """Section 5.13: a one-off alternative to units, open until it is billed."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a charge for nothing in particular, and one that is billed."""
        if new["billingCodeID"] is None and new["productID"] is None:
            raise refused("billingCodeID and productID cannot both be empty.")
        if old is not None and old["isBilled"]:
            raise refused("A billed ContractCharge cannot be edited.")

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return the extended amounts, creation, and the last change of status."""
        now = to_wire(writer.stamp.now)
        amount = _extended(new, "unitPrice")
        found: JSON = {"billableAmount": amount, "internalCurrencyBillableAmount": amount}
        found |= {"extendedCost": _extended(new, "unitCost"), "internalCurrencyUnitPrice": new["unitPrice"]}
        if old is None:
            found["createDate"] = now
        if new["status"] is not None and (old is None or old["status"] != new["status"]):
            found |= {"statusLastModifiedBy": writer.resource_id, "statusLastModifiedDate": now}
        return found

    def check_delete(self, writer: Writer, row_id: int) -> None:
        """Refuse to delete a billed charge."""
        if (writer.tenant.row("ContractCharge", row_id) or {}).get("isBilled"):
            raise refused("A billed ContractCharge cannot be deleted.")


def _extended(charge: JSON, name: str) -> float:
    quantity, rate = (Decimal(str(charge[each] or 0)) for each in ("unitQuantity", name))
    return float(round(quantity * rate, 2))


class ContractNoteRules(Rules):
    """Notes of a contract: people's, and those the web UI leaves behind a change of units."""

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return the change instant."""
        found: JSON = {"lastActivityDate": to_wire(writer.stamp.now)}
        return found | {"impersonatorUpdaterResourceID": writer.impersonator_id} if old else found


def note_units(writer: Writer, line: Line, day: date) -> None:
    """Write the note that the web UI leaves on a contract when units change."""
    text = f"{line.product['name']}: {line.units_on(day)} units from {day.isoformat()}"
    note = {"contractID": line.contract["id"], "title": "Units changed", "description": text}
    note |= {"creatorResourceID": writer.resource_id, "lastActivityDate": to_wire(writer.stamp.now)}
    writer.tenant.table("ContractNotes").insert(writer.tenant.new_row("ContractNotes") | note, writer.stamp)


LINE_RULES = {family.lines: LineRules(family) for family in (SERVICES, BUNDLES)}

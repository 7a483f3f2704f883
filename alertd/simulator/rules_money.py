"""Rules of subscriptions: one period after the other, from the first day to the last."""

from __future__ import annotations

from datetime import date

from alertd.simulator.contract_days import MONTHS, add_months, to_day
from alertd.simulator.rules_base import Rules
from alertd.simulator.validation import Writer
from alertd.simulator.wire import JSON, refused

_MOST_PERIODS = 1_200
_SHAPE = ("effectiveDate", "expirationDate", "periodType", "periodPrice", "periodCost", "purchaseOrderNumber")


class SubscriptionRules(Rules):
    """Section 5.15."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse a subscription that ends before it begins."""
        if new["expirationDate"] < new["effectiveDate"]:
            raise refused("The expirationDate must be later than the effectiveDate.")

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return what all periods together come to."""
        count = len(period_dates(new))
        return {name: count * (new[each] or 0.0) for name, each in _TOTALS.items()}

    def after(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Make the periods; those posted already stay as they are."""
        if old is not None and all(old[name] == new[name] for name in _SHAPE):
            return
        table = writer.tenant.table("SubscriptionPeriods")
        posted = set()
        for row in table.find("subscriptionID", new["id"]):
            if row["postedDate"] is None:
                table.delete(row["id"], writer.stamp)
            else:
                posted.add(row["periodDate"])
        for day in (each for each in period_dates(new) if each not in posted):
            row = writer.tenant.new_row("SubscriptionPeriods")
            row |= {name: new[name] for name in ("periodPrice", "periodCost", "purchaseOrderNumber")}
            table.insert(row | {"subscriptionID": new["id"], "periodDate": day}, writer.stamp)

    def after_delete(self, writer: Writer, row: JSON) -> None:
        """Take the periods with it."""
        table = writer.tenant.table("SubscriptionPeriods")
        for each in table.find("subscriptionID", row["id"]):
            table.delete(each["id"], writer.stamp)


_TOTALS = {"totalPrice": "periodPrice", "totalCost": "periodCost"}


def period_dates(subscription: JSON) -> list[str]:
    """Return the first day of each period as the wire has it; a one-time subscription has one."""
    first, last = subscription["effectiveDate"], subscription["expirationDate"]
    months = MONTHS.get(subscription["periodType"])
    if months is None:
        return [first]
    found, start = [first], to_day(first)
    for number in range(1, _MOST_PERIODS):
        if not _is_there(start, months * number):
            break
        following = f"{add_months(start, months * number).isoformat()}{first[10:]}"
        if following > last:
            break
        found.append(following)
    return found


def _is_there(day: date, months: int) -> bool:
    """Whether the calendar reaches that far."""
    return day.year + (day.month - 1 + months) // 12 <= date.max.year

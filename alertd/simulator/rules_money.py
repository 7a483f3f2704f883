"""Rules of subscriptions: one period after the other, from the first day to the last."""

from __future__ import annotations

from datetime import UTC, datetime

from alertd.simulator.instants import to_wire
from alertd.simulator.rules_base import Rules
from alertd.simulator.validation import Writer
from alertd.simulator.wire import JSON, refused

_MONTHS = {2: 1, 3: 3, 4: 6, 5: 12}
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
        for date in (each for each in period_dates(new) if each not in posted):
            row = writer.tenant.new_row("SubscriptionPeriods")
            row |= {name: new[name] for name in ("periodPrice", "periodCost", "purchaseOrderNumber")}
            table.insert(row | {"subscriptionID": new["id"], "periodDate": date}, writer.stamp)

    def after_delete(self, writer: Writer, row: JSON) -> None:
        """Take the periods with it."""
        table = writer.tenant.table("SubscriptionPeriods")
        for each in table.find("subscriptionID", row["id"]):
            table.delete(each["id"], writer.stamp)


_TOTALS = {"totalPrice": "periodPrice", "totalCost": "periodCost"}


def period_dates(subscription: JSON) -> list[str]:
    """Return the first day of each period as the wire has it; a one-time subscription has one."""
    first, last = subscription["effectiveDate"], subscription["expirationDate"]
    months = _MONTHS.get(subscription["periodType"])
    if months is None:
        return [first]
    steps = (_plus_months(first, months * number) for number in range(_MOST_PERIODS))
    found = []
    for date in steps:
        if date is None or date > last:
            break
        found.append(date)
    return found


def _plus_months(first: str, months: int) -> str | None:
    """Return the same day that many months on, or the last day of a month too short for it."""
    start = datetime.fromisoformat(first)
    year, month = divmod(start.month - 1 + months, 12)
    if start.year + year > 9999:
        return None
    day = min(start.day, _days(start.year + year, month + 1))
    return to_wire(start.replace(year=start.year + year, month=month + 1, day=day).timestamp())


def _days(year: int, month: int) -> int:
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) if year < 9999 else None
    return 28 if following is None else (following - datetime(year, month, 1, tzinfo=UTC)).days

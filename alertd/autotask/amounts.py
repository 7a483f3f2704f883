"""Money, counts and dates of Autotask's records, exactly: what cannot be read is an error, never a zero."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from alertd.flows.errors import Unavailable

_MOST_WHOLE = 15  # digits before the point
# After it: a double has up to 17 that count, behind zeros where it is what rounding left of nothing.
_MOST_AFTER = 40


def amount(value: object, what: str) -> Decimal | None:
    """Return an amount of money; None: Autotask holds none, or does not let us see it.

    Raises:
        Unavailable: It is no number, or none that money has.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unavailable(f"{what} is no amount")
    money = Decimal(value)
    exponent = money.as_tuple().exponent
    fits = isinstance(exponent, int) and exponent >= -_MOST_AFTER and money.adjusted() <= _MOST_WHOLE
    if not fits:
        raise Unavailable(f"{what} is no amount of money")
    return money


def count(value: object, what: str) -> int:
    """Return a count of units. Autotask has whole ones only, but may write them with a point.

    Raises:
        Unavailable: It is missing, or no whole number.
    """
    number = amount(value, what)
    if number is None or number != number.to_integral_value():
        raise Unavailable(f"{what} is no whole number")
    return int(number)


def record_id(value: object, what: str) -> int:
    """Return the id of a record.

    Raises:
        Unavailable: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unavailable(f"{what} is no id")
    return value


def day(value: object, what: str) -> date:
    """Return a date-only field's date: Autotask writes midnight, with or without a zone, and means the date.

    Raises:
        Unavailable: It is none. Of another time of day nobody knows whose it is: it may be the next day's
            midnight in another zone.
    """
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.time() != time.min or at.utcoffset():
        raise Unavailable(f"{what} is no date")
    return at.date()


def midnight(on: date) -> str:
    """Return a date as Autotask wants it written: its midnight in UTC, which is never converted."""
    return f"{on.isoformat()}T00:00:00.000Z"


def last_second(on: date) -> str:
    """Return the end of a date, for filters that are to include the whole of it."""
    return f"{on.isoformat()}T23:59:59"

"""Queries, built so that the server cannot misread them, and checked again on every row that comes back.

Autotask drops a condition whose operator it does not know, and answers with the whole table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from alertd.autotask.precedence import Precedence

OPERATORS = frozenset(
    {"eq", "noteq", "gt", "gte", "lt", "lte", "beginsWith", "endsWith", "contains"}
    | {"exist", "notExist", "in", "notIn"}
)
MOST_ROWS = 500  # of a page, of an `in` list, and of alternatives

Row: TypeAlias = Mapping[str, Any]


class Where(msgspec.Struct, frozen=True):
    """One condition. `exist` and `notExist` take no value, `in` and `notIn` a tuple."""

    op: str
    field: str
    value: Any = None
    udf: bool = False

    def __post_init__(self) -> None:
        if self.op not in OPERATORS:
            raise ValueError(
                f"{self.op!r} is no operator of Autotask: it would be dropped, and everything returned"
            )
        if self.op in ("in", "notIn") and not 0 < len(self.value) <= MOST_ROWS:
            raise ValueError(f"a list of {len(self.value)} values; 1 to {MOST_ROWS} are possible")


class AnyOf(msgspec.Struct, frozen=True):
    """At least one of these holds."""

    items: tuple[Condition, ...]


class AllOf(msgspec.Struct, frozen=True):
    """Each of these holds."""

    items: tuple[Condition, ...]


Condition: TypeAlias = Where | AnyOf | AllOf


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of one entity: every condition holds; these fields of each row come back, and `id`."""

    entity: str
    conditions: tuple[Condition, ...]
    fields: tuple[str, ...]
    limit: int = MOST_ROWS  # rows of a page
    precedence: Precedence = Precedence.UPDATE

    def __post_init__(self) -> None:
        if not self.conditions:
            raise ValueError("a query without a condition is refused by Autotask")
        if not 1 <= self.limit <= MOST_ROWS:
            raise ValueError(f"pages have 1 to {MOST_ROWS} rows")
        if sum(where.udf for where in flat(self.conditions)) > 1:
            raise ValueError("one condition on a user-defined field is possible")
        if _alternatives(self.conditions) > MOST_ROWS:
            raise ValueError(f"at most {MOST_ROWS} alternatives are possible")

    def body(self, *, after: int | None = None) -> dict[str, Any]:
        """Return the request's body; with `after`, the page of the rows whose id is greater."""
        conditions = self.conditions if after is None else (*self.conditions, Where("gt", "id", after))
        wanted = ("id", *self.fields, *(where.field for where in flat(self.conditions)))
        return {
            "MaxRecords": self.limit,
            "IncludeFields": list(dict.fromkeys(wanted)),
            "filter": [_json(condition) for condition in conditions],
        }


def flat(conditions: Iterable[Condition]) -> Iterator[Where]:
    """Yield the single conditions inside."""
    for condition in conditions:
        if isinstance(condition, Where):
            yield condition
        else:
            yield from flat(condition.items)


def holds(condition: Condition, row: Row) -> bool:
    """Whether a row that came back is one that was asked for. Text compares without case, as in Autotask."""
    match condition:
        case AnyOf(items=items):
            return any(holds(item, row) for item in items)
        case AllOf(items=items):
            return all(holds(item, row) for item in items)
        case Where():
            return _holds(condition, _value(condition, row))


def _alternatives(conditions: Iterable[Condition]) -> int:
    total = 0
    for condition in conditions:
        if isinstance(condition, AnyOf):
            total += len(condition.items)
        if not isinstance(condition, Where):
            total += _alternatives(condition.items)
    return total


def _json(condition: Condition) -> dict[str, Any]:
    match condition:
        case AnyOf(items=items):
            return {"op": "or", "items": [_json(item) for item in items]}
        case AllOf(items=items):
            return {"op": "and", "items": [_json(item) for item in items]}
        case Where(op=op, field=field, value=value, udf=udf):
            plain: dict[str, Any] = {"op": op, "field": field}
            if op not in ("exist", "notExist"):
                plain["value"] = list(value) if op in ("in", "notIn") else value
            return {**plain, "udf": True} if udf else plain


def _value(where: Where, row: Row) -> Any:
    if not where.udf:
        return row.get(where.field)
    named = row.get("userDefinedFields")
    items = [item for item in named if isinstance(item, dict)] if isinstance(named, list) else []
    return next((item.get("value") for item in items if item.get("name") == where.field), None)


def _comparable(value: Any) -> Any:
    """Return text without case and trailing space, instants as such, numbers as they are."""
    if not isinstance(value, str):
        return value
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value.rstrip().casefold()
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@lru_cache(maxsize=8)
def _comparables(values: tuple[Any, ...]) -> frozenset[Any]:
    """Return what a list is compared by: made once, for as many rows as the list has values."""
    return frozenset(_comparable(value) for value in values)


def _text(value: Any) -> str:
    return str(value).casefold()


_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda has, value: has == value,
    "noteq": lambda has, value: has != value,
    "gt": lambda has, value: has > value,
    "gte": lambda has, value: has >= value,
    "lt": lambda has, value: has < value,
    "lte": lambda has, value: has <= value,
}
_TEXT_HOLDS: dict[str, Callable[[str, str], bool]] = {
    "beginsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
}


def _holds(where: Where, has: Any) -> bool:
    if where.op in ("exist", "notExist"):
        return (has is not None) == (where.op == "exist")
    if where.op in ("in", "notIn"):
        return (_comparable(has) in _comparables(where.value)) == (where.op == "in")
    if has is None:
        return where.op == "noteq"
    if where.op in _TEXT_HOLDS:
        return _TEXT_HOLDS[where.op](_text(has), _text(where.value))
    try:
        return _HOLDS[where.op](_comparable(has), _comparable(where.value))
    except TypeError:  # text where a number was asked for
        return False

"""Filters: from the JSON of a query to a test of rows, with every trap of the real parser."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from alertd.simulator.entities import Entity, Field
from alertd.simulator.switches import Switches
from alertd.simulator.tables import Table
from alertd.simulator.tenant import Tenant
from alertd.simulator.values import for_filter
from alertd.simulator.wire import JSON, refused

Test = Callable[[JSON], bool]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_TEXT: dict[str, Callable[[str, str], bool]] = {
    "beginsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
}
_OPERATORS = {*_COMPARE, *_TEXT, "noteq", "exist", "notExist", "in", "notIn"}
_LIMIT = 500
_DEEPEST = 100  # groups in groups; how many Autotask takes is not known
_TOO_MANY_OR = "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions."


@dataclass(frozen=True)
class Leaf:
    """One condition on one field."""

    op: str
    name: str
    value: Any
    test: Test


@dataclass(frozen=True)
class Group:
    """Conditions joined by `and` or `or`."""

    op: str
    items: tuple[Leaf | Group, ...]

    def test(self, row: JSON) -> bool:
        """Whether the row satisfies the group; an empty one is satisfied."""
        if self.op == "and":
            return all(item.test(row) for item in self.items)
        return not self.items or any(item.test(row) for item in self.items)


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """Turns filter JSON into a tree for one entity."""

    tenant: Tenant
    entity: Entity
    switches: Switches

    def compile(self, conditions: Any) -> Group:
        """Return the tree.

        Raises:
            ApiError: The filter is missing, breaks a limit, or names what does not exist.
        """
        empty_is_none = self.switches.empty_filter == "refuse"
        if not isinstance(conditions, list) or (empty_is_none and not conditions):
            raise refused("Value cannot be null.\r\nParameter name: filters")
        _check_limits(conditions)
        if self.entity.only_filter:
            _check_only(conditions, self.entity)
        return Group("and", self._items(conditions))

    def _items(self, conditions: list[Any]) -> tuple[Leaf | Group, ...]:
        found = (self._node(_lower_keys(condition)) for condition in conditions)
        return tuple(node for node in found if node is not None)

    def _node(self, condition: JSON) -> Leaf | Group | None:
        op = condition.get("op")
        if op in ("and", "or"):
            items = condition.get("items")
            return Group(op, self._items(items if isinstance(items, list) else []))
        if not isinstance(op, str) or op not in _OPERATORS:
            return None  # the real parser drops the whole condition without a word
        if condition.get("udf") is True:
            return self._udf_leaf(op, condition)
        return self._field_leaf(op, condition)

    def _field_leaf(self, op: str, condition: JSON) -> Leaf:
        name = str(condition.get("field", ""))
        field = self.entity.find(name)
        if field is None:
            raise refused(f"Unable to find {name} in the {self.entity.singular} Entity.")
        if not field.queryable:
            raise refused(f"The field {field.name} in the {self.entity.singular} Entity is not queryable.")
        value = self._value(op, field, condition.get("value"))
        return Leaf(op, field.name, value, self._test(op, field.name, value))

    def _value(self, op: str, field: Field, raw: Any) -> Any:
        if op in ("exist", "notExist"):
            return None
        if op in ("in", "notIn"):
            return [self._converted(field, each) for each in _array(raw)]
        if op in _TEXT:
            return str(raw)
        return self._converted(field, raw)

    def _converted(self, field: Field, raw: Any) -> Any:
        return for_filter(self.entity, field, raw, truth_as_text=self.switches.filter_takes_truth_as_text)

    def _udf_leaf(self, op: str, condition: JSON) -> Leaf:
        name = str(condition.get("field", ""))
        if name not in self.tenant.udfs.get(self.entity.name, {}):
            raise refused(f"Unable to find {name} in the {self.entity.singular} Entity.")
        raw = condition.get("value")
        value = (
            [str(each) for each in _array(raw)]
            if op in ("in", "notIn")
            else None
            if raw is None
            else str(raw)
        )
        test = self._test(op, name, value)

        def test_udf(row: JSON) -> bool:
            return test({name: row["userDefinedFields"].get(name)})

        return Leaf(op, f"udf {name}", value, test_udf)

    def _test(self, op: str, name: str, value: Any) -> Test:
        fold = _fold if self.switches.strings_ignore_case else _same
        if op in ("exist", "notExist"):
            wanted = op == "exist"
            return lambda row: (row[name] is not None) is wanted
        if op in ("in", "notIn"):
            return _membership(op, name, frozenset(fold(each) for each in value), fold)
        if op in _TEXT:
            return _text_test(_TEXT[op], name, fold(value), fold)
        wanted_value = fold(value)
        if op == "noteq":
            return _noteq(name, wanted_value, fold, null_matches=self.switches.noteq_matches_null)
        compare = _COMPARE[op]
        if value is None:
            return lambda row: False
        return lambda row: row[name] is not None and compare(fold(row[name]), wanted_value)


def _membership(op: str, name: str, values: Collection[Any], fold: Callable[[Any], Any]) -> Test:
    if op == "in":
        return lambda row: row[name] is not None and fold(row[name]) in values
    return lambda row: row[name] is not None and fold(row[name]) not in values


def _text_test(
    compare: Callable[[str, str], bool], name: str, value: str, fold: Callable[[Any], Any]
) -> Test:
    return lambda row: row[name] is not None and compare(fold(str(row[name])), value)


def _noteq(name: str, value: Any, fold: Callable[[Any], Any], *, null_matches: bool) -> Test:
    def test(row: JSON) -> bool:
        return null_matches if row[name] is None else value is not None and fold(row[name]) != value

    return test


def _fold(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _same(value: Any) -> Any:
    return value


def _lower_keys(condition: Any) -> JSON:
    if not isinstance(condition, dict):
        raise refused("Error converting value to type 'Filter'.")
    return {str(key).lower(): value for key, value in condition.items()}


def _array(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise refused("The value of an 'in' or 'notIn' condition must be an array.")
    if len(raw) > _LIMIT:
        raise refused(_TOO_MANY_OR)
    return raw


def _check_limits(conditions: list[Any]) -> None:
    udfs, ors = _tally(conditions, inside_or=False, below=_DEEPEST)
    if udfs > 1:
        raise refused("Invalid query syntax. Queries are limited to one user-defined field condition.")
    if ors > _LIMIT:
        raise refused(_TOO_MANY_OR)


def _check_only(conditions: list[Any], entity: Entity) -> None:
    given = [(each.get("op"), str(each.get("field")).lower()) for each in map(_lower_keys, conditions)]
    if given != [("eq", entity.only_filter.lower())]:
        raise refused(f"{entity.name} can only be queried by {entity.only_filter} with the operator eq.")


def _tally(conditions: list[Any], *, inside_or: bool, below: int) -> tuple[int, int]:
    if not below:
        raise refused("Invalid query syntax. Conditions are nested too deeply.")
    udfs = ors = 0
    for condition in map(_lower_keys, conditions):
        if condition.get("op") in ("and", "or") and isinstance(condition.get("items"), list):
            within_or = inside_or or condition["op"] == "or"
            more = _tally(condition["items"], inside_or=within_or, below=below - 1)
            udfs, ors = udfs + more[0], ors + more[1]
        else:
            udfs, ors = udfs + (condition.get("udf") is True), ors + inside_or
    return udfs, ors


def candidates(node: Leaf | Group, table: Table) -> Collection[int] | None:
    """Return ids that may match, from the indexes, or None where only a scan can tell."""
    if isinstance(node, Leaf):
        return _leaf_candidates(node, table)
    below = [candidates(item, table) for item in node.items]
    known = [each for each in below if each is not None]
    if node.op == "and":
        return min(known, key=len, default=None)
    if not below or len(known) < len(below):
        return None
    return set().union(*known)


def _leaf_candidates(leaf: Leaf, table: Table) -> Collection[int] | None:
    if leaf.name == "id":
        return _id_candidates(leaf, table)
    if leaf.op == "eq" and leaf.value is not None and table.has_index(leaf.name):
        return table.ids_where(leaf.name, [leaf.value])
    if leaf.op == "in" and table.has_index(leaf.name):
        return table.ids_where(leaf.name, leaf.value)
    return None


def _id_candidates(leaf: Leaf, table: Table) -> Collection[int] | None:
    if leaf.op == "in":
        return {each for each in leaf.value if each is not None}
    if leaf.value is None:
        return None
    if leaf.op == "eq":
        return [leaf.value]
    return table.ids_above(leaf.value, inclusive=leaf.op == "gte") if leaf.op in ("gt", "gte") else None

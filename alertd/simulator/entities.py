"""What an entity is: its fields, its routes, its verbs. The tables themselves are in the schema modules."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

ROOT_WRITES = frozenset({"POST", "PUT", "PATCH"})
UPDATES = frozenset({"PUT", "PATCH"})
READ_ONLY: frozenset[str] = frozenset()

_FIELD = re.compile(r"^(?P<name>\w+) (?P<type>[a-z]+)(?:\((?P<length>\d+)\))?(?P<flags>(?: \S+)*)$")
_TYPES = {
    "int": "integer",
    "long": "long",
    "string": "string",
    "bool": "boolean",
    "datetime": "datetime",
    "date": "datetime",
    "decimal": "decimal",
    "double": "double",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One standard field, with the flags of section 5 of the page.

    A `bit` is 1 or 0 on the wire and a truth value in the database, so filters take both.
    """

    name: str
    data_type: str
    length: int = 0
    required: bool = False
    read_only: bool = False
    create_only: bool = False
    picklist: bool = False
    picklist_parent: str = ""
    queryable: bool = True
    bit: bool = False
    reference: str = ""
    date_only: bool = False

    @property
    def is_whole_number(self) -> bool:
        """Whether values are JSON integers."""
        return self.data_type in ("integer", "long")


@dataclass(frozen=True, kw_only=True)
class Entity:
    """One entity: a table entry is all the generic code needs.

    `parent` is the entity through which rows are written, `segment` the last part of that route and
    `parent_field` the field that holds the parent's id. `right` names the security-level right without
    which the rows cannot be created, changed or deleted. `kept_by_put` are writable fields the server
    fills itself, which a PUT without them leaves alone. `parent_route` is the parent's name in the route,
    where it has another there. `detail_fields` are shown by id only. `only_filter` is the one field that a
    query may name, with `eq` and alone. `unfound` is the error of a missing id, for an entity whose
    records by id come in a list. `write_only` rows cannot be read by any route.
    """

    name: str
    singular: str
    fields: tuple[Field, ...]
    root_verbs: frozenset[str] = READ_ONLY
    parent: str = ""
    parent_route: str = ""
    segment: str = ""
    parent_field: str = ""
    child_verbs: frozenset[str] = READ_ONLY
    has_root: bool = True
    write_only: bool = False
    has_udfs: bool = False
    has_webhooks: bool = False
    impersonable: bool = False
    first_id: int = 1
    indexed: tuple[str, ...] = ()
    right: str = ""
    kept_by_put: tuple[str, ...] = ()
    cost_fields: tuple[str, ...] = ()
    detail_fields: tuple[str, ...] = ()
    only_filter: str = ""
    unfound: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def by_lower_name(self) -> dict[str, Field]:
        """Fields by lower-case name: field names are case-insensitive on the wire."""
        return {each.name.lower(): each for each in self.fields}

    @cached_property
    def blank(self) -> dict[str, Any]:
        """A row without values: records always carry every standard field."""
        row: dict[str, Any] = {each.name: None for each in self.fields}
        return row | self.defaults

    @cached_property
    def dates(self) -> tuple[str, ...]:
        """Names of the fields that hold a date without a time."""
        return tuple(each.name for each in self.fields if each.date_only)

    @cached_property
    def instants(self) -> frozenset[str]:
        """Fields that hold dates and times."""
        return frozenset(each.name for each in self.fields if each.data_type == "datetime")

    @property
    def verbs(self) -> frozenset[str]:
        """Writes that exist at all, wherever their route is."""
        return self.root_verbs | self.child_verbs

    def find(self, name: str) -> Field | None:
        """Return the field of that name in any casing."""
        return self.by_lower_name.get(name.lower())


def parse_fields(table: str) -> tuple[Field, ...]:
    """Read lines such as `companyID int R →Company`; `id` is added in front.

    Raises:
        ValueError: A line does not follow the notation.
    """
    lines = ["id long R RO", *(line.strip() for line in table.strip().splitlines())]
    return tuple(_parse_field(line) for line in lines)


def _parse_field(line: str) -> Field:
    match = _FIELD.match(line)
    if match is None:
        raise ValueError(f"not a field: {line!r}")
    flags = match["flags"].split()
    reference = next((flag[1:] for flag in flags if flag.startswith("→")), "")
    parent = next((flag.removeprefix("parent=") for flag in flags if flag.startswith("parent=")), "")
    return Field(
        name=match["name"],
        data_type=_TYPES[match["type"]],
        length=int(match["length"] or 0),
        required="R" in flags,
        read_only="RO" in flags,
        create_only="CO" in flags,
        picklist="PL" in flags,
        picklist_parent=parent,
        queryable="NQ" not in flags,
        bit="BIT" in flags,
        reference=reference,
        date_only=match["type"] == "date",
    )

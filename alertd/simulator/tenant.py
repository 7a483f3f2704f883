"""The data of one Autotask database: tables, picklists, user-defined fields, API users, ticket numbers."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from alertd.simulator.instants import ticket_day
from alertd.simulator.limits import Uploads
from alertd.simulator.schema import BY_SINGULAR, ENTITIES
from alertd.simulator.schema_udfs import SYSTEM_LISTS, UDF_DEFINITIONS
from alertd.simulator.schema_webhooks import FIELD_IDS
from alertd.simulator.tables import Table
from alertd.simulator.wire import JSON


@dataclass(kw_only=True)
class PickValue:
    """One value of a picklist. Values are text in metadata and integers in records, bar a few."""

    value: int | str
    label: str
    active: bool = True
    system: bool = False
    default: bool = False
    parent: str = ""
    sort_order: int = 0


@dataclass(kw_only=True)
class UdfDefinition:
    """One user-defined field of an entity."""

    name: str
    type: str = "string"
    length: int = 8000
    required: bool = False
    active: bool = True
    protected: bool = False
    values: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class ApiUser:
    """An API-only user, its credentials, and what was taken from its security level.

    `denied` holds (entity, verb) pairs, `removed` named rights, `companies` the only visible ones.
    """

    username: str
    secret: str
    integration_code: str
    resource_id: int
    active: bool = True
    locked: bool = False
    failed_logins: int = 0
    denied: set[tuple[str, str]] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    companies: set[int] | None = None


@dataclass(order=True)
class _Due:
    at: float
    number: int
    run: Callable[[float], None] = field(compare=False)


class Tenant:
    """Everything the database knows. Time is an argument wherever it matters."""

    def __init__(self) -> None:
        self.tables = {name: Table(entity) for name, entity in ENTITIES.items()}
        self.picklists: dict[tuple[str, str], dict[str, PickValue]] = _system_picklists()
        self.udfs: dict[str, dict[str, UdfDefinition]] = {}
        self.api_users: dict[str, ApiUser] = {}
        self.category_required: dict[int, list[str]] = {}
        self.uploads = Uploads()
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._numbers: dict[str, int] = {}

    def table(self, name: str) -> Table:
        """Return the rows of an entity by its plural name."""
        return self.tables[name]

    def row(self, singular: str, row_id: int | None) -> JSON | None:
        """Return a referenced row by the entity's singular name; None too if the entity is not modelled."""
        entity = BY_SINGULAR.get(singular)
        return self.tables[entity.name].get(row_id) if entity else None

    def values_of(self, entity: str, name: str) -> dict[str, PickValue]:
        """Return a picklist's values by their text form."""
        return self.picklists.get((entity, name), {})

    def label_to_value(self, entity: str, name: str, label: int | str) -> int | str:
        """Return the picklist value for a label or a value.

        Raises:
            LookupError: Neither a value nor a label of that picklist.
        """
        values = self.values_of(entity, name)
        if str(label) in values:
            return values[str(label)].value
        for each in values.values():
            if each.label.lower() == str(label).lower():
                return each.value
        raise LookupError(f"{entity}.{name} has no value {label!r}")

    def next_ticket_number(self, now: float) -> str:
        """Return `TYYYYMMDD.NNNN`, counted per day and skipping numbers that were given by hand."""
        day = ticket_day(now)
        while True:
            self._numbers[day] = self._numbers.get(day, 0) + 1
            number = f"T{day}.{self._numbers[day]:04d}"
            if not self.table("Tickets").find("ticketNumber", number):
                return number

    def later(self, at: float, run: Callable[[float], None]) -> None:
        """Run something when the clock passes `at`; it is given that instant."""
        heapq.heappush(self._due, _Due(at, next(self._order), run))

    def advance(self, now: float) -> None:
        """Run what has come due, in order of time."""
        while self._due and self._due[0].at <= now:
            due = heapq.heappop(self._due)
            due.run(due.at)

    def next_due_at(self) -> float | None:
        """Return when something will happen by itself, so that simulated time can step there."""
        return self._due[0].at if self._due else None

    def new_row(self, entity_name: str) -> JSON:
        """Return an empty row of an entity, with the defaults of a create."""
        return ENTITIES[entity_name].blank | {"id": None, "userDefinedFields": {}}


def _system_picklists() -> dict[tuple[str, str], dict[str, PickValue]]:
    """Return the lists that are the same in every tenant."""
    return {
        (UDF_DEFINITIONS.name, field): {
            str(value): PickValue(value=value, label=label, system=True, sort_order=value)
            for value, label in values.items()
        }
        for field, values in SYSTEM_LISTS.items()
    } | {
        (name, "fieldID"): {
            str(value): PickValue(value=value, label=label, system=True, sort_order=place)
            for place, (value, label) in enumerate(values.items(), start=1)
        }
        for name, values in FIELD_IDS.items()
    }

"""To whom tickets may be assigned: a resource in a role that it has, and at least one queue.

Source: API reference 5.1 and 5.16. A ticket takes both ids or neither, and the pair must be active in
ResourceServiceDeskRoles or ResourceRoles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from alertd.autotask.client import AutotaskClient
from alertd.autotask.picklists import NoChoice
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import Query, Row, Where
from alertd.core.ticket_parts import Pick

_MOST_NAMED = 10
RESOURCE_FIELDS = ("firstName", "lastName", "email", "userName", "isActive")
ROLE_FIELDS = ("name", "isActive")
DESK_ROLE_FIELDS = ("resourceID", "roleID", "isActive", "isDefault")
PAIR_FIELDS = ("resourceID", "roleID", "isActive")
QUEUE_FIELDS = ("queueID", "resourceID")
_EVERYTHING = Where("gte", "id", 0)


class Assignee(msgspec.Struct, frozen=True):
    """A resource, and the role in which it works on the ticket."""

    resource_id: int
    role_id: int


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of Resources, Roles, and of what ties them together."""

    resources: Sequence[Row]
    roles: Sequence[Row]
    desk_roles: Sequence[Row]
    other_roles: Sequence[Row]
    queues: Sequence[Row] | None  # None: who is in a queue cannot be told

    def find(self, resource: Pick, role: Pick | None) -> Assignee | NoChoice:
        """Return the pair that is named; without a role, the resource's default one, or its only one."""
        person = _only(self.resources, resource, "resource", _person_names)
        if isinstance(person, NoChoice):
            return person
        who = f"resource {resource!r}"
        if self.queues is not None and all(row.get("resourceID") != person["id"] for row in self.queues):
            return NoChoice(f"{who} is in no queue, and Autotask assigns tickets to nobody who is in none")
        own = self._role_ids(person["id"])
        if role is None:
            return self._usual(person["id"], who, own)
        named = _only(self.roles, role, "role", _role_names)
        if isinstance(named, NoChoice):
            return named
        if named["id"] in own:
            return Assignee(person["id"], named["id"])
        return NoChoice(f"role {role!r} is none of {who}; there are {self._role_labels(own)}")

    def _usual(self, resource_id: int, who: str, own: frozenset[int]) -> Assignee | NoChoice:
        defaults = {
            row["roleID"]
            for row in self.desk_roles
            if row.get("resourceID") == resource_id and row.get("isDefault") is True and row["roleID"] in own
        }
        chosen = defaults or own
        if len(chosen) == 1:
            return Assignee(resource_id, min(chosen))
        return NoChoice(f"{who} has several roles, or none: name one as role; {self._role_labels(own)}")

    def _role_ids(self, resource_id: int) -> frozenset[int]:
        """Return the active roles of a resource, in pairs that are active too."""
        active = {row["id"] for row in self.roles if row.get("isActive") is not False}
        pairs = [row for row in (*self.desk_roles, *self.other_roles) if row.get("resourceID") == resource_id]
        return frozenset(row["roleID"] for row in pairs if row.get("isActive") is True) & active

    def _role_labels(self, ids: frozenset[int]) -> str:
        labels = [f"{row.get('name')!r}" for row in self.roles if row["id"] in ids]
        return ", ".join(sorted(labels)[:_MOST_NAMED]) or "none"


async def read_staff(client: AutotaskClient, resources: Iterable[Pick]) -> Staff:
    """Ask for all resources and roles, and what ties those together that are named.

    Raises:
        PortError: What to do next.
    """
    rows = {name: await client.exact(query) for name, query in EVERYBODY.items()}
    for name, query in ties_of(rows["resources"], resources).items():
        rows[name] = await client.exact(query)
    return staff_of(rows)


def ties_of(people: Iterable[Row], named: Iterable[Pick]) -> Mapping[str, Query]:
    """Return what to ask about those of these people that are named, by the field of `Staff`."""
    found = [_only(people, each, "resource", _person_names) for each in named]
    ids = tuple(sorted({row["id"] for row in found if not isinstance(row, NoChoice)}))
    if not ids:
        return {}
    of_these = Where("in", "resourceID", ids)
    return {
        "desk_roles": _query("ResourceServiceDeskRoles", DESK_ROLE_FIELDS, of_these),
        "other_roles": _query("ResourceRoles", PAIR_FIELDS, of_these),
        "queues": _query("ResourceRoleQueues", QUEUE_FIELDS, of_these),
    }


def staff_of(rows: Mapping[str, Sequence[Row] | None]) -> Staff:
    """Return the staff of these rows, by the field of `Staff`; what was not asked for is empty."""
    return Staff(
        resources=rows.get("resources") or (),
        roles=rows.get("roles") or (),
        desk_roles=rows.get("desk_roles") or (),
        other_roles=rows.get("other_roles") or (),
        queues=rows.get("queues", ()),
    )


def _query(entity: str, fields: tuple[str, ...], condition: Where = _EVERYTHING) -> Query:
    return Query(entity=entity, conditions=(condition,), fields=fields, precedence=Precedence.SYNC)


EVERYBODY: Mapping[str, Query] = {
    "resources": _query("Resources", RESOURCE_FIELDS),
    "roles": _query("Roles", ROLE_FIELDS),
}


def _only(rows: Iterable[Row], wanted: Pick, what: str, names: Any) -> Row | NoChoice:
    """Return the one active row of this id, or of this name, or why there is none."""
    key = _key(wanted) if isinstance(wanted, str) else wanted
    same = [row for row in rows if key == row["id"] or (isinstance(key, str) and key in names(row))]
    active = [row for row in same if row.get("isActive") is not False]
    if len(active) == 1:
        return active[0]
    if active:
        ids = ", ".join(str(row["id"]) for row in active[:_MOST_NAMED])
        return NoChoice(f"{what} {wanted!r} is several: {ids}; name one by its id")
    if same:
        return NoChoice(f"{what} {wanted!r} ({same[0]['id']}) is inactive")
    return NoChoice(f"{what} {wanted!r} does not exist")


def _person_names(row: Row) -> set[str]:
    name = f"{row.get('firstName') or ''} {row.get('lastName') or ''}"
    return {_key(name), _key(row.get("email")), _key(row.get("userName"))} - {""}


def _role_names(row: Row) -> set[str]:
    return {_key(row.get("name"))} - {""}


def _key(text: object) -> str:
    return " ".join(text.split()).casefold() if isinstance(text, str) else ""

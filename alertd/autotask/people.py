"""Contacts and locations of a company, as boards name them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from alertd.autotask.company_records import Source
from alertd.autotask.queries import Row, Where

PRIMARY = "primary"  # asks for the one that the company marks as its primary


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A contact or a location: its id, whose it is, and what it may be called by."""

    id: int
    company_id: int
    name: str
    addresses: tuple[str, ...] = ()  # e-mail
    primary: bool = False


def find_named(rows: Iterable[Named], wanted: int | str) -> list[Named]:
    """Return those that `wanted` names, by id, whole name, e-mail address, or as the primary one."""
    known = list(rows)
    if isinstance(wanted, int):
        return [row for row in known if row.id == wanted]
    key = _key(wanted)
    if key == PRIMARY:
        return [row for row in known if row.primary]
    return [row for row in known if key in (_key(row.name), *row.addresses)]


def _contacts(rows: Iterable[Row]) -> tuple[Named, ...]:
    return tuple(
        Named(
            id=row["id"],
            company_id=row["companyID"],
            name=f"{_text(row.get('firstName'))} {_text(row.get('lastName'))}".strip(),
            addresses=tuple(filter(None, [_key(_text(row.get("emailAddress")))])),
            primary=row.get("primaryContact") is True,
        )
        for row in rows
    )


def _locations(rows: Iterable[Row]) -> tuple[Named, ...]:
    return tuple(
        Named(
            id=row["id"],
            company_id=row["companyID"],
            name=_text(row.get("name")),
            primary=row.get("isPrimary") is True,
        )
        for row in rows
    )


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


CONTACTS = Source(
    entity="Contacts",
    fields=("companyID", "firstName", "lastName", "emailAddress", "primaryContact"),
    condition=Where("eq", "isActive", 1),  # a number here, and true or false elsewhere
    read=_contacts,
)
LOCATIONS = Source(
    entity="CompanyLocations",
    fields=("companyID", "name", "isPrimary"),
    condition=Where("eq", "isActive", True),
    read=_locations,
)

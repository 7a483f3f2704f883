"""Contracts that tickets are made under: found in the ticket's company, by id, name or as its default."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec

from alertd.autotask.client import AutotaskClient
from alertd.autotask.company_records import Source
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import Query, Row, Where
from alertd.core.ticket_parts import DEFAULT_CONTRACT, Pick

_ACTIVE = Where("eq", "status", 1)  # Contracts.status, the same in every tenant
_DAY = 10  # characters of a date: contracts' dates are days at midnight, in no zone


class TicketContract(msgspec.Struct, frozen=True, kw_only=True):
    """A contract that is active. Both days belong to it; empty: not told."""

    id: int
    name: str
    default: bool = False
    starts_on: str = ""
    ends_on: str = ""

    def runs(self, on: date) -> bool:
        """Whether the day belongs to it."""
        day = on.isoformat()
        return (not self.starts_on or self.starts_on <= day) and (not self.ends_on or day <= self.ends_on)


def find_contracts(rows: Iterable[TicketContract], wanted: Pick, *, on: date) -> Sequence[TicketContract]:
    """Return those that `wanted` names on a day: by id, by whole name, or as the company's default."""
    running = [row for row in rows if row.runs(on)]
    if isinstance(wanted, int):
        return [row for row in running if row.id == wanted]
    key = _key(wanted)
    if key == DEFAULT_CONTRACT:
        return [row for row in running if row.default]
    return [row for row in running if _key(row.name) == key]


async def named_anywhere(client: AutotaskClient, wanted: Pick) -> bool:
    """Whether any company has an active contract of this id or name.

    Raises:
        PortError: What to do next.
    """
    named = (
        Where("eq", "id", wanted) if isinstance(wanted, int) else Where("eq", "contractName", wanted.strip())
    )
    query = Query(
        entity="Contracts",
        conditions=(named, _ACTIVE),
        fields=("contractName",),
        limit=1,
        precedence=Precedence.SYNC,
    )
    return bool(await client.first(query))


def _read(rows: Iterable[Row]) -> tuple[TicketContract, ...]:
    return tuple(
        TicketContract(
            id=row["id"],
            name=row.get("contractName") or "",
            default=row.get("isDefaultContract") is True,
            starts_on=_day(row.get("startDate")),
            ends_on=_day(row.get("endDate")),
        )
        for row in rows
    )


def _day(value: Any) -> str:
    return value[:_DAY] if isinstance(value, str) else ""


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()


CONTRACTS = Source(
    entity="Contracts",
    fields=("companyID", "contractName", "isDefaultContract", "startDate", "endDate"),
    condition=_ACTIVE,
    read=_read,
)

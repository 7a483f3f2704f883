"""What people do to contracts in the web UI: change units between a plan and its posting, post, edit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Literal

import msgspec

from alertd.simulator.contract_days import day_to_wire
from alertd.simulator.contract_posting import post, unpost
from alertd.simulator.contract_units import BUNDLES, SERVICES, Family, Line, lines_of
from alertd.simulator.filling import by_value, find_by_name
from alertd.simulator.rules_contracts import note_units
from alertd.simulator.schema import ENTITIES
from alertd.simulator.validation import Writer
from alertd.simulator.wire import JSON
from alertd.simulator.writes import create, update


class ContractAct(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One act on a contract. `line` is the id of a contract service (or bundle), and names it exactly.

    `date` is an ISO date, by default today (UTC).
    """

    act: Literal["set_units", "add_service", "edit_contract", "approve_and_post", "unpost"]
    by: int | str = "Jana Novak"
    contract: int | str | None = None
    service: int | str | None = None
    bundle: int | str | None = None
    line: int | None = None
    units: int = 0
    price: float | None = None
    date: str | None = None
    fields: JSON = msgspec.field(default_factory=dict)


def perform(writer: Writer, act: ContractAct) -> int:
    """Carry out one act; return the id of the adjustment or contract, or how many rows were posted.

    Raises:
        LookupError: It names something that does not exist.
        ValueError: The date is none.
        ApiError: The tenant's own rules forbid it to people too.
    """
    return _ACTS[act.act](writer, act)


def _set_units(writer: Writer, act: ContractAct) -> int:
    line = _line(writer, act)
    there = line.units_on(_date(writer, act))
    if there is None:
        raise LookupError(f"the line {line.row['id']} is not active on {_date(writer, act)}")
    body = {line.family.line_id: line.row["id"], "unitChange": act.units - there}
    return _adjust(writer, act, line.family, body)


def _add_service(writer: Writer, act: ContractAct) -> int:
    family, key = _family(act)
    product = _found(writer, family.catalogue, key)
    body = {"contractID": _found(writer, "Contracts", act.contract)["id"], family.repeat: True}
    return _adjust(writer, act, family, body | {family.catalogue_id: product["id"], "unitChange": act.units})


def _adjust(writer: Writer, act: ContractAct, family: Family, body: JSON) -> int:
    day = _date(writer, act)
    body |= {"effectiveDate": day_to_wire(day), "adjustedUnitPrice": act.price}
    made = create(writer, ENTITIES[family.adjustments], body)
    row_id = writer.tenant.table(family.adjustments).rows[made][family.line_id]
    note_units(writer, _at(writer, family, row_id), day)
    return made


def _edit_contract(writer: Writer, act: ContractAct) -> int:
    entity, row = ENTITIES["Contracts"], _found(writer, "Contracts", act.contract)
    body = by_value(writer.tenant, entity, act.fields) | {"id": row["id"]}
    return update(writer, entity, body, replace=False)[0]


def _post(writer: Writer, act: ContractAct) -> int:
    return sum(post(line, _date(writer, act), writer.stamp) for line in _lines(writer, act))


def _unpost(writer: Writer, act: ContractAct) -> int:
    return sum(unpost(line, _date(writer, act), writer.stamp) for line in _lines(writer, act))


def _lines(writer: Writer, act: ContractAct) -> list[Line]:
    """Return the lines of the contract that is named, or of all."""
    everything = (row["id"] for row in writer.tenant.table("Contracts"))
    named = everything if act.contract is None else [_found(writer, "Contracts", act.contract)["id"]]
    return [line for each in named for line in lines_of(writer.tenant, writer.switches, each)]


def _line(writer: Writer, act: ContractAct) -> Line:
    family, key = _family(act)
    if act.line is not None:
        return _at(writer, family, act.line)
    contract_id = _found(writer, "Contracts", act.contract)["id"]
    product_id = _found(writer, family.catalogue, key)["id"]
    rows = writer.tenant.table(family.lines).find("contractID", contract_id)
    found = [row["id"] for row in rows if row[family.catalogue_id] == product_id]
    if len(found) != 1:
        raise LookupError(f"the contract has {len(found)} lines of {key!r}; name one by its id as `line`")
    return _at(writer, family, found[0])


def _at(writer: Writer, family: Family, row_id: int) -> Line:
    row = writer.tenant.table(family.lines).get(row_id)
    if row is None:
        raise LookupError(f"{family.lines} has no {row_id}")
    return Line(tenant=writer.tenant, switches=writer.switches, family=family, row=row)


def _family(act: ContractAct) -> tuple[Family, int | str | None]:
    return (SERVICES, act.service) if act.bundle is None else (BUNDLES, act.bundle)


def _found(writer: Writer, entity: str, key: int | str | None) -> JSON:
    row = None if key is None else find_by_name(writer.tenant, entity, key)
    if row is None:
        raise LookupError(f"{entity} has no {key!r}")
    return row


def _date(writer: Writer, act: ContractAct) -> date:
    if act.date is None:
        return datetime.fromtimestamp(writer.stamp.now, UTC).date()
    return date.fromisoformat(act.date)


_ACTS: dict[str, Callable[[Writer, ContractAct], int]] = {
    "set_units": _set_units,
    "add_service": _add_service,
    "edit_contract": _edit_contract,
    "approve_and_post": _post,
    "unpost": _unpost,
}

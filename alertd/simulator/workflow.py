"""Workflow rules of the tenant: seconds after a change of a ticket, somebody changes it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from alertd.simulator.entities import Entity
from alertd.simulator.faults import Fault, Faults, Target
from alertd.simulator.filling import by_value, find_by_name
from alertd.simulator.rules_tickets import add_note
from alertd.simulator.schema_desk import TICKETS
from alertd.simulator.tables import Stamp
from alertd.simulator.tenant import Tenant
from alertd.simulator.validation import Writer
from alertd.simulator.wire import JSON
from alertd.simulator.writes import apply

WORKFLOW_NOTE = 13


def run_after(tenant: Tenant, faults: Faults, writer: Writer, event: tuple[str, int, str]) -> None:
    """Schedule the rules that a create or update of a ticket sets off; `event` is entity, id and verb."""
    entity, row_id, verb = event
    if entity != TICKETS.name:
        return
    target = Target(endpoint=entity)
    row = tenant.table(entity).rows[row_id]
    now = writer.stamp.now
    for fault in faults.standing("workflow", now, target):
        if fault.on in (verb, "any") and matches(tenant, TICKETS, row, fault.where):
            fault.struck += 1
            tenant.later(now + fault.seconds, _rule(fault, writer, row_id))


def matches(tenant: Tenant, entity: Entity, row: JSON, where: JSON) -> bool:
    """Whether a row has the given values; picklist values may be given by label."""
    return all(row.get(name) == value for name, value in by_value(tenant, entity, where).items())


def _rule(fault: Fault, writer: Writer, row_id: int) -> Callable[[float], None]:
    def run(at: float) -> None:
        tenant = writer.tenant
        person = find_by_name(tenant, "Resources", fault.resource or 4)
        actor = person["id"] if person else writer.resource_id
        lag = writer.stamp.visible_at - writer.stamp.now
        as_rule = replace(writer, stamp=Stamp(at, actor, at + lag), resource_id=actor, impersonator_id=None)
        old = tenant.table(TICKETS.name).get(row_id)
        if old is None:
            return
        apply(as_rule, TICKETS, old, by_value(tenant, TICKETS, fault.set))
        if fault.note is not None:
            text = {"title": "Workflow Rule", "description": "Workflow Rule"} | fault.note
            add_note(as_rule, row_id, {"noteType": WORKFLOW_NOTE} | text)

    return run

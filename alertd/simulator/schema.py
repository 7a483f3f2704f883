"""The entity table. A further entity is one more entry in a schema module."""

from __future__ import annotations

import functools
from dataclasses import replace

from alertd.simulator import (
    schema_contracts,
    schema_crm,
    schema_desk,
    schema_money,
    schema_people,
    schema_ticket_parts,
    schema_udfs,
    schema_webhooks,
)
from alertd.simulator.entities import Entity
from alertd.simulator.switches import Switches

ENTITIES: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        *schema_desk.ENTITIES,
        *schema_ticket_parts.ENTITIES,
        *schema_crm.ENTITIES,
        *schema_people.ENTITIES,
        *schema_money.ENTITIES,
        *schema_udfs.ENTITIES,
        *schema_contracts.ENTITIES,
        *schema_webhooks.ENTITIES,
    )
}
BY_LOWER_NAME: dict[str, Entity] = {name.lower(): entity for name, entity in ENTITIES.items()}
BY_SINGULAR: dict[str, Entity] = {entity.singular: entity for entity in ENTITIES.values()}
CHILDREN: dict[tuple[str, str], Entity] = {
    ((entity.parent_route or entity.parent).lower(), entity.segment.lower()): entity
    for entity in ENTITIES.values()
    if entity.segment
}


def trimmed(entity: Entity, switches: Switches) -> Entity:
    """Return the entity as an older database has it, without the fields it did not have yet."""
    absent = switches.absent_fields.get(entity.name)
    return _without(entity.name, frozenset(absent)) if absent else entity


@functools.cache
def _without(name: str, absent: frozenset[str]) -> Entity:
    entity = ENTITIES[name]
    return replace(entity, fields=tuple(field for field in entity.fields if field.name not in absent))

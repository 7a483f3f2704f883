"""entityInformation: what an entity supports, what this user may do, its fields and user-defined fields."""

from __future__ import annotations

from alertd.simulator.entities import Entity, Field
from alertd.simulator.rights import Rights
from alertd.simulator.switches import Switches
from alertd.simulator.tenant import PickValue, Tenant, UdfDefinition
from alertd.simulator.wire import JSON

_NUMBERS = {"None": 0, "All": 1, "Restricted": 2}


def describe(entity: Entity, rights: Rights, switches: Switches) -> JSON:
    """Return the `info` of one entity."""
    can = {
        "Create": "POST" in entity.verbs,
        "Delete": "DELETE" in entity.verbs,
        "Query": entity.has_root,
        "Update": "PATCH" in entity.verbs,
    }
    info: JSON = {"name": entity.singular}
    info |= {f"can{verb}": supported for verb, supported in can.items()}
    for verb, supported in can.items():
        info[f"userAccessFor{verb}"] = rights.access(entity, verb.lower(), supported=supported)
    if entity.name == "TicketTagAssociations" and switches.tag_delete_access_reflects_right:
        info["userAccessForDelete"] = "All" if rights.has("remove_tags") else "None"
    if switches.access_as_numbers:
        info |= {f"userAccessFor{verb}": _NUMBERS[info[f"userAccessFor{verb}"]] for verb in can}
    return info | {"hasUserDefinedFields": entity.has_udfs, "supportsWebhookCallouts": entity.has_webhooks}


def fields(tenant: Tenant, entity: Entity) -> list[JSON]:
    """Return the standard fields with their picklists."""
    return [_field(tenant, entity, field) for field in entity.fields]


def user_defined_fields(tenant: Tenant, entity: Entity) -> list[JSON]:
    """Return the user-defined fields."""
    return [_udf(definition) for definition in tenant.udfs.get(entity.name, {}).values() if definition.active]


def _field(tenant: Tenant, entity: Entity, field: Field) -> JSON:
    values = tenant.values_of(entity.name, field.name)
    return {
        "name": field.name,
        "dataType": field.data_type,
        "length": field.length,
        "isRequired": field.required,
        "isReadOnly": field.read_only or field.create_only,
        "isQueryable": field.queryable,
        "isReference": bool(field.reference),
        "referenceEntityType": field.reference,
        "isPickList": field.picklist,
        "picklistValues": [_value(each) for each in values.values()] if field.picklist else None,
        "picklistParentValueField": field.picklist_parent,
        "isSupportedWebhookField": entity.has_webhooks and not field.name.startswith("impersonator"),
    }


def _value(value: PickValue) -> JSON:
    return {
        "value": str(value.value),
        "label": value.label,
        "isDefaultValue": value.default,
        "sortOrder": value.sort_order,
        "parentValue": value.parent,
        "isActive": value.active,
        "isSystem": value.system,
    }


def _udf(definition: UdfDefinition) -> JSON:
    values = [
        _value(PickValue(value=each, label=each, sort_order=place))
        for place, each in enumerate(definition.values, start=1)
    ]
    return {
        "name": definition.name,
        "label": definition.name,
        "type": definition.type,
        "length": definition.length,
        "description": "",
        "isRequired": definition.required,
        "isReadOnly": False,
        "isQueryable": True,
        "isReference": False,
        "referenceEntityType": "",
        "isPickList": bool(values),
        "picklistValues": values or None,
        "picklistParentValueField": "",
        "defaultValue": "",
        "isSupportedWebhookField": True,
    }

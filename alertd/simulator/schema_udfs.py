"""User-defined fields as entities of their own. A definition makes the field exist."""

from __future__ import annotations

from alertd.simulator.entities import ROOT_WRITES, Entity, parse_fields

UDF_ENTITIES: dict[int, tuple[str, str]] = {
    1: ("Companies", "Company"),
    2: ("Contacts", "Contact"),
    3: ("Tickets", "Ticket"),
    4: ("ConfigurationItems", "Configuration Item"),
    5: ("Products", "Product"),
    6: ("Contracts", "Contract"),
    7: ("Resources", "Resource"),
    8: ("Subscriptions", "Subscription"),
    9: ("TicketCharges", "Ticket Charge"),
}
UDF_DATA_TYPES = {"string": 1, "text": 2, "double": 3, "datetime": 4, "list": 5}
_DATA_TYPE_LABELS = ("Text (Single Line)", "Text (Multi Line)", "Number", "Date", "List")

UDF_DEFINITIONS = Entity(
    name="UserDefinedFieldDefinitions",
    singular="UserDefinedFieldDefinition",
    root_verbs=ROOT_WRITES,
    first_id=29_690_001,
    defaults={
        "isActive": True,
        "isEncrypted": False,
        "isFieldMapping": False,
        "isPrivate": False,
        "isProtected": False,
        "isRequired": False,
        "isVisibleToClientPortal": False,
    },
    fields=parse_fields("""
        createDate datetime RO
        crmToProjectUdfId long
        dataType int R CO PL
        defaultValue string(1024)
        description string(128)
        displayFormat int PL
        isActive bool
        isEncrypted bool
        isFieldMapping bool RO
        isPrivate bool
        isProtected bool
        isRequired bool
        isVisibleToClientPortal bool
        mergeVariableName string(100)
        name string(45) R
        numberOfDecimalPlaces int
        sortOrder int
        udfType int R CO PL
    """),
)

UDF_LIST_ITEMS = Entity(
    name="UserDefinedFieldListItems",
    singular="UserDefinedFieldListItem",
    parent="UserDefinedFieldDefinitions",
    parent_route="UserDefinedFields",
    segment="ListItems",
    parent_field="udfFieldId",
    child_verbs=ROOT_WRITES,
    first_id=29_691_001,
    indexed=("udfFieldId",),
    fields=parse_fields("""
        createDate datetime RO
        udfFieldId long R CO →UserDefinedFieldDefinition
        valueForDisplay string(128) R
        valueForExport string(128)
    """),
)

SYSTEM_LISTS: dict[str, dict[int, str]] = {
    "udfType": {value: label for value, (_, label) in UDF_ENTITIES.items()},
    "dataType": dict(enumerate(_DATA_TYPE_LABELS, start=1)),
}
ENTITIES = (UDF_DEFINITIONS, UDF_LIST_ITEMS)

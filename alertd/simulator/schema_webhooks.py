"""Webhooks: what Autotask calls out, about which fields, and about whose changes not."""

from __future__ import annotations

from alertd.simulator.entities import ROOT_WRITES, Entity, parse_fields

_CHILD_WRITES = ROOT_WRITES | {"DELETE"}
_FAMILIES = {
    "Tickets": "Ticket",
    "TicketNotes": "TicketNote",
    "Companies": "Company",
    "Contacts": "Contact",
    "ConfigurationItems": "ConfigurationItem",
}
WEBHOOKS = {entity: f"{singular}Webhooks" for entity, singular in _FAMILIES.items()}
WATCHED = {webhooks: entity for entity, webhooks in WEBHOOKS.items()}


def _webhook(singular: str) -> Entity:
    return Entity(
        name=f"{singular}Webhooks",
        singular=f"{singular}Webhook",
        root_verbs=_CHILD_WRITES,
        defaults={
            "isReady": False,
            "isSubscribedToCreateEvents": False,
            "isSubscribedToDeleteEvents": False,
            "isSubscribedToUpdateEvents": False,
        },
        fields=parse_fields("""
            deactivationUrl string(500) R
            isActive bool R
            isReady bool RO
            isSubscribedToCreateEvents bool
            isSubscribedToDeleteEvents bool
            isSubscribedToUpdateEvents bool
            name string(50) R
            notificationEmailAddress string(150)
            ownerResourceID int RO →Resource
            secretKey string(64) R
            sendThresholdExceededNotification bool R
            webhookGuid string(100) RO
            webhookUrl string(500) R
        """),
    )


def _child(singular: str, segment: str, one: str, *lines: str) -> Entity:
    fields = "\n".join((*lines, f"webhookID int R CO →{singular}Webhook"))
    return Entity(
        name=f"{singular}Webhook{segment}",
        singular=f"{singular}Webhook{one}",
        parent=f"{singular}Webhooks",
        segment=segment,
        parent_field="webhookID",
        child_verbs=frozenset({"POST", "DELETE"}) if segment == "ExcludedResources" else _CHILD_WRITES,
        indexed=("webhookID",),
        defaults=(
            {}
            if segment == "ExcludedResources"
            else {"isDisplayAlwaysField": False, "isSubscribedField": False}
        ),
        fields=parse_fields(fields),
    )


def _family(singular: str) -> tuple[Entity, ...]:
    flags = ("isDisplayAlwaysField bool", "isSubscribedField bool")
    udf = "udfFieldID int R →UserDefinedFieldDefinition"
    return (
        _webhook(singular),
        _child(singular, "Fields", "Field", "fieldID int R PL", *flags),
        _child(singular, "UdfFields", "UdfField", udf, *flags),
        _child(singular, "ExcludedResources", "ExcludedResource", "resourceID int R →Resource"),
    )


_TICKET_FIELDS = {
    1: "CompanyID",
    2: "Title",
    4: "Description",
    5: "Status",
    6: "Priority",
    7: "Source",
    11: "AssignedResourceID",
    12: "DueDateTime",
    14: "QueueID",
    20: "ConfigurationItemID",
    31: "ExternalID",
    49: "LastActivityDate",
    63: "RMMAlertID",
    85: "TicketNumber",
}
# Only those of tickets are known; the others are numbered in an order of our own.
_OTHER_FIELDS = {
    "TicketNote": "TicketID Title Description NoteType Publish CreatorResourceID LastActivityDate",
    "Company": "CompanyName CompanyType IsActive ParentCompanyID OwnerResourceID Phone CompanyNumber",
    "Contact": "FirstName LastName EmailAddress IsActive CompanyID Phone MobilePhone",
    "ConfigurationItem": "CompanyID ReferenceTitle SerialNumber IsActive ProductID ContactID RMMDeviceUID",
}
FIELD_IDS: dict[str, dict[int, str]] = {"TicketWebhookFields": _TICKET_FIELDS} | {
    f"{singular}WebhookFields": dict(enumerate(names.split(), start=1))
    for singular, names in _OTHER_FIELDS.items()
}

WEBHOOK_EVENT_ERROR_LOGS = Entity(
    name="WebhookEventErrorLogs",
    singular="WebhookEventErrorLog",
    root_verbs=frozenset({"DELETE"}),
    fields=parse_fields("""
        companyWebhookID int RO →CompanyWebhook
        configurationItemWebhookID int RO →ConfigurationItemWebhook
        contactWebhookID int RO →ContactWebhook
        createDateTime datetime RO
        errorMessage string(500) RO
        payload string(8000) RO
        sequenceNumber int RO
        ticketNoteWebhookID int RO →TicketNoteWebhook
        ticketWebhookID int RO →TicketWebhook
    """),
)

ENTITIES = (
    *(entity for singular in _FAMILIES.values() for entity in _family(singular)),
    WEBHOOK_EVENT_ERROR_LOGS,
)

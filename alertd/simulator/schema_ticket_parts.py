"""What hangs on tickets besides notes and tags: files, charges, further people, history."""

from __future__ import annotations

from alertd.simulator.entities import ROOT_WRITES, Entity, parse_fields
from alertd.simulator.schema_desk import CREATE_ONLY

TICKET_ATTACHMENTS = Entity(
    name="TicketAttachments",
    singular="TicketAttachment",
    parent="Tickets",
    segment="Attachments",
    parent_field="ticketID",
    child_verbs=CREATE_ONLY,
    impersonable=True,
    first_id=29_700_001,
    indexed=("ticketID",),
    detail_fields=("data",),
    unfound="Attachment could not be found.",
    defaults={"creatorType": 1},
    fields=parse_fields("""
        attachDate datetime RO
        attachedByContactID int RO →Contact
        attachedByResourceID int RO →Resource
        attachmentType string(30) R CO PL
        contentType string(100) RO
        creatorType int PL RO NQ
        data string CO NQ
        fileSize long RO NQ
        fullPath string(255) R CO
        impersonatorCreatorResourceID int RO →Resource
        opportunityID int RO →Opportunity
        parentAttachmentID int CO →TicketAttachment
        parentID long RO
        publish int R CO PL
        ticketID int CO →Ticket
        ticketNoteID int CO →TicketNote
        timeEntryID int CO
        title string(255) R CO
    """),
)

TICKET_CHARGES = Entity(
    name="TicketCharges",
    singular="TicketCharge",
    parent="Tickets",
    segment="Charges",
    parent_field="ticketID",
    child_verbs=ROOT_WRITES | {"DELETE"},
    has_udfs=True,
    first_id=30_001,
    indexed=("ticketID",),
    cost_fields=("unitCost", "extendedCost"),
    defaults={"isBilled": False, "isBillableToCompany": True},
    fields=parse_fields("""
        billableAmount double RO
        billingCodeID int →BillingCode
        chargeType int R PL
        contractServiceBundleID long →ContractServiceBundle
        contractServiceID long →ContractService
        createDate datetime RO
        creatorResourceID int RO →Resource
        datePurchased datetime R
        description string(2000)
        extendedCost double RO
        internalCurrencyBillableAmount double RO
        internalCurrencyUnitPrice double RO
        internalPurchaseOrderNumber string(50)
        isBillableToCompany bool
        isBilled bool RO
        name string(100) R
        notes string(2000)
        organizationalLevelAssociationID int RO →OrganizationalLevelAssociation
        productID int →Product
        purchaseOrderNumber string(50)
        status int PL
        statusLastModifiedBy int RO →Resource
        statusLastModifiedDate datetime RO
        ticketID int R CO →Ticket
        unitCost double
        unitPrice double
        unitQuantity double R
    """),
)

TICKET_SECONDARY_RESOURCES = Entity(
    name="TicketSecondaryResources",
    singular="TicketSecondaryResource",
    parent="Tickets",
    segment="SecondaryResources",
    parent_field="ticketID",
    child_verbs=CREATE_ONLY,
    indexed=("ticketID",),
    fields=parse_fields("""
        resourceID int R CO →Resource
        roleID int R CO →Role
        ticketID int R CO →Ticket
    """),
)

TICKET_HISTORY = Entity(
    name="TicketHistory",
    singular="TicketHistory",
    parent="Tickets",
    parent_field="ticketID",
    indexed=("ticketID",),
    only_filter="ticketID",
    fields=parse_fields("""
        action string(100) RO
        date datetime RO
        detail string(8000) RO
        resourceID int RO →Resource
        ticketID int RO →Ticket
    """),
)

TIME_ENTRIES = Entity(
    name="TimeEntries",
    singular="TimeEntry",
    parent="Tickets",
    parent_field="ticketID",
    impersonable=True,
    first_id=40_001,
    indexed=("ticketID",),
    fields=parse_fields("""
        billingCodeID int →BillingCode
        contractID int →Contract
        createDateTime datetime RO
        creatorUserID int RO
        dateWorked datetime R
        endDateTime datetime
        hoursToBill double RO
        hoursWorked double
        impersonatorCreatorResourceID int RO →Resource
        internalNotes string(32000)
        isNonBillable bool
        lastModifiedDateTime datetime RO
        lastModifiedUserID int RO
        offsetHours double
        resourceID int R →Resource
        roleID int →Role
        showOnInvoice bool
        startDateTime datetime
        summaryNotes string(32000)
        ticketID int CO →Ticket
    """),
)

ENTITIES = (TICKET_ATTACHMENTS, TICKET_CHARGES, TICKET_SECONDARY_RESOURCES, TICKET_HISTORY, TIME_ENTRIES)

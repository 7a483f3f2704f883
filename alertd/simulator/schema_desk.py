"""Service desk entities: tickets and what hangs on them."""

from __future__ import annotations

from alertd.simulator.entities import ROOT_WRITES, UPDATES, Entity, parse_fields

CREATE_ONLY = frozenset({"POST", "DELETE"})

TICKETS = Entity(
    name="Tickets",
    singular="Ticket",
    root_verbs=ROOT_WRITES,
    has_udfs=True,
    has_webhooks=True,
    impersonable=True,
    first_id=10_001,
    indexed=("externalID", "ticketNumber"),
    kept_by_put=("ticketNumber",),
    defaults={"source": 1, "ticketType": 1, "ticketCategory": 3, "creatorType": 1},
    fields=parse_fields("""
        apiVendorID int PL RO
        assignedResourceID int →Resource
        assignedResourceRoleID int →Role
        billingCodeID int →BillingCode
        changeApprovalBoard int PL
        changeApprovalStatus int PL
        changeApprovalType int PL
        changeInfoField1 string(8000)
        changeInfoField2 string(8000)
        changeInfoField3 string(8000)
        changeInfoField4 string(8000)
        changeInfoField5 string(8000)
        companyID int R →Company
        companyLocationID int →CompanyLocation
        completedByResourceID int RO →Resource
        completedDate datetime RO
        configurationItemID int →ConfigurationItem
        contactID int →Contact
        contractID int →Contract
        contractServiceBundleID long →ContractServiceBundle
        contractServiceID long →ContractService
        createDate datetime RO
        createdByContactID int →Contact
        creatorResourceID int RO →Resource
        creatorType int PL RO NQ
        currentServiceThermometerRating int PL RO
        description string(8000)
        dueDateTime datetime
        estimatedHours decimal
        externalID string(50)
        firstResponseAssignedResourceID int RO →Resource
        firstResponseDateTime datetime RO
        firstResponseDueDateTime datetime RO
        firstResponseInitiatingResourceID int RO →Resource
        hoursToBeScheduled decimal RO
        impersonatorCreatorResourceID int RO →Resource
        isAssignedToComanaged bool RO
        isVisibleToComanaged bool
        issueType int PL
        lastActivityDate datetime RO
        lastActivityPersonType int PL RO NQ
        lastActivityResourceID int RO →Resource
        lastCustomerNotificationDateTime datetime RO
        lastCustomerVisibleActivityDateTime datetime RO
        lastTrackedModificationDateTime datetime RO
        monitorID long
        monitorTypeID int PL
        opportunityID int →Opportunity
        organizationalLevelAssociationID int →OrganizationalLevelAssociation
        previousServiceThermometerRating int PL RO
        priority int R PL
        problemTicketId int →Ticket
        projectID int →Project
        purchaseOrderNumber string(50)
        queueID int PL
        resolution string(32000)
        resolutionPlanDateTime datetime RO
        resolutionPlanDueDateTime datetime RO
        resolvedDateTime datetime RO
        resolvedDueDateTime datetime RO
        rmaStatus int PL
        rmaType int PL
        rmmAlertID string(50) RO
        serviceLevelAgreementHasBeenMet bool RO
        serviceLevelAgreementID int PL
        serviceLevelAgreementPausedNextEventHours decimal RO NQ
        serviceThermometerTemperature int RO
        source int PL
        status int R PL
        subIssueType int PL parent=issueType
        ticketCategory int PL
        ticketNumber string(50)
        ticketType int PL
        title string(255) R
    """),
)

TICKET_NOTES = Entity(
    name="TicketNotes",
    singular="TicketNote",
    parent="Tickets",
    segment="Notes",
    parent_field="ticketID",
    child_verbs=ROOT_WRITES,
    has_webhooks=True,
    impersonable=True,
    first_id=29_926_308,
    indexed=("ticketID",),
    fields=parse_fields("""
        createDateTime datetime RO
        createdByContactID int RO →Contact
        creatorResourceID int RO →Resource
        description string(32000) R
        impersonatorCreatorResourceID int RO →Resource
        impersonatorUpdaterResourceID int RO →Resource
        lastActivityDate datetime RO
        noteType int R PL
        publish int R PL
        ticketID int R CO →Ticket
        title string(250)
    """),
)

TICKET_ADDITIONAL_CIS = Entity(
    name="TicketAdditionalConfigurationItems",
    singular="TicketAdditionalConfigurationItem",
    parent="Tickets",
    segment="AdditionalConfigurationItems",
    parent_field="ticketID",
    child_verbs=CREATE_ONLY,
    indexed=("ticketID",),
    fields=parse_fields("""
        configurationItemID int R CO →ConfigurationItem
        ticketID int R CO →Ticket
    """),
)

TAGS = Entity(
    name="Tags",
    singular="Tag",
    root_verbs=ROOT_WRITES | {"DELETE"},
    first_id=501,
    indexed=("label",),
    right="administer_tags",
    defaults={"isActive": True, "isExcludedFromAutomaticTagging": False, "isSystem": False},
    fields=parse_fields("""
        createDateTime datetime RO
        isActive bool
        isExcludedFromAutomaticTagging bool
        isSystem bool RO
        label string(50) R
        lastModifiedDateTime datetime RO
        tagGroupID long →TagGroup
    """),
)

TAG_GROUPS = Entity(
    name="TagGroups",
    singular="TagGroup",
    root_verbs=ROOT_WRITES | {"DELETE"},
    first_id=12,
    indexed=("label",),
    right="administer_tags",
    defaults={"displayColor": 19, "isActive": True, "isSystem": False},
    fields=parse_fields("""
        displayColor int PL
        isActive bool
        isSystem bool RO
        label string(50) R
    """),
)

TAG_ALIASES = Entity(
    name="TagAliases",
    singular="TagAlias",
    parent="Tags",
    segment="Aliases",
    parent_field="tagID",
    child_verbs=CREATE_ONLY,
    right="administer_tags",
    indexed=("tagID",),
    fields=parse_fields("""
        alias string(50) R CO
        tagID long R CO →Tag
    """),
)

TICKET_TAG_ASSOCIATIONS = Entity(
    name="TicketTagAssociations",
    singular="TicketTagAssociation",
    parent="Tickets",
    segment="TagAssociations",
    parent_field="ticketID",
    child_verbs=CREATE_ONLY,
    first_id=9_001,
    indexed=("ticketID", "tagID"),
    fields=parse_fields("""
        tagID long R CO →Tag
        ticketID long R CO →Ticket
    """),
)

TICKET_CATEGORIES = Entity(
    name="TicketCategories",
    singular="TicketCategory",
    root_verbs=UPDATES,
    defaults={"isActive": True, "isApiOnly": False, "isGlobalDefault": False},
    fields=parse_fields("""
        displayColorRGB int PL
        isActive bool
        isApiOnly bool RO
        isGlobalDefault bool RO
        name string(30)
        nickname string(3)
    """),
)

TICKET_CATEGORY_FIELD_DEFAULTS = Entity(
    name="TicketCategoryFieldDefaults",
    singular="TicketCategoryFieldDefault",
    parent="TicketCategories",
    segment="FieldDefaults",
    parent_field="ticketCategoryID",
    has_root=False,
    fields=parse_fields("""
        description string(8000) RO
        estimatedHours decimal RO
        issueTypeID int RO
        organizationalLevelAssociationID int RO
        priority int RO
        purchaseOrderNumber string(50) RO
        queueID int RO
        resolution string(32000) RO
        serviceLevelAgreementID int RO
        sourceID int RO
        status int RO
        subIssueTypeID int RO
        ticketCategoryID int RO →TicketCategory
        ticketTypeID int RO
        title string(255) RO
        workTypeID int RO
    """),
)

ENTITIES = (
    TICKETS,
    TICKET_NOTES,
    TICKET_ADDITIONAL_CIS,
    TAGS,
    TAG_GROUPS,
    TAG_ALIASES,
    TICKET_TAG_ASSOCIATIONS,
    TICKET_CATEGORIES,
    TICKET_CATEGORY_FIELD_DEFAULTS,
)

"""The MSP's own people: resources, roles, who works which queue, lines of business."""

from __future__ import annotations

from alertd.simulator.entities import ROOT_WRITES, UPDATES, Entity, parse_fields

RESOURCES = Entity(
    name="Resources",
    singular="Resource",
    root_verbs=UPDATES,
    has_udfs=True,
    first_id=29_682_885,
    cost_fields=("internalCost",),
    defaults={"isActive": True, "licenseType": 1, "userType": 1, "locationID": 1},
    fields=parse_fields("""
        accountingReferenceID string(100)
        dateFormat string RO PL
        defaultServiceDeskRoleID long NQ
        email string(254) R
        email2 string(254)
        email3 string(254)
        emailTypeCode string R PL
        emailTypeCode2 string PL
        emailTypeCode3 string PL
        firstName string(50) R
        gender string PL
        greeting int PL
        hireDate datetime R RO
        homePhone string(25)
        initials string(32)
        internalCost decimal RO
        isActive bool R
        lastName string(50) R
        licenseType int R RO PL
        locationID int R RO PL
        middleName string(50)
        mobilePhone string(25)
        numberFormat string R PL
        officeExtension string(10)
        officePhone string(25)
        payrollIdentifier string(32)
        payrollType int R PL
        resourceType string R PL
        suffix string PL
        surveyResourceRating double RO
        timeFormat string RO PL
        title string(50)
        travelAvailabilityPct string PL
        userName string(32) R
        userType int R RO PL
    """),
)

ROLES = Entity(
    name="Roles",
    singular="Role",
    first_id=8,
    defaults={"isActive": True, "isExcludedFromNewContracts": False, "isSystemRole": False},
    fields=parse_fields("""
        description string(200) RO
        hourlyFactor decimal RO
        hourlyRate decimal RO
        isActive bool RO
        isExcludedFromNewContracts bool RO
        isSystemRole bool RO
        name string(200) RO
        roleType int RO PL
    """),
)

RESOURCE_ROLES = Entity(
    name="ResourceRoles",
    singular="ResourceRole",
    indexed=("resourceID",),
    defaults={"isActive": True},
    fields=parse_fields("""
        departmentID int RO
        isActive bool RO
        queueID int RO PL
        resourceID int RO →Resource
        roleID int RO →Role
    """),
)

RESOURCE_ROLE_QUEUES = Entity(
    name="ResourceRoleQueues",
    singular="ResourceRoleQueue",
    parent="Resources",
    segment="RoleQueues",
    parent_field="resourceID",
    child_verbs=ROOT_WRITES,
    indexed=("queueID", "resourceID"),
    fields=parse_fields("""
        isActive bool RO
        isDefault bool RO
        queueID int R PL
        resourceID int R CO →Resource
        roleID int RO →Role
    """),
)

RESOURCE_SERVICE_DESK_ROLES = Entity(
    name="ResourceServiceDeskRoles",
    singular="ResourceServiceDeskRole",
    parent="Resources",
    segment="ServiceDeskRoles",
    parent_field="resourceID",
    child_verbs=ROOT_WRITES,
    indexed=("resourceID",),
    defaults={"isActive": True, "isDefault": False},
    fields=parse_fields("""
        isActive bool
        isDefault bool
        resourceID int R CO →Resource
        roleID int R →Role
    """),
)

ORGANIZATIONAL_LEVEL_ASSOCIATIONS = Entity(
    name="OrganizationalLevelAssociations",
    singular="OrganizationalLevelAssociation",
    defaults={"isActive": True},
    fields=parse_fields("""
        isActive bool RO
        organizationalLevel1ID int RO
        organizationalLevel2ID int RO
    """),
)

ORGANIZATIONAL_RESOURCES = Entity(
    name="OrganizationalResources",
    singular="OrganizationalResource",
    indexed=("resourceID",),
    fields=parse_fields("""
        organizationalLevelAssociationID int RO →OrganizationalLevelAssociation
        resourceID int RO →Resource
    """),
)

INTERNAL_LOCATIONS = Entity(
    name="InternalLocations",
    singular="InternalLocation",
    defaults={"isDefault": False},
    fields=parse_fields("""
        additionalAddressInfo string(100) RO
        address1 string(100) RO
        address2 string(100) RO
        city string(50) RO
        country string(100) RO
        holidaySetId int PL RO
        isDefault bool RO
        name string(100) RO
        postalCode string(20) RO
        state string(25) RO
        timeZone string(100) RO
    """),
)

DEPARTMENTS = Entity(
    name="Departments",
    singular="Department",
    fields=parse_fields("""
        description string(1000) RO
        name string(100) RO
        number string(50) RO
        primaryLocationID int RO →InternalLocation
    """),
)

ENTITIES = (
    RESOURCES,
    ROLES,
    RESOURCE_ROLES,
    RESOURCE_ROLE_QUEUES,
    RESOURCE_SERVICE_DESK_ROLES,
    ORGANIZATIONAL_LEVEL_ASSOCIATIONS,
    ORGANIZATIONAL_RESOURCES,
    INTERNAL_LOCATIONS,
    DEPARTMENTS,
)

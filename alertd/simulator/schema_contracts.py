"""Contracts, the services and bundles on them, their units by period, and the catalogue they come from."""

from __future__ import annotations

from alertd.simulator.entities import ROOT_WRITES, Entity, parse_fields

_POST = frozenset({"POST"})

CONTRACTS = Entity(
    name="Contracts",
    singular="Contract",
    root_verbs=ROOT_WRITES,
    has_udfs=True,
    first_id=5_001,
    indexed=("companyID",),
    defaults={"billingPreference": 2, "isCompliant": False, "isDefaultContract": False},
    fields=parse_fields("""
        billToCompanyContactID int →Contact
        billToCompanyID int →Company
        billingPreference int PL
        companyID int R CO →Company
        contactID int →Contact
        contactName string(250)
        contractCategory int PL
        contractExclusionSetID int
        contractName string(100) R
        contractNumber string(50)
        contractPeriodType int PL CO
        contractType int R PL CO
        description string(2000)
        endDate date R
        estimatedCost double
        estimatedHours double
        estimatedRevenue double
        exclusionContractID long CO →Contract
        internalCurrencyOverageBillingRate double RO
        internalCurrencySetupFee double RO
        isCompliant bool
        isDefaultContract bool
        lastModifiedDateTime datetime RO
        opportunityID int →Opportunity
        organizationalLevelAssociationID int →OrganizationalLevelAssociation
        overageBillingRate double
        purchaseOrderNumber string(50)
        renewedContractID long →Contract
        serviceLevelAgreementID int PL
        setupFee double
        setupFeeBillingCodeID int →BillingCode
        startDate date R
        status int R PL
        timeReportingRequiresStartAndStopTimes int R PL
    """),
)

CONTRACT_SERVICES = Entity(
    name="ContractServices",
    singular="ContractService",
    parent="Contracts",
    segment="Services",
    parent_field="contractID",
    child_verbs=ROOT_WRITES,
    first_id=9_101,
    indexed=("contractID", "serviceID"),
    cost_fields=("unitCost",),
    fields=parse_fields("""
        contractID int R CO →Contract
        internalCurrencyAdjustedPrice double RO
        internalCurrencyUnitPrice double RO
        internalDescription string(100)
        invoiceDescription string(1000)
        quoteItemID long CO
        serviceID int R CO →Service
        unitCost double
        unitPrice double
    """),
)

CONTRACT_SERVICE_UNITS = Entity(
    name="ContractServiceUnits",
    singular="ContractServiceUnit",
    parent="Contracts",
    segment="ServiceUnits",
    parent_field="contractID",
    first_id=700_001,
    indexed=("contractID", "contractServiceID", "serviceID"),
    cost_fields=("cost",),
    fields=parse_fields("""
        approveAndPostDate datetime RO
        contractID int RO →Contract
        contractServiceID long RO →ContractService
        cost double RO
        endDate date RO
        internalCurrencyPrice double RO
        organizationalLevelAssociationID int RO →OrganizationalLevelAssociation
        price double RO
        serviceID int RO →Service
        startDate date RO
        units int RO
        vendorCompanyID int RO →Company
    """),
)

CONTRACT_SERVICE_ADJUSTMENTS = Entity(
    name="ContractServiceAdjustments",
    singular="ContractServiceAdjustment",
    root_verbs=_POST,
    parent="Contracts",
    segment="ServiceAdjustments",
    parent_field="contractID",
    child_verbs=_POST,
    has_root=False,
    write_only=True,
    first_id=31_401,
    fields=parse_fields("""
        adjustedUnitCost double
        adjustedUnitPrice double
        allowRepeatService bool
        contractID int →Contract
        contractServiceID long →ContractService
        effectiveDate date R
        quoteItemID long
        serviceID int →Service
        unitChange int
    """),
)

CONTRACT_SERVICE_BUNDLES = Entity(
    name="ContractServiceBundles",
    singular="ContractServiceBundle",
    parent="Contracts",
    segment="ServiceBundles",
    parent_field="contractID",
    child_verbs=ROOT_WRITES,
    first_id=9_501,
    indexed=("contractID", "serviceBundleID"),
    fields=parse_fields("""
        adjustedPrice double
        contractID int R CO →Contract
        internalCurrencyAdjustedPrice double RO
        internalCurrencyUnitPrice double RO
        internalDescription string(100)
        invoiceDescription string(1000)
        quoteItemID long CO
        serviceBundleID int R CO →ServiceBundle
        unitPrice double
    """),
)

CONTRACT_SERVICE_BUNDLE_UNITS = Entity(
    name="ContractServiceBundleUnits",
    singular="ContractServiceBundleUnit",
    parent="Contracts",
    segment="ServiceBundleUnits",
    parent_field="contractID",
    first_id=800_001,
    indexed=("contractID", "contractServiceBundleID", "serviceBundleID"),
    cost_fields=("cost",),
    fields=parse_fields("""
        approveAndPostDate datetime RO
        contractID int RO →Contract
        contractServiceBundleID long RO →ContractServiceBundle
        cost double RO
        endDate date RO
        internalCurrencyPrice double RO
        organizationalLevelAssociationID int RO →OrganizationalLevelAssociation
        price double RO
        serviceBundleID int RO →ServiceBundle
        startDate date RO
        units int RO
    """),
)

CONTRACT_SERVICE_BUNDLE_ADJUSTMENTS = Entity(
    name="ContractServiceBundleAdjustments",
    singular="ContractServiceBundleAdjustment",
    root_verbs=_POST,
    parent="Contracts",
    segment="ServiceBundleAdjustments",
    parent_field="contractID",
    child_verbs=_POST,
    has_root=False,
    write_only=True,
    first_id=41_401,
    fields=parse_fields("""
        adjustedUnitPrice double
        allowRepeatServiceBundle bool
        contractID int →Contract
        contractServiceBundleID long →ContractServiceBundle
        effectiveDate date R
        quoteItemID long
        serviceBundleID int →ServiceBundle
        unitChange int
    """),
)

CONTRACT_BLOCKS = Entity(
    name="ContractBlocks",
    singular="ContractBlock",
    parent="Contracts",
    segment="Blocks",
    parent_field="contractID",
    child_verbs=ROOT_WRITES,
    first_id=601,
    indexed=("contractID",),
    defaults={"status": 1, "isPaid": 0, "hoursApproved": 0.0},
    fields=parse_fields("""
        contractID int R CO →Contract
        datePurchased date R
        endDate date R
        hourlyRate double R
        hours double R
        hoursApproved double RO
        invoiceNumber string(50)
        isPaid int PL RO
        paymentNumber string(50)
        paymentType int PL
        startDate date R
        status int PL
    """),
)

CONTRACT_CHARGES = Entity(
    name="ContractCharges",
    singular="ContractCharge",
    parent="Contracts",
    segment="Charges",
    parent_field="contractID",
    child_verbs=ROOT_WRITES | {"DELETE"},
    first_id=2_001,
    indexed=("contractID",),
    cost_fields=("unitCost", "extendedCost"),
    defaults={"isBillableToCompany": True, "isBilled": False},
    fields=parse_fields("""
        billableAmount double RO
        billingCodeID int →BillingCode
        chargeType int R PL
        contractID int R CO →Contract
        contractServiceBundleID long →ContractServiceBundle
        contractServiceID long →ContractService
        createDate datetime RO
        creatorResourceID int RO →Resource
        datePurchased date R
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
        unitCost double
        unitPrice double
        unitQuantity double R
    """),
)

CONTRACT_NOTES = Entity(
    name="ContractNotes",
    singular="ContractNote",
    parent="Contracts",
    segment="Notes",
    parent_field="contractID",
    child_verbs=ROOT_WRITES,
    impersonable=True,
    first_id=8_001,
    indexed=("contractID",),
    fields=parse_fields("""
        contractID int R CO →Contract
        creatorResourceID int RO →Resource
        description string(2000) R
        impersonatorCreatorResourceID int RO →Resource
        impersonatorUpdaterResourceID int RO →Resource
        lastActivityDate datetime RO
        title string(250) R
    """),
)

SERVICES = Entity(
    name="Services",
    singular="Service",
    root_verbs=ROOT_WRITES,
    first_id=71,
    cost_fields=("unitCost",),
    defaults={"isActive": True},
    fields=parse_fields("""
        billingCodeID int R →BillingCode
        catalogNumberPartNumber string(50)
        createDate datetime RO
        creatorResourceID int RO →Resource
        description string(400)
        externalID string(50)
        internalID string(50)
        invoiceDescription string(1000)
        isActive bool
        lastModifiedDate datetime RO
        manufacturerServiceProvider string(100)
        manufacturerServiceProviderProductNumber string(50)
        markupRate decimal RO
        name string(150) R
        periodType int R PL CO
        serviceLevelAgreementID int PL
        sku string(50)
        unitCost double
        unitPrice double R
        updateResourceID int RO →Resource
        url string(500)
        vendorCompanyID int →Company
    """),
)

SERVICE_BUNDLES = Entity(
    name="ServiceBundles",
    singular="ServiceBundle",
    root_verbs=ROOT_WRITES | {"DELETE"},
    first_id=31,
    cost_fields=("unitCost",),
    defaults={"isActive": True},
    fields=parse_fields("""
        billingCodeID int R →BillingCode
        description string(200)
        invoiceDescription string(1000)
        isActive bool
        name string(150) R
        percentageDiscount double
        periodType int R PL CO
        unitCost double RO
        unitDiscount double
        unitPrice double
    """),
)

ENTITIES = (
    CONTRACTS,
    CONTRACT_SERVICES,
    CONTRACT_SERVICE_UNITS,
    CONTRACT_SERVICE_ADJUSTMENTS,
    CONTRACT_SERVICE_BUNDLES,
    CONTRACT_SERVICE_BUNDLE_UNITS,
    CONTRACT_SERVICE_BUNDLE_ADJUSTMENTS,
    CONTRACT_BLOCKS,
    CONTRACT_CHARGES,
    CONTRACT_NOTES,
    SERVICES,
    SERVICE_BUNDLES,
)

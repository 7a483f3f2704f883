"""What is billed and under which code: billing codes and items, invoices, subscriptions."""

from __future__ import annotations

from alertd.simulator.entities import ROOT_WRITES, UPDATES, Entity, parse_fields

BILLING_CODES = Entity(
    name="BillingCodes",
    singular="BillingCode",
    cost_fields=("unitCost",),
    defaults={"isActive": True, "isExcludedFromNewContracts": False},
    fields=parse_fields("""
        afterHoursWorkType int RO
        billingCodeType int PL RO
        department int PL RO
        description string(500) RO
        externalNumber string(100) RO
        generalLedgerAccount int PL RO
        isActive bool RO
        isExcludedFromNewContracts bool RO
        markupRate decimal RO
        name string(200) RO
        taxCategoryID int RO
        unitCost decimal RO
        unitPrice decimal RO
        useType int PL RO
    """),
)

BILLING_ITEMS = Entity(
    name="BillingItems",
    singular="BillingItem",
    root_verbs=UPDATES,
    first_id=40_001,
    indexed=("companyID", "contractID", "invoiceID"),
    cost_fields=("ourCost",),
    defaults={"nonBillable": 0},
    fields=parse_fields("""
        billingItemType int PL RO
        companyID int RO →Company
        configurationItemID int RO →ConfigurationItem
        contractChargeID int RO →ContractCharge
        contractID int RO →Contract
        contractServiceAdjustmentID long RO
        contractServiceBundleAdjustmentID long RO
        contractServiceBundleID long RO →ContractServiceBundle
        contractServiceBundlePeriodID long RO
        contractServiceID long RO →ContractService
        contractServicePeriodID long RO
        description string(2000) RO
        extendedPrice decimal RO
        internalCurrencyExtendedPrice decimal RO
        internalCurrencyRate decimal RO
        internalCurrencyTaxDollars decimal RO
        internalCurrencyTotalAmount decimal RO
        invoiceID int RO →Invoice
        itemDate datetime RO
        itemName string(255) RO
        lineItemFullDescription string(8000) RO
        lineItemGroupDescription string(8000) RO
        lineItemID long RO
        milestoneID int RO
        nonBillable int RO
        organizationalLevelAssociationID int RO →OrganizationalLevelAssociation
        ourCost decimal RO
        postedDate datetime RO
        postedOnTime datetime RO
        projectID int RO →Project
        purchaseOrderNumber string(50) RO
        quantity decimal RO
        rate decimal RO
        roleID int RO →Role
        serviceBundleID int RO →ServiceBundle
        serviceID int RO →Service
        subType int PL RO
        taskID int RO
        taxDollars decimal RO
        ticketChargeID int RO →TicketCharge
        ticketID int RO →Ticket
        timeEntryID int RO
        totalAmount decimal RO
        vendorID int RO →Company
        webServiceDate datetime
    """),
)

INVOICES = Entity(
    name="Invoices",
    singular="Invoice",
    root_verbs=UPDATES,
    first_id=50_001,
    indexed=("companyID", "invoiceNumber"),
    defaults={"isVoided": False},
    fields=parse_fields("""
        batchID int RO
        comments string(4000) RO
        companyID int RO →Company
        createDateTime datetime RO
        creatorResourceID int RO →Resource
        dueDate datetime RO
        fromDate datetime RO
        invoiceDateTime datetime RO
        invoiceEditorTemplateID int RO
        invoiceNumber string(100)
        invoiceTotal decimal RO
        isVoided bool RO
        orderNumber string(50) RO
        organizationalLevelAssociationID int RO →OrganizationalLevelAssociation
        paidDate datetime
        paymentTerm int PL RO
        taxGroup int PL RO
        taxRegionName string(100) RO
        toDate datetime RO
        totalTaxValue decimal RO
        voidedByResourceID int RO →Resource
        voidedDate datetime RO
        webServiceDate datetime
    """),
)

SUBSCRIPTIONS = Entity(
    name="Subscriptions",
    singular="Subscription",
    root_verbs=ROOT_WRITES | {"DELETE"},
    has_udfs=True,
    impersonable=True,
    first_id=6_001,
    indexed=("configurationItemID",),
    cost_fields=("periodCost", "totalCost"),
    fields=parse_fields("""
        configurationItemID int R CO →ConfigurationItem
        description string(2000)
        effectiveDate datetime R
        expirationDate datetime R
        impersonatorCreatorResourceID int RO →Resource
        materialCodeID int R →BillingCode
        organizationalLevelAssociationID int →OrganizationalLevelAssociation
        periodCost decimal
        periodPrice decimal R
        periodType int R PL
        purchaseOrderNumber string(50)
        status int R PL
        subscriptionName string(100) R
        totalCost decimal RO
        totalPrice decimal RO
        vendorID int →Company
    """),
)

SUBSCRIPTION_PERIODS = Entity(
    name="SubscriptionPeriods",
    singular="SubscriptionPeriod",
    parent="Subscriptions",
    segment="Periods",
    parent_field="subscriptionID",
    first_id=60_001,
    indexed=("subscriptionID",),
    cost_fields=("periodCost",),
    fields=parse_fields("""
        periodCost decimal RO
        periodDate datetime RO
        periodPrice decimal RO
        postedDate datetime RO
        purchaseOrderNumber string(50) RO
        subscriptionID int RO →Subscription
    """),
)

ENTITIES = (BILLING_CODES, BILLING_ITEMS, INVOICES, SUBSCRIPTIONS, SUBSCRIPTION_PERIODS)

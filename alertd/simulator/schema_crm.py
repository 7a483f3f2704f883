"""Customer entities: companies, their people and places, their devices, and the products devices are of."""

from __future__ import annotations

from alertd.simulator.entities import ROOT_WRITES, Entity, parse_fields

COMPANIES = Entity(
    name="Companies",
    singular="Company",
    root_verbs=ROOT_WRITES,
    has_udfs=True,
    has_webhooks=True,
    impersonable=True,
    first_id=175,
    defaults={"isActive": True, "companyNumber": ""},  # a company without a number has an empty one
    fields=parse_fields("""
        additionalAddressInformation string(100)
        address1 string(128)
        address2 string(128)
        alternatePhone1 string(25)
        alternatePhone2 string(25)
        apiVendorID int PL RO
        assetValue double
        billToAdditionalAddressInformation string(100)
        billToAddressToUse int PL
        billToAttention string(50)
        billToCity string(50)
        billToCompanyLocationID int →CompanyLocation
        billToCountryID int →Country
        billToState string(128)
        billToZipCode string(50)
        billingAddress1 string(150)
        billingAddress2 string(150)
        city string(30)
        classification int PL
        companyCategoryID int
        companyName string(100) R
        companyNumber string(50)
        companyType int R PL
        competitorID int PL
        countryID int →Country
        createDate datetime RO
        createdByResourceID int RO →Resource
        currencyID int →Currency
        fax string(25)
        impersonatorCreatorResourceID int RO →Resource
        invoiceEmailMessageID int
        invoiceMethod int PL
        invoiceNonContractItemsToParentCompany bool
        invoiceTemplateID int
        isActive bool
        isClientPortalActive bool
        isEnabledForComanaged bool
        isTaskFireActive bool
        isTaxExempt bool
        lastActivityDate datetime RO
        lastTrackedModifiedDateTime datetime RO
        marketSegmentID int PL
        ownerResourceID int R →Resource
        parentCompanyID int →Company
        phone string(25) R
        postalCode string(10)
        quoteEmailMessageID int
        quoteTemplateID int
        sicCode string(32)
        state string(40)
        stockMarket string(10)
        stockSymbol string(10)
        surveyCompanyRating double
        taxID string(50)
        taxRegionID int →TaxRegion
        territoryID int PL
        webAddress string(255)
    """),
)

COMPANY_LOCATIONS = Entity(
    name="CompanyLocations",
    singular="CompanyLocation",
    parent="Companies",
    segment="Locations",
    parent_field="companyID",
    child_verbs=ROOT_WRITES | {"DELETE"},
    first_id=61,
    indexed=("companyID",),
    defaults={"isActive": True, "isPrimary": False},
    fields=parse_fields("""
        address1 string(128)
        address2 string(128)
        alternatePhone1 string(25)
        alternatePhone2 string(25)
        city string(50)
        companyID int R CO →Company
        countryID int →Country
        description string(500)
        fax string(25)
        isActive bool
        isPrimary bool
        isTaxExempt bool
        name string(100) R
        overrideAccountTaxSettings bool
        phone string(25)
        postalCode string(20)
        roundtripDistance decimal
        state string(25)
        taxRegionID int →TaxRegion
    """),
)

CONTACTS = Entity(
    name="Contacts",
    singular="Contact",
    parent="Companies",
    segment="Contacts",
    parent_field="companyID",
    child_verbs=ROOT_WRITES | {"DELETE"},
    has_udfs=True,
    has_webhooks=True,
    impersonable=True,
    first_id=30_682_001,
    indexed=("companyID", "externalID"),
    fields=parse_fields("""
        additionalAddressInformation string(100)
        addressLine string(128)
        addressLine1 string(128)
        alternatePhone string(32)
        apiVendorID int PL RO
        bulkEmailOptOutTime datetime RO
        city string(32)
        companyID int R CO →Company
        companyLocationID int →CompanyLocation
        countryID int →Country
        createDate datetime RO
        emailAddress string(254)
        emailAddress2 string(254)
        emailAddress3 string(254)
        extension string(10)
        externalID string(50)
        facebookUrl string(200)
        firstName string(50) R
        impersonatorCreatorResourceID int RO →Resource
        isActive int R BIT
        isOptedOutFromBulkEmail bool
        lastActivityDate datetime RO
        lastModifiedDate datetime RO
        lastName string(50) R
        linkedInUrl string(200)
        middleInitial string(50)
        mobilePhone string(25)
        namePrefix int PL
        nameSuffix int PL
        note string(50)
        phone string(25)
        primaryContact bool
        receivesEmailNotifications bool
        state string(40)
        title string(50)
        twitterUrl string(200)
        zipCode string(16)
    """),
)

CONFIGURATION_ITEMS = Entity(
    name="ConfigurationItems",
    singular="ConfigurationItem",
    root_verbs=ROOT_WRITES,
    has_udfs=True,
    has_webhooks=True,
    impersonable=True,
    first_id=4_001,
    indexed=("companyID", "rmmDeviceUID", "serialNumber", "rmmDeviceAuditHostname", "referenceTitle"),
    cost_fields=("dailyCost", "hourlyCost", "monthlyCost", "perUseCost"),
    fields=parse_fields("""
        apiVendorID int PL RO
        companyID int R CO →Company
        companyLocationID int →CompanyLocation
        configurationItemCategoryID int
        configurationItemType int PL
        contactID int →Contact
        contractID int →Contract
        contractServiceBundleID int →ContractServiceBundle
        contractServiceID int →ContractService
        createDate datetime RO
        createdByPersonID int RO
        dailyCost double
        dattoHostname string(255) RO
        dattoInternalIP string(255) RO
        dattoLastCheckInDateTime datetime RO
        dattoOSVersionID int PL RO
        dattoRemoteIP string(255) RO
        dattoSerialNumber string(100) RO
        deviceNetworkingID string(100) RO
        hourlyCost double
        impersonatorCreatorResourceID int RO →Resource
        installDate datetime
        installedByContactID int RO →Contact
        installedByID int RO →Resource
        isActive bool R
        lastActivityPersonID int RO
        lastActivityPersonType int PL RO NQ
        lastModifiedTime datetime RO
        location string(100)
        monthlyCost double
        notes string(5000)
        numberOfUsers double
        parentConfigurationItemID int →ConfigurationItem
        perUseCost double
        productID int R →Product
        referenceNumber string(100)
        referenceTitle string(200)
        rmmDeviceAuditAntivirusStatusID int PL RO
        rmmDeviceAuditBackupStatusID int PL RO
        rmmDeviceAuditDescription string(255) RO
        rmmDeviceAuditDeviceTypeID int PL RO
        rmmDeviceAuditDomainID int PL RO
        rmmDeviceAuditExternalIPAddress string(255) RO
        rmmDeviceAuditHostname string(255) RO
        rmmDeviceAuditIPAddress string(255) RO
        rmmDeviceAuditLastUser string(50) RO
        rmmDeviceAuditMacAddress string(255) RO
        rmmDeviceAuditManufacturerID int PL RO
        rmmDeviceAuditMemoryBytes long RO
        rmmDeviceAuditMissingPatchCount int RO
        rmmDeviceAuditMobileNumber string(255) RO
        rmmDeviceAuditModelID int PL RO
        rmmDeviceAuditOperatingSystem string(255) RO NQ
        rmmDeviceAuditPatchStatusID int PL RO
        rmmDeviceAuditSNMPContact string(255) RO
        rmmDeviceAuditSNMPLocation string(255) RO
        rmmDeviceAuditSNMPName string(255) RO
        rmmDeviceAuditSoftwareStatusID int PL RO
        rmmDeviceAuditStorageBytes long RO
        rmmDeviceID long RO
        rmmDeviceUID string(255) RO
        rmmOpenAlertCount int RO
        serialNumber string(100)
        serviceBundleID int →ServiceBundle
        serviceID int →Service
        serviceLevelAgreementID int PL
        setupFee double
        sourceChargeID int
        sourceChargeType int
        vendorID int →Company
        warrantyExpirationDate datetime
    """),
)

PRODUCTS = Entity(
    name="Products",
    singular="Product",
    root_verbs=ROOT_WRITES,
    has_udfs=True,
    impersonable=True,
    first_id=29_683_001,
    cost_fields=("unitCost",),
    fields=parse_fields("""
        billingType int PL RO
        chargeBillingCodeID int
        defaultConfigurationItemCategoryID int
        defaultVendorID int →Company
        description string(2000)
        doesNotRequireProcurement bool
        externalProductID string(50)
        internalProductID string(50)
        isActive bool R
        isEligibleForRma bool
        isSerialized bool R
        link string(500)
        manufacturerName string(100)
        manufacturerProductName string(50)
        markupRate decimal RO
        msrp double
        name string(100) R
        periodType int PL
        priceCostMethod int PL
        productBillingCodeID int R
        productCategory int PL
        sku string(50)
        unitCost double
        unitPrice double
        vendorProductNumber string(50)
    """),
)

PRODUCT_VENDORS = Entity(
    name="ProductVendors",
    singular="ProductVendor",
    parent="Products",
    segment="Vendors",
    parent_field="productID",
    child_verbs=ROOT_WRITES,
    indexed=("productID",),
    cost_fields=("vendorCost",),
    defaults={"isActive": True, "isDefault": False},
    fields=parse_fields("""
        isActive bool R
        isDefault bool R
        productID int R CO →Product
        vendorCost double
        vendorID int R CO →Company
        vendorPartNumber string(50)
    """),
)

PRODUCT_TIERS = Entity(
    name="ProductTiers",
    singular="ProductTier",
    parent="Products",
    segment="Tiers",
    parent_field="productID",
    child_verbs=ROOT_WRITES | {"DELETE"},
    indexed=("productID",),
    cost_fields=("unitCost",),
    fields=parse_fields("""
        productID int R CO →Product
        unitCost double R
        unitPrice double R
        upToUnitCount double
    """),
)

PRODUCT_NOTES = Entity(
    name="ProductNotes",
    singular="ProductNote",
    parent="Products",
    segment="Notes",
    parent_field="productID",
    child_verbs=ROOT_WRITES,
    impersonable=True,
    indexed=("productID",),
    fields=parse_fields("""
        createDateTime datetime RO
        creatorResourceID int RO →Resource
        description string(32000) R
        impersonatorCreatorResourceID int RO →Resource
        impersonatorUpdaterResourceID int RO →Resource
        lastActivityDate datetime RO
        productID int R CO →Product
        title string(250) R
    """),
)

ENTITIES = (
    COMPANIES,
    COMPANY_LOCATIONS,
    CONTACTS,
    CONFIGURATION_ITEMS,
    PRODUCTS,
    PRODUCT_VENDORS,
    PRODUCT_TIERS,
    PRODUCT_NOTES,
)

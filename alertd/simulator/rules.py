"""Which entity has rules of its own."""

from __future__ import annotations

from alertd.simulator.contract_units import BUNDLES, SERVICES
from alertd.simulator.rules_adjustments import AdjustmentRules
from alertd.simulator.rules_base import Rules
from alertd.simulator.rules_contracts import (
    LINE_RULES,
    BlockRules,
    ChargeRules,
    ContractNoteRules,
    ContractRules,
    ServiceRules,
)
from alertd.simulator.rules_crm import ConfigurationItemRules, ContactRules, ModifiedRules
from alertd.simulator.rules_money import SubscriptionRules
from alertd.simulator.rules_tags import AssociationRules, TagGroupRules, TagRules
from alertd.simulator.rules_ticket_parts import AttachmentRules, SecondaryResourceRules, TicketChargeRules
from alertd.simulator.rules_tickets import AdditionalItemRules, NoteRules, TicketRules
from alertd.simulator.rules_udfs import UdfDefinitionRules, UdfListItemRules
from alertd.simulator.rules_webhooks import WEBHOOK_RULES

RULES: dict[str, Rules] = {
    "Tickets": TicketRules(),
    "TicketNotes": NoteRules(),
    "TicketAdditionalConfigurationItems": AdditionalItemRules(),
    "TicketAttachments": AttachmentRules(),
    "TicketCharges": TicketChargeRules(),
    "TicketSecondaryResources": SecondaryResourceRules(),
    "Subscriptions": SubscriptionRules(),
    "UserDefinedFieldDefinitions": UdfDefinitionRules(),
    "UserDefinedFieldListItems": UdfListItemRules(),
    "ProductNotes": ModifiedRules(created="createDateTime", modified=("lastActivityDate",)),
    "Tags": TagRules(),
    "TagGroups": TagGroupRules(),
    "TicketTagAssociations": AssociationRules(),
    "Companies": ModifiedRules(
        created="createDate", modified=("lastActivityDate", "lastTrackedModifiedDateTime")
    ),
    "Contacts": ContactRules(created="createDate", modified=("lastActivityDate", "lastModifiedDate")),
    "ConfigurationItems": ConfigurationItemRules(created="createDate", modified=("lastModifiedTime",)),
    "Contracts": ContractRules(),
    **LINE_RULES,
    **{family.adjustments: AdjustmentRules(family) for family in (SERVICES, BUNDLES)},
    "ContractBlocks": BlockRules(),
    "ContractCharges": ChargeRules(),
    "ContractNotes": ContractNoteRules(),
    "Services": ServiceRules(),
    "ServiceBundles": ServiceRules(),
    **WEBHOOK_RULES,
}

__all__ = ["RULES", "Rules"]

"""Rules of companies, contacts and configuration items."""

from __future__ import annotations

from alertd.simulator.instants import to_wire
from alertd.simulator.rules_base import Rules
from alertd.simulator.validation import NO_REFERENCE, Writer
from alertd.simulator.wire import JSON, refused


class ModifiedRules(Rules):
    """Creation and change instants under the names this entity gives them."""

    def __init__(self, *, created: str, modified: tuple[str, ...]) -> None:
        self._created = created
        self._modified = modified

    def required(self, writer: Writer, row: JSON) -> list[str]:
        """Return what tenants may demand of companies: the postal code, the address to bill to."""
        if "companyName" not in row:
            return []
        switches = writer.switches
        demanded = {
            "postalCode": switches.company_postal_code_required,
            "billToAddressToUse": switches.company_bill_to_required,
        }
        return [name for name, wanted in demanded.items() if wanted]

    def stamps(self, writer: Writer, old: JSON | None, new: JSON) -> JSON:
        """Return the instants."""
        now = to_wire(writer.stamp.now)
        found = dict.fromkeys(self._modified, now)
        return found if old else found | {self._created: now}


class ContactRules(ModifiedRules):
    """Section 5.6."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse another company's location."""
        _check_location(writer, new)


class ConfigurationItemRules(ModifiedRules):
    """Section 5.7."""

    def check(self, writer: Writer, old: JSON | None, new: JSON) -> None:
        """Refuse another company's location or contact."""
        _check_location(writer, new)
        contact = writer.tenant.row("Contact", new["contactID"])
        if contact and contact["companyID"] != new["companyID"]:
            raise refused("contactID is not associated to the companyID or its Parent Company")


def _check_location(writer: Writer, new: JSON) -> None:
    location = writer.tenant.row("CompanyLocation", new["companyLocationID"])
    if location and location["companyID"] != new["companyID"]:
        raise refused(NO_REFERENCE.format(field="companyLocationID", entity="CompanyLocation"))

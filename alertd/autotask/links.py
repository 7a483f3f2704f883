"""Links for people into Autotask's web interface: they need a browser that is signed in there."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from alertd.autotask.hosts import is_loopback

# Source: ExecuteCommand, API reference 1.5. Autotask's newer pages have addresses too, but promises none.
_COMMAND = "Autotask/AutotaskExtend/ExecuteCommand.aspx"


class DeepLinks(msgspec.Struct, frozen=True):
    """Links below the `webUrl` that the zone look-up has named. Each is empty where that is not known."""

    web_url: str

    def ticket(self, ticket_id: int) -> str:
        """Return the link to a ticket."""
        return self._to("OpenTicketDetail", "TicketID", ticket_id)

    def company(self, company_id: int) -> str:
        """Return the link to a company; 0 is the service provider's own."""
        return self._to("OpenAccount", "AccountID", company_id)

    def contact(self, contact_id: int) -> str:
        """Return the link to a contact."""
        return self._to("OpenContact", "ContactID", contact_id)

    def contract(self, contract_id: int) -> str:
        """Return the link to a contract."""
        return self._to("OpenContract", "ContractID", contract_id)

    def configuration_item(self, item_id: int) -> str:
        """Return the link to a configuration item."""
        return self._to("EditInstalledProduct", "InstalledProductID", item_id)

    def _to(self, code: str, name: str, record_id: int) -> str:
        if not _is_for_people(self.web_url):
            return ""
        return f"{self.web_url.rstrip('/')}/{_COMMAND}?Code={code}&{name}={record_id}"


def _is_for_people(web_url: str) -> bool:
    """Whether a link below this may be shown: it names a place on the web, and nothing else."""
    try:
        parts = urlsplit(web_url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    except ValueError:
        return False
    odd = parts.username or parts.query or parts.fragment or not web_url.isprintable() or " " in web_url
    return safe and bool(parts.hostname) and not odd

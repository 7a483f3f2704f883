"""Customers: what an alert says of whose it is, and the maps that turn it into an Autotask company.

A map has a row for each thing that a source calls a customer: a name, or the number it has there. It is
applied once, when an alert is decided, so it holds for what begins from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from alertd.core.alerts import Alert

CLIENT = "client"
CLIENT_ID = "client_id"  # label: the sender's own number for the customer, never one of Autotask's
COMPANY_ID = "company_id"  # label: Autotask's id of the company
SENT_CLIENT = "sent_client"  # label: what the sender called the customer, where a map says another name
WHOSE = frozenset((CLIENT, CLIENT_ID, COMPANY_ID, SENT_CLIENT))
_LONGEST_ID = 19  # digits of a 64-bit number


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose an incident is, as far as its alerts say."""

    source: str
    client: str  # a company's name or a text of the sender's; perhaps no more than `client_id`
    client_id: str = ""
    company_id: int | None = None
    sent_client: str = ""

    @property
    def to_map(self) -> str:
        """What a row of the map is found by: after one has been applied, what has led to it."""
        if self.company_id is None:
            return self.client
        return self.client_id or self.sent_client or self.client

    @property
    def is_bare_number(self) -> bool:
        """Whether all that is known is the sender's number: that is nobody's name in Autotask."""
        return bool(self.client) and self.client == self.client_id


def customer_in(source: str, labels: Mapping[str, str]) -> Customer:
    """Return whose an alert of this source is, as far as its labels say."""
    return Customer(
        source=source,
        client=labels.get(CLIENT, ""),
        client_id=labels.get(CLIENT_ID, ""),
        company_id=parse_id(labels.get(COMPANY_ID, "")),
        sent_client=labels.get(SENT_CLIENT, ""),
    )


def parse_id(text: str) -> int | None:
    """Return the id of a company that a text is; None: it is none.

    Zero is Autotask's id of the MSP itself, but "none" to all senders: who means it is found by name.
    """
    text = text.strip()
    is_id = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID
    return (int(text) or None) if is_id else None


class CompanyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the map that the store keeps: what a source sends, and the company that it means."""

    source: str
    sent: str  # a name, or the sender's number
    company_id: int
    company: str  # its name when the row was written


def sent_key(sent: str) -> str:
    """Return a sent value as it is compared: case and space around it do not count."""
    return sent.strip().casefold()


class CompanyMap:
    """The rows in force, found by source and sent value."""

    def __init__(self, rows: Iterable[CompanyRow] = ()) -> None:
        self.rows: Mapping[tuple[str, str], CompanyRow] = {
            (row.source, sent_key(row.sent)): row for row in rows
        }

    def find(self, source: str, *sent: str) -> CompanyRow | None:
        """Return the row of the first of these values that has one."""
        rows = (self.rows.get((source, sent_key(each))) for each in sent if each)
        return next((row for row in rows if row is not None), None)

    def applied(self, alert: Alert) -> Alert:
        """Return the alert with the company that its customer is mapped to; what was sent stays beside it."""
        labels = alert.labels
        row = (
            self.find(alert.source, labels.get(CLIENT_ID, ""), labels.get(CLIENT, "")) if self.rows else None
        )
        if row is None:
            return alert
        ours = {CLIENT: row.company, COMPANY_ID: str(row.company_id)}
        sent = {f"sent_{name}": labels[name] for name in ours if labels.get(name, ours[name]) != ours[name]}
        return msgspec.structs.replace(alert, labels={**sent, **labels, **ours})


def conflicting(
    rows: Iterable[CompanyRow], clients_by_source: Mapping[str, Mapping[str, str]]
) -> Sequence[CompanyRow]:
    """Return the rows whose key the configuration has too: nobody could say which of them holds.

    Args:
        rows: Of the map that the store keeps.
        clients_by_source: `clients` of each configured source.
    """
    configured = {
        (source, sent_key(sent)) for source, clients in clients_by_source.items() for sent in clients
    }
    return [row for row in rows if (row.source, sent_key(row.sent)) in configured]

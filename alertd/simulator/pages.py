"""The web UI, as far as deep links from alertd lead: one page per ticket, company and the like."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from alertd.simulator import truth
from alertd.simulator.filling import find_by_name
from alertd.simulator.simulator import Simulator
from alertd.simulator.wire import JSON, SimReply, html, text

PATH = "/web/Autotask/AutotaskExtend/ExecuteCommand.aspx"
_LABELLED = ("status", "priority", "queueID", "source", "ticketType", "ticketCategory")
_PLAIN = ("externalID", "companyID", "createDate", "lastActivityDate", "completedDate", "resolution")
_OTHERS = {
    "OpenAccount": ("Companies", "AccountID"),
    "OpenContact": ("Contacts", "ContactID"),
    "OpenContract": ("Contracts", "ContractID"),
    "EditInstalledProduct": ("ConfigurationItems", "InstalledProductID"),
}


def page(simulator: Simulator, query: Mapping[str, str]) -> SimReply:
    """Return the page of a deep link, such as `Code=OpenTicketDetail` with `TicketID` or `TicketNumber`."""
    code = query.get("Code", "")
    shown = _ticket(simulator, query) if code == "OpenTicketDetail" else _other(simulator, code, query)
    if shown is None:
        return html(404, "404 - File or directory not found.")
    return text(200, shown, "text/html; charset=utf-8")


def _ticket(simulator: Simulator, query: Mapping[str, str]) -> str | None:
    key: int | str = query.get("TicketNumber", "")
    if query.get("TicketID", "").isdecimal():
        key = int(query["TicketID"])
    row = find_by_name(simulator.tenant, "Tickets", key)
    return None if row is None else _ticket_page(simulator, truth.ticket(simulator.tenant, row["id"]))


def _other(simulator: Simulator, code: str, query: Mapping[str, str]) -> str | None:
    entity, parameter = _OTHERS.get(code, ("", ""))
    table, key = simulator.tenant.tables.get(entity), query.get(parameter, "")
    row = table.get(int(key)) if table is not None and key.isdecimal() else None
    if row is None:
        return None
    values = [(name, str(value)) for name, value in row.items() if value not in (None, {})]
    return _page(f"{entity} {key}", _table(values))


def _ticket_page(simulator: Simulator, ticket: JSON) -> str:
    rows = [("tags", ", ".join(ticket["tags"]))]
    rows += [(name, _label(simulator, name, ticket[name])) for name in _LABELLED]
    rows += [(name, str(ticket[name])) for name in _PLAIN if ticket[name] is not None]
    notes = "".join(
        f"<h3>{escape(str(note['title']))}</h3><pre>{escape(str(note['description']))}</pre>"
        for note in ticket["notes"]
    )
    description = escape(str(ticket["description"] or ""))
    body = f"<pre>{description}</pre>{_table(rows)}{notes}"
    return _page(f"{ticket['ticketNumber']} {ticket['title']}", body)


def _page(title: str, body: str) -> str:
    shown = escape(title)
    head = f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{shown}</title></head>"
    return f"{head}<body><h1>{shown}</h1>{body}</body></html>"


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"


def _label(simulator: Simulator, name: str, value: object) -> str:
    found = simulator.tenant.values_of("Tickets", name).get(str(value))
    return found.label if found else str(value)

"""The web UI, as far as deep links from alertd lead: one page per ticket."""

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


def page(simulator: Simulator, query: Mapping[str, str]) -> SimReply:
    """Return the page of `Code=OpenTicketDetail` with `TicketID` or `TicketNumber`."""
    key: int | str = query.get("TicketNumber", "")
    if query.get("TicketID", "").isdecimal():
        key = int(query["TicketID"])
    row = find_by_name(simulator.tenant, "Tickets", key)
    if query.get("Code") != "OpenTicketDetail" or row is None:
        return html(404, "404 - File or directory not found.")
    return text(
        200, _ticket(simulator, truth.ticket(simulator.tenant, row["id"])), "text/html; charset=utf-8"
    )


def _ticket(simulator: Simulator, ticket: JSON) -> str:
    rows = [("tags", ", ".join(ticket["tags"]))]
    rows += [(name, _label(simulator, name, ticket[name])) for name in _LABELLED]
    rows += [(name, str(ticket[name])) for name in _PLAIN if ticket[name] is not None]
    table = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    notes = "".join(
        f"<h3>{escape(str(note['title']))}</h3><pre>{escape(str(note['description']))}</pre>"
        for note in ticket["notes"]
    )
    title = escape(f"{ticket['ticketNumber']} {ticket['title']}")
    description = escape(str(ticket["description"] or ""))
    head = f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{title}</title></head>"
    return f"{head}<body><h1>{title}</h1><pre>{description}</pre><table>{table}</table>{notes}</body></html>"


def _label(simulator: Simulator, name: str, value: object) -> str:
    found = simulator.tenant.values_of("Tickets", name).get(str(value))
    return found.label if found else str(value)

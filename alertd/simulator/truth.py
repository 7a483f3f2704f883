"""The ground truth: everything the tenant holds, as no API call shows it."""

from __future__ import annotations

from alertd.simulator import contract_units
from alertd.simulator.instants import to_wire
from alertd.simulator.simulator import Simulator
from alertd.simulator.tenant import Tenant
from alertd.simulator.wire import JSON

_INSIDE_TICKETS = (
    "TicketNotes",
    "TicketTagAssociations",
    "TicketAdditionalConfigurationItems",
    "TicketHistory",
)


def state(simulator: Simulator, now: float, only: str = "") -> JSON:
    """Return all rows, tickets with their notes, tags and history; `only` names one key of the answer."""
    parts: JSON = {}
    if only in ("", "tickets"):
        parts["tickets"] = tickets(simulator.tenant)
    for name, table in simulator.tenant.tables.items():
        key = name[0].lower() + name[1:]
        if name != "Tickets" and name not in _INSIDE_TICKETS and only in ("", key):
            parts[key] = list(table)
    if only in ("", "unitLevels"):
        parts["unitLevels"] = unit_levels(simulator)
    if only in ("", "callouts"):
        parts["callouts"] = list(simulator.callouts.made)
    if only in ("", "queues"):
        parts["queues"] = queues(simulator.tenant)
    if only in ("", "apiUsers"):
        parts["apiUsers"] = api_users(simulator.tenant)
    return {"now": to_wire(now), "ticketCount": len(simulator.tenant.table("Tickets").ids)} | parts


def tickets(tenant: Tenant) -> list[JSON]:
    """Return every ticket with what hangs on it."""
    return [ticket(tenant, row["id"]) for row in tenant.table("Tickets")]


def ticket(tenant: Tenant, ticket_id: int) -> JSON:
    """Return one ticket with its notes, tags (labels and ids), additional items and changes."""
    table = tenant.table("Tickets")
    tag_ids = [row["tagID"] for row in tenant.table("TicketTagAssociations").find("ticketID", ticket_id)]
    items = tenant.table("TicketAdditionalConfigurationItems").find("ticketID", ticket_id)
    labels = ((tenant.row("Tag", tag_id) or {}).get("label") for tag_id in tag_ids)
    return table.rows[ticket_id] | {
        "notes": tenant.table("TicketNotes").find("ticketID", ticket_id),
        "tags": sorted(str(label) for label in labels),
        "tagIDs": tag_ids,
        "additionalConfigurationItemIDs": [row["configurationItemID"] for row in items],
        "changes": table.changes.get(ticket_id, []),
    }


def unit_levels(simulator: Simulator) -> list[JSON]:
    """Return every line of every contract with its units by day, equal days together."""
    return [
        {
            "contractID": line.contract["id"],
            line.family.line_id: line.row["id"],
            line.family.catalogue_id: line.product["id"],
            "name": line.product["name"],
            "days": contract_units.unit_levels(line),
        }
        for contract in simulator.tenant.table("Contracts")
        for line in contract_units.lines_of(simulator.tenant, simulator.switches, contract["id"])
    ]


def queues(tenant: Tenant) -> list[JSON]:
    """Return the queue picklist with who works each queue."""
    rows = tenant.table("ResourceRoleQueues")
    return [
        {
            "id": value.value,
            "label": value.label,
            "isActive": value.active,
            "resourceIDs": [row["resourceID"] for row in rows.find("queueID", value.value)],
        }
        for value in tenant.values_of("Tickets", "queueID").values()
    ]


def api_users(tenant: Tenant) -> list[JSON]:
    """Return the API users without their secrets."""
    return [
        {
            "username": user.username,
            "resourceID": user.resource_id,
            "isActive": user.active,
            "isLocked": user.locked,
            "failedLogins": user.failed_logins,
            "removed": sorted(user.removed),
        }
        for user in tenant.api_users.values()
    ]


def calls(simulator: Simulator, now: float, *, limit: int = 1000, since: int = 0, endpoint: str = "") -> JSON:
    """Return the ledger: totals, high-water marks, the rolling hour, and the newest entries."""
    found = [
        entry
        for entry in simulator.ledger.entries
        if entry.number > since and endpoint.lower() in ("", entry.endpoint.lower())
    ]
    return simulator.ledger.summary() | {
        "now": now,
        "highWater": dict(sorted(simulator.threads.high_water.items())),
        "rollingHour": {"all": simulator.used_requests(now), "counted": simulator.threshold.own(now)},
        "calls": found[-limit:] if limit > 0 else [],
    }

"""The lines of the connection checklist: what each is for, and where in Autotask it is put right.

Menu paths as in the product's help in 2026; before, "Organization Settings & Users" was called "Account
Settings & Users" or "Company Settings & Users".
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

MSP = ("alerts", "billing")
_USERS = "Admin > Organization Settings & Users > Resources/Users (HR) > Resources/Users > the API user"
_LEVEL = (
    "Admin > Organization Settings & Users > Resources/Users (HR) > Security > Security Levels > its level"
)
_DESK = "Admin > Features & Settings > Service Desk (Tickets)"
_SHARED = "Admin > Features & Settings > Application-wide (Shared) Features"


class State(StrEnum):
    """How a line stands."""

    OK = "ok"
    MISSING = "missing"
    CANNOT_TELL = "cannot_tell"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What is checked, whatever the answer."""

    id: str
    group: str
    title: str
    needed_for: tuple[str, ...]  # of "alerts", "billing"
    reason: str
    where: str


class Verdict(msgspec.Struct, frozen=True):
    """How an item stands, what was seen, and the line without which nothing can be said of it."""

    state: State
    detail: str
    waits_for: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the checklist. `counts`: it decides the exit code, since its module is configured."""

    id: str
    group: str
    title: str
    state: State
    needed_for: tuple[str, ...]
    counts: bool
    reason: str
    detail: str
    where: str
    waits_for: str | None = None


def ok(detail: str) -> Verdict:
    """Return that all is well."""
    return Verdict(State.OK, detail)


def missing(detail: str) -> Verdict:
    """Return that something has to be put right."""
    return Verdict(State.MISSING, detail)


def cannot_tell(detail: str, waits_for: str | None = None) -> Verdict:
    """Return that nothing can be said, or not until another line is ok."""
    return Verdict(State.CANNOT_TELL, detail, waits_for)


def line_of(item: Item, verdict: Verdict, *, counts: bool) -> Line:
    """Join an item with how it stands."""
    return Line(
        id=item.id,
        group=item.group,
        title=item.title,
        state=verdict.state,
        needed_for=item.needed_for,
        counts=counts,
        reason=item.reason,
        detail=verdict.detail,
        where=item.where,
        waits_for=verdict.waits_for,
    )


def _connection(id_: str, title: str, reason: str, where: str) -> Item:
    return Item(id=id_, group="Connection", title=title, needed_for=MSP, reason=reason, where=where)


def _tickets(id_: str, title: str, reason: str, where: str) -> Item:
    return Item(id=id_, group="Tickets", title=title, needed_for=("alerts",), reason=reason, where=where)


def _contracts(id_: str, title: str, reason: str, where: str) -> Item:
    return Item(
        id=id_, group="Contracts and units", title=title, needed_for=("billing",), reason=reason, where=where
    )


def of_boards(id_: str, title: str, reason: str, where: str) -> Item:
    """Return an item about something that the configuration's boards name."""
    return Item(
        id=id_, group="Configuration", title=title, needed_for=("alerts",), reason=reason, where=where
    )


ZONE = _connection(
    "zone",
    "Zone found",
    "every call goes to the zone that hosts this tenant",
    "[autotask] zone_url, the network",
)
USER_NAME = _connection("user_name", "User name known", "it finds the zone and signs every call", _USERS)
SIGN_IN = _connection(
    "sign_in",
    "Secret and account",
    "every call needs the secret, and an active user who is not locked and may use the API",
    f"{_USERS}: Password (Secret), Active, Locked; "
    f"{_LEVEL} > Web Services API > Can login to Web Services API",
)
INTEGRATION_CODE = _connection(
    "integration_code",
    "Tracking identifier",
    "it signs every call",
    f"{_USERS} > API Tracking Identifier > Custom (Internal Integration)",
)
CUSTOM_INTEGRATION = _connection(
    "custom_integration",
    "Custom integration",
    "alertd is in no vendor list, so its API user has a custom tracking identifier",
    f"{_USERS} > API Tracking Identifier > Custom (Internal Integration)",
)
REQUEST_THRESHOLD = _connection(
    "request_threshold",
    "Request threshold",
    "all integrations of the tenant share it; beyond it every call is refused",
    "Admin > Extensions & Integrations > Other Extensions & Tools: find the integration that calls too often",
)
LINES_OF_BUSINESS = _connection(
    "lines_of_business",
    "Lines of business",
    "tickets and contracts of other lines of business are invisible",
    f"{_USERS} > Line of Business",
)

TICKETS_VIEW = _tickets(
    "tickets_view",
    "Tickets: view",
    "alertd reads its tickets back, and finds them again after an unclear answer",
    f"{_LEVEL} > Service Desk > Object Permissions > Tickets > View: All",
)
TICKETS_ADD = _tickets(
    "tickets_add",
    "Tickets: add",
    "alertd makes tickets",
    f"{_LEVEL} > Service Desk > Object Permissions > Tickets > Add: Yes",
)
TICKETS_EDIT = _tickets(
    "tickets_edit",
    "Tickets: edit",
    "alertd changes priority, queue and status, and completes tickets",
    f"{_LEVEL} > Service Desk > Object Permissions > Tickets > Edit: All",
)
EDIT_COMPLETE = _tickets(
    "edit_complete_tickets",
    "Tickets: reopen complete",
    "an alert that fires again within reopen_within reopens its ticket",
    f"{_LEVEL} > Service Desk > Other Permissions > Can edit Status of Complete tickets",
)
NOTES_ADD = _tickets(
    "notes_add",
    "Ticket notes: add",
    "what happens after the first alert is told in notes",
    f"{_LEVEL} > Service Desk > Object Permissions > Tickets and Ticket Notes",
)
TAGS_ADMINISTER = _tickets(
    "administer_tags",
    "Tags: administer",
    "alertd makes its tags and their group where they are missing",
    f"{_LEVEL} > Service Desk > Other Permissions > Can administer ticket tags and tag groups",
)
TAGS_REMOVE = _tickets(
    "remove_tags",
    "Tags: remove",
    "a tag that says how the alert stands is taken off when it stands otherwise",
    f"{_LEVEL} > Service Desk > Other Permissions > Can remove tags from tickets",
)
DUPLICATE_HANDLING = _tickets(
    "duplicate_ticket_handling",
    "Duplicate tickets",
    "this setting may take a new ticket into an old one of the same company; alertd then works on that old "
    "ticket and never completes it",
    f"{_SHARED} > System Settings > Service Desk > Duplicate Ticket Handling",
)
WRITE_TEST = _tickets(
    "write_test",
    "Test ticket",
    "what alertd does to a ticket was tried on one of its own",
    "see the other lines; the test ticket is on the board of the root route",
)
CRM_CUSTOMERS = Item(
    id="crm_customers",
    group="Companies",
    title="Customers: view all",
    needed_for=MSP,
    reason="tickets and contracts of a company that cannot be seen cannot be seen either",
    where=f"{_LEVEL} > CRM > Organization & Contact Access > Customer & Cancellation: All",
)
DEVICES_VIEW = Item(
    id="devices_view",
    group="Companies",
    title="Devices: view all",
    needed_for=("alerts",),
    reason="a ticket is linked to the device that its alert names",
    where=f"{_LEVEL} > CRM > Object Permissions > Configuration Items & Subscriptions > View: All",
)
WEBHOOKS = _tickets(
    "webhooks",
    "Webhooks: create",
    "Autotask calls alertd when somebody changes a ticket",
    f"{_LEVEL} > Other > Webhooks > Can create Webhooks, with a maximum number of 1 or more",
)

CONTRACTS_VIEW = _contracts(
    "contracts_view",
    "Contracts: view all",
    "contracts, their services and units are read before and after every change",
    f"{_LEVEL} > Contracts > Object Permissions > Contracts > View: All; Contract Visibility: Full",
)
CONTRACTS_EDIT = _contracts(
    "contracts_edit",
    "Contracts: adjust units",
    "units are changed by contract service adjustments",
    f"{_LEVEL} > Contracts > Object Permissions > Contracts > Add: Yes; Contract Visibility: Full; "
    "Other Permissions > Can modify Service/Bundle",
)
PRODUCTS_VIEW = _contracts(
    "products_view",
    "Products: view all",
    "services are found by name",
    f"{_LEVEL} > Inventory > Object Permissions > Products > View: All",
)
COSTS = _contracts(
    "costs",
    "Internal cost visible",
    "the cost of a service is shown beside its price in a plan",
    f"{_USERS} > Security Level: one that is not based on Can't Read Costs; "
    f"{_LEVEL} > Can view internal cost data",
)
CONTRACT_COMPANIES = _contracts(
    "contract_companies",
    "Contract companies",
    "a company of another type would show up without a name in billing",
    "CRM > Search > Organizations > the company > Edit > Organization Type: Customer",
)

COMPANIES = of_boards(
    "companies",
    "Companies",
    "a ticket goes to the company that the route names, or to the fallback company",
    "[autotask] fallback_company, [route] company; CRM > Search > Organizations > Active",
)
REFERENCE_UDF = of_boards(
    "reference_udf",
    "Field of references",
    "tickets are found by it where another integration writes into externalID",
    f"[autotask] reference_udf; {_SHARED} > User-Defined Fields > Tickets",
)
COMPANY_ALIAS = of_boards(
    "company_alias",
    "Alias of companies",
    "companies are found by what monitoring calls them",
    f"[autotask] company_alias; {_SHARED} > User-Defined Fields > Organizations",
)
DEVICE_UDFS = of_boards(
    "device_udfs",
    "Fields of devices",
    "devices are found by them",
    f"[autotask] device_udfs; {_SHARED} > User-Defined Fields > Configuration Items",
)
TAG_GROUP = of_boards(
    "tag_group",
    "Tag group and tags",
    "alertd makes those that are missing",
    f"{_DESK} > Tags and Tag Groups",
)
NOTE_TYPE = of_boards(
    "note_type", "Note type", "notes are of this type", f"{_DESK} > Note Types; [autotask] note_type"
)

_BOARD_KEYS = {
    "status": (
        "statuses",
        "Statuses",
        "tickets are made and completed with them",
        f"{_DESK} > Ticket Statuses",
    ),
    "priority": ("priorities", "Priorities", "each severity has one", f"{_DESK} > Priorities"),
    "source": ("ticket_sources", "Ticket sources", "tickets name it as their origin", f"{_DESK} > Sources"),
    "category": (
        "ticket_categories",
        "Ticket categories",
        "tickets are made in it",
        f"{_DESK} > Ticket Categories",
    ),
    "ticket_type": ("ticket_types", "Ticket types", "tickets are of this type", f"{_DESK} > Ticket Types"),
    "issue": ("issue_types", "Issue types", "tickets carry it", f"{_DESK} > Issue & Sub-Issue Types"),
    "sub_issue": (
        "sub_issue_types",
        "Sub-issue types",
        "tickets carry it",
        f"{_DESK} > Issue & Sub-Issue Types",
    ),
    "sla": (
        "service_level_agreements",
        "SLAs",
        "tickets are made under it",
        f"{_DESK} > Service Level Agreements",
    ),
    "resource": (
        "assignees",
        "Assignees",
        "tickets are assigned to them",
        "Admin > Company Settings & Users > Resources/Users",
    ),
    "role": (
        "assignee_roles",
        "Roles of assignees",
        "tickets are assigned in them",
        "Admin > Company Settings & Users > Resources/Users > the resource > Associations > Roles",
    ),
    "udfs": (
        "user_defined_fields",
        "User-defined fields",
        "tickets carry them",
        f"{_SHARED} > User-Defined Fields > Tickets",
    ),
}


def board_item(key: str) -> Item:
    """Return the item about one key of `[[boards]]`, such as `status`, over all boards."""
    known = _BOARD_KEYS.get(key)
    if known is None:
        return of_boards(f"board_{key}", f"Boards: {key}", "boards name it", f"[[boards]] {key}; {_DESK}")
    id_, title, reason, where = known
    return of_boards(id_, title, reason, f"[[boards]] {key}; {where}")


def queue_item(slug: str, board: str) -> Item:
    """Return the item about the queue of one board."""
    return of_boards(
        f"queue_{slug}",
        f"Queue of board {board}",
        "tickets of this board go there; nobody sees those of a queue without people",
        f"{_DESK} > Queues > the queue > Resources; [[boards]] queue",
    )

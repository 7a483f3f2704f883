"""The questions of the connection checklist, the most telling first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from alertd.autotask.assignees import EVERYBODY, Staff, staff_of, ties_of
from alertd.autotask.checklist_asking import Asking, Question, asks_for
from alertd.autotask.checklist_evidence import (
    Evidence,
    NamedCompany,
    Rows,
    Unanswered,
    Wanted,
    described_entities,
)
from alertd.autotask.directory import Directory, read_entries
from alertd.autotask.picklists import Choice, Fields, read_fields
from alertd.autotask.queries import MOST_ROWS, AnyOf, Condition, Query, Where
from alertd.autotask.transport import Transport
from alertd.autotask.udfs import Udfs, read_udfs
from alertd.flows.errors import Unavailable

CUSTOMER = 1  # Companies.companyType
_RECURRING, _ACTIVE = 7, 1  # Contracts.contractType and status
_MOST_NAMED = 150  # companies in one query: each may be three alternatives
_SAMPLE = 100  # services; enough to tell whether costs are shown
_LONGEST_USER_NAME = 32  # Resources.userName may be shortened
_RIGHTS = ("Tickets", "TicketNotes", "TagGroups", "Tags", "TicketTagAssociations", "ConfigurationItems")
_MORE_RIGHTS = (
    "TicketWebhooks",
    "Companies",
    "ContractServiceAdjustments",
    "Contracts",
    "Products",
    "ResourceRoleQueues",
)

_THRESHOLD = Question(key="threshold", path="ThresholdInformation", endpoint="ThresholdInformation")
_ENTITIES = Question(key="entities", path="EntityInformation", endpoint="EntityInformation")
_TICKET_FIELDS = Question(key="ticket_fields", path="Tickets/entityInformation/fields", endpoint="Tickets")
_NOTE_FIELDS = Question(
    key="note_fields", path="TicketNotes/entityInformation/fields", endpoint="TicketNotes"
)
_IS_ACTIVE = Where("eq", "isActive", True)


async def gather(transport: Transport, wanted: Wanted, *, now: datetime, made: Callable[[], int]) -> Evidence:
    """Ask everything, one question after another.

    Args:
        transport: The way to the tenant; nothing else uses it meanwhile.
        wanted: What the configuration needs.
        now: For contracts that have ended.
        made: Returns how many HTTP calls `transport` has made so far.

    Raises:
        PortError: Autotask gave no HTTP answer.
    """
    asking = Asking(transport, made)
    await asking.find_zone()
    await asking.sign_in(_THRESHOLD, _ENTITIES)
    await _ask_configured(asking, wanted)
    unneeded = {"TicketWebhooks"} if not wanted.call_outs else set()
    unneeded |= {"ConfigurationItems"} if not wanted.match_devices else set()
    await _ask_rights(asking, [each for each in _RIGHTS if each not in unneeded])
    await _ask_lines_of_business(asking, wanted.username)
    await _ask_contracts(asking, now)
    await _ask_rights(asking, [each for each in _MORE_RIGHTS if each not in unneeded])
    await _ask_staff(asking, wanted)
    return asking.evidence()


def ticket_fields(evidence: Evidence) -> Fields | None:
    """Return the metadata of Tickets; None where there is none that can be read."""
    answer = evidence.answer(_TICKET_FIELDS.key)
    try:
        return None if isinstance(answer, Unanswered) else read_fields(answer)
    except Unavailable:
        return None


def udfs_of(evidence: Evidence, entity: str) -> Udfs | None:
    """Return the user-defined fields of an entity; None where they were not asked for, or cannot be read."""
    answer = evidence.answer(f"udfs {entity}")
    try:
        return None if isinstance(answer, Unanswered) else read_udfs(answer)
    except Unavailable:
        return None


def staff_seen(evidence: Evidence) -> Staff | None:
    """Return to whom tickets may be assigned; None where that was not asked, or cannot be read.

    Who is in a queue is asked last, and may be more than may be asked; then that is not held against anybody.
    """
    rows = {name: evidence.rows.get(f"staff {name}", ()) for name in Staff.__struct_fields__}
    queues = rows.pop("queues")
    found = {name: each for name, each in rows.items() if not isinstance(each, Unanswered)}
    if found.keys() != rows.keys() or not found["resources"]:
        return None
    return staff_of({**found, "queues": None if isinstance(queues, Unanswered) else queues})


def note_fields(evidence: Evidence) -> Fields | None:
    """Return the metadata of TicketNotes; None where there is none that can be read."""
    answer = evidence.answer(_NOTE_FIELDS.key)
    try:
        return None if isinstance(answer, Unanswered) else read_fields(answer)
    except Unavailable:
        return None


def companies_found(evidence: Evidence) -> Rows | Unanswered:
    """Return the companies that were found for those that are named."""
    rows = {row["id"]: row for key in ("companies", "aliased") for row in evidence.some(key)}
    return tuple(rows.values()) if rows else evidence.found("companies")


def companies_of(evidence: Evidence, wanted: Wanted) -> Directory:
    """Return the companies that were found for those that are named, under all that they may be called by."""
    return Directory(read_entries(_company_rows(evidence), alias_udf=wanted.company_alias))


def active_companies_of(evidence: Evidence, wanted: Wanted) -> Directory:
    """Return those of them that are active: alertd knows no others."""
    active = [row for row in _company_rows(evidence) if row.get("isActive") is not False]
    return Directory(read_entries(active, alias_udf=wanted.company_alias))


def _company_rows(evidence: Evidence) -> Rows:
    found = companies_found(evidence)
    return () if isinstance(found, Unanswered) else found


async def _ask_configured(asking: Asking, wanted: Wanted) -> None:
    await asking.ask(_TICKET_FIELDS)
    for entity in _with_udfs(wanted):
        path = f"{entity}/entityInformation/userDefinedFields"
        await asking.ask(Question(key=f"udfs {entity}", path=path, endpoint=entity))
    if queue_ids := _queue_ids(wanted, ticket_fields(asking.evidence())):
        await asking.ask_pages("people", _people(queue_ids), most=2)
    await _ask_companies(asking, wanted)
    await asking.ask(_customers())
    await asking.ask(asks_for("tag_groups", _labelled("TagGroups", [wanted.tag_group])))
    if wanted.note_type is not None:
        await asking.ask(_NOTE_FIELDS)


async def _ask_companies(asking: Asking, wanted: Wanted) -> None:
    """Ask for the companies that are named, with all that have an alias: of several, none can be asked for.

    Where that is refused, or fills the whole page, the named ones are asked for alone.
    """
    if wanted.company_alias is not None:
        aliased = Where("exist", wanted.company_alias, udf=True)
        await asking.ask(asks_for("aliased", _companies(wanted, aliased)))
        if 0 < len(asking.evidence().some("aliased")) < MOST_ROWS:
            return
    await asking.ask(asks_for("companies", _companies(wanted)))


async def _ask_rights(asking: Asking, entities: Iterable[str]) -> None:
    """Ask singly for what the global metadata does not tell."""
    told = described_entities(asking.evidence().answer(_ENTITIES.key))
    for entity in entities:
        if entity not in told:
            await asking.ask(
                Question(key=f"entity {entity}", path=f"{entity}/entityInformation", endpoint=entity)
            )


async def _ask_staff(asking: Asking, wanted: Wanted) -> None:
    """Ask, last of all, to whom tickets may be assigned, where any are to be."""
    named = [form.resource for _, form in wanted.forms() if form.resource is not None]
    if not named:
        return
    for name, query in EVERYBODY.items():
        await asking.ask(asks_for(f"staff {name}", query))
    ties = ties_of(asking.evidence().some("staff resources"), named)
    for name, query in ties.items():
        await asking.ask(asks_for(f"staff {name}", query))


async def _ask_contracts(asking: Asking, now: datetime) -> None:
    await asking.ask(asks_for("services", _services()))
    contracts = await asking.ask_pages("contracts", _contracts(now), most=2)
    if company_ids := _company_ids(contracts):
        await asking.ask(asks_for("other_types", _of_other_types(company_ids[:MOST_ROWS])))


async def _ask_lines_of_business(asking: Asking, username: str) -> None:
    """Ask who we are and where we belong, if the tenant has lines of business at all."""
    lines = _query("OrganizationalLevelAssociations", _IS_ACTIVE, fields=("isActive",))
    await asking.ask(asks_for("lines_of_business", lines))
    if not asking.evidence().some("lines_of_business"):
        return
    await asking.ask(asks_for("own_resource", _own_resource(username)))
    own_id = own_resource_id(asking.evidence(), username)
    if own_id is not None:
        await asking.ask(asks_for("own_lines_of_business", _lines_of(own_id)))


def own_resource_id(evidence: Evidence, username: str) -> int | None:
    """Return the API user's resource id; None where it cannot be found, or not be told from another's."""
    rows = evidence.some("own_resource")
    exact = [row for row in rows if str(row.get("userName")).casefold() == username.casefold()]
    found = exact or list(rows)
    own_id = found[0].get("id") if len(found) == 1 else None
    return own_id if isinstance(own_id, int) else None


def _query(entity: str, *conditions: Condition, fields: tuple[str, ...], limit: int = MOST_ROWS) -> Query:
    return Query(entity=entity, conditions=conditions, fields=fields, limit=limit)


def _queue_ids(wanted: Wanted, fields: Fields | None) -> tuple[int, ...]:
    queues = None if fields is None else fields.picklist("queueID")
    found = [queues.find(board.queue) for board in wanted.boards] if queues is not None else []
    return tuple(sorted({each.id for each in found if isinstance(each, Choice)}))[:MOST_ROWS]


def _people(queue_ids: tuple[int, ...]) -> Query:
    return _query("ResourceRoleQueues", Where("in", "queueID", queue_ids), fields=("queueID", "resourceID"))


def _companies(wanted: Wanted, *more: Where) -> Query:
    """Ask for every company that is named, active or not, by id, name or number."""
    named = [each.named for each in _named(wanted)][:_MOST_NAMED]
    ids = {each for each in named if isinstance(each, int)}
    texts = {each.strip() for each in named if isinstance(each, str) and each.strip()}
    texts |= {part.strip() for text in texts for part in text.split("/") if part.strip()}  # Parent / Child
    ids |= {int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19}
    conditions: list[Condition] = [*more]
    conditions += [Where("in", "id", tuple(sorted(ids)))] if ids else []
    for text in sorted(texts):
        conditions += [Where("eq", "companyName", text), Where("eq", "companyNumber", text)]
    return _query("Companies", AnyOf(tuple(conditions)), fields=_company_fields(wanted))


def _company_fields(wanted: Wanted) -> tuple[str, ...]:
    alias = () if wanted.company_alias is None else (wanted.company_alias,)
    return ("companyName", "companyNumber", "isActive", "parentCompanyID", *alias)


def _named(wanted: Wanted) -> list[NamedCompany]:
    test = [] if wanted.test_company is None else [wanted.test_company]
    return [*test, *wanted.companies]


def _with_udfs(wanted: Wanted) -> list[str]:
    used = {
        "Tickets": wanted.reference_udf is not None or any(board.udfs for board in wanted.boards),
        "Companies": wanted.company_alias is not None,
        "ConfigurationItems": bool(wanted.device_udfs),
    }
    return [entity for entity, is_used in used.items() if is_used]


def _customers() -> Question:
    """Count those that can be seen. The MSP itself (0) may be of this type, and shows itself to everybody."""
    others = Where("gt", "id", 0)
    query = _query("Companies", Where("eq", "companyType", CUSTOMER), _IS_ACTIVE, others, fields=())
    body = {"filter": query.body()["filter"]}
    return Question(key="customers", path="Companies/query/count", endpoint="Companies", body=body)


def _labelled(entity: str, labels: Sequence[str]) -> Query:
    return _query(entity, Where("in", "label", tuple(labels)), fields=("label", "isActive"), limit=10)


def _contracts(now: datetime) -> Query:
    return _query(
        "Contracts",
        Where("eq", "contractType", _RECURRING),
        Where("eq", "status", _ACTIVE),
        Where("gte", "endDate", now.strftime("%Y-%m-%dT00:00:00Z")),
        fields=("companyID", "contractName"),
    )


def _company_ids(contracts: Rows) -> tuple[int, ...]:
    """Return whose contracts these are; 0, the MSP itself, is nobody's customer."""
    return tuple(
        sorted({row["companyID"] for row in contracts if isinstance(row.get("companyID"), int)} - {0})
    )


def _of_other_types(company_ids: tuple[int, ...]) -> Query:
    return _query(
        "Companies",
        Where("in", "id", company_ids),
        Where("noteq", "companyType", CUSTOMER),
        fields=("companyName", "companyType"),
    )


def _services() -> Query:
    return _query("Services", Where("gte", "id", 0), fields=("name", "unitPrice", "unitCost"), limit=_SAMPLE)


def _lines_of(own_id: int) -> Query:
    return _query(
        "OrganizationalResources",
        Where("eq", "resourceID", own_id),
        fields=("organizationalLevelAssociationID",),
    )


def _own_resource(username: str) -> Query:
    short = username.partition("@")[0]
    names = {username, short, username[:_LONGEST_USER_NAME], short[:_LONGEST_USER_NAME]}
    conditions = tuple(Where("eq", "userName", name) for name in sorted(names) if name)
    return _query("Resources", AnyOf(conditions), fields=("userName",), limit=10)

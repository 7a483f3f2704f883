"""Judging what the configuration names: queues, picklist entries, companies, tags, the note type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from alertd.autotask import checklist_lines as lines
from alertd.autotask.boards import Resolved, Tenant, resolve
from alertd.autotask.checklist_evidence import NOT_ASKED, Evidence, NamedCompany, Rows, Unanswered, Wanted
from alertd.autotask.checklist_lines import Item, State, Verdict, cannot_tell, missing, ok
from alertd.autotask.checklist_plan import (
    active_companies_of,
    companies_found,
    companies_of,
    note_fields,
    staff_seen,
    ticket_fields,
    udfs_of,
)
from alertd.autotask.picklists import Choice, Fields, NoChoice
from alertd.autotask.queries import MOST_ROWS
from alertd.autotask.udfs import NO_UDFS, reference_field
from alertd.core.boards import BoardSettings
from alertd.flows.ports import CompanyMatch

NOTHING_SEEN = Evidence(zone=NOT_ASKED)
OWN_COMPANY = 0  # the MSP itself, which every tenant has
_NOT_PICKED = frozenset(
    {"name", "queue", "tags", "state_tags", "title_template", "description_template"}
    | {"contract", "contact", "location", "due"}  # of the ticket's company, whichever that is
)
_FIRST_OWN_QUEUE = 1000  # a tenant's own queues have large ids, those that every tenant has do not
_WORD = re.compile(r"[^a-z0-9]+")
_KEY = re.compile(r"[a-z_]+")


def judge_configured(
    evidence: Evidence, wanted: Wanted, judged: Mapping[str, State]
) -> list[tuple[Item, Verdict]]:
    """Return the lines about what the configuration names.

    Args:
        evidence: What was seen.
        wanted: What the configuration names.
        judged: How the lines about rights stand, by id.
    """
    return [
        *_board_lines(evidence, wanted, judged),
        (lines.NOTE_TYPE, _note_type(evidence, wanted, judged)),
        (lines.TAG_GROUP, _tag_group(evidence, wanted, judged)),
        (lines.COMPANIES, _companies(evidence, wanted, judged)),
        *_reference_field(evidence, wanted),
        *_fields_elsewhere(evidence, wanted),
    ]


def configured_items(wanted: Wanted) -> list[Item]:
    """Return what there is to judge, whatever the answers."""
    boards = [each for _, each in _queue_items(wanted.boards)]
    keys = [lines.board_item(key) for key in _keys(wanted)]
    fields = [*_reference_field(NOTHING_SEEN, wanted), *_fields_elsewhere(NOTHING_SEEN, wanted)]
    named = [item for item, _ in fields]
    return [*boards, *keys, lines.NOTE_TYPE, lines.TAG_GROUP, lines.COMPANIES, *named]


def resolved_board(name: str, evidence: Evidence, wanted: Wanted) -> Resolved | None:
    """Return one board in the tenant's terms; None where the tenant's are not known."""
    fields = ticket_fields(evidence)
    board = next((each for each in wanted.boards if each.name == name), None)
    return None if fields is None or board is None else _resolved(board, fields, evidence)


def people_of(evidence: Evidence, queue_id: int) -> int | None:
    """Return how many people are assigned to a queue; None: that cannot be seen."""
    rows = evidence.found("people")
    if isinstance(rows, Unanswered):
        return None
    people = {row.get("resourceID") for row in rows if row.get("queueID") == queue_id}
    hidden = not rows and evidence.access("ResourceRoleQueues", "Query") != "all"
    return None if not people and (hidden or "people" in evidence.partial) else len(people)


def _queue_items(boards: Sequence[BoardSettings]) -> list[tuple[BoardSettings, Item]]:
    slugs: dict[str, int] = {}
    items = []
    for board in boards:
        slug = _WORD.sub("_", board.name.casefold()).strip("_") or "board"
        slugs[slug] = slugs.get(slug, 0) + 1
        unique = slug if slugs[slug] == 1 else f"{slug}_{slugs[slug]}"
        items.append((board, lines.queue_item(unique, board.name)))
    return items


def _keys(wanted: Wanted) -> list[str]:
    """Return the given keys of boards and routes whose values are the tenant's, besides the queue."""
    keys = [key for key in BoardSettings.model_fields if key not in _NOT_PICKED]
    forms = [form for _, form in wanted.forms()]
    return [key for key in keys if any(getattr(form, key) not in (None, {}, [], ()) for form in forms)]


def _board_lines(
    evidence: Evidence, wanted: Wanted, judged: Mapping[str, State]
) -> list[tuple[Item, Verdict]]:
    fields = ticket_fields(evidence)
    if fields is None or not fields.picklist("queueID").choices:
        verdict = _unreadable(evidence, judged)
        boards = [item for _, item in _queue_items(wanted.boards)]
        return [(item, verdict) for item in (*boards, *map(lines.board_item, _keys(wanted)))]
    resolved = {where: _resolved(form, fields, evidence) for where, form in wanted.forms()}
    queues = [
        (item, _queue(board, resolved[f"board {board.name!r}"], fields, evidence))
        for board, item in _queue_items(wanted.boards)
    ]
    keys = [(lines.board_item(key), _key(key, wanted, resolved)) for key in _keys(wanted)]
    return [*queues, *(_told(item, verdict, evidence) for item, verdict in keys)]


def _told(item: Item, verdict: Verdict, evidence: Evidence) -> tuple[Item, Verdict]:
    """Say nothing of what could not be looked at, or of user-defined fields that are there and protected."""
    if item.id == lines.board_item("resource").id and staff_seen(evidence) is None:
        return item, cannot_tell("who works in which role cannot be read, or not within so few calls")
    if item.id != lines.board_item("udfs").id or verdict.state is State.OK:
        return item, verdict
    if udfs_of(evidence, "Tickets") is None:
        return item, cannot_tell("the user-defined fields of tickets cannot be read")
    faults = verdict.detail.split("; board ")
    return item, cannot_tell(verdict.detail) if all(" is protected" in each for each in faults) else verdict


def _unreadable(evidence: Evidence, judged: Mapping[str, State]) -> Verdict:
    answer = evidence.answer("ticket_fields")
    why = answer.why if isinstance(answer, Unanswered) else "Autotask shows no queue"
    blind = judged[lines.TICKETS_VIEW.id] is State.MISSING
    return cannot_tell(
        f"the fields of tickets cannot be read: {why}", lines.TICKETS_VIEW.id if blind else None
    )


def _resolved(board: BoardSettings, fields: Fields, evidence: Evidence) -> Resolved:
    queue = fields.picklist("queueID").find(board.queue)
    people = people_of(evidence, queue.id) if isinstance(queue, Choice) else None
    tenant = Tenant(fields, udfs_of(evidence, "Tickets") or NO_UDFS, staff=staff_seen(evidence))
    return resolve(board, tenant, resources=people)


def _queue(board: BoardSettings, resolved: Resolved, fields: Fields, evidence: Evidence) -> Verdict:
    problems = [each.what for each in resolved.problems if _key_of(each.what) == "queue"]
    if problems:
        return missing("; ".join(problems))
    queue = fields.picklist("queueID").find(board.queue)
    if isinstance(queue, NoChoice):
        return missing(queue.why)
    people = people_of(evidence, queue.id)
    small = " (small: one that every tenant has)" if queue.id < _FIRST_OWN_QUEUE else ""
    told = f"Board ID {queue.id}{small}, {queue.label!r}, active"
    if people is None:
        return cannot_tell(f"{told}; who is assigned to it cannot be seen")
    return ok(f"{told}, {people} {'person' if people == 1 else 'people'} assigned")


def _key(key: str, wanted: Wanted, resolved: Mapping[str, Resolved]) -> Verdict:
    problems = {
        problem.what: f"{where}: {problem.what}"  # of a route and its board: the board's
        for where, each in reversed(list(resolved.items()))
        for problem in each.problems
        if _key_of(problem.what) == key
    }
    if problems:
        return missing("; ".join(reversed(problems.values())))
    texts = (text for _, form in wanted.forms() for text in _texts(getattr(form, key)))
    return ok(", ".join(dict.fromkeys(texts)))


def _key_of(what: str) -> str:
    """Return which key of `[[boards]]` a problem is about: it begins with it."""
    key = _KEY.match(what)
    return key.group() if key else ""


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [str(each) for each in value.values()]
    nested = getattr(value, "__dict__", None)
    return [str(each) for each in nested.values()] if nested else [str(value)]


def _note_type(evidence: Evidence, wanted: Wanted, judged: Mapping[str, State]) -> Verdict:
    if wanted.note_type is None:
        return ok("none is configured: Task Notes, or another that is not the system's")
    fields = note_fields(evidence)
    if fields is None or not fields.picklist("noteType").choices:
        blind = judged[lines.NOTES_ADD.id] is State.MISSING
        return cannot_tell("the note types cannot be read", lines.NOTES_ADD.id if blind else None)
    found = fields.picklist("noteType").find(wanted.note_type)
    return (
        missing(f"note_type {found.why}")
        if isinstance(found, NoChoice)
        else ok(f"{found.label!r} ({found.id})")
    )


def _tag_group(evidence: Evidence, wanted: Wanted, judged: Mapping[str, State]) -> Verdict:
    if not wanted.tags:
        return ok("no tags are configured")
    tags = ", ".join(sorted(wanted.tags)[:10])
    rows = evidence.found("tag_groups")
    if isinstance(rows, tuple) and rows:
        if any(row.get("isActive") is False for row in rows):
            return missing(f"tag group {wanted.tag_group!r} is inactive")
        return ok(f"group {wanted.tag_group!r} is there; tags: {tags}")
    if judged[lines.TAGS_ADMINISTER.id] is State.OK:
        return ok(f"group {wanted.tag_group!r} will be made with its first tag; tags: {tags}")
    return cannot_tell(f"tag group {wanted.tag_group!r} cannot be seen", lines.TAGS_ADMINISTER.id)


def _companies(evidence: Evidence, wanted: Wanted, judged: Mapping[str, State]) -> Verdict:
    rows = companies_found(evidence)
    clear_view = judged[lines.CRM_CUSTOMERS.id] is State.OK
    if isinstance(rows, Unanswered):
        return cannot_tell(rows.why, None if clear_view else lines.CRM_CUSTOMERS.id)
    problems = [each for named in wanted.companies if (each := company_problem(named, evidence, wanted))]
    inactive = [each for each in problems if "inactive" in each]
    if inactive or (problems and clear_view):
        return missing("; ".join(problems))
    if problems:
        return cannot_tell("; ".join(problems), lines.CRM_CUSTOMERS.id)
    return _all_there(wanted.companies, rows)


def _fields_elsewhere(evidence: Evidence, wanted: Wanted) -> list[tuple[Item, Verdict]]:
    """Judge the user-defined fields of companies and devices that `[autotask]` names."""
    named: list[tuple[Item, str, list[str]]] = [
        (lines.COMPANY_ALIAS, "Companies", [] if wanted.company_alias is None else [wanted.company_alias]),
        (lines.DEVICE_UDFS, "ConfigurationItems", list(wanted.device_udfs.values())),
    ]
    return [(item, _user_defined(evidence, entity, names)) for item, entity, names in named if names]


def _reference_field(evidence: Evidence, wanted: Wanted) -> list[tuple[Item, Verdict]]:
    """Judge the user-defined field that carries the references of tickets, where one is named."""
    if wanted.reference_udf is None:
        return []
    udfs = udfs_of(evidence, "Tickets")
    if udfs is None:
        return [(lines.REFERENCE_UDF, cannot_tell("the user-defined fields of tickets cannot be read"))]
    found = reference_field(wanted.reference_udf, udfs)
    usable = missing(found.why) if isinstance(found, NoChoice) else ok(repr(found.name))
    return [(lines.REFERENCE_UDF, usable)]


def _user_defined(evidence: Evidence, entity: str, names: Sequence[str]) -> Verdict:
    udfs = udfs_of(evidence, entity)
    if udfs is None:
        return cannot_tell(f"the user-defined fields of {entity} cannot be read")
    wrong = [found.why for name in names if isinstance(found := udfs.find(name), NoChoice)]
    return missing("; ".join(wrong)) if wrong else ok(", ".join(map(repr, names)))


def _all_there(companies: Sequence[NamedCompany], rows: Rows) -> Verdict:
    if len(rows) >= MOST_ROWS:
        return cannot_tell("too many companies match these names")
    return ok(", ".join(dict.fromkeys(f"{each.named!r}" for each in companies)))


def company_problem(company: NamedCompany, evidence: Evidence, wanted: Wanted) -> str:
    """Return what is wrong with a company that is named, given those that were found; empty: nothing."""
    if company.named == OWN_COMPANY:
        return ""
    told = f"{company.where} {company.named!r}"
    found = active_companies_of(evidence, wanted).find(str(company.named))
    if found.company is not None:
        return ""
    if found.candidates:
        return f"{told} is the name of several: {', '.join(found.candidates)}; name one by its id"
    if companies_of(evidence, wanted).find(str(company.named)) != CompanyMatch():
        return f"{told} is an inactive company"
    return f"{told} is no company that can be seen"

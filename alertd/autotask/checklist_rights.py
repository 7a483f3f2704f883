"""Judging the API user's rights, each by what the metadata says of it and by what can be seen.

Autotask shows a missing right as no access in the metadata, as a refusal, or as nothing to see; the last is
also what an empty tenant shows. Where a line rests on another right, it waits for that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from alertd.autotask import checklist_lines as lines
from alertd.autotask.checklist_evidence import Evidence, Rows, Trouble, Unanswered, Wanted
from alertd.autotask.checklist_lines import Item, State, Verdict, cannot_tell, missing, ok
from alertd.autotask.queries import MOST_ROWS
from alertd.autotask.refusals import speaks_of_permission

Judged: TypeAlias = Mapping[str, Verdict]  # what has been judged before, by the id of the line

_TRIAL = "--write-test COMPANY tells"
_FEWEST_COSTS = 3  # priced services; fewer without a cost may simply have none
_SHOWN = 5


def judge_rights(evidence: Evidence, wanted: Wanted) -> list[tuple[Item, Verdict]]:
    """Return the lines about rights, of a user who has signed in."""
    judged: dict[str, Verdict] = {}
    found: list[tuple[Item, Verdict]] = []
    for item, judge in _JUDGES:
        verdict = judge(evidence, judged)
        judged[item.id] = verdict
        found.append((item, verdict))
    unneeded = {
        lines.WEBHOOKS.id: "" if wanted.call_outs else "no call-outs are configured, so this is not needed",
        lines.DEVICES_VIEW.id: "" if wanted.match_devices else "match_devices is off, so this is not needed",
    }
    return [(item, _if_needed(verdict, unneeded.get(item.id, ""))) for item, verdict in found]


def _if_needed(verdict: Verdict, unneeded: str) -> Verdict:
    return cannot_tell(unneeded) if unneeded and verdict.state is not State.OK else verdict


def _by_metadata(evidence: Evidence, what: str, *entities: str) -> Verdict:
    """Judge by the metadata alone: the weakest access to any of these entities decides."""
    trial = f"; {_TRIAL}" if entities[0] in _TRIED else ""
    accesses = {entity: evidence.access(entity, what) for entity in entities}
    for entity, access in accesses.items():
        if access == "none":
            return missing(f"this user may not {_VERBS[what]} {entity}, says Autotask")
    for entity, access in accesses.items():
        if access == "unknown":
            return cannot_tell(f"Autotask does not say whether this user may {_VERBS[what]} {entity}{trial}")
        if access == "restricted":
            return cannot_tell(f"this user may {_VERBS[what]} some {entity}, says Autotask, not which{trial}")
    return ok(f"may {_VERBS[what]} {' and '.join(entities)}")


_TRIED = ("Tickets", "TicketNotes", "TagGroups", "TicketTagAssociations")
_VERBS = {"Query": "read", "Create": "create", "Update": "change", "Delete": "delete"}


def _tickets_view(evidence: Evidence, _: Judged) -> Verdict:
    return _by_metadata(evidence, "Query", "Tickets")


def _tickets_add(evidence: Evidence, _: Judged) -> Verdict:
    return _by_metadata(evidence, "Create", "Tickets")


def _tickets_edit(evidence: Evidence, _: Judged) -> Verdict:
    return _by_metadata(evidence, "Update", "Tickets")


def _edit_complete(_: Evidence, __: Judged) -> Verdict:
    return cannot_tell(f"only a trial shows it; {_TRIAL}")


def _notes_add(evidence: Evidence, _: Judged) -> Verdict:
    return _by_metadata(evidence, "Create", "TicketNotes")


def _tags_administer(evidence: Evidence, _: Judged) -> Verdict:
    return _by_metadata(evidence, "Create", "TagGroups", "Tags")


def _tags_remove(evidence: Evidence, _: Judged) -> Verdict:
    """Judge by the metadata where it says no; that it says yes for this very right is nowhere documented."""
    told = _by_metadata(evidence, "Delete", "TicketTagAssociations")
    return (
        told
        if told.state is not State.OK
        else cannot_tell(f"{told.detail}, says Autotask; it may still refuse: {_TRIAL}")
    )


def _duplicates(_: Evidence, __: Judged) -> Verdict:
    return cannot_tell("the API does not show this setting: look there, and leave alert ids out of it")


def _crm_customers(evidence: Evidence, _: Judged) -> Verdict:
    told = _by_metadata(evidence, "Query", "Companies")
    if told.state is State.MISSING:
        return told
    answer = evidence.answer("customers")
    if isinstance(answer, Unanswered):
        return _unseen(answer, "customers")
    count = answer.get("queryCount")
    if not isinstance(count, int):
        return cannot_tell("a count of customers answered without a number")
    if count == 0:
        return missing("no active customer can be seen")
    if told.state is State.OK:
        return ok(f"{count:,} active customers can be seen")
    return cannot_tell(
        f"{count:,} active customers can be seen: see whether that is all of them. {told.detail}"
    )


def _webhooks(evidence: Evidence, _: Judged) -> Verdict:
    return _by_metadata(evidence, "Create", "TicketWebhooks")


def _devices_view(evidence: Evidence, _: Judged) -> Verdict:
    return _by_metadata(evidence, "Query", "ConfigurationItems")


def _contracts_view(evidence: Evidence, judged: Judged) -> Verdict:
    told = _by_metadata(evidence, "Query", "Contracts", "ContractServices", "ContractServiceUnits")
    if told.state is State.MISSING:
        return told
    return _with_trial(
        evidence, "contracts", "running recurring contracts", told, _first_not_ok(judged, lines.CRM_CUSTOMERS)
    )


def _contracts_edit(evidence: Evidence, judged: Judged) -> Verdict:
    told = _by_metadata(evidence, "Create", "ContractServiceAdjustments")
    hidden = judged[lines.CONTRACTS_VIEW.id].state is State.MISSING
    if told.state is State.MISSING and hidden:
        why = "without full visibility of contracts nobody may adjust them"
        return cannot_tell(why, lines.CONTRACTS_VIEW.id)
    return told


def _products_view(evidence: Evidence, _: Judged) -> Verdict:
    told = _by_metadata(evidence, "Query", "Products", "Services")
    if told.state is State.MISSING:
        return told
    return _with_trial(evidence, "services", "services", told, None)


def _costs(evidence: Evidence, judged: Judged) -> Verdict:
    waits_for = _first_not_ok(judged, lines.PRODUCTS_VIEW)
    if waits_for is not None:
        return cannot_tell("costs are shown with services", waits_for)
    priced = [row for row in evidence.some("services") if _above_zero(row.get("unitPrice"))]
    with_cost = [row for row in priced if _above_zero(row.get("unitCost"))]
    if with_cost:
        return ok(f"{len(with_cost)} of {len(priced)} priced services show a cost")
    if len(priced) < _FEWEST_COSTS:
        return cannot_tell(f"{len(priced)} priced services can be seen, none with a cost: too few to tell")
    return missing(f"none of {len(priced)} priced services shows a cost: hidden, or nobody has entered any")


def _contract_companies(evidence: Evidence, judged: Judged) -> Verdict:
    others = evidence.some("other_types")
    if others:
        return missing(f"with a running contract, and not a Customer: {_names(others)}")
    waits_for = _first_not_ok(judged, lines.CONTRACTS_VIEW, lines.CRM_CUSTOMERS)
    if waits_for is not None:
        return cannot_tell("which companies have a contract cannot be seen", waits_for)
    companies = {row.get("companyID") for row in evidence.some("contracts")} - {0}
    answer = evidence.found("other_types")
    if companies and isinstance(answer, Unanswered):
        return _unseen(answer, "companies with a contract")
    if "contracts" in evidence.partial or len(companies) > MOST_ROWS:
        return cannot_tell(
            "those looked at are of the type Customer; there are more contracts than were asked for"
        )
    return ok(f"all {len(companies):,} companies with a running contract are of the type Customer")


_JUDGES: Sequence[tuple[Item, Callable[[Evidence, Judged], Verdict]]] = (
    (lines.TICKETS_VIEW, _tickets_view),
    (lines.TICKETS_ADD, _tickets_add),
    (lines.TICKETS_EDIT, _tickets_edit),
    (lines.EDIT_COMPLETE, _edit_complete),
    (lines.NOTES_ADD, _notes_add),
    (lines.TAGS_ADMINISTER, _tags_administer),
    (lines.TAGS_REMOVE, _tags_remove),
    (lines.DUPLICATE_HANDLING, _duplicates),
    (lines.WEBHOOKS, _webhooks),
    (lines.CRM_CUSTOMERS, _crm_customers),
    (lines.DEVICES_VIEW, _devices_view),
    (lines.CONTRACTS_VIEW, _contracts_view),
    (lines.CONTRACTS_EDIT, _contracts_edit),
    (lines.PRODUCTS_VIEW, _products_view),
    (lines.COSTS, _costs),
    (lines.CONTRACT_COMPANIES, _contract_companies),
)
RIGHTS = tuple(item for item, _ in _JUDGES)


def _with_trial(evidence: Evidence, key: str, what: str, told: Verdict, waits_for: str | None) -> Verdict:
    """Join what the metadata says with what a query has shown."""
    rows = evidence.found(key)
    if isinstance(rows, Unanswered):
        return _unseen(rows, what)
    if not rows and waits_for is not None:
        return cannot_tell(f"no {what} can be seen", waits_for)
    if not rows:
        return missing(f"no {what} can be seen: hidden from this user, or there are none yet")
    count = f"{len(rows):,}{' or more' if key in evidence.partial else ''} {what} can be seen"
    return ok(count) if told.state is State.OK else cannot_tell(f"{count}. {told.detail}")


def _unseen(answer: Unanswered, what: str) -> Verdict:
    if answer.trouble is Trouble.REFUSED and speaks_of_permission(answer.why):
        return missing(f"Autotask refuses to show {what}: {answer.why}")
    if answer.trouble is Trouble.NO_ROUTE:
        return cannot_tell(f"this zone has no route to {what}")
    return cannot_tell(f"{what} could not be looked at: {answer.why}")


def _first_not_ok(judged: Judged, *items: Item) -> str | None:
    """Return the id of the first of these lines that is not ok."""
    return next((item.id for item in items if judged[item.id].state is not State.OK), None)


def _above_zero(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and value > 0


def _names(rows: Rows) -> str:
    named = [f"{row.get('companyName')!r} ({row.get('id')})" for row in rows[:_SHOWN]]
    return ", ".join(named) + (f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else "")

"""Whether a test ticket can be made, and what of."""

from __future__ import annotations

from collections.abc import Sequence

from alertd.autotask.checklist_configured import (
    OWN_COMPANY,
    company_problem,
    resolved_board,
)
from alertd.autotask.checklist_evidence import Evidence, NamedCompany, Wanted
from alertd.autotask.checklist_lines import TICKETS_ADD, Line, State, Verdict, cannot_tell, missing
from alertd.autotask.checklist_plan import active_companies_of, note_fields, ticket_fields
from alertd.autotask.checklist_trial import TrialPlan
from alertd.autotask.picklists import Choice

_TASK_NOTES = 3
_TAG = "alertd"  # where the root route's board has none of its own


def plan_trial(
    evidence: Evidence, wanted: Wanted, found: Sequence[Line], *, reference: str
) -> TrialPlan | Verdict:
    """Return what the test ticket is made of, or why none is made.

    Args:
        evidence: What was seen in the tenant.
        wanted: What the configuration needs, and the company of the test ticket.
        found: The checklist so far.
        reference: Of the test ticket, unlike any other's.
    """
    by_id = {line.id: line for line in found}
    if not evidence.signed_in or by_id[TICKETS_ADD.id].state is State.MISSING:
        waits_for = by_id[TICKETS_ADD.id].waits_for or TICKETS_ADD.id
        return cannot_tell("no test ticket was made", waits_for)
    company = wanted.test_company or NamedCompany("--write-test", OWN_COMPANY)
    problem = company_problem(company, evidence, wanted)
    fields = ticket_fields(evidence)
    resolved = resolved_board(wanted.root_board, evidence, wanted)
    if problem:
        return missing(f"no test ticket was made: {problem}")
    if fields is None or resolved is None or resolved.board is None:
        return missing(f"no test ticket was made: board {wanted.root_board!r} has no queue that can be used")
    company_id, name = _company(company, evidence, wanted)
    return TrialPlan(
        board=resolved.board,
        company_id=company_id,
        company=name,
        note_type=_note_type(evidence, wanted),
        tag=next(iter(resolved.board.tags), _TAG),
        tag_group=wanted.tag_group,
        tag_group_id=next((row["id"] for row in evidence.some("tag_groups")), None),
        reference=reference,
        writable=fields.writable,
    )


def _company(company: NamedCompany, evidence: Evidence, wanted: Wanted) -> tuple[int, str]:
    found = active_companies_of(evidence, wanted).find(str(company.named)).company
    return (found.id, found.name) if found is not None else (OWN_COMPANY, "your own company")


def _note_type(evidence: Evidence, wanted: Wanted) -> int:
    fields = note_fields(evidence)
    if wanted.note_type is None or fields is None:
        return _TASK_NOTES
    found = fields.picklist("noteType").find(wanted.note_type)
    return found.id if isinstance(found, Choice) else _TASK_NOTES

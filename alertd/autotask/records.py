"""Autotask's records as values: tickets and notes as they are read, tickets as they are made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from alertd.autotask import texts
from alertd.autotask.directory import udf_value
from alertd.autotask.queries import Row
from alertd.core.identity import REFERENCE_PREFIX
from alertd.flows.errors import Unavailable
from alertd.flows.ports import Draft, NoteFacts, TicketFacts

TICKET_FIELDS = (
    "ticketNumber",
    "externalID",
    "title",
    "companyID",
    "status",
    "priority",
    "queueID",
    "assignedResourceID",
    "creatorResourceID",
    "createDate",
    "lastActivityDate",
    "lastActivityResourceID",
    "completedDate",
)
NOTE_FIELDS = ("title", "noteType", "creatorResourceID", "createDateTime", "createdByContactID", "ticketID")
MERGED_INTO = 93  # the type of the note that Autotask leaves on a ticket which was merged into another
_NUMBER = re.compile(r"\bT\d{8}\.\d{4,}\b")


def merged_into(note: Row) -> str:
    """Return the number of the ticket that a merge note names; empty: none can be read in it."""
    said = f"{note.get('title') or ''}\n{note.get('description') or ''}"
    found = _NUMBER.search(said)
    return found.group() if found else ""


class _Ticket(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={
        "number": "ticketNumber",
        "reference": "externalID",
        "company_id": "companyID",
        "queue": "queueID",
        "assignee_id": "assignedResourceID",
        "creator_id": "creatorResourceID",
        "created_at": "createDate",
        "last_activity_at": "lastActivityDate",
        "last_activity_by": "lastActivityResourceID",
        "completed_at": "completedDate",
    },
):
    id: int
    company_id: int
    status: int
    priority: int
    number: str | None = None
    reference: str | None = None
    title: str | None = None
    queue: int | None = None
    assignee_id: int | None = None
    creator_id: int | None = None
    created_at: datetime | None = None
    last_activity_at: datetime | None = None
    last_activity_by: int | None = None
    completed_at: datetime | None = None


class _Note(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={
        "note_type": "noteType",
        "creator_id": "creatorResourceID",
        "created_at": "createDateTime",
        "contact_id": "createdByContactID",
    },
):
    id: int
    note_type: int
    title: str | None = None
    creator_id: int | None = None
    created_at: datetime | None = None
    contact_id: int | None = None


def _utc(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _as(row: Row, kind: type[Any]) -> Any:
    try:
        return msgspec.convert(row, kind, strict=False)
    except msgspec.ValidationError as exc:
        raise Unavailable(f"a record that cannot be read: {exc}") from None


def ticket_facts(row: Row, *, reference_udf: str | None = None) -> TicketFacts:
    """Read a ticket's record. Where its externalID is not ours, a user-defined field may carry the reference.

    Raises:
        Unavailable: It lacks what every ticket has.
    """
    record: _Ticket = _as(row, _Ticket)
    return TicketFacts(
        id=record.id,
        number=record.number or "",
        reference=_reference(record.reference or "", row, reference_udf) or None,
        title=record.title or "",
        company_id=record.company_id,
        status=record.status,
        priority=record.priority,
        queue=record.queue,
        assignee_id=record.assignee_id,
        creator_id=record.creator_id,
        created_at=_utc(record.created_at),
        last_activity_at=_utc(record.last_activity_at),
        last_activity_by=record.last_activity_by,
        completed_at=_utc(record.completed_at),
    )


def note_facts(row: Row) -> NoteFacts:
    """Read a note's record.

    Raises:
        Unavailable: It lacks what every note has.
    """
    record: _Note = _as(row, _Note)
    return NoteFacts(
        id=record.id,
        title=record.title or "",
        note_type=record.note_type,
        creator_id=record.creator_id,
        created_at=_utc(record.created_at),
        by_contact=record.contact_id is not None,
    )


def _reference(external_id: str, row: Row, reference_udf: str | None) -> str:
    said = udf_value(row, reference_udf) if reference_udf is not None else ""
    overwritten = said.startswith(REFERENCE_PREFIX) and not external_id.startswith(REFERENCE_PREFIX)
    return said if overwritten else external_id


def tickets_of(rows: Iterable[Row], *, reference_udf: str | None = None) -> list[TicketFacts]:
    """Read tickets' records, as `ticket_facts` does.

    Raises:
        Unavailable: One lacks what every ticket has.
    """
    return [ticket_facts(row, reference_udf=reference_udf) for row in rows]


def _wire(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ticket_record(draft: Draft) -> dict[str, Any]:
    """Return the body of a create: what the draft says, and nothing of what it leaves to the tenant."""
    record = {
        "title": texts.cut(draft.title, texts.TITLE),
        "description": texts.cut_before_last_line(draft.description, texts.DESCRIPTION),
        "externalID": draft.reference,
        "companyID": draft.company_id,
        "queueID": draft.queue_id,
        "priority": draft.priority_id,
        "status": draft.status_id,
        "source": draft.source_id,
        "ticketCategory": draft.category_id,
        "ticketType": draft.ticket_type_id,
        "issueType": draft.issue_id,
        "subIssueType": draft.sub_issue_id,
        "serviceLevelAgreementID": draft.sla_id,
        "configurationItemID": draft.device_id,
        "contractID": draft.contract_id,
        "contactID": draft.contact_id,
        "companyLocationID": draft.location_id,
        "assignedResourceID": draft.resource_id,
        "assignedResourceRoleID": draft.role_id,
        "dueDateTime": None if draft.due_at is None else _wire(draft.due_at),
        "resolution": None if draft.resolution is None else texts.cut(draft.resolution, texts.RESOLUTION),
        "userDefinedFields": [{"name": name, "value": said} for name, said in draft.udfs.items()] or None,
    }
    return {name: value for name, value in record.items() if value is not None}

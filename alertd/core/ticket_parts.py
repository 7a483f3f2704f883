"""What `[[boards]]` and routes both may say of new tickets: labels or ids, as the user wrote them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, TypeAlias, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from alertd.core.settings import Duration, Section
from alertd.core.severities import SeverityName

Pick: TypeAlias = int | str  # an entry of a picklist, or a record, by id or by label

DEFAULT_CONTRACT = "default"  # asks for the one that the company marks as its default


def _for_all(value: Any) -> Any:
    """Take one duration as meant for every severity."""
    return value if isinstance(value, dict) else dict.fromkeys(get_args(SeverityName), value)


def _to_come(given: dict[SeverityName, timedelta]) -> dict[SeverityName, timedelta]:
    if any(after <= timedelta() for after in given.values()):
        raise ValueError("a ticket is due some time after it was made: give more than 0s")
    return given


Due = Annotated[dict[SeverityName, Duration], BeforeValidator(_for_all), AfterValidator(_to_come)]


class TicketParts(Section):
    """A name, and optional fields of tickets. Templates are Jinja2; without one the built-in text is used."""

    name: str = Field(min_length=1)
    source: Pick | None = None
    category: Pick | None = None
    ticket_type: Pick | None = None
    issue: Pick | None = None
    sub_issue: Pick | None = None
    sla: Pick | None = None
    contract: Pick | None = None  # of the ticket's company, or DEFAULT_CONTRACT
    contact: Pick | None = None  # of the ticket's company
    location: Pick | None = None  # likewise
    resource: Pick | None = None  # whom the ticket is assigned to, with a role
    role: Pick | None = None
    due: Due = Field(default_factory=dict)  # after the ticket was made, by severity
    udfs: dict[str, str] = Field(default_factory=dict)  # template by the field's name
    title_template: str | None = None
    description_template: str | None = None


PARTS = tuple(name for name in TicketParts.model_fields if name not in ("name", "due", "udfs"))

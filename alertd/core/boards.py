"""`[[boards]]`: named destinations, each an Autotask queue and how its tickets look.

Autotask calls a queue's id the "PSA Board ID". Everything here is as the user wrote it, labels or ids;
it is resolved against the tenant elsewhere.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from alertd.core.settings import Section
from alertd.core.severities import SeverityName
from alertd.core.ticket_parts import Pick, TicketParts

State: TypeAlias = Literal["firing", "cleared", "acknowledged", "expired", "flapping", "storm"]

_PRIORITIES: dict[SeverityName, Pick] = {
    "critical": "Critical",
    "high": "High",
    "warning": "Medium",
    "low": "Low",
    "info": "Low",
}
_ID_PARAMETERS = ("objectid", "queueid", "id", "boardid")
_DIGITS = re.compile(r"\d{1,19}")


def parse_queue(value: Any) -> Pick:
    """Return the queue's id where `value` is one, or the address of its "Edit Queue" page; else its label.

    Raises:
        ValueError: It is neither, or an address that holds no id.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError("a queue's id is not negative")
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise ValueError('should be a Board ID, a queue\'s label, or the address of its "Edit Queue" page')
    if _DIGITS.fullmatch(text):
        return int(text)
    return _queue_in_address(text) if re.match(r"https?://", text, re.IGNORECASE) else text


def _queue_in_address(address: str) -> int:
    parts = urlsplit(address)
    pairs = parse_qsl(parts.query) + parse_qsl(parts.fragment.partition("?")[2])
    by_name = {name.lower(): value for name, value in pairs if _DIGITS.fullmatch(value)}
    for name in _ID_PARAMETERS:
        if name in by_name:
            return int(by_name[name])
    in_path = [each for each in f"{parts.path}/{parts.fragment}".split("/") if _DIGITS.fullmatch(each)]
    if not in_path:
        raise ValueError('this address holds no queue id; copy that of the "Edit Queue" page')
    return int(in_path[-1])


def _complete(given: dict[SeverityName, Pick]) -> dict[SeverityName, Pick]:
    return _PRIORITIES | given


class BoardStatus(Section):
    """Which ticket statuses mean newly made, done, and, set by people, that it will not be fixed."""

    new: Pick = "New"
    done: Pick = "Complete"
    wont_fix: list[Pick] = Field(default_factory=list)


class BoardSettings(TicketParts):
    """`[[boards]]`. What of TicketParts a route says too, the route's tickets have as the route says."""

    queue: Annotated[Pick, BeforeValidator(parse_queue)]
    priority: Annotated[dict[SeverityName, Pick], AfterValidator(_complete)] = Field(
        default_factory=lambda: dict(_PRIORITIES)
    )
    status: BoardStatus = BoardStatus()
    tags: list[str] = Field(default_factory=list)
    state_tags: dict[State, str] = Field(default_factory=dict)  # a tag that says how the alert stands

    @model_validator(mode="after")
    def _a_sub_issue_has_an_issue(self) -> Self:
        if self.sub_issue is not None and self.issue is None:
            raise ValueError("a sub_issue belongs to an issue: name that too")
        return self

    @model_validator(mode="after")
    def _a_role_has_a_resource(self) -> Self:
        if self.role is not None and self.resource is None:
            raise ValueError("a role is that of a resource: name that too")
        return self

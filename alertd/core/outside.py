"""What a route wants otherwise outside its business hours."""

from __future__ import annotations

import msgspec
from pydantic import Field

from alertd.core.alerts import Severity
from alertd.core.settings import Section
from alertd.core.severities import SeverityName


class Outside(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What differs while the route's hours are not."""

    board: str | None = None  # of incidents that open then; None: the route's own
    priority_as: dict[Severity, Severity] = {}  # the severity whose priority a ticket of then gets
    hold: bool = False  # no ticket is made then


class OutsideSettings(Section):
    """`outside` of a route that has `hours`."""

    board: str | None = None
    priority_as: dict[SeverityName, SeverityName] = Field(default_factory=dict)
    hold: bool = False

    def value(self) -> Outside:
        """Return it as it is stored with incidents."""
        pairs = {Severity(severity): Severity(other) for severity, other in self.priority_as.items()}
        return Outside(board=self.board, priority_as=pairs, hold=self.hold)

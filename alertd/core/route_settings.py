"""`[route]` of the configuration: what may be written, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from alertd.core.alerts import OnExpiry, Severity
from alertd.core.flapping_rules import FlapSetting
from alertd.core.matchers import MatchersSetting
from alertd.core.outside import OutsideSettings
from alertd.core.settings import Duration
from alertd.core.severities import SeverityName
from alertd.core.ticket_parts import Pick, TicketParts

Close: TypeAlias = Literal["untouched", "always", "never"]
Missed: TypeAlias = Literal["ticket", "summary", "nothing"]
Company: TypeAlias = int | str
WaitSetting: TypeAlias = Duration | dict[SeverityName, Duration]

IMPLICIT_PREFIX = "source:"  # routes that a source's own `board` makes are named so


def _group_by(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("names a label twice")
    if "..." in names and len(names) > 1:
        raise ValueError('"..." means all labels and stands alone')
    if "" in names:
        raise ValueError("a label name may not be empty")
    return names


def wait_by_severity(setting: timedelta | dict[SeverityName, timedelta]) -> dict[str, timedelta]:
    """Return how long each severity waits; those that do not are left out."""
    everybody = [each.value for each in Severity]
    waits = setting if isinstance(setting, dict) else dict.fromkeys(everybody, setting)
    return {name: wait for name, wait in waits.items() if wait > timedelta()}


class RouteSettings(TicketParts):
    """`[[route.routes]]`. An option that is left out is inherited.

    `matchers`, `continue`, `mute_time_intervals` and `active_time_intervals` never are.
    """

    matchers: MatchersSetting = ()
    continue_: bool = Field(default=False, alias="continue")
    routes: list[RouteSettings] = Field(default_factory=list)
    board: str | None = None
    group_by: Annotated[list[str], AfterValidator(_group_by)] | None = None
    group_wait: Duration | None = None
    inhibit_wait: Duration | None = None
    hold: Duration | None = None
    reopen_within: Duration | None = None
    close: Close | None = None
    acknowledge_limit: Duration | None = None
    on_expiry: OnExpiry | None = None
    note_interval: Duration | None = None
    missed: Missed | None = None
    company: Company | None = None
    tags: list[str] | None = None
    flapping: FlapSetting | None = None
    wait_for: WaitSetting | None = None
    priority: dict[SeverityName, Pick] = Field(default_factory=dict)  # in place of the board's
    mute_time_intervals: list[str] = Field(default_factory=list)
    active_time_intervals: list[str] = Field(default_factory=list)
    hours: str | None = None
    outside: OutsideSettings | None = None

    def walk(self) -> Iterator[RouteSettings]:
        """Yield this route and all below it, in the order of the file."""
        yield self
        for child in self.routes:
            yield from child.walk()


class RootRouteSettings(RouteSettings):
    """`[route]`: takes every alert that no other route takes."""

    name: str = Field(default="root", min_length=1)
    board: str = Field()
    group_by: Annotated[list[str], AfterValidator(_group_by)] = Field(
        default_factory=lambda: ["client", "host", "alertname"]
    )

    @model_validator(mode="after")
    def _takes_everything(self) -> Self:
        if self.matchers:
            raise ValueError("the root route takes every alert, so it may have no matchers")
        if self.continue_:
            raise ValueError("the root route has no siblings, so it may not say continue")
        if self.mute_time_intervals or self.active_time_intervals:
            raise ValueError("the root route may have no mute_time_intervals and no active_time_intervals")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        counts = Counter(route.name for route in self.walk())
        if twice := sorted(name for name, count in counts.items() if count > 1):
            raise ValueError(f"two routes have the same name: {', '.join(twice)}")
        if taken := sorted(name for name in counts if name.startswith(IMPLICIT_PREFIX)):
            raise ValueError(
                f"names beginning with {IMPLICIT_PREFIX} are kept for sources: {', '.join(taken)}"
            )
        return self

    def boards(self) -> set[str]:
        """Return the names of all boards that the tree mentions."""
        outside = {route.outside.board for route in self.walk() if route.outside is not None}
        return {board for board in {route.board for route in self.walk()} | outside if board is not None}

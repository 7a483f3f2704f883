"""`[[tests]]`: alerts as examples, and where the configuration says they should go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

import msgspec
from pydantic import AwareDatetime, Field, model_validator

from alertd.core.alerts import Alert, Severity, Status
from alertd.core.ideal_desk import Pressure
from alertd.core.identity import fingerprint
from alertd.core.matchers import MatchersSetting
from alertd.core.reading.bodies import with_own
from alertd.core.settings import Duration, Section
from alertd.core.severities import severity_of
from alertd.core.ticket_parts import Pick

PressureOutcome: TypeAlias = Literal["sent", "held", "folded"]

USUAL_AT = datetime(2026, 1, 7, 12, tzinfo=UTC)  # a Wednesday, at noon


class Expectation(Section):
    """What a test expects. What is left out is not looked at.

    The first line of keys asks the routes alone, about the last alert; the others ask what has become of its
    incident on the first of them, and, with `tickets` and `calls`, of everything in the test.
    """

    route: str | None = None
    board: str | None = None
    priority: Pick | None = None
    tags: list[str] | None = None  # the board's and the route's, in any order
    routes: list[str] | None = None  # names of all the routes, where `continue` gives several
    key: dict[str, str] | None = None  # the group's labels
    members: Annotated[int, Field(ge=0)] | None = None  # alerts of the incident, those that are over too
    state: str | None = None  # as `alertd incidents list` names it, or "closed"
    window: str | None = None  # name of what holds the ticket back; empty: nothing does
    pressure: PressureOutcome | None = None
    tickets: Annotated[int, Field(ge=0)] | None = None
    calls: Annotated[int, Field(ge=0)] | None = None  # without reading new tickets back, which is shared


class SampleSettings(Section):
    """One of `[[tests]] alerts`: it comes `after` so long a time."""

    labels: dict[str, str] = Field(min_length=1)
    after: Duration = timedelta()
    cleared: bool = False


class SampleSilence(Section):
    """One of `[[tests]] silences`: in force since long before the test, until `ends_after` its beginning."""

    matchers: MatchersSetting = Field(min_length=1)
    ends_after: Duration = timedelta(days=365)


class TestSettings(Section):
    """`[[tests]]`: alerts, under which circumstances they come, and what is expected."""

    __test__: ClassVar[bool] = False  # pytest: this is none of yours

    name: str = Field(min_length=1)
    alert: Annotated[dict[str, str], Field(min_length=1)] | None = None
    alerts: Annotated[list[SampleSettings], Field(min_length=1)] | None = None
    at: AwareDatetime = USUAL_AT
    firing: list[dict[str, str]] = Field(default_factory=list)
    silences: list[SampleSilence] = Field(default_factory=list)
    pressure: Pressure = "green"
    wait: Duration | None = None  # None: for the sources of `[[inhibit]]`, where they could matter
    expect: Expectation

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if (self.alert is None) == (self.alerts is None):
            raise ValueError("give either alert or alerts")
        return self

    @property
    def samples(self) -> list[SampleSettings]:
        """The alerts, in the order in which they come."""
        if self.alert is not None:
            return [SampleSettings(labels=self.alert)]
        return self.alerts or []


class Mismatch(msgspec.Struct, frozen=True):
    """One thing that a test expected and that is otherwise."""

    test_name: str
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.test_name}: expected {self.what} {self.expected}, found {self.found}"


def example(labels: Mapping[str, str], *, cleared: bool = False) -> Alert:
    """Return the alert that intake would make of these labels: routes see its severity, not what was sent."""
    severity = severity_of(labels.get("severity", "")) or Severity.WARNING
    return Alert(
        source=labels.get("source", ""),
        fingerprint=fingerprint(labels),
        status=Status.CLEARED if cleared else Status.FIRING,
        severity=severity,
        labels=with_own(labels, {"severity": severity.value}),
        sent_labels=dict(labels),
    )

"""`[storm]` of the configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from alertd.core.settings import Duration, Section
from alertd.core.storms import CLIENT, StormTerms


def _some_time(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("should be longer than 0s")
    return value


class StormSettings(Section):
    """When new incidents of one customer fold into one ticket, and until when."""

    threshold: Annotated[int, Field(ge=0)] = 10  # own tickets within the window; 0: nothing is folded
    window: Annotated[Duration, AfterValidator(_some_time)] = timedelta(minutes=5)
    calm: Annotated[Duration, AfterValidator(_some_time)] = timedelta(minutes=15)
    by: list[str] = Field(default_factory=lambda: [CLIENT])
    promote_at_most: Annotated[int, Field(ge=0)] = 60

    @model_validator(mode="after")
    def _one_company(self) -> Self:
        if CLIENT not in self.by:
            raise ValueError('by should name "client": a ticket belongs to one company')
        if len(set(self.by)) < len(self.by) or "" in self.by:
            raise ValueError("by names a label twice, or none")
        return self

    def terms(self, pressure: int) -> StormTerms:
        """Return what deciding goes by, at a pressure of 0 green to 3 red."""
        return StormTerms(
            self.threshold, self.window, self.calm, tuple(self.by), self.promote_at_most, pressure
        )

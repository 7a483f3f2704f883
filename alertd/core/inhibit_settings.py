"""`[[inhibit]]` of the configuration: which alerts keep which others from getting a ticket."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from alertd.core.inhibiting import InhibitRule
from alertd.core.matchers import Matchers, MatchersSetting, print_matchers
from alertd.core.settings import Section


def _some(matchers: Matchers) -> Matchers:
    if not matchers:
        raise ValueError("needs at least one matcher, or the rule would be about every alert")
    return matchers


def _label_names(names: list[str]) -> list[str]:
    if "" in names:
        raise ValueError("a label name may not be empty")
    if len(set(names)) < len(names):
        raise ValueError("names a label twice")
    return names


class InhibitSettings(Section):
    """`[[inhibit]]`: while an alert of the source fires, targets with equal labels make no new ticket."""

    name: str = ""  # empty: made of the matchers
    source_matchers: Annotated[MatchersSetting, AfterValidator(_some)]
    target_matchers: Annotated[MatchersSetting, AfterValidator(_some)]
    equal: Annotated[list[str], AfterValidator(_label_names)] = Field(default_factory=list)

    def rule(self) -> InhibitRule:
        """Return the rule that these settings describe."""
        made = f"{print_matchers(self.source_matchers)} over {print_matchers(self.target_matchers)}"
        return InhibitRule(self.name or made, self.source_matchers, self.target_matchers, tuple(self.equal))

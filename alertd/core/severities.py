"""Severities: the words senders use, on our ladder of five."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from alertd.core.alerts import Severity

SeverityName: TypeAlias = Literal["critical", "high", "warning", "low", "info"]  # as written in settings

# Where two senders mean different steps by one word, the reading that is more urgent is taken: Datto's
# "information" is info with us, but "minor" is warning, as with Alertmanager and Alerta.
_WORDS: Mapping[Severity, str] = {
    Severity.CRITICAL: "critical crit disaster emergency fatal page security p1 sev0",
    Severity.HIGH: "high error err major severe p2 sev1",
    Severity.WARNING: "warning warn medium moderate average minor p3 sev2",
    Severity.LOW: "low indeterminate p4 sev3",
    Severity.INFO: "info information informational none notice debug trace ok p5 sev4",
}
KNOWN: Mapping[str, Severity] = MappingProxyType(
    {word: severity for severity, words in _WORDS.items() for word in words.split()}
)


def severity_of(text: str, overrides: Mapping[str, Severity] = MappingProxyType({})) -> Severity | None:
    """Return the severity that a sender's word stands for, or None if nobody knows the word.

    Args:
        text: As sent; case and surrounding space do not matter.
        overrides: What the source's settings say instead, by lower-case word.
    """
    word = text.strip().lower()
    found = overrides.get(word)
    return KNOWN.get(word) if found is None else found

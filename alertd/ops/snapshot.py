"""What the gauges say: one look at the whole state, taken when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

# DESIGN 9.5: the dispositions of accepted alert messages, and the states of incidents
DISPOSITIONS = (
    *("pending", "ticketed", "merged", "silenced", "inhibited", "held", "expired"),
    *("cleared_unticketed", "ignored", "parked"),
)
INCIDENT_STATES = (
    *(
        "waiting",
        "silenced",
        "inhibited",
        "held",
        "opening",
        "open",
        "holding",
        "acknowledged",
        "folded",
        "expired",
        "parked",
    ),
)
SILENCE_STATES = ("active", "pending", "expired")
PARKED_REASONS = (
    *("empty", "encoding", "syntax", "too_deep", "limits", "shape"),  # of bodies, as the readers say it
    *("too_slow", "failed"),  # of readers
    "gone",  # of sources: what was accepted can be read no more
    *("incident", "other"),  # refused by Autotask; anything else
)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The state at one instant. What a mapping does not name is 0."""

    accepted_alerts: int = 0  # messages, since the store was made
    alerts: Mapping[str, int] = {}  # the same messages by disposition
    incidents: Mapping[str, int] = {}  # by state
    unsettled_incidents: int = 0
    oldest_unsettled_s: float = 0.0
    outcome_unknown: int = (
        0  # operations that may have been applied and have not been looked for with success
    )
    parked: Mapping[str, int] = {}  # by reason
    configuration_problems: int = 0  # things the configuration names and the tenant does not have
    unaccounted_alerts: int = 0  # journal total less the dispositions; anything but 0 is a fault of ours
    active_alerts: int = 0  # conditions that fire and are not suppressed
    suppressed_alerts: int = 0
    unprocessed_alerts: int = 0  # accepted and not decided yet
    silences: Mapping[str, int] = {}  # by state
    operations_done: int = 0  # operations on tickets since start, …
    operations_failed: int = 0  # … and those that did not come off

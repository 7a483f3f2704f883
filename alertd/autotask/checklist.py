"""The connection checklist: whether this tenant lets alertd do what it is configured for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alertd.autotask import checklist_lines as lines
from alertd.autotask.checklist_configured import configured_items, judge_configured
from alertd.autotask.checklist_connection import blocking_line, judge_connection
from alertd.autotask.checklist_evidence import Evidence, Wanted
from alertd.autotask.checklist_lines import Item, Line, State, Verdict, cannot_tell, line_of
from alertd.autotask.checklist_rights import RIGHTS, judge_rights

GROUPS = ("Connection", "Tickets", "Configuration", "Companies", "Contracts and units")


def judge(evidence: Evidence, wanted: Wanted, trial: Mapping[str, Verdict] | None = None) -> list[Line]:
    """Return the whole checklist.

    Args:
        evidence: What was seen in the tenant.
        wanted: What the configuration needs of it.
        trial: What a write test has shown, by the id of the line; it outweighs what the metadata says.
    """
    trial = trial or {}
    connection = judge_connection(evidence, wanted)
    blocker = blocking_line(evidence, wanted)
    if blocker is not None:
        waiting = cannot_tell("no call has succeeded yet", blocker)
        rest = [(item, waiting) for item in (*RIGHTS, *configured_items(wanted))]
    else:
        rest = _behind_login(evidence, wanted, trial)
    if lines.WRITE_TEST.id in trial:
        rest.append((lines.WRITE_TEST, trial[lines.WRITE_TEST.id]))
    found = [_line(item, verdict, wanted) for item, verdict in (*connection, *rest)]
    return sorted(found, key=lambda line: GROUPS.index(line.group))


def is_missing_any(found: Iterable[Line]) -> bool:
    """Whether a line is missing that decides the exit code."""
    return any(line.state is State.MISSING and line.counts for line in found)


def _behind_login(
    evidence: Evidence, wanted: Wanted, trial: Mapping[str, Verdict]
) -> list[tuple[Item, Verdict]]:
    rights = [(item, trial.get(item.id, verdict)) for item, verdict in judge_rights(evidence, wanted)]
    states = {item.id: verdict.state for item, verdict in rights}
    return [*rights, *judge_configured(evidence, wanted, states)]


def _line(item: Item, verdict: Verdict, wanted: Wanted) -> Line:
    """Make the line. The connection itself counts always, the rest where its module is configured."""
    counts = item.group == lines.ZONE.group or bool(wanted.modules.intersection(item.needed_for))
    return line_of(item, verdict, counts=counts)

"""Where an incident's messages are counted, by the phase it is in."""

from __future__ import annotations

from msgspec.structs import replace

from alertd.core.incidents import Closed, Folded, Incident, Silenced, Waiting


def count(before: Incident, messages: int) -> Incident:
    """Count messages where the incident's messages stand now."""
    tally = before.tally
    if before.ticket is not None:
        return replace(before, tally=replace(tally, merged=tally.merged + messages))
    match before.phase:
        case Waiting():
            counted = replace(tally, held=tally.held + messages)
        case Silenced(kind="silence"):
            counted = replace(tally, silenced=tally.silenced + messages)
        case Silenced(kind="inhibited"):
            counted = replace(tally, inhibited=tally.inhibited + messages)
        case Silenced() | Folded():
            counted = replace(tally, held=tally.held + messages)
        case Closed(untold="create"):
            counted = replace(tally, pending=tally.pending + messages)
        case Closed(wants_ticket=False) if before.storm_key:  # the storm's ticket has told of it
            counted = replace(tally, merged=tally.merged + messages)
        case Closed(how="expired", wants_ticket=False):
            counted = replace(tally, expired=tally.expired + messages)
        case Closed(wants_ticket=False):
            counted = replace(tally, cleared_unticketed=tally.cleared_unticketed + messages)
        case _:
            counted = replace(tally, pending=tally.pending + messages)
    return replace(before, tally=counted)


def retally(after: Incident, before: Incident) -> Incident:
    """Move the messages that wait for a ticket, and those counted since, to where the new phase has them."""
    if before.ticket is not None:
        return after
    tally = replace(before.tally, pending=0, held=0, silenced=0, inhibited=0)
    return count(replace(after, tally=tally), after.tally.total - tally.total)

"""Desired levels: what an incident wants its ticket to be, given the board it is on."""

from __future__ import annotations

from alertd.core import outcomes, outside_hours
from alertd.core.identity import reference as make_reference
from alertd.core.incidents import (
    Acknowledged,
    Closed,
    Folded,
    Holding,
    Incident,
    Open,
    Silenced,
    Waiting,
    may_complete,
    state_of,
)
from alertd.core.tickets import Board, Known, Level


def desired(incident: Incident, board: Board, *, instance: str, vocabulary: frozenset[str]) -> Level:
    """Return the level this incident wants now.

    Args:
        incident: As decided.
        board: Resolved against the tenant; may stand in for the one that was asked for.
        instance: Configured name that makes references of several alertds on one tenant differ.
        vocabulary: Every tag label that is ours to put on and take off.
    """
    done = _wants_done(incident)
    return Level(
        ticket=wants_ticket(incident),
        reference=make_reference(instance, incident.key, incident.generation),
        status=_status(incident, board, done),
        done=done,
        priority=board.priority_by_severity[outside_hours.severity_for_priority(incident)],
        queue=board.queue_id,
        tags=_tags(incident, board),
        vocabulary=vocabulary,
        stands_in=bool(board.instead_of),
        revision=incident.revision,
        noted=incident.note_upto,
        told_by_priority=_is_told_by_priority(incident, board),
        needs_clean=done and incident.policy.close == "untouched",
    )


def urgency(incident: Incident) -> int:
    """Order among unsettled incidents, 0 first: critical creates, completions, other creates, the rest.

    A storm's parent speaks for many, so it goes before the others.
    """
    if incident.ticket is None:
        return 0 if incident.severity.rank == 0 else 1 if incident.kind == "storm" else 2
    return 1 if isinstance(incident.phase, Closed) else 3


def known_for(known: Known, *, before: Incident, after: Incident) -> Known:
    """Return what is known of the incident's present generation: nothing, where a new one left a ticket."""
    if known.ticket is None and _is_dismissed(before, after):
        known = outcomes.unparked(known)  # they have seen why Autotask refused it
    left = before.ticket is not None or before.previous != after.previous
    left_behind = left and after.ticket is None and before.generation != after.generation
    if not left_behind:
        return known
    # that the ticket before was complete may be old news: look first, lest there be two live ones
    doubted = after.why_new != "refused"
    return Known(adoption_checked=not doubted, doubted=doubted)


def _is_dismissed(before: Incident, after: Incident) -> bool:
    return isinstance(after.phase, Closed) and after.phase.how == "operator" and after.phase != before.phase


def is_settled(incident: Incident, known: Known) -> bool:
    """Whether it is certain without asking the desk that there is nothing to do."""
    return not known.may_stand and known.parked is None and not wants_ticket(incident)


def wants_ticket(incident: Incident) -> bool:
    """Whether a ticket should stand for it."""
    match incident.phase:
        case Waiting() | Silenced() | Folded():
            return False
        case Closed(wants_ticket=wants):
            return wants or incident.ticket is not None
        case _:
            return True


def _wants_done(incident: Incident) -> bool:
    phase = incident.phase
    if not isinstance(phase, Closed) or phase.how not in ("cleared", "expired", "operator"):
        return False
    return may_complete(incident)


def _is_told_by_priority(incident: Incident, board: Board) -> bool:
    """Whether all that a note would tell is that it got worse, which the ticket's priority shows already."""
    untold = [happened for happened in incident.changes if happened.revision <= incident.note_upto]
    return bool(untold) and all(
        happened.what == "raised" and _differs(happened.detail, board) for happened in untold
    )


def _differs(detail: str, board: Board) -> bool:
    priorities = {board.priority_by_severity[severity] for severity in detail.split(" to ")}
    return len(priorities) > 1


def _status(incident: Incident, board: Board, done: bool) -> int | None:
    if done:
        return board.status_done
    if isinstance(incident.phase, Acknowledged | Closed):
        return None
    return board.status_new


def _tags(incident: Incident, board: Board) -> frozenset[str]:
    shown = "expired" if _is_expired(incident) else _STATE_TAG.get(state_of(incident), "firing")
    if incident.flapping is not None and isinstance(incident.phase, Open | Holding):
        shown = "flapping" if "flapping" in board.state_tags else "firing"  # it is neither: held open
    state_tag = board.state_tags.get(shown)
    tags = {*board.tags, *incident.policy.tags}
    if incident.kind == "storm" and "storm" in board.state_tags:
        tags.add(board.state_tags["storm"])
    return frozenset(tags | {state_tag} if state_tag else tags)


def _is_expired(incident: Incident) -> bool:
    match incident.phase:
        case Holding(expired=True) | Closed(how="expired"):
            return True
        case _:
            return False


# a ticket shows whether its condition holds; how far we are with it is our own business
_STATE_TAG = {
    "waiting": "firing",
    "silenced": "firing",
    "inhibited": "firing",
    "held": "firing",
    "folded": "firing",
    "opening": "firing",
    "open": "firing",
    "holding": "cleared",
    "closed": "cleared",
    "expired": "expired",
    "acknowledged": "acknowledged",
}

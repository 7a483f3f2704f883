"""Folding the incidents of a storm into their parent, and letting them out again: one batch of decisions.

Children are counted one by one, and their parent moves once a batch, so that a storm of thousands costs its
parent no more than one of ten. What is folded stays so until it clears or is promoted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from alertd.core import quieting, storms
from alertd.core.alerts import AlertKey, Severity
from alertd.core.deciding import decide, may_change_storm, open_incident
from alertd.core.incidents import (
    Acknowledged,
    Changed,
    Closed,
    Ended,
    Fired,
    Folded,
    Incident,
    Member,
    Open,
    Promoted,
    Silenced,
    Waiting,
    customer_of,
)
from alertd.core.noting import tell_of_storm
from alertd.core.routes import Policy
from alertd.core.storms import ORANGE, PRESSURES, PROMOTE_EVERY, Storm, StormTerms, parent_key
from alertd.core.tallying import retally


@dataclass
class _Moves:
    """What one batch does to a parent. `example` is one of its children."""

    example: Incident
    net: Counter[str] = field(default_factory=Counter)  # by severity, less those that left
    folded: int = 0
    cleared: int = 0
    promoted: int = 0


class Storming:
    """The storms of one batch. Call `follow` after every step of an incident, `absorb` at the end.

    Args:
        terms: Today's, with the pressure.
        now: The present instant.
        incidents: Gives the batch's, parents among them, as they are when asked.
    """

    def __init__(
        self, terms: StormTerms, now: datetime, incidents: Callable[[], Mapping[str, Incident]]
    ) -> None:
        self.terms = terms
        self._now = now
        self._find = incidents
        self.arrivals: dict[str, list[datetime]] = {}  # by scope, oldest first
        self.promotable: dict[str, Sequence[str]] = {}  # folded children by parent: the next ones first
        self._arrived: Counter[str] = Counter()  # by scope, in this batch
        self._moves: dict[str, _Moves] = {}  # by parent

    @property
    def _incidents(self) -> Mapping[str, Incident]:
        return self._find()

    # --- children -------------------------------------------------------------------------------------

    def follow(self, after: Incident, *, before: Incident | None, may_fold: bool) -> Incident:
        """Fold the incident if it has just begun to want a ticket in a storm; count it where it moves.

        Args:
            after: As a change has left it.
            before: As it was before that change; None: it has just been opened.
            may_fold: No create has been committed to.
        """
        if after.kind != "problem":
            return after
        if before is not None and isinstance(before.phase, Folded):
            stays = isinstance(after.phase, Folded)
            return self._still(after, before) if stays else self._left(after, before)
        if before is not None and isinstance(before.phase, Closed) and not isinstance(after.phase, Closed):
            after = replace(after, storm_key="", storm_ticket="") if after.storm_key else after
        if not self.terms.threshold or not _arrives(after, before):
            return after
        return self._arrive(after, may_fold)

    def _arrive(self, arriving: Incident, may_fold: bool) -> Incident:
        scope = arriving.scope or self.scope_of(arriving.policy, arriving.client, {})
        arrived = replace(arriving, scope=scope, wanted_at=self._now)
        times = self.arrivals.setdefault(scope, [])
        folds = may_fold and arrived.severity is not Severity.CRITICAL and self._folds(scope, len(times))
        times.append(self._now)
        self._arrived[scope] += 1
        if not folds:
            return arrived
        folded = replace(arrived, phase=Folded(self._now), storm_key=parent_key(scope))
        moves = self._moves_of(folded)
        moves.net[folded.severity] += 1
        moves.folded += 1
        return retally(folded, arriving)

    def _folds(self, scope: str, earlier: int) -> bool:
        """Whether one more that wants a ticket is one too many, or comes while a storm lasts."""
        key = parent_key(scope)
        if earlier >= self.terms.limit or (key in self._moves and self._moves[key].folded):
            return True
        storm = _live_storm(self._incidents.get(key))
        return storm is not None and (storm.active or (self.terms.pressure >= ORANGE and storm.firing > 0))

    def _still(self, after: Incident, before: Incident) -> Incident:
        """What has become critical gets its own ticket at once."""
        if after.severity is before.severity:
            return after
        if after.severity is Severity.CRITICAL:
            out = decide(after, Promoted(self.ticket_of(after.storm_key)), now=self._now)
            return self._left(
                quieting.follow(out, before=after, now=self._now, may_begin=True), before=before
            )
        self._moves_of(after).net.update({after.severity: 1, before.severity: -1})
        return after

    def _left(self, after: Incident, before: Incident) -> Incident:
        moves = self._moves_of(before)
        moves.net[before.severity] -= 1
        if isinstance(after.phase, Closed):
            moves.cleared += 1
        else:
            moves.promoted += 1
        return after

    def _moves_of(self, child: Incident) -> _Moves:
        return self._moves.setdefault(child.storm_key, _Moves(child))

    def scope_of(self, policy: Policy, client: str, labels: Mapping[str, str]) -> str:
        """Return where an incident counts that an alert with these labels opens; empty: nowhere."""
        if not self.terms.threshold:
            return ""
        company = client if policy.company is None else str(policy.company)
        return storms.scope_of(board=policy.board, company=company, labels=labels, terms=self.terms)

    def why_folded(self, child: Incident) -> dict[str, str]:
        """Return what `explain` says of how it came to be folded."""
        why = {"storm": child.storm_key}
        return why if self.terms.pressure < ORANGE else {**why, "pressure": PRESSURES[self.terms.pressure]}

    def ticket_of(self, key: str) -> str:
        """Return the number of a parent's ticket; empty: it has none yet, or is not in this batch."""
        parent = self._incidents.get(key)
        ticket = parent.ticket if parent is not None else None
        return "" if ticket is None else ticket.number or str(ticket.id)

    # --- what the batch needs -------------------------------------------------------------------------

    def count(self, arrivals: Mapping[str, Sequence[datetime]]) -> None:
        """Take in when incidents arrived in these scopes since `counts_from`, oldest first."""
        for scope, times in arrivals.items():
            begins_at = self.counts_from if storms.counts_promotions(scope) else self._now - self.terms.window
            self.arrivals[scope] = [at for at in times if at > begins_at]

    def scopes_at_stake(self) -> set[str]:
        """Return the scopes in which incidents of the batch may arrive, beside those it is to open."""
        if not self.terms.threshold:
            return set()
        return {
            each.scope or self.scope_of(each.policy, each.client, {})
            for each in self._incidents.values()
            if each.kind == "problem" and isinstance(each.phase, Waiting | Silenced | Closed)
        }

    def parents(self) -> set[str]:
        """Return the keys of the parents into which incidents of the batch are folded."""
        return {each.storm_key for each in self._incidents.values() if isinstance(each.phase, Folded)}

    @property
    def counts_from(self) -> datetime:
        """Since when arrivals, and promotions, matter."""
        return self._now - max(self.terms.window, PROMOTE_EVERY)

    @property
    def most_counted(self) -> int:
        """How many of the newest arrivals of a scope matter."""
        return max(self.terms.threshold, 1)

    def to_promote(self) -> set[str]:
        """Return the keys of children one of which may be promoted now."""
        return {key for keys in self.promotable.values() for key in keys}

    def is_promoting(self, key: str) -> bool:
        """Whether time may now promote a child of this incident."""
        parent = self._incidents.get(key)
        if parent is None or parent.storm is None or isinstance(parent.phase, Acknowledged | Closed):
            return False
        due_at = storms.due_at(parent.storm)
        return due_at is not None and due_at <= self._now

    # --- parents --------------------------------------------------------------------------------------

    def absorb(self) -> list[Incident]:
        """Return the parents as the batch leaves them; it is forgotten then."""
        moves_by_key, self._moves = self._moves, {}
        arrived, self._arrived = self._arrived, Counter()
        scopes = {parent_key(scope): scope for scope in arrived}
        scopes.update({key: moves.example.scope for key, moves in moves_by_key.items()})
        found = [
            self._absorb_one(key, moves_by_key.get(key), scope, arrived[scope])
            for key, scope in scopes.items()
        ]
        return [parent for parent in found if parent is not None]

    def _absorb_one(self, key: str, moves: _Moves | None, scope: str, arrived: int) -> Incident | None:
        parent = self._incidents.get(key)
        storm = parent.storm if parent is not None else None
        if moves is None:
            if parent is None or storm is None or _live_storm(parent) is None or not storm.active:
                return None
            return replace(parent, storm=self._kept_going(storm, scope, arrived))
        if moves.folded:
            storm = self._kept_going(self._going(parent, len(self.arrivals[scope]) - arrived), scope, arrived)
        if storm is None:
            return None  # its parent is lost: what was folded there goes its own way
        storm = self._counted(storm, moves)
        return _moved(parent or self._begun(key, scope, moves.example), storm, self._now)

    def _going(self, parent: Incident | None, earlier: int) -> Storm:
        """The storm with a child that has just come in: it begins, goes on, or begins anew."""
        calm_at = self._now + self.terms.calm
        storm = parent.storm if parent is not None else None
        if storm is None:
            return Storm(began_at=self._now, calm_at=calm_at, arrived=earlier)
        if _live_storm(parent) is None:
            left = storm.firing_by_severity
            return Storm(began_at=self._now, calm_at=calm_at, arrived=earlier, firing_by_severity=left)
        return storm if storm.active else replace(storm, active=True, calm_at=calm_at, promote_at=None)

    def _kept_going(self, storm: Storm, scope: str, arrived: int) -> Storm:
        calm_at = storms.calm_at(self.arrivals.get(scope, ()), self._now, self.terms)
        later = max(storm.calm_at, calm_at) if calm_at is not None else storm.calm_at
        return replace(storm, calm_at=later, arrived=storm.arrived + arrived)

    def _counted(self, storm: Storm, moves: _Moves) -> Storm:
        after = replace(
            storm,
            firing_by_severity=storms.moved(storm.firing_by_severity, moves.net),
            folded=storm.folded + moves.folded,
            cleared=storm.cleared + moves.cleared,
            promoted=storm.promoted + moves.promoted,
        )
        most = self.terms.promote_at_most
        if not after.active and after.promote_at is None and after.firing <= most < storm.firing:
            return replace(after, promote_at=self._now + self.terms.calm)  # they are just clearing
        return after

    def _begun(self, key: str, scope: str, child: Incident) -> Incident:
        """A parent with nothing in it yet, under the policy of its first child."""
        group = storms.group_of(scope)
        opened = open_incident(
            key,
            Fired(_member_of(group, Severity.INFO, self._now), messages=0),
            child.policy,
            group=group,
            customer=customer_of(child),
            receipt=child.receipt,
            now=self._now,
        )
        gathering = Waiting(self._now + self.terms.gathering)
        return replace(opened, kind="storm", phase=gathering, members={}, scope=storms.promotions_of(scope))

    # --- time -----------------------------------------------------------------------------------------

    def pass_time(self, parent: Incident) -> tuple[Incident, str]:
        """Let time pass for a storm; return its parent and the child to be promoted now (empty: none)."""
        storm = parent.storm
        if storm is None or not may_change_storm(parent):
            return parent, ""
        if storm.active and self._now >= storm.calm_at:
            few = storm.firing <= self.terms.promote_at_most
            storm = replace(storm, active=False, promote_at=self._now if few else None)
            parent = tell_of_storm(replace(parent, storm=storm), self._now, what="calm")
        if isinstance(parent.phase, Acknowledged) or not self._may_promote(storm):
            return parent, ""
        return self._promoting(parent, storm)

    def _may_promote(self, storm: Storm) -> bool:
        due_at = storms.due_at(storm)
        return not storm.active and due_at is not None and self._now >= due_at

    def _promoting(self, parent: Incident, storm: Storm) -> tuple[Incident, str]:
        lately = [at for at in self.arrivals.get(parent.scope, []) if at > self._now - PROMOTE_EVERY]
        if self.terms.pressure >= ORANGE or lately:
            next_at = (lately[-1] if lately else self._now) + PROMOTE_EVERY
            return replace(parent, storm=replace(storm, promote_at=next_at)), ""
        child_key = next((key for key in self.promotable.get(parent.key, ()) if self._is_in(key, parent)), "")
        if not child_key:  # the counts are wrong, as after a restored store: nothing is in it
            emptied = replace(storm, firing_by_severity={}, promote_at=None)
            return _moved(parent, emptied, self._now), ""
        self.arrivals[parent.scope] = [self._now]
        going_on = replace(storm, promote_at=self._now + PROMOTE_EVERY, promoted_at=self._now)
        return replace(parent, storm=going_on, wanted_at=self._now), child_key

    def _is_in(self, key: str, parent: Incident) -> bool:
        child = self._incidents.get(key)
        return child is not None and isinstance(child.phase, Folded) and child.storm_key == parent.key


def _arrives(after: Incident, before: Incident | None) -> bool:
    """Whether it has just begun to want a ticket that it does not have."""
    if after.ticket is not None or not isinstance(after.phase, Open):
        return False
    return (
        before is None
        or before.generation != after.generation
        or isinstance(before.phase, Waiting | Silenced | Closed)
    )


def _live_storm(parent: Incident | None) -> Storm | None:
    return parent.storm if parent is not None and not isinstance(parent.phase, Closed) else None


def _member_of(group: Mapping[str, str], severity: Severity, since: datetime) -> Member:
    """The storm as if it were one condition: so its parent lives as every incident does."""
    where = ", ".join(group.values())
    title = f"Storm of alerts at {where}" if where else "Storm of alerts"
    return Member(key=AlertKey("storm"), title=title, severity=severity, since=since)


def _moved(parent: Incident, storm: Storm, now: datetime) -> Incident:
    """Return the parent with the storm as it is now: raised, all clear, or to be told of."""
    member = _member_of(parent.group, storm.severity or parent.severity, storm.began_at)
    told = tell_of_storm(replace(parent, storm=storm), now)
    if isinstance(parent.phase, Waiting):  # for its own time, whatever its route's groups wait for
        seated = member if storm.firing else replace(member, ended_at=now)
        worst = min(member.severity, parent.severity, key=lambda severity: severity.rank)
        return replace(told, members={member.key: seated}, severity=worst)
    old = parent.members.get(member.key)
    begins = parent.storm is None or parent.storm.began_at != storm.began_at
    if begins or (storm.firing and (old is None or not old.firing)):
        told = decide(told, Fired(member, messages=0), now=now)
    if not storm.firing:
        return decide(told, Ended(member.key, now, messages=0), now=now)
    return decide(told, Changed(member, messages=0), now=now)

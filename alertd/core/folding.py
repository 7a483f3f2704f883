"""Folding a batch of alerts into conditions and incidents.

Two passes, since which incidents are needed follows from what the messages changed: `observe` folds the
messages into conditions and routes what fires; `decide` then folds the turns into incidents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from alertd.core import deciding, digests, incidents, outside_hours, quieting
from alertd.core.acknowledging import further_ticket
from alertd.core.alerts import Alert, AlertKey, Status
from alertd.core.clients import customer_in
from alertd.core.conditions import Condition, Turn, expire, hear, observe
from alertd.core.devices import DEVICE_LABELS
from alertd.core.digest_settings import DigestSettings
from alertd.core.history import Happening
from alertd.core.incidents import (
    Changed,
    Counted,
    Ended,
    Fired,
    Folded,
    Incident,
    Inhibiting,
    Member,
    Open,
    Promoted,
    Quieted,
    Silenced,
    Tick,
    Updated,
)
from alertd.core.inhibiting import InhibitRules
from alertd.core.inhibition import Inhibition
from alertd.core.matchers import Labels
from alertd.core.route_hours import ALWAYS, RouteHours
from alertd.core.routes import Matched, Policy, Route, match, place
from alertd.core.silences import NO_SILENCES, Quiet, shown_id
from alertd.core.storming import Storming
from alertd.core.storms import NO_STORMS, StormTerms, parent_key
from alertd.core.suppressions import Suppressions, Suppressor, longest
from alertd.core.text import cut, one_line

LONGEST_UPDATE = 300
NO_MESSAGES = incidents.Tally()
NO_INHIBITION = Inhibition(InhibitRules())


class Routing(msgspec.Struct, frozen=True):
    """Today's tree, and its policies by route name."""

    tree: Route
    policies: Mapping[str, Policy]
    digest: DigestSettings | None = None
    hours: RouteHours = ALWAYS

    @property
    def lists_board(self) -> str:
        """Board of the lists of what came and went without a ticket."""
        return self.digest.board if self.digest is not None else self.tree.matched.policy.board


class Message(msgspec.Struct, frozen=True):
    """One alert as it came in."""

    alert: Alert
    received_at: datetime
    receipt: str


class Place(msgspec.Struct, frozen=True):
    """Where a route puts an alert."""

    matched: Matched
    key: str
    group: dict[str, str]


class Event(msgspec.Struct, frozen=True):
    """What one message, or silence, did to its condition."""

    turn: Turn
    key: AlertKey
    member: Member
    receipt: str
    ended_at: datetime
    places: tuple[Place, ...] = ()
    counted: bool = True
    text: str = ""  # what an update says
    awaits_source: bool = False


class Fold:
    """One batch. Give it what is stored, call `observe`, add the incidents it names, call `decide`.

    In between, add the conditions that `unheard` names: what silences them has to be asked anew. `committed`
    says of which generation an incident's create may have been sent: that cannot be held back any more.
    At last, add those incidents that `wanted_lists` names and that are stored, and call `put_on_lists`.
    """

    def __init__(
        self,
        routing: Routing,
        *,
        now: datetime,
        suppressions: Suppressor = NO_SILENCES,
        inhibition: Inhibition = NO_INHIBITION,
        storms: StormTerms = NO_STORMS,
    ) -> None:
        self._routing = routing
        self._now = now
        self._inhibition = inhibition
        self._inhibiting = inhibition.batch()
        self._suppressions = Suppressions(suppressions, self._inhibiting)
        self.committed: dict[str, int] = {}
        self.conditions: dict[AlertKey, Condition] = {}
        self.incidents: dict[str, Incident] = {}
        self.storms = Storming(storms, now, lambda: self.incidents)
        self.changed_conditions: set[AlertKey] = set()
        self.changed_incidents: set[str] = set()
        self.history: list[Happening] = []
        self.totals: Counter[str] = Counter()
        self.told_of_held: set[str] = set()  # incidents that tell what they hold back, as it is now
        self._events: list[Event] = []
        self._listings: list[digests.Listing] = []
        self._dismissed: list[str] = []

    # --- first pass -----------------------------------------------------------------------------------

    def observe(self, messages: Iterable[Message]) -> None:
        """Fold the messages into the conditions, in their order, and route what fires."""
        for message in messages:
            if message.alert.status is Status.IGNORED:
                self.totals["ignored"] += 1
            elif message.alert.status is Status.UPDATED:
                self._hear(message)
            else:
                self._observe_one(message)

    def expire(self, keys: Iterable[AlertKey]) -> None:
        """Let silence speak for these conditions."""
        for key in keys:
            condition, turn = expire(self.conditions[key], self._now)
            if turn is Turn.EXPIRED:
                self._put(condition)
                self._events.append(self._event(turn, condition, receipt="", counted=False))

    def dismiss(self, keys: Iterable[str]) -> None:
        """Have `decide` close these incidents for the operator."""
        self._dismissed.extend(keys)

    def needed_incidents(self) -> set[str]:
        """Return the keys of all incidents that `decide` will want to see."""
        keys: set[str] = set()
        for event in self._events:
            keys.update(self.conditions[event.key].incidents)
            keys.update(found.key for found in event.places)
        return keys

    def _observe_one(self, message: Message) -> None:
        alert = message.alert
        before = self.conditions.get(alert.key)
        condition, turn = observe(before, alert, received_at=message.received_at, receipt=message.receipt)
        if condition is not before:
            self._put(condition)
        if turn is Turn.REPEATED and condition.firing and condition.ticketed:
            self.totals["merged"] += 1
            return
        places = self._places(alert) if turn is Turn.FIRED else ()
        self._events.append(self._event(turn, condition, receipt=message.receipt, places=places))

    def _hear(self, message: Message) -> None:
        alert = message.alert
        before = self.conditions.get(alert.key)
        condition, turn = hear(before, alert, received_at=message.received_at)
        if condition is None or turn is Turn.IGNORED:
            self.totals["ignored"] += 1
            return
        if condition is not before:
            self._put(condition)
        text = cut(one_line(alert.annotations.get("update", "")), LONGEST_UPDATE)
        self._events.append(self._event(turn, condition, receipt=message.receipt, text=text))

    def _event(
        self,
        turn: Turn,
        condition: Condition,
        *,
        receipt: str,
        places: tuple[Place, ...] = (),
        counted: bool = True,
        text: str = "",
    ) -> Event:
        member = member_of(condition)
        ended_at = condition.ended_at or condition.seen_at
        return Event(turn, condition.key, member, receipt, ended_at, places, counted, text)

    def _places(self, alert: Alert) -> tuple[Place, ...]:
        found = []
        for matched in match(self._routing.tree, alert.labels):
            key, group = place(matched, alert)
            found.append(Place(matched, key, group))
        return tuple(found)

    def _put(self, condition: Condition) -> None:
        self.conditions[condition.key] = condition
        self.changed_conditions.add(condition.key)
        self._inhibiting.heard(condition)

    # --- storms ---------------------------------------------------------------------------------------

    def scopes(self) -> set[str]:
        """Return the scopes in which incidents of this batch may come to want a ticket."""
        found = {self._scope(place, event.key) for event in self._events for place in event.places}
        return (found | self.storms.scopes_at_stake()) - {""}

    def parents(self, scopes: Iterable[str]) -> set[str]:
        """Return the keys of the parents that these scopes, and the incidents of the batch, have."""
        return {parent_key(scope) for scope in scopes} | self.storms.parents()

    def _scope(self, found: Place, key: AlertKey) -> str:
        condition = self.conditions[key]
        client = customer_in(condition.source, condition.labels).client
        return self.storms.scope_of(found.matched.policy, client, condition.labels)

    def _absorb_storms(self) -> None:
        for parent in self.storms.absorb():
            before = self.incidents.get(parent.key)
            self._store(parent.key, before, parent)
            if before is None:
                self._tell("opened", incident_key=parent.key, detail={"board": parent.policy.board})
            elif type(before.phase) is not type(parent.phase):
                self._tell(incidents.state_of(parent), incident_key=parent.key)

    def _pass_storm(self, key: str) -> None:
        before = self.incidents[key]
        after, child_key = self.storms.pass_time(before)
        self._store(key, before, after)
        if before.storm is not None and after.storm is not None and before.storm.active > after.storm.active:
            self._tell("storm calm", incident_key=key)
        if child_key:
            self._ask_silences(child_key)
            self._step(child_key, Promoted(self.storms.ticket_of(key)))

    # --- silences -------------------------------------------------------------------------------------

    def unheard(self, ticked: Iterable[str] = ()) -> set[AlertKey]:
        """Return the conditions that `decide`, and `tick` of these incidents, will ask the silences about."""
        if not self._suppressions:
            return set()
        asked = {
            key for key, incident in self.incidents.items() if quieting.is_out_of_date(incident, self._now)
        }
        asked.update(key for key in ticked if key in self.incidents and self._asks_silences(key))
        return {
            member.key
            for key in asked
            for member in self.incidents[key].members.values()
            if member.firing and member.key not in self.conditions
        }

    def _asks_silences(self, key: str) -> bool:
        return quieting.may_be_silenced(self.incidents[key])

    def _ask_silences(self, key: str) -> None:
        """Put down anew what silences the incident's conditions. One that cannot be found is not silenced."""
        policy = self._policy(key)
        quiet_by_key = {
            member.key: self._quiet(policy, self.conditions.get(member.key))
            for member in self.incidents[key].members.values()
            if member.firing
        }
        self._step(key, Quieted(quiet_by_key))

    # --- lists ----------------------------------------------------------------------------------------

    def wanted_lists(self) -> set[str]:
        """Return the keys of the lists that `put_on_lists` will want to see."""
        return {each.key for each in self._listings} - self.incidents.keys()

    def put_on_lists(self) -> None:
        """Put what is over without a ticket on the lists that tell of it."""
        for each in self._listings:
            before = self.incidents.get(each.key)
            is_sent = before is not None and self.committed.get(each.key) == before.generation
            board = self._routing.lists_board
            after = digests.put_on(before, each, board=board, now=self._now, is_sent=is_sent)
            self._store(each.key, before, after)
            detail = {"on": each.name, "list": each.key}
            self._tell("listed", incident_key=each.incident.key, detail=detail)
        self._listings.clear()

    def _list_if_over(self, before: Incident, after: Incident) -> None:
        which = digests.which_list(before, after)
        if which is None:
            return
        found = digests.listing(which, after, self._routing.digest, now=self._now)
        if found is not None:
            self._listings.append(found)

    def _with_quiet(self, event: Event) -> Event:
        """Ask what keeps it quiet, now that all of the batch is known."""
        if event.turn not in (Turn.FIRED, Turn.CHANGED) or not self._suppressions:
            return event
        labels = self.conditions[event.key].labels
        quiet = self._suppressions.quiet(labels, self._now)
        member = msgspec.structs.replace(event.member, quiet=quiet)
        awaits = quiet is None and self._inhibiting.is_target(labels)
        return msgspec.structs.replace(event, member=member, awaits_source=awaits)

    def _quiet(self, policy: Policy, condition: Condition | None) -> Quiet | None:
        by_route = self._routing.hours.quiet_in(policy, self._now)
        if condition is None:
            return by_route
        return longest(self._suppressions.quiet(condition.labels, self._now), by_route)

    def _in_route(self, event: Event, policy: Policy) -> Event:
        """Have the event's member know what this route's time intervals say, too."""
        if event.turn not in (Turn.FIRED, Turn.CHANGED):
            return event
        quiet = longest(event.member.quiet, self._routing.hours.quiet_in(policy, self._now))
        member = msgspec.structs.replace(event.member, quiet=quiet)
        return msgspec.structs.replace(event, member=member)

    def _policy(self, key: str) -> Policy:
        stored = self.incidents[key].policy
        return self._routing.policies.get(stored.route_name, stored)

    # --- second pass ----------------------------------------------------------------------------------

    def decide(self) -> None:
        """Fold what happened to the conditions into the incidents."""
        for key, incident in list(self.incidents.items()):
            if quieting.is_out_of_date(incident, self._now):
                self._ask_silences(key)
        repeats: Counter[str] = Counter()
        for event in map(self._with_quiet, self._events):
            if event.turn is Turn.FIRED:
                self._fired(event)
            elif event.turn in (Turn.REPEATED, Turn.STALE, Turn.UNKNOWN):
                self._repeated(event, repeats)
            else:
                self._moved(event)
        for key, messages in repeats.items():
            self._step(key, Counted(messages))
        for key in self._dismissed:
            self._dismiss(key)
        self._absorb_storms()

    def _dismiss(self, key: str) -> None:
        before = self.incidents.get(key)
        if before is None:
            return
        self._step(key, incidents.Dismissed())
        if self.incidents[key].phase != before.phase:
            self._tell("closed by an operator", incident_key=key)

    def tick(self, keys: Iterable[str]) -> None:
        """Let time pass for these incidents."""
        for key in keys:
            before = self.incidents[key]
            if self._asks_silences(key):
                self._ask_silences(key)
            self._tell_of_held(key)
            self._step(key, Tick())
            after = self.incidents[key]
            told = isinstance(before.phase, Silenced) or isinstance(after.phase, Silenced | Folded)
            if type(after.phase) is not type(before.phase) and not told:
                self._tell(incidents.state_of(after), incident_key=key)
            self._pass_storm(key)
        self._absorb_storms()

    def _fired(self, event: Event) -> None:
        """Fire where it fired before and is not over yet, and where today's routes put it beside that.

        Where today's routes have nothing to do with an incident that lives, it stays as it was routed.
        """
        condition = self.conditions[event.key]
        places = {found.key: found for found in event.places}
        kept = [key for key in condition.incidents if self._is_live(key)]
        beside = [key for key in places if key not in kept] if places.keys() >= set(kept) else []
        for count, key in enumerate((*kept, *beside)):
            policy = self._policy(key) if key in self.incidents else places[key].matched.policy
            member = self._in_route(event, policy).member
            fired = Fired(member, messages=0 if count else 1, awaits_source=event.awaits_source)
            if key in self.incidents:
                self._agree(key, condition.labels)
                self._step(key, fired)
                self._tell("fired", incident_key=key, event=event)
            else:
                self._open(places[key], fired, event)
        self.conditions[event.key] = msgspec.structs.replace(condition, incidents=(*kept, *beside))

    def _open(self, found: Place, fired: Fired, event: Event) -> None:
        condition = self.conditions[event.key]
        policy = self._routing.hours.placed(found.matched.policy, self._now)
        opened = deciding.open_incident(
            found.key,
            fired,
            policy,
            group=found.group,
            customer=customer_in(condition.source, condition.labels),
            receipt=event.receipt,
            now=self._now,
        )
        opened = msgspec.structs.replace(opened, labels=condition.labels, scope=self._scope(found, event.key))
        opened = outside_hours.begin(opened, self._routing.hours, now=self._now)
        after = quieting.follow(opened, before=opened, now=self._now, may_begin=True)
        after = self.storms.follow(after, before=None, may_fold=True)
        self._store(found.key, None, after)
        detail = {"route": " > ".join(found.matched.path), "board": policy.board}
        self._tell("opened", incident_key=found.key, event=event, detail=outside_hours.told(detail, after))
        self._tell_of_silence(opened, after)

    def _agree(self, key: str, labels: Labels) -> None:
        """Keep what the labels of all its alerts have in common, for the templates of its ticket."""
        before = self.incidents[key]
        common = dict(labels) if not incidents.is_live(before) else common_labels(before.labels, labels)
        if common != before.labels:
            self._store(key, before, msgspec.structs.replace(before, labels=common))

    def _repeated(self, event: Event, repeats: Counter[str]) -> None:
        counting = next((key for key in self.conditions[event.key].incidents if key in self.incidents), None)
        if counting is not None:
            repeats[counting] += 1
            self._remember_ticket(event.key, self.incidents[counting])
        else:
            self.totals["cleared_unticketed"] += 1

    def _remember_ticket(self, key: AlertKey, incident: Incident) -> None:
        """Spare later repeats the look at the incident: while the condition fires it keeps its ticket."""
        condition = self.conditions[key]
        if incident.ticket is not None and condition.firing and not condition.ticketed:
            self._put(msgspec.structs.replace(condition, ticketed=True))

    def _moved(self, event: Event) -> None:
        present = [key for key in self.conditions[event.key].incidents if key in self.incidents]
        for count, key in enumerate(present):
            messages = 1 if event.counted and not count else 0
            if event.turn in (Turn.CLEARED, Turn.EXPIRED):
                self._tell_of_held(key)
            self._step(key, _change_of(self._in_route(event, self._policy(key)), messages))
            self._tell(event.turn.value, incident_key=key, event=event, detail=_said(event))
        if not present and event.counted:
            self.totals["ignored" if event.turn is Turn.UPDATED else "cleared_unticketed"] += 1

    def _tell_of_held(self, key: str) -> None:
        """Have the incident know what its alerts hold back, as it was before this batch."""
        held_back = self._inhibition.held_back(self.incidents[key]) if key not in self.told_of_held else None
        if held_back is not None:
            self._step(key, Inhibiting(held_back))
            self.told_of_held.add(key)

    def _is_live(self, key: str) -> bool:
        return key in self.incidents and incidents.is_live(self.incidents[key])

    def _step(self, key: str, change: incidents.Change) -> None:
        before = self.incidents[key]
        live = self._routing.policies.get(before.policy.route_name)
        current = before if live is None else deciding.with_policy(before, live)
        after = deciding.decide(current, change, now=self._now)
        if after.opened_at != current.opened_at:
            after = outside_hours.begin_anew(after, self._policy(key), self._routing.hours, now=self._now)
        may_begin = self.committed.get(key) != after.generation
        after = after if may_begin else digests.owed(current, after)
        after = quieting.follow(after, before=current, now=self._now, may_begin=may_begin)
        after = self.storms.follow(after, before=current, may_fold=may_begin)
        self._store(key, before, after)
        self._tell_of_silence(before, after)
        self._tell_of_flapping(before, after)
        self._list_if_over(before, after)
        if after.generation > before.generation:
            self._tell("further ticket", incident_key=key, detail=further_ticket(after))

    def _store(self, key: str, before: Incident | None, after: Incident) -> None:
        if after is before or after == before:
            return
        for name, change in after.tally.minus(before.tally if before is not None else NO_MESSAGES).items():
            self.totals[name] += change
        self.incidents[key] = after
        self.changed_incidents.add(key)

    def _tell_of_silence(self, before: Incident, after: Incident) -> None:
        match before.phase, after.phase:
            case Silenced(), Silenced():
                pass
            case _, Silenced(_, until, by, said):
                ends = until.isoformat(timespec="seconds") if until is not None else ""
                detail = {"by": ", ".join(map(shown_id, by)), "said": said, "until": ends}
                shown = {name: text for name, text in detail.items() if text}
                self._tell(incidents.state_of(after), incident_key=after.key, detail=shown)
            case (_, Folded()) if not isinstance(before.phase, Folded):
                self._tell("folded", incident_key=after.key, detail=self.storms.why_folded(after))
            case Folded(), Open():
                self._tell("promoted", incident_key=after.key, detail={"storm": after.storm_key})
            case Silenced(kind=kind), Open():
                said = "inhibited no more" if kind == "inhibited" else "silence over"
                self._tell(said, incident_key=after.key)
            case Silenced(), _:
                self._tell(incidents.state_of(after), incident_key=after.key)
            case _:
                pass

    def _tell_of_flapping(self, before: Incident, after: Incident) -> None:
        if after.flapping is not None and before.flapping is None:
            until = after.flapping.until.isoformat(timespec="seconds")
            self._tell("flapping", incident_key=after.key, detail={"until": until})
        elif before.flapping is not None and after.flapping is None:
            changes = {"changes": str(before.flapping.changes)}
            self._tell("stable", incident_key=after.key, detail=changes)

    def _tell(
        self,
        what: str,
        *,
        incident_key: str,
        event: Event | None = None,
        detail: dict[str, str] | None = None,
    ) -> None:
        self.history.append(
            Happening(
                at=self._now,
                what=what,
                incident_key=incident_key,
                alert_key=event.key if event is not None else "",
                receipt=event.receipt if event is not None else "",
                detail=detail or {},
            )
        )


def member_of(condition: Condition) -> Member:
    """Return the condition as a ticket tells of it."""
    labels, annotations = condition.labels, condition.annotations
    return Member(
        key=condition.key,
        title=annotations.get("title") or labels.get("alertname", ""),
        severity=condition.severity,
        since=condition.started_at,
        host=labels.get("host", ""),
        description=annotations.get("description", ""),
        url=annotations.get("url", ""),
        on_expiry=condition.on_expiry,
        clues={name: labels[name] for name in DEVICE_LABELS if labels.get(name)},
    )


def common_labels(first: Labels, second: Labels) -> dict[str, str]:
    """Return the labels that both have, with the same value."""
    return {name: value for name, value in first.items() if second.get(name) == value}


def _said(event: Event) -> dict[str, str]:
    return {"said": event.text} if event.text else {}


def _change_of(event: Event, messages: int) -> Changed | Updated | Ended:
    if event.turn is Turn.CHANGED:
        return Changed(event.member, messages=messages)
    if event.turn is Turn.UPDATED:
        return Updated(event.key, event.text, messages)
    return _ended(event, messages)


def _ended(event: Event, messages: int) -> Ended:
    return Ended(event.key, event.ended_at, expired=event.turn is Turn.EXPIRED, messages=messages)

"""The shell around the core in synchronous form, for the state machine.

It does what alertd/flows does around the core, one operation at a time, with the reply of a write held
back where a test wants that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec.structs import replace

from alertd.core import digests, observing, outcomes, quieting, text
from alertd.core.alerts import Alert, AlertKey
from alertd.core.conditions import Condition
from alertd.core.deciding import decide, due_at
from alertd.core.folding import Fold, Message, Routing
from alertd.core.identity import reference_base
from alertd.core.incidents import (
    Acknowledged,
    Change,
    Closed,
    Completed,
    CompletedByPerson,
    Folded,
    Incident,
    Merged,
    Noted,
    Open,
    Rejoined,
    Renumbered,
    Reopened,
    ReopenRefused,
    Silenced,
)
from alertd.core.inhibiting import InhibitRules
from alertd.core.inhibition import Inhibition
from alertd.core.levels import desired, known_for
from alertd.core.observing import TicketView
from alertd.core.settling import Settled, Terms, WaitUntil, fingerprint, next_operation, part_of
from alertd.core.silences import ActiveSilences, Silence
from alertd.core.storms import NO_STORMS
from alertd.core.tickets import (
    AddTag,
    Adopt,
    CheckTouched,
    Create,
    Intent,
    Known,
    Level,
    Look,
    Note,
    Operation,
    RemoveTag,
    Reread,
    Ticket,
    Verify,
    Writing,
)
from alertd.core.tickets import Change as FieldChange
from tests.core.autotask_model import (
    DONE,
    NEW,
    OURS,
    OVER,
    QUIET,
    US,
    Desk,
    Invalid,
    Lost,
    Rejected,
    Unavailable,
)
from tests.core.incident_samples import BOARD

WINDOW = timedelta(minutes=6)
CALL = timedelta(milliseconds=50)
BUSY = 40  # operations on one incident without any waiting: more is a loop

Told: TypeAlias = tuple[Known, tuple[Change, ...]]
Apply: TypeAlias = Callable[[Known], Told]


@dataclass
class Row:
    """One incident as stored."""

    incident: Incident
    known: Known
    settle_at: datetime | None


@dataclass(frozen=True)
class Job:
    """One incident as it stood when its operation began."""

    row: Row
    incident: Incident
    known: Known
    level: Level


@dataclass(frozen=True)
class Reply:
    """The outcome of a write that is not recorded yet."""

    job: Job
    apply: Callable[[datetime], Apply]


class Shell:
    """What alertd/flows does around the core."""

    def __init__(self, routing: Routing) -> None:
        self.desk = Desk()
        self.routing = routing
        self.terms = Terms(unknown_window=WINDOW, mark="m0")
        self.conditions: dict[AlertKey, Condition] = {}
        self.rows: dict[str, Row] = {}
        self.totals: Counter[str] = Counter()
        self.messages = 0
        self.in_flight: dict[str, Reply] = {}
        self.inhibition = Inhibition(InhibitRules())
        self.storms = NO_STORMS
        self.silences: dict[str, Silence] = {}
        self.silences_seen_at = self.now  # those that began later have not been taken up yet

    @property
    def now(self) -> datetime:
        return self.desk.now

    # --- deciding -------------------------------------------------------------------------------------

    def post(self, *alerts: Alert) -> None:
        self.messages += len(alerts)
        self._fold([Message(each, self.now, "r") for each in alerts])

    # --- silences -------------------------------------------------------------------------------------

    def keep(self, silence: Silence, *, dies: bool = False) -> None:
        """Store it, and ask anew where it may matter; or die in between, and ask everywhere at the start."""
        old = self.silences.get(silence.id)
        self.silences[silence.id] = silence
        if dies:
            self.restart()
            return
        ends_something = old is not None and old.ends_at > self.now and silence.ends_at < old.ends_at
        self._ask_silences(Open, Silenced) if ends_something else self._ask_silences(Open)

    def restart(self) -> None:
        self.crash()
        self.silences_seen_at = self.now
        self.inhibition = Inhibition(self.inhibition.rules)
        self.inhibition.restore(
            self.conditions.values(), {key: row.incident for key, row in self.rows.items()}
        )
        self._ask_silences(Open, Silenced)

    def _ask_silences(self, *phases: type) -> None:
        due = [
            key
            for key, row in self.rows.items()
            if isinstance(row.incident.phase, phases) and row.known.ticket is None
        ]
        self._fold([], due=due)

    def lies_in_silence(self, incident: Incident) -> bool:
        """Whether everything that fires is inhibited, or silenced by what has been taken up and lasts."""
        active = [
            each
            for each in self.silences.values()
            if each.starts_at <= self.silences_seen_at and self.now < each.ends_at
        ]
        if incident.storm is not None:
            return False
        firing = [self.conditions[key].labels for key, each in incident.members.items() if each.firing]
        quiet = [
            bool(self.inhibition.inhibited_by(labels))
            or any(all(matcher.matches(labels) for matcher in each.matchers) for each in active)
            for labels in firing
        ]
        return bool(firing) and all(quiet)

    # --- time -----------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let time speak, only where it is due."""
        begun = [
            each for each in self.silences.values() if self.silences_seen_at < each.starts_at <= self.now
        ]
        self.silences_seen_at = self.now
        if begun:
            self._ask_silences(Open)
        silent = [key for key, held in self.conditions.items() if _is_due(held.expires_at, self.now)]
        due = [key for key, row in self.rows.items() if _is_due(due_at(row.incident), self.now)]
        if silent or due:
            self._fold([], silent=silent, due=due)
        self._ask_due()

    def _fold(
        self,
        messages: list[Message],
        *,
        silent: list[AlertKey] | None = None,
        due: list[str] | None = None,
        dismissed: list[str] | None = None,
    ) -> None:
        silences = ActiveSilences(self.silences.values())
        fold = Fold(
            self.routing,
            now=self.now,
            suppressions=silences,
            inhibition=self.inhibition,
            storms=self.storms,
        )
        loaded = {each.alert.key for each in messages} | set(silent or [])
        fold.conditions = {key: held for key, held in self.conditions.items() if key in loaded}
        fold.observe(messages)
        fold.expire(silent or [])
        fold.dismiss(dismissed or [])
        needed = fold.needed_incidents() | set(due or []) | set(dismissed or [])
        fold.incidents = {key: self.rows[key].incident for key in needed if key in self.rows}
        self._load_storms(fold, due or [])
        fold.committed = {
            key: each.generation for key, each in fold.incidents.items() if self.rows[key].known.may_stand
        }
        fold.conditions.update(
            {key: self.conditions[key] for key in fold.unheard([*(due or []), *fold.storms.to_promote()])}
        )
        fold.decide()
        fold.tick(due or [])
        lists = {key: self.rows[key] for key in fold.wanted_lists() if key in self.rows}
        fold.incidents.update({key: row.incident for key, row in lists.items()})
        fold.committed |= {key: row.incident.generation for key, row in lists.items() if row.known.may_stand}
        fold.put_on_lists()
        self.conditions |= fold.conditions
        for key in sorted(fold.changed_incidents):
            row, after = self.rows.get(key), fold.incidents[key]
            if row is None:
                self.rows[key] = Row(after, Known(), self.now)
                continue
            row.known = known_for(row.known, before=row.incident, after=after)
            row.incident, row.settle_at = after, self.now
        for name, change in fold.totals.items():
            self.totals[name] += change
        self.inhibition.told(fold.told_of_held)
        self.inhibition.commit([fold.conditions[key] for key in fold.changed_conditions], fold.incidents)
        self._ask_due()

    def _ask_due(self) -> None:
        begun, self.inhibition.has_begun = self.inhibition.has_begun, False
        if begun:
            self._ask_silences(Open)
        due = self.inhibition.take_due(500, self.now)
        if due:
            self._fold([], due=due)

    def _load_storms(self, fold: Fold, due: list[str]) -> None:
        scopes, times = fold.scopes(), dict[str, list[datetime]]()
        wanted = fold.parents(scopes)
        for key in filter(fold.storms.is_promoting, due):
            scopes.add(self.rows[key].incident.scope)
            folded = [child for child, row in self.rows.items() if is_folded(row.incident, key)]
            fold.storms.promotable[key] = folded
            wanted.update(folded)
        fold.incidents |= {key: self.rows[key].incident for key in wanted if key in self.rows}
        for row in self.rows.values():
            at, scope = row.incident.wanted_at, row.incident.scope
            if at is not None and scope in scopes and at > fold.storms.counts_from:
                times.setdefault(scope, []).append(at)
        fold.storms.count({scope: sorted(found) for scope, found in times.items()})

    def dismiss(self, key: str) -> None:
        """An operator closes it."""
        self._fold([], dismissed=[key])

    # --- settling -------------------------------------------------------------------------------------

    def settle_all(self, *, hold_replies: bool = False) -> None:
        for key, row in self.rows.items():
            if key not in self.in_flight and _is_due(row.settle_at, self.now):
                self._settle(key, hold_replies=hold_replies)

    def _settle(self, key: str, *, hold_replies: bool) -> None:
        row = self.rows[key]
        for _ in range(BUSY):
            job = self._job(row)
            operation = next_operation(job.level, row.known, now=self.now, terms=self.terms)
            if isinstance(operation, Settled | WaitUntil):
                row.settle_at = operation.at if isinstance(operation, WaitUntil) else None
                return
            self.desk.pass_time(CALL)
            self._operate(operation, job, hold_reply=hold_replies)
            if key in self.in_flight:
                return
        raise AssertionError(f"no end of operations: {operation}")

    def _job(self, row: Row) -> Job:
        level = desired(row.incident, BOARD, instance="alertd", vocabulary=VOCABULARY)
        return Job(row, row.incident, row.known, level)

    def _operate(self, operation: Operation, job: Job, *, hold_reply: bool) -> None:
        match operation:
            case Look():
                assert job.known.intent is not None
                self._update(job, self._look(job.known.intent, job))
            case Adopt():
                self._update(job, self._adopt_or_clear_the_way(job))
            case Verify(ticket_id, single):
                view = self.desk.one(ticket_id) if single else self.desk.found([ticket_id]).get(ticket_id)
                reference = job.level.reference
                self._update(
                    job, lambda known: observing.read_back(known, view, reference=reference, done=DONE)
                )
            case Reread(ticket_id):
                self._update(job, self._reread(ticket_id))
            case CheckTouched(ticket_id):
                there, began_at = self.desk.tickets[ticket_id], self.now
                self._update(
                    job,
                    lambda known: observing.observe_work(
                        known, there.notes, entered=there.entered, began_at=began_at, ours=OURS
                    ),
                )
            case _:
                self._write(operation, job, hold_reply=hold_reply)

    def _write(self, operation: Writing, job: Job, *, hold_reply: bool) -> None:
        frozen = ""
        if isinstance(operation, Create):
            owed = any(not member.firing for member in job.incident.members.values())
            assert owed or not self.lies_in_silence(job.incident), "a new ticket in silence"
        if isinstance(operation, Note):
            title, body = text.note_text(job.incident, after=operation.after, upto=operation.upto)
            frozen = f"{text.note_title(title, operation.mark)}\n{body}"
        job.row.known = outcomes.begin(job.row.known, operation, now=self.now, text=frozen)
        reply = Reply(job, self._send(operation, job, frozen))
        if hold_reply:
            self.in_flight[job.incident.key] = reply
        else:
            self._update(job, reply.apply(self.now))

    def _send(self, operation: Writing, job: Job, frozen: str) -> Callable[[datetime], Apply]:
        try:
            answer = self.desk.write(lambda: self._commit(operation, job, frozen))
        except Lost:
            return lambda now: lambda known: (outcomes.unclear(known, now=now), ())
        except Unavailable:
            return lambda now: lambda known: (outcomes.held_back(known, now=now, wait=None, jitter=0.5), ())
        except Invalid as exc:
            return self._invalid(str(exc), operation, job)
        except Rejected as exc:
            refused = self._rejected(str(exc), operation, job)
            return lambda _now: refused
        return lambda now: self._stands(operation, job, answer, now)

    def _commit(self, operation: Writing, job: Job, frozen: str) -> int:
        match operation:
            case Create(reference=reference):
                return self.desk.create(reference, first_fields(job.level))
            case FieldChange(ticket_id, fields, completes):
                careful = job.incident.policy.close == "untouched"
                return self.desk.change(ticket_id, fields, completes=completes, careful=careful)
            case Note(ticket_id, _, mark):
                return self.desk.note(ticket_id, frozen.partition("\n")[0], mark)
            case AddTag(ticket_id, label):
                return self.desk.tag(ticket_id, label)
            case RemoveTag(ticket_id, label):
                return self.desk.untag(ticket_id, label)

    def _invalid(self, reason: str, operation: Writing, job: Job) -> Callable[[datetime], Apply]:
        if not isinstance(operation, Create) or job.row.known.repair is not None:
            refused = self._rejected(reason, operation, job)
            return lambda _now: refused
        return lambda now: (
            lambda known: (
                outcomes.may_be_repaired(known, reason, about=(), now=now),
                (),
            )
        )

    def _rejected(self, reason: str, operation: Writing, job: Job) -> Apply:
        reopening = isinstance(operation, FieldChange) and "status" in operation.fields
        if reopening and job.incident.completed:
            return lambda known: (outcomes.not_applied(known), (ReopenRefused(),))
        mark, part = self.terms.mark, part_of(operation)
        if part:
            return lambda known: (outcomes.refused_part(known, part, mark=mark), ())
        level = fingerprint(job.level, mark)
        return lambda known: (outcomes.refused(known, reason, level=level), ())

    def _stands(self, operation: Writing, job: Job, answer: int, now: datetime) -> Apply:
        match operation:
            case Create(revision=revision):
                fields = first_fields(job.level)
                born = (Completed(),) if job.level.done else ()
                return lambda known: (
                    outcomes.created(known, answer, revision=revision, fields=fields, now=now),
                    born,
                )
            case FieldChange(completes=completes):
                told: tuple[Change, ...] = (Reopened(),) if "status" in operation.fields else ()
                told = (Completed(),) if completes else told
                return lambda known: (outcomes.changed(known, operation, now=now), told)
            case Note(upto=upto):
                return lambda known: (outcomes.noted(known, operation, now=now), (Noted(upto),))
            case AddTag():
                return lambda known: (outcomes.tagged(known, operation, answer, now=now), ())
            case RemoveTag():
                return lambda known: (outcomes.untagged(known, operation, now=now), ())

    # --- looking --------------------------------------------------------------------------------------

    def _look(self, intent: Intent, job: Job) -> Apply:
        now = self.now
        match intent.operation:
            case Create() as create:
                return self._look_for_create(intent, create, job)
            case Note(ticket_id, mark=mark) as note:
                found = observing.holds_mark(self.desk.tickets[ticket_id].notes, mark)
                verdict = outcomes.judge_note(intent, found=found, now=now, window=WINDOW)
                if verdict == "applied":
                    return self._stands(note, job, 0, now)
                return _absent if verdict == "absent" else _looked(now)
            case FieldChange(ticket_id, fields) as change:
                view = self.desk.one(ticket_id)
                if view is None:
                    return _looked(now)
                if observing.applied_fields(fields, view):
                    return self._stands(change, job, 0, now)
                return self._observed(view)
            case AddTag(ticket_id, label) | RemoveTag(ticket_id, label) as tag:
                on = self.desk.tickets[ticket_id].tags.get(label)
                applied = (on is not None) is isinstance(tag, AddTag)
                return self._stands(tag, job, on or 0, now) if applied else _absent

    def _observed(self, view: TicketView) -> Apply:
        """The PATCH does not stand: void it, and fold what has been seen."""
        began_at = self.now

        def apply(known: Known) -> Told:
            void = outcomes.not_applied(known)
            if void.wrote_at is None or began_at > void.wrote_at + timedelta(seconds=30):
                self.desk.book_read(view.id, void.wrote_at)
                written = {name: field.written for name, field in void.fields.items()}
                self.desk.take_for_untouched(view, written)
            return observing.observe_ticket(void, view, began_at=began_at, ours=OURS, done=DONE, own=US)

        return apply

    def _reread(self, ticket_id: int) -> Apply:
        view, began_at = self.desk.one(ticket_id), self.now

        def apply(known: Known) -> Told:
            counts = known.wrote_at is None or began_at > known.wrote_at + timedelta(seconds=30)
            if view is not None and counts:
                self.desk.book_read(ticket_id, known.wrote_at)
            return observing.reread(known, view, began_at=began_at, ours=OURS, done=DONE, own=US)

        return apply

    def _look_for_create(self, intent: Intent, create: Create, job: Job) -> Apply:
        now, views = self.now, self.desk.look(reference_base("alertd", job.incident.key))
        mine = next((view for view in views if view.reference == job.level.reference), None)
        if mine is not None:
            asked = {**first_fields(job.level), **create.fields}
            return self._adopted(mine, asked=asked, revision=create.revision)
        canaries = self._canaries()
        seen = [made for id_, made in canaries.items() if self.desk.found([id_])]
        verdict = outcomes.judge_create(
            intent,
            found=False,
            rights_proved=bool(self.desk.found([QUIET, *canaries])),  # not all of ours are ever deleted
            fresh_canary=bool(seen) and max(seen) > (intent.unclear_at or intent.begun_at),
            now=now,
            window=WINDOW,
        )
        return _absent if verdict == "absent" else _looked(now)

    def _is_blind(self) -> bool:
        canaries = self._canaries()
        return self.desk.blind and bool(canaries) and not self.desk.found(list(canaries))

    def _canaries(self) -> dict[int, datetime]:
        """Our newest tickets that are confirmed."""
        ours = {
            row.known.ticket.id: row.known.created_at
            for row in self.rows.values()
            if _stands(row) and row.known.ticket and row.known.created_at
        }
        return dict(sorted(ours.items(), key=lambda item: item[1])[-5:])

    def _adopted(self, view: TicketView, *, asked: dict[str, int], revision: int) -> Apply:
        now, desk = self.now, self.desk

        def apply(known: Known) -> Told:
            adopted, changes = observing.adopt(
                known, view, asked=asked, revision=revision, now=now, ours=OURS, done=DONE
            )
            wrote_at = known.intent.begun_at if known.intent is not None else None
            if wrote_at is None:  # forgotten: what it would ask for now is all that can be compared with
                desk.tickets[view.id].base = dict(asked)
            if wrote_at is None or now > wrote_at + timedelta(seconds=30):
                desk.book_read(view.id, wrote_at)
            return adopted, changes

        return apply

    def _adopt_or_clear_the_way(self, job: Job) -> Apply:
        views = self.desk.look(reference_base("alertd", job.incident.key))
        live = [view for view in views if view.fields["status"] not in OVER]
        newest = max(live or views, key=_generation, default=None)
        if newest is None and self._is_blind():
            now = self.now
            return lambda known: (outcomes.read_failed(known, now=now, wait=None, jitter=0.5), ())
        if newest is None:
            return lambda known: (outcomes.may_create(known), ())
        generation = _generation(newest)
        if not live:
            return lambda known: (outcomes.may_create(known), (Renumbered(generation + 1),))
        adopt = self._adopted(newest, asked=first_fields(job.level), revision=job.incident.revision)
        tags = self.desk.tickets[newest.id].tags
        told = (Rejoined(),) if generation < job.incident.generation else ()

        def apply(known: Known) -> Told:
            adopted, changes = adopt(known)
            return replace(adopted, tags=dict(tags)), (Renumbered(generation), *changes, *told)

        return apply

    # --- recording ------------------------------------------------------------------------------------

    def replies(self) -> None:
        """Everything that is under way comes back."""
        held, self.in_flight = self.in_flight, {}
        for reply in held.values():
            self._update(reply.job, reply.apply(self.now))

    def crash(self) -> None:
        """The process dies: replies that were not recorded are lost."""
        self.in_flight.clear()
        for row in self.rows.values():
            row.settle_at = self.now

    def _update(self, job: Job, apply: Apply) -> None:
        if job.known.ticket is not None and job.row.known.ticket is None:
            return  # a new generation has left the ticket of this outcome behind
        known, changes = apply(job.row.known)
        self._record(job.row, known, changes)

    def _record(self, row: Row, known: Known, changes: tuple[Change, ...]) -> None:
        after = row.incident
        for change in changes:
            after = decide(after, change, now=self.now)
        if outcomes.gave_up_creating(known):
            known = outcomes.refused(
                known, "gave up", level=fingerprint(self._job(row).level, self.terms.mark)
            )
        row.known = known_for(known, before=row.incident, after=after)
        if not row.known.may_stand:
            after = quieting.follow(after, before=row.incident, now=self.now, may_begin=True)
            after = digests.not_made(after)
        for name, change in after.tally.minus(row.incident.tally).items():
            self.totals[name] += change
        if isinstance(after.phase, Silenced) and not isinstance(row.incident.phase, Silenced):
            self.inhibition.look_at(after.key)
        row.incident, row.settle_at = after, self.now

    # --- syncing --------------------------------------------------------------------------------------

    def sync(self) -> None:
        watched = {
            row.known.ticket.id: row for row in self.rows.values() if row.known.ticket and _is_watched(row)
        }
        began_at, facts = self.now, self.desk.found([QUIET, *watched])
        for ticket_id, row in watched.items():
            view = facts.get(ticket_id)
            if view is None and facts:
                view = self.desk.one(ticket_id)
            if view is not None:
                self._fold_read(row, view, began_at)
            elif facts:
                self._record(row, *observing.observe_absence(row.known))

    def _fold_read(self, row: Row, view: TicketView, began_at: datetime) -> None:
        before = row.known
        known, changes = observing.observe_ticket(
            before, view, began_at=began_at, ours=OURS, done=DONE, own=US
        )
        if CompletedByPerson() in changes and not isinstance(row.incident.phase, Closed):
            left = self.desk.survivor(view.id)
            if left is not None:
                known = observing.follow_survivor(known, left)
                changes = (Merged(Ticket(left.id, left.number)),)
        counts = before.wrote_at is None or began_at > before.wrote_at + timedelta(seconds=30)
        if counts and before.intent is None:
            self.desk.book_read(view.id, before.wrote_at)
        settle_at = row.settle_at
        self._record(row, known, changes)
        if not changes:
            row.settle_at = settle_at

    # --- judging --------------------------------------------------------------------------------------

    def next_at(self) -> datetime | None:
        """When anything is due next."""
        times = [due_at(row.incident) for row in self.rows.values()]
        times += [row.settle_at for row in self.rows.values()]
        times.append(self.inhibition.next_look_at())
        times += [condition.expires_at for condition in self.conditions.values()]
        times += [each.starts_at for each in self.silences.values() if each.starts_at > self.silences_seen_at]
        return min((each for each in times if each is not None), default=None)


VOCABULARY = frozenset({*BOARD.tags, *BOARD.state_tags.values()})


def first_fields(level: Level) -> dict[str, int]:
    return {
        "status": level.status if level.status is not None else NEW,
        "priority": level.priority,
        "queue": level.queue,
    }


def _absent(known: Known) -> Told:
    return outcomes.not_applied(known), ()


def _looked(now: datetime) -> Apply:
    return lambda known: (outcomes.looked(known, now=now), ())


def is_folded(incident: Incident, parent: str) -> bool:
    return isinstance(incident.phase, Folded) and incident.storm_key == parent


def _is_due(due: datetime | None, now: datetime) -> bool:
    return due is not None and due <= now


def _stands(row: Row) -> bool:
    gone = isinstance(row.incident.phase, Closed) and row.incident.phase.how == "gone"
    return row.known.verified and not row.known.foreign and not gone


def _is_watched(row: Row) -> bool:
    if not row.known.verified:
        return False
    if isinstance(row.incident.phase, Acknowledged) or row.known.intent is not None:
        return True
    return not (isinstance(row.incident.phase, Closed) and row.incident.completed)


def _generation(view: TicketView) -> int:
    return int((view.reference or "").rpartition("-g")[2])

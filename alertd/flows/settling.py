"""The settle flow: brings Autotask to the desired level, one operation at a time per incident.

A claimed incident is settled until nothing is left to do or it has to wait. Every write is committed to
before it is sent, and its outcome recorded before anything else; whatever happens in between, the next
operation is a look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from alertd.core import digests, outcomes, quieting
from alertd.core.incidents import Change as IncidentChange
from alertd.core.incidents import ReopenRefused, Silenced, is_live
from alertd.core.levels import desired, known_for
from alertd.core.outcomes import LAST_RETRY
from alertd.core.settling import Next, Settled, Terms, WaitUntil, fingerprint, next_operation, part_of
from alertd.core.tickets import (
    Adopt,
    Change,
    CheckTouched,
    Intent,
    Known,
    Look,
    Operation,
    Reread,
    Verify,
    Writing,
)
from alertd.flows.beating import beating
from alertd.flows.errors import (
    AuthRefused,
    Conflict,
    Invalid,
    OutcomeUnknown,
    PortError,
    Rejected,
    Throttled,
    Unavailable,
)
from alertd.flows.looking import Eyes
from alertd.flows.operating import Apply, Hands, Job, decided, operation_name
from alertd.flows.ports import LEAST_URGENT, Claim, IncidentRow, Step
from alertd.flows.rows import incident_write
from alertd.flows.sending import Precedence, Sending, precedence_of, sending, serving
from alertd.flows.telling import A_READ, Deed, happenings
from alertd.flows.world import World

LEASE = timedelta(minutes=5)
LEASE_LEFT_FOR_A_CALL = timedelta(seconds=90)  # longer than the longest call's time-out
CALLERS = 8  # incidents that may call at a time: two for each endpoint, and some that wait
CRITICAL_CALLERS = 4  # more, for critical creates alone
MOST_CLAIMED = 400  # the others wait for a batched answer
PAUSE = timedelta(seconds=5)  # between tries to reach an Autotask that does not answer
SHARED_PAUSE = timedelta(minutes=1)  # before asking again whether others need the ticket; costs no call
IDLE_S = 5.0  # a loop that nobody wakes still beats this often
CRITICAL = 0  # the urgency of critical creates
GAVE_UP = "Autotask keeps giving unclear answers to this ticket's create, and no ticket is ever found."

_log = structlog.get_logger()


class Settler:
    """Claims unsettled incidents and settles them. One task runs it, and it owns one task a claim."""

    def __init__(
        self,
        world: World,
        *,
        hands: Hands,
        eyes: Eyes,
        terms: Callable[[], Terms],
        begin: Callable[[], Awaitable[None]],
        silenced: Callable[[str], None],
    ) -> None:
        self._state = world.state
        self._desk = world.desk
        self._clock = world.clock
        self._instance = world.instance
        self._jitter = world.jitter
        self._metrics = world.metrics
        self._crash = world.crash
        self._owner = world.owner
        self._hands = hands
        self._eyes = eyes
        self._terms = terms
        self._begin = begin  # once, when the desk is first ready: whose tenant, and what may be forgotten
        self._silenced = silenced  # told an incident that came under a silence by no decision
        self._begun = False
        self._mark: str | None = None
        self._reopening_refused: str | None = None  # the mark under which Autotask last said so
        self.desk_trouble = "not asked yet"  # why nothing can be sent; empty: it can
        self.unclear: set[str] = set()  # incidents whose last write may have been applied
        self._callers = asyncio.Semaphore(CALLERS)
        self._critical_callers = asyncio.Semaphore(CRITICAL_CALLERS)
        self._claimed = 0
        self._held: dict[str, Claim] = {}  # an incident has one task, however long a call takes
        self._reading = 0  # of the claimed: those that wait for a batched answer, and hold nobody up
        self._bell = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Somebody has changed what is desired."""
        self._bell.set()

    # --- the loop -------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, beat: Callable[[], None]) -> None:
        """Settle until `stop`; then finish the calls that are under way."""
        self._stopping = False
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self._eyes.run(stop), name="eyes")
            while not stop.is_set():
                beat()
                self._bell.clear()
                pause = await beating(self._claim(group), beat)
                if pause > 0:
                    await _first_of(self._bell, stop, seconds=pause)
            self._stopping = True
            while self._claimed:
                self._bell.clear()
                await _first_of(self._bell, seconds=1.0)
            asking.cancel()

    async def _claim(self, group: asyncio.TaskGroup) -> float:
        """Start what may start now; return how long to rest, in seconds."""
        room, least_urgent = self._room()
        if room <= 0:
            return 1.0
        try:
            await self._desk.ready()
            if not self._begun:
                await self._begin()
                self._begun = True
        except PortError as exc:
            self._metrics.desk_ready.set(0)
            if str(exc) != self.desk_trouble:  # the same trouble is told once
                _log.warning("settling.desk_not_ready", reason=exc.reason, error=str(exc))
            self.desk_trouble = str(exc)
            pause = _asked_wait(exc) or PAUSE
            return min(pause.total_seconds(), IDLE_S)  # asking again costs no call, and shows that we live
        self._metrics.desk_ready.set(1)
        self.desk_trouble = ""
        await self._wake_refused()
        claims = await self._state.claim(
            self._clock.now(), limit=room, owner=self._owner, lease=LEASE, least_urgent=least_urgent
        )
        for claim in claims:
            if claim.incident_key in self._held:
                self._held[claim.incident_key] = (
                    claim  # its lease ran out on us: the task goes on under this one
                )
                continue
            self._held[claim.incident_key] = claim
            self._claimed += 1
            group.create_task(self._settle(claim), name=f"settle {claim.incident_key}")
        if least_urgent == CRITICAL:
            return 1.0  # what else is due waits for room
        return 0.0 if len(claims) == room else await self._rest_s()

    def _room(self) -> tuple[int, int]:
        """How many incidents may be claimed, and of which urgency at least: some room is for the critical."""
        writing = self._claimed - self._reading
        room = min(CALLERS * 2 - writing, MOST_CLAIMED - self._claimed)
        if room > 0:
            return room, LEAST_URGENT
        return CALLERS * 2 + CRITICAL_CALLERS - writing, CRITICAL

    async def _wake_refused(self) -> None:
        """Try what Autotask refused again when the configuration or the tenant has changed since."""
        mark = self._terms().mark
        if mark != self._mark:  # at start too: the file may have been mended since
            await self._state.wake(self._clock.now())
        self._mark = mark

    async def _rest_s(self) -> float:
        next_at = await self._state.next_settle_at()
        if next_at is None:
            return IDLE_S
        return min(IDLE_S, max((next_at - self._clock.now()).total_seconds(), 0.01))

    # --- one incident ---------------------------------------------------------------------------------

    async def _settle(self, claim: Claim) -> None:
        try:
            while not self._stopping and self._has_time(claim.incident_key):
                row = await self._row(claim.incident_key)
                self._show_unclear(row.incident.key, row.known.intent)
                try:
                    job = self._job(row)
                except PortError as exc:  # no board can take it, or the boards are being read just now
                    _log.warning("settling.no_board", incident=claim.incident_key, error=str(exc))
                    wait = LAST_RETRY if isinstance(exc, Rejected) else PAUSE
                    await self._rest_row(row, row.known, settle_at=self._clock.now() + wait)
                    break
                operation = await self._unless_shared(self._next(job), job)
                match operation:
                    case WaitUntil(at):
                        rests = await self._rest_row(row, row.known, settle_at=at)
                    case Settled():
                        rests = await self._rest_row(row, self._without_old_refusal(job), settle_at=None)
                    case _:
                        rests = False
                        await self._operate(operation, job)
                if rests:
                    break
        finally:
            self._claimed -= 1
            self._bell.set()
            await self._state.release(self._held.pop(claim.incident_key))

    def _next(self, job: Job) -> Next:
        """What is next; where that has been held back, what goes before it and need not wait with it.

        A tag that may not go for an hour must not keep a ticket open, nor a warning's create delay what has
        become critical.
        """
        known, now, terms = job.row.known, self._clock.now(), self._terms()
        following = next_operation(job.level, known, now=now, terms=terms)
        if known.held_as is None or not isinstance(following, WaitUntil):
            return following
        bare = msgspec.structs.replace(terms, bare=known.held_as == Precedence.UPDATE)
        free = msgspec.structs.replace(known, retry_at=None)
        urgent = next_operation(job.level, free, now=now, terms=bare)
        if isinstance(urgent, WaitUntil | Settled):
            return following
        return urgent if precedence_of(urgent, job.incident, known.intent) < known.held_as else following

    async def _unless_shared(self, operation: Next, job: Job) -> Next:
        """Put a completion off while another live incident has the same ticket.

        A person has merged its ticket into this one, or Autotask's duplicate handling has.
        """
        if not (isinstance(operation, Change) and operation.completes):
            return operation
        keys = await self._state.watching(operation.ticket_id)
        others = (await self._state.load((), [key for key in keys if key != job.incident.key])).incidents
        if any(is_live(row.incident) for row in others.values()):
            return WaitUntil(self._clock.now() + SHARED_PAUSE)
        return operation

    def _show_unclear(self, key: str, intent: Intent | None) -> None:
        if intent is not None and intent.unclear_at is not None:
            self.unclear.add(key)
        else:
            self.unclear.discard(key)

    def _has_time(self, key: str) -> bool:
        """Whether the lease lasts longer than the longest call."""
        return self._held[key].until - self._clock.now() > LEASE_LEFT_FOR_A_CALL

    def _job(self, row: IncidentRow) -> Job:
        policy = row.incident.policy
        board = self._desk.board(policy.board, route=policy.route_name, form=policy.form)
        vocabulary = self._desk.vocabulary()
        level = desired(row.incident, board, instance=self._instance, vocabulary=vocabulary)
        return Job(row, level, board)

    async def _row(self, key: str) -> IncidentRow:
        return (await self._state.load((), (key,))).incidents[key]

    async def _rest_row(self, row: IncidentRow, known: Known, *, settle_at: datetime | None) -> bool:
        """Say when to come back. False: it moved meanwhile, so look again."""
        try:
            write = incident_write(row, row.incident, known, settle_at=settle_at)
            await self._state.commit(Step(incidents=[write]))
        except Conflict:
            return False
        return True

    def _without_old_refusal(self, job: Job) -> Known:
        """Nothing is left to do: a refusal of something else than what is wanted now is over."""
        known = job.row.known
        if known.parked is None or known.foreign:
            return known
        stands = known.parked_level == fingerprint(job.level, self._terms().mark)
        return known if stands else outcomes.unparked(known)

    async def _operate(self, operation: Operation, job: Job) -> None:
        precedence = precedence_of(operation, job.incident, job.row.known.intent)
        with serving(Sending(job.incident.key, "", precedence, job.incident.client)):
            await self._carry_out(operation, job)

    async def _carry_out(self, operation: Operation, job: Job) -> None:
        match operation:
            case Look():
                assert job.row.known.intent is not None  # noqa: S101 - only an intent asks for a look
                await self._read(self._eyes.look(job.row.known.intent, job), job)
            case Adopt():
                await self._read(self._eyes.adopt_or_clear_the_way(job), job)
            case Verify(ticket_id, single):
                await self._read(self._eyes.read_back(job, ticket_id=ticket_id, single=single), job)
            case Reread(ticket_id):
                await self._read(self._eyes.reread(job, ticket_id), job)
            case CheckTouched(ticket_id):
                unwatched = self._terms().unwatched_since is not None
                await self._read(self._eyes.check_touched(ticket_id, job, unwatched=unwatched), job)
            case _:
                await self._write(operation, job)

    async def _read(self, reading: Awaitable[Apply], job: Job) -> None:
        """Do a reading operation. Whatever fails, nothing was changed, and it is tried again later."""
        self._reading += 1
        self._bell.set()  # there is room for another claim
        try:
            apply = await reading
        except PortError as exc:
            tell = _log.debug if isinstance(exc, Throttled) else _log.warning  # many may be held back
            tell("settling.read_failed", incident=job.incident.key, reason=exc.reason, error=str(exc))
            apply = self._read_again(exc)
        finally:
            self._reading -= 1
        await self._update(job, apply)

    async def _write(self, operation: Writing, job: Job) -> None:
        """Commit to the write, send it, record what came of it."""
        name, whom = operation_name(operation), sending.get()
        is_critical = whom.precedence == Precedence.CRITICAL_CREATE
        async with self._critical_callers if is_critical else self._callers:
            with serving(whom._replace(operation=name)):
                await self._write_one(operation, name, job)

    async def _write_one(self, operation: Writing, name: str, job: Job) -> None:
        if _reopens(operation, job) and self._reopening_refused == self._terms().mark:
            await self._update(job, lambda known: (known, (ReopenRefused(),)))
            return
        self._crash("settle.before_intent", name)
        try:
            ready = await self._hands.prepare(operation, job)
            self._desk.check_room()  # an intent that cannot be sent now would cost two commits
        except Rejected as exc:  # a repair that would ask for the same again
            await self._update(job, self._rejected(exc, operation, job), Deed(name))
            return
        except PortError as exc:
            await self._update(job, self._read_again(exc))
            return
        if not self._has_time(job.incident.key):
            return  # claim it again: nothing has been sent
        text = ready.text
        intent = outcomes.begin(job.row.known, operation, now=self._clock.now(), text=text)
        write = incident_write(job.row, job.incident, intent, settle_at=job.row.settle_at)
        try:
            await self._state.commit(Step(incidents=[write]))
        except Conflict:
            return  # it moved before anything was sent: think again
        self._crash("settle.after_intent", name)
        detail = dict(ready.told)
        try:
            apply = await self._hands.write(operation, job, ready)
        except PortError as exc:
            apply = self._failed(exc, operation, job)
            if isinstance(exc, OutcomeUnknown):
                detail["answer"] = str(exc)
        else:
            self._crash("settle.reply_read", name)
            self._metrics.done += 1
        await self._update(job, apply, Deed(name, detail))
        self._crash("settle.after_record", name)

    def _failed(self, exc: PortError, operation: Writing, job: Job) -> Apply:
        self._metrics.failed += not isinstance(exc, Throttled)
        tell = _log.debug if isinstance(exc, Throttled) else _log.warning  # many may be held back
        tell(
            "settling.failed",
            operation=operation_name(operation),
            incident=job.incident.key,
            reason=exc.reason,
            error=str(exc),
        )
        match exc:
            case OutcomeUnknown():
                now = self._clock.now()
                return lambda known: (outcomes.unclear(known, now=now), ())
            case Rejected():
                return self._rejected(exc, operation, job)
            case Unavailable():
                return self._later(exc)
            case _:
                raise exc

    def _rejected(self, exc: Rejected, operation: Writing, job: Job) -> Apply:
        """Park it with Autotask's own words, but try a create once more with less in it.

        A refused reopening has another way out, a new linked ticket.
        """
        if _reopens(operation, job):
            self._reopening_refused = self._terms().mark
            return lambda known: (outcomes.not_applied(known), (ReopenRefused(),))
        if isinstance(exc, Invalid) and job.row.known.ticket is None and job.row.known.repair is None:
            now, reason, about = self._clock.now(), str(exc), exc.about
            return lambda known: (outcomes.may_be_repaired(known, reason, about=about, now=now), ())
        mark = self._terms().mark
        part = part_of(operation)
        if part:
            return lambda known: (outcomes.refused_part(known, part, mark=mark), ())
        level = fingerprint(job.level, mark)
        return lambda known: (outcomes.refused(known, str(exc), level=level), ())

    def _later(self, exc: Unavailable) -> Apply:
        now, wait, jitter, held_as = self._clock.now(), _asked_wait(exc), self._jitter(), _held_as(exc)
        return lambda known: (
            outcomes.held_back(known, now=now, wait=wait, jitter=jitter, held_as=held_as),
            (),
        )

    def _read_again(self, exc: PortError) -> Apply:
        now, wait, jitter, held_as = self._clock.now(), _asked_wait(exc), self._jitter(), _held_as(exc)
        return lambda known: (
            outcomes.read_failed(known, now=now, wait=wait, jitter=jitter, held_as=held_as),
            (),
        )

    async def _update(self, job: Job, apply: Apply, deed: Deed = A_READ) -> None:
        """Record an outcome, on a fresh row if somebody else has moved it meanwhile."""
        row = job.row
        while True:
            row = await self._row(row.incident.key)
            if job.row.known.ticket is not None and row.known.ticket is None:
                return  # a new generation has left the ticket of this outcome behind
            known, changes = apply(row.known)
            step = self._step_of(row, known, changes, job=job, deed=deed)
            try:
                await self._state.commit(step)
            except Conflict:
                continue
            self._metrics.recorded(row, known, changes, board=job.board.name)
            if _is_newly_silenced(row, step):
                self._silenced(row.incident.key)
            return

    def _step_of(
        self, row: IncidentRow, known: Known, changes: tuple[IncidentChange, ...], *, job: Job, deed: Deed
    ) -> Step:
        now = self._clock.now()
        after = decided(row.incident, changes, self._clock)
        if outcomes.gave_up_creating(known):
            known = outcomes.refused(known, GAVE_UP, level=fingerprint(job.level, self._terms().mark))
        known = known_for(known, before=row.incident, after=after)
        if not known.may_stand:  # it was not applied: a silence that came too late for it comes in time
            after = quieting.follow(after, before=row.incident, now=now, may_begin=True)
            after = digests.not_made(after)
        write = incident_write(row, after, known, settle_at=now)
        told = happenings(row, known, after, at=now, deed=deed)
        return Step(incidents=[write], history=told, totals=after.tally.minus(row.incident.tally))


def _is_newly_silenced(row: IncidentRow, step: Step) -> bool:
    [write] = step.incidents
    return isinstance(write.row.incident.phase, Silenced) and not isinstance(row.incident.phase, Silenced)


def _reopens(operation: Operation, job: Job) -> bool:
    return isinstance(operation, Change) and "status" in operation.fields and job.incident.completed


def _asked_wait(exc: PortError) -> timedelta | None:
    if isinstance(exc, Throttled):
        return timedelta(seconds=exc.retry_after)
    return PAUSE if isinstance(exc, AuthRefused) else None


def _held_as(exc: PortError) -> int | None:
    return sending.get().precedence if isinstance(exc, Throttled) else None


async def _first_of(*events: asyncio.Event, seconds: float) -> None:
    """Wait until one of the events is set, or the time is over."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()

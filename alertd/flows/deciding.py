"""The decide flow: journal entries and the passing of time become conditions and incidents.

Entries come from intake in memory; what a restart or an overflow left behind is read again from the
journal. One step is one transaction; a conflict means that somebody else moved a row, so decide again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import msgspec
import structlog

from alertd.core import stepping
from alertd.core.alerts import Alert
from alertd.core.folding import Fold, Message, Routing
from alertd.core.incidents import QUIET_STATES, Incident, Tally
from alertd.core.levels import is_settled, known_for
from alertd.core.silences import NO_SILENCES
from alertd.core.stepping import Need, NeedArrivals, NeedConditions, NeedIncidents, NeedPromotable
from alertd.core.storms import NO_STORMS, StormTerms
from alertd.core.suppressions import Suppressor
from alertd.core.tickets import Known
from alertd.core.v2.alerts import Undecided
from alertd.flows.errors import Conflict
from alertd.flows.inhibiting import Inhibitions
from alertd.flows.ports import Entry, Envelope, IncidentRow, Loaded, Parking, Step
from alertd.flows.rows import condition_write, incident_write
from alertd.flows.silencing import OPENING
from alertd.flows.world import World

BATCH_MESSAGES = 2048  # what repeats among them is folded into one row, and one commit serves them all
BUSY_MESSAGES = 16  # in one batch: more are coming in, and fewer, larger steps leave requests more room
GATHER_S = 0.05
TURN_MESSAGES = 128  # folded before the event loop serves others: about 2 ms
MOST_WAITING = 20_000  # messages kept in memory; beyond them the journal is read again
MOST_DUE = 500
LONG_AGO = datetime.min.replace(tzinfo=UTC)
IDLE_S = 5.0  # a loop that nobody wakes still beats this often

_log = structlog.get_logger()


class Work(msgspec.Struct, frozen=True):
    """A journal entry with its alerts, as parsed once by intake."""

    entry: Entry
    alerts: Sequence[Alert]


class Asking(msgspec.Struct, frozen=True):
    """How far the ticketless incidents have been gone through that a change of silences concerns."""

    states: frozenset[str] = frozenset()  # none: nothing is left to ask
    after: str = ""  # key of the last one that was asked about


def _as_sent(alert: Alert) -> Alert:
    return alert


class Decider:
    """Owns the order in which entries are decided. One task runs it."""

    def __init__(  # noqa: PLR0913 - what it asks of the others, each by one question
        self,
        world: World,
        *,
        routing: Callable[[], Routing],
        read: Callable[[Envelope], Sequence[Alert]],
        wake_settling: Callable[[], None],
        suppressions: Callable[[], Suppressor] = lambda: NO_SILENCES,
        storms: Callable[[], StormTerms] = lambda: NO_STORMS,
        named: Callable[[Alert], Alert] = _as_sent,
        inhibitions: Inhibitions | None = None,
    ) -> None:
        self._state = world.state
        self._journal = world.journal
        self._clock = world.clock
        self._crash = world.crash
        self._routing = routing
        self._read = read
        self._named = named
        self._wake_settling = wake_settling
        self._suppressions = suppressions
        self._inhibitions = inhibitions if inhibitions is not None else Inhibitions()
        self._storms = storms
        self._asking = Asking()
        self._seen_at = LONG_AGO  # those that began later have not been taken up yet
        self._waiting: deque[Work] = deque()
        self._waiting_messages = 0
        self._swept: set[int] = set()
        self._behind = False
        self._taken_over = 0  # entries that were queued in memory, ever, …
        self._passed = 0  # … and those of them that have been decided
        self._underway: Sequence[Work] = ()
        self._is_sweeping = False
        self._stepped = asyncio.Event()
        self._bell = asyncio.Event()
        self._dismissals: list[tuple[str, asyncio.Future[None]]] = []
        self._next_due_at: datetime | None = None

    # --- intake's side --------------------------------------------------------------------------------

    def accept(self, entry: Entry, alerts: Sequence[Alert]) -> None:
        """Take over what intake has committed. Never blocks; what does not fit is read from the journal."""
        if entry.journal_id in self._swept:
            self._swept.discard(entry.journal_id)
        elif self._behind or self._waiting_messages > MOST_WAITING:
            self._behind = True
        else:
            self._waiting.append(Work(entry, alerts))
            self._waiting_messages += max(len(alerts), 1)
            self._taken_over += 1
        self._bell.set()

    def suppressions_changed(self, states: Sequence[str]) -> None:
        """Ask anew what keeps the ticketless incidents in these states quiet."""
        self._ask_again(states)
        self._bell.set()

    def silenced(self, key: str) -> None:
        """Look anew at an incident that fell silent when its create proved not to be applied.

        What is said to silence it may be over, and whoever inhibits it has yet to know that it does.
        """
        self._inhibitions.current.look_at(key)
        self._bell.set()

    async def dismiss(self, key: str) -> None:
        """Close an incident for the operator, when its turn comes, and return when that is stored."""
        done = asyncio.get_running_loop().create_future()
        self._dismissals.append((key, done))
        self._bell.set()
        await done

    # --- for those who read ---------------------------------------------------------------------------

    async def passed(self) -> None:
        """Wait until all that has been accepted by now is decided."""
        wanted = self._taken_over
        while self._passed < wanted or self._behind or self._is_sweeping:
            await self._stepped.wait()

    def undecided(self) -> list[Undecided]:
        """Return alerts that wait to be decided, oldest first; not those that memory had no room for."""
        works = (*self._underway, *self._waiting)
        return [Undecided(alert, work.entry.envelope.received_at) for work in works for alert in work.alerts]

    # --- the loop -------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Decide what was accepted and not decided before the process ended."""
        await self._inhibitions.refresh()
        while await self._sweep():
            pass
        self._ask_again((*OPENING, *QUIET_STATES))  # how far a change had come is not known
        while await self._ask_silences() or await self._ask_due():
            pass

    async def run(self, stop: asyncio.Event, beat: Callable[[], None]) -> None:
        """Decide until `stop`; then finish what waits."""
        while not (stop.is_set() and not self._waiting and not self._behind and not self._dismissals):
            beat()
            worked = await self._decide_waiting() or await self._catch_up()
            worked = await self.pass_time() or worked
            worked = await self._dismiss_asked() or worked
            worked = await self._ask_silences() or worked
            worked = await self._ask_due() or worked
            if not worked and not stop.is_set():
                await self._rest(stop)

    async def _rest(self, stop: asyncio.Event) -> None:
        """Sleep until something comes in, something is due, or the heartbeat wants to be seen."""
        self._bell.clear()
        if self._waiting or self._behind or self._asking.states or self._dismissals:
            return
        seconds = IDLE_S
        starts_at = self._suppressions().next_start_at(self._seen_at)
        for at in (self._next_due_at, starts_at, self._inhibitions.current.next_look_at()):
            if at is not None:
                seconds = min(seconds, max((at - self._clock.now()).total_seconds(), 0.0))
        ringing = asyncio.ensure_future(self._bell.wait())
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((ringing, stopping), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ringing.cancel()
            stopping.cancel()

    async def _decide_waiting(self) -> bool:
        works: list[Work] = []
        messages = 0
        while self._waiting and messages < BATCH_MESSAGES:
            work = self._waiting.popleft()
            messages += max(len(work.alerts), 1)
            works.append(work)
        self._waiting_messages -= messages
        if works:
            self._underway = works
            await self.decide(works)
            self._underway = ()
            self._passed += len(works)
            self._tell_readers()
            if BUSY_MESSAGES < messages < BATCH_MESSAGES:
                await asyncio.sleep(GATHER_S)
        return bool(works)

    async def _catch_up(self) -> bool:
        """Read from the journal what did not fit into memory."""
        if not self._behind:
            return False
        self._behind = False  # from here on new entries queue up again; the sweep leaves those out
        self._is_sweeping = True
        try:
            if await self._sweep():
                self._behind = True
        finally:
            self._is_sweeping = False
        self._tell_readers()
        return True

    def _tell_readers(self) -> None:
        """Let those who wait in `passed` look again."""
        self._stepped.set()
        self._stepped.clear()

    async def _sweep(self) -> bool:
        """Decide one batch of undecided entries; whether there may be more."""
        entries = await self._journal.undecided(after=0, limit=BATCH_MESSAGES)
        queued = {work.entry.journal_id for work in self._waiting}
        left = [entry for entry in entries if entry.journal_id not in queued]
        if len(self._swept) > MOST_WAITING:
            self._swept.clear()
        self._swept.update(entry.journal_id for entry in left)  # intake may be about to hand them over
        works = []
        for entry in left:
            works.append(Work(entry, self._read(entry.envelope)))
            await asyncio.sleep(0)  # requests come first
        if works:
            await self.decide(works)
        return bool(works)  # the journal may return fewer than it has, if they are large

    async def decide(self, works: Sequence[Work]) -> None:
        """Decide these entries in one step."""
        ordered = sorted(works, key=lambda work: work.entry.journal_id)
        messages = [message for work in ordered for message in _messages(work, self._named)]
        parked = sum(work.entry.envelope.messages - len(work.alerts) for work in ordered)
        keys = {message.alert.key for message in messages}
        decided = [work.entry.journal_id for work in ordered]
        unread = {work.entry.journal_id: _parking(work) for work in ordered if _is_unread(work)}

        async def first_pass(fold: Fold) -> None:
            for start in range(0, len(messages), TURN_MESSAGES):
                fold.observe(messages[start : start + TURN_MESSAGES])
                await asyncio.sleep(0)  # requests come first
            if parked:
                fold.totals["parked"] += parked

        await self._step(first_pass, alert_keys=keys, incident_keys=(), decided=decided, parked=unread)

    async def pass_time(self) -> bool:
        """Let Tick and expiry happen where they are due; whether anything was."""
        now = self._clock.now()
        if self._next_due_at is not None and now < self._next_due_at:
            return False
        due = await self._state.due(now, limit=MOST_DUE)
        latest = now + timedelta(seconds=IDLE_S)  # others commit what is due, too
        self._next_due_at = min(due.next_at, latest) if due.next_at is not None else latest
        if not due.alert_keys and not due.incident_keys:
            return False
        self._next_due_at = None

        async def first_pass(fold: Fold) -> None:
            fold.expire(key for key in due.alert_keys if key in fold.conditions)

        await self._step(
            first_pass, alert_keys=set(due.alert_keys), incident_keys=due.incident_keys, decided=()
        )
        return True

    async def _ask_silences(self) -> bool:
        """Ask what silences some of the incidents that a change of silences concerns; whether any was left.

        One that begins by time concerns what is about to get its ticket; one that ends is in `due_at`.
        """
        now = self._clock.now()
        starts_at = self._suppressions().next_start_at(self._seen_at)
        self._seen_at = now
        if starts_at is not None and starts_at <= now:
            self._ask_again(OPENING)
        if not self._asking.states and self._inhibitions.take_begun():
            self._ask_again(
                OPENING
            )  # after a round that is under way, or sources that keep coming would keep it from its end
        asking = self._asking
        if not asking.states:
            return False
        keys = await self._state.unticketed(sorted(asking.states), after=asking.after, limit=MOST_DUE)
        if keys:
            await self._step(_nothing_new, alert_keys=(), incident_keys=keys, decided=())
        if self._asking is asking:
            self._asking = Asking(asking.states, keys[-1]) if keys else Asking()
        return True

    async def _dismiss_asked(self) -> bool:
        """Close what operators have asked for; whether they had."""
        asked, self._dismissals = self._dismissals, []
        if not asked:
            return False
        keys = [key for key, _ in asked]

        async def first_pass(fold: Fold) -> None:
            fold.dismiss(keys)

        await self._step(first_pass, alert_keys=(), incident_keys=keys, decided=())
        for _, done in asked:
            if not done.done():
                done.set_result(None)
        return True

    async def _ask_due(self) -> bool:
        """Ask about those that inhibition concerns: released ones, and tickets that tell of them."""
        keys = self._inhibitions.current.take_due(MOST_DUE, self._clock.now())
        if keys:
            await self._step(_nothing_new, alert_keys=(), incident_keys=keys, decided=())
        return bool(keys)

    def _ask_again(self, states: Iterable[str]) -> None:
        """Go through those in these states; a round that is under way begins anew with them."""
        self._asking = Asking(self._asking.states | frozenset(states))

    # --- one step -------------------------------------------------------------------------------------

    async def _step(
        self,
        first_pass: Callable[[Fold], Awaitable[None]],
        *,
        alert_keys: Iterable[str],
        incident_keys: Sequence[str],
        decided: Sequence[int],
        parked: Mapping[int, Parking] = MappingProxyType({}),
    ) -> None:
        """Load, fold and commit; again from the start when a row moved meanwhile."""
        while True:
            if await self._inhibitions.refresh():
                self._ask_again((*OPENING, *QUIET_STATES))
            now, inhibition = self._clock.now(), self._inhibitions.current
            fold = Fold(
                self._routing(),
                now=now,
                suppressions=self._suppressions(),
                inhibition=inhibition,
                storms=self._storms(),
            )
            loaded = await self._state.load(alert_keys, ())  # type: ignore[arg-type] # keys are texts
            fold.conditions = {key: row.condition for key, row in loaded.conditions.items()}
            await first_pass(fold)
            rows: dict[str, IncidentRow] = {}
            for need in stepping.step(fold, incident_keys):
                await self._give(fold, need, rows)
            step = _step_of(fold, Loaded(loaded.conditions, rows), decided=decided, now=now)
            step = msgspec.structs.replace(step, parked=parked)
            self._crash("decide.before_commit", "")
            try:
                await self._state.commit(step)
            except Conflict:
                continue
            inhibition.told(fold.told_of_held)
            inhibition.commit(map(fold.conditions.__getitem__, fold.changed_conditions), fold.incidents)
            self._crash("decide.after_commit", "")
            self._after_commit(step)
            return

    async def _give(self, fold: Fold, need: Need, rows: dict[str, IncidentRow]) -> None:
        """Read what the step needs; the incidents' rows are kept for the commit."""
        match need:
            case NeedIncidents(keys):
                more = (await self._state.load((), keys)).incidents
                rows.update(more)
                fold.incidents.update({key: row.incident for key, row in more.items()})
                sent = {key: row.incident.generation for key, row in more.items() if row.known.may_stand}
                fold.committed.update(sent)
            case NeedConditions(keys):
                heard = (await self._state.load(keys, ())).conditions
                fold.conditions.update({key: row.condition for key, row in heard.items()})
            case NeedPromotable(parent_key, most):
                fold.storms.promotable[parent_key] = await self._state.folded(parent_key, limit=most)
            case NeedArrivals(scopes):
                storms = fold.storms
                storms.count(
                    await self._state.arrivals(scopes, since=storms.counts_from, most=storms.most_counted)
                )

    def _after_commit(self, step: Step) -> None:
        if any(write.settle_at is not None for write in step.incidents):
            self._wake_settling()
        due = [write.due_at for write in step.incidents] + [write.due_at for write in step.conditions]
        times = [at for at in due if at is not None]
        if times and self._next_due_at is not None:
            self._next_due_at = min(self._next_due_at, *times)
        elif times:
            self._next_due_at = None  # ask the store: it may know an earlier one


async def _nothing_new(fold: Fold) -> None:
    """Only time, or a silence, speaks."""


def _messages(work: Work, named: Callable[[Alert], Alert]) -> Iterable[Message]:
    envelope = work.entry.envelope
    return (Message(named(alert), envelope.received_at, envelope.receipt) for alert in work.alerts)


def _is_unread(work: Work) -> bool:
    """Whether less can be read of it now than when it was accepted: its source has changed, or is gone."""
    return _parked_messages(work) > work.entry.envelope.parked_messages


def _parked_messages(work: Work) -> int:
    return work.entry.envelope.messages - len(work.alerts)


def _parking(work: Work) -> Parking:
    envelope = work.entry.envelope
    why = f'gone: source "{envelope.source}" is not configured any more, or reads this body no more'
    reason = f"{envelope.parked}; {why}" if envelope.parked is not None else why
    return Parking(reason, _parked_messages(work))


def _step_of(fold: Fold, loaded: Loaded, *, decided: Sequence[int], now: datetime) -> Step:
    conditions = [
        condition_write(loaded.conditions.get(key), fold.conditions[key])
        for key in sorted(fold.changed_conditions)
    ]
    incidents = []
    for key in sorted(fold.changed_incidents):
        after = fold.incidents[key]
        row = loaded.incidents.get(key)
        before = row.incident if row is not None else None
        known = known_for(row.known, before=row.incident, after=after) if row is not None else Known()
        stored = row if row is not None else IncidentRow(after, known)
        settle_at = now if _matters(before, after) else stored.settle_at
        if is_settled(after, known):
            settle_at = None  # a storm's thousands need not be asked about one by one
        incidents.append(incident_write(stored, after, known, settle_at=settle_at))
    return Step(
        decided=decided,
        conditions=conditions,
        incidents=incidents,
        history=fold.history,
        totals={name: change for name, change in fold.totals.items() if change},
    )


def _matters(before: Incident | None, after: Incident) -> bool:
    """Whether more than the count of messages has changed."""
    if before is None:
        return True
    return msgspec.structs.replace(before, tally=Tally()) != msgspec.structs.replace(after, tally=Tally())

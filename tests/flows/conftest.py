"""Fakes of the ports, and a clock that follows the loop's virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from alertd.core.alerts import Alert, AlertKey, Severity, Status
from alertd.core.devices import Clues
from alertd.core.folding import Routing
from alertd.core.identity import fingerprint
from alertd.core.incidents import Folded, Incident
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import Policy, Route, build_tree
from alertd.core.settling import Terms
from alertd.core.silences import Silence
from alertd.core.storms import NO_STORMS
from alertd.core.ticket_forms import BLANK, TicketForm
from alertd.core.tickets import Board
from alertd.flows.deciding import Decider
from alertd.flows.errors import Conflict, OutcomeUnknown, PortError, Throttled, Unavailable
from alertd.flows.looking import Eyes
from alertd.flows.metrics import SettlingMetrics
from alertd.flows.operating import Hands
from alertd.flows.ports import (
    Appended,
    Canary,
    Claim,
    Company,
    CompanyMatch,
    ConditionRow,
    Draft,
    Due,
    Entry,
    Envelope,
    IncidentRow,
    LiveTicket,
    Loaded,
    MergedAway,
    NoteFacts,
    Particulars,
    Sight,
    Step,
    TicketFacts,
)
from alertd.flows.sending import Precedence, Sending, sending
from alertd.flows.settings import SyncSettings
from alertd.flows.settling import Settler
from alertd.flows.silencing import SilenceBook
from alertd.flows.syncing import Syncer
from alertd.flows.world import World

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
OWN_ID = 4
TECHNICIAN = 77
BOARD = Board(
    name="noc",
    queue_id=29683481,
    priority_by_severity={
        Severity.CRITICAL: 4,
        Severity.HIGH: 1,
        Severity.WARNING: 2,
        Severity.LOW: 3,
        Severity.INFO: 3,
    },
    status_new=1,
    status_done=5,
    source_id=8,
    tags=("alertd",),
)


class LoopClock:
    """Wall time that passes as the loop's virtual time does."""

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())


class FakeState:
    """What store/ does, in dictionaries; versions and leases included."""

    def __init__(self) -> None:
        self.conditions: dict[str, ConditionRow] = {}
        self.condition_due: dict[str, datetime | None] = {}
        self.incidents: dict[str, IncidentRow] = {}
        self.writes: dict[str, object] = {}
        self.claimed: dict[str, Claim] = {}
        self.totals: dict[str, int] = {}
        self.history: list[object] = []
        self.entries: dict[int, Entry] = {}
        self.commits = 0
        self._fences = itertools.count(1)
        self._ids = itertools.count(1)

    async def append(self, envelope: Envelope) -> Appended:
        await asyncio.sleep(0)
        id_ = next(self._ids)
        self.entries[id_] = Entry(id_, envelope)
        return Appended(id_, envelope.receipt)

    async def undecided(self, *, after: int, limit: int) -> Sequence[Entry]:
        await asyncio.sleep(0)
        left = [entry for entry in self.entries.values() if not entry.decided and entry.journal_id > after]
        return left[:limit]

    async def entry(self, receipt: str) -> Entry | None:
        return next((e for e in self.entries.values() if e.envelope.receipt == receipt), None)

    async def load(self, alert_keys: Iterable[AlertKey], incident_keys: Iterable[str]) -> Loaded:
        await asyncio.sleep(0)
        return Loaded(
            {key: self.conditions[key] for key in alert_keys if key in self.conditions},
            {key: self.incidents[key] for key in incident_keys if key in self.incidents},
        )

    async def commit(self, step: Step) -> None:
        await asyncio.sleep(0)
        for write in step.conditions:
            stored = self.conditions.get(write.row.condition.key)
            if (stored.version if stored else 0) != write.row.version:
                raise Conflict("condition")
        for write in step.incidents:
            stored_row = self.incidents.get(write.row.incident.key)
            if (stored_row.version if stored_row else 0) != write.row.version:
                raise Conflict("incident")
        self._apply(step)

    def _apply(self, step: Step) -> None:
        self.commits += 1
        for write in step.conditions:
            key = write.row.condition.key
            self.conditions[key] = msgspec.structs.replace(write.row, version=write.row.version + 1)
            self.condition_due[key] = write.due_at
        for write in step.incidents:
            key = write.row.incident.key
            row = msgspec.structs.replace(write.row, version=write.row.version + 1, settle_at=write.settle_at)
            self.incidents[key] = row
            self.writes[key] = write
        for id_ in step.decided:
            assert not self.entries[id_].decided, "decided twice"
            self.entries[id_] = msgspec.structs.replace(self.entries[id_], decided=True)
        for name, change in step.totals.items():
            self.totals[name] = self.totals.get(name, 0) + change
        self.history.extend(step.history)

    async def due(self, now: datetime, *, limit: int) -> Due:
        await asyncio.sleep(0)
        incident_due = {key: write.due_at for key, write in self.writes.items()}
        alerts = [AlertKey(k) for k, at in self.condition_due.items() if at is not None and at <= now]
        incidents = [k for k, at in incident_due.items() if at is not None and at <= now]
        later = [at for at in (*self.condition_due.values(), *incident_due.values()) if at and at > now]
        return Due(alerts[:limit], incidents[:limit], min(later, default=None))

    async def unticketed(self, states: Sequence[str], *, after: str, limit: int) -> Sequence[str]:
        await asyncio.sleep(0)
        found = [
            key
            for key, write in self.writes.items()
            if write.state in states and write.row.known.ticket is None and key > after
        ]
        return sorted(found)[:limit]

    async def arrivals(
        self, scopes: Iterable[str], *, since: datetime, most: int
    ) -> Mapping[str, Sequence[datetime]]:
        found: dict[str, list[datetime]] = {}
        for row in self.incidents.values():
            at = row.incident.wanted_at
            if at is not None and at > since and row.incident.scope in set(scopes):
                found.setdefault(row.incident.scope, []).append(at)
        return {scope: sorted(times)[-most:] for scope, times in found.items()}

    async def folded(self, storm_key: str, *, limit: int) -> Sequence[str]:
        return [each.key for each in self._children(storm_key) if isinstance(each.phase, Folded)][:limit]

    async def storm_children(self, storm_key: str, *, since: datetime, limit: int) -> Sequence[Incident]:
        return [each for each in self._children(storm_key) if each.wanted_at and each.wanted_at >= since][
            :limit
        ]

    def _children(self, storm_key: str) -> list[Incident]:
        mine = [
            row.incident
            for row in self.incidents.values()
            if storm_key and row.incident.storm_key == storm_key
        ]
        return sorted(mine, key=lambda each: each.wanted_at or START, reverse=True)

    async def claim(
        self, now: datetime, *, limit: int, owner: str, lease: timedelta, least_urgent: int = 9
    ) -> Sequence[Claim]:
        await asyncio.sleep(0)
        ready = [
            (write.urgency, key)
            for key, write in self.writes.items()
            if self.incidents[key].settle_at is not None
            and self.incidents[key].settle_at <= now
            and key not in self.claimed
            and write.urgency <= least_urgent
        ]
        claims = [Claim(key, next(self._fences), now + lease) for _, key in sorted(ready)[:limit]]
        self.claimed.update({claim.incident_key: claim for claim in claims})
        return claims

    async def release(self, claim: Claim) -> None:
        await asyncio.sleep(0)
        if self.claimed.get(claim.incident_key) == claim:
            del self.claimed[claim.incident_key]

    async def next_settle_at(self) -> datetime | None:
        times = [
            row.settle_at for key, row in self.incidents.items() if row.settle_at and key not in self.claimed
        ]
        return min(times, default=None)

    async def live_tickets(self) -> Sequence[LiveTicket]:
        live = [
            LiveTicket(key, write.watched_ticket_id)
            for key, write in self.writes.items()
            if write.watched_ticket_id is not None
        ]
        return sorted(live, key=lambda each: each.ticket_id)

    async def watching(self, ticket_id: int) -> Sequence[str]:
        return [each.incident_key for each in await self.live_tickets() if each.ticket_id == ticket_id]

    async def wake(self, now: datetime) -> None:
        for key, row in self.incidents.items():
            self.incidents[key] = msgspec.structs.replace(row, settle_at=now, version=row.version + 1)

    async def canaries(self, *, limit: int) -> Sequence[Canary]:
        known = [row.known for row in self.incidents.values() if row.known.verified and not row.known.foreign]
        found = [Canary(k.ticket.id, k.created_at) for k in known if k.ticket and k.created_at]
        return sorted(found, key=lambda canary: canary.created_at, reverse=True)[:limit]


class FakeSilences:
    """Where silences outlive a process."""

    def __init__(self) -> None:
        self.kept: dict[str, Silence] = {}

    async def stored_silences(self) -> Sequence[Silence]:
        await asyncio.sleep(0)
        return [self.kept[id_] for id_ in sorted(self.kept)]

    async def store_silences(self, kept: Sequence[Silence]) -> None:
        await asyncio.sleep(0)
        self.kept |= {each.id: each for each in kept}


class FakeTicket:
    """A ticket in the fake desk's books."""

    def __init__(self, id_: int, draft: Draft, at: datetime) -> None:
        self.id = id_
        self.draft = draft
        self.created_at = at
        self.fields = {"status": draft.status_id, "priority": draft.priority_id, "queue": draft.queue_id}
        self.resolution = draft.resolution
        self.notes: list[NoteFacts] = []
        self.note_texts: list[str] = []
        self.tags: dict[str, int] = {}
        self.assignee_id: int | None = None
        self.activity: tuple[datetime, int] = (at, OWN_ID)
        self.gone = False


class FakeDesk:
    """A service desk with books, a search lag, and one fault at a time on demand."""

    def __init__(self, clock: LoopClock) -> None:
        self.clock = clock
        self.tickets_by_id: dict[int, FakeTicket] = {}
        self.calls: list[str] = []
        self.search_lag = timedelta()
        self.faults: list[tuple[str, str, PortError]] = []  # call, "before" or "after" it is applied, error
        self.merged: dict[int, int] = {}  # into which ticket; 0: its note does not say
        self.companies = {"contoso": Company(175, "Contoso")}
        self.namesakes: dict[str, tuple[str, ...]] = {}
        self.found = Particulars()
        self.asked_for: list[tuple[int, dict[str, str]]] = []
        self.asked_whose: list[dict[str, str]] = []
        self.owner = CompanyMatch()
        self.other_board: Board | None = None
        self.board_values: dict[str, object] = {}
        self.all_visible = True
        self.sees_all = True
        self.down = False
        self.broken: set[str] = set()  # calls that are not answered
        self._ids = itertools.count(1001)
        self._own = False
        self._former = False
        self.entered: dict[int, frozenset[int]] = {}
        self.rooms: list[Sending] = []
        self.no_room: Throttled | None = None
        self.no_room_for: dict[Precedence, Throttled] = {}
        self.served: list[tuple[str, Sending]] = []

    def fail(self, call: str, when: str, error: PortError) -> None:
        self.faults.append((call, when, error))

    async def _call(self, name: str) -> Callable[[], None]:
        self.calls.append(name)
        self.served.append((name, sending.get()))
        await asyncio.sleep(0.05)
        if self.down or name in self.broken:
            raise Unavailable("down")
        fault = next((f for f in self.faults if f[0] == name), None)
        if fault is None:
            return lambda: None
        self.faults.remove(fault)
        if fault[1] == "before":
            raise fault[2]

        def after() -> None:
            raise fault[2]

        return after

    def check_room(self) -> None:
        self.rooms.append(sending.get())
        if self.no_room is not None:
            raise self.no_room
        precedence = sending.get().precedence
        if precedence is not None and precedence in self.no_room_for:
            raise self.no_room_for[precedence]

    async def create(self, draft: Draft) -> int:
        done = await self._call("create")
        ticket = FakeTicket(next(self._ids), draft, self.clock.now())
        self.tickets_by_id[ticket.id] = ticket
        done()
        return ticket.id

    async def change(self, ticket_id: int, fields: Mapping[str, int], resolution: str | None) -> None:
        done = await self._call("change")
        ticket = self.tickets_by_id[ticket_id]
        ticket.fields.update(fields)
        ticket.resolution = resolution or ticket.resolution
        ticket.activity = (self.clock.now(), OWN_ID)
        done()

    async def note(self, ticket_id: int, *, title: str, text: str) -> None:
        done = await self._call("note")
        ticket = self.tickets_by_id[ticket_id]
        ticket.notes.append(
            NoteFacts(
                id=next(self._ids), title=title, note_type=3, creator_id=OWN_ID, created_at=self.clock.now()
            )
        )
        ticket.note_texts.append(text)
        ticket.activity = (self.clock.now(), OWN_ID)
        done()

    async def add_tag(self, ticket_id: int, label: str) -> int:
        done = await self._call("tag")
        id_ = self.tickets_by_id[ticket_id].tags.setdefault(label, next(self._ids))
        done()
        return id_

    async def remove_tag(self, ticket_id: int, association_id: int) -> None:
        done = await self._call("untag")
        tags = self.tickets_by_id[ticket_id].tags
        for label in [label for label, id_ in tags.items() if id_ == association_id]:
            del tags[label]
        done()

    async def tickets(self, ticket_ids: Sequence[int]) -> Sequence[TicketFacts]:
        await self._call("tickets")
        return [facts for facts in self._searchable() if facts.id in ticket_ids]

    async def ticket(self, ticket_id: int) -> TicketFacts | None:
        await self._call("ticket")
        ticket = self.tickets_by_id.get(ticket_id)
        return None if ticket is None or ticket.gone else self._facts(ticket)

    async def look(self, references: Sequence[str], canaries: Sequence[int]) -> Sight:
        began_at = self.clock.now()
        await self._call("look")
        seen = self._searchable() if self.all_visible else []
        hits = [f for f in seen if any((f.reference or "").startswith(base) for base in references)]
        return Sight(hits, frozenset(f.id for f in seen if f.id in canaries), began_at)

    async def notes(self, ticket_id: int) -> Sequence[NoteFacts]:
        await self._call("notes")
        until = self.clock.now() - self.search_lag
        return [
            n for n in self.tickets_by_id[ticket_id].notes if n.created_at is None or n.created_at <= until
        ]

    async def time_entered(self, ticket_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        await self._call("time_entered")
        return {id_: self.entered[id_] for id_ in ticket_ids if id_ in self.entered}

    async def merged_away(self, ticket_id: int) -> MergedAway | None:
        await self._call("merged_away")
        into = self.merged.get(ticket_id)
        return None if into is None else MergedAway(self._facts(self.tickets_by_id[into]) if into else None)

    async def tags(self, ticket_id: int) -> Mapping[str, int]:
        await self._call("tags")
        return dict(self.tickets_by_id[ticket_id].tags)

    async def may_see_all_tickets(self) -> bool:
        return self.sees_all

    async def knows_our_tickets(self, *, after: int) -> bool:
        return any(id_ > after for id_ in self.tickets_by_id)

    async def tenant_id(self) -> int:
        return 30595

    async def ready(self) -> None:
        if self.down:
            raise Unavailable("down")

    def board(self, name: str, *, route: str = "", form: TicketForm = BLANK) -> Board:
        return msgspec.structs.replace(BOARD, name=name, **self.board_values)

    def vocabulary(self) -> frozenset[str]:
        return frozenset({"alertd", "firing", "cleared", "backup"})

    async def company(self, client: str) -> CompanyMatch:
        if client in self.namesakes:
            return CompanyMatch(candidates=self.namesakes[client])
        company = self.companies.get(client.lower())
        return CompanyMatch() if company is None else CompanyMatch(company, "name")

    async def company_with_id(self, company_id: int) -> CompanyMatch:
        found = next((each for each in self.companies.values() if each.id == company_id), None)
        return CompanyMatch() if found is None else CompanyMatch(found, "id")

    async def company_of_device(self, clues: Clues) -> CompanyMatch:
        self.asked_whose.append(dict(clues))
        return self.owner

    async def particulars(self, company: Company, *, board: Board, clues: Clues) -> Particulars:
        self.asked_for.append((company.id, dict(clues)))
        return self.found

    def stand_in(self, name: str) -> Board | None:
        return self.other_board

    def fallback_company(self) -> Company:
        return Company(0, "Example MSP")

    def own_resource_id(self) -> int | None:
        return OWN_ID if self._own else None

    def own_resources(self) -> frozenset[int]:
        return frozenset({OWN_ID}) if self._own or self._former else frozenset()

    async def learn_own_resource_id(self, resource_id: int) -> None:
        assert resource_id == OWN_ID
        self._own = True

    async def learn_former_resource_id(self, resource_id: int) -> None:
        assert resource_id == OWN_ID
        self._former = True

    def _searchable(self) -> list[TicketFacts]:
        until = self.clock.now() - self.search_lag
        return [self._facts(t) for t in self.tickets_by_id.values() if t.created_at <= until and not t.gone]

    @staticmethod
    def _facts(ticket: FakeTicket) -> TicketFacts:
        return TicketFacts(
            id=ticket.id,
            number=f"T20261123.{ticket.id:04}",
            reference=ticket.draft.reference,
            title=ticket.draft.title,
            company_id=ticket.draft.company_id,
            status=ticket.fields["status"],
            priority=ticket.fields["priority"],
            queue=ticket.fields["queue"],
            assignee_id=ticket.assignee_id,
            creator_id=OWN_ID,
            created_at=ticket.created_at,
            last_activity_at=ticket.activity[0],
            last_activity_by=ticket.activity[1],
        )

    def person(self, ticket_id: int, **fields: int) -> None:
        """Do what a technician would."""
        ticket = self.tickets_by_id[ticket_id]
        ticket.fields.update(fields)
        ticket.activity = (self.clock.now(), TECHNICIAN)


class Machine:
    """All flows over the fakes."""

    def __init__(self, **options: object) -> None:
        self.clock = LoopClock()
        self.state = FakeState()
        self.silence_store = FakeSilences()
        self.desk = FakeDesk(self.clock)
        self.crashes: list[str] = []
        self.terms = Terms(unknown_window=timedelta(minutes=6))
        self.storms = NO_STORMS
        self.use_routes(**options)
        self.boot()

    def use_routes(self, **options: object) -> None:
        settings = RootRouteSettings.model_validate({"board": "noc", "hold": "5m", **options})
        self.routing = routing_of(build_tree(settings))

    def boot(self) -> None:
        """Start as a new process would: nothing but the store survives."""
        self.registry = CollectorRegistry()
        self.metrics = SettlingMetrics(self.registry, ["noc"])
        self.world = world = World(
            journal=self.state,
            state=self.state,
            desk=self.desk,
            clock=self.clock,
            metrics=self.metrics,
            instance="alertd",
            owner="test",
            jitter=lambda: 0.5,
            crash=self._crash,
        )
        self.state.claimed.clear()
        hands = Hands(world)
        eyes = Eyes(world, hands, window=self.terms.unknown_window)
        self.settler = Settler(
            world,
            hands=hands,
            eyes=eyes,
            terms=self._terms,
            begin=_begin,
            silenced=self._fell_silent,
        )
        self.decider = Decider(
            world,
            routing=lambda: self.routing,
            read=self._read,
            wake_settling=self.settler.wake,
            suppressions=lambda: self.silences.active,
            storms=lambda: self.storms,
        )
        self.silences = SilenceBook(
            self.silence_store, now=self.clock.now, changed=self.decider.suppressions_changed
        )
        self.syncer = Syncer(world, SyncSettings(), wake_settling=self.settler.wake)
        self.read_alerts: dict[str, Sequence[Alert]] = getattr(self, "read_alerts", {})

    def _fell_silent(self, incident_key: str) -> None:
        self.decider.silenced(incident_key)

    def _terms(self) -> Terms:
        return msgspec.structs.replace(self.terms, unwatched_since=self.syncer.unwatched_since())

    def _crash(self, name: str, operation: str) -> None:
        if name in self.crashes or f"{name}@{operation}" in self.crashes:
            raise Crashed(name)

    def _read(self, envelope: Envelope) -> Sequence[Alert]:
        return self.read_alerts[envelope.receipt]

    async def post(self, *alerts: Alert) -> None:
        receipt = f"r{len(self.state.entries) + 1}"
        self.read_alerts[receipt] = alerts
        envelope = Envelope(
            receipt=receipt,
            source="prometheus",
            kind="alertmanager",
            received_at=self.clock.now(),
            body=b"",
            messages=len(alerts),
        )
        appended = await self.state.append(envelope)
        self.decider.accept(Entry(appended.journal_id, envelope), alerts)

    async def run(self, seconds: float) -> None:
        """Let all loops run for a while of virtual time, then stop them in good order."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.decider.run(stop, _beat))
            group.create_task(self.settler.run(stop, _beat))
            group.create_task(self.syncer.run(stop, _beat))
            await asyncio.sleep(seconds)
            stop.set()

    def repaired(self) -> float | None:
        return self.registry.get_sample_value("alertd_tickets_repaired_total", {"board": "noc"})

    @property
    def tickets(self) -> list[FakeTicket]:
        return list(self.desk.tickets_by_id.values())

    def unaccounted(self) -> int:
        accepted = sum(entry.envelope.messages for entry in self.state.entries.values())
        return accepted - sum(self.state.totals.values())


class Crashed(Exception):
    """The process ended here."""


async def _begin() -> None:
    """This tenant is the one."""


def _beat() -> None:
    """Nobody watches."""


def routing_of(tree: Route) -> Routing:
    policies: dict[str, Policy] = {}

    def walk(route: Route) -> None:
        policies[route.name] = route.matched.policy
        for child in route.routes:
            walk(child)

    walk(tree)
    return Routing(tree, policies)


def alert(
    host: str = "fs02", *, cleared: bool = False, severity: str = "warning", name: str = "DiskFull"
) -> Alert:
    labels = {
        "alertname": name,
        "host": host,
        "client": "Contoso",
        "severity": severity,
        "source": "prometheus",
    }
    sent = {"alertname": name, "instance": host}
    return Alert(
        source="prometheus",
        fingerprint=fingerprint(sent),
        status=Status.CLEARED if cleared else Status.FIRING,
        severity=Severity(severity),
        labels=labels,
        annotations={"title": f"{name}: 96 %"},
        sent_labels=sent,
    )


@pytest.fixture
def unknown() -> OutcomeUnknown:
    return OutcomeUnknown("reply lost")

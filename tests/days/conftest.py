"""Simulated days: a whole alertd in virtual time, judged by the simulator's books.

Everything is real between an accepted alert and Autotask's model, as `Parts` puts it together from a
configuration file: the flows, the SQL of the store, the client and its pacing. Replaced are the socket
(`VirtualWire` hands the requests to the simulator's model and takes as long as that says) and the store's
threads, since virtual time does not wait for threads.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, text

from alertd.app.assembly import Parts
from alertd.app.live import Current, bring_to_life
from alertd.autotask.wire import Answer, Lost, NotSent, Reply, Request
from alertd.core.alerts import Alert, Severity, Status
from alertd.core.identity import fingerprint
from alertd.flows.crashes import never
from alertd.flows.ports import Entry, Envelope
from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME, Simulator
from alertd.simulator.control import control
from alertd.simulator.simulator import headers_of
from alertd.simulator.truth import calls, state
from alertd.simulator.wire import SimReply, SimRequest, Transport
from alertd.store import schema, sqlite
from alertd.store.reads import Reads
from alertd.store.runner import Runner
from alertd.store.space import SpaceGuard
from alertd.store.store import Store
from tests.system.site import DISPOSITIONS

T = TypeVar("T")

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ROUND_TRIP_S = 0.25
HOUR_S = 3600.0
SENDER = "prometheus"

CONFIG = """\
[store]
url = "sqlite:///{folder}/alertd.db"

[autotask]
username = "{username}"
secret = {{ file = "{folder}/secret" }}
integration_code = {{ file = "{folder}/code" }}
zone_url = "http://127.0.0.1:9/atservicesrest"
calls_per_hour = {calls_per_hour}

[[sources]]
name = "prometheus"
kind = "alertmanager"
token = {{ file = "{folder}/token" }}

[[boards]]
name = "noc"
queue = "NOC"
tags = ["alertd"]

[storm]
threshold = {threshold}

[route]
board = "noc"
group_by = ["client", "host", "alertname"]
hold = "5m"
note_interval = "15m"
reopen_within = "{reopen_within}"
"""


class DayClock:
    """Wall time that passes as the loop's virtual time does."""

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())


class VirtualWire:
    """What `Wire` is, with the simulator's model at its other end and virtual time between."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.unreachable = False

    async def exchange(self, request: Request) -> Reply:
        """Send the request once and return how it ended."""
        if self.unreachable:
            await asyncio.sleep(request.connect_s)
            return NotSent("ConnectionTimeoutError")
        gone = asyncio.Event()
        serving = asyncio.ensure_future(self._served(request, gone))
        try:
            async with asyncio.timeout(request.total_s):
                return await asyncio.shield(serving)
        except TimeoutError:
            return Lost("TimeoutError")  # the server goes on with it
        finally:
            gone.set()

    async def close(self) -> None:
        """There is nothing to close."""

    async def _served(self, request: Request, gone: asyncio.Event) -> Reply:
        call = self.simulator.begin(_heard(request))
        try:
            await asyncio.sleep(ROUND_TRIP_S + call.delay_s)
            reply = self.simulator.finish(call)
            if reply.transport is Transport.HANG:
                await gone.wait()
            request.answered()
            return _told(reply, request.most)
        finally:
            self.simulator.release(call)


def _heard(request: Request) -> SimRequest:
    url = urlsplit(request.url)
    return SimRequest(
        method=request.method,
        path=url.path,
        query=dict(parse_qsl(url.query)),
        headers=headers_of(request.headers),
        body=request.body or b"",
        origin=f"{url.scheme}://{url.netloc}",
        url_length=len(request.url),
    )


def _told(reply: SimReply, most: int) -> Reply:
    if reply.transport is not Transport.SEND:
        return Lost("ServerDisconnectedError")
    return Answer(reply.status, reply.body[:most], reply.headers.get("Retry-After", ""))


class InlineStore:
    """Reads and writes of the store on the loop's own thread."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def run(self, function: Callable[[Connection], T]) -> T:
        await asyncio.sleep(0)
        with self._conn.begin():
            return function(self._conn)

    async def together(self, work: Callable[[Connection, Sequence[Any]], Sequence[T]], item: Any) -> T:
        await asyncio.sleep(0)
        with self._conn.begin():
            return work(self._conn, [item])[0]

    async def offer(
        self, work: Callable[[Connection, Sequence[Any]], Sequence[T]], item: Any, *, size: int
    ) -> T:
        del size
        return await self.together(work, item)

    def is_held_up(self) -> bool:
        return False


class Day:
    """One alertd and one Autotask. `run` lets virtual time pass."""

    def __init__(self, folder: Path, stack: ExitStack, *, more: str = "", **options: object) -> None:
        self.folder = folder
        self.stack = stack
        self.clock = DayClock()
        self.simulator = Simulator(clock=lambda: self.clock.now().timestamp())
        self.wire = VirtualWire(self.simulator)
        self.posted_at: dict[str, float] = {}  # by host: when its alert was accepted
        self._alerts: dict[str, Sequence[Alert]] = {}
        self._receipts = 0
        for name, value in (("secret", API_SECRET), ("code", API_INTEGRATION_CODE), ("token", "x" * 43)):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(value)
        options = {"calls_per_hour": 4000, "reopen_within": "24h", "threshold": 0} | options
        written = CONFIG.format(folder=folder, username=API_USERNAME, **options)
        (folder / "alertd.toml").write_text(written + more)
        self.parts = self.boot()

    def boot(self) -> Parts:
        """Start as a new process would: nothing but the store survives."""
        store = self._open()
        self.registry = CollectorRegistry()
        parts = Parts(
            Current(bring_to_life(self.folder / "alertd.toml", {})),
            store=store,
            registry=self.registry,
            clock=cast("Any", self.clock),
            crash=never,
            not_ready=lambda: None,
        )
        parts.desk.transport._wire = cast("Any", self.wire)
        parts.decider._read = self._read
        self.parts = parts
        return parts

    def _open(self) -> Store:
        engine = sqlite.writer_engine(self.folder / "alertd.db", sqlite.library())
        self.stack.callback(engine.dispose)
        conn = self.stack.enter_context(engine.connect())
        sqlite._raw(conn).execute("PRAGMA synchronous=OFF")
        with conn.begin():
            is_new = schema.migrate(conn)
        inline = InlineStore(conn)
        return Store(
            cast("Reads", inline),
            cast("Runner", inline),
            space=SpaceGuard(lambda: None),
            clock=self.clock,
            instance="alertd",
            is_new=is_new,
        )

    def _read(self, envelope: Envelope) -> Sequence[Alert]:
        return self._alerts[envelope.receipt]

    # --- senders --------------------------------------------------------------------------------------

    async def post(self, *alerts: Alert) -> None:
        """Accept alerts as intake does."""
        self._receipts += 1
        receipt = f"r{self._receipts}"
        self._alerts[receipt] = alerts
        now_s = asyncio.get_running_loop().time()
        for each in alerts:
            self.posted_at.setdefault(each.labels["host"], now_s)
        envelope = Envelope(
            receipt=receipt,
            source=SENDER,
            kind="alertmanager",
            received_at=self.clock.now(),
            body=b"{}",
            messages=len(alerts),
        )
        appended = await self.parts.store.append(envelope)
        self.parts.decider.accept(Entry(appended.journal_id, envelope), alerts)

    # --- time -----------------------------------------------------------------------------------------

    async def run(self, *happenings: Any, hours: float) -> None:
        """Let every loop run for so many hours of virtual time beside these coroutines, then stop."""
        stop = asyncio.Event()
        loops = [(name, run) for name, run in self.parts.loops() if name != "store"]
        await self.parts.decider.recover()
        async with asyncio.TaskGroup() as group:
            for name, run in loops:
                group.create_task(run(stop, _beat), name=name)
            for each in happenings:
                group.create_task(each)
            await asyncio.sleep(hours * HOUR_S)
            stop.set()

    # --- Autotask -------------------------------------------------------------------------------------

    def fault(self, **fault: Any) -> None:
        """Set a fault, as POST /__sim/faults does."""
        self._control("faults", fault)

    def clear(self, kind: str) -> None:
        """End the faults of one kind."""
        self._control("faults", {"clear": [kind]})

    def tenant(self, data: Mapping[str, Any]) -> None:
        """Merge into the tenant, as POST /__sim/tenant does."""
        self._control("tenant", data)

    def act(self, **act: Any) -> None:
        """Do what a technician would."""
        self._control("act", act)

    def _control(self, what: str, body: Any) -> None:
        reply = control(self.simulator, "POST", what, body=msgspec.json.encode(body))
        assert reply.status == 200, reply

    @property
    def tickets(self) -> list[dict[str, Any]]:
        """All tickets, from the simulator's ground truth."""
        return cast("list[dict[str, Any]]", state(self.simulator, self.simulator.clock())["tickets"])

    @property
    def queues(self) -> list[dict[str, Any]]:
        """All queues."""
        return cast("list[dict[str, Any]]", state(self.simulator, self.simulator.clock())["queues"])

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call of the ledger, oldest first, the zone look-ups left out."""
        told = calls(self.simulator, self.simulator.clock(), limit=10_000_000)
        listed = sorted(
            (msgspec.structs.asdict(each) for each in told["calls"]), key=lambda each: each["number"]
        )
        return [each for each in listed if each["endpoint"] != "ZoneInformation"]

    @property
    def high_water(self) -> dict[str, int]:
        """Most calls that were in flight at once, by endpoint."""
        told = calls(self.simulator, self.simulator.clock(), limit=0)
        return {name: most for name, most in told["highWater"].items() if name != "ZoneInformation"}

    def waited(self) -> dict[str, float]:
        """Seconds from accepting a host's alert to the creation of its ticket, by host."""
        waits = {}
        for ticket in self.tickets:
            host = _host_of(ticket["title"])
            if host in self.posted_at:
                made = datetime.fromisoformat(ticket["createDate"]) - START
                waits[host] = made.total_seconds() - self.posted_at[host]
        return waits

    def walk(self) -> tuple[int, int]:
        """Recompute the accounts: messages accepted, and placed anywhere but pending."""
        conn = cast("Any", self.parts.store)._runner._conn
        with conn.begin():
            [(accepted,)] = conn.execute(text("SELECT coalesce(sum(messages), 0) FROM journal"))
            totals = dict(conn.execute(text("SELECT name, value FROM totals")).all())
        return accepted, sum(totals.get(name, 0) for name in DISPOSITIONS - {"pending"})


def _host_of(title: str) -> str:
    return next((word.strip(":,") for word in title.split() if word.startswith("host-")), "")


def busiest_hour(at: Sequence[float]) -> int:
    """Return the most instants that lie within any rolling hour."""
    most = oldest = 0
    for newest, instant in enumerate(at):
        while at[oldest] <= instant - HOUR_S:
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most


def by_endpoint(listed: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count calls by endpoint."""
    counted: dict[str, int] = defaultdict(int)
    for each in listed:
        counted[each["endpoint"]] += 1
    return dict(counted)


def _beat() -> None:
    """Nobody watches."""


def alert(
    host: str, client: str, *, severity: str = "warning", cleared: bool = False, rule: str = "DiskFull"
) -> Alert:
    """Return one alert; `host` should begin with `host-`, by which its ticket is found."""
    labels = {
        "alertname": rule,
        "host": host,
        "client": client,
        "severity": severity,
        "source": SENDER,
    }
    return Alert(
        source=SENDER,
        fingerprint=fingerprint({"alertname": rule, "instance": host}),
        status=Status.CLEARED if cleared else Status.FIRING,
        severity=Severity(severity),
        labels=labels,
        annotations={"title": f"{host}: disk full"},
        sent_labels={"alertname": rule, "instance": host},
    )


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A day's log would be longer than anybody reads."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
def make_day(tmp_path: Path) -> Iterator[Callable[..., Day]]:
    """Make a day: `make_day(calls_per_hour=…, more="TOML")`, inside the test's own loop."""
    with ExitStack() as stack:
        yield lambda **options: Day(tmp_path, stack, **options)

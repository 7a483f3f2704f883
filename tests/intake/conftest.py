from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from alertd.core.alerts import Alert, AlertKey, Status
from alertd.core.conditions import Condition, observe
from alertd.core.sources import kinds
from alertd.core.sources.alertmanager import AlertmanagerSettings
from alertd.core.sources.mapped_settings import MappedSettings
from alertd.flows.crashes import CrashPoint, never
from alertd.flows.errors import StoreFailed
from alertd.flows.ports import Appended, ConditionRow, Entry, Envelope, Loaded
from alertd.intake.app import Intake
from alertd.intake.callouts import CalloutDesk
from alertd.intake.fetching import Fetch, NoFetch
from alertd.intake.listening import serving
from alertd.intake.metrics import IntakeMetrics
from alertd.intake.senders import Sender, Surroundings, read_again, sender_of
from alertd.intake.settings import ServerSettings

PROMETHEUS_TOKEN = "prometheus-token-0123456789abcdefghijklmno"
SECOND_TOKEN = "prometheus-token-two-0123456789abcdefghijk"
DOORBELL_TOKEN = "doorbell-token-0123456789abcdefghijklmnopq"


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class Journal:
    """Keeps envelopes in memory; `gate` holds commits back, `fault` refuses them."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.gate: asyncio.Event | None = None
        self.entered = asyncio.Event()
        self.fault: StoreFailed | Exception | None = None

    async def append(self, envelope: Envelope) -> Appended:
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        for at, old in enumerate(self.envelopes):
            if old.delivery_id and (old.source, old.delivery_id) == (envelope.source, envelope.delivery_id):
                return Appended(at + 1, old.receipt, duplicate=True)
        self.envelopes.append(envelope)
        return Appended(len(self.envelopes), envelope.receipt)

    async def undecided(self, *, after: int, limit: int) -> Sequence[Entry]:
        raise NotImplementedError

    async def entry(self, receipt: str) -> Entry | None:
        for at, envelope in enumerate(self.envelopes):
            if envelope.receipt == receipt:
                return Entry(at + 1, envelope, decided=True)
        return None


class Standing:
    """What has been decided: tests put conditions there."""

    def __init__(self) -> None:
        self.rows: list[ConditionRow] = []

    async def load(self, alert_keys: Iterable[AlertKey], incident_keys: Iterable[str]) -> Loaded:
        wanted = set(alert_keys)
        return Loaded({row.condition.key: row for row in self.rows if row.condition.key in wanted})

    async def firing_conditions(self, *, limit: int) -> Sequence[ConditionRow]:
        return [row for row in self.rows if row.condition.firing][:limit]

    def decide(self, accepted: Iterable[tuple[Entry, Sequence[Alert]]]) -> None:
        """Fold what was accepted, as deciding does."""
        known: dict[AlertKey, Condition] = {}
        for entry, alerts in accepted:
            at, receipt = entry.envelope.received_at, entry.envelope.receipt
            for alert in alerts:
                if alert.status is Status.FIRING or alert.key in known:
                    before = known.get(alert.key)
                    known[alert.key], _ = observe(before, alert, received_at=at, receipt=receipt)
        self.rows = [ConditionRow(condition) for condition in known.values()]


class Handover:
    def __init__(self) -> None:
        self.accepted: list[tuple[Entry, Sequence[Alert]]] = []
        self.waits = 0

    async def passed(self) -> None:
        self.waits += 1

    def accept(self, entry: Entry, alerts: Sequence[Alert]) -> None:
        self.accepted.append((entry, alerts))


class World:
    """Everything behind a running intake, and the ways to reach it."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.handover = Handover()
        self.standing = Standing()
        self.vendors: Any = None  # who needs them brings a store
        self.clock = Clock()
        self.seconds: Callable[[], float] = time.monotonic
        self.registry = CollectorRegistry()
        self.metrics = IntakeMetrics(self.registry)
        self.reason: str | None = None
        self.crash: CrashPoint = never
        self.callouts: CalloutDesk | None = None
        self.fetch: Fetch = NoFetch()
        self.intake: Intake
        self.host = "127.0.0.1"
        self.port = 0
        self.senders: list[Sender] = [prometheus(), doorbell()]
        self._seed = itertools.count()

    def entropy(self, count: int) -> bytes:
        return bytes(next(self._seed) * 37 % 256 for _ in range(count))

    def monotonic(self) -> float:
        return self.seconds()

    def surroundings(self) -> Surroundings:
        return Surroundings(
            journal=self.journal,
            handover=self.handover,
            standing=self.standing,
            vendors=self.vendors,
            clock=self.clock,
            monotonic=self.monotonic,
            entropy=self.entropy,
            not_ready=lambda: self.reason,
            crash=self.crash,
            fetch=self.fetch,
        )

    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"

    def count(self, source: str, outcome: str) -> float:
        labels = {"source": source, "outcome": outcome}
        return self.registry.get_sample_value("alertd_intake_requests_total", labels) or 0.0

    async def raw(self, request: bytes, *, ends: bool = False) -> bytes:
        """Send bytes, and return all that comes back until the server closes, or one answer is complete."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(request)
            if ends:
                writer.write_eof()
            return await _one_answer(reader)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _one_answer(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionResetError) as exc:
        return exc.partial if isinstance(exc, asyncio.IncompleteReadError) else b""
    length = next(
        (
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    return head + await reader.readexactly(length)


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def prometheus(**more: Any) -> Sender:
    settings = AlertmanagerSettings.model_validate(
        {"name": "prometheus", "kind": "alertmanager", "token": [{"env": "A"}, {"env": "B"}], **more}
    )
    digests = (digest(PROMETHEUS_TOKEN), digest(SECOND_TOKEN))
    return sender_of(settings, kinds.compile_profile(settings), digests=digests)


def doorbell(**more: Any) -> Sender:
    table = {"name": "doorbell", "kind": "mapped", "token": {"env": "A"}, "token_in_url": True, "key": "name"}
    settings = MappedSettings.model_validate({**table, "title": "name", **more})
    return sender_of(settings, kinds.compile_profile(settings), digests=(digest(DOORBELL_TOKEN),))


Serve = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def serve() -> Serve:
    @contextlib.asynccontextmanager
    async def serve(world: World | None = None, **settings: Any) -> AsyncIterator[World]:
        world = world or World()
        server = ServerSettings.model_validate({"listen": "127.0.0.1:0", **settings})
        world.intake = Intake(
            server,
            world.senders,
            surroundings=world.surroundings(),
            metrics=world.metrics,
            callouts=world.callouts,
        )
        async with serving(world.intake, server) as addresses:
            host, _, port = addresses[0].rpartition(":")
            world.host, world.port = host, int(port or 0) if port.isdigit() else 0
            yield world

    return serve


@pytest.fixture
async def world(serve: Serve) -> AsyncIterator[World]:
    async with serve() as world:
        yield world


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def new_world() -> type[World]:
    return World


@pytest.fixture
def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {PROMETHEUS_TOKEN}"}


Post = Callable[..., Awaitable[tuple[int, bytes, Any]]]


@pytest.fixture
def post(world: World, client: aiohttp.ClientSession, bearer: dict[str, str]) -> Post:
    """Post to a path as the source prometheus, unless other headers are given."""

    async def post(path: str, body: Any = b"", **more: Any) -> tuple[int, bytes, Any]:
        more.setdefault("headers", bearer)
        async with client.post(world.url(path), data=body, **more) as response:
            return response.status, await response.read(), response.headers

    return post


@pytest.fixture
def call(world: World, client: aiohttp.ClientSession) -> Any:
    """Send a request; return status and document (None: there was no body)."""

    async def call(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with client.request(method, world.url(path), data=raw, headers=sent) as answer:
            text = await answer.read()
            return answer.status, json.loads(text) if text else None

    return call


@pytest.fixture
def kept(world: World) -> Callable[[], tuple[Envelope, Alert]]:
    """Return the last envelope and its one alert, which is the same when it is read again."""

    def kept() -> tuple[Envelope, Alert]:
        entry, alerts = world.handover.accepted[-1]
        [alert] = alerts
        doorbell = next(sender for sender in world.senders if sender.name == "doorbell")
        assert read_again(entry.envelope, doorbell) == (alert,)
        assert DOORBELL_TOKEN not in repr(entry.envelope)
        return entry.envelope, alert

    return kept

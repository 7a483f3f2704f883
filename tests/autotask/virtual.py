"""The real transport before the simulator's model, in virtual time: what takes an hour takes no time."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from alertd.autotask.credential import Credential
from alertd.autotask.memory import TransientMemory
from alertd.autotask.metrics import AutotaskMetrics
from alertd.autotask.transport import Around, Transport
from alertd.autotask.wire import Answer, Lost, Reply, Request, Wire
from alertd.core.secret import Secret
from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME, Simulator
from alertd.simulator.faults import Fault
from alertd.simulator.ledger import Entry
from alertd.simulator.simulator import headers_of
from alertd.simulator.wire import SimRequest
from alertd.simulator.wire import Transport as Travels
from tests.autotask.conftest import FakeCallLog, make_settings

START = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
ZONE_URL = "http://127.0.0.1:9/atservicesrest"


class VirtualLoop(asyncio.SelectorEventLoop):
    """Whose time jumps to what is due next; looptime walks there by steps, too slowly for a day."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self._now_s

    def jump(self, seconds: float) -> None:
        self._now_s += seconds


class _Jumping(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits for ever")
        self._loop.jump(timeout)
        return super().select(0) if timeout > 0 else []


def run_virtually(main: Coroutine[Any, Any, None]) -> None:
    """Run it in virtual time, without its log."""
    with capture_logs(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main)


class LoopClock:
    """Wall time that passes as the loop's virtual time does."""

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def seconds(self) -> float:
        return self.now().timestamp()


class ModelWire(Wire):
    """Carries requests to the model, and takes as long as it says."""

    def __init__(self, simulator: Simulator, clock: LoopClock, latency_s: float) -> None:
        super().__init__()
        self._simulator = simulator
        self._clock = clock
        self._latency_s = latency_s

    async def exchange(self, request: Request) -> Reply:
        call = self._simulator.begin(_taken(request), self._clock.seconds())
        try:
            await asyncio.sleep(self._latency_s + call.delay_s)
            reply = self._simulator.finish(call, self._clock.seconds())
        finally:
            self._simulator.release(call, self._clock.seconds())
        if reply.transport is Travels.HANG:
            await asyncio.sleep(request.total_s)
        if reply.transport is not Travels.SEND:
            return Lost("nothing came back")
        return Answer(reply.status, reply.body, reply.headers.get("Retry-After", ""))


def _taken(request: Request) -> SimRequest:
    parts = urlsplit(request.url)
    return SimRequest(
        method=request.method,
        path=parts.path,
        query=dict(parse_qsl(parts.query)),
        headers=headers_of(request.headers),
        body=request.body or b"",
        origin=f"{parts.scheme}://{parts.netloc}",
        url_length=len(request.url),
    )


class Tenant:
    """A simulated tenant, and alertd's transports before it; a new one is a restart."""

    def __init__(self, *, latency_s: float = 0.3, **switches: Any) -> None:
        self.clock = LoopClock()
        self.simulator = Simulator(clock=self.clock.seconds)
        for name, value in switches.items():
            setattr(self.simulator.switches, name, value)
        self.memory, self.call_log = TransientMemory(), FakeCallLog()
        self._latency_s = latency_s

    def transport(self, *, secret: str = API_SECRET, **settings: Any) -> Transport:
        self.registry = CollectorRegistry()
        around = Around(
            clock=self.clock,
            memory=self.memory,
            call_log=self.call_log,
            metrics=AutotaskMetrics(self.registry),
            chance=random.Random(1),
        )
        credential = Credential(
            username=API_USERNAME, secret=Secret(secret), integration_code=Secret(API_INTEGRATION_CODE)
        )
        made = Transport(make_settings(ZONE_URL, **settings), credential, around)
        made._wire = ModelWire(self.simulator, self.clock, self._latency_s)
        return made

    def fault(self, kind: Any, **more: Any) -> None:
        self.simulator.faults.add(Fault(kind=kind, **more), self.clock.seconds())

    def heal(self, kind: str | None = None) -> None:
        self.simulator.faults.clear(kind)

    def others(self, requests: int) -> None:
        """Let the other integrations have made so many calls in the rolling hour."""
        self.heal("others_usage")
        self.fault("others_usage", requests=requests)

    def share(self) -> float:
        """Return the used share of the allowance, by Autotask's own count."""
        used = self.simulator.used_requests(self.clock.seconds())
        return used / self.simulator.switches.threshold

    def calls(self) -> Iterator[Entry]:
        """Return what reached the tenant but for zone look-ups, in order."""
        return (each for each in self.simulator.ledger.entries if each.endpoint != "ZoneInformation")

    def most_in_flight(self) -> int:
        return max(self.simulator.threads.high_water.values())


def most_in_an_hour(times: Sequence[float]) -> int:
    """Return how many of these instants lie in the fullest hour."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 3600.0:
            first += 1
        most = max(most, last - first + 1)
    return most

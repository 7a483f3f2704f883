"""A day with a noisy neighbour and a flooding company, by the simulator's books."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from alertd.autotask.precedence import Precedence
from alertd.autotask.transport import Call
from alertd.flows.errors import PortError, Throttled
from alertd.flows.sending import Sending, serving
from tests.autotask.virtual import LoopClock, Tenant, most_in_an_hour, run_virtually

pytestmark = [pytest.mark.timeout(300)]

DAY_S = 24 * 3600.0
BUDGET, ALLOWANCE = 1000, 2500  # 4,000 of 10,000, at a quarter: the day is as long, and takes less to run
CALLERS, CRITICAL_CALLERS = 8, 4
FLOOD = "Flooding company"


@dataclass
class Wish:
    """One call that somebody wants made."""

    precedence: Precedence
    company: str
    endpoint: str
    born_s: float
    done_s: float = math.inf
    highest_share: float = 0.0  # of the allowance, while it waited
    then: list[tuple[float, Precedence, str]] = field(default_factory=list)


class Road:
    """What the settle flow and the store's claims do: the most urgent first, companies in turn."""

    def __init__(self) -> None:
        self._later: list[tuple[float, int, Wish]] = []
        self._due: dict[Precedence, dict[str, deque[Wish]]] = {each: {} for each in Precedence}
        self._turns: dict[Precedence, deque[str]] = {each: deque() for each in Precedence}
        self._number = itertools.count()

    def put(self, wish: Wish, at_s: float) -> None:
        heapq.heappush(self._later, (at_s, next(self._number), wish))

    def next_s(self) -> float:
        return self._later[0][0] if self._later else math.inf

    def take(self, now_s: float, least: Precedence) -> Wish | None:
        while self._later and self._later[0][0] <= now_s:
            self._make_due(heapq.heappop(self._later)[2])
        for precedence in Precedence:
            if precedence <= least and self._turns[precedence]:
                return self._next(precedence)
        return None

    def _make_due(self, wish: Wish) -> None:
        companies = self._due[wish.precedence]
        if wish.company not in companies:
            companies[wish.company] = deque()
            self._turns[wish.precedence].append(wish.company)
        companies[wish.company].append(wish)

    def _next(self, precedence: Precedence) -> Wish:
        company = self._turns[precedence].popleft()
        wishes = self._due[precedence][company]
        wish = wishes.popleft()
        if wishes:
            self._turns[precedence].append(company)
        else:
            del self._due[precedence][company]
        return wish


class Day:
    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.clock = LoopClock()
        self.road = Road()
        self.transport = tenant.transport(calls_per_hour=BUDGET)
        self.wishes: list[Wish] = []
        self.ready = asyncio.Event()
        self.bell = asyncio.Event()
        self.busy = {True: 0, False: 0}  # callers, by whether they are kept for what is critical

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def wish(self, precedence: Precedence, company: str, endpoint: str = "Tickets", *, at_s: float) -> Wish:
        made = Wish(precedence, company, endpoint, at_s)
        self.wishes.append(made)
        self.road.put(made, at_s)
        self.bell.set()
        return made

    def incident(self, company: str, at_s: float, create: Precedence = Precedence.CREATE) -> None:
        made = self.wish(create, company, at_s=at_s)
        made.then = [(1.0, Precedence.UPDATE, "TicketNotes"), (1200.0, Precedence.COMPLETE, "Tickets")]

    async def hand_out(self, group: asyncio.TaskGroup) -> None:
        """Give what is due to callers that are free."""
        while True:
            await self.ready.wait()
            self.bell.clear()
            least = Precedence.BILLING if self.busy[False] < CALLERS else Precedence.CRITICAL_CREATE
            has_room = least == Precedence.BILLING or self.busy[True] < CRITICAL_CALLERS
            wish = self.road.take(self.now_s(), least) if has_room else None
            if wish is None:
                await self.sleep_until(self.road.next_s() if has_room else math.inf)
            else:
                is_kept = least == Precedence.CRITICAL_CREATE
                self.busy[is_kept] += 1
                group.create_task(self.call(wish, is_kept=is_kept))

    async def sleep_until(self, at_s: float) -> None:
        try:
            async with asyncio.timeout(max(0.05, min(at_s - self.now_s(), 60.0))):
                await self.bell.wait()
        except TimeoutError:
            return

    async def call(self, wish: Wish, *, is_kept: bool) -> None:
        wait_s = await self.attend(wish)
        if wish.done_s == math.inf:
            self.road.put(wish, self.now_s() + wait_s)
        self.busy[is_kept] -= 1
        self.bell.set()

    async def attend(self, wish: Wish) -> float:
        """Try once; return how long to wait before the next try, if it has to be."""
        wish.highest_share = max(wish.highest_share, self.tenant.share())
        call = Call(
            method="GET", path=f"{wish.endpoint}/1", endpoint=wish.endpoint, precedence=wish.precedence
        )
        try:
            with serving(Sending("key", "", wish.precedence, wish.company)):
                self.transport.check_room()
                await self.transport.send(call)
        except PortError as exc:
            wait_s = exc.retry_after if isinstance(exc, Throttled) else 5.0
            assert wait_s > 0
            return wait_s
        wish.done_s = self.now_s()
        for after_s, precedence, endpoint in wish.then:
            self.wish(precedence, wish.company, endpoint, at_s=wish.done_s + after_s)
        return 0.0

    async def keep_ready(self) -> None:
        """What the settle flow asks before each claim."""
        while True:
            try:
                await self.transport.open_way()
                await self.transport.read_usage()
                self.transport.check()
                self.ready.set()
            except PortError:
                self.ready.clear()
            await asyncio.sleep(5.0)

    async def neighbour(self, noise: float) -> None:
        """Between 0 and a share of the allowance, up and down four times a day."""
        while True:
            share = noise * (1 - math.cos(self.now_s() / DAY_S * 4 * 2 * math.pi)) / 2
            self.tenant.others(int(ALLOWANCE * share))
            await asyncio.sleep(60.0)

    async def loop(self, precedence: Precedence, endpoint: str, *, every_s: float) -> None:
        """One flow that calls now and then, and when it may not, when it may."""
        while True:
            wish = Wish(precedence, "", endpoint, self.now_s())
            self.wishes.append(wish)
            while wish.done_s == math.inf:
                await asyncio.sleep(await self.attend(wish))
            await asyncio.sleep(every_s)

    async def live(self, seconds: float, *, noise: float = 0.95) -> None:
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for each in (self.keep_ready(), self.neighbour(noise), self.hand_out(group)):
                    group.create_task(each)
                group.create_task(self.loop(Precedence.SYNC, "Tickets", every_s=60.0))
                group.create_task(self.loop(Precedence.BILLING, "Companies", every_s=20.0))
        except TimeoutError:
            return


def plan(day: Day) -> None:
    for n in range(240):  # a critical one of some company every six minutes
        day.incident(f"Quiet {n % 50}", n * 360.0, Precedence.CRITICAL_CREATE)
    for n in range(600):  # fifty quiet companies, one incident in two hours each
        day.incident(f"Quiet {n % 50}", 10.0 + n * 144.0)
    for hour in (1, 9, 17):
        for n in range(500):
            day.incident(FLOOD, hour * 3600.0 + n * 0.01)


def waits(day: Day, precedence: Precedence, *, below: float, upto_s: float) -> Iterator[float]:
    """Yield how long calls waited of quiet companies, while the tenant's use was below a share."""
    for wish in day.wishes:  # above it, what is not so urgent has to wait for the next reading of the counter
        fits = wish.precedence == precedence and wish.company != FLOOD and wish.born_s < upto_s
        if fits and wish.highest_share < below:
            yield min(wish.done_s, upto_s + 60) - wish.born_s


@pytest.mark.parametrize("hours", [6, pytest.param(24, marks=pytest.mark.slow)])
def test_a_day_with_a_noisy_neighbour_and_a_flooding_company(hours: int) -> None:
    run_virtually(noisy_and_flooded(hours))


async def noisy_and_flooded(hours: int) -> None:
    end_s = hours * 3600.0
    tenant = Tenant(threshold=ALLOWANCE, latency_scale=1.0)
    day = Day(tenant)
    plan(day)
    await day.live(end_s)

    calls = list(tenant.calls())
    assert most_in_an_hour([each.at for each in calls]) <= BUDGET
    assert tenant.most_in_flight() <= 2
    refused = [
        each.at for each in calls if each.status == 429
    ]  # the neighbour and our last hour are too much
    assert all(later - at > 55 for at, later in itertools.pairwise(refused))
    critical = list(waits(day, Precedence.CRITICAL_CREATE, below=0.95, upto_s=end_s - 60))
    quiet = list(waits(day, Precedence.CREATE, below=0.8, upto_s=end_s - 60))
    assert len(critical) > 7 * hours
    assert len(quiet) > 12 * hours
    assert max(critical) < 60
    assert max(quiet) < 60
    done = Counter(wish.precedence for wish in day.wishes if wish.done_s < math.inf)
    assert {each: done[each] >= 4 * hours for each in Precedence} == dict.fromkeys(Precedence, True)
    late = [each for each in day.wishes if each.done_s == math.inf and each.born_s < end_s - 4 * 3600]
    assert Counter(each.precedence for each in late) == {}  # nobody is starved for ever


def test_one_flooding_company_does_not_delay_fifty_quiet_ones() -> None:
    async def flooded() -> None:
        day = Day(Tenant(threshold=10 * ALLOWANCE))
        for _ in range(3000):
            day.incident(FLOOD, 60.0)
        for n in range(50):
            day.incident(f"Quiet {n}", 1200.0 + n * 45.0)
        await day.live(2 * 3600.0, noise=0.0)

        assert most_in_an_hour([each.at for each in day.tenant.calls()]) <= BUDGET
        quiet = list(waits(day, Precedence.CREATE, below=1.0, upto_s=7000.0))
        assert len(quiet) == 50
        assert max(quiet) < 60

    run_virtually(flooded())


def test_critical_creates_go_while_the_tenant_is_at_75_percent() -> None:
    async def at_75() -> None:
        tenant = Tenant(threshold=4 * ALLOWANCE, latency_scale=1.0)
        day = Day(tenant)
        for n in range(2000):
            day.incident(f"Busy {n % 100}", 0.0)
        for n in range(60):
            day.incident(f"Quiet {n}", 60.0 * n, Precedence.CRITICAL_CREATE)
        day.neighbour = lambda _: hold_at(tenant, 0.75)  # type: ignore[method-assign]
        await day.live(3660.0)

        critical = list(waits(day, Precedence.CRITICAL_CREATE, below=1.0, upto_s=3600.0))
        assert len(critical) == 60
        assert max(critical) < 60

    run_virtually(at_75())


async def hold_at(tenant: Tenant, share: float) -> None:
    while True:
        simulator = tenant.simulator
        own = simulator.threshold.own(tenant.clock.seconds())
        tenant.others(int(simulator.switches.threshold * share) - own)
        await asyncio.sleep(10.0)

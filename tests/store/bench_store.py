"""Figures of the store on this machine: `python -m tests.store.bench_store [directory]`."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from alertd.flows.ports import Step
from alertd.store.opening import open_store
from alertd.store.settings import StoreSettings
from alertd.store.store import Store
from tests.store.making import T0, FixedClock, condition_write, envelope, happening, incident_write

APPENDS = 120_000
PRODUCERS = 64
STEPS = 80
STEP = 256
BODY = b"x" * 1100


async def bench_appends(store: Store) -> int:
    numbers = iter(range(APPENDS))

    async def produce() -> None:
        for number in numbers:
            await store.append(envelope(f"r{number:012}", body=BODY))

    await asyncio.gather(*(produce() for _ in range(PRODUCERS)))
    return APPENDS


def step(number: int) -> Step:
    """Return a step of alerts that are all seen for the first time."""
    names = [f"{number:06}-{index:04}" for index in range(STEP)]
    first = number * STEP + 1
    return Step(
        decided=range(first, first + STEP),
        conditions=[condition_write(name) for name in names],
        incidents=[incident_write(name, fair_key=f"company {hash(name) % 300}") for name in names],
        history=[happening("opened", incident_key=name, receipt=name) for name in names],
        totals={"pending": STEP},
    )


def steps_bench() -> Callable[[Store], Awaitable[int]]:
    steps = [step(number) for number in range(STEPS)]

    async def bench_steps(store: Store) -> int:
        for one in steps:
            await store.commit(one)
        return STEPS * STEP

    return bench_steps


async def bench_loads(store: Store) -> int:
    for number in range(STEPS):
        names = [f"{number:06}-{index:04}" for index in range(STEP)]
        await store.load([condition_write(name).row.condition.key for name in names], names)
    return STEPS * STEP


async def bench_claims(store: Store) -> int:
    for number in range(40):
        found = await store.claim(
            T0 + timedelta(seconds=number), limit=8, owner="a", lease=timedelta(minutes=2)
        )
        assert len(found) == 8
    return 40


async def report(what: str, bench: Callable[[Store], Awaitable[int]], store: Store) -> None:
    cpu, began = time.process_time(), time.perf_counter()
    count = await bench(store)
    took, used = time.perf_counter() - began, time.process_time() - cpu
    print(f"{what:24} {count / took:10,.0f}/s  {used / count * 1e6:7.1f} us CPU each")


async def main(directory: str) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as place:
        settings = StoreSettings(url=f"sqlite:///{Path(place) / 'bench.db'}", min_free=0)
        began = time.perf_counter()
        async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
            print(f"opened new in {time.perf_counter() - began:.2f} s")
            await report("appends, 64 producers", bench_appends, store)
            await report("first-seen decisions", steps_bench(), store)
            await report("loads", bench_loads, store)
            await report(f"claims among {STEPS * STEP:,}", bench_claims, store)
        began = time.perf_counter()
        async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()):
            print(f"opened again in {time.perf_counter() - began:.2f} s")
        print(f"max RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "."))

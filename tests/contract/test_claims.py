"""Claims: one holder at a time, the most urgent first, companies in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from alertd.flows.errors import Conflict
from alertd.flows.ports import Claim, Step
from alertd.store.store import Store
from tests.contract.conftest import Opener
from tests.store.making import T0, FixedClock, incident_write

LEASE = timedelta(minutes=2)


async def claim(
    store: Store, at: timedelta = timedelta(), *, limit: int = 10, owner: str = "me"
) -> Sequence[Claim]:
    return await store.claim(T0 + at, limit=limit, owner=owner, lease=LEASE)


def keys(claims: Sequence[Claim]) -> list[str]:
    return [one.incident_key for one in claims]


async def put(store: Store, *writes: tuple[str, str, int]) -> None:
    """Store incidents one by one, so that they become unsettled in this order: (key, company, urgency)."""
    for key, company, urgency in writes:
        await store.commit(Step(incidents=[incident_write(key, fair_key=company, urgency=urgency)]))


async def test_a_claim_is_exclusive_until_its_lease_is_over(store: Store) -> None:
    await put(store, ("a", "x", 2))

    first = await claim(store)
    assert first == [Claim("a", 1, T0 + LEASE)]
    assert await claim(store, LEASE - timedelta(microseconds=1)) == []
    assert await claim(store, LEASE, owner="other") == [Claim("a", 2, T0 + LEASE + LEASE)]


async def test_what_is_not_urgent_enough_is_left(store: Store) -> None:
    await put(store, ("later", "x", 2), ("critical", "x", 0), ("done", "y", 1))

    claims = await store.claim(T0, limit=10, owner="me", lease=LEASE, least_urgent=0)

    assert keys(claims) == ["critical"]
    assert keys(await claim(store)) == ["done", "later"]


async def test_a_released_incident_can_be_claimed_at_once(store: Store) -> None:
    await put(store, ("a", "x", 2))
    [first] = await claim(store)

    await store.release(first)

    assert [one.fence for one in await claim(store)] == [2]


async def test_a_late_release_does_not_free_the_next_holder(store: Store) -> None:
    await put(store, ("a", "x", 2))
    [late] = await claim(store)
    [present] = await claim(store, LEASE)

    await store.release(late)

    assert await claim(store, LEASE) == []
    stored = await store.incident("a")
    assert stored is not None
    assert (stored.fence, stored.owner) == (present.fence, "me")


async def test_a_commit_keeps_the_lease_and_the_fence(store: Store) -> None:
    await put(store, ("a", "x", 2))
    await claim(store)

    await store.commit(Step(incidents=[incident_write("a", version=1)]))

    assert await claim(store, timedelta(seconds=1)) == []
    stored = await store.incident("a")
    assert stored is not None
    assert (stored.fence, stored.owner, stored.lease_until) == (1, "me", T0 + LEASE)


async def test_a_claim_changes_no_version(store: Store) -> None:
    await put(store, ("a", "x", 2))
    [held] = await claim(store)
    await store.release(held)

    assert (await store.load([], ["a"])).incidents["a"].version == 1


async def test_settled_incidents_and_those_of_later_are_not_claimed(store: Store) -> None:
    await store.commit(
        Step(
            incidents=[
                incident_write("settled", settle_at=None),
                incident_write("later", settle_at=T0 + timedelta(seconds=1)),
            ]
        )
    )

    assert await claim(store) == []
    assert keys(await claim(store, timedelta(seconds=1))) == ["later"]


async def test_the_most_urgent_come_first_and_companies_in_turn(store: Store, clock: FixedClock) -> None:
    for row in (
        ("x1", "x", 2),
        ("x2", "x", 2),
        ("x3", "x", 2),
        ("y1", "y", 2),
        ("y2", "y", 2),
        ("z1", "z", 3),
        ("y0", "y", 0),
    ):
        await put(store, row)
        clock.advance(seconds=1)

    assert keys(await claim(store)) == ["y0", "x1", "x2", "y1", "x3", "y2", "z1"]


async def test_a_storm_of_one_company_does_not_keep_others_waiting(store: Store, clock: FixedClock) -> None:
    await store.commit(Step(incidents=[incident_write(f"x{n:03}", fair_key="x") for n in range(300)]))
    clock.advance(seconds=5)
    await put(store, ("y", "y", 2), ("z", "z", 2))

    assert set(keys(await claim(store, timedelta(seconds=5), limit=3))) == {"x000", "y", "z"}


async def test_claims_at_once_never_overlap(store: Store) -> None:
    await store.commit(Step(incidents=[incident_write(f"i{n:02}") for n in range(40)]))

    taken = await asyncio.gather(*(claim(store, limit=7, owner=f"w{n}") for n in range(8)))

    every = [key for claims in taken for key in keys(claims)]
    assert len(every) == len(set(every)) == 40


async def test_next_settle_at_leaves_out_what_is_held(store: Store, clock: FixedClock) -> None:
    assert await store.next_settle_at() is None
    await store.commit(
        Step(incidents=[incident_write("a"), incident_write("b", settle_at=T0 + timedelta(minutes=1))])
    )
    assert await store.next_settle_at() == T0

    [held] = await claim(store)
    assert await store.next_settle_at() == T0 + timedelta(minutes=1)

    await store.release(held)
    assert await store.next_settle_at() == T0

    await claim(store)
    clock.advance(minutes=2)
    assert await store.next_settle_at() == T0, "its lease is over"


async def test_leases_of_an_earlier_process_are_freed_at_start(opener: Opener) -> None:
    async with opener() as store:
        await put(store, ("a", "x", 2))
        await claim(store)

    async with opener() as store:
        assert [one.fence for one in await claim(store, timedelta(seconds=1))] == [2]


async def test_wake_makes_all_but_closed_due(store: Store, clock: FixedClock) -> None:
    later = T0 + timedelta(hours=1)
    await store.commit(
        Step(
            incidents=[
                incident_write("open", state="open", settle_at=None),
                incident_write("parked", state="parked", settle_at=None),
                incident_write("later", state="open", settle_at=later),
                incident_write("closed", state="closed", settle_at=None),
            ]
        )
    )
    clock.advance(minutes=5)

    await store.wake(clock.now())

    assert sorted(keys(await claim(store, timedelta(minutes=5)))) == ["later", "open", "parked"]
    assert (await store.unsettled()).oldest_since == T0, "`later` has waited since then"


async def test_wake_is_not_undone_by_a_decision_in_the_making(store: Store) -> None:
    await store.commit(Step(incidents=[incident_write("a", state="open", settle_at=None)]))

    await store.wake(T0)

    with pytest.raises(Conflict):
        await store.commit(Step(incidents=[incident_write("a", version=1, settle_at=None)]))

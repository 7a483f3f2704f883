"""The journal: what was accepted stays, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alertd.flows.errors import Conflict
from alertd.flows.ports import Appended, Parking, Step
from alertd.store.store import Store
from tests.contract.conftest import Opener
from tests.store.making import T0, envelope


async def test_an_envelope_comes_back_as_it_was(store: Store) -> None:
    kept = envelope(
        "r1",
        body=b"\x00\xff not text",
        params={"client": "Größe & Co"},
        peer="192.0.2.7",
        delivery_id="d-1",
        messages=3,
        parked="2 items are no objects",
        parked_messages=2,
        received_at=T0 + timedelta(microseconds=123456),
    )
    appended = await store.append(kept)

    found = await store.entry("r1")

    assert found is not None
    assert (found.envelope, found.journal_id, found.decided) == (kept, appended.journal_id, False)


async def test_an_unknown_receipt_has_no_entry(store: Store) -> None:
    assert await store.entry("nobody") is None


async def test_an_equal_delivery_of_one_source_is_one_row(store: Store) -> None:
    first = await store.append(envelope("r1", delivery_id="d"))
    again = await store.append(envelope("r2", delivery_id="d", body=b"other"))

    assert again == Appended(first.journal_id, "r1", duplicate=True)
    assert await store.entry("r2") is None
    assert (await store.accounts()).accepted == 1


async def test_equal_deliveries_at_once_are_one_row(store: Store) -> None:
    answers = await asyncio.gather(
        *(store.append(envelope(f"r{number}", delivery_id="d")) for number in range(70))
    )

    assert sum(not answer.duplicate for answer in answers) == 1
    assert len({(answer.journal_id, answer.receipt) for answer in answers}) == 1


async def test_deliveries_of_other_sources_and_without_id_are_rows_of_their_own(store: Store) -> None:
    answers = [
        await store.append(envelope("r1", delivery_id="d")),
        await store.append(envelope("r2", delivery_id="d", source="zabbix")),
        await store.append(envelope("r3")),
        await store.append(envelope("r4")),
    ]

    assert [answer.duplicate for answer in answers] == [False] * 4
    assert len({answer.journal_id for answer in answers}) == 4


async def test_many_at_once_each_get_their_own_row(store: Store) -> None:
    answers = await asyncio.gather(*(store.append(envelope(f"r{number:04}")) for number in range(700)))

    assert [answer.receipt for answer in answers] == [f"r{number:04}" for number in range(700)]
    assert len({answer.journal_id for answer in answers}) == 700
    for answer in (answers[0], answers[350], answers[-1]):
        found = await store.entry(answer.receipt)
        assert found is not None
        assert found.journal_id == answer.journal_id


async def test_one_bad_row_does_not_take_others_with_it(store: Store) -> None:
    await store.append(envelope("same"))

    answers = await asyncio.gather(
        store.append(envelope("before")),
        store.append(envelope("same")),  # receipts are ours, so this is a bug and no repeat
        store.append(envelope("after")),
        return_exceptions=True,
    )

    assert [isinstance(answer, Appended) for answer in answers] == [True, False, True]
    assert (await store.accounts()).accepted == 3


async def test_undecided_are_in_order_of_arrival_and_can_be_paged(store: Store) -> None:
    ids = [(await store.append(envelope(f"r{number}"))).journal_id for number in range(5)]
    await store.commit(Step(decided=[ids[1]]))

    first = await store.undecided(after=0, limit=2)
    rest = await store.undecided(after=first[-1].journal_id, limit=9)

    assert [entry.envelope.receipt for entry in first] == ["r0", "r2"]
    assert [entry.envelope.receipt for entry in rest] == ["r3", "r4"]


async def test_wholly_parked_entries_are_undecided_too(store: Store) -> None:
    await store.append(envelope("r1", parked="not JSON", parked_messages=1))

    assert [entry.envelope.receipt for entry in await store.undecided(after=0, limit=9)] == ["r1"]


async def test_parked_entries_are_listed_newest_first_decided_or_not(store: Store) -> None:
    await store.append(envelope("fine"))
    ids = [
        (await store.append(envelope(receipt, parked="not JSON", parked_messages=1))).journal_id
        for receipt in ("p1", "p2")
    ]
    await store.commit(Step(decided=ids))

    assert [entry.envelope.receipt for entry in await store.parked_entries(limit=9)] == ["p2", "p1"]


async def test_the_list_of_parked_entries_reads_no_bodies(store: Store) -> None:
    await store.append(envelope("p", body=b"x" * 200_000, parked="syntax: line 1", parked_messages=1))

    [listed] = await store.parked_entries(limit=9)

    assert listed.envelope.body == b""
    assert (listed.envelope.parked, listed.envelope.parked_messages) == ("syntax: line 1", 1)


async def test_parked_entries_are_counted_by_reason(store: Store) -> None:
    for number, parked in enumerate(["syntax: line 1", "syntax: line 2", "shape", None, "ä: ö: ü", ": odd"]):
        await store.append(envelope(f"r{number}", parked=parked))

    assert await store.parked_by_reason() == {"syntax": 2, "shape": 1, "ä": 1, "": 1}


async def test_an_entry_that_is_parked_when_it_is_decided_says_so(store: Store) -> None:
    whole = await store.append(envelope("whole", messages=3))
    part = await store.append(envelope("part", messages=3, parked="shape: no labels", parked_messages=1))
    fine = await store.append(envelope("fine"))
    await store.commit(
        Step(
            decided=[whole.journal_id, part.journal_id, fine.journal_id],
            parked={
                whole.journal_id: Parking("gone: no such source", 3),
                part.journal_id: Parking("shape: no labels; gone: no such source", 2),
            },
        )
    )

    found = [await store.entry(receipt) for receipt in ("whole", "part", "fine")]

    assert [
        (each.envelope.parked, each.envelope.parked_messages, each.decided) for each in found if each
    ] == [
        ("gone: no such source", 3, True),
        ("shape: no labels; gone: no such source", 2, True),
        (None, 0, True),
    ]
    assert [each.envelope.receipt for each in await store.parked_entries(limit=9)] == ["part", "whole"]


async def test_a_step_that_conflicts_parks_nothing(store: Store) -> None:
    waiting = await store.append(envelope("r1"))

    with pytest.raises(Conflict):
        await store.commit(
            Step(decided=[waiting.journal_id, 99], parked={waiting.journal_id: Parking("gone: x", 1)})
        )

    assert await store.parked_entries(limit=9) == []


@pytest.mark.parametrize(
    ("mebibytes", "taken"),
    [
        pytest.param([1, 1, 1], 3, id="all fit"),
        pytest.param([9, 6, 2, 1], 2, id="as many as fit"),
        pytest.param([17, 1], 1, id="one at least"),
    ],
)
async def test_undecided_bodies_are_read_a_few_mebibytes_at_a_time(
    store: Store, mebibytes: list[int], taken: int
) -> None:
    for number, size in enumerate(mebibytes):
        await store.append(envelope(f"r{number}", body=b"x" * size * 1024**2))

    first = await store.undecided(after=0, limit=99)
    rest = await store.undecided(after=first[-1].journal_id, limit=99)

    assert [entry.envelope.receipt for entry in first] == [f"r{number}" for number in range(taken)]
    assert [entry.envelope.receipt for entry in (*first, *rest)] == [f"r{n}" for n in range(len(mebibytes))]


async def test_entries_since_are_for_replay(store: Store) -> None:
    for hours in range(4):
        await store.append(envelope(f"r{hours}", received_at=T0 + timedelta(hours=hours)))

    first = await store.entries_since(T0 + timedelta(hours=1), after=0, limit=2)
    rest = await store.entries_since(T0 + timedelta(hours=1), after=first[-1].journal_id, limit=2)

    assert [entry.envelope.receipt for entry in (*first, *rest)] == ["r1", "r2", "r3"]


async def test_rows_are_there_when_the_store_is_opened_again(opener: Opener) -> None:
    async with opener() as store:
        assert store.is_new
        await store.append(envelope("r1"))

    async with opener() as store:
        assert not store.is_new
        assert await store.entry("r1") is not None


async def test_ids_are_never_given_twice(opener: Opener) -> None:
    async with opener() as store:
        first = await store.append(envelope("r1"))
        await store.commit(Step(decided=[first.journal_id]))
        await store.purge(T0 + timedelta(days=31), keep_journal=timedelta(days=30))

    async with opener() as store:
        assert (await store.append(envelope("r2"))).journal_id > first.journal_id


@pytest.mark.parametrize("at", [T0 - timedelta(days=20_000), T0 + timedelta(days=200_000)])
async def test_any_instant_can_be_kept(store: Store, at: object) -> None:
    await store.append(envelope("r1", received_at=at))

    found = await store.entry("r1")
    assert found is not None
    assert found.envelope.received_at == at

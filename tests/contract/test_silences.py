"""Silences: kept over restarts, replaced by id, gone a while after they ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from alertd.core.matchers import parse_matchers
from alertd.core.silences import Silence
from alertd.store.store import Store
from tests.contract.conftest import Opener
from tests.store.making import T0

HOUR = timedelta(hours=1)


def silence(id_: str, *, ends_at: datetime = T0 + HOUR) -> Silence:
    return Silence(
        id=id_,
        matchers=parse_matchers('host=~"a|b",team!="x"'),
        starts_at=T0,
        ends_at=ends_at,
        created_by="noc",
        comment="patching",
        updated_at=T0,
        annotations={"change": "CH-1"},
    )


async def test_they_are_kept_over_a_restart(opener: Opener) -> None:
    async with opener() as store:
        await store.store_silences([silence("b"), silence("a")])
    async with opener() as store:
        assert await store.stored_silences() == [silence("a"), silence("b")]


async def test_one_takes_the_place_of_the_one_with_its_id(store: Store) -> None:
    await store.store_silences([silence("a"), silence("b")])
    longer = replace(silence("a"), ends_at=T0 + 2 * HOUR, comment="longer")
    await store.store_silences([longer])
    assert await store.stored_silences() == [longer, silence("b")]


async def test_they_go_five_days_after_they_ended(store: Store) -> None:
    await store.store_silences(
        [
            silence("old", ends_at=T0 - timedelta(hours=120, seconds=1)),
            silence("new", ends_at=T0 - 119 * HOUR),
        ]
    )
    purged = await store.purge(T0, keep_journal=timedelta(days=30))
    assert purged.silences == 1
    assert [each.id for each in await store.stored_silences()] == ["new"]

"""What vendors say: partial changes, counts that are kept once, and the newest of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from alertd.core.vendors import (
    Account,
    AccountChange,
    Count,
    Heard,
    Integration,
    ProfileChange,
    Service,
    ServiceChange,
)
from alertd.store.store import Store
from tests.contract.conftest import Opener
from tests.store.making import T0

HOUR = timedelta(hours=1)


def count(units: str = "17", *, receipt: str = "r1", **changes: object) -> Count:
    made = Count(
        source="backups", account_id="c-104", service_id="s1", count=units, received_at=T0, receipt=receipt
    )
    return replace(made, **changes)


async def test_a_source_that_has_said_nothing_has_the_defaults(store: Store) -> None:
    assert await store.vendors.integration("backups") == Integration()
    assert await store.vendors.accounts("backups") == []
    assert await store.vendors.usage() == []


async def test_what_is_not_said_stays_as_it_was(store: Store) -> None:
    await store.vendors.keep(
        "backups",
        [
            AccountChange(id="c-2", name="Two"),
            AccountChange(id="c-1", name="One", description="x", is_arrears=True),
            ServiceChange(id="s1", name="Server backup", category="backup"),
        ],
        T0,
    )
    await store.vendors.keep(
        "backups",
        [AccountChange(id="c-1", is_active=False), ServiceChange(id="s1", description="per server")],
        T0,
    )

    assert await store.vendors.accounts("backups") == [
        Account(id="c-1", name="One", description="x", is_arrears=True, is_active=False),
        Account(id="c-2", name="Two"),
    ]
    assert await store.vendors.accounts("backups", ["c-2", "c-9"]) == [Account(id="c-2", name="Two")]
    assert await store.vendors.services("backups") == [
        Service(id="s1", name="Server backup", category="backup", description="per server")
    ]
    assert await store.vendors.accounts("other") == []


async def test_the_first_that_is_heard_makes_it_active(store: Store) -> None:
    await store.vendors.keep("backups", [ProfileChange(status="pending", name="BackupCo")], T0)
    await store.vendors.keep("backups", [Heard()], T0 + HOUR)

    assert await store.vendors.integration("backups") == Integration(
        status="active", name="BackupCo", created_at=T0, updated_at=T0, heard_at=T0 + HOUR
    )


async def test_one_put_out_of_use_stays_so(store: Store) -> None:
    await store.vendors.keep("backups", [ProfileChange(status="disabled"), Heard()], T0)
    assert (await store.vendors.integration("backups")).status == "disabled"


async def test_counts_are_kept_as_sent_and_once(store: Store) -> None:
    await store.vendors.keep("backups", [count("17.0")], T0)
    await store.vendors.keep("backups", [count("17.0")], T0)
    await store.vendors.keep("backups", [count("18", receipt="r2", no_build=True)], T0)

    counts = await store.vendors.counts("backups", "c-104", "s1")
    assert [(each.count, each.receipt, each.no_build) for each in counts] == [
        ("17.0", "r1", False),
        ("18", "r2", True),
    ]
    assert await store.vendors.counted("r1") == [count("17.0")]


@pytest.mark.parametrize(("later", "newest"), [(T0 + HOUR, "18"), (T0, "18"), (T0 - HOUR, "17")])
async def test_the_level_is_what_came_last(store: Store, later: object, newest: str) -> None:
    await store.vendors.keep("backups", [count("17")], T0)
    await store.vendors.keep("backups", [count("18", receipt="r2", received_at=later)], T0)

    [usage] = await store.vendors.usage()
    assert usage.count.count == newest


async def test_usage_knows_the_names_as_far_as_they_were_said(store: Store) -> None:
    await store.vendors.keep(
        "backups", [AccountChange(id="c-104", name="Harbour"), count(), count(service_id="s2")], T0
    )
    await store.vendors.keep("other", [replace(count(receipt="r3"), source="other")], T0)

    usage = await store.vendors.usage("backups")
    assert [(each.account and each.account.name, each.service) for each in usage] == [("Harbour", None)] * 2
    assert len(await store.vendors.usage()) == 3


async def test_they_are_there_when_the_store_is_opened_again(opener: Opener) -> None:
    async with opener() as store:
        await store.vendors.keep("backups", [count(), Heard()], T0)
    async with opener() as store:
        assert [each.count for each in await store.vendors.usage()] == [count()]
        assert (await store.vendors.integration("backups")).status == "active"

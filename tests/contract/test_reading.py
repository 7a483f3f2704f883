"""Lists, look-ups, call log, memory and retention."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alertd.core.alerts import alert_key
from alertd.core.identity import reference
from alertd.core.incidents import Closed
from alertd.flows.ports import Canary, LiveTicket, Step
from alertd.store.happenings import Call
from alertd.store.store import Purged, Store
from tests.contract.conftest import Opener
from tests.store.making import (
    T0,
    FixedClock,
    condition_write,
    envelope,
    first_seen,
    happening,
    incident,
    incident_write,
    ticketed,
)


async def test_live_tickets_are_in_order_of_their_ids(store: Store) -> None:
    await store.commit(
        Step(
            incidents=[
                incident_write("b", watched_ticket_id=12),
                incident_write("a", watched_ticket_id=30),
                incident_write("c", watched_ticket_id=4),
                incident_write("d"),
            ]
        )
    )

    assert await store.live_tickets() == [LiveTicket("c", 4), LiveTicket("b", 12), LiveTicket("a", 30)]


async def test_several_incidents_may_watch_one_ticket(store: Store) -> None:
    rows = [incident_write(key, watched_ticket_id=number) for key, number in (("b", 12), ("a", 12), ("c", 4))]
    await store.commit(Step(incidents=rows))

    assert await store.watching(12) == ["a", "b"]
    assert await store.watching(5) == []


async def test_canaries_are_the_newest_tickets_that_certainly_stand(store: Store) -> None:
    gone = incident("gone", phase=Closed(T0, "gone", T0))
    created = [T0 + timedelta(minutes=minutes) for minutes in range(3)]
    await store.commit(
        Step(
            incidents=[
                incident_write("old", known=ticketed(1, created_at=created[0])),
                incident_write("new", known=ticketed(2, created_at=created[2])),
                incident_write("mid", known=ticketed(3, created_at=created[1])),
                incident_write("unverified", known=ticketed(4, verified=False)),
                incident_write("foreign", known=ticketed(5, foreign=True)),
                incident_write("gone", incident_=gone, known=ticketed(6)),
                incident_write("none"),
            ]
        )
    )

    assert await store.canaries(limit=2) == [Canary(2, created[2]), Canary(3, created[1])]
    assert [canary.ticket_id for canary in await store.canaries(limit=9)] == [2, 3, 1]


async def test_an_incident_is_found_by_everything_it_is_known_by(store: Store) -> None:
    await store.commit(
        Step(incidents=[incident_write("key", known=ticketed(77), state="open"), incident_write("other")])
    )

    found = [
        await store.incident("key"),
        await store.incident_by_ticket_id(77),
        await store.incident_by_ticket_number("T20261123.0077"),
        await store.incident_by_reference(reference("alertd", "key", 1)),
        *(await store.incidents_by_key(["key"])),
    ]

    assert [stored.incident.key if stored else None for stored in found] == ["key"] * 5
    assert await store.incident("nobody") is None
    assert await store.incident_by_ticket_number("T1") is None


async def test_incidents_are_found_in_the_order_of_the_keys(store: Store) -> None:
    await store.commit(Step(incidents=[incident_write(key) for key in "abc"]))

    found = await store.incidents_by_key(["c", "nobody", "a"])

    assert [stored.incident.key for stored in found] == ["c", "a"]


async def test_an_incident_is_listed_with_all_its_columns(store: Store, clock: FixedClock) -> None:
    closed_at = T0 + timedelta(minutes=3)
    over = incident("key", generation=2, phase=Closed(closed_at, "cleared", closed_at))
    clock.advance(minutes=9)
    await store.commit(
        Step(
            incidents=[
                incident_write(
                    "key",
                    incident_=over,
                    known=ticketed(77),
                    state="closed",
                    watched_ticket_id=77,
                    due_at=T0 + timedelta(days=1),
                    settle_at=None,
                    urgency=1,
                )
            ]
        )
    )

    [stored] = await store.incidents(limit=9)

    assert stored.reference == reference("alertd", "key", 2)
    assert (stored.ticket_id, stored.ticket_number, stored.watched_ticket_id) == (77, "T20261123.0077", 77)
    assert (stored.closed_at, stored.updated_at) == (closed_at, T0 + timedelta(minutes=9))
    assert (stored.due_at, stored.settle_at, stored.unsettled_since) == (T0 + timedelta(days=1), None, None)
    assert (stored.version, stored.urgency, stored.fair_key, stored.fence) == (1, 1, "Contoso", 0)
    assert (stored.incident, stored.known) == (over, ticketed(77))


async def test_incidents_are_listed_by_state_newest_first(store: Store) -> None:
    for minutes, state in enumerate(("open", "closed", "open", "parked")):
        made = incident(f"i{minutes}", opened_at=T0 + timedelta(minutes=minutes))
        await store.commit(Step(incidents=[incident_write(made.key, incident_=made, state=state)]))

    async def listed(states: list[str] | None, limit: int = 9) -> list[str]:
        return [stored.incident.key for stored in await store.incidents(states=states, limit=limit)]

    assert await listed(None) == ["i3", "i2", "i1", "i0"]
    assert await listed(["open", "parked"]) == ["i3", "i2", "i0"]
    assert await listed(["open"], 1) == ["i2"]
    assert await listed([]) == []
    assert await store.counts_by_state() == {"open": 2, "closed": 1, "parked": 1}


async def test_conditions_that_hold_are_listed(store: Store) -> None:
    await store.commit(
        Step(conditions=[condition_write("b"), condition_write("a"), condition_write("c", firing=False)])
    )

    firing = await store.firing_conditions(limit=9)

    assert [row.condition.fingerprint for row in firing] == ["a", "b"]
    assert await store.count_firing() == 2
    assert [row.condition.firing for row in await store.conditions_by_fingerprint("c")] == [False]


async def test_what_holds_comes_with_its_incidents(store: Store) -> None:
    conditions = [
        condition_write("a", incidents=("both", "mine")),
        condition_write("b", incidents=("both", "nobody knows")),
        condition_write("c", firing=False, incidents=("over",)),
    ]
    incidents = [incident_write(name) for name in ("both", "mine", "over")]
    await store.commit(Step(conditions=conditions, incidents=incidents))

    found = await store.firing()

    assert sorted(row.condition.fingerprint for row in found.conditions.values()) == ["a", "b"]
    assert sorted(found.incidents) == ["both", "mine"]


async def test_history_is_told_once_and_in_order(store: Store) -> None:
    await store.commit(
        Step(
            history=[
                happening("opened", incident_key="i", alert_key="a", receipt="r1", detail={"board": "noc"}),
                happening("joined", incident_key="i", alert_key="b", receipt="r2"),
                happening("opened", incident_key="other", alert_key="c"),
                happening("started"),
            ]
        )
    )

    async def told(**about: list[str]) -> list[str]:
        return [line.what for line in await store.history(**about, limit=9)]

    assert await told(incident_keys=["i"], receipts=["r1"]) == ["opened", "joined"]
    assert await told(alert_keys=["b"]) == ["joined"]
    assert await told(receipts=["r1", "r2"]) == ["opened", "joined"]
    assert await told() == []
    assert await told(incident_keys=[""]) == []
    [newest] = await store.history(incident_keys=["i"], limit=1)
    assert newest.what == "joined"
    [first] = await store.history(receipts=["r1"], limit=1)
    assert first == happening(
        "opened", incident_key="i", alert_key="a", receipt="r1", detail={"board": "noc"}
    )


# --- call log and memory ------------------------------------------------------------------------------


async def test_calls_are_kept_in_order_of_time(store: Store) -> None:
    at = [T0 + timedelta(minutes=minutes) for minutes in range(4)]
    await asyncio.gather(
        store.record(at[2], "Tickets", "i"),
        store.record(at[0], "Tickets"),
        store.record(at[3], "TicketNotes", "i"),
        store.record(at[1], "Companies"),
    )

    assert await store.recent(at[1]) == at[1:]
    assert await store.calls_of("i") == [Call(at[2], "Tickets", "i"), Call(at[3], "TicketNotes", "i")]
    assert await store.calls_of("") == []


async def test_memory_outlives_the_process(opener: Opener) -> None:
    async with opener() as store:
        assert await store.get("own_resource_id") is None
        await store.set("own_resource_id", "4")
        await store.set("own_resource_id", "5")
        await store.set("other", "")

    async with opener() as store:
        assert (await store.get("own_resource_id"), await store.get("other")) == ("5", "")


# --- accounting ---------------------------------------------------------------------------------------


async def test_every_message_is_accounted_for_at_all_times(store: Store) -> None:
    first = await store.append(envelope("a", messages=3))
    accounts = await store.accounts()
    assert (accounts.accepted, accounts.undecided, accounts.unaccounted) == (3, 3, 0)

    await store.commit(Step(decided=[first.journal_id], totals={"pending": 2, "parked": 1}))
    accounts = await store.accounts()
    assert (accounts.accepted, accounts.undecided, accounts.unaccounted) == (3, 0, 0)

    await store.commit(Step(totals={"pending": -2, "ticketed": 1, "merged": 1}))
    assert (await store.accounts()).unaccounted == 0


async def test_a_message_that_got_lost_is_seen(store: Store) -> None:
    appended = await store.append(envelope("a", messages=3))

    await store.commit(Step(decided=[appended.journal_id], totals={"pending": 2}))

    assert (await store.accounts()).unaccounted == 1


async def test_retention_changes_no_account(store: Store) -> None:
    for number in range(3):
        appended = await store.append(envelope(f"r{number}"))
        await store.commit(first_seen(f"r{number}", appended.journal_id))

    await store.purge(T0 + timedelta(days=31), keep_journal=timedelta(days=30))

    accounts = await store.accounts()
    assert (accounts.accepted, accounts.unaccounted) == (3, 0)


# --- retention ----------------------------------------------------------------------------------------


async def test_retention_deletes_what_is_decided_and_old(store: Store) -> None:
    ages = {"old": T0, "old undecided": T0, "young": T0 + timedelta(days=2)}
    ids = {
        receipt: (await store.append(envelope(receipt, received_at=at))).journal_id
        for receipt, at in ages.items()
    }
    await store.commit(
        Step(
            decided=[ids["old"], ids["young"]],
            incidents=[incident_write("i")],
            history=[
                happening("opened", incident_key="i"),
                happening("closed", incident_key="i", at=T0 + timedelta(days=2)),
            ],
        )
    )
    now = T0 + timedelta(days=31)
    await store.record(now - timedelta(hours=3), "Tickets")
    await store.record(now - timedelta(hours=1), "Tickets")

    purged = await store.purge(now, keep_journal=timedelta(days=30))

    assert purged == Purged(entries=1, happenings=1, calls=1, conditions=0, silences=0)
    kept = [receipt for receipt in ages if await store.entry(receipt) is not None]
    assert kept == ["old undecided", "young"]
    assert [line.what for line in await store.history(incident_keys=["i"], limit=9)] == ["closed"]
    assert await store.recent(T0) == [now - timedelta(hours=1)]
    assert await store.incident("i") is not None


@pytest.mark.parametrize("rows", [500, 1203])
async def test_retention_goes_on_until_all_is_done(store: Store, rows: int) -> None:
    await store.commit(Step(history=[happening("opened", incident_key="i") for _ in range(rows)]))

    purged = await store.purge(T0 + timedelta(days=31), keep_journal=timedelta(days=30))

    assert purged.happenings == rows
    assert await store.history(incident_keys=["i"], limit=9) == []


OLD = T0 - timedelta(days=31)


async def _put_conditions(store: Store) -> None:
    await store.commit(
        Step(
            incidents=[
                incident_write("over", state="closed"),
                incident_write("over too", state="closed"),
                incident_write("open", state="open"),
            ],
            conditions=[
                condition_write("closed", firing=False, seen_at=OLD, incidents=("over", "over too")),
                condition_write("alone", firing=False, seen_at=OLD, incidents=()),
                condition_write("forgotten", firing=False, seen_at=OLD, incidents=("nobody knows",)),
                condition_write("firing", seen_at=OLD, incidents=("over",)),
                condition_write("young", firing=False, seen_at=T0, incidents=("over",)),
                condition_write("half", firing=False, seen_at=OLD, incidents=("over", "open")),
            ],
        )
    )


async def test_retention_deletes_conditions_that_are_over_and_out_of_use(store: Store) -> None:
    await _put_conditions(store)

    purged = await store.purge(T0, keep_journal=timedelta(days=30))

    names = ["closed", "alone", "forgotten", "firing", "young", "half"]
    kept = [name for name in names if await store.conditions_by_fingerprint(name)]
    assert (kept, purged.conditions) == (["firing", "young", "half"], 3)


async def test_a_condition_that_is_heard_of_again_is_kept(store: Store) -> None:
    await _put_conditions(store)
    await store.commit(
        Step(conditions=[condition_write("closed", version=1, firing=False, seen_at=T0, incidents=("over",))])
    )

    await store.purge(T0, keep_journal=timedelta(days=30))

    assert await store.conditions_by_fingerprint("closed")


@pytest.mark.parametrize("stuck", [0, 700])
async def test_conditions_that_must_stay_do_not_keep_others_from_going(store: Store, stuck: int) -> None:
    names = [f"{number:04}" for number in range(1203)]
    await store.commit(
        Step(
            incidents=[incident_write("open", state="open")],
            conditions=[
                condition_write(
                    name, firing=False, seen_at=OLD, incidents=("open",) if int(name) < stuck else ()
                )
                for name in names
            ],
        )
    )

    purged = await store.purge(T0, keep_journal=timedelta(days=30))

    assert purged.conditions == 1203 - stuck
    left = (await store.load([alert_key("prometheus", name) for name in names], ())).conditions
    assert len(left) == stuck


async def test_the_clear_of_another_source_is_another_condition(store: Store) -> None:
    other = condition_write("a", source="zabbix", key=alert_key("zabbix", "a"))
    await store.commit(Step(conditions=[condition_write("a"), other]))

    assert [row.condition.source for row in await store.conditions_by_fingerprint("a")] == [
        "prometheus",
        "zabbix",
    ]

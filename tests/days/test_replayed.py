"""What `alertd replay` and `[[tests]]` foretell is what the daemon does, by the simulator's books."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from alertd.app.replaying import Span, replay_report
from alertd.config.loading import load_untested
from alertd.config.routing import run_tests
from alertd.flows.ports import Entry, Envelope
from tests.days.conftest import SENDER, START, Day

pytestmark = pytest.mark.looptime(noop_cycles=0)

MakeDay = Callable[..., Day]
HOURS = 2.25
COMPLETE = 5
BOARDS = {"noc": "NOC", "field": "Network"}
PRIORITIES = {"Critical": 4, "High": 1, "Medium": 2, "Low": 3}
CUSTOMER = "Acme Dental Group"
OTHER = "Acme Dental (Whitby)"
RULES = """
[[route.routes]]
name = "patient"
matchers = ['host=~"slow-.*"']
wait_for = "10m"

[[route.routes]]
name = "vip"
matchers = ['host=~"vip-.*"']
priority = { warning = "High" }
board = "field"

[[route.routes]]
name = "by day"
matchers = ['host=~"day-.*"']
active_time_intervals = ["office"]

[[boards]]
name = "field"
queue = "Network"
tags = ["alertd"]

[[time_intervals]]
name = "office"
time_intervals = [{ times = [{ start_time = "04:20", end_time = "17:00" }] }]

[[windows]]
name = "patch night"
matchers = ['host=~"in-.*"']
cron = "5 3 * * *"
duration = "30m"

[digest]
board = "noc"
at = "05:00"
"""
# minutes after START, host, customer, whether it is over
EVENTS: Sequence[tuple[float, str, str, bool]] = [
    (1, "vip-1", OTHER, False),
    (6, "in-1", OTHER, False),
    (7, "in-2", OTHER, False),
    (8, "slow-1", OTHER, False),
    (9, "day-1", OTHER, False),
    (10, "in-2", OTHER, True),
    (12, "slow-1", OTHER, True),
    *[(14 + number / 20, f"host-{number}", CUSTOMER, False) for number in range(8)],
    *[(20 + number / 20, f"host-{number}", CUSTOMER, True) for number in range(6)],
    (30, "vip-1", OTHER, True),
    (90, "host-7", CUSTOMER, True),
]


def body(host: str, client: str, *, cleared: bool, at: datetime) -> bytes:
    status = "resolved" if cleared else "firing"
    fired_at = START + timedelta(minutes=min(minutes for minutes, name, *_ in EVENTS if name == host))
    labels = {"alertname": "DiskFull", "host": host, "client": client, "severity": "warning"}
    annotations = {"summary": f"{host}: disk full"}
    one = {"status": status, "labels": labels, "annotations": annotations, "startsAt": fired_at.isoformat()}
    if cleared:
        one["endsAt"] = at.isoformat()
    alert = {"version": "4", "groupKey": "g", "status": status, "receiver": "r", "alerts": [one]}
    return json.dumps(alert).encode()


async def post(day: Day, number: int, sent: bytes) -> None:
    """Accept a body as intake does."""
    envelope = Envelope(
        receipt=f"r{number}",
        source=SENDER,
        kind="alertmanager",
        received_at=day.clock.now(),
        body=sent,
        messages=1,
    )
    alerts = day.parts._read(envelope)
    assert len(alerts) == 1
    appended = await day.parts.store.append(envelope)
    day.parts.decider.accept(Entry(appended.journal_id, envelope), alerts)


async def live(day: Day, hours: float) -> None:
    """Run the day with its events; where they are read is the journal, as in the daemon."""
    day.parts.decider._read = day.parts._read

    async def sender() -> None:
        for number, (minutes, host, client, cleared) in enumerate(EVENTS):
            await asyncio.sleep(minutes * 60 - asyncio.get_running_loop().time())
            await post(day, number, body(host, client, cleared=cleared, at=day.clock.now()))

    await day.run(sender(), hours=hours)


def replayed(day: Day, hours: float) -> dict[str, Any]:
    """Return the report; it has a loop of its own."""
    settings = load_untested(day.folder / "alertd.toml", {})
    span = Span(START, START + timedelta(hours=hours))
    with ThreadPoolExecutor(1) as thread:
        report: dict[str, Any] = thread.submit(replay_report, settings, None, span).result()
    return report


def made_there(day: Day) -> list[tuple[str, str, int, bool]]:
    """What stands in Autotask: kind and name, board, priority, whether it is complete."""
    boards = {queue["id"]: name for queue in day.queues for name in BOARDS if queue["label"] == BOARDS[name]}
    return sorted(
        (named(each["title"]), boards[each["queueID"]], each["priority"], each["status"] == COMPLETE)
        for each in day.tickets
    )


def made_here(report: Mapping[str, Any]) -> list[tuple[str, str, int, bool]]:
    return sorted(
        (named(each["title"]), each["board"], PRIORITIES[each["priority"]], bool(each["completed_at"]))
        for each in report["present"]["made"]
    )


def named(title: str) -> str:
    """A host, or the first word of the title of what is about many."""
    return title.split(maxsplit=1)[0].rstrip(":")


def rehearsal(calls: int, tickets: int) -> str:
    """The same events as one of [[tests]]; then two of what holds back."""
    alerts, before = [], 0.0
    for minutes, host, client, cleared in EVENTS:
        labels = f'alertname = "DiskFull", host = "{host}", client = "{client}", source = "{SENDER}"'
        after = f"{round((minutes - before) * 60)}s"
        alerts.append(f'{{ labels = {{ {labels} }}, after = "{after}", cleared = {str(cleared).lower()} }}')
        before = minutes
    return f"""
[[tests]]
name = "the day"
at = {START.isoformat()}
alerts = [{", ".join(alerts)}]
wait = "{round(HOURS * 60 - before)}m"
expect = {{ tickets = {tickets}, calls = {calls}, state = "closed" }}

[[tests]]
name = "in the window"
at = 2026-11-23T03:06:00Z
alert = {{ host = "in-1" }}
expect = {{ state = "held", window = "patch night" }}

[[tests]]
name = "before the day"
at = 2026-11-23T03:06:00Z
alert = {{ host = "day-1" }}
expect = {{ state = "held", window = "office" }}
"""


async def test_a_window_a_storm_and_a_digest_are_foretold(make_day: MakeDay) -> None:
    day = make_day(threshold=3, more=RULES)
    await live(day, hours=HOURS)
    report = replayed(day, hours=HOURS)

    present = report["present"]
    assert made_here(report) == made_there(day)
    assert {"storm", "summary"} < {each["kind"] for each in present["made"]}
    there = Counter((each["endpoint"], each["action"]) for each in day.calls)
    here = present["calls_by_name"]
    assert here["create"] == present["tickets"] == len(day.tickets) == there["Tickets", "create"]
    assert here["note"] == there["TicketNotes", "create"]
    assert here["tag"] == there["TicketTagAssociations", "create"]
    assert here["complete"] == there["Tickets", "update"]

    file = day.folder / "alertd.toml"
    file.write_text(file.read_text() + rehearsal(present["calls"], len(day.tickets)))
    assert [str(each) for result in run_tests(load_untested(file, {})) for each in result.mismatches] == []

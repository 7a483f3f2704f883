"""Running it: start, stop, reload, a second owner, faults of Autotask, the watchdog, secrets in no output."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from alertd.app.clock import SystemClock
from alertd.flows.ports import Envelope
from alertd.simulator import API_SECRET, Simulator, read_scenario, serving
from alertd.simulator.truth import state
from alertd.store.opening import open_store
from alertd.store.settings import StoreSettings
from tests.system.site import CANARY, Gone, Site, a_site, accounted, alert

pytestmark = pytest.mark.system


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def test_sigterm_loses_nothing_and_ends_well(site: Site) -> None:
    await site.start()
    site.fault(kind="latency", seconds=0.3)
    posting = [asyncio.ensure_future(site.post(alert(f"h{n}"))) for n in range(50)]
    await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)
    code = await site.stop()
    accepted = sum(not task.exception() for task in (await asyncio.wait(posting))[0])
    site.heal()
    await site.start()
    await site.settled()

    assert code == 0
    assert len(site.tickets) >= accepted > 0
    assert len({ticket["externalID"] for ticket in site.tickets}) == len(site.tickets)
    assert accounted(site.walk(), site.tickets)


async def test_killed_under_load_everything_answered_has_its_ticket(site: Site) -> None:
    await site.start()
    answered: list[int] = []

    async def sender(lane: int) -> None:
        for n in range(lane, 400, 8):
            await site.post(alert(f"h{n}"))
            answered.append(n)

    lanes = [asyncio.ensure_future(sender(lane)) for lane in range(8)]
    await site.until(lambda: len(answered) > 60)
    await site.kill()
    await asyncio.gather(*lanes, return_exceptions=True)
    await site.start()
    await site.settled(seconds=60)

    hosts = {ticket["title"].rpartition(" ")[2] for ticket in site.tickets}
    assert {f"h{n}" for n in answered} <= hosts
    assert len(hosts) == len(site.tickets)
    assert accounted(site.walk(), site.tickets)


async def test_a_second_alertd_on_the_store_is_told_who_has_it(site: Site) -> None:
    await site.start()
    assert site.process is not None
    code, told = await site.run("run")

    assert code == 75
    assert str(site.process.pid) in told
    assert "Traceback" not in told


async def test_a_secret_that_others_can_read_is_warned_of(site: Site) -> None:
    (site.folder / "admin").chmod(0o640)
    await site.start()
    output = site.read_output()

    assert output.count("app.secret_warning") == 1
    assert f"admin.token: {site.folder}/admin can be read by others; run: chmod 600" in output


async def test_a_reload_takes_effect_without_losing_a_timer(site: Site) -> None:
    site.configure(hold="1s")
    await site.start()
    await site.post(alert("one"))
    await site.until(lambda: len(site.tickets) == 1)
    site.configure(hold="1s", more=NEW_ROUTE)
    status, _ = await site.ask("/-/reload", method="POST")
    await site.post(alert("two"))
    await site.until(lambda: len(site.tickets) == 2)
    await site.post(alert("one", firing=False))
    await site.until(lambda: site.tickets[0]["status"] == 5)

    queues = {each["id"]: each["label"] for each in site.simulator_queues()}
    assert status == 200
    assert [queues[ticket["queueID"]] for ticket in site.tickets] == ["NOC", "Network"]


NEW_ROUTE = """
[[boards]]
name = "network"
queue = "Network"

[[route.routes]]
name = "two"
matchers = ['host="two"']
board = "network"
"""


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param("[nonsense]\nx = 1\n", "nonsense", id="unknown table"),
        pytest.param(
            '[[boards]]\nname = "x"\nqueue = "No such queue"\n', "No such queue", id="unknown queue"
        ),
        pytest.param('[[boards]]\nname = "x"\nqueue = "Old Helpdesk"\n', "Old Helpdesk", id="inactive queue"),
    ],
)
async def test_a_bad_reload_changes_nothing_and_says_why(site: Site, more: str, says: str) -> None:
    await site.start()
    site.configure(more=more)
    status, told = await site.ask("/-/reload", method="POST")
    _, metrics = await site.ask("/metrics")
    await site.post(alert())
    await site.until(lambda: len(site.tickets) == 1)

    assert status == 500
    assert says in told
    assert "alertd_config_last_reload_successful 0.0" in metrics


async def test_sighup_reloads_and_warns_of_what_nothing_reaches(site: Site) -> None:
    await site.start()
    assert "app.route_warning" not in site.read_output()
    site.configure(more=f"{NEW_ROUTE}[[route.routes]]\nname = 'lost'\nmatchers = ['host=two', 'x=1']\n")
    assert site.process is not None
    site.process.send_signal(signal.SIGHUP)
    await site.until(lambda: "app.route_warning" in site.read_output())
    assert "app.reloaded" in site.read_output()
    assert "route lost can never take an alert: two before it takes all of that" in site.read_output()
    await site.post(alert("two"))
    await site.until(lambda: len(site.tickets) == 1)

    queues = {each["id"]: each["label"] for each in site.simulator_queues()}
    assert queues[site.tickets[0]["queueID"]] == "Network"


async def test_autotask_down_at_start_stops_neither_start_nor_intake(site: Site) -> None:
    site.fault(kind="down")
    await site.start()
    await site.post(alert())
    waiting = await site.ask("/api/v1/status")
    site.heal()
    await site.until(lambda: len(site.tickets) == 1, seconds=40)

    assert waiting[0] == 200


async def test_a_wrong_secret_is_tried_once_and_alerts_are_kept(site: Site) -> None:
    site.secret("autotask-secret", "wrong")
    await site.start()
    for n in range(20):
        await site.post(alert(f"h{n}"))
    await site.until(lambda: site.calls["statuses"].get("401", 0) >= 1)
    await asyncio.sleep(0.15)
    failed = site.calls["statuses"]["401"]
    site.secret("autotask-secret", API_SECRET)
    status, _ = await site.ask("/-/reload", method="POST")
    await site.until(lambda: len(site.tickets) == 20, seconds=40)

    assert status == 200
    assert failed == 1
    assert site.calls["statuses"]["401"] <= 2


async def test_a_store_of_another_tenant_is_refused(site: Site) -> None:
    await site.start()
    await site.post(alert())
    await site.settled()
    await site.stop()
    other = Simulator(read_scenario({"switches": {"customer_number": 99999}}))
    async with serving(other) as site.zone_url:
        site.configure()
        await site.start()
        code = await site.ended()

    assert code == 78
    assert not state(other, other.clock())["tickets"]
    assert "99999" in site.read_output()


async def test_a_moved_zone_is_found_again(site: Site) -> None:
    await site.start()
    await site.post(alert("one"))
    await site.settled()
    site.fault(kind="moved_zone", zone_path="/zone2/ATServicesRest/")
    await site.post(alert("two"))
    await site.until(lambda: len(site.tickets) == 2)


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        pytest.param({"hold": "soon"}, 2, "hold", id="a bad value"),
        pytest.param({"close": "perhaps"}, 2, "close", id="an unknown word"),
    ],
)
async def test_a_bad_configuration_ends_with_one_line_and_its_code(
    site: Site, change: dict[str, str], code: int, says: str
) -> None:
    site.configure(**change)
    with pytest.raises(Gone) as gone:
        await site.start()

    assert gone.value.code == code
    assert says in site.read_output()
    assert "Traceback" not in site.read_output()


async def test_a_missing_secret_names_its_place_and_not_its_value(site: Site) -> None:
    (site.folder / "autotask-code").unlink()
    with pytest.raises(Gone) as gone:
        await site.start()

    assert gone.value.code == 78
    assert "autotask-code" in site.read_output()


async def test_no_secret_is_in_any_output(site: Site) -> None:
    await site.start()
    await site.post(alert())
    await site.send("/v1/alerts/alertmanager", "no hook", token="alertmanager")
    await site.settled()
    shown = [await site.ask(path) for path in ("/metrics", "/api/v1/status", "/api/v1/parked")]
    printed = [await site.run(*each) for each in (("config", "show"), ("status",), ("incidents", "list"))]
    await site.stop()

    everything = site.read_output() + repr(shown) + repr(printed) + repr(site.tickets)
    assert CANARY not in everything
    assert API_SECRET not in everything
    assert CANARY.encode() not in (site.folder / "alertd.db").read_bytes()
    assert [code for code, _ in printed] == [0, 0, 0]


async def test_the_watchdog_hears_from_us(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "watchdog"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(path))
        notified.setblocking(False)
        site.process = await site._spawn({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"})
        heard = b""
        async with asyncio.timeout(20):
            while b"WATCHDOG=1" not in heard:
                heard += await asyncio.get_running_loop().sock_recv(notified, 4096) + b"\n"
        site.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            while b"STOPPING=1" not in heard:
                heard += await asyncio.get_running_loop().sock_recv(notified, 4096) + b"\n"

    assert heard.index(b"READY=1") < heard.index(b"WATCHDOG=1")


async def test_explain_tells_the_whole_road(site: Site) -> None:
    await site.start()
    receipt = (await site.post(alert()))["receipt"]
    await site.until(lambda: bool(site.tickets))
    await site.settled()
    code, by_receipt = await site.run("explain", receipt)
    _, by_ticket = await site.run("explain", site.tickets[0]["ticketNumber"])
    await site.stop()
    offline, told = await site.run("explain", receipt)

    assert (code, offline) == (0, 0)
    for text in (by_receipt, by_ticket, told):
        assert site.tickets[0]["ticketNumber"] in text
        assert "create done" in text


async def metrics_of(site: Site) -> dict[str, float]:
    """Return every sample by name and labels, as they stand in /metrics."""
    _, text = await site.ask("/metrics")
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


async def test_what_the_tenant_lacks_is_told_at_start_and_stops_nothing(site: Site) -> None:
    site.configure(more='[[boards]]\nname = "x"\nqueue = "No such queue"\n')
    await site.start()
    await site.post(alert())
    await site.until(lambda: len(site.tickets) == 1)
    ready = await site.ask("/readyz")
    _, status = await site.ask("/api/v1/status")

    assert (await metrics_of(site))["alertd_configuration_problems"] == 1
    assert (ready[0], ready[1].splitlines()[0]) == (200, "OK")
    assert "No such queue" in ready[1]
    assert "No such queue" in status


async def test_tickets_are_counted_though_an_answer_is_lost(site: Site) -> None:
    site.fault(kind="drop", when="after", endpoint="Tickets", method="POST", action="create", count=1)
    await site.start()
    await site.post(alert())
    await site.until(lambda: bool(site.tickets))
    await site.settled()
    await site.post(alert(firing=False))
    await site.over()
    await site.settled()

    figures = await metrics_of(site)
    assert figures['alertd_tickets_created_total{board="noc"}'] == len(site.tickets) == 1
    assert figures['alertd_tickets_completed_total{board="noc"}'] == 1
    assert figures["alertd_duplicate_tickets_found_total"] == 0
    assert figures['alertmanager_notifications_failed_total{integration="autotask",reason="other"}'] == 1
    assert figures['alertmanager_notifications_total{integration="autotask"}'] > 1
    assert figures["alertmanager_config_hash"] > 0


async def test_what_was_accepted_from_a_source_that_is_gone_is_shown_as_parked(site: Site) -> None:
    await site.start(ALERTD_CRASH_AT="decide.before_commit")
    receipt = ""
    with contextlib.suppress(aiohttp.ClientError):
        receipt = (await site.post(alert("one"), alert("two")))["receipt"]
    await site.ended()
    config = site.folder / "alertd.toml"
    config.write_text(config.read_text().replace('name = "alertmanager"', 'name = "renamed"'))
    await site.start()

    [parked] = json.loads((await site.ask("/api/v1/parked"))[1])
    _, told = await site.run("explain", parked["id"])
    assert parked["id"] == receipt or not receipt
    assert parked["reason"].startswith("gone:")
    assert "2 of them" in told
    assert (await metrics_of(site))['alertd_parked{reason="gone"}'] == 1
    assert accounted(site.walk(), site.tickets)
    assert site.walk()["parked"] == 2


async def test_all_that_was_accepted_is_decided_at_start_however_large(site: Site) -> None:
    """More than is read from the journal at once; a body is its alert and blanks."""
    settings = StoreSettings(url=f"sqlite:///{site.folder}/alertd.db", min_free=0)
    async with open_store(settings, clock=SystemClock(), registry=CollectorRegistry()) as store:
        for number in range(9):
            body = json.dumps({"version": "4", "status": "firing", "alerts": [alert(f"h{number}")]}).encode()
            await store.append(
                Envelope(
                    receipt=f"r{number}",
                    source="alertmanager",
                    kind="alertmanager",
                    received_at=SystemClock().now(),
                    body=body.ljust(4 * 1024**2),
                    content_type="application/json",
                )
            )
    await site.start()
    await site.settled()

    assert site.walk()["undecided"] == 0
    assert len(site.tickets) == 9
    assert accounted(site.walk(), site.tickets)


METRICS = [
    *("alertd_alerts_received_total", "alertd_alerts", "alertd_incidents", "alertd_unsettled_incidents"),
    *("alertd_oldest_unsettled_seconds", "alertd_tickets_created_total", "alertd_tickets_completed_total"),
    *("alertd_duplicate_tickets_found_total", "alertd_autotask_requests_total"),
    *("alertd_autotask_request_duration_seconds", "alertd_autotask_budget_remaining"),
    *(
        "alertd_autotask_tenant_usage_ratio",
        "alertd_pressure_level",
        "alertd_outcome_unknown",
        "alertd_parked",
    ),
    *("alertd_journal_commit_duration_seconds", "alertd_intake_requests_total", "alertd_unaccounted_alerts"),
    *("alertd_config_last_reload_successful", "alertd_build_info", "alertmanager_build_info"),
]


async def test_every_promised_metric_is_there_from_the_start(site: Site) -> None:
    await site.start()
    _, text = await site.ask("/metrics")
    names = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE ")}

    assert {name for name in METRICS if name not in names} == set()
    assert "alertd_unaccounted_alerts 0.0" in text

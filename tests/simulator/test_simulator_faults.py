"""Every fault over a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME, Simulator, serving
from tests.simulator.conftest import Wire

HEADERS = {"UserName": API_USERNAME, "Secret": API_SECRET, "ApiIntegrationCode": API_INTEGRATION_CODE}
POST_TICKETS = {"endpoint": "Tickets", "method": "POST"}
ONE = {"op": "eq", "field": "externalID", "value": "k"}


async def stored(wire: Wire) -> int:
    return int((await wire.control("state?only=tickets"))["ticketCount"])


@pytest.mark.parametrize(
    ("fault", "status", "start"),
    [
        ({"status": 500, "body": "boom"}, 500, "boom"),
        ({"status": 500}, 500, '{"errors":["An unexpected error has occurred.'),
        ({"status": 502}, 502, "<!DOCTYPE html>"),
        ({"status": 503}, 503, "<!DOCTYPE html>"),
        ({"status": 404}, 404, "<!DOCTYPE html>"),
        ({"status": 401}, 401, ""),
        ({"status": 405}, 405, '{"Message":"The requested resource does not support'),
        ({"status": 429}, 429, '{"errors":["The request threshold of 10000'),
    ],
)
async def test_refuse(wire: Wire, fault: Any, status: int, start: str) -> None:
    await wire.control("faults", {"kind": "refuse"} | fault)
    async with wire.session.post(f"{wire.url}/V1.0/Tickets", json={}, headers=HEADERS) as answer:
        body = await answer.text()
    assert (answer.status, body[: len(start)], await stored(wire)) == (status, start, 0)


async def test_retry_after_and_location_headers(wire: Wire) -> None:
    headers = {"Location": "http://198.51.100.7/"}
    await wire.control("faults", {"kind": "refuse", "status": 302, "retry_after": 3, "headers": headers})
    async with wire.session.get(f"{wire.url}/V1.0/Tickets/1", allow_redirects=False) as answer:
        found = (answer.status, answer.headers["Retry-After"], answer.headers["Location"])
    assert found == (302, "3", "http://198.51.100.7/")


@pytest.mark.parametrize(
    ("fault", "applied"),
    [
        pytest.param({"kind": "drop", "when": "before"}, 0, id="drop before commit"),
        pytest.param({"kind": "drop", "when": "after"}, 1, id="drop after commit"),
        pytest.param({"kind": "truncate", "abort": True}, 1, id="cut off in the middle"),
        pytest.param({"kind": "down"}, 0, id="down"),
    ],
)
async def test_lost_reply(wire: Wire, fault: Any, applied: int) -> None:
    await wire.control("faults", fault | {"count": 1})
    with pytest.raises(aiohttp.ClientError):
        await wire.ticket(externalID="k")
    calls = await wire.control("calls")
    assert (await stored(wire), calls["unanswered"], calls["calls"][0]["faults"]) == (
        applied,
        1,
        [fault["kind"]],
    )


@pytest.mark.parametrize(("when", "applied"), [("before", 0), ("after", 1)])
async def test_hang(wire: Wire, when: str, applied: int) -> None:
    await wire.control("faults", {"kind": "hang", "when": when, "count": 1})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await wire.ticket()
    assert (await stored(wire), (await wire.ticket())[0]) == (applied, 200)


@pytest.mark.parametrize("fault", [{"kind": "latency", "seconds": 30}, {"kind": "hang"}])
async def test_closing_does_not_wait_for_what_hangs(sim: Simulator, fault: Any) -> None:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        async with serving(sim) as url:
            wire = Wire(session, url)
            await wire.control("faults", fault)
            hanging = group.create_task(_lost(wire))
            while not (await wire.control("calls"))["total"]:
                pass
            began = loop.time()
        took = loop.time() - began
        await hanging
    assert took < 1.0


async def _lost(wire: Wire) -> None:
    with pytest.raises(aiohttp.ClientError):
        await wire.ticket()


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ({"kind": "truncate"}, '{"itemId'),
        ({"kind": "truncate", "keep": 0}, ""),
        (
            {"kind": "garbage", "body": "<html>proxy</html>", "content_type": "text/html"},
            "<html>proxy</html>",
        ),
        ({"kind": "garbage", "body": '{"itemId":"no"}'}, '{"itemId":"no"}'),
    ],
)
async def test_broken_body_after_commit(wire: Wire, fault: Any, check: str) -> None:
    await wire.control("faults", fault)
    async with wire.session.post(
        f"{wire.url}/V1.0/Tickets",
        json={"companyID": 0, "title": "x", "status": 1, "priority": 1, "queueID": 8},
        headers=HEADERS,
    ) as answer:
        found = (answer.status, await answer.text())
    assert (found, await stored(wire)) == ((200, check), 1)


async def test_slow_body_and_latency(wire: Wire) -> None:
    loop = asyncio.get_running_loop()
    await wire.control("faults", [{"kind": "latency", "seconds": 0.1}, {"kind": "slow_body", "seconds": 0.1}])
    began = loop.time()
    status, body = await wire.ticket()
    assert (status, body, loop.time() - began >= 0.19) == (200, {"itemId": 10001}, True)


async def test_delayed_commit(wire: Wire, clock: Any) -> None:
    await wire.control("faults", {"kind": "delayed_commit", "seconds": 40, **POST_TICKETS, "count": 1})
    with pytest.raises(aiohttp.ClientError):
        await wire.ticket(externalID="k")
    at_first = (await wire.api("POST", "Tickets/query", {"filter": [ONE]}))[1]["items"]
    clock.now += 40
    later = (await wire.api("POST", "Tickets/query", {"filter": [ONE]}))[1]["items"]
    assert (at_first, [row["createDate"] for row in later]) == ([], ["2026-03-05T12:00:40.000Z"])


async def test_search_lag(wire: Wire, clock: Any) -> None:
    await wire.control("faults", {"kind": "search_lag", "seconds": 30, "endpoint": "Tickets"})
    made = (await wire.ticket(externalID="k"))[1]["itemId"]
    counts = []
    for step in (0, 29, 1):
        clock.now += step
        counts.append((await wire.api("POST", "Tickets/query/count", {"filter": [ONE]}))[1]["queryCount"])
    assert (counts, (await wire.api("GET", f"Tickets/{made}"))[1]["item"]["id"]) == ([0, 0, 1], made)


async def test_a_fourth_request_in_flight_is_refused(wire: Wire) -> None:
    await wire.control("faults", {"kind": "latency", "seconds": 0.2})
    query = {"filter": [ONE]}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(wire.api("POST", "Tickets/query", query)) for _ in range(4)]
        notes = [group.create_task(wire.api("POST", "TicketNotes/query", query)) for _ in range(3)]
    refused = next(body for status, body in (task.result() for task in tasks) if status == 429)
    assert refused["errors"][0].startswith(
        "Thread Threshold Exceeded – The Autotask API thread threshold of 3"
    )
    assert sorted(task.result()[0] for task in tasks) == [200, 200, 200, 429]
    assert {task.result()[0] for task in notes} == {500}
    assert (await wire.control("calls"))["highWater"] == {"Tickets": 4, "TicketNotes": 3}


async def test_a_slot_may_linger(wire: Wire, sim: Simulator, clock: Any) -> None:
    sim.switches.slot_release_s = 0.1
    statuses = [(await wire.api("GET", "Tickets/1"))[0] for _ in range(4)]
    clock.now += 0.1
    assert [*statuses, (await wire.api("GET", "Tickets/1"))[0]] == [200, 200, 200, 429, 200]


async def test_forced_thread_refusals(wire: Wire) -> None:
    await wire.control("faults", {"kind": "thread_refusal", "count": 2})
    assert [(await wire.api("GET", "Tickets/1"))[0] for _ in range(3)] == [429, 429, 200]


async def test_wrong_secret_and_locked_user(wire: Wire) -> None:
    await wire.control("faults", {"kind": "wrong_secret", "count": 1})
    first = await wire.api("GET", "Tickets/1")
    await wire.control("tenant", {"api_users": [{"username": API_USERNAME, "locked": True}]})
    second = await wire.api("GET", "Tickets/1")
    await wire.control("tenant", {"api_users": [{"username": API_USERNAME, "locked": False}]})
    assert (first, second, (await wire.api("GET", "Tickets/1"))[0]) == ((401, ""), (401, ""), 200)


async def test_moved_zone(wire: Wire) -> None:
    await wire.control("faults", {"kind": "moved_zone", "zone_path": "/zone2/ATServicesRest/"})
    async with wire.session.get(f"{wire.url}/v1.0/zoneInformation", params={"user": API_USERNAME}) as answer:
        url = (await answer.json())["url"]
    async with wire.session.get(f"{url}V1.0/Tickets/1", headers=HEADERS) as answer:
        there = answer.status
    here = (await wire.api("GET", "Tickets/1"))[0]
    assert (url, there, here) == (f"{wire.root}/zone2/ATServicesRest/", 200, 401)


@pytest.mark.parametrize(
    ("fault", "second", "merged"),
    [
        ({}, {"title": "other"}, True),
        ({}, {"companyID": 176}, False),
        ({"match": ["title"]}, {"externalID": "z"}, True),
        ({"open_only": True}, {}, False),
        ({"reopen": True}, {}, True),
    ],
)
async def test_duplicate_handling(wire: Wire, fault: Any, second: Any, merged: bool) -> None:
    await wire.control("faults", {"kind": "duplicates"} | fault)
    first = (await wire.ticket(externalID="k", status=5))[1]["itemId"]
    answer = await wire.ticket(**({"externalID": "k"} | second))
    tickets = (await wire.control("state?only=tickets"))["tickets"]
    notes = [note["noteType"] for note in tickets[0]["notes"]]
    assert (answer[1]["itemId"] == first, notes) == (merged, [15] if merged else [])
    assert tickets[0]["status"] == (1 if fault.get("reopen") else 5)


async def test_workflow_rule(wire: Wire, clock: Any) -> None:
    rule = {"kind": "workflow", "seconds": 5, "where": {"queueID": "NOC"}, "set": {"status": "In Progress"}}
    await wire.control("faults", rule | {"note": {"title": "Routed"}, "resource": "Lucy Brandt"})
    made = (await wire.ticket())[1]["itemId"]
    await wire.ticket(queueID=8)
    clock.now += 5
    first, other = (await wire.control("state?only=tickets"))["tickets"]
    note = first["notes"][0]
    assert (made, first["status"], other["status"]) == (first["id"], 8, 1)
    assert (note["noteType"], note["title"], first["lastActivityResourceID"]) == (13, "Routed", 29682887)


async def test_ignored_field(wire: Wire) -> None:
    made = (await wire.ticket())[1]["itemId"]
    await wire.control("faults", {"kind": "ignore_fields", "fields": ["Status"], "method": "PATCH"})
    answer = await wire.api("PATCH", "Tickets", {"id": made, "status": 5, "priority": 1})
    item = (await wire.api("GET", f"Tickets/{made}"))[1]["item"]
    assert (answer, item["status"], item["priority"]) == ((200, {"itemId": made}), 1, 1)


@pytest.mark.parametrize("status", [404, 405])
async def test_collection_patch_may_be_unsupported(wire: Wire, status: int) -> None:
    made = (await wire.ticket())[1]["itemId"]
    await wire.control("faults", {"kind": "refuse", "status": status, "method": "PATCH"})
    body = {"id": made, "companyID": 175, "title": "t", "status": 5, "priority": 2, "queueID": 8}
    assert [(await wire.api(verb, "Tickets", body))[0] for verb in ("PATCH", "PUT")] == [status, 200]


async def test_page_shift_repeats_a_row(wire: Wire) -> None:
    made = [(await wire.ticket())[1]["itemId"] for _ in range(3)]
    await wire.control("faults", {"kind": "page_shift"})
    body = {"filter": [{"op": "exist", "field": "id"}], "MaxRecords": 2}
    page = (await wire.api("POST", "Tickets/query", body))[1]
    url = page["pageDetails"]["nextPageUrl"].replace("/ATServicesRest/V1.0/", "/atservicesrest/V1.0/")
    second = (await wire.api("POST", url.removeprefix(f"{wire.url}/V1.0/"), body))[1]
    assert [row["id"] for row in second["items"]] == [made[1], made[2]]


async def test_hostile_next_page_url(wire: Wire) -> None:
    await wire.control("faults", {"kind": "next_page_url", "url": "http://169.254.169.254/x"})
    page = (await wire.api("POST", "Tickets/query", {"filter": [ONE]}))[1]
    assert page["pageDetails"]["nextPageUrl"] == "http://169.254.169.254/x"


async def test_probability_repeats_with_its_seed(wire: Wire) -> None:
    async def run() -> list[int]:
        await wire.control(
            "faults", {"clear": True, "seed": 3, "add": [{"kind": "refuse", "probability": 0.5}]}
        )
        return [(await wire.api("GET", "Tickets/1"))[0] for _ in range(20)]

    first, second = await run(), await run()
    assert (first == second, set(first)) == (True, {200, 503})


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        ({"count": 1}, [503, 200, 200]),
        ({"after": 1, "count": 1}, [200, 503, 200]),
        ({"endpoint": ["TicketNotes", "Tags"]}, [200, 200, 503]),
        ({"action": ["read", "query"]}, [503, 503, 503]),
        ({"action": "create"}, [200, 200, 200]),
        ({"method": "PATCH"}, [200, 200, 200]),
        ({"path": "/notes/"}, [200, 200, 200]),
        ({"user": API_USERNAME}, [503, 503, 503]),
        ({"user": "other"}, [200, 200, 200]),
    ],
)
async def test_scope(wire: Wire, scope: Any, statuses: list[int]) -> None:
    await wire.control("faults", {"kind": "refuse"} | scope)
    paths = ("Tickets/1", "Tickets/2", "TicketNotes/1")
    assert [(await wire.api("GET", path))[0] for path in paths] == statuses


async def test_a_fault_may_end_by_itself(wire: Wire, clock: Any) -> None:
    await wire.control("faults", {"kind": "refuse", "for_s": 60})
    first = (await wire.api("GET", "Tickets/1"))[0]
    clock.now += 60
    assert (first, (await wire.api("GET", "Tickets/1"))[0]) == (503, 200)


async def test_a_caller_that_gives_up_does_not_stop_the_write(wire: Wire) -> None:
    await wire.control("faults", {"kind": "latency", "seconds": 0.1, "action": "create"})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await wire.ticket()
    while not await stored(wire):
        pass

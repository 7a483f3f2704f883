"""The control API, acts and scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alertd.simulator import API_USERNAME, ScenarioError, Simulator, load_scenario, read_scenario
from alertd.simulator.control import control
from tests.simulator.conftest import Wire

JANA, LUCY = 29682885, 29682887


async def only_ticket(wire: Wire) -> Any:
    return (await wire.control("state?only=tickets"))["tickets"][0]


@pytest.mark.parametrize(
    ("act", "field", "value"),
    [
        ({"act": "assign", "resource": "Lucy Brandt"}, "assignedResourceID", LUCY),
        ({"act": "assign", "by": "jnovak"}, "assignedResourceID", JANA),
        ({"act": "complete", "resolution": "Fixed"}, "status", 5),
        ({"act": "complete", "resolution": "Fixed"}, "resolution", "Fixed"),
        ({"act": "complete"}, "completedByResourceID", JANA),
        ({"act": "reopen"}, "status", 8),
        ({"act": "reopen", "status": "New"}, "status", 1),
        ({"act": "requeue", "queue": "Backups"}, "queueID", 29682834),
        ({"act": "requeue", "queue": 6}, "queueID", 6),
        ({"act": "reprioritise", "priority": "Critical"}, "priority", 4),
        ({"act": "add_tag", "tag": "vip"}, "tags", ["after-hours", "vip"]),
        ({"act": "remove_tag", "tag": 502}, "tags", []),
        ({"act": "edit", "fields": {"title": "Mine", "queueID": "Network"}}, "title", "Mine"),
        ({"act": "edit", "fields": {"status": "Waiting Vendor"}}, "status", 12),
        ({"act": "time_entry"}, "lastActivityResourceID", JANA),
    ],
)
async def test_act(wire: Wire, clock: Any, act: Any, field: str, value: Any) -> None:
    made = (await wire.ticket(status=9))[1]["itemId"]
    await wire.api("POST", f"Tickets/{made}/TagAssociations", {"tagID": 502})
    clock.now += 60
    await wire.control("act", {"ticket": made} | act)
    ticket = await only_ticket(wire)
    assert (ticket[field], ticket["lastActivityDate"]) == (value, "2026-03-05T12:01:00.000Z")


async def test_act_note_by_ticket_number(wire: Wire) -> None:
    await wire.ticket()
    act = {
        "act": "note",
        "ticket": "T20260305.0001",
        "by": LUCY,
        "title": "Called",
        "text": "on site",
        "publish": 2,
    }
    await wire.control("act", act)
    note = (await only_ticket(wire))["notes"][0]
    found = {
        name: note[name] for name in ("title", "description", "publish", "noteType", "creatorResourceID")
    }
    assert found == {
        "title": "Called",
        "description": "on site",
        "publish": 2,
        "noteType": 3,
        "creatorResourceID": LUCY,
    }


async def test_act_merge_create_and_delete(wire: Wire) -> None:
    fields = {"companyID": 175, "title": "By phone", "status": "New", "priority": "Low", "queueID": "NOC"}
    first = (await wire.ticket())[1]["itemId"]
    second = (await wire.control("act", {"act": "create", "fields": fields}))["id"]
    await wire.control("act", {"act": "merge", "ticket": first, "into": second})
    old, new = (await wire.control("state?only=tickets"))["tickets"]
    await wire.control("act", [{"act": "delete", "ticket": first}])
    types = [[note["noteType"] for note in each["notes"]] for each in (old, new)]
    assert (old["status"], types, await wire.api("GET", f"Tickets/{first}")) == (
        5,
        [[93], [94]],
        (200, {"item": None}),
    )


async def test_history_tells_who_changed_what(wire: Wire) -> None:
    made = (await wire.ticket())[1]["itemId"]
    await wire.control("act", {"act": "reprioritise", "ticket": made, "priority": "Critical", "by": LUCY})
    change = (await only_ticket(wire))["changes"][0]
    assert (change["by"], change["fields"]) == (LUCY, {"priority": [2, 4]})


async def test_state_holds_everything(wire: Wire) -> None:
    state = await wire.control("state")
    assert {"tickets", "companies", "tags", "tagGroups", "contacts", "configurationItems", "queues"} <= set(
        state
    )
    queues = {queue["label"]: queue for queue in state["queues"]}
    assert (queues["Security"]["resourceIDs"], queues["Old Helpdesk"]["isActive"]) == ([], False)
    assert "simulator-secret" not in str(state)


async def test_ledger(wire: Wire) -> None:
    await wire.ticket(externalID="k")
    wanted = {"filter": [{"op": "eq", "field": "externalID", "value": "k"}]}
    await wire.api("POST", "Tickets/query", wanted)
    calls = await wire.control("calls")
    create, query = calls["calls"]
    assert calls["totals"] == {"Tickets": {"POST": 2}}
    assert calls["actions"] == {"Tickets": {"create": 1, "query": 1}}
    assert (calls["rollingHour"], calls["statuses"]) == ({"all": 2, "counted": 2}, {"200": 2})
    assert (create["item_id"], create["user"], create["in_flight"]) == (10001, API_USERNAME, 1)
    assert (query["summary"], query["reply"]) == ("externalID eq k", "send")
    newest = await wire.control("calls?since=1&endpoint=tickets")
    assert [each["number"] for each in newest["calls"]] == [2]


async def test_reset_goes_back_to_the_scenario(wire: Wire) -> None:
    await wire.ticket()
    await wire.control("faults", {"kind": "down"})
    await wire.control("tenant", {"switches": {"threshold": 5}})
    await wire.control("reset", {})
    assert (await wire.control("state?only=tickets"))["tickets"] == []
    assert (await wire.ticket())[1] == {"itemId": 10001}


async def test_tenant_merge(wire: Wire) -> None:
    await wire.control(
        "tenant",
        {
            "companies": [{"name": "Harper & Lowe LLP", "active": False}, {"name": "Brand New Ltd"}],
            "queues": [
                {"id": 8, "resources": []},
                {"id": 29682900, "label": "Cloud", "resources": ["jnovak"]},
            ],
            "picklists": {"Tickets": {"status": [{"value": 99, "label": "Parked"}]}},
            "devices": [{"company": "Brand New Ltd", "name": "BN-01", "serial": "S1"}],
            "tags": [{"label": "new-tag", "group": "Monitoring"}],
            "tickets": [
                {"companyID": "Brand New Ltd", "title": "Old", "status": "Parked", "queueID": "Cloud"}
            ],
            "switches": {"tags_per_ticket": 1},
        },
    )
    state = await wire.control("state")
    companies = {row["companyName"]: row for row in state["companies"]}
    queues = {row["label"]: row["resourceIDs"] for row in state["queues"]}
    closed = companies["Harper & Lowe LLP"]
    assert (closed["isActive"], closed["companyType"], companies["Brand New Ltd"]["isActive"]) == (
        False,
        1,
        True,
    )
    assert (queues["Monitoring Alert"], queues["Cloud"]) == ([], [JANA])
    assert [(row["status"], row["queueID"], row["priority"]) for row in state["tickets"]] == [
        (99, 29682900, 2)
    ]


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("faults", b'{"kind":"nonsense"}', "Invalid enum value"),
        ("faults", b'{"kind":"refuse","sttaus":1}', "unknown field `sttaus`"),
        ("faults", b'{"sttaus":1}', "a fault needs a kind"),
        ("tenant", b'{"compnies":[]}', "unknown field `compnies`"),
        ("tenant", b'{"switches":{"nope":1}}', "unknown field `nope`"),
        ("tenant", b'{"rows":{"Nope":[{}]}}', "unknown entity 'Nope'"),
        ("tenant", b'{"rows":{"Tags":[{"lable":"x"}]}}', "Tags has no field lable"),
        ("tenant", b'{"devices":[{"company":"No One","name":"x"}]}', "Companies has no 'No One'"),
        ("tenant", b'{"rows":{"Tags":[{"id":"x"}]}}', "Tags: 'x' is no id"),
        ("tenant", b'{"rows":{"Tags":[{"isActive":3}]}}', "Tags.isActive: Unexpected character"),
        ("tenant", b'{"rows":{"Tickets":[{"userDefinedFields":[]}]}}', "a table of names and values"),
        ("tenant", b'{"tickets":[{"title":"x","status":"Nope"}]}', "Tickets.status has no value 'Nope'"),
        ("tenant", b'{"tickets":[{"titel":"x"}]}', "Tickets has no field titel"),
        ("tenant", b'{"udfs":[{"entity":"Nope","name":"x"}]}', "unknown entity 'Nope'"),
        ("tenant", b'{"picklists":{"Nope":{"status":[]}}}', "unknown entity 'Nope'"),
        ("tenant", b'{"picklists":{"Tickets":{"stauts":[]}}}', "Tickets has no field stauts"),
        ("tenant", b"[" * 100_000, "The request is invalid."),
        ("faults", b'{"seed":null}', "Expected `int`"),
        ("act", b'{"act":"complete","ticket":1}', "Tickets has no 1"),
        ("act", b'{"act":"dance"}', "Invalid enum value 'dance'"),
        ("act", b"{", "The request is invalid."),
    ],
)
def test_refused_control(sim: Simulator, name: str, body: bytes, text: str) -> None:
    reply = control(sim, "POST", name, body=body)
    assert (reply.status, text in reply.body.decode()) == (400, True)


def test_unknown_control(sim: Simulator) -> None:
    assert control(sim, "GET", "nothing").status == 404


async def test_faults_are_listed_and_cleared(wire: Wire) -> None:
    ids = (await wire.control("faults", [{"kind": "latency", "seconds": 0}, {"kind": "refuse", "count": 5}]))[
        "ids"
    ]
    await wire.api("GET", "Tickets/1")
    listed = (await wire.control("faults"))["faults"]
    cleared = await wire.control("faults", {"clear": [ids[0], "refuse"]})
    assert [(each["id"], each["kind"], each["struck"]) for each in listed] == [
        (1, "latency", 1),
        (2, "refuse", 1),
    ]
    assert (cleared["cleared"], (await wire.control("faults"))["faults"]) == (2, [])


async def test_control_is_never_counted_nor_spoiled(wire: Wire) -> None:
    await wire.control("faults", {"kind": "down"})
    assert (await wire.control("calls"))["total"] == 0


def test_scenario_file(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(
        """
        seed = 3
        [switches]
        search_lag_s = 4.0
        [[companies]]
        name = "Only Here"
        devices = ["OH-01"]
        [[faults]]
        kind = "latency"
        seconds = 1.5
        """
    )
    sim = Simulator(load_scenario(path))
    names = {row["companyName"] for row in sim.tenant.table("Companies")}
    assert {"Only Here", "Acme Dental Group"} <= names
    assert (sim.switches.search_lag_s, [each.seconds for each in sim.faults.listed()]) == (4.0, [1.5])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("x = = 1", "line 1"), ("unknown = 1", "unknown field `unknown`"), ("[[companies]]\nid = 1", "missing")],
)
def test_faulty_scenario_file(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=complaint):
        load_scenario(path)


def test_dates_of_toml_are_dates_of_the_api(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text("[[tickets]]\ncompanyID = 175\ntitle = 'x'\ncreateDate = 2026-03-01\n")
    sim = Simulator(load_scenario(path))
    older = {"op": "lt", "field": "createDate", "value": "2026-03-02"}
    (item,) = sim.call("POST", "Tickets/query", {"filter": [older]}).json()["items"]
    assert item["createDate"] == "2026-03-01T00:00:00.000Z"


def test_empty_tenant() -> None:
    sim = Simulator(read_scenario({"defaults": False}))
    assert all(not table.ids for table in sim.tenant.tables.values())


def test_ten_thousand_tickets_stay_quick(sim: Simulator) -> None:
    for number in range(10_000):
        body = {"companyID": 175, "title": "t", "status": 1, "priority": 2, "queueID": 8}
        assert (
            sim.call("POST", "Tickets", body | {"externalID": f"k{number}"}, now=number * 10.0).status == 200
        )
    wanted = {
        "filter": [{"op": "in", "field": "externalID", "value": [f"k{n}" for n in range(0, 10_000, 40)]}]
    }
    assert len(sim.call("POST", "Tickets/query", wanted, now=1e6).json()["items"]) == 250


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("Code=OpenTicketDetail&TicketID=10001", 200),
        ("Code=OpenTicketDetail&TicketNumber=T20260305.0001", 200),
        ("Code=OpenTicketDetail&TicketID=5", 404),
        ("Code=OpenNothing&AccountID=175", 404),
        ("Code=OpenAccount&AccountID=5", 404),
    ],
)
async def test_deep_link(wire: Wire, query: str, status: int) -> None:
    await wire.ticket(title="<b>Disk</b>")
    url = f"{wire.root}/web/Autotask/AutotaskExtend/ExecuteCommand.aspx?{query}"
    async with wire.session.get(url) as answer:
        body = await answer.text()
    assert (answer.status, "&lt;b&gt;Disk&lt;/b&gt;" in body) == (status, status == 200)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("Code=OpenAccount&AccountID=175", "Acme Dental Group"),
        ("Code=OpenContact&ContactID=30682001", "Rosa"),
        ("Code=EditInstalledProduct&InstalledProductID=4001", "ACME-DC01"),
    ],
)
async def test_deep_link_to_other_records(wire: Wire, query: str, shown: str) -> None:
    url = f"{wire.root}/web/Autotask/AutotaskExtend/ExecuteCommand.aspx?{query}"
    async with wire.session.get(url) as answer:
        assert (answer.status, shown in await answer.text()) == (200, True)

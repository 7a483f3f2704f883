from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from alertd.autotask.credential import Credential
from alertd.autotask.desk import AutotaskDesk, BoardPlan
from alertd.autotask.transport import Around
from alertd.core.boards import BoardSettings
from alertd.flows.errors import AuthRefused, Invalid, OutcomeUnknown, Rejected, Throttled, Unavailable
from alertd.flows.ports import Company, CompanyMatch, Desk, Draft
from alertd.simulator import API_RESOURCE_ID
from tests.autotask.conftest import NOC, Control, FakeClock, make_settings

REF = "alertd-abcdefghijklmnopqrstuvwxyz-g1"


def draft(desk: AutotaskDesk, **more: Any) -> Draft:
    board = desk.board("noc")
    values: dict[str, Any] = {
        "reference": REF,
        "title": "Disk full",
        "description": f"On SRV1\n[ref: {REF}]",
        "company_id": 175,
        "queue_id": board.queue_id,
        "priority_id": board.priority_by_severity["critical"],
        "status_id": board.status_new,
        "source_id": board.source_id,
        "category_id": board.category_id,
    }
    return Draft(**(values | more))


@pytest.fixture
async def ready(desk: AutotaskDesk) -> AutotaskDesk:
    await desk.ready()
    return desk


async def test_a_ticket_from_first_to_last(ready: AutotaskDesk, control: Control) -> None:
    ticket_id = await ready.create(draft(ready))
    assert ready.own_resource_id() is None
    facts = await ready.ticket(ticket_id)
    assert facts is not None
    assert (facts.id, facts.reference, facts.title, facts.company_id) == (ticket_id, REF, "Disk full", 175)
    assert facts.creator_id == API_RESOURCE_ID
    assert facts.created_at is not None
    assert facts.number.startswith("T20260305.")
    await ready.learn_own_resource_id(API_RESOURCE_ID)
    await ready.note(ticket_id, title="Repeated [r2]", text="5 times")
    association_id = await ready.add_tag(ticket_id, "alertd")
    assert await ready.tags(ticket_id) == {"alertd": association_id}
    await ready.change(ticket_id, {"status": ready.board("noc").status_done}, "All clear")
    await ready.remove_tag(ticket_id, association_id)
    (note,) = await ready.notes(ticket_id)
    assert (note.title, note.creator_id, note.by_contact) == ("Repeated [r2]", API_RESOURCE_ID, False)
    (facts,) = await ready.tickets([ticket_id, 999_999])
    assert facts.completed_at is not None
    (truth,) = [each for each in await control.tickets() if each["id"] == ticket_id]
    assert (truth["status"], truth["resolution"], truth["tags"]) == (5, "All clear", [])
    assert truth["description"].endswith(f"[ref: {REF}]")


async def test_being_ready_costs_a_handful_of_calls_and_no_more_soon_after(
    desk: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    await asyncio.gather(*(desk.ready() for _ in range(10)))
    first = (await control.get("calls"))["total"]
    await desk.ready()
    assert (await control.get("calls"))["total"] == first
    assert first <= 8
    clock.forward(hours=1)
    await desk.ready()
    assert first < (await control.get("calls"))["total"] <= 2 * first


async def test_boards_are_resolved_to_ids(ready: AutotaskDesk) -> None:
    board = ready.board("noc")
    assert board.priority_by_severity == {"critical": 4, "high": 1, "warning": 2, "low": 3, "info": 3}
    assert (board.status_new, board.status_done, board.source_id, board.instead_of) == (1, 5, 8, "")
    assert board.category_id is None
    assert ready.problems() == []
    assert ready.vocabulary() == {"alertd", "backup"}
    assert await ready.may_see_all_tickets()
    assert await ready.tenant_id() == 30595


async def test_every_method_of_the_port_is_our_own(ready: AutotaskDesk) -> None:
    promised = {name for name in vars(Desk) if not name.startswith("_")}
    assert promised <= set(vars(AutotaskDesk))


async def test_tickets_of_an_earlier_installation_are_known(ready: AutotaskDesk) -> None:
    assert not await ready.knows_our_tickets(after=0)
    made = [await ready.create(draft(ready, reference=f"alertd-{number}")) for number in range(3)]
    assert await ready.knows_our_tickets(after=made[1])
    assert not await ready.knows_our_tickets(after=made[2])


async def test_the_boards_report_names_every_queue(ready: AutotaskDesk) -> None:
    by_label = {queue.label: queue for queue in await ready.boards_report()}
    assert by_label["NOC"].active
    assert by_label["NOC"].resources
    assert 8 in {queue.id for queue in by_label.values()}


@pytest.mark.parametrize(
    ("queue", "complaint"),
    [
        pytest.param("Nok", "'Nok' does not exist; similar: 'NOC'", id="misspelt"),
        pytest.param(4711, "4711 does not exist", id="unknown id"),
        pytest.param("Nobody Home", "has no resource assigned", id="nobody assigned"),
    ],
)
async def test_a_board_that_cannot_be_used_is_stood_in_for(
    zone_url: str, credential: Credential, around: Around, control: Control, queue: int | str, complaint: str
) -> None:
    await control.post("tenant", {"queues": [{"id": 29682999, "label": "Nobody Home", "resources": []}]})
    lost = BoardSettings(name="lost", queue=queue, priority={"low": "Whatever"}, source="Pigeon")
    desk = AutotaskDesk(
        make_settings(zone_url),
        credential,
        plan=BoardPlan(boards=[lost, NOC], stand_ins=["lost", "noc"]),
        around=around,
    )
    await desk.ready()
    board = desk.board("lost")
    assert (board.name, board.instead_of) == ("noc", "lost")
    problems = {str(problem): problem.fatal for problem in desk.problems()}
    assert [fatal for text, fatal in problems.items() if complaint in text] == [True]
    assert any("priority.low 'Whatever' does not exist" in text for text in problems)
    assert any("source 'Pigeon' does not exist" in text for text in problems)
    await desk.close()


async def test_problems_are_told_before_and_after_the_tenant_could_be_asked(
    zone_url: str, credential: Credential, around: Around, control: Control, clock: FakeClock
) -> None:
    settings = make_settings(zone_url, fallback_company="No Such Ltd")
    desk = AutotaskDesk(settings, credential, plan=BoardPlan(boards=[NOC]), around=around)
    assert desk.known_problems() == []
    await control.fault("refuse", status=503, endpoint="Companies")
    with pytest.raises(Unavailable):
        await desk.ready()
    assert desk.known_problems() == []
    await control.heal()
    clock.forward(seconds=5)
    await desk.ready()
    assert [each.what for each in desk.known_problems()] == [
        "fallback_company 'No Such Ltd' is no active company; company 0, your own, is used instead"
    ]
    lost = BoardSettings(name="lost", queue="Nok")
    (problem,) = await desk.problems_of(BoardPlan(boards=[NOC, lost]))
    assert problem.fatal
    await desk.close()


async def test_where_nobody_may_see_the_assignments_no_board_is_blamed(
    desk: AutotaskDesk, control: Control
) -> None:
    await control.fault("rights", entity="ResourceRoleQueues", deny=["query"])
    await desk.ready()
    assert desk.board("noc").instead_of == ""
    assert desk.problems() == []


@pytest.mark.parametrize(
    ("client", "found"),
    [
        pytest.param("175", True, id="id"),
        pytest.param("  HARBOUR dental ", True, id="name, whatever its case"),
        pytest.param("0", True, id="the MSP itself"),
        pytest.param("Harbour", False, id="a part of a name"),
        pytest.param("", False, id="nothing"),
    ],
)
async def test_companies(ready: AutotaskDesk, control: Control, client: str, found: bool) -> None:
    companies = {each["id"]: each["companyName"] for each in (await control.get("state"))["companies"]}
    wanted = client.replace("HARBOUR dental", companies[175].upper())
    match = await ready.company(wanted)
    assert (match.company is not None) is found
    assert ready.fallback_company().id == 0


async def test_a_name_that_several_companies_have_is_nobodys(desk: AutotaskDesk, control: Control) -> None:
    row = {"companyType": 1, "isActive": True, "ownerResourceID": 4, "phone": "1"}
    twins = [{"id": 900 + n, "companyName": "Twin Ltd", "companyNumber": f"T{n}", **row} for n in (1, 2)]
    await control.post("tenant", {"rows": {"Companies": twins}})
    await desk.ready()
    several = await desk.company("Twin Ltd")
    assert (several.company, several.candidates) == (None, ("Twin Ltd (901)", "Twin Ltd (902)"))
    found = await desk.company("t2")
    assert (found.company, found.how) == (Company(902, "Twin Ltd"), "number")


async def test_an_unknown_company_is_asked_for_once_an_hour(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    async def calls() -> int:
        return int((await control.get("calls"))["total"])

    before = await calls()
    for _ in range(5):
        assert await ready.company("New Customer Ltd") == CompanyMatch()
    assert await calls() == before + 1
    await control.post("tenant", {"companies": [{"name": "New Customer Ltd", "type": "Customer"}]})
    assert await ready.company("New Customer Ltd") == CompanyMatch()
    clock.forward(hours=1, seconds=1)
    found = (await ready.company("new customer ltd")).company
    assert found is not None
    assert (await ready.company(str(found.id))).company == found


async def test_digits_beyond_any_id_are_a_name(ready: AutotaskDesk, control: Control) -> None:
    before = (await control.get("calls"))["total"]
    assert await ready.company("1" * 5000) == CompanyMatch()
    assert await ready.company("x" * 101) == CompanyMatch()
    assert (await control.get("calls"))["total"] == before  # no company's name is that long


async def test_a_company_look_up_that_autotask_refuses_is_a_miss(
    ready: AutotaskDesk, control: Control
) -> None:
    body = '{"errors":["Invalid query syntax."]}'
    await control.fault(
        "refuse", status=400, body=body, content_type="application/json", endpoint="Companies"
    )
    before = (await control.get("calls"))["total"]
    for _ in range(3):
        assert await ready.company("New & Odd Ltd") == CompanyMatch()
    assert (await control.get("calls"))["total"] == before + 1


async def test_look_finds_generations_and_canaries(ready: AutotaskDesk) -> None:
    canary = await ready.create(draft(ready, reference="alertd-canary-g1"))
    first = await ready.create(draft(ready))
    second = await ready.create(draft(ready, reference=REF[:-1] + "2"))
    await ready.create(draft(ready, reference="other"))
    sight = await ready.look([REF[:-1]], [canary, 424242])
    assert {each.id for each in sight.tickets} == {first, second}
    assert sight.canaries == {canary}


async def test_a_look_that_brings_strangers_proves_nothing(ready: AutotaskDesk, control: Control) -> None:
    body = '{"items":[{"id":1,"externalID":null,"companyID":1,"status":1,"priority":1,"title":"x"}]}'
    await control.fault(
        "refuse", status=200, body=body, content_type="application/json", endpoint="Tickets", action="query"
    )
    with pytest.raises(Unavailable):
        await ready.look([REF], [])


async def test_texts_are_cut_to_what_autotask_takes(ready: AutotaskDesk, control: Control) -> None:
    ticket_id = await ready.create(
        draft(ready, title="🔥" * 300, description="line\n" * 3000 + f"[ref: {REF}]", resolution="r" * 40_000)
    )
    await ready.note(ticket_id, title="t" * 300, text="n\n" * 30_000)
    (truth,) = [each for each in await control.tickets() if each["id"] == ticket_id]
    assert truth["description"].endswith(f" […]\n[ref: {REF}]")
    assert truth["title"].endswith(" […]")


async def test_a_reference_too_long_is_never_cut(ready: AutotaskDesk) -> None:
    with pytest.raises(Rejected, match="longer than 50"):
        await ready.create(draft(ready, reference="x" * 51))


async def test_a_rejected_create_carries_autotasks_text_and_has_metadata_read_again(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    async def readings() -> int:
        return int((await control.get("calls"))["actions"]["Tickets"]["metadata"])

    before = await readings()
    for _ in range(3):
        with pytest.raises(Invalid, match="priority") as caught:
            await ready.create(draft(ready, priority_id=99))
        assert caught.value.about == {"priority"}
        await ready.ready()
        assert await readings() == 2 * before  # a poison ticket does not have it read again and again
    clock.forward(minutes=5)
    await ready.ready()
    assert await readings() == 3 * before


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("Ask your lead about subIssueType.", {"issue"}),
        ("You do not have permission to choose a queueID.", None),
        ("Ask your lead.", None),
    ],
)
async def test_a_refusal_in_unknown_words_that_names_a_field_is_of_its_value(
    ready: AutotaskDesk, control: Control, text: str, about: set[str] | None
) -> None:
    body = json.dumps({"errors": [text]})
    await control.fault("refuse", status=403, body=body, endpoint="Tickets", action="create")
    with pytest.raises(Rejected) as caught:
        await ready.create(draft(ready))
    assert getattr(caught.value, "about", None) == about


@pytest.mark.parametrize("kind", ["drop", "hang", "truncate", "garbage"])
async def test_a_create_whose_answer_is_lost_is_unclear_and_can_be_found(
    ready: AutotaskDesk, control: Control, kind: str
) -> None:
    more = {"when": "after"} if kind in ("drop", "hang") else {}
    await control.fault(kind, endpoint="Tickets", action="create", count=1, **more)
    with pytest.raises(OutcomeUnknown):
        await ready.create(draft(ready))
    sight = await ready.look([REF], [])
    assert len(sight.tickets) == 1


@pytest.mark.parametrize("status", [404, 405])
async def test_without_patch_the_ticket_is_put_back_whole(
    ready: AutotaskDesk, control: Control, status: int
) -> None:
    ticket_id = await ready.create(draft(ready))
    (before,) = [each for each in await control.tickets() if each["id"] == ticket_id]
    await control.fault("refuse", status=status, method="PATCH", endpoint="Tickets")
    await ready.change(ticket_id, {"priority": 3}, None)
    await ready.change(ticket_id, {"status": 8}, "half done")
    (truth,) = [each for each in await control.tickets() if each["id"] == ticket_id]
    moved = {name for name, value in truth.items() if value != before[name]}
    assert {"priority", "status", "resolution"} <= moved
    assert not moved & {"title", "description", "queueID", "companyID", "externalID", "source", "ticketType"}
    methods = Counter(call["method"] for call in (await control.get("calls?endpoint=Tickets"))["calls"])
    assert (methods["PATCH"], methods["PUT"]) == (1, 2)


async def test_one_stray_404_does_not_end_patching(ready: AutotaskDesk, control: Control) -> None:
    ticket_id = await ready.create(draft(ready))
    await ready.change(ticket_id, {"priority": 3}, None)
    await control.fault("refuse", status=404, method="PATCH", endpoint="Tickets", count=1)
    with pytest.raises(Unavailable):
        await ready.change(ticket_id, {"priority": 2}, None)
    for priority in (2, 3):
        await ready.change(ticket_id, {"priority": priority}, None)
    methods = Counter(call["method"] for call in (await control.get("calls?endpoint=Tickets"))["calls"])
    assert (methods["PATCH"], methods["PUT"]) == (4, 0)


async def test_a_user_who_is_switched_off_holds_creates_back(ready: AutotaskDesk, control: Control) -> None:
    await control.fault("refuse", status=403, body="", action="create", endpoint="Tickets")
    with pytest.raises(Unavailable):
        await ready.create(draft(ready))


async def test_companies_that_are_gone_all_at_once_are_kept(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    await control.fault("rights", companies=[])
    clock.forward(hours=2)
    await ready.ready()
    assert await ready.company("175") is not None
    assert ready.problems() == []


async def test_a_note_type_that_the_tenant_lacks_is_a_problem(
    zone_url: str, credential: Credential, around: Around
) -> None:
    settings = make_settings(zone_url, note_type="Tsk Nots")
    desk = AutotaskDesk(settings, credential, plan=BoardPlan(boards=[NOC]), around=around)
    await desk.ready()
    (problem,) = desk.problems()
    assert str(problem).startswith("[autotask]: note_type 'Tsk Nots' does not exist")
    assert str(problem).endswith("; 3 is used instead")
    await desk.close()


async def test_companies_that_routes_name_are_looked_for(
    zone_url: str, credential: Credential, around: Around, control: Control
) -> None:
    plan = BoardPlan(boards=[NOC], companies=frozenset({175, "acme dental group", 424242, "Contso"}))
    desk = AutotaskDesk(make_settings(zone_url), credential, plan=plan, around=around)
    assert [each.what for each in await desk.problems_of(plan)] == [
        "company 424242 is no active company; the fallback company is used instead",
        "company 'Contso' is no active company; the fallback company is used instead",
    ]
    await desk.ready()
    assert [each.where for each in desk.problems()] == ["[route]", "[route]"]
    row = {"id": 990, "companyName": "Contso", "companyType": 1, "isActive": True, "ownerResourceID": 4}
    await control.post("tenant", {"rows": {"Companies": [{**row, "phone": "1"}]}})
    added = BoardPlan(boards=[NOC], companies=frozenset({"Contso"}))
    assert await desk.problems_of(added) == []
    desk.adopt(added)
    assert desk.problems() == []
    await desk.close()


@pytest.mark.parametrize("endpoint", ["Tickets", "Companies"])
async def test_an_autotask_that_fails_from_the_start_is_asked_ever_more_rarely(
    desk: AutotaskDesk, control: Control, clock: FakeClock, endpoint: str
) -> None:
    await control.fault("refuse", status=503, endpoint=endpoint)
    for _ in range(720):  # every five seconds of an hour
        with pytest.raises(Unavailable):
            await desk.ready()
        clock.forward(seconds=5)
    assert (await control.get("calls?limit=1"))["total"] < 300
    await control.heal()
    clock.forward(minutes=1)
    await desk.ready()


async def test_no_company_from_the_start_is_a_problem(desk: AutotaskDesk, control: Control) -> None:
    await control.fault("rights", companies=[])
    await desk.ready()
    assert [problem.what for problem in desk.problems()] == [
        "no company can be seen, so every ticket goes to your own: the API user lacks rights in CRM"
    ]


async def test_who_has_entered_time_is_read_for_many_tickets_at_once(
    ready: AutotaskDesk, control: Control
) -> None:
    one, two = [await ready.create(draft(ready, reference=f"alertd-{name}-g1")) for name in "ab"]
    await control.post("act", {"act": "time_entry", "ticket": two, "by": "Jana Novak"})

    found = await ready.time_entered([one, two])

    assert list(found) == [two]
    assert len(found[two]) == 1
    assert API_RESOURCE_ID not in found[two]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "body": '{"errors":["You do not have the adequate permissions to query this."]}'},
        {"status": 404, "body": "Not Found"},
    ],
    ids=["no right", "no such route"],
)
async def test_where_time_may_not_be_read_it_goes_on_without_for_an_hour(
    ready: AutotaskDesk, control: Control, clock: FakeClock, fault: dict[str, Any]
) -> None:
    ticket_id = await ready.create(draft(ready))
    await control.post("act", {"act": "time_entry", "ticket": ticket_id})
    await control.fault("refuse", endpoint="TimeEntries", **fault)
    assert await ready.time_entered([ticket_id]) == {}
    asked = await time_calls(control)
    clock.forward(minutes=59)
    assert await ready.time_entered([ticket_id]) == {}
    assert await time_calls(control) == asked
    await control.heal()
    clock.forward(minutes=2)
    assert await ready.time_entered([ticket_id]) != {}


async def test_time_entries_that_fail_for_long_keep_no_ticket_open(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    ticket_id = await ready.create(draft(ready))
    await control.fault("refuse", endpoint="TimeEntries", status=500, body="oops")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await ready.time_entered([ticket_id])
        clock.forward(minutes=10)
    assert await ready.time_entered([ticket_id]) == {}


async def time_calls(control: Control) -> int:
    return sum(each["endpoint"] == "TimeEntries" for each in (await control.get("calls"))["calls"])


async def test_tags_are_made_with_their_group_once(ready: AutotaskDesk, control: Control) -> None:
    first, second = [await ready.create(draft(ready)) for _ in range(2)]
    await asyncio.gather(ready.add_tag(first, "backup"), ready.add_tag(second, "Backup"))
    again = await ready.add_tag(first, "backup")
    assert await ready.tags(first) == {"backup": again}
    state = await control.get("state")
    made = [tag for tag in state["tags"] if tag["label"].casefold() == "backup"]
    assert len(made) == 1
    assert made[0]["tagGroupID"] in {
        group["id"] for group in state["tagGroups"] if group["label"] == "alertd"
    }


@pytest.mark.parametrize("endpoint", ["Tags", "TagGroups"])
async def test_a_label_that_was_made_and_cannot_be_found_yet_is_waited_for(
    ready: AutotaskDesk, control: Control, clock: FakeClock, endpoint: str
) -> None:
    ticket_id = await ready.create(draft(ready))
    await control.fault("drop", when="after", action="create", endpoint=endpoint, count=1)
    await control.fault("search_lag", seconds=30)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await ready.add_tag(ticket_id, "backup")
        clock.forward(seconds=5)
    clock.forward(seconds=30)
    await ready.add_tag(ticket_id, "backup")
    [ticket] = await control.tickets()
    assert ticket["tags"] == ["backup"]


async def test_what_could_not_be_made_for_one_ticket_costs_the_next_no_call(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    ticket_id = await ready.create(draft(ready))
    await control.fault("drop", when="after", action="create", endpoint="Tags", count=1)
    await control.fault("search_lag", seconds=1)
    with pytest.raises(Unavailable, match="may have been made"):
        await ready.add_tag(ticket_id, "backup")
    before = (await control.get("calls?limit=1"))["total"]
    with pytest.raises(Unavailable, match="may have been made"):
        await ready.add_tag(ticket_id, "Backup")
    assert (await control.get("calls?limit=1"))["total"] == before
    clock.forward(seconds=2)
    await ready.add_tag(ticket_id, "backup")


async def test_a_label_that_stays_taken_and_unfound_is_refused(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    ticket_id = await ready.create(draft(ready))
    text = "A Tag already exists with Name [backup]. Tag.label must be unique."
    await control.fault(
        "refuse",
        status=500,
        body=f'{{"errors":["{text}"]}}',
        content_type="application/json",
        action="create",
        endpoint="Tags",
    )
    with pytest.raises(Unavailable):
        await ready.add_tag(ticket_id, "backup")
    clock.forward(minutes=6)
    for _ in range(2):  # the next one need not wait as long again
        with pytest.raises(Rejected, match="already exists"):
            await ready.add_tag(ticket_id, "backup")


async def test_a_tag_that_is_on_and_cannot_be_found_yet_is_waited_for(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    ticket_id = await ready.create(draft(ready))
    await control.fault("search_lag", seconds=30)
    await ready.add_tag(ticket_id, "alertd")
    with pytest.raises(Unavailable):
        await ready.add_tag(ticket_id, "alertd")
    clock.forward(seconds=31)
    association_id = await ready.add_tag(ticket_id, "alertd")
    assert await ready.tags(ticket_id) == {"alertd": association_id}


async def test_taking_off_a_tag_that_is_gone_is_fine_and_lacking_the_right_is_not(
    ready: AutotaskDesk, control: Control
) -> None:
    ticket_id = await ready.create(draft(ready))
    association_id = await ready.add_tag(ticket_id, "alertd")
    await control.fault("rights", remove=["remove_tags"])
    with pytest.raises(Rejected):
        await ready.remove_tag(ticket_id, association_id)
    await control.heal()
    await ready.remove_tag(ticket_id, association_id)
    await ready.remove_tag(ticket_id, association_id)


async def test_a_refusal_that_says_gone_of_a_tag_that_is_on_is_no_success(
    ready: AutotaskDesk, control: Control
) -> None:
    ticket_id = await ready.create(draft(ready))
    association_id = await ready.add_tag(ticket_id, "alertd")
    body = '{"errors":["No matching records found. The logged in Resource may not have the permissions."]}'
    await control.fault("refuse", status=500, body=body, content_type="application/json", method="DELETE")
    with pytest.raises(Rejected):
        await ready.remove_tag(ticket_id, association_id)


async def test_no_right_to_make_tags_says_so(ready: AutotaskDesk, control: Control) -> None:
    ticket_id = await ready.create(draft(ready))
    await control.fault("rights", remove=["administer_tags"])
    with pytest.raises(Rejected, match="permission"):
        await ready.add_tag(ticket_id, "backup")


@pytest.mark.parametrize("missing", ["null", "404"])
async def test_a_missing_ticket_is_none(ready: AutotaskDesk, control: Control, missing: str) -> None:
    await control.post("tenant", {"switches": {"missing_item": missing}})
    assert await ready.ticket(424242) is None


async def test_a_moved_zone_is_found_and_the_call_goes_on(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    clock.forward(minutes=2)
    await control.fault("moved_zone", zone_path="/zone2/ATServicesRest/")
    results = await asyncio.gather(*(ready.create(draft(ready, reference=f"r{n}")) for n in range(6)))
    assert len(set(results)) == 6


async def test_a_wrong_secret_is_tried_twice_an_hour_at_most(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    await control.fault("wrong_secret")
    clock.forward(minutes=3)
    with pytest.raises(AuthRefused):
        await ready.ready()
    for _ in range(50):
        clock.forward(minutes=2)
        with pytest.raises(AuthRefused):
            await ready.create(draft(ready))
    failed = [call["at"] for call in (await control.get("calls"))["calls"] if call["status"] == 401]
    assert [round((later - failed[0]) / 60) for later in failed[1:]] == [16, 78]
    assert all(sum(at <= other <= at + 3600 for other in failed) <= 2 for at in failed)


async def test_usage_by_others_raises_the_pressure(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    assert ready.pressure() == 0
    await control.fault("others_usage", requests=7600)
    await ready.ready()
    assert ready.pressure() == 0  # read every two minutes
    clock.forward(minutes=2)
    await ready.ready()
    assert ready.pressure() == 2
    usage = ready.usage()
    assert usage is not None
    assert usage.ratio == pytest.approx(0.76, abs=0.01)


@pytest.mark.parametrize("status", [429, 500])
async def test_the_tenants_allowance_spent_stops_all(
    ready: AutotaskDesk, control: Control, status: int
) -> None:
    await control.post("tenant", {"switches": {"threshold_status": status}})
    await control.fault("others_usage", requests=10_000)
    for _ in range(3):
        with pytest.raises(Throttled):
            await ready.create(draft(ready))
    assert ready.pressure() == 3
    assert (await control.get("calls"))["statuses"].get(str(status)) == 1


@pytest.mark.parametrize("status", [429, 500])
async def test_a_thread_refusal_waits_a_moment_and_stops_nobody_else(
    ready: AutotaskDesk, control: Control, clock: FakeClock, status: int
) -> None:
    await control.post("tenant", {"switches": {"thread_status": status}})
    await control.fault("thread_refusal", count=1)
    with pytest.raises(Throttled) as caught:
        await ready.create(draft(ready))
    assert 1 <= caught.value.retry_after <= 2
    before = (await control.get("calls"))["total"]
    with pytest.raises(Throttled):
        await ready.create(draft(ready))
    assert (await control.get("calls"))["total"] == before
    assert await ready.notes(1) == []
    clock.forward(seconds=2)
    await ready.create(draft(ready))


async def test_never_more_than_two_at_once_per_endpoint(ready: AutotaskDesk, control: Control) -> None:
    ticket_id = await ready.create(draft(ready))
    await control.fault("latency", seconds=0.01)
    await asyncio.gather(
        *(ready.create(draft(ready, reference=f"r{n}")) for n in range(20)),
        *(ready.note(ticket_id, title=f"n{n}", text="x") for n in range(20)),
    )
    assert max((await control.get("calls"))["highWater"].values()) == 2


@pytest.mark.parametrize("lag", [False, True])
async def test_search_lag_hides_from_queries_and_not_from_reads(
    ready: AutotaskDesk, control: Control, clock: FakeClock, lag: bool
) -> None:
    await control.post("tenant", {"switches": {"search_lag_s": 30.0 if lag else 0.0}})
    ticket_id = await ready.create(draft(ready))
    assert await ready.ticket(ticket_id) is not None
    assert len((await ready.look([REF], [])).tickets) == (0 if lag else 1)
    clock.forward(seconds=31)
    assert len((await ready.look([REF], [])).tickets) == 1


async def test_who_we_are_is_remembered(
    ready: AutotaskDesk, zone_url: str, credential: Credential, around: Around
) -> None:
    await ready.learn_own_resource_id(API_RESOURCE_ID)
    await ready.ready()
    later = AutotaskDesk(
        make_settings(zone_url, own_resources=[4]),
        credential,
        plan=BoardPlan(boards=[NOC]),
        around=around,
    )
    await later.ready()
    assert later.own_resource_id() == API_RESOURCE_ID
    assert later.own_resources() == {4, API_RESOURCE_ID}
    await later.close()


async def test_who_made_our_tickets_before_is_no_stranger(
    ready: AutotaskDesk, zone_url: str, credential: Credential, around: Around
) -> None:
    await ready.learn_own_resource_id(11)
    await ready.ready()
    other = replace(credential, username="another@msp.example")
    later = AutotaskDesk(make_settings(zone_url), other, plan=BoardPlan(boards=[NOC]), around=around)
    with pytest.raises(Unavailable):
        await later.ready()  # the simulator knows no such user, which is all the same here
    assert (later.own_resource_id(), later.own_resources()) == (None, {11})
    await later.learn_former_resource_id(12)
    assert (later.own_resource_id(), later.own_resources()) == (None, {11, 12})
    await later.learn_own_resource_id(22)
    assert (later.own_resource_id(), later.own_resources()) == (22, {11, 12, 22})
    await later.close()


async def test_metadata_is_kept_while_autotask_is_down(
    ready: AutotaskDesk, control: Control, clock: FakeClock
) -> None:
    clock.forward(hours=2)
    await control.fault("refuse", status=503)
    await ready.ready()
    assert ready.board("noc").name == "noc"
    with pytest.raises(OutcomeUnknown):
        await ready.create(draft(ready))


async def test_without_any_metadata_down_is_unavailable(desk: AutotaskDesk, control: Control) -> None:
    await control.fault("refuse", status=503)
    with pytest.raises(Unavailable):
        await desk.ready()
    with pytest.raises(Unavailable):
        desk.board("noc")


SWITCHES = [
    {},
    {"path_case_sensitive": True},
    {"unauthorized_body": '{"errors":["no"]}'},
    {"permission_status": 403},
    {"query_without_right": "error"},
    {"missing_item": "404"},
    {"threshold_covers_threshold_information": False},
    {"count_refused": True},
    {"strings_ignore_case": False},
    {"noteq_matches_null": True},
    {"read_only_fields": "reject"},
    {"newlines": "crlf"},
    {"tag_labels_ignore_case": False},
    {"tag_labels_cover_inactive": False},
    {"tag_delete_access_reflects_right": False},
    {"tag_moves_activity": False},
    {"queue_without_resource_blocks_create": True},
    {"note_title_required": False},
    {"system_note_types_creatable": True},
    {"company_postal_code_required": True},
    {"complete_other_fields_editable": False},
    {"malformed_json_status": 500},
]


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
async def test_a_ticket_goes_its_way_whatever_is_not_known_of_autotask(
    desk: AutotaskDesk, control: Control, switches: dict[str, Any]
) -> None:
    await control.post("tenant", {"switches": switches})
    await desk.ready()
    ticket_id = await desk.create(draft(desk))
    await desk.note(ticket_id, title="n [r1]", text="a\nb")
    association_id = await desk.add_tag(ticket_id, "alertd")
    assert await desk.add_tag(ticket_id, "alertd") == association_id
    await desk.change(ticket_id, {"priority": 1}, None)
    assert [each.id for each in (await desk.look([REF], [])).tickets] == [ticket_id]
    await desk.remove_tag(ticket_id, association_id)
    await desk.remove_tag(ticket_id, association_id)
    await desk.change(ticket_id, {"status": 5}, "over")
    await desk.change(ticket_id, {"status": 1}, None)
    assert await desk.ticket(424242) is None
    facts = await desk.ticket(ticket_id)
    assert facts is not None
    assert (facts.status, facts.priority) == (1, 1)


async def test_a_tag_that_is_on_already_is_found_whatever_the_text(
    ready: AutotaskDesk, control: Control
) -> None:
    await control.post(
        "tenant", {"switches": {"duplicate_association_text": "Tag {tag} already exists on {ticket}"}}
    )
    ticket_id = await ready.create(draft(ready))
    first = await ready.add_tag(ticket_id, "alertd")
    assert await ready.add_tag(ticket_id, "alertd") == first


async def test_duplicate_handling_answers_with_another_ticket(ready: AutotaskDesk, control: Control) -> None:
    first = await ready.create(draft(ready))
    await control.fault("duplicates", match=["title"])
    second = await ready.create(draft(ready, reference="other-g1"))
    facts = await ready.ticket(second)
    assert facts is not None
    assert (facts.id, facts.reference) == (first, REF)


async def test_duplicate_handling_that_names_no_ticket_leaves_the_create_unclear(
    ready: AutotaskDesk, control: Control
) -> None:
    await control.post("tenant", {"switches": {"duplicate_answers_existing_id": False}})
    await ready.create(draft(ready))
    await control.fault("duplicates", match=["title"])
    with pytest.raises(OutcomeUnknown, match="itemId 0"):
        await ready.create(draft(ready, reference="other-g1"))


@pytest.fixture
async def with_reference_udf(
    zone_url: str, credential: Credential, around: Around
) -> AsyncIterator[AutotaskDesk]:
    settings = make_settings(zone_url, reference_udf="alert key")
    desk = AutotaskDesk(settings, credential, plan=BoardPlan(boards=[NOC]), around=around)
    await desk.ready()
    yield desk
    await desk.close()


async def test_a_ticket_whose_external_id_was_overwritten_is_found_by_its_field(
    with_reference_udf: AutotaskDesk, control: Control
) -> None:
    desk = with_reference_udf
    [field] = desk.board("noc").udfs
    assert (field.name, field.template) == ("Alert Key", "{{ reference }}")
    canary = await desk.create(draft(desk, reference="alertd-canary-g1"))
    ticket_id = await desk.create(draft(desk, udfs={field.name: REF}))
    await control.post("act", {"act": "edit", "ticket": ticket_id, "fields": {"externalID": "RMM-17"}})

    sight = await desk.look([REF.removesuffix("-g1"), "alertd-other"], [canary])
    assert [(each.id, each.reference) for each in sight.tickets] == [(ticket_id, REF)]
    assert sight.canaries == {canary}
    for facts in (*await desk.tickets([ticket_id]), await desk.ticket(ticket_id)):
        assert facts is not None
        assert facts.reference == REF
    assert desk.problems() == []


@pytest.mark.parametrize(
    ("name", "why"),
    [("Alert Kee", "is no active user-defined field"), ("Alert Source", "cannot carry a reference")],
)
async def test_a_field_that_cannot_carry_references_is_a_problem(
    zone_url: str, credential: Credential, around: Around, name: str, why: str
) -> None:
    settings = make_settings(zone_url, reference_udf=name)
    desk = AutotaskDesk(settings, credential, plan=BoardPlan(boards=[NOC]), around=around)
    await desk.ready()
    [problem] = desk.problems()
    assert why in problem.what
    assert desk.board("noc").udfs == ()
    ticket_id = await desk.create(draft(desk))
    assert [each.id for each in (await desk.look([REF], [])).tickets] == [ticket_id]
    await desk.close()


async def test_a_ticket_in_full_is_put_back_whole(ready: AutotaskDesk, control: Control) -> None:
    full = {
        "ticket_type_id": 5,
        "issue_id": 10,
        "sub_issue_id": 136,
        "sla_id": 2,
        "category_id": 100,
        "device_id": 4002,
        "contact_id": 30682001,
        "location_id": 62,
        "udfs": {"Alert Key": REF, "Alert Source": "RMM"},
    }
    ticket_id = await ready.create(draft(ready, **full))
    (before,) = [each for each in await control.tickets() if each["id"] == ticket_id]
    await control.fault("refuse", status=404, method="PATCH", endpoint="Tickets")
    await ready.change(ticket_id, {"status": 8}, None)

    (after,) = [each for each in await control.tickets() if each["id"] == ticket_id]
    moved = {name for name, value in after.items() if value != before[name]}
    assert moved <= {"status", "changes", "lastActivityDate", "lastTrackedModificationDateTime"} | {
        name for name in moved if name.startswith("last")
    }
    assert after["userDefinedFields"] == {"Alert Key": REF, "Alert Source": "RMM"}

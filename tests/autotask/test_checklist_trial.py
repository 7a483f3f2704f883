"""The write test over real HTTP: what it settles, and what it leaves behind, by the simulator's books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alertd.autotask.checklist import judge
from alertd.autotask.checklist_asking import SingleTries, calls_made
from alertd.autotask.checklist_evidence import NamedCompany
from alertd.autotask.checklist_lines import WRITE_TEST, Line, State, Verdict
from alertd.autotask.checklist_plan import gather
from alertd.autotask.checklist_trial import MOST_CALLS, TITLE, try_out
from alertd.autotask.checklist_trial_plan import plan_trial
from alertd.autotask.client import AutotaskClient
from alertd.autotask.credential import Credential
from alertd.autotask.metrics import AutotaskMetrics
from alertd.autotask.transport import Around
from tests.autotask.conftest import Control, make_settings, short_timeouts
from tests.autotask.test_checklist_run import WANTED

REFERENCE = "check-0123456789abcdef01234567"
COMPLETE = 5


class Trying:
    """Runs checklist and write test."""

    def __init__(self, zone_url: str, credential: Credential, around: Around) -> None:
        self.metrics = AutotaskMetrics(CollectorRegistry())
        self.around = around
        settings = make_settings(zone_url, timeouts=short_timeouts())
        self.transport = SingleTries(settings, credential, replace(around, metrics=self.metrics))
        self.said: list[str] = []
        self.heard: Callable[[], object] = lambda: None  # called at each line for the person who waits

    def say(self, text: str) -> None:
        self.said.append(text)
        self.heard()

    async def __call__(self, company: int | str = "Acme Dental Group") -> dict[str, Line]:
        wanted = replace(WANTED, call_outs=False, test_company=NamedCompany("--write-test", company))
        try:
            made = partial(calls_made, self.metrics)
            evidence = await gather(self.transport, wanted, now=self.around.clock.now(), made=made)
            before = made()
            plan = plan_trial(evidence, wanted, judge(evidence, wanted), reference=REFERENCE)
            if isinstance(plan, Verdict):
                trial = {WRITE_TEST.id: plan}
            else:
                trial = dict(await try_out(AutotaskClient(self.transport), plan, made=made, say=self.say))
            assert made() - before <= MOST_CALLS
        finally:
            await self.transport.close()
        return {line.id: line for line in judge(evidence, wanted, trial)}


@pytest.fixture
def trying(zone_url: str, credential: Credential, around: Around) -> Trying:
    return Trying(zone_url, credential, around)


def red(found: dict[str, Line]) -> set[str]:
    return {line.id for line in found.values() if line.state is State.MISSING}


async def only_ticket(control: Control) -> dict[str, Any]:
    tickets = [each for each in await control.tickets() if each["title"] == TITLE]
    assert len(tickets) == 1
    return tickets[0]


async def test_a_tenant_that_has_everything(trying: Trying, control: Control) -> None:
    found = await trying()
    assert red(found) == set()
    settled = (
        "tickets_add",
        "notes_add",
        "administer_tags",
        "remove_tags",
        "edit_complete_tickets",
        "write_test",
    )
    assert {found[id_].state for id_ in settled} == {State.OK}
    ticket = await only_ticket(control)
    assert ticket["status"] == COMPLETE
    assert ticket["externalID"] == REFERENCE
    assert ticket["companyID"] == 175
    assert ticket["queueID"] == 29682833
    assert len(ticket["notes"]) == 1
    assert ticket["tags"] == []
    assert [each["fields"]["status"] for each in ticket["changes"] if "status" in each["fields"]] == [
        [1, COMPLETE],
        [COMPLETE, 1],
        [1, COMPLETE],
    ]
    assert ticket["ticketNumber"] in found["write_test"].detail
    assert any(ticket["ticketNumber"] in said for said in trying.said)


async def test_a_second_run_makes_no_second_tag(trying: Trying, control: Control, zone_url: str) -> None:
    await trying()
    tags = len((await control.get("state"))["tags"])
    again = Trying(zone_url, trying.transport.login.credential, trying.around)
    found = await again()
    assert red(found) == set()
    assert len((await control.get("state"))["tags"]) == tags


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ("tickets_view", {"tickets_view"}),
        ("tickets_edit", {"tickets_edit"}),
        ("edit_complete_tickets", {"edit_complete_tickets"}),
        ("notes_add", {"notes_add"}),
        ("administer_tags", {"administer_tags"}),
        ("remove_tags", {"remove_tags"}),
    ],
)
@pytest.mark.parametrize("status", [500, 403])
async def test_a_right_taken_away_is_settled(
    trying: Trying, control: Control, right: str, expected: set[str], status: int
) -> None:
    switches = {"permission_status": status, "tag_delete_access_reflects_right": False}
    await control.post("tenant", {"switches": switches})
    await control.fault("rights", remove=[right])
    found = await trying()
    assert red(found) == expected
    ticket = await only_ticket(control)
    assert ticket["status"] == (COMPLETE if right not in ("tickets_view", "tickets_edit") else 1)
    if ticket["status"] != COMPLETE:
        assert any("by hand" in said for said in trying.said)


@pytest.mark.parametrize(
    ("endpoint", "method", "passed", "expected"),
    [
        ("Tickets", "PATCH", 1, "edit_complete_tickets"),
        ("Tickets", "PATCH", 0, "tickets_edit"),
        ("TicketTagAssociations", "DELETE", 0, "remove_tags"),
    ],
)
async def test_a_refusal_in_words_that_nobody_knows_is_settled_by_a_look(
    trying: Trying, control: Control, endpoint: str, method: str, passed: int, expected: str
) -> None:
    told = {"status": 500, "body": '{"errors":["Ask your lead."]}', "content_type": "application/json"}
    await control.fault("refuse", endpoint=endpoint, method=method, after=passed, **told)
    found = await trying()
    assert red(found) == {expected}
    assert "Ask your lead." in found[expected].detail
    assert found["write_test"].waits_for == expected


async def test_without_any_tag_and_the_right_to_make_one_it_is_that_right_alone(
    trying: Trying, control: Control
) -> None:
    nothing = '{"items":[],"pageDetails":{"count":0,"requestCount":1}}'
    await control.fault(
        "refuse", status=200, body=nothing, content_type="application/json", path="/Tags/query"
    )
    await control.fault("rights", remove=["administer_tags"])
    assert red(await trying()) == {"administer_tags"}


async def test_a_ticket_that_cannot_be_seen_may_be_anybodys_and_is_not_touched(
    trying: Trying, control: Control
) -> None:
    await control.fault("refuse", status=500, endpoint="Tickets", action="read")
    found = await trying()
    assert red(found) == {"write_test"}
    assert "by hand" in found["write_test"].detail
    assert (await only_ticket(control))["changes"] == []


async def test_without_the_right_to_add_nothing_is_tried(trying: Trying, control: Control) -> None:
    await control.fault("rights", remove=["tickets_add"])
    found = await trying()
    assert red(found) == {"tickets_add"}
    assert found["write_test"].waits_for == "tickets_add"
    assert await control.tickets() == []


@pytest.mark.parametrize("company", ["Nobody", 4711, "Sunset Travel (closed)"])
async def test_a_company_that_is_not_there(trying: Trying, control: Control, company: int | str) -> None:
    found = await trying(company)
    assert red(found) == {"write_test"}
    assert str(company) in found["write_test"].detail
    assert await control.tickets() == []


async def test_somebody_elses_ticket_is_left_as_it_is(trying: Trying, control: Control) -> None:
    fields = {"companyID": 175, "title": TITLE, "status": "New", "priority": "Low", "queueID": "NOC"}
    await control.post("act", {"act": "create", "by": "Omar Haddad", "fields": fields})
    await control.fault("duplicates", match=["title"], open_only=True, reopen=False)
    found = await trying()
    assert red(found) == {"duplicate_ticket_handling"}
    ticket = await only_ticket(control)
    assert ticket["status"] == 1
    assert [note["noteType"] for note in ticket["notes"]] == [15]


async def test_a_lost_answer_to_the_create_is_looked_for(trying: Trying, control: Control) -> None:
    await control.fault("drop", when="after", endpoint="Tickets", action="create", count=1)
    assert red(await trying()) == set()
    assert (await only_ticket(control))["status"] == COMPLETE


async def test_a_create_that_may_have_been_applied_is_told(trying: Trying, control: Control) -> None:
    await control.fault("drop", when="before", endpoint="Tickets", action="create", count=1)
    found = await trying()
    assert red(found) == {"write_test"}
    assert "look for it" in found["write_test"].detail


@pytest.mark.parametrize("endpoint", ["TicketNotes", "Tags", "TicketTagAssociations"])
async def test_a_fault_on_the_way_leaves_the_ticket_complete(
    trying: Trying, control: Control, endpoint: str
) -> None:
    await control.fault("refuse", status=500, endpoint=endpoint)
    found = await trying()
    assert red(found) == {"write_test"}
    assert (await only_ticket(control))["status"] == COMPLETE


async def test_a_zone_that_does_not_route_patch(trying: Trying, control: Control) -> None:
    await control.fault("refuse", status=404, method="PATCH", endpoint="Tickets")
    assert red(await trying()) == set()
    assert (await only_ticket(control))["status"] == COMPLETE


async def test_a_reopening_that_is_ignored_is_found(trying: Trying, control: Control) -> None:
    await control.fault("ignore_fields", fields=["status"], method="PATCH")
    found = await trying()
    assert red(found) == {"tickets_edit"}
    assert any("by hand" in said for said in trying.said)


async def test_an_interrupt_leaves_the_ticket_complete(trying: Trying, control: Control) -> None:
    task = asyncio.ensure_future(trying())
    trying.heard = task.cancel
    with pytest.raises(asyncio.CancelledError):
        await task
    assert trying.said
    assert (await only_ticket(control))["status"] == COMPLETE

"""Webhooks and their call-outs: which changes they tell, how they are signed, retried and given up."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from alertd.simulator import API_RESOURCE_ID, API_USERNAME, Fault, ScenarioError, Simulator, read_scenario
from alertd.simulator.callouts import SIGNATURE, Callout
from alertd.simulator.control import control
from alertd.simulator.schema_webhooks import WATCHED
from alertd.simulator.signatures import escaped_form, sign
from tests.simulator.conftest import NOON, Api, Clock, Wire

SECRET, JANA, LUCY = "s3cret & <key>", 29682885, 29682887
HOOK = {
    "name": "alertd",
    "webhookUrl": "https://alerts.example.com/v1/autotask/callout",
    "deactivationUrl": "https://alerts.example.com/v1/autotask/callout",
    "secretKey": SECRET,
    "isActive": True,
    "sendThresholdExceededNotification": False,
    "isSubscribedToCreateEvents": True,
    "isSubscribedToUpdateEvents": True,
    "isSubscribedToDeleteEvents": True,
}
STATUS, PRIORITY, COMPANY, LAST_ACTIVITY, NUMBER = 5, 6, 1, 49, 85


def switch(sim: Simulator, **switches: Any) -> None:
    sim.merge(read_scenario({"switches": switches}))


def refusal(answer: tuple[int, Any]) -> str:
    status, body = answer
    assert status == 500, body
    return str(body["errors"][0])


def hooked(
    api: Api, *, entity: str = "TicketWebhooks", subscribed: Any = (STATUS,), always: Any = (), **fields: Any
) -> int:
    """Make a webhook with its fields, one after the other, and return its id."""
    status, answer = api("POST", entity, HOOK | fields)
    assert status == 200, answer
    hook = int(answer["itemId"])
    for field in {*subscribed, *always}:
        body = {"webhookID": hook, "fieldID": field, "isSubscribedField": field in subscribed}
        status, answer = api(
            "POST", f"{entity}/{hook}/Fields", body | {"isDisplayAlwaysField": field in always}
        )
        assert status == 200, answer
    return hook


def person(sim: Simulator, **fields: Any) -> None:
    reply = control(sim, "POST", "act", body=msgspec.json.encode(fields))
    assert reply.status == 200, reply.body


def told(sim: Simulator) -> list[Any]:
    """Take what is due now, deliver it, and return the payloads."""
    found = sim.callouts.take_due(sim.at())
    for callout in found:
        sim.callouts.settle(callout, sim.at(), status=200)
    return [json.loads(callout.body) for callout in found]


# --- webhooks as records


@pytest.mark.parametrize("entity", sorted(WATCHED))
def test_a_webhook_is_ready_with_its_first_field(api: Api, entity: str) -> None:
    hook = hooked(api, entity=entity, subscribed=())
    row = api("GET", f"{entity}/{hook}")[1]["item"]
    assert (row["isReady"], row["ownerResourceID"]) == (False, API_RESOURCE_ID)
    assert len(row["webhookGuid"]) == 36
    field = api("POST", f"{entity}/{hook}/Fields", {"fieldID": 1, "isSubscribedField": True})[1]["itemId"]
    assert api("GET", f"{entity}/{hook}")[1]["item"]["isReady"]
    assert api("DELETE", f"{entity}/{hook}/Fields/{field}")[0] == 200
    assert not api("GET", f"{entity}/{hook}")[1]["item"]["isReady"]


def test_a_webhook_takes_its_children_with_it(sim: Simulator, api: Api) -> None:
    hook = hooked(api)
    assert api("POST", f"TicketWebhooks/{hook}/ExcludedResources", {"resourceID": JANA})[0] == 200
    assert api("DELETE", f"TicketWebhooks/{hook}")[0] == 200
    assert sim.tenant.table("TicketWebhookFields").ids == []
    assert sim.tenant.table("TicketWebhookExcludedResources").ids == []


def test_ticket_fields_have_the_known_ids(api: Api) -> None:
    fields = api("GET", "TicketWebhookFields/entityInformation/fields")[1]["fields"]
    values = next(each["picklistValues"] for each in fields if each["name"] == "fieldID")
    ids = {int(each["value"]): each["label"] for each in values}
    assert len(ids) == 14
    assert (ids[5], ids[14], ids[31], ids[85]) == ("Status", "QueueID", "ExternalID", "TicketNumber")


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"webhookUrl": "http://alerts.example.com/x"}, "webhookUrl must be a valid https URL"),
        ({"deactivationUrl": "http://127.0.0.1/x"}, "deactivationUrl must be a valid https URL"),
        ({"webhookUrl": "https:///x"}, "webhookUrl must be"),
        ({"webhookUrl": "http://[/"}, "webhookUrl must be"),
        ({"secretKey": None}, "Missing Required Field: secretKey"),
        ({"secretKey": "x" * 65}, "secretKey must be less than or equal to 64"),
        ({"isActive": None}, "Missing Required Field: isActive"),
        ({"sendThresholdExceededNotification": None}, "sendThresholdExceededNotification"),
    ],
)
def test_refused_webhooks(api: Api, fields: Any, part: str) -> None:
    assert part in refusal(api("POST", "TicketWebhooks", HOOK | fields))


def test_plain_http_to_loopback_only_by_switch(sim: Simulator, api: Api) -> None:
    switch(sim, callouts_to_loopback_http=True)
    local = {"webhookUrl": "http://127.0.0.1:8080/x", "deactivationUrl": "http://localhost/x"}
    assert api("POST", "TicketWebhooks", HOOK | local)[0] == 200
    assert "https" in refusal(api("POST", "TicketWebhooks", HOOK | {"webhookUrl": "http://example.com/"}))


def test_no_webhook_twice(sim: Simulator, api: Api) -> None:
    hooked(api)
    again = HOOK | {"webhookUrl": HOOK["webhookUrl"].upper().replace("HTTPS", "https")}  # type: ignore[attr-defined]
    assert "must be unique" in refusal(api("POST", "TicketWebhooks", again))
    assert api("POST", "TicketNoteWebhooks", HOOK)[0] == 200
    other_events = HOOK | {"isSubscribedToDeleteEvents": False}
    assert "must be unique" in refusal(api("POST", "TicketWebhooks", other_events))
    switch(sim, webhook_duplicate="url_and_events")
    assert api("POST", "TicketWebhooks", other_events)[0] == 200


def test_a_level_has_so_many_webhooks(sim: Simulator, api: Api) -> None:
    switch(sim, webhooks_per_level=2)
    hooked(api)
    hooked(api, entity="CompanyWebhooks", subscribed=())
    assert "maximum number" in refusal(api("POST", "ContactWebhooks", HOOK))


def test_no_webhook_without_the_right(sim: Simulator, api: Api) -> None:
    sim.merge(read_scenario({"api_users": [{"username": API_USERNAME, "remove": ["webhooks"]}]}))
    assert "adequate permissions to create" in refusal(api("POST", "TicketWebhooks", HOOK))
    info = api("GET", "TicketWebhooks/entityInformation")[1]["info"]
    assert (info["userAccessForCreate"], info["userAccessForQuery"]) == ("None", "All")


def test_no_field_twice_and_no_foreign_one(api: Api) -> None:
    hook = hooked(api)
    path = f"TicketWebhooks/{hook}"
    assert "must be unique" in refusal(api("POST", f"{path}/Fields", {"fieldID": STATUS}))
    assert "fieldID" in refusal(api("POST", f"{path}/Fields", {"fieldID": 3}))
    assert "udfFieldID" in refusal(
        api("POST", f"{path}/UdfFields", {"udfFieldID": udf(api, "Monitoring Name")})
    )
    assert api("POST", f"{path}/UdfFields", {"udfFieldID": udf(api, "Alert Key")})[0] == 200


def udf(api: Api, name: str) -> int:
    body = {"filter": [{"op": "eq", "field": "name", "value": name}]}
    return int(api("POST", "UserDefinedFieldDefinitions/query", body)[1]["items"][0]["id"])


def test_a_scenario_makes_webhooks_that_work(
    sim: Simulator, api: Api, new_ticket: Callable[..., int]
) -> None:
    part: Any = {"url": "https://other.example.com/hook", "fields": ["Status"], "always": [NUMBER]}
    part["exclude"] = ["API alertd"]
    for _ in range(2):
        sim.merge(read_scenario({"webhooks": [part]}))
    assert len(sim.tenant.table("TicketWebhooks").ids) == 1
    assert len(sim.tenant.table("TicketWebhookFields").ids) == 2
    ticket = new_ticket()
    api("PATCH", "Tickets", {"id": ticket, "status": 8})
    person(sim, act="complete", ticket=ticket)
    (payload,) = told(sim)
    assert payload["Fields"] == {"Status": "Complete", "TicketNumber": "T20260305.0001"}
    sim.merge(read_scenario({"webhooks": [{"url": part["url"], "active": False}]}))
    person(sim, act="reopen", ticket=ticket)
    assert told(sim) == []
    assert api("GET", "TicketWebhooks/1")[1]["item"]["isReady"]


@pytest.mark.parametrize("wrong", [{"entity": "Tags"}, {"fields": ["Colour"]}, {"exclude": ["Nobody"]}])
def test_impossible_webhooks_are_told(sim: Simulator, wrong: Any) -> None:
    with pytest.raises(ScenarioError):
        sim.merge(read_scenario({"webhooks": [{"url": "https://x.example.com/"} | wrong]}))


# --- which changes are told


def test_an_update_tells_labels_under_pascal_case(
    sim: Simulator, api: Api, new_ticket: Callable[..., int]
) -> None:
    ticket = new_ticket()
    hook = hooked(api, always=(NUMBER,))
    person(sim, act="complete", ticket=ticket, by="Lucy Brandt")
    guid = api("GET", f"TicketWebhooks/{hook}")[1]["item"]["webhookGuid"]
    assert told(sim) == [
        {
            "Action": "Update",
            "Guid": guid,
            "EntityType": "Ticket",
            "Id": ticket,
            "Fields": {"Status": "Complete", "TicketNumber": "T20260305.0001"},
            "EventTime": "2026-03-05T12:00:00Z",
            "SequenceNumber": 1,
            "PersonID": LUCY,
        }
    ]


def test_a_create_tells_all_fields(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    hooked(api, subscribed=(STATUS, COMPANY), always=(NUMBER,))
    new_ticket()
    (payload,) = told(sim)
    assert (payload["Action"], payload["PersonID"]) == ("Create", API_RESOURCE_ID)
    assert payload["Fields"] == {
        "CompanyID": "Acme Dental Group",
        "Status": "New",
        "TicketNumber": "T20260305.0001",
    }


def test_references_may_be_ids(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    switch(sim, callout_references="ids")
    hooked(api, subscribed=(COMPANY,))
    new_ticket()
    assert told(sim)[0]["Fields"] == {"CompanyID": "175"}


def test_a_deletion_tells_what_is_always_shown(
    sim: Simulator, api: Api, new_ticket: Callable[..., int]
) -> None:
    ticket = new_ticket()
    hooked(api, always=(NUMBER,))
    person(sim, act="delete", ticket=ticket)
    (payload,) = told(sim)
    assert (payload["Action"], payload["Id"]) == ("Delete", ticket)
    assert payload["Fields"] == {"TicketNumber": "T20260305.0001"}


def test_other_fields_and_other_events_are_silent(
    sim: Simulator, api: Api, new_ticket: Callable[..., int]
) -> None:
    hooked(api, always=(PRIORITY,), isSubscribedToCreateEvents=False)
    ticket = new_ticket()
    person(sim, act="reprioritise", ticket=ticket, priority="Low")
    person(sim, act="note", ticket=ticket)
    assert told(sim) == []


def test_any_activity_is_told_to_who_subscribes_to_it(
    sim: Simulator, api: Api, clock: Clock, new_ticket: Callable[..., int]
) -> None:
    ticket = new_ticket()
    hooked(api, subscribed=(LAST_ACTIVITY,))
    clock.now += 60
    person(sim, act="note", ticket=ticket)
    assert told(sim)[0]["Fields"] == {"LastActivityDate": "2026-03-05T12:01:00.000Z"}


def test_excluded_people_are_not_told_of(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    ticket = new_ticket()
    hook = hooked(api)
    api("POST", f"TicketWebhooks/{hook}/ExcludedResources", {"resourceID": API_RESOURCE_ID})
    api("PATCH", "Tickets", {"id": ticket, "status": 8})
    assert told(sim) == []
    person(sim, act="complete", ticket=ticket)
    assert [payload["PersonID"] for payload in told(sim)] == [JANA]


@pytest.mark.parametrize("fields", [{"isActive": False}, {"isSubscribedToUpdateEvents": False}])
def test_a_webhook_that_is_off_is_silent(
    sim: Simulator, api: Api, new_ticket: Callable[..., int], fields: Any
) -> None:
    ticket = new_ticket()
    hook = hooked(api)
    assert api("PATCH", "TicketWebhooks", {"id": hook} | fields)[0] == 200
    person(sim, act="complete", ticket=ticket)
    assert told(sim) == []


def test_a_webhook_without_fields_is_silent(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    hooked(api, subscribed=())
    new_ticket()
    assert told(sim) == []


def test_user_defined_fields_are_told(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    ticket = new_ticket()
    hook = hooked(api, subscribed=())
    body = {"udfFieldID": udf(api, "Alert Key"), "isSubscribedField": True}
    api("POST", f"TicketWebhooks/{hook}/UdfFields", body)
    api("PATCH", "Tickets", {"id": ticket, "userDefinedFields": [{"name": "Alert Key", "value": "k-1"}]})
    assert [payload["Fields"] for payload in told(sim)] == [{"Alert Key": "k-1"}]


def test_workflow_rules_are_told_too(
    sim: Simulator, api: Api, clock: Clock, new_ticket: Callable[..., int]
) -> None:
    hooked(api, isSubscribedToCreateEvents=False)
    sim.faults.add(Fault(kind="workflow", seconds=5, set={"status": "In Progress"}), NOON)
    new_ticket()
    clock.now += 6
    sim.advance()
    assert [payload["Fields"] for payload in told(sim)] == [{"Status": "In Progress"}]


def test_other_entities_are_told(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    hooked(api, entity="TicketNoteWebhooks", subscribed=(2,))
    hooked(api, entity="ContactWebhooks", subscribed=(1,))
    hooked(api, entity="ConfigurationItemWebhooks", subscribed=(4,))
    hooked(api, entity="CompanyWebhooks", subscribed=(1,))
    person(sim, act="note", ticket=new_ticket(), title="Called")
    contact = api("POST", "Companies/175/Contacts", {"firstName": "Ann", "lastName": "Reed", "isActive": 1})
    api("DELETE", f"Companies/175/Contacts/{contact[1]['itemId']}")
    api("PATCH", "ConfigurationItems", {"id": 4001, "isActive": False})
    api("PATCH", "Companies", {"id": 175, "companyName": "Acme"})
    assert [(each["EntityType"], each["Action"], each["Fields"]) for each in told(sim)] == [
        ("TicketNote", "Create", {"Title": "Called"}),
        ("Contact", "Create", {"FirstName": "Ann"}),
        ("Contact", "Delete", {}),
        ("ConfigurationItem", "Update", {"IsActive": "False"}),
        ("Company", "Update", {"CompanyName": "Acme"}),
    ]


def test_the_filling_of_a_tenant_is_not_told(
    sim: Simulator, api: Api, new_ticket: Callable[..., int]
) -> None:
    hooked(api)
    ticket = new_ticket()
    told(sim)
    sim.merge(read_scenario({"tickets": [{"id": ticket, "status": "Complete"}]}))
    assert told(sim) == []


def test_refused_writes_are_not_told(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> None:
    ticket = new_ticket()
    hooked(api)
    assert api("PATCH", "Tickets", {"id": ticket, "status": 99})[0] == 500
    assert api("PATCH", "Tickets", {"id": ticket, "status": 1})[0] == 200
    assert told(sim) == []


# --- signatures


def reference_signature(body: bytes, secret: str = SECRET) -> str:
    return f"sha1={base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha1).digest()).decode()}"


def one(sim: Simulator) -> Callout:
    (callout,) = sim.callouts.take_due(sim.at())
    return callout


@pytest.mark.parametrize("form", ["escaped", "raw"])
def test_the_signature_covers_the_escaped_form_or_the_body(
    sim: Simulator, api: Api, new_ticket: Callable[..., int], form: str
) -> None:
    switch(sim, callout_signature=form)
    hooked(api, subscribed=(2,))
    new_ticket(title='Café "A&B" <x> +1 `y` it\'s \U0001f525')
    callout = one(sim)
    signed = callout.body
    if form == "escaped":
        text = r"Caf\u00E9 \u0022A\u0026B\u0022 \u003Cx\u003E \u002B1 \u0060y\u0060 it\u0027s \uD83D\uDD25"
        start = signed.index('"Title":"') + len('"Title":"')
        signed = signed[:start] + text + signed[signed.index('"}', start) :]
    assert callout.headers[SIGNATURE] == reference_signature(signed.encode())


@given(st.dictionaries(st.text(), st.text()))
def test_the_escaped_form_is_the_same_json_in_ascii(fields: dict[str, str]) -> None:
    body = msgspec.json.encode(fields)
    escaped = escaped_form(body)
    assert json.loads(escaped) == fields
    assert escaped.isascii()
    assert not set(escaped.decode()) & set("&<>'`+")
    assert escaped_form(escaped) == escaped
    assert sign(SECRET, escaped) == reference_signature(escaped)


def test_plain_bodies_have_one_form() -> None:
    assert escaped_form(rb'{"a":"x\\","b":"\n\t\\u0041"}') == rb'{"a":"x\\","b":"\n\t\\u0041"}'


# --- outcomes


@pytest.fixture
def due(sim: Simulator, api: Api, new_ticket: Callable[..., int]) -> Callable[[], None]:
    """Make one call-out after another by changing a ticket to and fro."""
    ticket = new_ticket()
    hooked(api)

    def change() -> None:
        row = sim.tenant.table("Tickets").rows[ticket]
        person(sim, act="edit", ticket=ticket, fields={"status": 8 if row["status"] == 1 else 1})

    return change


def fail(sim: Simulator, clock: Clock, times: int, **outcome: Any) -> None:
    for _ in range(times):
        for callout in sim.callouts.take_due(clock.now):
            sim.callouts.settle(callout, clock.now, **({"status": 500} | outcome))
        clock.now += 30


def test_a_failed_call_out_is_tried_five_times_and_logged(
    sim: Simulator, api: Api, clock: Clock, due: Callable[[], None]
) -> None:
    due()
    callout = one(sim)
    for attempt in range(1, 6):
        sim.callouts.settle(callout, clock.now, error="The operation has timed out.")
        assert callout.state == ("waiting" if attempt < 5 else "dropped")
        assert sim.callouts.next_due_at() == (clock.now + 30 if attempt < 5 else None)
        clock.now += 29.9
        assert sim.callouts.take_due(clock.now) == []
        clock.now += 0.1
        sim.callouts.take_due(clock.now)
    log = api("POST", "WebhookEventErrorLogs/query", {"filter": [{"op": "exist", "field": "id"}]})[1]["items"]
    assert [(row["ticketWebhookID"], row["sequenceNumber"], row["errorMessage"]) for row in log] == [
        (1, 1, "The operation has timed out.")
    ]
    assert json.loads(log[0]["payload"])["SequenceNumber"] == 1
    assert api("DELETE", f"WebhookEventErrorLogs/{log[0]['id']}")[0] == 200


def test_the_log_is_kept_for_thirty_days(sim: Simulator, clock: Clock, due: Callable[[], None]) -> None:
    for _ in range(2):
        due()
        fail(sim, clock, 5)
        clock.now += 31 * 86_400
    assert [row["sequenceNumber"] for row in sim.tenant.table("WebhookEventErrorLogs")] == [2]


@pytest.mark.parametrize("status", [301, 401, 404, 500, 503])
def test_anything_but_2xx_is_a_failure(
    sim: Simulator, clock: Clock, due: Callable[[], None], status: int
) -> None:
    due()
    callout = one(sim)
    sim.callouts.settle(callout, clock.now, status=status)
    assert callout.state == "waiting"


def test_a_retry_is_the_same_call_out(sim: Simulator, clock: Clock, due: Callable[[], None]) -> None:
    due()
    first = one(sim)
    body, signature = first.body, first.headers[SIGNATURE]
    sim.callouts.settle(first, clock.now, status=500)
    clock.now += 30
    again = one(sim)
    assert (again.body, again.headers[SIGNATURE]) == (body, signature)
    sim.callouts.settle(again, clock.now, status=202)
    assert [attempt.outcome for attempt in again.attempts] == ["500", "202"]
    assert again.state == "delivered"


def disabled(sim: Simulator) -> bool:
    return not next(iter(sim.tenant.table("TicketWebhooks")))["isActive"]


def test_twenty_five_failures_in_a_row_disable_the_webhook(
    sim: Simulator, api: Api, clock: Clock, due: Callable[[], None]
) -> None:
    for _ in range(24):
        due()
        fail(sim, clock, 5)
    assert not disabled(sim)
    due()
    fail(sim, clock, 5)
    assert disabled(sim)
    due()
    callout = one(sim)
    assert callout.url == HOOK["deactivationUrl"]
    assert SIGNATURE not in callout.headers
    payload = json.loads(callout.body)
    assert (payload["Action"], payload["Fields"], payload["SequenceNumber"]) == ("Deactivated", {}, 26)

    api("PATCH", "TicketWebhooks", {"id": 1, "isActive": True})
    due()
    fail(sim, clock, 5)
    assert not disabled(sim)


def test_one_success_starts_the_count_anew(sim: Simulator, clock: Clock, due: Callable[[], None]) -> None:
    switch(sim, callouts_disabled_after=3)
    for status in (500, 500, 200, 500, 500):
        due()
        fail(sim, clock, 5, status=status)
    assert not disabled(sim)
    due()
    fail(sim, clock, 5)
    assert disabled(sim)


def test_attempts_may_be_what_counts(sim: Simulator, clock: Clock, due: Callable[[], None]) -> None:
    switch(sim, callout_failures_count="attempts", callouts_disabled_after=7)
    due()
    fail(sim, clock, 5)
    assert not disabled(sim)
    due()
    fail(sim, clock, 2)
    assert disabled(sim)


def test_what_waits_for_a_deleted_webhook_is_dropped(
    sim: Simulator, api: Api, clock: Clock, due: Callable[[], None]
) -> None:
    due()
    fail(sim, clock, 1)
    assert api("DELETE", "TicketWebhooks/1")[0] == 200
    assert sim.callouts.take_due(clock.now) == []
    assert [callout.state for callout in sim.callouts.made] == ["dropped"]


def test_sequence_numbers_count_per_webhook(sim: Simulator, api: Api, due: Callable[[], None]) -> None:
    hooked(api, webhookUrl="https://other.example.com/")
    due()
    due()
    assert sorted((each.webhook_id, each.sequence) for each in sim.callouts.take_due(sim.at())) == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
    ]


def test_the_guid_may_be_the_event_s(sim: Simulator, due: Callable[[], None]) -> None:
    due()
    due()
    assert len({payload["Guid"] for payload in told(sim)}) == 1
    switch(sim, callout_guid="event")
    due()
    due()
    assert len({payload["Guid"] for payload in told(sim)}) == 2


# --- faults


def test_a_lost_call_out_is_never_sent(sim: Simulator, due: Callable[[], None]) -> None:
    sim.faults.add(Fault(kind="callout_lost", count=1), NOON)
    due()
    due()
    assert [payload["SequenceNumber"] for payload in told(sim)] == [2]
    assert [callout.state for callout in sim.callouts.made] == ["lost", "delivered"]


def test_a_doubled_call_out_is_sent_twice(sim: Simulator, due: Callable[[], None]) -> None:
    sim.faults.add(Fault(kind="callout_doubled", count=1), NOON)
    due()
    first, second = sim.callouts.take_due(sim.at())
    assert (first.body, first.headers) == (second.body, second.headers)


def test_a_late_call_out_is_overtaken(sim: Simulator, clock: Clock, due: Callable[[], None]) -> None:
    sim.faults.add(Fault(kind="callout_late", seconds=10, count=1), NOON)
    due()
    due()
    assert [payload["SequenceNumber"] for payload in told(sim)] == [2]
    clock.now += 10
    assert [payload["SequenceNumber"] for payload in told(sim)] == [1]


def test_a_forged_call_out_has_another_signature(sim: Simulator, due: Callable[[], None]) -> None:
    sim.faults.add(Fault(kind="callout_forged", count=1, endpoint="TicketWebhooks", action="update"), NOON)
    due()
    due()
    forged, honest = sim.callouts.take_due(sim.at())
    assert forged.headers[SIGNATURE] != reference_signature(forged.body.encode())
    assert honest.headers[SIGNATURE] == reference_signature(honest.body.encode())


def test_faults_have_a_scope(sim: Simulator, due: Callable[[], None]) -> None:
    sim.faults.add(Fault(kind="callout_lost", endpoint="CompanyWebhooks"), NOON)
    sim.faults.add(Fault(kind="callout_lost", action="create"), NOON)
    due()
    assert len(told(sim)) == 1


def test_reset_forgets_everything(sim: Simulator, api: Api, due: Callable[[], None]) -> None:
    due()
    sim.reset()
    assert sim.callouts.take_due(sim.at()) == []
    assert control(sim, "GET", "state").json()["callouts"] == []
    hooked(api)
    assert (
        api("POST", "Tickets", {"companyID": 175, "title": "t", "status": 1, "priority": 2, "queueID": 8})[0]
        == 200
    )
    assert [payload["SequenceNumber"] for payload in told(sim)] == [1]


def test_the_ground_truth_shows_deliveries(sim: Simulator, clock: Clock, due: Callable[[], None]) -> None:
    due()
    fail(sim, clock, 1)
    state = control(sim, "GET", "state", query={"only": "callouts"}).json()
    (callout,) = state["callouts"]
    assert (callout["state"], callout["attempts"]) == ("waiting", [{"at": NOON, "outcome": "500"}])
    assert control(sim, "GET", "state").json()["ticketWebhooks"][0]["secretKey"] == SECRET


# --- over a real socket


class Receiver:
    """A listener of call-outs: answers with a status, or hangs until released."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[Any, bytes]] = asyncio.Queue()
        self.status = 200
        self.released = asyncio.Event()
        self.released.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.put_nowait((request.headers.copy(), await request.read()))
        await self.released.wait()
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/callout", receiver.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield receiver, f"http://127.0.0.1:{runner.addresses[0][1]}/callout"
    finally:
        receiver.released.set()
        await runner.cleanup()


async def until(sim: Simulator, state: str, attempts: int) -> Callout:
    """Wait until the newest call-out is in that state."""
    while True:
        callout = sim.callouts.made[-1]
        if callout.state == state and len(callout.attempts) == attempts:
            return callout
        await asyncio.sleep(0.01)


@pytest.fixture
async def heard(sim: Simulator, wire: Wire, api: Api) -> AsyncIterator[tuple[Receiver, int]]:
    async with receiving() as (receiver, url):
        switch(sim, callouts_to_loopback_http=True, callout_timeout_s=0.2)
        hooked(api, subscribed=(2,), webhookUrl=url, deactivationUrl=url)
        _, answer = await wire.ticket(title="Café & co")
        yield receiver, answer["itemId"]


async def test_call_outs_arrive_signed(sim: Simulator, heard: tuple[Receiver, int]) -> None:
    receiver, ticket = heard
    headers, body = await receiver.heard.get()
    assert json.loads(body)["Id"] == ticket
    assert json.loads(body)["Fields"] == {"Title": "Café & co"}
    assert headers[SIGNATURE] == reference_signature(escaped_form(body)) != reference_signature(body)
    assert headers["Content-Type"].startswith("application/json")
    await until(sim, "delivered", 1)


@pytest.mark.parametrize("status", [500, 302])
async def test_a_refused_call_out_comes_again(
    sim: Simulator, clock: Clock, heard: tuple[Receiver, int], wire: Wire, status: int
) -> None:
    receiver, ticket = heard
    await receiver.heard.get()
    await until(sim, "delivered", 1)
    receiver.status = status
    assert (await wire.api("PATCH", "Tickets", {"id": ticket, "title": "two"}))[0] == 200
    _, first = await receiver.heard.get()
    assert (await until(sim, "waiting", 1)).attempts[0].outcome == str(status)
    receiver.status = 200
    clock.now += 30
    _, second = await receiver.heard.get()
    assert first == second
    await until(sim, "delivered", 2)


async def test_a_receiver_that_hangs_is_given_up(
    sim: Simulator, heard: tuple[Receiver, int], wire: Wire
) -> None:
    receiver, ticket = heard
    await receiver.heard.get()
    receiver.released.clear()
    assert (await wire.api("PATCH", "Tickets", {"id": ticket, "title": "two"}))[0] == 200
    assert (await until(sim, "waiting", 1)).attempts[0].outcome == "The operation has timed out."


async def test_nobody_listening_is_a_failure(sim: Simulator, wire: Wire, api: Api) -> None:
    async with receiving() as (_, url):
        pass
    switch(sim, callouts_to_loopback_http=True)
    hooked(api, webhookUrl=url, deactivationUrl=url)
    await wire.ticket()
    assert "connect" in (await until(sim, "waiting", 1)).attempts[0].outcome.lower()

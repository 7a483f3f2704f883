from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.autotask.answers import (
    CredentialRefused,
    NoAnswer,
    NoRoute,
    ThresholdSpent,
    Unreached,
    WrongVerb,
    judge,
)
from alertd.autotask.client import _page
from alertd.autotask.picklists import read_fields
from alertd.autotask.records import note_facts, ticket_facts
from alertd.autotask.refusals import parts_named, speaks_of_values
from alertd.autotask.udfs import read_udfs
from alertd.autotask.wire import Answer, Lost, NotSent
from alertd.flows.errors import OutcomeUnknown, PortError, Rejected, Throttled, Unavailable

THREADS = (
    "Thread Threshold Exceeded – The Autotask API thread threshold of 3 threads has been exceeded. Method: x"
)
UNEXPECTED = (
    "An unexpected error has occurred. If the problem persists, please contact Autotask Support and "
    "reference Error ID: 12"
)
REFUSALS = [
    "Missing Required Field: title",
    "assignedResourceID, assignedResourceRoleID, and queueID cannot all be empty. Supply a queueID or both.",
    "When assigning a Resource, you must assign both a assignedResourceID and assignedResourceRoleID.",
    "Data violation: This Role (Tech) cannot be used here",
    "Reference value on field: contactID of type: Contact does not exist or is invalid.",
    "Value does not reference an existing entity for companyID .",
    "contactID is not associated to the companyID or its Parent Company",
    "The configurationItemID [12] is not associated with Company [0]",
    "The companyLocationID[1] cannot be associated with the Ticket. The CompanyLocation must belong to it.",
    "Value does not exist for child picklist: subIssueType",
    "Value does not exist for picklist: priority. The value 99 is invalid.",
    "name must be less than or equal to 50 characters",
    "A Tag already exists with Name [alertd]. Tag.label must be unique.",
    "TimeEntries for Tickets must have a roleID.",
    "TimeEntries for Service tickets require a start and stop time.",
    'The startDateTime, endDateTime and isComplete cannot be edited if status is of type "Canceled".',
    "Unexpected character encountered while parsing value: t. Path 'isActive'",
    "The logged in Resource does not have the adequate permissions to create this entity type.",
    "Attachment could not be found.",
    "Unable to find Foo in the Ticket Entity.",
    "Conversion failed when converting the varchar value 'x' to data type int.",
    "maxCountOfRecordsToReturn must be between 1 and 500",
    "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions.",
    "No matching records found. The logged in Resource may not have the required permissions to delete it.",
]


FAULTS = [
    "Value cannot be null.\r\nParameter name: source",
    "Nullable object must have a value.",
    "An item with the same key has already been added.",
    "Transaction was deadlocked on lock resources and has been chosen as the victim. Rerun the transaction.",
    "The record cannot be updated because it is locked by another process. Please try again.",
]


def errors(*texts: str, status: int = 500) -> Answer:
    return Answer(status, json.dumps({"errors": texts}).encode())


def html(status: int) -> Answer:
    return Answer(status, b"<html><body>Not today</body></html>")


@pytest.mark.parametrize("writes", [False, True], ids=["read", "write"])
@pytest.mark.parametrize("text", REFUSALS)
def test_a_known_refusal_is_rejected_with_its_text(text: str, writes: bool) -> None:
    result = judge(errors(text), writes=writes, jitter=0)
    assert type(result) is Rejected
    assert str(result) == text[:256]


@pytest.mark.parametrize(
    ("reply", "read", "write"),
    [
        pytest.param(NotSent("no such name"), Unreached, Unreached, id="never sent"),
        pytest.param(Lost("TimeoutError"), NoAnswer, OutcomeUnknown, id="no answer"),
        pytest.param(errors(UNEXPECTED), Unavailable, OutcomeUnknown, id="unexpected error with an id"),
        *(pytest.param(errors(text), Unavailable, OutcomeUnknown, id=text) for text in FAULTS),
        pytest.param(errors("Who knows"), Unavailable, OutcomeUnknown, id="unknown text"),
        pytest.param(
            errors(REFUSALS[0], UNEXPECTED), Unavailable, OutcomeUnknown, id="refusal beside a fault"
        ),
        pytest.param(errors(), Unavailable, OutcomeUnknown, id="no text at all"),
        pytest.param(html(500), Unavailable, OutcomeUnknown, id="HTML 500"),
        pytest.param(html(502), Unavailable, OutcomeUnknown, id="502"),
        pytest.param(html(503), Unavailable, OutcomeUnknown, id="503"),
        pytest.param(html(504), Unavailable, OutcomeUnknown, id="504"),
        pytest.param(html(302), Unavailable, OutcomeUnknown, id="redirect"),
        pytest.param(html(200), Unavailable, OutcomeUnknown, id="HTML 200"),
        pytest.param(Answer(200, b'{"itemId": 1'), Unavailable, OutcomeUnknown, id="truncated 200"),
        pytest.param(Answer(200, b"[" * 100_000), Unavailable, OutcomeUnknown, id="brackets without end"),
        pytest.param(Answer(200, b"[]"), Unavailable, OutcomeUnknown, id="no object"),
        pytest.param(Answer(408), Unavailable, OutcomeUnknown, id="408"),
        pytest.param(html(404), NoRoute, NoRoute, id="HTML 404"),
        pytest.param(Answer(404, b'{"Message":"No route"}'), NoRoute, NoRoute, id="JSON 404"),
        pytest.param(Answer(405, b'{"Message":"No GET"}'), WrongVerb, WrongVerb, id="405"),
        pytest.param(Answer(403), Unavailable, Unavailable, id="empty 403: perhaps the user is switched off"),
        pytest.param(errors("No right", status=403), Rejected, Rejected, id="403 in Autotask's own words"),
        pytest.param(html(403), Unavailable, Unavailable, id="403 of a proxy"),
        pytest.param(errors("bad", status=400), Rejected, Rejected, id="400 with a text"),
        pytest.param(html(400), Unavailable, OutcomeUnknown, id="400 of a proxy"),
        pytest.param(Answer(413), Rejected, Rejected, id="413"),
        pytest.param(Answer(401), CredentialRefused, CredentialRefused, id="401"),
        pytest.param(
            errors("The IntegrationCode is invalid."),
            CredentialRefused,
            CredentialRefused,
            id="integration code",
        ),
    ],
)
def test_what_to_do_next(
    reply: Answer | Lost | NotSent, read: type[PortError], write: type[PortError]
) -> None:
    assert type(judge(reply, writes=False, jitter=0)) is read
    assert type(judge(reply, writes=True, jitter=0)) is write


@pytest.mark.parametrize(
    ("reply", "kind", "retry_after"),
    [
        pytest.param(errors(THREADS, status=429), Throttled, 1.5, id="threads"),
        pytest.param(errors(THREADS), Throttled, 1.5, id="threads, said with a 500"),
        pytest.param(Answer(429, errors(THREADS).body, "7"), Throttled, 7.5, id="threads with Retry-After"),
        pytest.param(Answer(429, errors(THREADS).body, "0"), Throttled, 1.5, id="threads, at once"),
        pytest.param(Answer(429, b"", "0"), ThresholdSpent, 60.0, id="threshold, at once"),
        pytest.param(Answer(429, b"", "0.1"), ThresholdSpent, 1.0, id="threshold, nearly at once"),
        pytest.param(Answer(429), ThresholdSpent, 60.0, id="threshold"),
        pytest.param(Answer(429, b"", "30"), ThresholdSpent, 30.0, id="threshold with Retry-After"),
        pytest.param(Answer(429, b"", "nan"), ThresholdSpent, 60.0, id="no number"),
        pytest.param(Answer(429, b"", "Thu, 05 Mar 2026 12:00:00 GMT"), ThresholdSpent, 60.0, id="a date"),
        pytest.param(Answer(429, b"", "1e9"), ThresholdSpent, 3600.0, id="no longer than an hour"),
        pytest.param(
            errors("You have exceeded the request threshold of 10,000 requests per 60 minutes."),
            ThresholdSpent,
            60.0,
            id="threshold, said with a 500",
        ),
    ],
)
def test_being_throttled(reply: Answer, kind: type[Throttled], retry_after: float) -> None:
    result = judge(reply, writes=True, jitter=0.5)
    assert type(result) is kind
    assert isinstance(result, Throttled)
    assert result.retry_after == retry_after


def test_a_title_that_a_validation_quotes_closes_no_gate() -> None:
    text = (
        "String value 'Wrong integration code; request threshold' must be less than or equal to 9 characters"
    )
    assert type(judge(errors(text.replace("request ", "")), writes=True, jitter=0)) is Rejected


@pytest.mark.parametrize("body", [b"{}", b'{"itemId":null}', b'{"itemId":"x"}', b'{"item":{}}'])
def test_a_write_without_an_item_id_is_unclear(body: bytes) -> None:
    assert type(judge(Answer(200, body), writes=True, jitter=0)) is OutcomeUnknown


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert judge(Answer(200, b'\xef\xbb\xbf{"itemId":5}'), writes=True, jitter=0) == {"itemId": 5}


GOOD = [
    json.dumps({"items": [{"id": 5, "title": "x", "companyID": 0, "status": 1, "priority": 2, "noteType": 3,
                           "createDate": "2026-03-05T20:55:15.363Z", "userDefinedFields": []}],
                "pageDetails": {"count": 1}}).encode(),
    json.dumps({"fields": [{"name": "status", "isPickList": True, "isReadOnly": False,
                            "picklistValues": [{"value": "1", "label": "New", "isActive": True}]}]}).encode(),
    errors("Missing Required Field: title").body,
]  # fmt: skip


def mutate(body: bytes, chance: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randint(1, 9)]
            case 2:
                changed[at:at] = chance.choice(
                    [b"null", b"[", b"{", b'"', b"-1e999", b"\x00", b"\xff", b"true"]
                )
            case _:
                del changed[at:]
        if not changed:
            break
    return bytes(changed)


def read_all(payload: dict[str, object]) -> None:
    for reader in (lambda: _page(payload), lambda: read_fields(payload), lambda: read_udfs(payload)):
        try:
            found = reader()
        except Unavailable:
            continue
        for row in getattr(found, "rows", ()):
            for facts in (ticket_facts, note_facts):
                try:
                    facts(row)
                except Unavailable:
                    continue


def test_mutated_replies_let_nothing_but_port_errors_out() -> None:
    chance = random.Random(7)
    for _ in range(1000):
        answer = Answer(chance.choice([200, 200, 500, 401, 404, 429]), mutate(chance.choice(GOOD), chance))
        for writes in (False, True):
            result = judge(answer, writes=writes, jitter=0)
            if isinstance(result, dict):
                read_all(result)
            else:
                assert isinstance(result, PortError)


@settings(max_examples=200)
@given(status=st.integers(100, 599), body=st.binary(max_size=200), retry_after=st.text(max_size=20))
def test_any_reply_has_a_verdict(status: int, body: bytes, retry_after: str) -> None:
    result = judge(Answer(status, body, retry_after), writes=True, jitter=0.5)
    assert isinstance(result, dict | PortError)


@pytest.mark.parametrize(
    ("said", "about"),
    [
        (
            "Reference value on field: contactID of type: Contact does not exist or is invalid.",
            {"contact"},
        ),
        ("contactID is not associated to the companyID or its Parent Company", {"contact"}),
        ("The configurationItemID [12] is not associated with Company [0]", {"device"}),
        (
            "The companyLocationID[1] cannot be associated with the Ticket. The CompanyLocation must belong"
            " to the Ticket's, ConfigurationItem's, or the Contact's Company.",
            {"location"},
        ),
        ("Value does not exist for child picklist: subIssueType", {"issue"}),
        ("Value does not exist for picklist: queueID. The value 8 is invalid.", {"queue"}),
        (
            "Reference value on field: companyID of type: Company does not exist or is invalid.",
            {"company"},
        ),
        ("Unable to find Alert Key in the Ticket Entity.", {"user-defined fields"}),
        ("Missing Required Field: purchaseOrderNumber", set()),
        ("There must be less than 50 resources. String value is too long", set()),
    ],
)
def test_a_refusal_of_values_names_what_could_be_left_out(said: str, about: set[str]) -> None:
    assert speaks_of_values(said)
    assert parts_named(said, udfs=["Alert Key"]) == about


@pytest.mark.parametrize(
    "said",
    [
        "The logged in Resource does not have the adequate permissions to create this entity type.",
        "A Tag already exists with Name [x]. Tag.name must be unique.",
        "HTTP 413",
        "",
    ],
)
def test_no_repair_helps_against_other_refusals(said: str) -> None:
    assert not speaks_of_values(said)

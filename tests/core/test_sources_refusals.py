"""What PagerDuty and Opsgenie would refuse, in their words; and the keys that paths make."""

from __future__ import annotations

from typing import Any

import pytest

from alertd.core.reading.details import MOST_LABELS, split_details
from alertd.core.sources import goalert, opsgenie, pagerduty, victorops

PAYLOAD = {"summary": "s", "source": "h", "severity": "Critical"}
TRIGGER = {"event_action": "trigger", "payload": PAYLOAD}
V1 = {"event_type": "trigger", "description": "d"}


@pytest.mark.parametrize("tree", [None, [], "text", {}, {"payload": []}, {"event_action": ["trigger"]}])
def test_anything_that_is_no_event_is_refused(tree: Any) -> None:
    assert pagerduty.faults_v2(tree) == ("'event_action' is missing or blank",)
    assert pagerduty.faults_v1(tree) == ("Event type is missing or blank",)
    assert pagerduty.faults_change(tree) == ("'payload.summary' is missing or blank",)
    assert opsgenie.faults_of(tree) == {"message": "Message can not be empty."}


@pytest.mark.parametrize(
    "tree",
    [
        TRIGGER,
        {**TRIGGER, "event_action": "Trigger"},
        {**TRIGGER, "dedup_key": "k" * 255, "payload": {**PAYLOAD, "summary": "s" * 1024}},
        {"event_action": "resolve", "dedup_key": 7},
        {"event_action": "acknowledge", "dedup_key": "k"},
    ],
)
def test_what_pagerduty_takes(tree: Any) -> None:
    assert pagerduty.faults_v2(tree) == ()


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"event_action": "shout"}, ["'event_action' is invalid"]),
        ({"event_action": "trigger"}, ["'payload' is missing"]),
        ({"event_action": "resolve"}, ["'dedup_key' is missing"]),
        ({**TRIGGER, "dedup_key": "k" * 256}, ["'dedup_key' is too long"]),
        (
            {**TRIGGER, "payload": {"severity": "P1"}},
            ["'payload.summary' is missing", "'payload.source' is missing", "'payload.severity' is invalid"],
        ),
        ({**TRIGGER, "payload": {**PAYLOAD, "severity": ""}}, ["'payload.severity' is missing"]),
        ({**TRIGGER, "payload": {**PAYLOAD, "summary": "s" * 1025}}, ["'payload.summary' is too long"]),
    ],
)
def test_what_pagerduty_refuses(tree: Any, words: list[str]) -> None:
    faults = pagerduty.faults_v2(tree)
    assert len(faults) == len(words)
    assert all(fault.startswith(word) for fault, word in zip(faults, words, strict=True))


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (V1, []),
        ({"event_type": "resolve", "incident_key": "k"}, []),
        ({"event_type": "shout"}, ["Event type is invalid"]),
        ({"event_type": "trigger"}, ["Description is missing"]),
        ({"event_type": "resolve"}, ["Incident key is missing"]),
        ({**V1, "incident_key": "k" * 256}, ["Incident key is too long"]),
        ({**V1, "description": "d" * 1025}, ["Description is too long"]),
    ],
)
def test_what_version_1_refuses(tree: Any, words: list[str]) -> None:
    faults = pagerduty.faults_v1(tree)
    assert len(faults) == len(words)
    assert all(fault.startswith(word) for fault, word in zip(faults, words, strict=True))


def test_what_opsgenie_refuses() -> None:
    assert opsgenie.faults_of({"message": "m", "alias": "a" * 512, "priority": "p1"}) == {}
    assert opsgenie.faults_of({"message": "m", "alias": "a" * 513, "priority": "P9"}).keys() == {
        "alias",
        "priority",
    }


def test_a_key_of_its_own_counts_before_the_one_that_was_made() -> None:
    assert pagerduty.key_of({"dedup_key": "own"}, {pagerduty.NEW_KEY: "made"}) == "own"
    assert pagerduty.key_of({"dedup_key": ""}, {pagerduty.NEW_KEY: "made"}) == "made"
    assert opsgenie.alias_of({}, {opsgenie.NEW_ID: "made"}) == "made"
    assert victorops.entity_of({}, {victorops.NEW_ID: "made"}) == "made"
    assert victorops.entity_of({}, {}) == ""


def test_the_words_that_close() -> None:
    assert goalert.is_close("Close")
    assert not goalert.is_close("")


def test_details_are_labels_if_short_and_text_if_not() -> None:
    details = split_details(
        {
            "a": 1,
            "empty": "",
            "none": None,
            "long": "x" * 257,
            "lines": "1\n2",
            "deep": {"b": 1},
            "list": ["c", "d"],
        }
    )
    assert details.labels == {"a": "1", "list": "c, d"}
    assert details.text == f'long: {"x" * 257}\nlines: 1\n2\ndeep: {{"b":1}}'


def test_there_are_only_so_many_labels() -> None:
    details = split_details({f"n{number}": number for number in range(MOST_LABELS + 2)} | {"k" * 300: "v"})
    assert len(details.labels) == MOST_LABELS
    assert details.text.count("\n") == 2

"""Healthchecks (healthchecks.io and self-hosted): the body or the query that its webhook's template makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from alertd.core.alerts import Status
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import object_in, paragraphs, text_in, texts_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.tags import client_of, labels_of
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet, Template

_STATES = {"down": Status.FIRING, "up": Status.CLEARED}
_TEST_NAME = "TEST"  # of the check that the test button makes up
_FIELDS = (
    *("schema", "code", "uuid", "unique_key", "status", "name", "slug", "tags", "now", "exit", "body"),
    *("desc", "severity", "client", "url", "last_ping"),
)

SHEET = Sheet(
    product="Healthchecks",
    summary="Reads the webhook of healthchecks.io or your own Healthchecks, by our template or `$JSON`.",
    alertname="`name`",
    title="`name`",
    host="`host`, from a tag `host=…`",
    client="a tag `client=…`, `customer=…` or the like",
    problem="`code`, with `$JSON` `uuid`; where it is missing `slug` and `name`",
    clears="`status` up",
    tokens=("header", "url"),
    steps=(
        "In Healthchecks open Integrations and add a Webhook.",
        "For both down and up choose POST, this address, and the request headers and body below: {{url}}",
        "Leave neither address empty: an empty one for up means that no ticket is ever completed.",
        "Assign the integration to the checks that alertd should hear of.",
    ),
    templates=(
        Template(
            title="Request headers, for down and for up",
            text="Authorization: Bearer {{token}}\nContent-Type: application/json\n",
            language="text",
        ),
        Template(
            title="Request body, for down and for up",
            text="""{"schema": "alertd.healthchecks/1", "code": "$CODE", "status": "$STATUS",
 "name": $NAME_JSON, "slug": "$SLUG", "tags": "$TAGS", "now": "$NOW", "exit": "$EXITSTATUS"}
""",
        ),
        Template(
            title="Address for GET, where no body can be sent",
            text="{{url}}?token={{token}}&code=$CODE&status=$STATUS&name=$NAME&slug=$SLUG&tags=$TAGS&now=$NOW\n",
            language="text",
        ),
    ),
    severities=(("none; a tag `severity=…`", "as there, else `severity` of the source"),),
    states=(("down", "fires"), ("up", "clears"), ("the check named TEST", "ignored: the test button")),
    labels=(
        ("tags", "all tags, separated by spaces"),
        ("every tag `name=value` or `name:value`", "its value"),
        ("slug", "the check's"),
    ),
    notes=(
        "A check names no customer: tag it `client=…`, or use one address each with `?client=…`.",
        "Healthchecks says nothing when a new or paused check comes up.",
        "With `$JSON` as body the addresses to ping and to change the check are never stored.",
    ),
)


class HealthchecksSettings(SenderSettings):
    """`[[sources]]` with `kind = "healthchecks"`."""

    kind: Literal["healthchecks"]


def _event(item: dict[str, Tree], payload: Payload, settings: HealthchecksSettings) -> Event:
    fields = {**dict(payload.body.query), **object_in(item, "check"), **item}
    name, word = text_in(fields, "name", "slug"), text_in(fields, "status")
    if not (name or word or text_in(fields, "code", "uuid", "unique_key")):
        raise Unreadable(
            "shape", "neither code nor name nor status: use the template of `alertd sources show`"
        )
    status = _STATES.get(word.lower())
    tags = labels_of(_tags(fields))
    at = instant(fields.get("now")) or (
        instant(fields.get("last_ping")) if status is Status.CLEARED else None
    )
    is_test = name == _TEST_NAME and status is not Status.CLEARED
    return Event(
        key=_key(fields),
        status=Status.IGNORED if is_test else status or Status.FIRING,
        unknown_status="" if status else word,
        alertname=name,
        title=name,
        description=_description(fields),
        url=text_in(fields, "url"),
        host=tags.get("host", ""),
        client=client_of(tags),
        severity=text_in(fields, "severity") or tags.get("severity", ""),
        labels={**tags, "tags": " ".join(_words(fields)), "slug": text_in(fields, "slug")},
        annotations={"ignored": "test message"} if is_test else {},
        starts_at=at if status is not Status.CLEARED else None,
        ends_at=at,
    )


def _key(fields: dict[str, Tree]) -> tuple[str, ...]:
    code = text_in(fields, "code", "uuid", "unique_key")
    return (code,) if code else (text_in(fields, "slug"), text_in(fields, "name"))


def _words(fields: dict[str, Tree]) -> list[str]:
    return [word for text in texts_in(fields, "tags") for word in text.split()]


def _tags(fields: dict[str, Tree]) -> Iterator[tuple[str, str]]:
    for word in _words(fields):
        separator = "=" if "=" in word else ":"
        name, found, value = word.partition(separator)
        if found and name and value and not value.startswith("//"):
            yield name, value


def _description(fields: dict[str, Tree]) -> str:
    code = text_in(fields, "exit")
    said = f"Exit status: {code}" if code else ""
    return paragraphs(text_in(fields, "desc"), said, text_in(fields, "body"))


KIND = sender_kind(HealthchecksSettings, _event, SHEET, fields=_FIELDS, takes_queries=True)

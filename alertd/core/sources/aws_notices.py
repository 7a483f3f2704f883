"""What AWS services other than CloudWatch alarms publish to a topic: JSON of many shapes, and plain text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

import msgspec

from alertd.core.alerts import Status
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import lines_of, list_in, object_in, paragraphs, text_in, texts_in
from alertd.core.reading.trees import Tree

_TESTS = frozenset({"autoscaling:TEST_NOTIFICATION", "s3:TestEvent"})
# GuardDuty counts from 1 to 10: critical from 9, high from 7, medium from 4.
_GUARDDUTY = ((9.0, "critical"), (7.0, "high"), (4.0, "warning"), (0.0, "low"))


class Notice(msgspec.Struct, frozen=True):
    """What was published to a topic. `fields` is empty where the text is not a JSON object."""

    topic: str  # ARN; empty if delivered without its envelope
    subject: str
    text: str
    fields: dict[str, Tree]
    sent_at: datetime | None


def region_of(arn: str) -> str:
    """Return the region of an ARN; empty if it has none."""
    return _part_of(arn, 3)


def account_of(arn: str) -> str:
    """Return the account number of an ARN; empty if it has none."""
    return _part_of(arn, 4)


def _part_of(arn: str, index: int) -> str:
    parts = arn.split(":", 5)
    return parts[index] if len(parts) == 6 and parts[0] == "arn" else ""


def place(topic: str, account: str, region: str) -> Mapping[str, str]:
    """Return the labels that say where in AWS something is; what is unknown is as with the topic."""
    return {
        "account_id": account or account_of(topic),
        "region": region or region_of(topic),
        "topic": topic.rpartition(":")[2],
    }


def event_of(notice: Notice) -> Event:
    """Return what a notice says. None of these services says when it is over, save AWS Health."""
    fields = notice.fields
    if text_in(fields, "Event") in _TESTS:
        return _test(notice)
    if text_in(fields, "detail-type"):
        return _from_event_bridge(notice)
    if text_in(fields, "Event Message") or text_in(fields, "Event ID"):
        return _from_rds(notice)
    return _from_text(notice)


def _test(notice: Notice) -> Event:
    name = text_in(notice.fields, "Event")
    return Event(
        key=(notice.topic, name),
        status=Status.IGNORED,
        alertname=name,
        annotations={"ignored": "test message"},
        labels=place(notice.topic, "", ""),
    )


def _from_event_bridge(notice: Notice) -> Event:
    """Read an event of EventBridge. Its `id` is new each time; `resources` say what it is about."""
    fields, detail = notice.fields, object_in(notice.fields, "detail")
    name, account = text_in(fields, "detail-type"), text_in(fields, "account")
    labels = place(notice.topic, account, text_in(fields, "region"))
    at = instant(fields.get("time")) or notice.sent_at
    status, is_one_shot = _health(detail)
    resources = texts_in(fields, "resources")
    return Event(
        key=(*_event_bridge_key(fields, detail, resources), labels["account_id"], labels["region"]),
        status=status,
        alertname=text_in(detail, "type", "eventTypeCode") or name,
        title=text_in(detail, "title", "eventTypeCode") or notice.subject or name,
        description=paragraphs(text_in(detail, "description"), _health_text(detail), lines_of(detail)),
        host=_last_part(resources[0]) if resources else "",
        client_id=labels["account_id"],
        severity=_event_bridge_severity(detail),
        labels={**labels, "aws_source": text_in(fields, "source"), "resources": ", ".join(resources)},
        starts_at=at if status is Status.FIRING else None,
        ends_at=at,
        is_one_shot=is_one_shot,
    )


def _event_bridge_key(
    fields: dict[str, Tree], detail: dict[str, Tree], resources: list[str]
) -> tuple[str, ...]:
    if known := text_in(detail, "eventArn", "arn"):  # AWS Health; GuardDuty
        return ("event", known)
    what = sorted(resources) or [_digest(detail)]
    return ("event", text_in(fields, "source"), text_in(fields, "detail-type"), *what)


def _health(detail: dict[str, Tree]) -> tuple[Status, bool]:
    """Return the state, and whether no end will be told: only issues in AWS Health are closed."""
    if not text_in(detail, "eventArn"):
        return Status.FIRING, True
    if text_in(detail, "statusCode").lower() == "closed":
        return Status.CLEARED, False
    return Status.FIRING, text_in(detail, "eventTypeCategory") != "issue"


def _health_text(detail: dict[str, Tree]) -> str:
    return paragraphs(*(text_in(each, "latestDescription") for each in list_in(detail, "eventDescription")))


def _event_bridge_severity(detail: dict[str, Tree]) -> str:
    severity = detail.get("severity")
    if isinstance(severity, (int, float)) and not isinstance(severity, bool):
        return next((name for least, name in _GUARDDUTY if severity >= least), "")
    return text_in(detail, "severity")


def _from_rds(notice: Notice) -> Event:
    fields = notice.fields
    arn, name = text_in(fields, "Source ARN"), text_in(fields, "Source ID")
    number = text_in(fields, "Event ID").rpartition("#")[2]
    labels = place(notice.topic, account_of(arn), region_of(arn))
    return Event(
        key=("rds", arn or name, number),
        status=Status.FIRING,
        alertname=number or notice.subject,
        title=text_in(fields, "Event Message") or notice.subject,
        description=lines_of(fields, without=("Tags",)),
        url=text_in(fields, "Identifier Link"),
        host=name,
        client_id=labels["account_id"],
        labels={**labels, "aws_source": text_in(fields, "Event Source")},
        starts_at=instant(fields.get("Event Time")) or notice.sent_at,
        is_one_shot=True,
    )


def _from_text(notice: Notice) -> Event:
    """Read anything else. Nobody knows what in it is the problem: the same text again is the same problem."""
    labels = place(notice.topic, "", "")
    title = notice.subject or text_in(notice.fields, "title", "Description", "message", "Event")
    return Event(
        key=(notice.topic, notice.subject, _digest(notice.fields or notice.text)),
        status=Status.FIRING,
        alertname=notice.subject,
        title=title or notice.text.strip().partition("\n")[0],
        description=lines_of(notice.fields) if notice.fields else notice.text,
        client_id=labels["account_id"],
        labels=labels,
        starts_at=notice.sent_at,
        is_one_shot=True,
    )


def _digest(content: Tree) -> str:
    if not content:
        return ""
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _last_part(arn: str) -> str:
    return arn.rpartition(":")[2].rpartition("/")[2]

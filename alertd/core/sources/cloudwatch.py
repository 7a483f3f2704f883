"""AWS CloudWatch: alarms published to an SNS topic, and whatever else of AWS is published there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from urllib.parse import quote

from pydantic import Field, model_validator

from alertd.core.alerts import Status
from alertd.core.reading import json_repair
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.fields import text_of
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import list_in, object_in, paragraphs, text_in, texts_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.signatures import Scheme, Signing, Sns
from alertd.core.reading.signing import Signs
from alertd.core.reading.tags import labels_of
from alertd.core.reading.trees import Tree, normalised
from alertd.core.sources import aws_notices
from alertd.core.sources.aws_notices import Notice, account_of, region_of
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet

NOTIFICATION, SUBSCRIPTION, UNSUBSCRIPTION = (  # `Type` of an envelope
    "Notification",
    "SubscriptionConfirmation",
    "UnsubscribeConfirmation",
)
NO_DATA = "INSUFFICIENT_DATA"
_STATES = {"ALARM": Status.FIRING, "OK": Status.CLEARED}
_NO_DATA_MEANS = {"keep": Status.UPDATED, "fires": Status.FIRING, "clears": Status.CLEARED}
# Dimensions that name a machine or a service, the first of these an alarm has; else its first dimension.
_HOSTS = (
    *("host", "Host", "HostName", "hostname", "ComputerName", "InstanceId", "DBInstanceIdentifier"),
    *("DBClusterIdentifier", "CacheClusterId", "FunctionName", "LoadBalancer", "AutoScalingGroupName"),
    *("WorkspaceId", "VpnId", "NatGatewayId", "FileSystemId", "QueueName", "TableName", "BucketName"),
    *("ServiceName", "ClusterName", "VolumeId"),
)
_CONSOLES = {"aws-cn": "amazonaws.cn", "aws-us-gov": "amazonaws-us-gov.com"}

SHEET = Sheet(
    product="AWS CloudWatch through SNS",
    summary="Reads alarms, and other notifications of AWS, that an SNS topic delivers over HTTPS.",
    alertname="`AlarmName`; of other services the event's type, or the subject",
    title="`AlarmName`; of other services their title, or the subject",
    host="the dimension that names a machine (`InstanceId`, …), else the first dimension",
    client="`AWSAccountId` through `clients`",
    problem="`AlarmArn`; where it is missing account, region and `AlarmName`",
    clears="`NewStateValue` OK, if the topic is among the alarm's OK actions",
    tokens=("signature", "basic", "url"),
    steps=(
        'List the topic\'s ARN in the source: `topics = ["arn:aws:sns:…"]`.',
        "In SNS open the topic and create a subscription of protocol HTTPS to this address: {{url}}",
        "Leave raw message delivery off: it drops the signature.",
        "With `confirm = true` alertd confirms the subscription; its receipt tells what came of it.",
        "In every alarm name the topic for In alarm and for OK; without OK no ticket is completed.",
    ),
    severities=(
        ("none", "`severity` of the source"),
        ("GuardDuty 9 and above, 7, 4, below", "critical, high, warning, low"),
    ),
    states=(
        ("ALARM", "fires"),
        ("OK", "clears"),
        ("INSUFFICIENT_DATA", "as `insufficient_data` says: by default it is told in the next note"),
        ("AWS Health `closed`", "clears"),
        ("SubscriptionConfirmation, UnsubscribeConfirmation", "ignored, with the reason"),
    ),
    labels=(
        ("account_id, region, topic", "where it comes from"),
        ("every dimension", "its value"),
        ("namespace, metric", "of a metric alarm"),
        ("aws_source, resources", "of other services' events"),
        ("client_id", "the account number"),
    ),
    keys=(
        (
            "topics",
            "ARNs of the topics that may deliver here, by Amazon's signature alone; none: the token too",
        ),
        ("signature", '`"on"`, or `"off"` for relays that drop it'),
        ("confirm", "whether alertd confirms subscriptions of `topics` by itself"),
        ("insufficient_data", '`"keep"` what was, `"fires"` or `"clears"`'),
    ),
    notes=(
        "An alarm names no severity: make one source for each topic, or match `alertname` in a route.",
        "Other services never say when it is over, save AWS Health: their alerts expire.",
        "A text that is not JSON is one alert for each different text.",
    ),
)


class CloudwatchSettings(SenderSettings, Signs):
    """`[[sources]]` with `kind = "cloudwatch"`."""

    kind: Literal["cloudwatch"]
    topics: list[
        Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$")]
    ] = Field(default_factory=list)
    signature: Literal["on", "off"] = "on"
    confirm: bool = False
    insufficient_data: Literal["keep", "fires", "clears"] = "keep"

    @model_validator(mode="after")
    def _confirms_what_is_proven(self) -> Self:
        if self.confirm and (self.signature == "off" or not self.topics):
            raise ValueError('confirm = true needs signature = "on", and the topics that it is for')
        return self

    def signing_by(self, scheme: Scheme) -> Signing | None:
        """Return which topics are believed; None: Amazon's signature is not looked at."""
        if self.signature == "off":
            return None
        return Signing(scheme=Sns(topics=frozenset(self.topics), confirm=self.confirm))


def _event(item: dict[str, Tree], payload: Payload, settings: CloudwatchSettings) -> Event:
    if text_in(item, "Type") in (SUBSCRIPTION, UNSUBSCRIPTION):
        return _handshake(item, settings)
    notice = _notice(item)
    if text_in(notice.fields, "AlarmName") and text_in(notice.fields, "NewStateValue", "AlarmArn"):
        return _alarm(notice, settings)
    if text_in(object_in(notice.fields, "detail"), "alarmName"):
        return _alarm(_as_alarm(notice), settings)
    return aws_notices.event_of(notice)


def _handshake(item: dict[str, Tree], settings: CloudwatchSettings) -> Event:
    topic, word = text_in(item, "TopicArn"), text_in(item, "Type")
    return Event(
        key=(topic, word),
        status=Status.IGNORED,
        alertname=word,
        title=f"{word} of {topic}",
        client_id=account_of(topic),
        labels=aws_notices.place(topic, "", ""),
        annotations={"ignored": _handshake_text(word, topic, settings)},
    )


def _handshake_text(word: str, topic: str, settings: CloudwatchSettings) -> str:
    if word == UNSUBSCRIPTION:
        return f"a subscription of topic {topic} has been removed: nothing more will come of it"
    if settings.confirm and topic in settings.topics:
        return f"subscription confirmation of topic {topic}"
    return (
        f"subscription confirmation of topic {topic}: list the topic in `topics`, set `confirm = true`, "
        "reload, and choose Request confirmation in SNS"
    )


def _notice(item: dict[str, Tree]) -> Notice:
    """Return what is in the envelope; without one (raw delivery) the item itself.

    Raises:
        Unreadable: It is an envelope with nothing in it.
    """
    if "Message" not in item:
        if "TopicArn" in item:
            raise Unreadable("shape", "an SNS envelope without a Message")
        return Notice("", "", "", item, None)
    message = item["Message"]
    return Notice(
        topic=text_in(item, "TopicArn"),
        subject=text_in(item, "Subject"),
        text=text_of(message),
        fields=message if isinstance(message, dict) else _fields(text_of(message)),
        sent_at=instant(item.get("Timestamp")),
    )


def _fields(text: str) -> dict[str, Tree]:
    """Return the object that a message holds as text; empty: it holds none."""
    if not text.startswith("{"):
        return {}
    try:
        tree = normalised(json_repair.decode(text.encode("utf-8", "replace")))
    except Unreadable:
        return {}
    return tree if isinstance(tree, dict) else {}


def _as_alarm(notice: Notice) -> Notice:
    """Return an alarm that came by EventBridge as CloudWatch itself would have sent it."""
    event, detail = notice.fields, object_in(notice.fields, "detail")
    state, configuration = object_in(detail, "state"), object_in(detail, "configuration")
    alarm = {
        "AlarmName": text_in(detail, "alarmName"),
        "AlarmArn": next(iter(texts_in(event, "resources")), ""),
        "AWSAccountId": text_in(event, "account"),
        "AlarmDescription": text_in(configuration, "description"),
        "NewStateValue": text_in(state, "value"),
        "NewStateReason": text_in(state, "reason"),
        "StateChangeTime": text_in(state, "timestamp") or text_in(event, "time"),
        "Trigger": {"Metrics": [_as_metric(each) for each in list_in(configuration, "metrics")]},
    }
    return Notice(notice.topic, notice.subject, notice.text, alarm, notice.sent_at)


def _as_metric(item: Tree) -> Tree:
    metric = object_in(object_in(item, "metricStat"), "metric")
    dimensions = object_in(metric, "dimensions")
    return {
        "MetricStat": {
            "Metric": {
                "MetricName": text_in(metric, "name"),
                "Namespace": text_in(metric, "namespace"),
                "Dimensions": [{"name": name, "value": dimensions[name]} for name in dimensions],
            }
        }
    }


def _alarm(notice: Notice, settings: CloudwatchSettings) -> Event:
    alarm = notice.fields
    name, arn = text_in(alarm, "AlarmName"), text_in(alarm, "AlarmArn")
    where = aws_notices.place(notice.topic, text_in(alarm, "AWSAccountId") or account_of(arn), region_of(arn))
    word = text_in(alarm, "NewStateValue")
    status = _state(word, settings)
    metric = _metric(object_in(alarm, "Trigger"))
    dimensions = dict(_dimensions(metric))
    at = instant(alarm.get("StateChangeTime")) or notice.sent_at
    return Event(
        key=(arn,) if arn else (where["account_id"], where["region"], name),
        status=status or Status.FIRING,
        unknown_status="" if status else word,
        alertname=name,
        title=name,
        description=paragraphs(text_in(alarm, "AlarmDescription"), text_in(alarm, "NewStateReason")),
        url=_link(arn, where["region"], name),
        host=_host(dimensions),
        client_id=where["account_id"],
        labels={**labels_of(dimensions.items()), **_metric_labels(metric), **where},
        annotations={"update": _no_data(alarm)} if status is Status.UPDATED else {},
        starts_at=at if status is not Status.CLEARED else None,
        ends_at=at,
    )


def _state(word: str, settings: CloudwatchSettings) -> Status | None:
    word = word.upper()
    return _NO_DATA_MEANS[settings.insufficient_data] if word == NO_DATA else _STATES.get(word)


def _no_data(alarm: dict[str, Tree]) -> str:
    return paragraphs("the alarm has too little data (INSUFFICIENT_DATA)", text_in(alarm, "NewStateReason"))


def _metric(trigger: dict[str, Tree]) -> dict[str, Tree]:
    """Return the metric of an alarm: its trigger, or the first of an expression; a composite one has none."""
    if trigger.get("Dimensions") or not trigger.get("Metrics"):
        return trigger
    metrics = (object_in(object_in(each, "MetricStat"), "Metric") for each in list_in(trigger, "Metrics"))
    return next((metric for metric in metrics if metric), {})


def _dimensions(metric: dict[str, Tree]) -> Iterator[tuple[str, str]]:
    for each in list_in(metric, "Dimensions"):
        name, value = text_in(each, "name", "Name"), text_in(each, "value", "Value")
        if name and value:
            yield name, value


def _metric_labels(metric: dict[str, Tree]) -> dict[str, str]:
    return {"namespace": text_in(metric, "Namespace"), "metric": text_in(metric, "MetricName")}


def _host(dimensions: dict[str, str]) -> str:
    known = next((dimensions[name] for name in _HOSTS if name in dimensions), "")
    return known or next(iter(dimensions.values()), "")


def _link(arn: str, region: str, name: str) -> str:
    if not region:
        return ""
    partition = arn.split(":")[1] if arn.startswith("arn:") else "aws"
    console = _CONSOLES.get(partition, "aws.amazon.com")
    home = f"https://{region}.console.{console}/cloudwatch/home?region={region}"
    return f"{home}#alarmsV2:alarm/{quote(name, safe='', errors='replace')}"


KIND = sender_kind(CloudwatchSettings, _event, SHEET).signed(Sns())

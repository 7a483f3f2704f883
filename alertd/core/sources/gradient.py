"""Gradient (Synthesize): the alerts of its vendor API, sent by clients that were written for it.

No client of it says when a problem is over, and most give every message an id of its own: what a message says
identifies the problem. Times and amounts are left out of that, since they differ from one to the next.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Literal

from pydantic import PositiveInt

from alertd.core.alerts import Severity, Status
from alertd.core.identity import group_fingerprint
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.fields import text_of
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet

ACCOUNT, ACCOUNT_NAME, SERVICE_NAME = "account", "account_name", "service_name"  # what the path says

_FIELDS = ("title", "description", "alertId", "priority", "status", "dueDateTime", "serviceId")
_PRIORITIES = {
    "0": Severity.LOW,  # one client counts from 0
    "1": Severity.LOW,
    "2": Severity.WARNING,
    "medium": Severity.WARNING,
    "3": Severity.HIGH,
    "4": Severity.CRITICAL,
    "very_high": Severity.CRITICAL,
    "very high": Severity.CRITICAL,
}
_WHOLE = re.compile(r"([+-]?\d+)\.0+")
_COUNTED = (
    r"percent|[kmgtp]i?b|bytes|ms|s|sec|secs|seconds?|min|mins|minutes?|h|hrs?|hours?|d|days?|weeks?|months?"
    r"|times|attempts?|alerts?|items?|users?|devices?|licen[cs]es?|seats?|jobs?|errors?|warnings?|events?|files?"
)
_VALUES = re.compile(
    r"\b\d{4}-\d{1,2}-\d{1,2}(?:[t ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?(?: ?(?:z|[+-]\d{2}:?\d{2})\b)?"
    r"|(?<![\d.])\d{1,2}([/.])\d{1,2}\1\d{2,4}\b(?!\.\d)"  # dates of all countries, and no address
    r"|\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[ap]m\b)?(?: ?(?:z|utc|gmt)\b)?"
    # bounded, so that a long row of numbers is not read again from each of them
    rf"|(?<![\w.-])\d++(?:[.,]\d++){{0,8}}+(?=\s?(?:%|°|(?:{_COUNTED})\b))",
    re.IGNORECASE,
)
_BLANK = re.compile(r"\s+")
_LONGEST_NAME = 200

SHEET = Sheet(
    product="Gradient MSP (Synthesize, Reconcile)",
    summary="Takes what clients send to Gradient's vendor API: alerts here, and unit counts for billing.",
    alertname="`title` without dates, times and amounts",
    title="`title`",
    host="nothing: the API has no field for it",
    client="name of the account, or its id through `clients`",
    problem="account, `serviceId`, and `title` and `description` without dates, times and amounts; "
    "with `lasting_alert_ids`, account and `alertId`",
    clears="",
    on_expiry="close",
    tokens=("header",),
    header="`GRADIENT-TOKEN`, in which clients put both keys in base64",
    path="/api/vendor-api/alerting/{accountId}",
    steps=(
        "Make up a vendor key and a partner key, and write them as one line, `vendor-key:partner-key`, into "
        "the file that the source's token names; `alertd token new` does it.",
        "Give both keys to the client where it asks for Gradient's: it sends them as GRADIENT-TOKEN.",
        "Point the client at alertd: its base address is that of [server] with /api behind it. Most clients "
        "have Gradient's address in one line of their text; see docs/gradient.md.",
    ),
    severities=(
        ("0, 1 low, or none", "low"),
        ("2 medium", "warning"),
        ("3 high", "high"),
        ("4 very high", "critical"),
    ),
    states=(("every message", "fires"),),
    labels=(
        ("service", "`serviceId`: route by it to put each service's alerts on its own board"),
        ("service_name", "name of that service, where the client has made it"),
        ("status", "`status`, 1 to 6, as sent; 0 counts as 1"),
        ("client_id", "id of the account"),
    ),
    keys=(
        ("lasting_alert_ids", "true for a vendor who sends one problem under one alertId each time"),
        (
            "strict_accounts",
            "true to answer 404 to alerts for accounts that were not made before, as Gradient",
        ),
        ("requests_per_second", "beyond which requests are answered with 429; 100"),
    ),
    notes=(
        "Gradient's API has no all-clear. A problem that is not sent again for `expire_after` (24h) is taken "
        'for over and its ticket is completed; `on_expiry = "note"` leaves it open.',
        "Messages with one title for one account share a ticket; a text that says more is added to it.",
    ),
)


class GradientSettings(SenderSettings):
    """`[[sources]]` with `kind = "gradient"`. Its token is `vendor-key:partner-key`."""

    kind: Literal["gradient"]
    lasting_alert_ids: bool = False
    strict_accounts: bool = False
    requests_per_second: PositiveInt = 100


def without_values(text: str) -> str:
    """Return a text without what differs each time its sender says the same: times and amounts.

    What may be part of a name stays (`SRV-02`, `port 443`, a serial number): to take two problems for one is
    worse than to take one for two.
    """
    return _BLANK.sub(" ", _VALUES.sub("#", text)).strip()


def _event(item: dict[str, Tree], payload: Payload, settings: GradientSettings) -> Event:
    path = dict(payload.body.query)
    account = path.get(ACCOUNT, "") or text_of(item.get("accountId"))
    description, alert_id, service = (
        text_of(item.get(name)) for name in ("description", "alertId", "serviceId")
    )
    title = text_of(item.get("title")) or description.partition("\n")[0][:_LONGEST_NAME]
    if not (title or alert_id):
        raise Unreadable("shape", "neither title, description nor alertId is in it")
    name = without_values(title)[:_LONGEST_NAME]
    by_id = alert_id and (settings.lasting_alert_ids or not title)
    status = _number(item.get("status"))
    return Event(
        key=("id", account, alert_id) if by_id else ("", account, service, *_content(title, description)),
        status=Status.FIRING,
        alertname=name or alert_id,
        title=title,
        description=description,
        client=path.get(ACCOUNT_NAME, ""),
        client_id=account,
        severity=_number(item.get("priority")) or "1",  # the API's own default
        labels={
            "service": service,
            "service_name": path.get(SERVICE_NAME, ""),
            "status": "1" if status == "0" else status,
        },
        annotations={"alert_id": alert_id, "due": text_of(item.get("dueDateTime"))},
    )


def _content(title: str, description: str) -> tuple[str, str]:
    """Return what identifies a message by what it says; of the description, which may be long, a hash."""
    return without_values(title).casefold(), group_fingerprint((without_values(description).casefold(),))


def _number(value: Tree) -> str:
    text = text_of(value)
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


KIND = sender_kind(
    GradientSettings,
    _event,
    SHEET,
    severities=MappingProxyType(_PRIORITIES),
    fields=_FIELDS,
)

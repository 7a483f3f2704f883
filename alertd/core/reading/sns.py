"""Messages of Amazon SNS: the text that is signed, and the addresses that may be asked because of one.

Source: Amazon SNS, "Verifying the signatures of Amazon SNS messages". Two things are stricter here, since a
stranger chooses what comes: an address has one form and no other, and no field may stand there twice, so that
what has been verified is what is read afterwards.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from alertd.core.reading.instants import instant
from alertd.core.reading.signatures import MOST_ID, BadSignature

SUBSCRIPTION = "SubscriptionConfirmation"
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": _NOTIFICATION,
    SUBSCRIPTION: _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_OPTIONAL = frozenset({"Subject"})
_HOST = r"https://sns\.[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}\.amazonaws\.com(?:\.cn)?(?::443)?"
_CERTIFICATE = re.compile(_HOST + r"/[A-Za-z0-9_-]{1,200}\.pem")
_SUBSCRIBE = re.compile(_HOST + r"/\?([A-Za-z0-9=&:%._~+-]{1,4000})")
_TOPIC = re.compile(r"arn:aws[a-z-]{0,20}:sns:[a-z0-9-]{1,40}:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")

SignatureVersion: TypeAlias = Literal["1", "2"]  # RSA with SHA-1, with SHA-256


class SnsMessage(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope as it came. Nothing of it is proven yet."""

    type: str
    message_id: str
    topic: str  # ARN
    text: bytes  # what is signed
    signature: bytes
    version: SignatureVersion
    certificate_url: str  # in Amazon's form
    token: str = ""
    subscribe_url: str = ""  # as it came: see `subscribe_url`
    sent_at: datetime | None = None


def read_envelope(body: bytes) -> SnsMessage:
    """Read an envelope.

    Raises:
        BadSignature: It is none, carries no signature, or names a certificate elsewhere than at Amazon.
    """
    fields = _fields(body)
    kind = fields.get("Type", "")
    if kind not in _SIGNED:
        raise BadSignature("unsigned", "the body is no envelope of SNS")
    text = signed_text(fields, _SIGNED[kind])
    version = fields.get("SignatureVersion")
    if version not in ("1", "2"):
        raise BadSignature("unsigned", "SignatureVersion is neither 1 nor 2")
    message_id = fields["MessageId"]
    if not message_id.isascii() or not 0 < len(message_id) <= MOST_ID:
        raise BadSignature("unsigned", "MessageId is no id")
    return SnsMessage(
        type=kind,
        message_id=message_id,
        topic=fields["TopicArn"],
        text=text,
        signature=_signature(fields.get("Signature", "")),
        version="1" if version == "1" else "2",
        certificate_url=_certificate_url(fields.get("SigningCertURL", fields.get("SigningCertUrl", ""))),
        token=fields.get("Token", ""),
        subscribe_url=fields.get("SubscribeURL", ""),
        sent_at=instant(fields["Timestamp"]),
    )


def signed_text(fields: Mapping[str, str], names: tuple[str, ...]) -> bytes:
    """Return the text that is signed: names and values, a line each, in the order of `names`.

    Raises:
        BadSignature: A field is missing.
    """
    lines = []
    for name in names:
        value = fields.get(name)
        if value is not None:
            lines += [name, value]
        elif name not in _OPTIONAL:
            raise BadSignature("unsigned", f"the field {name} is missing")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def subscribe_url(message: SnsMessage) -> str:
    """Return the address that confirms the subscription, if it is Amazon's own and does nothing else.

    Raises:
        BadSignature: It is not.
    """
    found = _SUBSCRIBE.fullmatch(message.subscribe_url)
    asked = sorted(parse_qsl(found[1])) if found else []
    wanted = [("Action", "ConfirmSubscription"), ("Token", message.token), ("TopicArn", message.topic)]
    if asked != wanted:
        raise BadSignature("certificate", "SubscribeURL is not an address of Amazon SNS for this topic")
    return message.subscribe_url


def shown_topic(topic: str) -> str:
    """Return a topic's ARN for logs; what has not the form of one stays out of them."""
    return topic if _TOPIC.fullmatch(topic) else "one that is no ARN"


def _certificate_url(url: str) -> str:
    if _CERTIFICATE.fullmatch(url) is None:
        raise BadSignature("certificate", "SigningCertURL is not an address of Amazon SNS")
    return url


def _signature(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _fields(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise BadSignature("unsigned", "the body is no envelope of SNS") from None
    if not isinstance(found, dict):
        raise BadSignature("unsigned", "the body is no envelope of SNS")
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field stands there twice")
    return found

"""An Amazon SNS of our own: a made-up certificate, envelopes signed with it, and its pages."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from alertd.core.reading.sns import _SIGNED, signed_text
from alertd.intake.fetching import Fetched, FetchFailed

HOST = "sns.eu-central-1.amazonaws.com"
CERTIFICATE_URL = f"https://{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:msp-alarms"
TOKEN = (
    "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92768dd60a747ba6f3beb71854e285d6ad02428b"
)
SUBSCRIBE_URL = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={TOKEN}"
ARN = TOPIC + ":2bcfbf39-05c3-41de-beaa-fcfcc21c8f55"
CONFIRMED = f"""<ConfirmSubscriptionResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
<ConfirmSubscriptionResult><SubscriptionArn>{ARN}</SubscriptionArn></ConfirmSubscriptionResult>
</ConfirmSubscriptionResponse>""".encode()
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)
CURVE = ec.generate_private_key(ec.SECP256R1())


def certificate(key: Any = KEY, *, begins: datetime = NOW - timedelta(days=30), days: int = 90) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .sign(STRANGER, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def envelope(
    kind: str = "Notification", *, version: str = "1", key: rsa.RSAPrivateKey = KEY, **more: Any
) -> dict[str, Any]:
    """Return an envelope as SNS signs it; `more` replaces fields before that, None takes them out."""
    fields: dict[str, Any] = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": json.dumps({"AlarmName": "nw-fs02-cpu", "NewStateValue": "ALARM", "text": "a\nb ü"}),
        "Timestamp": "2026-11-23T11:59:58.134Z",
    }
    if kind == "Notification":
        fields["Subject"] = 'ALARM: "nw-fs02-cpu"'
    else:
        fields |= {"Token": TOKEN, "SubscribeURL": SUBSCRIBE_URL}
    fields = {name: value for name, value in (fields | more).items() if value is not None}
    signed = key.sign(
        signed_text(fields, _SIGNED[kind]),
        padding.PKCS1v15(),
        hashes.SHA1() if version == "1" else hashes.SHA256(),
    )
    return {
        "SigningCertURL": CERTIFICATE_URL,
        **fields,
        "SignatureVersion": version,
        "Signature": base64.b64encode(signed).decode(),
    }


class Web:
    """Answers GETs from a table, and remembers what was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Fetched | FetchFailed] = {
            CERTIFICATE_URL: Fetched(200, certificate()),
            SUBSCRIBE_URL: Fetched(200, CONFIRMED),
        }
        self.asked: list[str] = []

    async def get(self, url: str) -> Fetched:
        self.asked.append(url)
        page = self.pages.get(url, Fetched(404, b""))
        if isinstance(page, FetchFailed):
            raise page
        return page

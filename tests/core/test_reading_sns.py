"""Envelopes of SNS: the text that is signed, and which addresses are Amazon's."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.core.reading import sns
from alertd.core.reading.signatures import BadSignature

TOPIC = "arn:aws:sns:us-west-2:123456789012:MyTopic"
CERTIFICATE = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233f.pem"
SUBSCRIBE = f"https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336"
FIELDS = {
    "Type": "Notification",
    "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    "TopicArn": TOPIC,
    "Subject": "My First Message",
    "Message": "Hello\nworld!",
    "Timestamp": "2012-05-02T00:54:06.655Z",
    "SignatureVersion": "1",
    "Signature": "bm90LWEtcmVhbC1zaWduYXR1cmU=",
    "SigningCertURL": CERTIFICATE,
    "UnsubscribeURL": "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe",
}


def body(**more: Any) -> bytes:
    fields = {name: value for name, value in (FIELDS | more).items() if value is not None}
    return json.dumps(fields).encode()


def confirmation(**more: Any) -> bytes:
    return body(**{"Type": "SubscriptionConfirmation", "Token": "2336", "SubscribeURL": SUBSCRIBE} | more)


def failing(raw: bytes) -> str:
    with pytest.raises(BadSignature) as found:
        sns.read_envelope(raw)
    return found.value.failing


def test_the_text_of_a_notification() -> None:
    message = sns.read_envelope(body())
    assert message.text == (
        b"Message\nHello\nworld!\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\n"
        b"Subject\nMy First Message\n"
        b"Timestamp\n2012-05-02T00:54:06.655Z\nTopicArn\n" + TOPIC.encode() + b"\nType\nNotification\n"
    )
    assert (message.signature, message.version, message.topic) == (b"not-a-real-signature", "1", TOPIC)


@pytest.mark.parametrize("subject", [None, {"not": "text"}])
def test_a_subject_that_is_not_there_is_not_signed(subject: Any) -> None:
    raw = json.dumps({name: value for name, value in FIELDS.items() if name != "Subject"}).encode()
    assert sns.read_envelope(body(Subject=subject)).text == sns.read_envelope(raw).text


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_the_text_of_a_confirmation(kind: str) -> None:
    text = sns.read_envelope(confirmation(Type=kind)).text.decode()
    names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    values = {**FIELDS, "SubscribeURL": SUBSCRIBE, "Token": "2336", "Type": kind}
    assert text == "".join(f"{name}\n{values[name]}\n" for name in names)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "unsigned"),
        (b"[]", "unsigned"),
        (b"\xff", "unsigned"),
        (b"[" * 100_000, "unsigned"),
        (b'{"AlarmName":"raw delivery"}', "unsigned"),
        (body(Type="Other"), "unsigned"),
        (body(Type=7), "unsigned"),
        (body(Message=None), "unsigned"),
        (body(MessageId=None), "unsigned"),
        (body(MessageId=""), "unsigned"),
        (body(MessageId="é"), "unsigned"),
        (body(MessageId="m" * 256), "unsigned"),
        (body(SignatureVersion="3"), "unsigned"),
        (body(SignatureVersion=1), "unsigned"),
        (body(SigningCertURL=None), "certificate"),
        (body().replace(b'{"Type"', b'{"Message": "another", "Type"'), "unsigned"),
        (confirmation(Token=None), "unsigned"),
    ],
)
def test_what_is_no_signed_envelope(raw: bytes, why: str) -> None:
    assert failing(raw) == why


def test_a_signature_that_is_no_base64_is_of_nothing() -> None:
    assert sns.read_envelope(body(Signature="not base64!")).signature == b""
    assert sns.read_envelope(body(Signature=None)).signature == b""


HOSTILE = [
    "http://sns.us-west-2.amazonaws.com{}",
    "https://sns.us-west-2.amazonaws.com:8443{}",
    "https://sns.us-west-2.amazonaws.com.evil.example{}",
    "https://sns.us-west-2.amazonaws.com@evil.example{}",
    "https://me:pw@sns.us-west-2.amazonaws.com{}",
    "https://evil.example/sns.us-west-2.amazonaws.com{}",
    "https://evilsns.us-west-2.amazonaws.com{}",
    "https://sns.evil.amazonaws.com{}",
    "https://bucket.s3.us-west-2.amazonaws.com{}",
    "https://sns.us-west-2.s3.amazonaws.com{}",
    "https://sns.us-west-2.amazonaws.co{}",
    "https://SNS.us-west-2.amazonaws.com\t{}",
    "https://sns.us-west-2.amazonaws.com\\@evil.example{}",
    "https://127.0.0.1{}",
    "https://[::1]{}",
    "https://0x7f.1{}",
    "https://169.254.169.254{}",
    "https://sns.us-wést-2.amazonaws.com{}",
    "//sns.us-west-2.amazonaws.com{}",
    "file:///etc/passwd{}",
    "{}",
    " https://sns.us-west-2.amazonaws.com{}",
]


@pytest.mark.parametrize(
    "url",
    [
        *(each.format("/SimpleNotificationService-1.pem") for each in HOSTILE),
        CERTIFICATE + "?x=1",
        CERTIFICATE + "#x",
        CERTIFICATE + "\n",
        CERTIFICATE.replace(".pem", ".txt"),
        CERTIFICATE.replace("/Simple", "/a/Simple"),
        CERTIFICATE.replace("/Simple", "/../Simple"),
        CERTIFICATE.replace("/Simple", "/%2e%2e%2f"),
        "https://sns.us-west-2.amazonaws.com/.pem",
        "",
    ],
)
def test_certificates_are_fetched_from_nowhere_else(url: str) -> None:
    assert failing(body(SigningCertURL=url)) == "certificate"


@pytest.mark.parametrize(
    "host",
    [
        "sns.us-west-2.amazonaws.com",
        "sns.ap-southeast-10.amazonaws.com:443",
        "sns.us-gov-west-1.amazonaws.com",
        "sns.cn-northwest-1.amazonaws.com.cn",
    ],
)
def test_hosts_of_amazon(host: str) -> None:
    url = f"https://{host}/SimpleNotificationService-0.pem"
    assert sns.read_envelope(body(SigningCertURL=url)).certificate_url == url


def test_the_other_spelling_of_the_address() -> None:
    assert sns.read_envelope(body(SigningCertURL=None, SigningCertUrl=CERTIFICATE)).certificate_url


def test_the_address_that_confirms() -> None:
    assert sns.subscribe_url(sns.read_envelope(confirmation())) == SUBSCRIBE
    coded = SUBSCRIBE.replace(TOPIC, TOPIC.replace(":", "%3A"))
    assert sns.subscribe_url(sns.read_envelope(confirmation(SubscribeURL=coded))) == coded


@pytest.mark.parametrize(
    "url",
    [
        *(each.format(SUBSCRIBE.partition(".com")[2]) for each in HOSTILE),
        SUBSCRIBE.replace("ConfirmSubscription", "DeleteTopic"),
        SUBSCRIBE.replace("MyTopic", "Another"),
        SUBSCRIBE.replace("&Token=2336", ""),
        SUBSCRIBE + "&Action=DeleteTopic",
        SUBSCRIBE.replace("/?", "/?Action=DeleteTopic&"),
        SUBSCRIBE.replace("2336", "other"),
        SUBSCRIBE + "#x",
        SUBSCRIBE + "\r\nHost: x",
        SUBSCRIBE.replace("/?", "/x?"),
    ],
)
def test_nothing_else_is_asked_to_confirm(url: str) -> None:
    with pytest.raises(BadSignature, match="SubscribeURL"):
        sns.subscribe_url(sns.read_envelope(confirmation(SubscribeURL=url)))


def test_only_topics_are_shown_in_logs() -> None:
    assert sns.shown_topic(TOPIC) == TOPIC
    assert "<b>" not in sns.shown_topic("arn:aws:sns:x:1:<b>")


@given(st.dictionaries(st.sampled_from(sorted([*FIELDS, "Token", "SubscribeURL"])), st.text(max_size=40)))
def test_nothing_that_is_sent_raises_anything_else(more: dict[str, str]) -> None:
    with contextlib.suppress(BadSignature):
        sns.subscribe_url(sns.read_envelope(body(**more)))

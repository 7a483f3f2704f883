"""Amazon SNS: signatures by Amazon's certificates, and the handshake that a subscription begins with."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from alertd.core.reading import sns
from alertd.core.reading.signatures import BadSignature, Sns, Verified
from alertd.core.reading.sns import SnsMessage
from alertd.intake.fetching import Fetch, Fetched, FetchFailed, soon

FETCHES = 4  # certificates on their way at a time
MOST_REMEMBERED = 256
LONGEST_ON_ITS_WAY = timedelta(days=1)  # SNS tries for an hour; the journal knows for longer what has come
MOST_WAITING = 32
_DONE = "confirmed"
_RAW = "x-amz-sns-rawdelivery"
_CONFIRMED = re.compile(rb"<SubscriptionArn>\s*(arn:aws[a-z-]*:sns:[A-Za-z0-9:_.-]{1,400})\s*<")
_log = structlog.get_logger("alertd.intake")


class Proven(msgspec.Struct, frozen=True):
    """A message that Amazon has signed, for a topic that is allowed."""

    message: SnsMessage
    signed: Verified


class SnsProof:
    """Checks messages of SNS, and confirms subscriptions where the source says so."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._certificates = Certificates(fetch)
        self._confirmed: dict[str, str] = {}  # what came of it, by message
        self._waiting: dict[tuple[str, str], str] = {}  # by source and topic

    def waiting(self) -> dict[tuple[str, str], str]:
        """Return which subscriptions, by source and topic, wait for a person, and what to do."""
        return dict(self._waiting)

    async def proven(self, scheme: Sns, headers: Mapping[str, str], raw: bytes, now: datetime) -> Proven:
        """Return the message if Amazon has signed it for a topic that is allowed.

        Raises:
            BadSignature: It has not.
            FetchFailed: It cannot be told now, as its certificate cannot be had.
        """
        if headers.get(_RAW, "").strip().lower() == "true":
            raise BadSignature(
                "unsigned",
                'raw message delivery carries no signature: switch it off in SNS, or set signature = "off"',
            )
        message = sns.read_envelope(raw)
        if scheme.topics and message.topic not in scheme.topics:
            raise BadSignature("topic", f"the topic is not among topics: {sns.shown_topic(message.topic)}")
        key = await self._certificates.key(message.certificate_url, now)
        _check(key, message)
        if message.sent_at is None or now - message.sent_at > LONGEST_ON_ITS_WAY:
            raise BadSignature("time", "Amazon has sent this more than a day ago")
        return Proven(message, Verified(delivery_id=message.message_id))

    async def handshake(self, source: str, scheme: Sns, message: SnsMessage) -> str:
        """Confirm the subscription that a proven message offers, once, if the source says so.

        Returns:
            What came of it, in words for people; empty if the message offers none.
        """
        if message.type != sns.SUBSCRIPTION:
            self._waiting.pop((source, message.topic), None)  # it delivers, so it was confirmed
            return ""
        if not scheme.confirm or message.topic not in scheme.topics:
            said = _how_to_confirm(source, message.topic)
        else:
            said = await self._confirmed_once(message)
        self._note(source, message.topic, said)
        _log.warning("intake.subscription", source=source, topic=message.topic, result=said)
        return said

    def _note(self, source: str, topic: str, said: str) -> None:
        if said.startswith(_DONE):
            self._waiting.pop((source, topic), None)
        elif len(self._waiting) < MOST_WAITING:
            self._waiting[source, topic] = f"topic {topic}: {said}"

    async def _confirmed_once(self, message: SnsMessage) -> str:
        said = self._confirmed.get(message.message_id)
        if said is None:
            said = await self._confirm(message)
            if len(self._confirmed) >= MOST_REMEMBERED:
                del self._confirmed[next(iter(self._confirmed))]
            self._confirmed[message.message_id] = said
        return said

    async def _confirm(self, message: SnsMessage) -> str:
        try:
            answer = await self._fetch.get(sns.subscribe_url(message))
        except (FetchFailed, BadSignature) as exc:
            return f"not confirmed: {exc}. Choose Request confirmation in SNS to have it sent again"
        found = _CONFIRMED.search(answer.body)
        if answer.status != 200 or found is None:
            return f"not confirmed: SNS answered {answer.status}. Choose Request confirmation in SNS"
        return f"{_DONE}: {found[1].decode()}"


def _how_to_confirm(source: str, topic: str) -> str:
    return (
        f"waits to be confirmed: add {topic} to topics of the source {source}, set confirm = true, reload, "
        "and choose Request confirmation in SNS"
    )


def _check(key: rsa.RSAPublicKey, message: SnsMessage) -> None:
    hashed = hashes.SHA1() if message.version == "1" else hashes.SHA256()  # noqa: S303 - SNS's version 1 is SHA-1
    try:
        key.verify(message.signature, message.text, padding.PKCS1v15(), hashed)
    except InvalidSignature:
        raise BadSignature("wrong", "Amazon has not signed this") from None
    except UnsupportedAlgorithm:
        raise BadSignature(
            "wrong", "this machine's policy forbids SHA-1: set SignatureVersion of the topic to 2"
        ) from None


class Certificates:
    """Amazon's certificates: each fetched once a day at most, and only while it is valid believed."""

    MOST = 16
    KEPT = timedelta(days=1)

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._limit = asyncio.Semaphore(FETCHES)
        self._kept: dict[str, tuple[datetime, x509.Certificate]] = {}
        self._coming: dict[str, asyncio.Task[Fetched]] = {}

    async def key(self, url: str, now: datetime) -> rsa.RSAPublicKey:
        """Return the public key of the certificate at `url`, which has Amazon's form.

        Raises:
            BadSignature: There is no certificate, or one that is not valid now.
            FetchFailed: It cannot be had now.
        """
        at, certificate = self._kept.get(url, (now, None))
        if certificate is None or not timedelta() <= now - at < self.KEPT:
            certificate = _certificate(await self._fetched(url))
            self._keep(url, now, certificate)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            self._kept.pop(url, None)
            raise BadSignature("certificate", "the signing certificate is not valid at this time")
        return _rsa_key(certificate)

    def _keep(self, url: str, now: datetime, certificate: x509.Certificate) -> None:
        self._kept.pop(url, None)
        while len(self._kept) >= self.MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[url] = (now, certificate)

    async def _fetched(self, url: str) -> bytes:
        """Fetch it once for all who wait for it."""
        coming = self._coming.get(url)
        if coming is None:
            coming = self._coming[url] = asyncio.ensure_future(soon(self._fetch, url, self._limit))
            coming.add_done_callback(lambda _: self._coming.pop(url, None))
        answer = await asyncio.shield(coming)
        if answer.status >= 500 or answer.status == 429:
            raise FetchFailed(f"the signing certificate: SNS answered {answer.status}")
        if answer.status != 200:
            raise BadSignature("certificate", f"no signing certificate: SNS answered {answer.status}")
        return answer.body


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise BadSignature("certificate", "what SigningCertURL names is no certificate") from None


def _rsa_key(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPublicKey) or not 2048 <= key.key_size <= 8192:
        raise BadSignature("certificate", "the signing certificate has no RSA key of 2048 to 8192 bits")
    return key

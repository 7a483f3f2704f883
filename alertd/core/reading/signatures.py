"""Signatures that senders make over the very bytes they send. Pure: time and secrets are arguments.

A signature says who sent, when, or which delivery it is, as far as its text covers that; what it does not
cover is never believed because of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import msgspec

from alertd.core.reading.instants import instant
from alertd.core.secret import Secret

WINDOW = timedelta(minutes=5)  # how far a time stamp may be off, to both sides
MOST_OFFERED = 16  # signatures of one request: a sender that rotates its key sends two
MOST_ID = 255  # characters

Algorithm: TypeAlias = Literal["sha1", "sha256", "sha512"]
Encoding: TypeAlias = Literal["hex", "base64"]
Failing: TypeAlias = Literal["missing", "wrong", "time", "reused", "unsigned", "topic", "certificate"]


class Hmac(msgspec.Struct, frozen=True, kw_only=True):
    """An HMAC of the body in a header, perhaps with a time stamp in another.

    Args:
        header: Where it is; several may stand there, separated by commas.
        algorithm: Of the hash.
        encoding: Of the signature.
        prefix: What stands before it, such as `sha256=`.
        timestamp_header: Where the time stamp is that is signed too; empty: none is.
        text: What is signed, with `{timestamp}` and `{body}`; empty: the body, after `{timestamp}:` if there
            is a time stamp.
        bodies_differ: Whether no two deliveries have the same body, as it holds the time: an equal one is the
            same delivery then, and not a repeat.
    """

    header: str
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    timestamp_header: str = ""
    text: str = ""
    bodies_differ: bool = False


class Svix(msgspec.Struct, frozen=True):
    """Svix and Standard Webhooks: id, time stamp and body, by a `whsec_` key that the sender makes."""


class SecretInBody(msgspec.Struct, frozen=True):
    """No signature, but the token itself in a field of the body, as Meraki sends it."""

    field: str


class Sns(msgspec.Struct, frozen=True):
    """Amazon SNS: RSA with a certificate of Amazon's. It says which topic, so topics are what is trusted.

    Args:
        topics: ARNs that are let in; empty: any, but then the source's token is needed too.
        confirm: Whether subscriptions of these topics are confirmed.
    """

    topics: frozenset[str] = frozenset()
    confirm: bool = False


Scheme: TypeAlias = Hmac | Svix | SecretInBody | Sns


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """How the requests of one source are signed.

    Args:
        scheme: What its kind can do, with what its settings say of it.
        is_required: Whether a token alone lets nobody in.
        window: How far a signed time stamp may be off.
    """

    scheme: Scheme
    is_required: bool = False
    window: timedelta = WINDOW

    @property
    def needs_signature(self) -> bool:
        """Whether nobody is let in without one."""
        return self.is_required or isinstance(self.scheme, Sns)

    @property
    def needs_token(self) -> bool:
        """Whether a signature alone lets nobody in: Amazon signs for anybody's topic."""
        return isinstance(self.scheme, Sns) and not self.scheme.topics

    @property
    def needs_secrets(self) -> bool:
        """Whether the plain secret has to be kept in memory: a digest of it cannot sign."""
        return isinstance(self.scheme, Hmac | Svix)

    @property
    def is_given_by_sender(self) -> bool:
        """Whether the secret is made by the sender, so that none of ours would do."""
        return isinstance(self.scheme, Svix)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A good signature.

    Args:
        slot: Which of the source's secrets made it: 0 the current, 1 the other.
        delivery_id: What is the same when it is sent again; None: what is signed does not tell.
        is_lasting: Whether no other delivery can ever have this id; else only within the window.
    """

    slot: int = 0
    delivery_id: str | None = None
    is_lasting: bool = True


class BadSignature(Exception):
    """The signature proves nothing. The text is for logs, and holds nothing that was sent.

    Args:
        failing: What is wrong, in one word.
        detail: What is wrong, and what to do about it.
    """

    def __init__(self, failing: Failing, detail: str) -> None:
        super().__init__(detail)
        self.failing = failing


def is_shown(scheme: Hmac | Svix, headers: Mapping[str, str]) -> bool:
    """Whether a request claims to be signed. `headers` are looked up without regard to case."""
    if isinstance(scheme, Hmac):
        return scheme.header in headers
    return any(f"{family}-signature" in headers for family in _FAMILIES)


def verify(
    signing: Signing,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Sequence[Secret],
    now: datetime,
) -> Verified:
    """Check the signature of a request by a scheme that signs with the source's token.

    Args:
        signing: Its scheme is an `Hmac` or `Svix`.
        headers: Of the request, looked up without regard to case.
        body: The bytes as they came.
        secrets: The live tokens of the source, the current one first.
        now: To compare time stamps with.

    Raises:
        BadSignature: It is missing, wrong, or too old or too new.
    """
    scheme = signing.scheme
    if isinstance(scheme, Hmac):
        claim = _claim_of_hmac(scheme, headers, body)
    elif isinstance(scheme, Svix):
        claim = _claim_of_svix(headers, body)
    else:
        raise TypeError(f"{type(scheme).__name__} signs nothing with a token")
    slot = _slot(claim, secrets)
    if claim.timestamp is not None:
        _check_time(claim.timestamp, now, signing.window)
    return Verified(slot=slot, delivery_id=claim.delivery_id, is_lasting=claim.is_lasting)


class _Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says it is: signatures, and the text they are to be of."""

    offered: list[bytes]
    text: bytes
    algorithm: str = "sha256"
    is_svix: bool = False
    timestamp: str | None = None
    delivery_id: str | None = None
    is_lasting: bool = True


# --- HMAC in a header -----------------------------------------------------------------------------------


def _claim_of_hmac(scheme: Hmac, headers: Mapping[str, str], body: bytes) -> _Claim:
    said = headers.get(scheme.header)
    if said is None:
        raise BadSignature("missing", f"the header {scheme.header} is missing")
    timestamp = None
    if scheme.timestamp_header:
        timestamp = headers.get(scheme.timestamp_header, "").strip()
        if not timestamp:
            raise BadSignature("missing", f"the time stamp is missing: header {scheme.timestamp_header}")
    text = _signed_text(scheme, timestamp, body)
    is_one_delivery = timestamp is not None or scheme.bodies_differ
    return _Claim(
        offered=_offered(said, scheme),
        text=text,
        algorithm=scheme.algorithm,
        timestamp=timestamp,
        delivery_id=f"signed-{hashlib.sha256(text).hexdigest()}" if is_one_delivery else None,
        is_lasting=timestamp is not None,
    )


def _signed_text(scheme: Hmac, timestamp: str | None, body: bytes) -> bytes:
    form = scheme.text or ("{body}" if timestamp is None else "{timestamp}:{body}")
    before, _, after = form.replace("{timestamp}", timestamp or "").partition("{body}")
    return b"".join((_wire(before), body, _wire(after)))


def _offered(said: str, scheme: Hmac) -> list[bytes]:
    found = []
    for each in said.split(",")[:MOST_OFFERED]:
        text = each.strip()
        if text.lower().startswith(scheme.prefix.lower()):
            found.append(_decoded(text[len(scheme.prefix) :], scheme.encoding))
    return found


def _decoded(text: str, encoding: Encoding) -> bytes:
    """Return the signature's bytes; none for what is no signature, which no signature is equal to."""
    try:
        if encoding == "hex":
            return binascii.unhexlify(text)
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""


# --- Svix -----------------------------------------------------------------------------------------------

_FAMILIES = ("svix", "webhook")
_KEY_PREFIX = "whsec_"


def _claim_of_svix(headers: Mapping[str, str], body: bytes) -> _Claim:
    family = next((each for each in _FAMILIES if f"{each}-signature" in headers), None)
    if family is None:
        raise BadSignature("missing", "the header svix-signature (or webhook-signature) is missing")
    id_, timestamp = (headers.get(f"{family}-{each}", "") for each in ("id", "timestamp"))
    if not timestamp or not id_ or not id_.isascii() or len(id_) > MOST_ID:
        raise BadSignature("missing", f"the headers {family}-id and {family}-timestamp are needed")
    versions = (each.partition(",") for each in headers[f"{family}-signature"].split()[:MOST_OFFERED])
    return _Claim(
        offered=[_decoded(signature, "base64") for version, _, signature in versions if version == "v1"],
        text=b"".join((_wire(f"{id_}.{timestamp}."), body)),
        is_svix=True,
        timestamp=timestamp,
        delivery_id=id_,
    )


def _svix_keys(secret: str) -> list[bytes]:
    """Return what the secret may mean: the bytes after `whsec_`, and for one without it the text as well."""
    coded = secret.removeprefix(_KEY_PREFIX)
    decoded = _decoded(coded, "base64")
    keys = [] if secret.startswith(_KEY_PREFIX) else [secret.encode()]
    return [*keys, decoded] if decoded else keys


# --- both -----------------------------------------------------------------------------------------------


def _slot(claim: _Claim, secrets: Sequence[Secret]) -> int:
    """Return which secret made one of the signatures. All are always compared, in constant time."""
    made_by = []
    for slot, secret in enumerate(secrets):
        keys = _svix_keys(secret.reveal()) if claim.is_svix else [secret.reveal().encode()]
        macs = [hmac.digest(key, claim.text, claim.algorithm) for key in keys]
        same = [hmac.compare_digest(each, mac) for each in claim.offered for mac in macs]
        if any(same):
            made_by.append(slot)
    if not made_by:
        raise BadSignature("wrong", "no secret of the source makes this signature: compare them")
    return made_by[0]


def _check_time(timestamp: str, now: datetime, window: timedelta) -> None:
    at = instant(timestamp)
    if at is None:
        raise BadSignature("time", "the signed time stamp is no time")
    off_s = (now - at).total_seconds()
    if abs(off_s) > window.total_seconds():
        where = "old" if off_s > 0 else "in the future"
        raise BadSignature(
            "time", f"the signed time stamp is {abs(off_s):.0f} s {where}: check the clocks of both machines"
        )


def _wire(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")

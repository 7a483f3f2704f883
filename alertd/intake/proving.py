"""Requests that prove by what they deliver whose they are: by a signature, or by a token inside the body.

The body is read before it is known who sends, so this is for sources whose kind can do it, and no others.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec
import structlog
from msgspec import structs

from alertd.core.reading import signatures
from alertd.core.reading.signatures import BadSignature, Hmac, SecretInBody, Signing, Sns, Svix, Verified
from alertd.flows.ports import Clock
from alertd.intake.admission import Admission
from alertd.intake.answers import Answer, overloaded
from alertd.intake.auth import Admitted, shown_slot
from alertd.intake.body_secrets import secrets_in
from alertd.intake.delivery import Call, Deliveries
from alertd.intake.fetching import FetchFailed
from alertd.intake.sns import SnsProof

LET_IN_BY = "let_in_by"  # kept with the query's parameters
_INLINE_BYTES = 32 * 1024
_log = structlog.get_logger("alertd.intake")


class Proving:
    """Takes deliveries that prove whose they are. Lives as long as the process: it remembers signatures."""

    def __init__(self, admission: Admission, deliveries: Deliveries, *, clock: Clock, sns: SnsProof) -> None:
        self._admission = admission
        self._deliveries = deliveries
        self._clock = clock
        self._sns = sns
        self._recent = RecentSignatures()

    async def take(self, call: Call, *, url_token: str | None) -> Answer:
        """Take a delivery if its signature, or whatever its kind shows, is right.

        Args:
            call: Not admitted yet. Its sender has a `signing`.
            url_token: `?token=`, which counts only for a source that is allowed to send it so.

        Raises:
            Refused: 401, or it cannot be kept; nothing was.
        """
        request, exchange, sender = call.request, call.exchange, call.sender
        signing = sender.signing
        exchange.source = sender.name
        self._admission.let_try(request, sender.name, exchange)
        by_token = self._admission.by_token(request, sender.name, url_token)
        if signing is None or (signing.needs_token and by_token is None):
            raise self._admission.failed(exchange)
        exchange.is_let_in = by_token is not None
        async with self._deliveries.content(call) as raw:
            try:
                shown = await self._shown(call, signing, raw)
                slot = _slot(shown.signed, by_token, signing)
            except BadSignature as exc:
                _log.warning(
                    "intake.signature_refused", source=sender.name, failing=exc.failing, why=str(exc)
                )
                raise self._admission.failed(exchange) from None
            except FetchFailed as exc:
                _log.warning("intake.certificate_missing", source=sender.name, why=str(exc))
                raise overloaded("the signature cannot be checked just now") from None
            if not self._admission.knows(sender.name):  # another configuration has come while the body came
                raise self._admission.failed(exchange)
            self._admission.welcome(request, Admitted(sender.name, slot), exchange)
            told = ((LET_IN_BY, _proof(signing, slot)),) if shown.signed is not None else ()
            call = structs.replace(call, signed=shown.signed, said=(*told, *shown.said))
            return await self._deliveries.keep(call, raw)

    async def _shown(self, call: Call, signing: Signing, raw: bytes) -> _Shown:
        """Return the proof.

        Raises:
            BadSignature: There is one, and it is wrong.
            FetchFailed: It cannot be told now.
        """
        now, sender, headers = self._clock.now(), call.sender, call.request.headers
        match signing.scheme:
            case Hmac() | Svix():
                signed = signatures.verify(signing, headers, raw, secrets=sender.secrets, now=now)
                # over nothing it says nothing: what a query says is not signed
                told = self._recent.told(sender.name, signed, now, signing.window) if raw.strip() else None
                return _Shown(told)
            case SecretInBody(field):
                return _Shown(await _shown_in_body(call, field, raw))
            case Sns() as scheme:
                proven = await self._sns.proven(scheme, headers, raw, now)
                result = await self._sns.handshake(sender.name, scheme, proven.message)
                return _Shown(proven.signed, (("subscription", result),) if result else ())


class _Shown(msgspec.Struct, frozen=True):
    """What a request shows beside a token. None: nothing."""

    signed: Verified | None
    said: tuple[tuple[str, str], ...] = ()


def _slot(signed: Verified | None, by_token: Admitted | None, signing: Signing) -> int:
    """Return which of the source's tokens is in use.

    Raises:
        BadSignature: Nothing lets it in.
    """
    if signed is not None and (by_token is None or signing.needs_secrets):
        return signed.slot
    if by_token is None or (signed is None and signing.needs_signature):
        raise BadSignature("missing", "neither a token nor a signature lets it in")
    return by_token.slot


def _proof(signing: Signing, slot: int) -> str:
    """Say what let a delivery in, for `alertd explain`."""
    which = ("current", "other")[slot]
    match signing.scheme:
        case Hmac():
            return f"an HMAC with the {which} secret"
        case Svix():
            return f"Svix's signature with the {which} secret"
        case SecretInBody(field):
            return f"{field} in the body, the {which} token"
        case Sns():
            return "Amazon's signature"


async def _shown_in_body(call: Call, field: str, raw: bytes) -> Verified | None:
    """Return which token is in the body.

    It may be a secret of the sender's own that nobody told us: beside a right token it says nothing.

    Raises:
        BadSignature: It is not the source's, and nothing else lets the request in.
    """
    if len(raw) <= _INLINE_BYTES:
        shown = secrets_in(raw, field)
    else:
        shown = await asyncio.to_thread(secrets_in, raw, field)
    if not shown:
        return None
    slots = [shown_slot(each, call.sender.digests) for each in shown]
    if None in slots and call.exchange.is_let_in:
        return None
    if None in slots:
        raise BadSignature("wrong", f"{field} in the body is not the source's token")
    return Verified(slot=slots[0] or 0)


class RecentSignatures:
    """Tells deliveries apart whose signature has no time stamp: an equal one within the window is the same.

    After the window it may be a repeat, and counts. Bounded: what is forgotten counts as new, and a repeat
    costs nothing.
    """

    MOST = 4096

    def __init__(self) -> None:
        self._first_seen: dict[tuple[str, str], datetime] = {}

    def told(self, source: str, signed: Verified, now: datetime, window: timedelta) -> Verified:
        """Return it with a delivery id that no later delivery will have."""
        if signed.is_lasting or signed.delivery_id is None:
            return signed
        key = (source, signed.delivery_id)
        first = self._first_seen.get(key)
        if first is None or abs(now - first) > window:
            self._first_seen.pop(key, None)
            while len(self._first_seen) >= self.MOST:
                del self._first_seen[next(iter(self._first_seen))]
            first = self._first_seen[key] = now
        return structs.replace(signed, delivery_id=f"{signed.delivery_id}-{first.timestamp():.3f}")

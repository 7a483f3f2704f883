"""Who asks at Gradient's vendor API: its token, and how often he may ask."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence

import msgspec
from aiohttp import hdrs
from multidict import istr

from alertd.core.sources.gradient import GradientSettings
from alertd.intake.answers import Refused
from alertd.intake.auth import shown_slot, wire_bytes
from alertd.intake.doors import Reception, Visit
from alertd.intake.metrics import Outcome
from alertd.intake.senders import Sender

_TOKEN = istr("GRADIENT-TOKEN")
_LONGEST = 2048


class Caller(msgspec.Struct, frozen=True):
    """A request that has been let in."""

    visit: Visit
    sender: Sender
    settings: GradientSettings

    @property
    def source(self) -> str:
        """Its source's name."""
        return self.sender.name


class Pace:
    """Counts requests by source: a bucket of as many as a second may have, filled again in a second."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._left: dict[str, tuple[float, float]] = {}

    def check(self, source: str, per_second: int) -> None:
        """Take one from the source's bucket.

        Raises:
            Refused: 429: it is empty. Gradient answers so, and its clients wait.
        """
        now = self._monotonic()
        left, at = self._left.get(source, (float(per_second), now))
        left = min(per_second, left + (now - at) * per_second)
        if left < 1:
            self._left[source] = (left, now)
            raise Refused(Outcome.OVERLOAD, 429, "Too Many Requests", headers={hdrs.RETRY_AFTER: "1"})
        self._left[source] = (left - 1, now)


class Gate:
    """Lets callers in."""

    def __init__(self, reception: Reception) -> None:
        self._admission = reception.admission
        self._pace = Pace(reception.world.monotonic)

    def admit(self, visit: Visit, *, vendor_key_will_do: bool) -> Caller:
        """Return who calls.

        Args:
            visit: The request.
            vendor_key_will_do: Whether it asks of the vendor and not of one of his partners: then the first
                half of the token will do, as a vendor has it before he has partners.

        Raises:
            Refused: 401, or 429 if he asks too often.
        """
        candidates = shown(visit.request.headers)
        sender = self._by_vendor_key(visit, candidates) if vendor_key_will_do else None
        if sender is None:
            sender = self._admission.admit(
                visit.request, None, url_token=None, exchange=visit.exchange, presented=candidates
            )
        if sender.gradient is None:
            raise self._admission.failed(visit.exchange)
        self._pace.check(sender.name, sender.gradient.requests_per_second)
        return Caller(visit, sender, sender.gradient)

    def _by_vendor_key(self, visit: Visit, candidates: list[bytes]) -> Sender | None:
        """Return the first configured sender whose vendor key, and no more, is shown."""
        keys = [key for each in candidates if (key := each.removesuffix(b":"))]
        found, slot = None, 0
        for sender in self._admission.senders.values():
            shown_here = _slot_of(keys, sender.vendor_digests)
            if shown_here is not None and found is None and sender.gradient is not None:
                found, slot = sender, shown_here
        if found is None:
            return None
        self._admission.let_try(visit.request, found.name, visit.exchange)
        visit.exchange.source, visit.exchange.slot = found.name, slot
        self._admission.passed(visit.request, found.name, visit.exchange)
        return found


def shown(headers: Mapping[str, str]) -> list[bytes]:
    """Return what GRADIENT-TOKEN may stand for: it is base64, but some would forget that."""
    value = headers.get(_TOKEN, "").strip()
    if not value or len(value) > _LONGEST:
        return []
    plain = wire_bytes(value)
    try:
        decoded = base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return [plain]
    return [decoded, plain] if decoded else [plain]


def _slot_of(keys: Sequence[bytes], digests: tuple[bytes, ...]) -> int | None:
    """Return whose vendor key is among these: the current token's, or the other's; None: neither."""
    slots = [shown_slot(key, digests) for key in keys] if digests else []
    return next((slot for slot in slots if slot is not None), None)

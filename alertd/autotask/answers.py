"""How an exchange ended, said as what to do next."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from alertd.autotask import refusals
from alertd.autotask.refusals import ErrorBody
from alertd.autotask.wire import Answer, Lost, NotSent, Reply
from alertd.flows.errors import OutcomeUnknown, PortError, Rejected, Throttled, Unavailable

Payload: TypeAlias = dict[str, Any]  # a decoded JSON object, not checked any further; no floats but Decimals

_decoder = msgspec.json.Decoder(float_hook=Decimal)  # amounts of money as they are written
THRESHOLD_S = 60.0  # after a refusal for the tenant's allowance, where Autotask names no time
SHORTEST_S = 1.0  # a Retry-After of nothing at all would have us call again and again
_LONGEST_S = 3600.0
_REFUSING = frozenset(
    {405, 413, 414, 415, 431}
)  # nothing was applied, and the same call will be refused again
_NEVER_APPLIED = frozenset({403, 404})


class ThresholdSpent(Throttled):
    """The whole tenant is refused: every caller waits."""


class Unreached(Unavailable):
    """No connection, or no such route: perhaps the tenant has moved to another zone."""


class NoAnswer(Unavailable):
    """The request may have arrived, and no usable answer came back; it was to change nothing."""


class NoRoute(Unreached):
    """HTTP 404 without a text that says more."""


class WrongVerb(Rejected):
    """HTTP 405: the route is there, the verb is not."""


class CredentialRefused(PortError):
    """Autotask does not take the credential. `Transport` turns it into `AuthRefused` once it is sure."""

    reason = "auth"


def judge(reply: Reply, *, writes: bool, jitter: float) -> Payload | PortError:
    """Return the payload of a success, or the error that says what to do next.

    Args:
        reply: How the exchange ended.
        writes: Whether the call was to change anything: then what is unclear may have been applied.
        jitter: In [0, 1): spreads callers that were refused for being too many at once.
    """
    match reply:
        case NotSent(why=why):
            return Unreached(f"Autotask could not be reached: {why}")
        case Lost(why=why):
            lost = f"no usable answer: {why}"
            return OutcomeUnknown(lost) if writes else NoAnswer(lost)
        case Answer(status=status) if status < 400:
            return _success(reply, writes)
        case Answer():
            return _failure(reply, writes, jitter)


def read_retry_after(text: str) -> float | None:
    """Return the seconds of a Retry-After header; None where it is absent, a date, or no sensible number."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return min(seconds, _LONGEST_S) if 0 <= seconds < float("inf") else None


def _unclear(why: str, writes: bool) -> PortError:
    return OutcomeUnknown(why) if writes else Unavailable(why)


def _success(answer: Answer, writes: bool) -> Payload | PortError:
    if not 200 <= answer.status < 300:
        return _unclear(f"HTTP {answer.status}: a redirect, which is never followed", writes)
    try:
        payload = _decoder.decode(answer.body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return _unclear(f"HTTP {answer.status} with a body that is not JSON", writes)
    if not isinstance(payload, dict):
        return _unclear(f"HTTP {answer.status} with a body that is no JSON object", writes)
    if writes and not isinstance(payload.get("itemId"), int):
        return OutcomeUnknown(f"HTTP {answer.status} without an itemId")
    return payload


def _failure(answer: Answer, writes: bool, jitter: float) -> PortError:
    error = refusals.read_error(answer.body)
    said = f"HTTP {answer.status}" + (f": {error}" if error.texts else "")
    throttled = _throttled(answer, error, jitter)
    if throttled is not None:
        return throttled
    if answer.status == 401 or (answer.status == 500 and refusals.speaks_of_credential(error)):
        return CredentialRefused(said)
    if _refused(answer.status, error):
        return (WrongVerb if answer.status == 405 else Rejected)(str(error) or said)
    if answer.status in _NEVER_APPLIED:  # no such route, or a proxy's page
        return (NoRoute if answer.status == 404 else Unavailable)(said)
    return _unclear(said, writes)


def _throttled(answer: Answer, error: ErrorBody, jitter: float) -> Throttled | None:
    after = read_retry_after(answer.retry_after)
    if refusals.speaks_of_threads(error):
        return Throttled(max(SHORTEST_S, after or 0.0) + jitter, "too many calls at once")
    if answer.status == 429 or refusals.speaks_of_threshold(error):
        wait = max(SHORTEST_S, after) if after else THRESHOLD_S
        return ThresholdSpent(wait, "the tenant's allowance is spent")
    return None


def _refused(status: int, error: ErrorBody) -> bool:
    match status:
        case 403:  # without Autotask's own words it may be a user who is switched off, or a proxy
            return error.structured
        case 400 | 422:
            return bool(error.texts) and not refusals.is_unclear(error)
        case 404 | 409 | 500:
            return refusals.is_clear_refusal(error)
        case _:
            return status in _REFUSING

"""How values are kept: instants as microseconds since 1970 UTC, documents as JSON of the core's Structs.

Integers sort and compare the same on every database and lose nothing; flags are 0 and 1 for the same
reason.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from alertd.core.conditions import Condition
from alertd.core.incidents import Incident
from alertd.core.silences import Silence
from alertd.core.tickets import Known
from alertd.store.errors import DataDamaged

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)

encode = msgspec.json.Encoder().encode
_condition = msgspec.json.Decoder(Condition)
_incident = msgspec.json.Decoder(Incident)
_known = msgspec.json.Decoder(Known)
_silence = msgspec.json.Decoder(Silence)
_texts = msgspec.json.Decoder(dict[str, str])


def instant_to_us(at: datetime) -> int:
    """Return microseconds since 1970 UTC. A naive `at` is a TypeError."""
    return (at - _EPOCH) // _US


def optional_to_us(at: datetime | None) -> int | None:
    """Return microseconds since 1970 UTC, or None."""
    return None if at is None else (at - _EPOCH) // _US


def us_to_instant(us: int) -> datetime:
    """Return the instant that is `us` microseconds after 1970 UTC."""
    return _EPOCH + us * _US


def us_to_optional(us: int | None) -> datetime | None:
    """Return the instant, or None."""
    return None if us is None else _EPOCH + us * _US


def decode_condition(key: str, doc: bytes) -> Condition:
    """Read a stored condition.

    Raises:
        DataDamaged: The document is not one.
    """
    return decode(_condition, doc, "condition", key)


def decode_incident(key: str, doc: bytes) -> Incident:
    """Read a stored incident.

    Raises:
        DataDamaged: The document is not one.
    """
    return decode(_incident, doc, "incident", key)


def decode_known(key: str, doc: bytes) -> Known:
    """Read the level that Autotask last confirmed for an incident.

    Raises:
        DataDamaged: The document is not one.
    """
    return decode(_known, doc, "known level of incident", key)


def decode_silence(silence_id: str, doc: bytes) -> Silence:
    """Read a stored silence.

    Raises:
        DataDamaged: The document is not one.
    """
    return decode(_silence, doc, "silence", silence_id)


def decode_texts(key: str, doc: str) -> dict[str, str]:
    """Read a stored mapping of texts.

    Raises:
        DataDamaged: The document is not one.
    """
    return decode(_texts, doc, "mapping of", key)


def decode(decoder: msgspec.json.Decoder[T], doc: bytes | str, what: str, key: str) -> T:
    """Read a stored document.

    Raises:
        DataDamaged: It is not one.
    """
    try:
        return decoder.decode(doc)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:  # ValidationError is a DecodeError
        raise DataDamaged(f"stored {what} {key!r} cannot be read: {exc}") from exc

"""Identity: fingerprints of alerts, keys of problems and incidents, references that go into tickets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache

# FNV-1a, 64 bits.
_OFFSET = 0xCBF29CE484222325
_PRIME = 0x100000001B3
_MASK = (1 << 64) - 1

_CACHED_LENGTH = 256  # characters of a label; longer ones are rare and would fill the memory
REFERENCE_PREFIX = "alertd-"  # of every reference, whatever the installation


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return Alertmanager's fingerprint of `labels`: 16 hex digits. Empty values do not count.

    FNV-1a 64 over the labels sorted by name, as `name 0xFF value 0xFF …`. A loop over every byte costs
    13 µs for six labels. What a label does to the hash depends only on the lowest byte so far, so its
    effect is remembered per label and byte: about 2 µs once labels repeat, as they do.

    Source: prometheus/common, `LabelSet.Fingerprint`.
    """
    state = _OFFSET
    for name in sorted(labels):
        value = labels[name]
        if value:
            low = state & 0xFF
            factor, addend = (_effect if len(name) + len(value) <= _CACHED_LENGTH else _effect_of)(
                low, name, value
            )
            state = ((state - low) * factor + addend) & _MASK
    return f"{state:016x}"


def _effect_of(low: int, name: str, value: str) -> tuple[int, int]:
    """Return (factor, addend): hashing the label turns h + low into h · factor + addend.

    That holds because only the lowest byte of the state is ever xored; h is a multiple of 256, low is below.
    """
    raw = b"%b\xff%b\xff" % (name.encode("utf-8", "replace"), value.encode("utf-8", "replace"))
    state = low
    for byte in raw:
        state = ((state ^ byte) * _PRIME) & _MASK
    return pow(_PRIME, len(raw), 1 << 64), state


_effect = lru_cache(maxsize=32768)(_effect_of)


def key_fingerprint(source: str, fields: Iterable[str]) -> str:
    """Return the fingerprint (16 hex digits) of a problem that a source identifies by key fields.

    Each field is prefixed with its length, so ("ab", "c") and ("a", "bc") differ; the source is always part.
    """
    return _digest((source, *fields)).hex()[:16]


def group_fingerprint(fields: Iterable[str]) -> str:
    """Return 26 lower-case base32 characters (130 bits) that stand for an ordered list of texts."""
    return _base32(_digest(fields))


def reference_base(instance: str, incident_key: str) -> str:
    """Return what the references of all generations of one incident begin with: `alertd-` and 26 characters.

    Args:
        instance: Configured name of this installation, so that two of them never meet in one tenant.
        incident_key: Identity of the incident, see `alertd.core.routes.incident_key`.
    """
    return REFERENCE_PREFIX + _base32(_digest((instance, incident_key)))


def reference(instance: str, incident_key: str, generation: int) -> str:
    """Return the ticket's `externalID`: at most 50 characters, lower-case letters, digits and hyphens.

    Args:
        instance: As in `reference_base`.
        incident_key: As in `reference_base`.
        generation: 1 for the first ticket of the incident, then counting up.
    """
    return f"{reference_base(instance, incident_key)}-g{generation}"


def _digest(fields: Iterable[str]) -> bytes:
    encoded = [field.encode("utf-8", "replace") for field in fields]
    return hashlib.sha256(b"".join([b"%d:%b" % (len(raw), raw) for raw in encoded])).digest()


def _base32(digest: bytes) -> str:
    """Return the first 130 bits in lower-case base32, as base64.b32encode gives at three times the price."""
    number = int.from_bytes(digest[:17], "big") >> 6
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]

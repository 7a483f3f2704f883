"""Ids that other products' clients expect, made of receipts and back: 128 bits in two spellings."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from alertd.intake.receipts import CROCKFORD

_VALUES = {letter: value for value, letter in enumerate(CROCKFORD)}
_LENGTH = 26


def uuid_of(receipt: str) -> str:
    """Return the UUID that stands for a receipt."""
    number = 0
    for letter in receipt:
        number = number << 5 | _VALUES[letter]
    return str(uuid.UUID(int=number & (1 << 128) - 1))


def receipt_of(text: str) -> str | None:
    """Return the receipt that a UUID stands for, whether there is one or not; None: it is no UUID."""
    try:
        number = uuid.UUID(text).int
    except ValueError:
        return None
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))


def new_uuid(entropy: Callable[[int], bytes]) -> uuid.UUID:
    """Return a random UUID."""
    return uuid.UUID(bytes=entropy(16), version=4)

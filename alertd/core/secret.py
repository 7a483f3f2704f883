"""A secret is a type: it prints as stars, and is opened only where it is used."""

from __future__ import annotations

import hashlib
import hmac


class Secret:
    """A value that never shows itself. Compare with `matches`, open with `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the plain text. Call it only where the secret leaves for its addressee."""
        return self._value

    def digest(self) -> bytes:
        """Return the SHA-256 of the value, for comparing without keeping the value."""
        return hashlib.sha256(self._value.encode()).digest()

    def matches(self, candidate: bytes) -> bool:
        """Compare with the bytes a client sent, in constant time."""
        return hmac.compare_digest(self.digest(), hashlib.sha256(candidate).digest())

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.digest(), other.digest())

    def __hash__(self) -> int:
        return hash(self.digest())

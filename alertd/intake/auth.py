"""Who sends: tokens compared in constant time, and a limit for those who guess."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

# no SHA-256 of a text that anybody could send is all zeros, so this never matches
_NOBODY = bytes(32)
_MAX_TOKEN = 1024


class SourceKeys(msgspec.Struct, frozen=True):
    """The live tokens of one source, as SHA-256. Two, while one replaces the other."""

    source: str
    digests: tuple[bytes, ...]
    token_in_url: bool = False


class Admitted(msgspec.Struct, frozen=True):
    """A source whose token was presented, and which of its tokens: 0 the current, 1 the other."""

    source: str
    slot: int


class Keyring:
    """Every source's live tokens. Built once per configuration.

    Raises:
        ValueError: A source has no token or more than two, or two sources share one.
    """

    def __init__(self, keys: Iterable[SourceKeys]) -> None:
        self._pairs: dict[str, tuple[bytes, bytes]] = {}
        self._slots: dict[str, tuple[Admitted, Admitted]] = {}
        self._owners: dict[bytes, tuple[Admitted, bytes]] = {}
        self._in_url: set[str] = set()
        for key in keys:
            self._add(key)

    def _add(self, key: SourceKeys) -> None:
        if not 1 <= len(key.digests) <= 2:
            raise ValueError(f"source {key.source} has {len(key.digests)} tokens; one or two are possible")
        self._pairs[key.source] = (key.digests[0], key.digests[1] if len(key.digests) == 2 else _NOBODY)
        self._slots[key.source] = (Admitted(key.source, 0), Admitted(key.source, 1))
        if key.token_in_url:
            self._in_url.add(key.source)
        for slot, digest in enumerate(key.digests):
            held = self._owners.setdefault(digest, (Admitted(key.source, slot), digest))
            if held[0].source != key.source:
                raise ValueError(f"sources {held[0].source} and {key.source} have the same token")

    def admit(self, source: str, presented: Sequence[bytes], in_url: bytes | None) -> Admitted | None:
        """Return which token of `source` was presented, or None.

        An unknown source costs the same comparisons as a known one, and so gives nothing away.
        """
        pair = self._pairs.get(source, (_NOBODY, _NOBODY))
        found = None
        for candidate in presented:
            slot = _slot(candidate, pair)
            found = slot if found is None else found
        if in_url is not None:
            slot = _slot(in_url, pair)
            found = slot if found is None and source in self._in_url else found
        return None if found is None else self._slots[source][found]

    def owner(self, presented: Sequence[bytes]) -> Admitted | None:
        """Return the source whose token was presented, for paths that name none.

        The digest is only looked up: where in the table it lands tells a guesser nothing about a token.
        """
        for candidate in presented:
            digest = hashlib.sha256(candidate).digest()
            admitted, held = self._owners.get(digest, (None, _NOBODY))
            if hmac.compare_digest(digest, held):
                return admitted
        return None


def shown_slot(candidate: bytes, digests: tuple[bytes, ...]) -> int | None:
    """Return which of the live tokens, as SHA-256, `candidate` is; None: neither."""
    return _slot(candidate, (digests[0], digests[1] if len(digests) == 2 else _NOBODY))


def _slot(candidate: bytes, pair: tuple[bytes, bytes]) -> int | None:
    digest = hashlib.sha256(candidate).digest()
    is_current = hmac.compare_digest(digest, pair[0])
    is_other = hmac.compare_digest(digest, pair[1])
    if is_current:
        return 0
    return 1 if is_other else None


def presented_tokens(headers: Mapping[str, str]) -> list[bytes]:
    """Return the tokens that the headers carry: Bearer, Basic password, X-Alertd-Token."""
    found = []
    authorization = headers.get("Authorization")
    if authorization is not None:
        token = _authorization_token(authorization)
        if token is not None:
            found.append(token)
    own = headers.get("X-Alertd-Token")
    if own is not None:
        found.append(wire_bytes(own))
    return [token for token in found if 0 < len(token) <= _MAX_TOKEN]


def wire_bytes(text: str) -> bytes:
    """Return the bytes that a header or query held, whether they were UTF-8 or not."""
    return text.encode("utf-8", "surrogateescape")


def _authorization_token(value: str) -> bytes | None:
    scheme, _, rest = value.partition(" ")
    match scheme.lower():
        case "bearer":
            return wire_bytes(rest.strip())
        case "basic":
            return _basic_password(wire_bytes(rest.strip()))
        case _:
            return None


def _basic_password(encoded: bytes) -> bytes | None:
    try:
        plain = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return plain.partition(b":")[2]


class FailureLimit:
    """Turns away an address that guesses: 20 failures in a minute cost it the next minute.

    A source that has authenticated from an address before is not turned away with it: a stranger behind
    the same address must not silence it. All instants are monotonic seconds.
    """

    LIMIT = 20
    WINDOW_S = 60.0
    PENALTY_S = 60.0
    _REMEMBERED = 10_000

    def __init__(self) -> None:
        self._failures: dict[str, tuple[float, int]] = {}
        self._blocked_until: dict[str, float] = {}
        self._proven: set[tuple[str, str]] = set()

    def is_blocked(self, address: str, now: float) -> bool:
        """Whether the address is being turned away at `now`."""
        until = self._blocked_until.get(address)
        if until is None:
            return False
        if now < until:
            return True
        del self._blocked_until[address]
        return False

    def is_proven(self, address: str, source: str) -> bool:
        """Whether `source` has authenticated from this address before."""
        return (address, source) in self._proven

    def passed(self, address: str, source: str) -> None:
        """Remember a success."""
        if len(self._proven) >= self._REMEMBERED:
            self._proven.clear()
        self._proven.add((address, source))

    def failed(self, address: str, now: float) -> None:
        """Count a failure. An address that is not known (a Unix peer without a proxy's word) has no limit."""
        if not address:
            return
        began, count = self._failures.pop(address, (now, 0))
        if now - began >= self.WINDOW_S:
            began, count = now, 0
        if count + 1 >= self.LIMIT:
            _bounded(self._blocked_until, self._REMEMBERED)[address] = now + self.PENALTY_S
        else:
            _bounded(self._failures, self._REMEMBERED)[address] = (began, count + 1)


_V = TypeVar("_V")


def _bounded(table: dict[str, _V], size: int) -> dict[str, _V]:
    while len(table) >= size:
        del table[next(iter(table))]  # the oldest: whoever fails again is moved to the end
    return table

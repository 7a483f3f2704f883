"""The sender's address, seen through the proxies that we trust."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

_REMEMBERED = 4096


class Proxies:
    """Knows which peers are proxies whose X-Forwarded-For may be believed.

    Args:
        trusted: Addresses, networks, or `"unix"` for whoever connects to our Unix socket.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        trusted = list(trusted)
        self._unix = "unix" in trusted
        self._networks = [ipaddress.ip_network(text) for text in trusted if text != "unix"]
        self._known: dict[str, bool] = {}
        self.any = bool(trusted)

    def trusts(self, address: str) -> bool:
        """Whether this peer (empty: a Unix one) is a trusted proxy."""
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[address] = self._is_trusted(address)
        return known

    def _is_trusted(self, address: str) -> bool:
        if not address:
            return self._unix
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def sender(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Return the right-most address that is not a trusted proxy; the peer where none is named.

        Args:
            peer: The connection's other end; empty for a Unix peer.
            forwarded_for: Every X-Forwarded-For header, in order.
        """
        if not self.any or not self.trusts(peer):
            return peer
        seen = peer
        for text in reversed(",".join(forwarded_for).split(",")):
            hop = text.strip()
            if not _is_address(hop):
                break
            seen = hop
            if not self.trusts(hop):
                break
        return seen


def _is_address(text: str) -> bool:
    if not text.isascii():  # the zone of an IPv6 address would pass with any bytes, and cannot be stored
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

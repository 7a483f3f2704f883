"""Which names the admin listener answers to, so that a web page cannot reach it through a name of its own."""

from __future__ import annotations

import ipaddress

from alertd.ops.settings import AdminSettings, parse_listen


class HostNames:
    """Host headers that are ours: addresses, `localhost`, and what is configured.

    DNS rebinding makes a browser send the attacker's own name, so an address is always harmless.
    """

    def __init__(self, settings: AdminSettings) -> None:
        own = {"localhost", parse_listen(settings.listen).host, *settings.hosts}
        self._own = frozenset(name.lower() for name in own)

    def allow(self, header: str) -> bool:
        """Whether a request with this Host header is answered."""
        name = _without_port(header.strip().lower())
        return name in self._own or _is_address(name)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

"""Where the credential may be sent: Autotask's zone hosts, and the origin that is asked for the zone."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_ZONE_HOST = re.compile(r"(?:webservices[a-z0-9]{0,8}|prde|pres)\.autotask\.net")
_DEFAULT_PORT = {"https": 443, "http": 80}


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port or _DEFAULT_PORT.get(parts.scheme)
    except ValueError:
        return None


def _bare(parts: SplitResult) -> bool:
    """Whether the URL is no more than scheme, host, port and path."""
    return not (parts.username or parts.password or parts.query or parts.fragment) and "@" not in parts.netloc


def is_loopback(host: str | None) -> bool:
    """Whether this host name is the machine itself, as written: nothing is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def may_ask_for_zone(url: str) -> bool:
    """Whether `url` may be configured as `zone_url`: https, or any scheme of HTTP on loopback."""
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    return safe and bool(parts.hostname) and _bare(parts) and _port(parts) is not None


def may_receive_credential(url: str, *, zone_url: str) -> bool:
    """Whether calls may go to `url`, which a zone look-up at `zone_url` has named.

    Allowed are Autotask's zone hosts over https on its port, the origin of `zone_url` itself, and, where
    that is on loopback (a simulator), every port of loopback.
    """
    parts, asked = urlsplit(url), urlsplit(zone_url)
    port = _port(parts)
    if port is None or not _bare(parts):
        return False
    if parts.scheme == "https" and port == 443 and _ZONE_HOST.fullmatch(parts.hostname or ""):
        return True
    if (parts.scheme, parts.hostname, port) == (asked.scheme, asked.hostname, _port(asked)):
        return True
    return is_loopback(asked.hostname) and is_loopback(parts.hostname) and parts.scheme in _DEFAULT_PORT

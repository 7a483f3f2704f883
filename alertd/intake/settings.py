"""`[server]`: where senders reach us, and how much they may send."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from pydantic import AfterValidator, Field, PositiveInt

from alertd.core.settings import Duration, Section, Size

KIB = 1024


class TcpAddress(msgspec.Struct, frozen=True):
    """An address and port to listen on. Port 0 lets the system choose."""

    host: str
    port: int


class UnixPath(msgspec.Struct, frozen=True):
    """The path of a Unix socket to listen on."""

    path: str


def parse_listen(text: str) -> TcpAddress | UnixPath:
    """Read `"127.0.0.1:8080"`, `"[::1]:8080"` or `"unix:/path"`.

    Raises:
        ValueError: It is neither; the message says what was expected.
    """
    if text.startswith("unix:/") and "\0" not in text:
        return UnixPath(text.removeprefix("unix:"))
    host, colon, port = text.rpartition(":")
    if not colon or not host or "\0" in host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError('should be "address:port" such as "127.0.0.1:8080", or "unix:/path"')
    return TcpAddress(host.removeprefix("[").removesuffix("]"), int(port))


def _readable_listen(text: str) -> str:
    parse_listen(text)
    return text


def _network_or_unix(text: str) -> str:
    if text != "unix":
        ipaddress.ip_network(text)  # its ValueError names the text
    return text


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError('should be an address such as "https://alerts.example.com"')
    return text.rstrip("/")


def _above_zero(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("should be longer than 0")
    return value


Listen = Annotated[str, AfterValidator(_readable_listen)]


class ServerSettings(Section):
    """The listener that senders reach.

    A proxy in `trusted_proxies` (addresses, networks, or `"unix"` for whoever connects to our Unix
    socket) is believed when it names the sender in X-Forwarded-For.
    """

    listen: Listen = "127.0.0.1:8080"
    public_url: Annotated[str, AfterValidator(_web_address)] | None = None
    trusted_proxies: list[Annotated[str, AfterValidator(_network_or_unix)]] = Field(default_factory=list)
    max_body: Annotated[Size, Field(ge=1 * KIB, le=KIB * KIB)] = 256 * KIB
    body_timeout: Annotated[Duration, AfterValidator(_above_zero)] = timedelta(seconds=10)
    max_connections: PositiveInt = 2000
    max_unproven_connections: PositiveInt = 50  # of one address, before any of them has authenticated
    access_log: Literal["refusals", "all", "off"] = "refusals"

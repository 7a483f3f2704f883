"""`[admin]`: where operators reach us."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Self

import msgspec
from pydantic import AfterValidator, Field, model_validator

from alertd.core.settings import SecretRef, Section


class TcpAddress(msgspec.Struct, frozen=True):
    """An address and port to listen on. Port 0 lets the system choose."""

    host: str
    port: int


def parse_listen(text: str) -> TcpAddress:
    """Read `"127.0.0.1:9876"` or `"[::1]:9876"`.

    Raises:
        ValueError: It is neither; the message says what was expected.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or "\0" in host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError('should be "address:port" such as "127.0.0.1:9876"')
    return TcpAddress(host.removeprefix("[").removesuffix("]"), int(port))


def is_loopback(host: str) -> bool:
    """Whether a host, as it stands in an address to listen on or in a Host header, is this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _readable_listen(text: str) -> str:
    parse_listen(text)
    return text


class AdminSettings(Section):
    """The listener that operators and Prometheus reach; loopback unless another address is configured.

    Without a token nothing but health and metrics is served, and only on loopback.
    """

    listen: Annotated[str, AfterValidator(_readable_listen)] = "127.0.0.1:9876"
    token: SecretRef | None = None
    metrics_need_token: bool = False
    hosts: list[str] = Field(default_factory=list)  # names in Host headers beside loopback's and `listen`'s

    @model_validator(mode="after")
    def _token_where_needed(self) -> Self:
        if self.token is not None:
            return self
        if self.metrics_need_token:
            raise ValueError('metrics_need_token = true needs a token: token = { file = "…" }')
        if not is_loopback(parse_listen(self.listen).host):
            raise ValueError('listening beyond this machine needs a token: token = { file = "…" }')
        return self

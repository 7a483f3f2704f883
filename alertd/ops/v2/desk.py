"""What the API asks of the process; `app` fulfils it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from aiohttp import web

from alertd.core.v2.alerts import Situation


class Taken(msgspec.Struct, frozen=True):
    """How posted alerts are answered: the status, and JSON or nothing."""

    status: int
    body: bytes


class Desk(Protocol):
    """Alerts, and the configuration that they are routed by."""

    @property
    def started_at(self) -> datetime:
        """When this process began."""
        ...

    def boards(self) -> Sequence[str]:
        """Return the names of all boards, as configured."""
        ...

    def configuration(self) -> str:
        """Return the routes as an Alertmanager configuration. No secret is in it."""
        ...

    async def situation(self) -> Situation:
        """Return what there is to show, once what had been accepted before is decided, or 2 s later."""
        ...

    async def take(self, request: web.BaseRequest) -> Taken:
        """Take posted alerts for the source `api`. Durable before it returns with a status below 300."""
        ...

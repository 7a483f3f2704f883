"""The admin listener: health, metrics, reload, and the JSON API behind the command line."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import unquote

import msgspec
import structlog
from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from alertd.core.secret import Secret
from alertd.flows.errors import CannotListen, PortError, StoreFailed
from alertd.ops.aliases import LatencyAlias
from alertd.ops.connections import OperatorServer
from alertd.ops.hosts import HostNames
from alertd.ops.metrics import StateMetrics
from alertd.ops.operations import NotReloaded, Operations
from alertd.ops.replies import reply, reply_error, reply_json, reply_text
from alertd.ops.settings import AdminSettings, parse_listen

_log = structlog.get_logger("alertd.ops")

SNAPSHOT_S = 5.0
SHUTDOWN_S = 5.0
DEFAULT_LIMIT = 100
MOST = 1000
_MAX_SUBJECT = 300
CALL_DURATION = "alertd_autotask_request_duration_seconds"

Access = Literal["open", "metrics", "token"]
Answer = Callable[[web.BaseRequest, Mapping[str, str]], Awaitable[web.Response]]


class Route(msgspec.Struct, frozen=True):
    """A path such as `/api/v1/explain/{id}`, and who may ask for it.

    A name in braces stands for one segment; `{name*}` stands for all that follows.
    """

    methods: tuple[str, ...]
    path: str
    answer: Answer
    access: Access = "token"

    def pattern(self) -> re.Pattern[str]:
        """Return what matches the path."""
        segments = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path))
        return re.compile(re.sub(r"\\\{(\w+)\\\*\\\}", r"(?P<\1>.*)", segments))


class Admin:
    """Answers operators. Call it with a request.

    Args:
        settings: `[admin]`.
        operations: What can be asked and done.
        registry: Every metric of the process; the gauges of the state are added to it.
        token: Opens what is not open to all; None: nobody may.
        more: Routes of others, such as the web interface.
    """

    def __init__(
        self,
        settings: AdminSettings,
        operations: Operations,
        *,
        registry: CollectorRegistry,
        token: Secret | None,
        more: Iterable[Route] = (),
    ) -> None:
        self._operations = operations
        self._registry = registry
        self._token = token
        self._metrics_need_token = settings.metrics_need_token
        self._hosts = HostNames(settings)
        self._state = StateMetrics()
        registry.register(self._state)
        registry.register(LatencyAlias(registry, CALL_DURATION))
        self._routes = [(route.pattern(), route) for route in (*self._own_routes(), *more)]

    def _own_routes(self) -> list[Route]:
        get = (hdrs.METH_GET, hdrs.METH_HEAD)
        return [
            Route(get, "/healthz", self._healthz, "open"),
            Route(get, "/readyz", self._readyz, "open"),
            Route(get, "/-/healthy", self._healthz, "open"),
            Route(get, "/-/ready", self._readyz, "open"),
            Route(get, "/metrics", self._metrics, "metrics"),
            Route((hdrs.METH_POST, hdrs.METH_PUT), "/-/reload", self._reload),
            Route(get, "/api/v1/status", self._status),
            Route(get, "/api/v1/incidents", self._incidents),
            Route(get, "/api/v1/explain/{id}", self._explain),
            Route(get, "/api/v1/parked", self._parked),
        ]

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if not self._hosts.allow(request.headers.get(hdrs.HOST, "")):
            return reply_error(421, 'this host name is not known here; add it to "hosts" in [admin]')
        path = request.raw_path.partition("?")[0]
        found = [(match, route) for pattern, route in self._routes if (match := pattern.fullmatch(path))]
        if not found:
            return reply_error(404, "there is nothing here")
        for match, route in found:
            if request.method in route.methods:
                return await self._answer(request, route, match.groupdict())
        response = reply_error(405, "this method is not served here")
        response.headers[hdrs.ALLOW] = ", ".join(method for _, route in found for method in route.methods)
        return response

    async def _answer(
        self, request: web.BaseRequest, route: Route, names: Mapping[str, str]
    ) -> web.StreamResponse:
        if not self._may(request, route.access):
            response = reply_error(401, self._how_to_get_in())
            response.headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="alertd"'
            return response
        try:
            return await route.answer(request, names)
        except (PortError, StoreFailed) as exc:
            return reply_error(503, f"not now: {exc}")

    def _may(self, request: web.BaseRequest, access: Access) -> bool:
        if access == "open" or (access == "metrics" and not self._metrics_need_token):
            return True
        presented = presented_token(request.headers.get(hdrs.AUTHORIZATION, ""))
        return presented is not None and self._token is not None and self._token.matches(presented)

    def _how_to_get_in(self) -> str:
        if self._token is None:
            return "no admin token is configured: set token in [admin]"
        return "send the admin token as Authorization: Bearer"

    # --- open -------------------------------------------------------------------------------------------

    async def _healthz(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        return _health(self._operations.unhealthy())

    async def _readyz(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        ready = _health(self._operations.not_ready())
        problems = self._operations.problems()
        if ready.status != 200 or not problems:
            return ready
        # tickets go elsewhere meanwhile, and alerts are taken all the same: no reason to be sent nothing
        return reply_text("\n".join(["OK", *problems]))

    async def _metrics(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        try:
            async with asyncio.timeout(SNAPSHOT_S):
                self._state.show(await self._operations.snapshot())
        except (PortError, StoreFailed, TimeoutError) as exc:
            # the other metrics are wanted most when the store is down
            _log.warning("admin.snapshot_failed", error=type(exc).__name__)
            self._state.show(None)
        return reply(generate_latest(self._registry), content_type=CONTENT_TYPE_LATEST)

    # --- with a token -----------------------------------------------------------------------------------

    async def _reload(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        try:
            await self._operations.reload()
        except NotReloaded as exc:
            return reply_text(f"failed to reload config: {exc}", status=500)
        return reply_text("OK")

    async def _status(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        return reply_json(await self._operations.status())

    async def _incidents(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        limit = _limit(request)
        if limit is None:
            return reply_error(400, f"limit should be a number from 1 to {MOST}")
        states = request.query.getall("state", []) or None
        return reply_json(await self._operations.incidents(limit=limit, states=states))

    async def _parked(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        limit = _limit(request)
        if limit is None:
            return reply_error(400, f"limit should be a number from 1 to {MOST}")
        return reply_json(await self._operations.parked(limit=limit))

    async def _explain(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        subject = unquote(names["id"])
        told = await self._operations.explain(subject) if len(subject) <= _MAX_SUBJECT else None
        if told is None:
            return reply_error(
                404, "nothing is known of this: give a receipt, fingerprint, incident or ticket"
            )
        return reply_json(told)


def _health(reason: str | None) -> web.Response:
    return reply_text("OK") if reason is None else reply_text(reason, status=503)


def _limit(request: web.BaseRequest) -> int | None:
    text = request.query.get("limit", str(DEFAULT_LIMIT))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
    return limit if 1 <= limit <= MOST else None


def presented_token(authorization: str) -> bytes | None:
    """Return the token of an Authorization header: Bearer, or the password of Basic."""
    scheme, _, rest = authorization.partition(" ")
    value = rest.strip().encode("utf-8", "surrogateescape")
    match scheme.lower():
        case "bearer":
            return value or None
        case "basic":
            try:
                return base64.b64decode(value, validate=True).partition(b":")[2] or None
            except (binascii.Error, ValueError):
                return None
        case _:
            return None


@asynccontextmanager
async def serving(admin: Admin, settings: AdminSettings) -> AsyncIterator[str]:
    """Serve operators inside the block, and yield the address where.

    Raises:
        CannotListen: The address cannot be bound.
    """
    server = OperatorServer(admin)
    with _bound(settings.listen) as bound:
        bound.setblocking(False)
        listener = await asyncio.get_running_loop().create_server(server, sock=bound)
        host, port = bound.getsockname()[:2]
        try:
            yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        finally:
            listener.close()
            server.pre_shutdown()
            await server.shutdown(SHUTDOWN_S)


def _bound(listen: str) -> socket.socket:
    address = parse_listen(listen)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as exc:
        raise CannotListen("[admin] listen", listen, exc) from exc

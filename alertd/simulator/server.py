"""The HTTP shell: passes requests to the model, waits, and loses or spoils replies on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from alertd.simulator import pages
from alertd.simulator.callout_delivery import deliver
from alertd.simulator.control import PREFIX, control
from alertd.simulator.simulator import Simulator, headers_of
from alertd.simulator.wire import SimReply, SimRequest, Transport

_SIMULATOR = web.AppKey("simulator", Simulator)
_CLOSING = web.AppKey("closing", asyncio.Event)
_SHUTDOWN_S = 0.5
_MAX_BODY = 32 * 1024 * 1024
_LOOK_S = 0.05
_CHUNKS = 20


def make_app(simulator: Simulator) -> web.Application:
    """Return an application that serves the API at any base path, `/__sim/`, and deep-link pages."""
    app = web.Application(client_max_size=_MAX_BODY)
    app[_SIMULATOR] = simulator
    app[_CLOSING] = asyncio.Event()
    app.on_shutdown.append(_close)
    app.cleanup_ctx.append(_calling_out)
    app.router.add_route("*", PREFIX + "{name}", _serve_control)
    app.router.add_get(pages.PATH, _serve_page)
    app.router.add_route("*", "/{path:.*}", _serve_api)
    return app


@asynccontextmanager
async def serving(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve the simulator while the context lasts and yield the zone host's base URL.

    The URL is what a client is given as `zone_url`, such as `http://127.0.0.1:9999/atservicesrest`.
    Leaving ends within a second, whatever still hangs.
    """
    runner = web.AppRunner(make_app(simulator), access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        shown = f"[{bound_host}]" if ":" in bound_host else bound_host
        yield f"http://{shown}:{bound_port}/atservicesrest"
    finally:
        await runner.cleanup()


async def _calling_out(app: web.Application) -> AsyncIterator[None]:
    sending = asyncio.create_task(deliver(app[_SIMULATOR]))
    yield
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending


async def _close(app: web.Application) -> None:
    app[_CLOSING].set()


async def _serve_control(request: web.Request) -> web.Response:
    body = await request.read()
    reply = control(
        request.app[_SIMULATOR], request.method, request.match_info["name"], body=body, query=request.query
    )
    return _response(reply)


async def _serve_page(request: web.Request) -> web.Response:
    return _response(pages.page(request.app[_SIMULATOR], request.query))


async def _serve_api(request: web.Request) -> web.StreamResponse:
    simulator = request.app[_SIMULATOR]
    call = simulator.begin(await _read(request))
    try:
        if call.delay_s:
            await _wait(request, call.delay_s)
        if request.app[_CLOSING].is_set():
            return _abort(request)
        reply = simulator.finish(call)
        return await _send(request, reply)
    finally:
        simulator.release(call)


async def _read(request: web.Request) -> SimRequest:
    return SimRequest(
        method=request.method,
        path=request.path,
        query=request.query,
        headers=headers_of(request.headers),
        body=await request.read(),
        origin=f"{request.scheme}://{request.host}",
        url_length=len(request.host) + len(request.raw_path),
    )


async def _wait(request: web.Request, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(request.app[_CLOSING].wait(), seconds)


async def _send(request: web.Request, reply: SimReply) -> web.StreamResponse:
    if reply.transport is Transport.HANG:
        await _hang(request)
    if reply.transport in (Transport.DROP, Transport.HANG):
        return _abort(request)
    if reply.transport is Transport.CUT or reply.slow_s:
        return await _send_bit_by_bit(request, reply)
    response = _response(reply)
    await response.prepare(request)
    await response.write_eof()
    return response


async def _hang(request: web.Request) -> None:
    """Wait until the client has gone away or the server closes."""
    closing = request.app[_CLOSING]
    while not closing.is_set() and request.transport is not None and not request.transport.is_closing():
        await _wait(request, _LOOK_S)


async def _send_bit_by_bit(request: web.Request, reply: SimReply) -> web.StreamResponse:
    headers = {"Content-Length": str(len(reply.body)), "Content-Type": reply.content_type} | reply.headers
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    size = max(1, len(reply.body) // _CHUNKS)
    pause_s = reply.slow_s * size / max(1, len(reply.body))
    for start in range(0, len(reply.body), size):
        if pause_s:
            await _wait(request, pause_s)
        await response.write(reply.body[start : start + size])
    if reply.transport is Transport.CUT and request.transport is not None:
        request.transport.close()
    return response


def _abort(request: web.Request) -> web.Response:
    """Reset the connection. The response is for the framework alone; nobody is left to receive it."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _response(reply: SimReply) -> web.Response:
    headers = {"Content-Type": reply.content_type} | reply.headers
    return web.Response(status=reply.status, body=reply.body, headers=headers)

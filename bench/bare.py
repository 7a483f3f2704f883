"""The yardstick: aiohttp on uvloop, a handler that only reads the body."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web


async def read_only(request: web.Request) -> web.Response:
    """Read the body and answer."""
    await request.read()
    return web.Response(status=202)


async def serve(port: int) -> None:
    """Serve until killed."""
    app = web.Application()
    app.router.add_post("/v1/alerts/alertmanager", read_only)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))

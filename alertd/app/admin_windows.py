"""The windows in the admin API."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from alertd.app.assembly import Parts
from alertd.app.windows import MOST_SHOWN, next_rows, window_rows
from alertd.ops.admin import Route
from alertd.ops.replies import reply_error, reply_json

_READ = ("GET", "HEAD")


def window_routes(parts: Parts) -> list[Route]:
    """Return the paths that tell of windows."""

    async def listing(request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        held = await parts.store.incidents(states=["held"], limit=MOST_SHOWN)
        incidents = [each.incident for each in held]
        live, now = parts.current.live, parts.clock.now()
        return reply_json(window_rows(live.settings, parts.windows.active, incidents, now))

    async def upcoming(request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        name, count = request.query.get("name"), request.query.get("count", "10")
        settings = parts.current.live.settings
        if name is not None and name not in {each.name for each in settings.windows}:
            return reply_error(404, f"there is no window {name!r}; alertd window list shows those there are")
        if not count.isdecimal() or not 1 <= int(count) <= MOST_SHOWN:
            return reply_error(400, f"count should be 1 to {MOST_SHOWN}")
        now = parts.clock.now()
        return reply_json(next_rows(settings, parts.windows.active, now, name=name, count=int(count)))

    return [Route(_READ, "/api/v1/windows", listing), Route(_READ, "/api/v1/windows/next", upcoming)]

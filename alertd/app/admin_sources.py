"""The sources in the admin API: what they have sent, and their last bodies."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from alertd.app.assembly import Parts
from alertd.app.source_reports import recent, sources
from alertd.ops.admin import Route
from alertd.ops.replies import reply_error, reply_json

_READ = ("GET", "HEAD")


def source_routes(parts: Parts) -> list[Route]:
    """Return the paths that tell of sources."""

    async def listing(request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        return reply_json(await sources(parts.store, parts.current.live.settings))

    async def last(request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        found = await recent(parts.store, names["name"])
        configured = {source.name for source in parts.current.live.settings.sources}
        if not found and names["name"] not in configured:
            return reply_error(404, f"there is no source {names['name']!r}; alertd sources list shows them")
        return reply_json(found)

    return [
        Route(_READ, "/api/v1/sources", listing),
        Route(_READ, "/api/v1/sources/{name}/recent", last),
    ]

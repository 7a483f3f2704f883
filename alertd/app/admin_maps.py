"""The maps in the admin API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import msgspec
from aiohttp import web

from alertd.app.company_maps import Change, CompanyMaps, MapRefused
from alertd.ops.admin import Route
from alertd.ops.replies import reply_error, reply_json

Names: TypeAlias = Mapping[str, str]
_READ = ("GET", "HEAD")
_PATH = "/api/v1/maps/companies"
_change = msgspec.json.Decoder(Change, strict=True)


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    sent: str


_row = msgspec.json.Decoder(_Row)


def map_routes(maps: CompanyMaps) -> list[Route]:
    """Return the paths that read and change the map of companies."""

    async def listing(request: web.BaseRequest, names: Names) -> web.Response:
        return reply_json(await maps.listing())

    async def suggestions(request: web.BaseRequest, names: Names) -> web.Response:
        return reply_json(await maps.suggest())

    async def change(request: web.BaseRequest, names: Names) -> web.Response:
        return reply_json(await maps.set(_change.decode(await request.read())))

    async def remove(request: web.BaseRequest, names: Names) -> web.Response:
        row = _row.decode(await request.read())
        if not await maps.remove(row.source, row.sent):
            return reply_error(404, f"the map has no row for {row.source} {row.sent!r}")
        return reply_json({"removed": True})

    return [
        Route(_READ, _PATH, listing),
        Route(("POST",), _PATH, _told(change)),
        Route(("POST",), f"{_PATH}/remove", _told(remove)),
        Route(_READ, f"{_PATH}/suggestions", suggestions),
    ]


def _told(
    answer: Callable[[web.BaseRequest, Names], Awaitable[web.Response]],
) -> Callable[[web.BaseRequest, Names], Awaitable[web.Response]]:
    """Return it with refusals as answers."""

    async def tell(request: web.BaseRequest, names: Names) -> web.Response:
        try:
            return await answer(request, names)
        except MapRefused as exc:
            return reply_error(409, str(exc))
        except msgspec.DecodeError as exc:
            return reply_error(400, f"the body is not what is expected here: {exc}")

    return tell

"""The paths of Alertmanager's API v2, with its answers to what they do not serve."""

from __future__ import annotations

import asyncio
import posixpath
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from aiohttp import hdrs, web

from alertd import __version__
from alertd.core.v2.alerts import show_alerts, show_groups
from alertd.core.v2.stamps import stamp
from alertd.ops.admin import Answer, Route
from alertd.ops.metrics import API_VERSION
from alertd.ops.v2 import replies
from alertd.ops.v2.desk import Desk
from alertd.ops.v2.questions import Question, require_json_accepted
from alertd.ops.v2.replies import Problem, refused
from alertd.ops.v2.silences import SilenceDesk

_BASE: Final = "/api/v2/"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


class Api:
    """Answers every path below `/api/v2/`.

    Args:
        desk: Alerts and the configuration.
        silences: Answers what concerns silences.
    """

    def __init__(self, desk: Desk, silences: SilenceDesk) -> None:
        self._desk = desk
        self._endpoints: tuple[tuple[re.Pattern[str], Mapping[str, Answer]], ...] = (
            (re.compile("status"), {"GET": self._status}),
            (re.compile("receivers"), {"GET": self._receivers}),
            (re.compile("alerts"), {"GET": self._alerts, "POST": self._post_alerts}),
            (re.compile("alerts/groups"), {"GET": self._groups}),
            (re.compile("silences"), {"GET": silences.show_all, "POST": silences.post}),
            (re.compile("silence/(?P<id>[^/]+)"), {"DELETE": silences.expire, "GET": silences.show}),
        )

    def routes(self) -> list[Route]:
        """Return what the admin listener serves of it. Browsers ask before they send a token."""
        others = tuple(method for method in _METHODS if method != hdrs.METH_OPTIONS)
        return [
            Route((hdrs.METH_OPTIONS,), _BASE + "{rest*}", self._answer, "open"),
            Route(others, _BASE + "{rest*}", self._answer),
        ]

    async def _answer(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        is_preflight = (
            request.method == hdrs.METH_OPTIONS
            and hdrs.ORIGIN in request.headers
            and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        )
        if is_preflight:
            return replies.preflight(request)
        try:
            response = await self._find(request, _cleaned(names["rest"]))
        except Problem as found:
            response = replies.problem(found)
        return replies.shared_with_pages(request, response)

    async def _find(self, request: web.BaseRequest, path: str) -> web.Response:
        for pattern, answers in self._endpoints:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            answer = answers.get(request.method)
            if answer is None:
                return replies.wrong_method(request.method, list(answers))
            return await answer(request, {name: unquote(text) for name, text in match.groupdict().items()})
        raise refused(404, f"path {_BASE}{unquote(path)} was not found")

    # --- the endpoints ----------------------------------------------------------------------------------

    async def _status(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        require_json_accepted(request)
        return replies.document(
            {
                "cluster": {"peers": [], "status": "disabled"},
                "config": {"original": self._desk.configuration()},
                "uptime": stamp(self._desk.started_at),
                "versionInfo": {
                    "branch": "alertd",
                    "buildDate": "",
                    "buildUser": "",
                    "goVersion": "n/a",
                    "revision": __version__,
                    "version": API_VERSION,
                },
            }
        )

    async def _receivers(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        require_json_accepted(request)
        accepts = Question(request).wanted().accepts_receiver
        return replies.document([{"name": name} for name in self._desk.boards() if accepts({"name": name})])

    async def _alerts(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        require_json_accepted(request)
        wanted = Question(request).wanted()
        situation = await self._desk.situation()
        return replies.document(await asyncio.to_thread(show_alerts, situation, wanted))

    async def _groups(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        require_json_accepted(request)
        wanted = Question(request).wanted()
        situation = await self._desk.situation()
        return replies.document(await asyncio.to_thread(show_groups, situation, wanted))

    async def _post_alerts(self, request: web.BaseRequest, names: Mapping[str, str]) -> web.Response:
        taken = await self._desk.take(request)
        return replies.body(taken.body, status=taken.status)


def _cleaned(rest: str) -> str:
    """Return what follows the base without empty segments and dots, as Alertmanager's router takes it."""
    return posixpath.normpath(f"/{rest}").strip("/")

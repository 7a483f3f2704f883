"""What the admin listener asks of the running process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from alertd.app.admin_maps import map_routes
from alertd.app.admin_sources import source_routes
from alertd.app.admin_windows import window_routes
from alertd.app.alertmanager import AlertmanagerDesk, suppressed_alerts
from alertd.app.assembly import Parts
from alertd.app.closing import close_incident
from alertd.app.operations import Document
from alertd.app.reload import ReloadRefused
from alertd.app.shadowing import ShadowDesk
from alertd.app.state import status, take_snapshot
from alertd.core.silences import state_of
from alertd.ops.admin import Route
from alertd.ops.operations import NotReloaded
from alertd.ops.pulse import Pulse
from alertd.ops.replies import reply_error, reply_json
from alertd.ops.silencing import OperatorSilences
from alertd.ops.snapshot import Snapshot
from alertd.ops.v2.api import Api
from alertd.ops.v2.silences import SilenceDesk


class ProcessOperations:
    """`alertd.ops.operations.Operations` over the parts of this process."""

    def __init__(
        self,
        parts: Parts,
        *,
        pulse: Pulse,
        reload: Callable[[], Awaitable[None]],
        not_ready: Callable[[], str | None],
    ) -> None:
        self._parts = parts
        self._pulse = pulse
        self._reload = reload
        self._not_ready = not_ready

    def not_ready(self) -> str | None:
        """Return why this process should get no traffic."""
        return self._not_ready()

    def problems(self) -> list[str]:
        """Return what the configuration asks and others do not have or give, as far as it is known."""
        hooking = self._parts.hooking
        callouts = [f"call-outs: {hooking.trouble}"] if hooking is not None and hooking.trouble else []
        known = [str(problem) for problem in self._parts.desk.known_problems()]
        return [*known, *callouts, *self._parts.intake.problems(), *self._parts.calendars.problems()]

    def unhealthy(self) -> str | None:
        """Return which loops are stuck."""
        stuck = self._pulse.stale()
        return f"stuck: {', '.join(stuck)}" if stuck else None

    async def reload(self) -> None:
        """Take the configuration file again."""
        try:
            await self._reload()
        except ReloadRefused as exc:
            raise NotReloaded(str(exc)) from exc

    async def snapshot(self) -> Snapshot:
        """Return the state that the gauges show."""
        parts = self._parts
        now = parts.clock.now()
        unclear = len(parts.settler.unclear)
        state = await take_snapshot(parts.store, now=now, unclear=unclear)
        suppressed = await suppressed_alerts(parts)
        return msgspec.structs.replace(
            state,
            active_alerts=max(state.active_alerts - suppressed, 0),
            suppressed_alerts=suppressed,
            unprocessed_alerts=len(parts.decider.undecided()),
            silences=Counter(state_of(each, now).value for each in parts.silences.silences()),
            configuration_problems=len(self.problems()),
            operations_done=parts.settling_metrics.done,
            operations_failed=parts.settling_metrics.failed,
        )

    async def status(self) -> Document:
        """Return how alertd is, for people."""
        return status(await self.snapshot(), detail=self._detail)

    async def incidents(self, *, limit: int, states: Sequence[str] | None = None) -> Sequence[Document]:
        """Return incidents in these states (None: all but closed ones), newest first."""
        return await self._parts.operations.incidents(limit=limit, states=states)

    async def explain(self, subject: str) -> Document | None:
        """Return all that is known about a receipt, fingerprint, incident, ticket number or reference."""
        await self._parts.call_log.keep_answers()
        return await self._parts.operations.explain(subject)

    async def parked(self, *, limit: int) -> Sequence[Document]:
        """Return what is set aside for a person."""
        return await self._parts.operations.parked(limit=limit)

    def routes(self) -> list[Route]:
        """Return what this process serves beside the admin listener's own paths."""

        async def retry(request: web.BaseRequest, names: Any) -> web.Response:
            done = await self._parts.operations.retry(names["key"])
            return reply_json(done) if done is not None else reply_error(404, "there is no such incident")

        async def close(request: web.BaseRequest, names: Any) -> web.Response:
            done = await close_incident(self._parts, names["key"])
            return reply_json(done) if done is not None else reply_error(404, "there is no such incident")

        async def usage(request: web.BaseRequest, names: Any) -> web.Response:
            return reply_json(await self._parts.operations.usage(request.query.get("source") or None))

        silences = SilenceDesk(self._parts.silences, self._parts.clock)
        return [
            Route(("POST",), "/api/v1/incidents/{key}/retry", retry),
            Route(("POST",), "/api/v1/incidents/{key}/close", close),
            Route(("GET", "HEAD"), "/api/v1/usage", usage),
            *OperatorSilences(self._parts.silences, self._parts.clock).routes(),
            *Api(AlertmanagerDesk(self._parts), silences).routes(),
            *map_routes(self._parts.maps),
            *source_routes(self._parts),
            *window_routes(self._parts),
        ]

    def _detail(self) -> dict[str, Any]:
        desk = self._parts.desk
        usage = desk.usage()
        return {
            "ready": self._not_ready() is None,
            "autotask": self._parts.settler.desk_trouble or "reached",
            "configuration_problems": self.problems(),
            "tenant_usage_ratio": round(usage.ratio, 3) if usage is not None else None,
            "pressure": desk.pressure(),
            "mode": self._parts.current.live.settings.mode,
            **({"shadow_calls": desk.planned.counts} if isinstance(desk, ShadowDesk) else {}),
            "tokens_used": {
                source: {"current": _used(current), "other": _used(other)}
                for source, (current, other) in self._parts.intake.tokens_used().items()
            },
            "callouts": hooking.state if (hooking := self._parts.hooking) is not None else "off",
        }


def _used(at: datetime | None) -> str:
    return "never" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")

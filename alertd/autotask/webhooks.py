"""Our one webhook at Autotask: it calls us when people change tickets.

The order: the webhook first, which is silent as long as it has no field; then whom it does not call for; then
its fields. One after the other, since more than three at once are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog

from alertd.autotask.callout_settings import FIELDS
from alertd.autotask.client import AutotaskClient
from alertd.autotask.memory import Memory
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import Query, Row, Where
from alertd.autotask.refusals import speaks_of_taken
from alertd.autotask.texts import shown
from alertd.core.secret import Secret
from alertd.flows.errors import OutcomeUnknown, Rejected, Unavailable

# Source: picklist `fieldID` of TicketWebhookFields, API reference 5.20
FIELD_IDS: Mapping[str, int] = dict(zip(FIELDS, (1, 2, 5, 6, 7, 11, 12, 14, 20, 31, 49), strict=True))
MOST_NAME, MOST_SECRET = 50, 64
_ENTITY, _FIELDS, _EXCLUDED = "TicketWebhooks", "TicketWebhookFields", "TicketWebhookExcludedResources"
_REMEMBERED = "autotask.webhook"
_MOST_USER_NAME = 32  # of a resource; the API user's "Username (Key)" may be longer

_log = structlog.get_logger(__name__)


class WebhookPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook as the configuration wants it."""

    url: str
    secret: Secret
    name: str
    fields: tuple[str, ...]  # names of `FIELD_IDS`: a change of one of them is called out
    excluded: frozenset[int] = frozenset()  # resources whose changes are not, beside our own
    username: str = ""  # ours

    def record(self) -> dict[str, Any]:
        """Return what we want of it at any time, whoever made it."""
        return {
            "isActive": True,
            "webhookUrl": self.url,
            "deactivationUrl": self.url,
            "secretKey": self.secret.reveal(),
            "isSubscribedToCreateEvents": False,
            "isSubscribedToUpdateEvents": True,
            "isSubscribedToDeleteEvents": True,
            "sendThresholdExceededNotification": False,
        }


class TicketWebhook:
    """The webhook of a plan, found again after a restart by its id or its URL."""

    def __init__(
        self,
        client: AutotaskClient,
        plan: WebhookPlan,
        *,
        memory: Memory,
        own_resource_id: Callable[[], int | None],
    ) -> None:
        client.transport.hide(plan.secret)
        self._client = client
        self._plan = plan
        self._memory = memory
        self._own_resource_id = own_resource_id
        self._not_called_for: set[int] = set()

    async def install(self) -> None:
        """Make it, or bring the one that is there up to date, and switch it on.

        Raises:
            PortError: What to do next. As far as it came is found again.
        """
        mine = await self._mine()
        webhook_id = mine[0]["id"] if mine else await self._make()
        await self._memory.set(_REMEMBERED, str(webhook_id))
        for extra in mine[1:]:
            await self._remove(extra)
        fields, left_out = await self._brought_up(webhook_id) if mine else (set(), set())
        await self._exclude(webhook_id, left_out)
        await self._subscribe(webhook_id, fields)
        _log.info("autotask.webhook_installed", webhook_id=webhook_id, url=self._plan.url)

    async def check(self) -> str:
        """See that it is there and on; one that is gone is made again.

        Returns:
            What a person has to put right, in one line; empty where there is nothing. A webhook that was
            switched off, by a person or by Autotask, stays off until alertd is restarted.

        Raises:
            PortError: What to do next.
        """
        mine = await self._mine()
        if not mine:
            await self.install()
            return ""
        row = mine[0]
        if row.get("isActive") is False:
            return (
                f"webhook {row['id']} is switched off in Autotask, which does so itself after 25 failed"
                f" call-outs: see that {self._plan.url} can be reached from outside, then restart alertd"
            )
        if row.get("webhookUrl") != self._plan.url:
            return f"webhook {row['id']} calls another address since somebody changed it; restart alertd"
        await self._exclude_late(row["id"])
        return ""

    # --- finding and making

    async def _mine(self) -> list[Row]:
        """Return our webhooks, the one to keep first: normally one."""
        query = Query(
            entity=_ENTITY,
            conditions=(Where("gte", "id", 0),),
            fields=("name", "webhookUrl", "isActive"),
            precedence=Precedence.SYNC,
        )
        remembered = await self._memory.get(_REMEMBERED)
        rows = [
            row
            for row in await self._client.exact(query)
            if row.get("webhookUrl") == self._plan.url or str(row["id"]) == remembered
        ]
        return sorted(rows, key=lambda row: (str(row["id"]) != remembered, row["id"]))

    async def _make(self) -> int:
        record = {"name": self._plan.name[:MOST_NAME], **self._plan.record()}
        try:
            return await self._create(_ENTITY, _ENTITY, record)
        except Rejected as exc:
            if speaks_of_taken(str(exc)):
                raise Unavailable(f"the webhook is there already and cannot be found yet: {exc}") from None
            raise

    async def _remove(self, extra: Row) -> None:
        """Delete a second one of ours, which an unclear answer has left behind."""
        if extra.get("name") != self._plan.name[:MOST_NAME]:
            _log.warning("autotask.webhook_twice", webhook_id=extra["id"], name=str(extra.get("name"))[:50])
            return
        try:
            await self._client.delete(f"{_ENTITY}/{extra['id']}", _ENTITY, precedence=Precedence.SYNC)
        except (Rejected, OutcomeUnknown) as exc:
            _log.warning("autotask.webhook_not_deleted", webhook_id=extra["id"], error=shown(exc))

    # --- its fields, and whom it does not call for

    async def _brought_up(self, webhook_id: int) -> tuple[set[int], set[int]]:
        """Bring it up to date, and return the fields that it has, and the resources that it leaves out."""
        await self._change(webhook_id, self._plan.record())
        fields = await self._listed(webhook_id, "Fields", _FIELDS, "fieldID")
        return fields, await self._listed(webhook_id, "ExcludedResources", _EXCLUDED, "resourceID")

    async def _subscribe(self, webhook_id: int, have: set[int]) -> None:
        wanted = {FIELD_IDS[name]: name for name in self._plan.fields}
        refused: list[Rejected] = []
        for field_id in sorted(wanted.keys() - have):
            record = {"webhookID": webhook_id, "fieldID": field_id, "isSubscribedField": True}
            try:
                await self._add(webhook_id, "Fields", _FIELDS, {**record, "isDisplayAlwaysField": False})
            except Rejected as exc:
                _log.warning("autotask.webhook_field_refused", field=wanted[field_id], error=shown(exc))
                refused.append(exc)
        if len(refused) == len(wanted):
            raise refused[0]

    async def _exclude(self, webhook_id: int, have: set[int]) -> None:
        """Leave ourselves out, or each of our own writes would call us back."""
        own = self._own_resource_id()
        if own is None:
            own = await self._look_up_ourselves()
        wanted = self._plan.excluded | ({own} if own is not None else set())
        self._not_called_for = have
        for resource_id in sorted(wanted - have):
            await self._leave_out(webhook_id, resource_id)

    async def _exclude_late(self, webhook_id: int) -> None:
        """Leave ourselves out as soon as it is known who we are."""
        own = self._own_resource_id()
        if own is not None and own not in self._not_called_for:
            await self._leave_out(webhook_id, own)

    async def _leave_out(self, webhook_id: int, resource_id: int) -> None:
        record = {"webhookID": webhook_id, "resourceID": resource_id}
        try:
            await self._add(webhook_id, "ExcludedResources", _EXCLUDED, record)
        except Rejected as exc:  # it costs some reads, and no more
            _log.warning("autotask.webhook_calls_for", resource_id=resource_id, error=shown(exc))
            return
        self._not_called_for.add(resource_id)

    async def _look_up_ourselves(self) -> int | None:
        """Return our own resource id by our user name; the stored one may be shortened."""
        username = self._plan.username
        names = {username, username[:_MOST_USER_NAME], username.partition("@")[0][:_MOST_USER_NAME]} - {""}
        query = Query(
            entity="Resources",
            conditions=(Where("in", "userName", tuple(sorted(names))),),
            fields=("userName",),
            precedence=Precedence.SYNC,
        )
        try:
            rows = await self._client.exact(query)
        except Rejected as exc:
            _log.info("autotask.own_resource_unknown", error=shown(exc))
            return None
        return int(rows[0]["id"]) if len(rows) == 1 else None

    async def _listed(self, webhook_id: int, child: str, endpoint: str, name: str) -> set[int]:
        path = f"{_ENTITY}/{webhook_id}/{child}"
        rows = await self._client.children(path, endpoint, precedence=Precedence.SYNC)
        return {row[name] for row in rows if isinstance(row.get(name), int)}

    async def _add(self, webhook_id: int, child: str, endpoint: str, record: dict[str, Any]) -> None:
        try:
            await self._create(f"{_ENTITY}/{webhook_id}/{child}", endpoint, record)
        except Rejected as exc:
            if not speaks_of_taken(str(exc)):
                raise

    async def _create(self, path: str, endpoint: str, record: dict[str, Any]) -> int:
        try:
            return await self._client.create(path, endpoint, record, precedence=Precedence.SYNC)
        except OutcomeUnknown as exc:  # what was made after all is found at the next try
            raise Unavailable(f"{endpoint} may have been made: {exc}") from None

    async def _change(self, webhook_id: int, wanted: dict[str, Any]) -> None:
        names = frozenset(wanted) | {"name"}
        try:
            await self._client.change(
                _ENTITY, webhook_id, wanted, writable=lambda: names, precedence=Precedence.SYNC
            )
        except OutcomeUnknown as exc:  # to repeat it does no harm
            raise Unavailable(f"webhook {webhook_id} may have been changed: {exc}") from None

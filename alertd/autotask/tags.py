"""Tags: labels to ids, made with their group where missing, put on tickets and taken off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from alertd.autotask.client import AutotaskClient
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import MOST_ROWS, Query, Row, Where
from alertd.autotask.refusals import speaks_of_gone, speaks_of_taken
from alertd.flows.errors import AuthRefused, OutcomeUnknown, PortError, Rejected, Throttled, Unavailable
from alertd.flows.ports import Clock

MOST_PER_TICKET = 30
MOST_OF_LABEL = 50
LONGEST_SEARCH_LAG = timedelta(minutes=2)
FORGET_AFTER = timedelta(hours=1)
AFTER_FAILURE = timedelta(seconds=2)
_ASSOCIATIONS = "TicketTagAssociations"


class Tags:
    """The tags of our vocabulary and the tickets they are on."""

    def __init__(
        self, client: AutotaskClient, *, group: str, vocabulary: Iterable[str], clock: Clock
    ) -> None:
        self._client = client
        self._clock = clock
        self._group = group
        self.adopt(vocabulary)
        self._ids: dict[str, int] = {}  # by label without case: Autotask's uniqueness does not mind it either
        self._labels: dict[int, str] = {}
        self._taken_since: dict[str, datetime] = {}  # what is there, says Autotask, and yet is not shown
        self._failed: dict[str, tuple[datetime, str]] = {}  # labels that could not be found or made, and why
        self._making = asyncio.Lock()

    def adopt(self, vocabulary: Iterable[str]) -> None:
        """Use these labels: spelt as we write them, whatever stands in Autotask."""
        self._spelt = {label.casefold(): label for label in vocabulary}

    async def put_on(self, ticket_id: int, label: str) -> int:
        """Put a tag on a ticket and return the association's id. One that is on already is found.

        Raises:
            OutcomeUnknown: It may have been put on.
            PortError: What to do next; the ticket is as it was.
        """
        tag_id = await self._tag_id(label)
        record = {"tagID": tag_id, "ticketID": ticket_id}
        try:
            return await self._client.create(f"Tickets/{ticket_id}/TagAssociations", _ASSOCIATIONS, record)
        except Rejected as exc:
            rows = await self._associations(ticket_id)
            present = next((row["id"] for row in rows if row.get("tagID") == tag_id), None)
            what = f"tag {label!r} on ticket {ticket_id}"
            if isinstance(present, int):
                return present
            if not speaks_of_taken(str(exc)):
                self._forget(label)  # perhaps somebody has deleted the tag
            if len(rows) >= MOST_PER_TICKET:
                raise Rejected(
                    f"the ticket has {len(rows)} tags, and {MOST_PER_TICKET} is the limit"
                ) from None
            raise self._not_shown(what, exc) from None

    async def take_off(self, ticket_id: int, association_id: int) -> None:
        """Take a tag off a ticket. One that is off already is fine.

        Raises:
            OutcomeUnknown: It may have been taken off.
            PortError: What to do next; the ticket is as it was.
        """
        path = f"Tickets/{ticket_id}/TagAssociations/{association_id}"
        try:
            await self._client.delete(path, _ASSOCIATIONS)
        except Rejected as exc:
            # the same text says that it is gone, and that we may not
            if not speaks_of_gone(str(exc)) or await self._is_on(ticket_id, association_id):
                raise

    async def of(self, ticket_id: int) -> Mapping[str, int]:
        """Return a ticket's tags: label to association id.

        Raises:
            PortError: What to do next.
        """
        rows = await self._associations(ticket_id)
        by_tag = {row["tagID"]: row["id"] for row in rows if isinstance(row.get("tagID"), int)}
        await self._name(tag_id for tag_id in by_tag if tag_id not in self._labels)
        return {self._labels[tag_id]: each for tag_id, each in by_tag.items() if tag_id in self._labels}

    async def _associations(self, ticket_id: int) -> tuple[Row, ...]:
        query = Query(
            entity=_ASSOCIATIONS,
            conditions=(Where("eq", "ticketID", ticket_id),),
            fields=("tagID", "ticketID"),
            precedence=Precedence.UPDATE,
        )
        return await self._client.exact(query)

    async def _is_on(self, ticket_id: int, association_id: int) -> bool:
        return any(row["id"] == association_id for row in await self._associations(ticket_id))

    async def _name(self, tag_ids: Iterable[int]) -> None:
        wanted = tuple(tag_ids)[:MOST_ROWS]
        if not wanted:
            return
        query = Query(entity="Tags", conditions=(Where("in", "id", wanted),), fields=("label",))
        for row in await self._client.exact(query):
            self._learn(row)

    async def _tag_id(self, label: str) -> int:
        known = self._ids.get(label.casefold())
        if known is not None:
            return known
        if not 0 < len(label) <= MOST_OF_LABEL:
            raise Rejected(f"a tag's label has 1 to {MOST_OF_LABEL} characters, this one {len(label)}")
        async with self._making:
            known = self._ids.get(label.casefold())
            return known if known is not None else await self._found_in_time(label)

    async def _found_in_time(self, label: str) -> int:
        """Find or make the tag; where that has just failed for one ticket, it costs the next no call."""
        failed_at, why = self._failed.get(label.casefold(), (None, ""))
        if failed_at is not None and self._clock.now() - failed_at < AFTER_FAILURE:
            raise Unavailable(why)
        try:
            return await self._found_or_made(label)
        except (AuthRefused, Throttled):
            raise
        except Unavailable as exc:
            self._failed[label.casefold()] = (self._clock.now(), str(exc))
            raise

    async def _found_or_made(self, label: str) -> int:
        found = await self._look_up("Tags", label)
        if found is None:
            group_id = await self._group_id()
            found = await self._made("Tags", label, {"tagGroupID": group_id})
        self._ids[label.casefold()] = found
        self._labels[found] = label
        return found

    async def _group_id(self) -> int:
        found = await self._look_up("TagGroups", self._group)
        return found if found is not None else await self._made("TagGroups", self._group, {})

    async def _made(self, entity: str, label: str, more: Mapping[str, int]) -> int:
        """Make a tag or group. Labels are unique, so whatever the answer, a look by label tells."""
        try:
            return await self._client.create(entity, entity, {"label": label, "isActive": True, **more})
        except Rejected as exc:
            what = f"{entity} {label!r}"
            found = await self._look_up(entity, label)
            if found is None:
                raise self._not_shown(what, exc) from None
            return found
        except OutcomeUnknown as exc:
            # the ticket is untouched whether the tag was made or not: the next attempt looks first
            raise Unavailable(f"{entity} {label!r} may have been made: {exc}") from None

    async def _look_up(self, entity: str, label: str) -> int | None:
        query = Query(entity=entity, conditions=(Where("eq", "label", label),), fields=("label",), limit=10)
        rows = (await self._client.rows(query)).rows
        found = min((row["id"] for row in rows), default=None)
        return found if isinstance(found, int) else None

    def _not_shown(self, what: str, exc: Rejected) -> PortError:
        """Judge the refusal of what cannot be found. Queries lag behind writes: for a while, wait.

        Only the first to meet it waits. After that it is known that waiting does not help.
        """
        if not speaks_of_taken(str(exc)):
            return exc
        now = self._clock.now()
        self._taken_since = {k: at for k, at in self._taken_since.items() if now - at < FORGET_AFTER}
        if now - self._taken_since.setdefault(what, now) < LONGEST_SEARCH_LAG:
            return Unavailable(f"{what} is there already and cannot be found yet: {exc}")
        return exc

    def _learn(self, row: Row) -> None:
        label = row.get("label")
        if isinstance(label, str):
            self._labels[row["id"]] = self._spelt.get(label.casefold(), label)
            self._ids[label.casefold()] = row["id"]

    def _forget(self, label: str) -> None:
        tag_id = self._ids.pop(label.casefold(), None)
        if tag_id is not None:
            self._labels.pop(tag_id, None)

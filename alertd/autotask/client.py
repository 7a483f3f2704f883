"""Records of the tenant: query, read, create, change, delete, by the route grammar of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog

from alertd.autotask.answers import NoRoute, Payload, WrongVerb
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import Query, Row, Where, holds
from alertd.autotask.texts import shown
from alertd.autotask.transport import MOST_OF_QUERY, Call, Transport
from alertd.flows.errors import Unavailable

MOST_PAGES = 200
_log = structlog.get_logger(__name__)


class Found(msgspec.Struct, frozen=True):
    """Rows that were asked for, by rising id, and how many others came back.

    With `strays` the server has not applied the whole query: what is absent proves nothing.
    """

    rows: tuple[Row, ...]
    strays: int = 0


class _Page(msgspec.Struct, frozen=True):
    rows: tuple[Row, ...]
    last_id: int | None


def _page(payload: Payload) -> _Page:
    items = payload.get("items")
    if not isinstance(items, list) or not all(_has_id(item) for item in items):
        raise Unavailable("a query answered without a list of records")
    return _Page(tuple(items), max((item["id"] for item in items), default=None))


def _has_id(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("id"), int)


class AutotaskClient:
    """Calls in the words of the API. Reading ones bridge over blips; writing ones are sent once."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._patched: set[str] = set()  # entities whose PATCH has worked, and did not fail since
        self._put_instead: set[str] = set()  # entities whose PATCH this zone does not route

    async def rows(self, query: Query) -> Found:
        """Return all rows of a query, page by page behind the last id.

        Raises:
            PortError: What to do next.
        """
        rows: list[Row] = []
        after: int | None = None
        for _ in range(MOST_PAGES):
            page = await self._query(query, after)
            kept = [row for row in page.rows if all(holds(condition, row) for condition in query.conditions)]
            rows += kept
            strays = len(page.rows) - len(kept)
            if strays:
                _log.warning("autotask.filter_not_honoured", entity=query.entity, strays=strays)
                return Found(tuple(rows), strays)
            if len(page.rows) < query.limit or page.last_id is None:
                return Found(tuple(rows))
            if after is not None and page.last_id <= after:
                raise Unavailable(f"pages of {query.entity} do not advance")
            after = page.last_id
        raise Unavailable(f"{query.entity} has more than {MOST_PAGES} pages")

    async def exact(self, query: Query) -> tuple[Row, ...]:
        """Return all rows of a query whose absence is to prove something.

        Raises:
            Unavailable: The server has not applied the whole query, or cannot be had now.
        """
        found = await self.rows(query)
        if found.strays:
            raise Unavailable(f"Autotask did not apply the whole query of {query.entity}")
        return found.rows

    async def first(self, query: Query) -> tuple[Row, ...]:
        """Return the first page of a query, and ask for no more.

        Raises:
            Unavailable: The server has not applied the whole query, or cannot be had now.
        """
        page = await self._query(query, None)
        if not all(holds(condition, row) for row in page.rows for condition in query.conditions):
            raise Unavailable(f"Autotask did not apply the whole query of {query.entity}")
        return page.rows

    async def count(self, query: Query) -> int:
        """Return how many records a query finds.

        Raises:
            PortError: What to do next.
        """
        body = {"filter": query.body()["filter"]}
        payload = await self._read(
            "POST", f"{query.entity}/query/count", query.entity, body, query.precedence
        )
        count = payload.get("queryCount")
        if not isinstance(count, int):
            raise Unavailable(f"a count of {query.entity} answered without a number")
        return count

    async def item(
        self, entity: str, record_id: int, *, precedence: Precedence = Precedence.UPDATE
    ) -> Row | None:
        """Return one record by its id; None: gone, or not ours to see.

        Raises:
            PortError: What to do next.
        """
        try:
            payload = await self._read("GET", f"{entity}/{record_id}", entity, None, precedence)
        except NoRoute as exc:
            await self._surely_missing(entity, record_id, exc)
            return None
        if "item" not in payload:
            raise Unavailable(f"{entity}/{record_id} answered without an item")
        item = payload["item"]
        if item is None:
            return None
        if not _has_id(item) or item["id"] != record_id:
            raise Unavailable(f"{entity}/{record_id} answered with another record")
        row: Row = item
        return row

    async def children(
        self, path: str, endpoint: str, *, precedence: Precedence = Precedence.SYNC
    ) -> tuple[Row, ...]:
        """Return the records below one parent; a list that has a second page is refused, as it cannot be had.

        Its pages are named by URL alone, and no URL of an answer is ever followed.

        Raises:
            PortError: What to do next.
        """
        payload = await self._read("GET", path, endpoint, None, precedence)
        details = payload.get("pageDetails")
        if isinstance(details, dict) and details.get("nextPageUrl"):
            raise Unavailable(f"{path} has more than one page")
        return _page(payload).rows

    async def info(self, path: str, endpoint: str, *, precedence: Precedence = Precedence.SYNC) -> Payload:
        """Return what a metadata or service route says.

        Raises:
            PortError: What to do next.
        """
        return await self._read("GET", path, endpoint, None, precedence)

    async def create(
        self,
        path: str,
        endpoint: str,
        record: Mapping[str, Any],
        *,
        precedence: Precedence = Precedence.UPDATE,
    ) -> int:
        """Make a record, below its parent where it has one, and return its id. Sent once.

        Raises:
            OutcomeUnknown: It may have been made.
            PortError: What to do next; nothing was applied.
        """
        return await self._write("POST", path, endpoint, dict(record), precedence)

    async def change(
        self,
        entity: str,
        record_id: int,
        fields: Mapping[str, Any],
        *,
        writable: Callable[[], frozenset[str]],
        precedence: Precedence = Precedence.UPDATE,
    ) -> None:
        """Change these fields and no others.

        Where the zone does not route PATCH, the record is read, merged and put back whole, since PUT
        empties every writable field that is not sent. One stray answer of a proxy is no such zone.

        Raises:
            OutcomeUnknown: It may have been changed.
            PortError: What to do next; nothing was applied.
        """
        if entity not in self._put_instead:
            try:
                await self._write("PATCH", entity, entity, {"id": record_id, **fields}, precedence)
            except (NoRoute, WrongVerb) as exc:
                if entity in self._patched:
                    self._patched.discard(entity)
                    raise Unavailable(f"PATCH of {entity} worked before, and now: {exc}") from None
                _log.warning("autotask.patch_not_routed", entity=entity, error=shown(exc))
            else:
                self._patched.add(entity)
                return
        whole = await self.item(entity, record_id, precedence=precedence)
        if whole is None:
            raise Unavailable(f"{entity}/{record_id} cannot be read, so PUT cannot replace it")
        await self._write("PUT", entity, entity, _merged(whole, fields, writable()), precedence)
        self._put_instead.add(entity)

    async def delete(self, path: str, endpoint: str, *, precedence: Precedence = Precedence.UPDATE) -> None:
        """Delete a record.

        Raises:
            OutcomeUnknown: It may have been deleted.
            PortError: What to do next; nothing was applied.
        """
        await self._write("DELETE", path, endpoint, None, precedence)

    async def close(self) -> None:
        """Close every connection."""
        await self.transport.close()

    async def _surely_missing(self, entity: str, record_id: int, exc: NoRoute) -> None:
        """Tell a zone that says 404 for what is not there from one that says it to everything."""
        query = Query(
            entity=entity,
            conditions=(Where("eq", "id", record_id),),
            fields=(),
            precedence=Precedence.COMPLETE,
        )
        if await self.exact(query):
            raise exc

    async def _query(self, query: Query, after: int | None) -> _Page:
        payload = await self.transport.read(
            Call(
                method="POST",
                path=f"{query.entity}/query",
                endpoint=query.entity,
                body=query.body(after=after),
                precedence=query.precedence,
                most=MOST_OF_QUERY,
            )
        )
        return _page(payload)

    async def _read(
        self, method: str, path: str, endpoint: str, body: Any, precedence: Precedence
    ) -> Payload:
        return await self.transport.read(
            Call(method=method, path=path, endpoint=endpoint, body=body, precedence=precedence)
        )

    async def _write(self, method: str, path: str, endpoint: str, body: Any, precedence: Precedence) -> int:
        payload = await self.transport.send(
            Call(method=method, path=path, endpoint=endpoint, body=body, writes=True, precedence=precedence)
        )
        made: int = payload["itemId"]
        return made


def _merged(whole: Row, fields: Mapping[str, Any], writable: frozenset[str]) -> dict[str, Any]:
    """Return the body of a PUT: every writable field as it stands, with the changes; no masked value."""
    if not writable:
        raise Unavailable("which fields can be written is not known yet, so PUT would empty some")
    kept = {name: value for name, value in whole.items() if name in writable}
    named = whole.get("userDefinedFields")
    if isinstance(named, list) and named:
        kept["userDefinedFields"] = [item for item in named if not _masked(item)]
    return {**kept, **fields, "id": whole["id"]}


def _masked(item: object) -> bool:
    """Whether a protected field's value is hidden from us: sending the stars back would overwrite it."""
    value = item.get("value") if isinstance(item, dict) else None
    return isinstance(value, str) and bool(value) and not value.strip("*")

"""Query, count and paging over one entity, as a caller with its rights sees it at one instant."""

from __future__ import annotations

import itertools
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from alertd.simulator.entities import Entity
from alertd.simulator.filters import Compiler, Group, candidates
from alertd.simulator.instants import fewest_digits
from alertd.simulator.rights import Rights
from alertd.simulator.switches import Switches
from alertd.simulator.tenant import Tenant, UdfDefinition
from alertd.simulator.wire import JSON, refused

_PAGE_SIZE = 500
_MASK = "*****"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One caller reading one entity at one instant."""

    tenant: Tenant
    entity: Entity
    switches: Switches
    rights: Rights
    now: float

    def item(self, row_id: int) -> JSON | None:
        """Return a record by id, or None if it is missing or invisible. The search lag does not apply."""
        row = self.tenant.table(self.entity.name).get(row_id)
        if row is None or not self._allowed() or not self.rights.sees(self.tenant, self.entity, row):
            return None
        return self.render(row, None) | {name: row[name] for name in self.entity.detail_fields}

    def matching(self, tree: Group, *, above: int | None = None) -> Iterator[JSON]:
        """Iterate over visible rows that match, in id order, from ids greater than `above`."""
        if not self._allowed():
            return
        table = self.tenant.table(self.entity.name)
        found = candidates(tree, table)
        every = table.ids_above(-1, inclusive=True) if found is None else found
        for row_id in every if isinstance(every, list) else sorted(every):
            if above is not None and row_id <= above:
                continue
            row = table.visible(row_id, self.now)
            if row is not None and tree.test(row) and self.rights.sees(self.tenant, self.entity, row):
                yield row

    def compile(self, conditions: Any) -> Group:
        """Return the filter tree of this entity."""
        return Compiler(tenant=self.tenant, entity=self.entity, switches=self.switches).compile(conditions)

    def render(self, row: JSON, wanted: set[str] | None) -> JSON:
        """Return a row as it goes over the wire; `wanted` holds lower-case names of IncludeFields."""
        udfs = row["userDefinedFields"]
        shown = {name: row[name] for name in self.entity.blank if wanted is None or name.lower() in wanted}
        self._hide(shown)
        self._style(shown, row)
        shown["userDefinedFields"] = [
            {"name": name, "value": self._udf(definition, udfs.get(name))}
            for name, definition in self.tenant.udfs.get(self.entity.name, {}).items()
            if definition.active and (wanted is None or name.lower() in wanted)
        ]
        return shown

    def _hide(self, shown: JSON) -> None:
        if not self.rights.has("costs"):
            hidden = None if self.switches.hidden_cost == "null" else 0
            shown |= dict.fromkeys(shown.keys() & set(self.entity.cost_fields), hidden)
        shown |= dict.fromkeys(shown.keys() & set(self.entity.detail_fields))

    def _style(self, shown: JSON, row: JSON) -> None:
        switches, entity = self.switches, self.entity
        if switches.dates_without_zone:
            shown |= {name: shown[name][:19] for name in entity.dates if shown.get(name)}
        if switches.instant_digits == "fewest":
            shown |= {name: fewest_digits(shown[name]) for name in entity.instants & shown.keys()}
        if switches.soap_parent_property and entity.parent_field:
            shown["soapParentPropertyId"] = row[entity.parent_field]

    def _udf(self, definition: UdfDefinition, value: str | None) -> str | None:
        masked = definition.protected and value is not None and not self.rights.has("protected_udfs")
        return _MASK if masked else value

    def _allowed(self) -> bool:
        if self.rights.may(self.entity, "query"):
            return True
        if self.switches.query_without_right == "error":
            self.rights.require(self.entity, "query", self.switches)
        return False


@dataclass(frozen=True)
class Query:
    """A parsed query body."""

    conditions: Any
    size: int
    fields: set[str] | None


def parse_query(body: Any) -> Query:
    """Read `filter`, `MaxRecords` and `IncludeFields` in any casing; other keys are ignored.

    Raises:
        ApiError: No body, or a page size out of range.
    """
    if not isinstance(body, dict):
        raise refused("Value cannot be null.\r\nParameter name: filters")
    keys = {str(key).lower(): value for key, value in body.items()}
    size = keys.get("maxrecords")
    size = _PAGE_SIZE if size is None else size
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= _PAGE_SIZE:
        raise refused("maxCountOfRecordsToReturn must be between 1 and 500")
    fields = keys.get("includefields")
    wanted = {str(name).lower() for name in fields} if isinstance(fields, list) and fields else None
    return Query(keys.get("filter"), size, wanted)


@dataclass(frozen=True, kw_only=True)
class PageTarget:
    """Where the next page is found: the entity's URL, the verb, and the search text of a GET."""

    entity: str
    url: str
    method: str
    search: str = ""


@dataclass
class Pager:
    """Page positions. The server keeps only the most recent ones."""

    positions: OrderedDict[tuple[str, str], str] = field(default_factory=OrderedDict)

    def page(self, reader: Reader, query: Query, target: PageTarget, cursor: JSON | None = None) -> JSON:
        """Return one page and, unless it is the last one, the address of the next."""
        above = cursor["nextIds"][-1] if cursor and cursor.get("nextIds") else None
        found = reader.matching(reader.compile(query.conditions), above=above)
        rows = list(itertools.islice(found, query.size + 1))
        more, rows = len(rows) > query.size, rows[: query.size]
        following = self._next_url(rows, query, target, cursor) if more else None
        while len(self.positions) > reader.switches.page_positions_kept:
            self.positions.popitem(last=False)
        details = {
            "count": len(rows),
            "requestCount": query.size,
            "prevPageUrl": None,
            "nextPageUrl": following,
        }
        return {"items": [reader.render(row, query.fields) for row in rows], "pageDetails": details}

    def cursor(self, entity: Entity, paging: str, method: str) -> JSON | None:
        """Return a remembered position, or None if the verb is not the first page's.

        Raises:
            ApiError: The position was never given out, or is older than those kept.
        """
        verb = self.positions.get((entity.name, paging))
        if verb is None:
            raise refused("The requested page is no longer available.")
        if verb != method:
            return None
        cursor: JSON = msgspec.json.decode(paging)
        return cursor

    def _next_url(
        self, rows: list[JSON], query: Query, target: PageTarget, cursor: JSON | None
    ) -> str | None:
        if query.fields is not None and "id" not in query.fields:
            return None
        previous = [*cursor["previousIds"], cursor["nextIds"][-1]] if cursor else []
        position = {"pageSize": query.size, "previousIds": previous, "nextIds": [rows[-1]["id"]]}
        paging = msgspec.json.encode(position).decode()
        self.positions[target.entity, paging] = target.method
        self.positions.move_to_end((target.entity, paging))
        search = f"&search={_quoted(target.search)}" if target.search else ""
        return f"{target.url}/query/next?paging={_quoted(paging)}{search}"


def _quoted(text: str) -> str:
    """Percent-encode with lower-case hex digits, as the real server does."""
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quote(text, safe=""))


def shift_page(page: JSON, repeated: JSON) -> JSON:
    """Return the page with a row of the previous page in front, as when rows move between two reads."""
    items = [repeated, *page["items"]]
    return page | {"items": items, "pageDetails": page["pageDetails"] | {"count": len(items)}}

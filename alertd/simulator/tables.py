"""Rows of one entity: by id, by indexed field, and as queries still see them while the search lags."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from alertd.simulator.entities import Entity
from alertd.simulator.wire import JSON

_NOT_HISTORY = frozenset(
    {
        "lastActivityDate",
        "lastActivityResourceID",
        "lastActivityPersonType",
        "lastTrackedModificationDateTime",
    }
)


@dataclass(frozen=True)
class Stamp:
    """When a change happens, who makes it, and until when queries do not see it yet."""

    now: float
    resource_id: int | None = None
    visible_at: float = 0.0


# Is told of every change: the row before it (None: created), after it (None: deleted), and the stamp.
Watch = Callable[[JSON | None, JSON | None, Stamp], None]


def index_key(value: object) -> object:
    """Return the key under which an indexed value is filed."""
    return value.lower() if isinstance(value, str) else value


class Table:
    """All rows of one entity. Ids only grow, so id order is insertion order."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.rows: dict[int, JSON] = {}
        self.ids: list[int] = []
        self.changes: dict[int, list[JSON]] = {}
        self.watch: Watch | None = None
        self._next_id = entity.first_id
        self._index: dict[str, dict[object, set[int]]] = {name: {} for name in entity.indexed}
        self._stale: dict[int, list[tuple[float, JSON | None]]] = {}

    def __iter__(self) -> Iterator[JSON]:
        """Iterate over the rows as they are, in id order."""
        return (self.rows[row_id] for row_id in self.ids)

    def get(self, row_id: int | None) -> JSON | None:
        """Return the row as it is, whatever queries see."""
        return None if row_id is None else self.rows.get(row_id)

    def insert(self, row: JSON, stamp: Stamp) -> int:
        """File a complete row; a row without id gets the next one."""
        if row["id"] is None:
            row["id"] = self._next_id
        row_id = int(row["id"])
        self._next_id = max(self._next_id, row_id + 1)
        self._remember(row_id, None, stamp)
        self.rows[row_id] = row
        at = bisect_left(self.ids, row_id)
        self.ids.insert(at, row_id)
        self._file(row)
        self._tell(None, row, stamp)
        return row_id

    def update(self, row_id: int, values: JSON, stamp: Stamp) -> None:
        """Change fields of a row and keep what they were in its history."""
        old = self.rows[row_id]
        changed = {name: [old[name], value] for name, value in values.items() if old[name] != value}
        if not changed:
            return
        self._remember(row_id, old, stamp)
        self._unfile(old)
        self.rows[row_id] = old | values
        self._file(self.rows[row_id])
        told = {name: pair for name, pair in changed.items() if name not in _NOT_HISTORY}
        if told:
            entry = {"at": stamp.now, "by": stamp.resource_id, "fields": told}
            self.changes.setdefault(row_id, []).append(entry)
        self._tell(old, self.rows[row_id], stamp)

    def delete(self, row_id: int, stamp: Stamp) -> None:
        """Remove a row."""
        old = self.rows.pop(row_id)
        self._remember(row_id, old, stamp)
        self._unfile(old)
        self.ids.pop(bisect_left(self.ids, row_id))
        self._tell(old, None, stamp)

    def find(self, field: str, value: object) -> list[JSON]:
        """Return the rows (as they are) whose indexed field has that value."""
        return [self.rows[row_id] for row_id in sorted(self._index[field].get(index_key(value), ()))]

    def has_index(self, field: str) -> bool:
        """Whether lookups by that field need no scan."""
        return field in self._index

    def ids_where(self, field: str, values: Iterable[object]) -> set[int]:
        """Return ids that may match in a query; rows whose change is not visible yet are among them."""
        index = self._index[field]
        found: set[int] = set(self._stale)
        for value in values:
            found |= index.get(index_key(value), set())
        return found

    def ids_above(self, bound: int, *, inclusive: bool) -> list[int]:
        """Return ids after a bound, in order; deleted rows that queries still see are among them."""
        cut = bisect_left if inclusive else bisect_right
        found = self.ids[cut(self.ids, bound) :]
        ghosts = [each for each in self._stale if each not in self.rows and each >= bound]
        return sorted({*found, *ghosts}) if ghosts else found

    def visible(self, row_id: int, now: float) -> JSON | None:
        """Return the row as a query sees it at `now`."""
        past = self._stale.get(row_id)
        if past:
            while past and past[0][0] <= now:
                past.pop(0)
            if past:
                return past[0][1]
            del self._stale[row_id]
        return self.rows.get(row_id)

    def _tell(self, old: JSON | None, new: JSON | None, stamp: Stamp) -> None:
        if self.watch is not None:
            self.watch(old, new, stamp)

    def _remember(self, row_id: int, seen: JSON | None, stamp: Stamp) -> None:
        if stamp.visible_at > stamp.now:
            self._stale.setdefault(row_id, []).append((stamp.visible_at, seen))

    def _file(self, row: JSON) -> None:
        for name, index in self._index.items():
            index.setdefault(index_key(row[name]), set()).add(row["id"])

    def _unfile(self, row: JSON) -> None:
        for name, index in self._index.items():
            index[index_key(row[name])].discard(row["id"])

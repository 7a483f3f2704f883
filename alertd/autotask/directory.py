"""The tenant's active companies under everything they may be called by: a value, made of one reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from alertd.autotask.queries import Row
from alertd.flows.ports import Company, CompanyMatch

_LONGEST_ID = 19  # digits of a 64-bit number
_BETWEEN_ALIASES = re.compile(r"[,\r\n]+")
_BETWEEN_GENERATIONS = re.compile(r"\s*/\s*")
_MOST_GENERATIONS = 8  # a company that is its own ancestor must not be followed for ever


class Entry(msgspec.Struct, frozen=True):
    """One active company, with what it can be found by."""

    company: Company
    parent_id: int | None = None
    number: str = ""
    aliases: tuple[str, ...] = ()


def name_key(name: str) -> str:
    """Return a name as it is compared: case and space around it do not count."""
    return name.strip().casefold()


def udf_value(row: Row, name: str) -> str:
    """Return what a record's user-defined field says; empty where it has none."""
    fields = row.get("userDefinedFields")
    items = [item for item in fields if isinstance(item, dict)] if isinstance(fields, list) else []
    value = next((item.get("value") for item in items if item.get("name") == name), None)
    return str(value) if value is not None else ""


def read_entries(rows: Iterable[Row], *, alias_udf: str | None) -> list[Entry]:
    """Read companies' records; those without a name are left out."""
    return [entry for row in rows if (entry := _entry(row, alias_udf)) is not None]


class Directory:
    """Active companies under each of their names."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.by_id = {entry.company.id: entry for entry in entries}
        self._indexes: Mapping[str, dict[str, list[Company]]] = {
            "name": self._index(lambda entry: [name_key(entry.company.name)]),
            "number": self._index(lambda entry: [name_key(entry.number)]),
            "alias": self._index(lambda entry: [name_key(alias) for alias in entry.aliases]),
            "parent and name": self._index(self._paths),
        }

    def find(self, client: str) -> CompanyMatch:
        """Return the company that `client` names; several are told, and none of them chosen."""
        key = name_key(client)
        entry = self.by_id.get(int(key)) if _may_be_id(key) else None
        if entry is not None:
            return CompanyMatch(entry.company, "id")
        for how, index in self._indexes.items():
            found = index.get(_path_key(client) if how == "parent and name" else key, [])
            if len(found) == 1:
                return CompanyMatch(found[0], how)
            if found:
                return CompanyMatch(candidates=tuple(self.described(company) for company in found))
        return CompanyMatch()

    def described(self, company: Company) -> str:
        """Return a company in the words by which it can be told from its namesakes."""
        return f"{' / '.join(self._lineage(self.by_id[company.id]))} ({company.id})"

    def with_entries(self, entries: Iterable[Entry]) -> Directory:
        """Return a directory that knows these, too."""
        return Directory({**self.by_id, **{entry.company.id: entry for entry in entries}}.values())

    def _index(self, keys: Callable[[Entry], Iterable[str]]) -> dict[str, list[Company]]:
        index: dict[str, list[Company]] = {}
        for entry in self.by_id.values():
            for key in dict.fromkeys(keys(entry)):
                if key:
                    index.setdefault(key, []).append(entry.company)
        return index

    def _paths(self, entry: Entry) -> Iterator[str]:
        """Yield "Parent / Child" and, where there are more ancestors, the longer paths."""
        names = self._lineage(entry)
        yield from (_path_key(" / ".join(names[start:])) for start in range(len(names) - 1))

    def _lineage(self, entry: Entry) -> list[str]:
        """Return the names from the highest active ancestor down to the company itself."""
        names = [entry.company.name.strip()]
        parent = self.by_id.get(entry.parent_id) if entry.parent_id is not None else None
        while parent is not None and len(names) < _MOST_GENERATIONS:
            names.insert(0, parent.company.name.strip())
            parent = self.by_id.get(parent.parent_id) if parent.parent_id is not None else None
        return names


def _may_be_id(key: str) -> bool:
    return len(key) <= _LONGEST_ID and key.isascii() and key.isdecimal()


def _path_key(text: str) -> str:
    return _BETWEEN_GENERATIONS.sub(" / ", name_key(text))


def _entry(row: Row, alias_udf: str | None) -> Entry | None:
    name, number, parent_id = row.get("companyName"), row.get("companyNumber"), row.get("parentCompanyID")
    if not isinstance(name, str) or not name.strip():
        return None
    said = udf_value(row, alias_udf) if alias_udf is not None else ""
    return Entry(
        Company(row["id"], name),
        parent_id if isinstance(parent_id, int) else None,
        number if isinstance(number, str) else "",
        tuple(alias.strip() for alias in _BETWEEN_ALIASES.split(said) if alias.strip()),
    )

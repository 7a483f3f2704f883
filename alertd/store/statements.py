"""Hot statements: compiled once per database, and run with plain tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, Connection, Dialect, Row, Table, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import ClauseElement

Values: TypeAlias = tuple[object, ...]
Insert: TypeAlias = sqlite.Insert | postgresql.Insert

# How many values one statement takes. Few sizes, so that each is compiled once; together below what
# databases allow in one statement.
_LOOKUP_SIZES = (500, 64, 8, 1)
_INSERT_SIZES = (64, 16, 4, 1)


class Prepared:
    """A statement whose parameters come as tuples in the order of `names`.

    Args:
        build: Makes the statement for a database, by SQLAlchemy's name for it.
        names: Parameters, each used once in the statement, in the order in which it mentions them.
    """

    def __init__(self, build: Callable[[str], ClauseElement], names: Sequence[str]) -> None:
        self._build = build
        self._names = tuple(names)
        self._text_by_dialect: dict[str, str] = {}

    def run(self, conn: Connection, rows: Sequence[Values]) -> None:
        """Execute once per row, in one go."""
        if rows:
            conn.exec_driver_sql(self.text(conn.dialect), list(rows))

    def text(self, dialect: Dialect) -> str:
        """Return the statement in the words of this database.

        Raises:
            ValueError: The statement does not take its parameters in the order of `names`.
        """
        found = self._text_by_dialect.get(dialect.name)
        return found if found is not None else self._compile(dialect)

    def _compile(self, dialect: Dialect) -> str:
        compiled = self._build(dialect.name).compile(dialect=dialect)
        order = tuple(getattr(compiled, "positiontup", None) or ())
        if order != self._names:
            raise ValueError(f"takes its parameters in another order than {self._names[:9]}: {compiled}")
        return self._text_by_dialect.setdefault(dialect.name, str(compiled))


def insert_into(dialect_name: str, table: Table) -> Insert:
    """Return an insert with the clauses for conflicts, which both databases share."""
    return sqlite.insert(table) if dialect_name == "sqlite" else postgresql.insert(table)


def parameters(names: Sequence[str]) -> dict[str, BindParameter[Any]]:
    """Return a parameter for each column, named like it."""
    return {name: bindparam(name) for name in names}


def inserting(table: Table) -> Prepared:
    """Return the plain insert of all columns that the database does not number by itself."""
    names = [column.name for column in table.columns if column.autoincrement is not True]
    return Prepared(lambda dialect_name: insert_into(dialect_name, table).values(parameters(names)), names)


def updating(table: Table, names: Sequence[str]) -> Prepared:
    """Return the update of these columns, in table order, of the row whose `key` comes last."""
    statement = (
        update(table)
        .where(table.c.key == bindparam("the_key"))
        .values({name: bindparam(f"new_{name}") for name in names})
    )
    return Prepared(lambda _: statement, [*(f"new_{name}" for name in names), "the_key"])


class Lookup:
    """A query by keys, in parts that fit into one statement.

    Args:
        build: Makes the query from the parameters to be put into its IN.
    """

    def __init__(self, build: Callable[[Sequence[BindParameter[Any]]], ClauseElement]) -> None:
        self._build = build
        self._by_size = {size: self._prepared(size) for size in _LOOKUP_SIZES}

    def rows(self, conn: Connection, keys: Sequence[object]) -> Iterator[Row[*tuple[Any, ...]]]:
        """Return what is found under these distinct keys, part by part in the order of `keys`."""
        for start, size in _parts(len(keys), _LOOKUP_SIZES):
            part = keys[start : start + size]
            padded = (*part, *[part[-1]] * (size - len(part)))
            found = conn.exec_driver_sql(self._by_size[size].text(conn.dialect), padded)
            if found.returns_rows:
                yield from found

    def apply(self, conn: Connection, keys: Sequence[object]) -> None:
        """Run a statement that returns nothing, part by part."""
        for _ in self.rows(conn, keys):
            pass

    def _prepared(self, size: int) -> Prepared:
        names = [f"key_{number}" for number in range(size)]
        return Prepared(lambda _: self._build([bindparam(name) for name in names]), names)


class ReturningInsert:
    """An insert of many rows at once that returns something of those that were inserted.

    Args:
        build: Makes the statement for a database, given one mapping of parameters for each row.
        names: Columns, in the order in which rows give their values.
    """

    def __init__(
        self,
        build: Callable[[str, list[dict[str, BindParameter[Any]]]], ClauseElement],
        names: Sequence[str],
    ) -> None:
        self._build = build
        self._names = tuple(names)
        self._by_size = {size: self._prepared(size) for size in _INSERT_SIZES}

    def run(self, conn: Connection, rows: Sequence[Values]) -> list[Row[*tuple[Any, ...]]]:
        """Insert all, and return what the statement returns, in no particular order."""
        returned: list[Row[*tuple[Any, ...]]] = []
        start = 0
        for size in _INSERT_SIZES:
            while len(rows) - start >= size:
                flat = tuple(chain.from_iterable(rows[start : start + size]))
                returned += conn.exec_driver_sql(self._by_size[size].text(conn.dialect), flat).all()
                start += size
        return returned

    def _prepared(self, size: int) -> Prepared:
        rows: list[dict[str, BindParameter[Any]]] = [
            {name: bindparam(f"{name}_{row}") for name in self._names} for row in range(size)
        ]
        order = [f"{name}_{row}" for row in range(size) for name in self._names]
        return Prepared(lambda dialect_name: self._build(dialect_name, rows), order)


class NumberingInsert:
    """An insert of many rows at once into a table whose ids the database counts up.

    One statement for all: each row fetched or executed alone would wait for its turn in the interpreter.

    Args:
        table: Where to.
        names: Columns, in the order in which rows give their values.
    """

    MOST = 64

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self._table = table
        self._names = tuple(names)
        self._text_by_size: dict[tuple[str, int], str] = {}

    def run(self, conn: Connection, rows: Sequence[Values]) -> list[int]:
        """Insert all, and return their ids in the order of `rows`."""
        ids: list[int] = []
        for start in range(0, len(rows), self.MOST):
            part = rows[start : start + self.MOST]
            ids += self._insert(conn, part)
        return ids

    def text(self, dialect: Dialect, size: int) -> str:
        """Return the statement for so many rows in the words of this database."""
        found = self._text_by_size.get((dialect.name, size))
        return found if found is not None else self._compile(dialect, size)

    def _insert(self, conn: Connection, rows: Sequence[Values]) -> Sequence[int]:
        result = conn.exec_driver_sql(self.text(conn.dialect, len(rows)), tuple(chain.from_iterable(rows)))
        if result.returns_rows:
            return [id_ for (id_,) in result]
        last = result.lastrowid  # the only writer's rows of one statement are numbered without a gap
        return range(last - len(rows) + 1, last + 1)

    def _compile(self, dialect: Dialect, size: int) -> str:
        if dialect.name == "sqlite":  # all rows look alike: to compile them all takes 20 ms for 64
            head, values, row = self._prepared(1).text(dialect).partition(" VALUES ")
            text = head + values + ", ".join([row] * size)
        else:
            text = self._prepared(size).text(dialect)
        return self._text_by_size.setdefault((dialect.name, size), text)

    def _prepared(self, size: int) -> Prepared:
        rows: list[dict[str, BindParameter[Any]]] = [
            {name: bindparam(f"{name}_{row}") for name in self._names} for row in range(size)
        ]
        order = [f"{name}_{row}" for row in range(size) for name in self._names]

        def build(dialect_name: str) -> ClauseElement:
            plain = insert_into(dialect_name, self._table).values(rows)
            return plain if dialect_name == "sqlite" else plain.returning(self._table.c.id)

        return Prepared(build, order)


def _parts(count: int, sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut `count` values into parts: (start, size), each size one of `sizes`; the last part may be short."""
    start = 0
    while start < count:
        size = min((size for size in sizes if size >= count - start), default=sizes[0])
        yield start, size
        start += size

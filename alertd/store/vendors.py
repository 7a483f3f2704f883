"""What vendors say: their integrations, accounts and services as documents, their counts as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, assert_never

import msgspec
from sqlalchemy import Connection, Select, Table, select

from alertd.core.vendors import (
    Account,
    AccountChange,
    Count,
    Heard,
    Integration,
    ProfileChange,
    Service,
    ServiceChange,
    Usage,
    VendorChange,
    after,
    changed,
)
from alertd.store import usage
from alertd.store.encoding import decode, encode
from alertd.store.reads import Reads
from alertd.store.runner import Runner
from alertd.store.space import SpaceGuard
from alertd.store.statements import insert_into
from alertd.store.tables import vendor_accounts, vendor_integrations, vendor_services

_ACCOUNTS = msgspec.json.Decoder(Account)
_SERVICES = msgspec.json.Decoder(Service)
_INTEGRATIONS = msgspec.json.Decoder(Integration)

T = TypeVar("T", Account, Service)


class Said(msgspec.Struct, frozen=True):
    """What a source's vendor said in one request: all of it is kept, or nothing."""

    source: str
    changes: tuple[VendorChange, ...]
    at: datetime


class VendorReader:
    """Asks. Every method may raise `DataDamaged` or `StoreFailed`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def integration(self, source: str) -> Integration:
        """Return how a source stands; of one that has said nothing yet, the defaults."""
        return await self._reads.run(lambda conn: read_integration(conn, source))

    async def accounts(self, source: str, ids: Sequence[str] | None = None) -> Sequence[Account]:
        """Return a source's accounts with these ids (None: all), by id."""
        return await self._reads.run(lambda conn: list(read_accounts(conn, source, ids).values()))

    async def services(self, source: str, ids: Sequence[str] | None = None) -> Sequence[Service]:
        """Return a source's services with these ids (None: all), by id."""
        return await self._reads.run(lambda conn: list(read_services(conn, source, ids).values()))

    async def usage(self, source: str | None = None) -> Sequence[Usage]:
        """Return the newest count of every account and service of a source (None: of all)."""
        return await self._reads.run(lambda conn: read_usage(conn, source))

    async def counted(self, receipt: str) -> Sequence[Count]:
        """Return what one request counted."""
        return await self._reads.run(lambda conn: usage.of_receipt(conn, receipt))

    async def counts(self, source: str, account_id: str, service_id: str) -> Sequence[Count]:
        """Return every count of an account and a service, oldest first."""
        return await self._reads.run(lambda conn: usage.of_level(conn, source, account_id, service_id))


class VendorBooks(VendorReader):
    """Asks and writes."""

    def __init__(self, reads: Reads, runner: Runner, space: SpaceGuard) -> None:
        super().__init__(reads)
        self._runner = runner
        self._space = space

    async def keep(self, source: str, changes: Sequence[VendorChange], at: datetime) -> None:
        """Commit what a vendor said in one request.

        Raises:
            StoreFailed: Nothing was kept. With `full=True` for now: answer 503.
        """
        self._space.require()
        said = Said(source, tuple(changes), at)
        await self._runner.offer(keep_all, said, size=len(said.changes) * _BYTES_EACH)


_BYTES_EACH = 500


# --- writing ------------------------------------------------------------------------------------------


def keep_all(conn: Connection, all_said: Sequence[Said]) -> list[None]:
    """Keep what several requests said, in their order."""
    for said in all_said:
        for change in said.changes:
            _keep(conn, said.source, change, said.at)
    return [None] * len(all_said)


def _keep(conn: Connection, source: str, change: VendorChange, at: datetime) -> None:
    match change:
        case Count():
            usage.add(conn, [change])
        case AccountChange(id=id_):
            before = read_accounts(conn, source, [id_]).get(id_, Account(id=id_))
            _put(conn, vendor_accounts, {"source": source, "id": id_}, changed(before, change))
        case ServiceChange(id=id_):
            known = read_services(conn, source, [id_]).get(id_, Service(id=id_))
            _put(conn, vendor_services, {"source": source, "id": id_}, changed(known, change))
        case ProfileChange() | Heard():
            stands = after(read_integration(conn, source), change, at)
            _put(conn, vendor_integrations, {"source": source}, stands)
        case _:
            assert_never(change)


def _put(conn: Connection, table: Table, key: Mapping[str, str], document: msgspec.Struct) -> None:
    statement = insert_into(conn.dialect.name, table).values(**key, doc=encode(document))
    conn.execute(
        statement.on_conflict_do_update(index_elements=list(key), set_={"doc": statement.excluded.doc})
    )


# --- reading ------------------------------------------------------------------------------------------


def read_integration(conn: Connection, source: str) -> Integration:
    """Return how a source stands."""
    query = select(vendor_integrations.c.doc).where(vendor_integrations.c.source == source)
    doc = conn.execute(query).scalar()
    return Integration() if doc is None else decode(_INTEGRATIONS, doc, "integration", source)


def read_accounts(conn: Connection, source: str, ids: Sequence[str] | None) -> dict[str, Account]:
    """Return accounts by id."""
    return _documents(conn, _some(vendor_accounts, source, ids), _ACCOUNTS)


def read_services(conn: Connection, source: str, ids: Sequence[str] | None) -> dict[str, Service]:
    """Return services by id."""
    return _documents(conn, _some(vendor_services, source, ids), _SERVICES)


def read_usage(conn: Connection, source: str | None) -> list[Usage]:
    """Return the newest counts, with the names of accounts and services."""
    counts = usage.levels(conn, source)
    sources = sorted({count.source for count in counts})
    accounts = {name: read_accounts(conn, name, None) for name in sources}
    services = {name: read_services(conn, name, None) for name in sources}
    return [
        Usage(
            count=count,
            account=accounts[count.source].get(count.account_id),
            service=services[count.source].get(count.service_id),
        )
        for count in counts
    ]


def _some(table: Table, source: str, ids: Sequence[str] | None) -> Select[Any]:
    query = select(table.c.id, table.c.doc).where(table.c.source == source).order_by(table.c.id)
    return query if ids is None else query.where(table.c.id.in_(list(ids)))


def _documents(conn: Connection, query: Select[Any], decoder: msgspec.json.Decoder[T]) -> dict[str, T]:
    return {id_: decode(decoder, doc, "document of a vendor", id_) for id_, doc in conn.execute(query)}

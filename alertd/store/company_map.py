"""The map from what sources call customers to companies, and the customers that alerts have named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, select

from alertd.core.clients import CLIENT, CLIENT_ID, COMPANY_ID, CompanyRow, sent_key
from alertd.store.encoding import instant_to_us, us_to_instant
from alertd.store.errors import DataDamaged
from alertd.store.statements import insert_into
from alertd.store.tables import alerts, company_map

MOST_CONDITIONS = 50_000  # that are looked through for customers, the newest first


class ClientSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as a source has named it, and how often."""

    source: str
    client: str
    client_id: str
    company_id: str
    alerts: int  # conditions, whether they hold or not
    firing: int
    seen_at: datetime


class _Labelled(msgspec.Struct):
    labels: dict[str, str]


_labelled = msgspec.json.Decoder(_Labelled)


def read_rows(conn: Connection) -> list[CompanyRow]:
    """Return every row, by source and sent value."""
    rows = conn.execute(select(company_map).order_by(company_map.c.source, company_map.c.sent_key))
    return [
        CompanyRow(source=row.source, sent=row.sent, company_id=row.company_id, company=row.company)
        for row in rows
    ]


def put_rows(conn: Connection, rows: Sequence[CompanyRow], now: datetime) -> None:
    """Write these rows; one of the same source and sent value is replaced."""
    for row in rows:
        values = {
            "source": row.source,
            "sent_key": sent_key(row.sent),
            "sent": row.sent,
            "company_id": row.company_id,
            "company": row.company,
            "set_at": instant_to_us(now),
        }
        changed = {name: values[name] for name in ("sent", "company_id", "company", "set_at")}
        insert = insert_into(conn.dialect.name, company_map).values(values)
        conn.execute(insert.on_conflict_do_update(index_elements=["source", "sent_key"], set_=changed))


def remove_row(conn: Connection, source: str, sent: str) -> bool:
    """Delete the row of this source and sent value; whether there was one."""
    of_it = (company_map.c.source == source) & (company_map.c.sent_key == sent_key(sent))
    return conn.execute(delete(company_map).where(of_it)).rowcount > 0


def clients_seen(conn: Connection) -> list[ClientSeen]:
    """Return the customers that alerts name which are still kept, the most alerts first."""
    newest = select(alerts.c.key, alerts.c.source, alerts.c.firing, alerts.c.seen_at, alerts.c.doc)
    groups: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for row in conn.execute(newest.order_by(alerts.c.seen_at.desc()).limit(MOST_CONDITIONS)):
        groups[row.source, *_named(row.key, row.doc)].append((row.firing, row.seen_at))
    seen = [_seen(key, rows) for key, rows in groups.items()]
    return sorted(seen, key=lambda each: (-each.alerts, each.source, each.client))


def _named(key: str, doc: bytes) -> Iterable[str]:
    try:
        labels = _labelled.decode(doc).labels
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DataDamaged(f"stored condition {key!r} cannot be read: {exc}") from exc
    return (labels.get(name, "") for name in (CLIENT, CLIENT_ID, COMPANY_ID))


def _seen(key: tuple[str, ...], rows: list[tuple[int, int]]) -> ClientSeen:
    source, client, client_id, company_id = key
    return ClientSeen(
        source=source,
        client=client,
        client_id=client_id,
        company_id=company_id,
        alerts=len(rows),
        firing=sum(firing for firing, _ in rows),
        seen_at=us_to_instant(max(seen_at for _, seen_at in rows)),
    )

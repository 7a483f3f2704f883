"""What storms ask of the incidents: how many wanted a ticket of late, and what is folded into a parent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, case, select

from alertd.core.incidents import Incident
from alertd.store.encoding import decode_incident, instant_to_us, us_to_instant
from alertd.store.tables import incidents

_FOLDED = "folded"
_SCOPES = 500  # in one statement


def arrivals(
    conn: Connection, scopes: Iterable[str], since: datetime, most: int
) -> dict[str, list[datetime]]:
    """Return when incidents in these scopes began to want a ticket later than `since`.

    By scope, oldest first, the newest `most` of each.
    """
    since_us, wanted = instant_to_us(since), sorted(scopes)
    found: dict[str, list[datetime]] = {}
    for start in range(0, len(wanted), _SCOPES):
        part = wanted[start : start + _SCOPES]
        lately = incidents.c.wanted_at > since_us
        counted = select(incidents.c.scope).where(incidents.c.scope.in_(part), lately)
        for scope in conn.execute(counted.group_by(incidents.c.scope)).scalars():
            found[scope] = _newest(conn, scope, since_us, most)
    return found


def _newest(conn: Connection, scope: str, since_us: int, most: int) -> list[datetime]:
    late = select(incidents.c.wanted_at).where(incidents.c.scope == scope, incidents.c.wanted_at > since_us)
    newest = conn.execute(late.order_by(incidents.c.wanted_at.desc()).limit(most)).scalars()
    return [us_to_instant(at) for at in reversed(list(newest))]


def folded(conn: Connection, storm_key: str, limit: int) -> list[str]:
    """Return the keys of what is folded into this parent now, the newest first."""
    mine = select(incidents.c.key).where(
        incidents.c.storm_key == storm_key,
        incidents.c.state == _FOLDED,
    )
    newest = mine.order_by(incidents.c.wanted_at.desc(), incidents.c.key).limit(limit)
    return list(conn.execute(newest).scalars())


def children(conn: Connection, storm_key: str, since: datetime, limit: int) -> list[Incident]:
    """Return what was folded into this parent since then: what still is first, then the worst, the newest."""
    mine = select(incidents.c.key, incidents.c.doc).where(
        incidents.c.storm_key == storm_key,
        incidents.c.wanted_at >= instant_to_us(since),
    )
    out_of_it = case((incidents.c.state == _FOLDED, 0), else_=1)
    order = (out_of_it, incidents.c.severity, incidents.c.wanted_at.desc(), incidents.c.key)
    return [decode_incident(key, doc) for key, doc in conn.execute(mine.order_by(*order).limit(limit))]

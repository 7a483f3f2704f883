"""Who settles what: leases on unsettled incidents, the most urgent first, companies in turn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import CTE, ColumnElement, Connection, FromClause, bindparam, case, func, or_, select, update

from alertd.flows.ports import Claim
from alertd.store.encoding import instant_to_us, us_to_optional
from alertd.store.statements import Prepared
from alertd.store.tables import incidents

_UNSETTLED = incidents.c.settle_at.is_not(None)

_lease = (
    update(incidents)
    .where(incidents.c.key == bindparam("the_key"))
    .values(owner=bindparam("new_owner"), lease_until=bindparam("new_until"), fence=bindparam("new_fence"))
)
_LEASE = Prepared(lambda _: _lease, ("new_owner", "new_until", "new_fence", "the_key"))


class Wanted(NamedTuple):
    """How many incidents, and of which urgency at least (0 is the most urgent)."""

    limit: int
    least_urgent: int


def claim(conn: Connection, now: datetime, wanted: Wanted, owner: str, lease: timedelta) -> list[Claim]:
    """Lease wanted incidents whose `settle_at` has come and that nobody holds at `now`."""
    keys = _in_turn(conn, now, wanted)
    fences = _lock_free(conn, now, keys)
    until = now + lease
    claims = [Claim(key, fences[key] + 1, until) for key in keys if key in fences]
    until_us = instant_to_us(until)
    _LEASE.run(conn, [(owner, until_us, claim.fence, claim.incident_key) for claim in claims])
    return claims


def _claimable(table: FromClause, now_us: int) -> ColumnElement[bool]:
    free = or_(table.c.lease_until.is_(None), table.c.lease_until <= now_us)
    return (table.c.settle_at <= now_us) & free


def _in_turn(conn: Connection, now: datetime, wanted: Wanted) -> list[str]:
    """Return keys: by urgency, then first the first of every company, then the second of every company.

    A storm may leave 100,000 rows unsettled, so only the first few of each company are looked at.
    """
    companies = _companies()
    some = incidents.alias("some")
    first_few = (
        select(some.c.key)
        .where(
            some.c.fair_key == companies.c.fair_key,
            some.c.urgency <= wanted.least_urgent,
            _claimable(some, instant_to_us(now)),
        )
        .order_by(some.c.urgency, some.c.unsettled_since, some.c.key)
        .limit(wanted.limit)
        .correlate(companies)
    )
    turn = func.row_number().over(
        partition_by=incidents.c.fair_key,
        order_by=(incidents.c.urgency, incidents.c.unsettled_since, incidents.c.key),
    )
    ranked = (
        select(incidents.c.key, incidents.c.urgency, incidents.c.unsettled_since, turn.label("turn"))
        .select_from(companies.join(incidents, incidents.c.key.in_(first_few)))
        .subquery()
    )
    order = (ranked.c.urgency, ranked.c.turn, ranked.c.unsettled_since, ranked.c.key)
    return list(conn.execute(select(ranked.c.key).order_by(*order).limit(wanted.limit)).scalars())


def _companies() -> CTE:
    """Return the companies with anything unsettled, found by leaps along the index."""
    first = select(func.min(incidents.c.fair_key).label("fair_key")).where(_UNSETTLED)
    companies = first.cte("companies", recursive=True)
    later = select(func.min(incidents.c.fair_key)).where(
        _UNSETTLED, incidents.c.fair_key > companies.c.fair_key
    )
    following = select(later.scalar_subquery()).where(companies.c.fair_key.is_not(None))
    return companies.union_all(following)


def _lock_free(conn: Connection, now: datetime, keys: list[str]) -> dict[str, int]:
    """Lock what is still free of these, leaving out what another node is just taking; return the fences."""
    still_free = select(incidents.c.key, incidents.c.fence).where(incidents.c.key.in_(keys))
    still_free = still_free.where(_claimable(incidents, instant_to_us(now)))
    return dict(conn.execute(still_free.with_for_update(skip_locked=True)).all())


def release(conn: Connection, given_back: Claim) -> None:
    """Free the incident, unless somebody else has claimed it since."""
    held = (incidents.c.key == given_back.incident_key) & (incidents.c.fence == given_back.fence)
    conn.execute(update(incidents).where(held).values(owner=None, lease_until=None))


def free_all(conn: Connection) -> int:
    """Free every lease, where it is certain that no holder lives; return how many there were."""
    held = incidents.c.owner.is_not(None)
    return conn.execute(update(incidents).where(held).values(owner=None, lease_until=None)).rowcount


def next_settle_at(conn: Connection, now: datetime) -> datetime | None:
    """Return the earliest `settle_at` of incidents that nobody holds at `now`."""
    free = or_(incidents.c.lease_until.is_(None), incidents.c.lease_until <= instant_to_us(now))
    earliest = select(func.min(incidents.c.settle_at)).where(_UNSETTLED, free)
    return us_to_optional(conn.execute(earliest).scalar())


def wake(conn: Connection, now: datetime) -> int:
    """Make every incident that is not closed, nor folded into another, due for settling; return how many.

    The version rises, so that a decision in the making does not write back that there is nothing to settle.
    """
    now_us = instant_to_us(now)
    asleep = or_(incidents.c.settle_at.is_(None), incidents.c.settle_at > now_us)
    since = case((incidents.c.unsettled_since.is_(None), now_us), else_=incidents.c.unsettled_since)
    woken = (
        update(incidents)
        .where(incidents.c.state.not_in(("closed", "folded")), asleep)
        .values(settle_at=now_us, unsettled_since=since, version=incidents.c.version + 1)
    )
    return conn.execute(woken).rowcount

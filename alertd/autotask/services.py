"""The catalogue of what contracts sell: services, bundles of services, products.

Source: API reference 5.14.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum

import msgspec

from alertd.autotask.amounts import amount, record_id
from alertd.autotask.client import AutotaskClient
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import MOST_ROWS, Query, Row, Where

_FIELDS = ("name", "isActive", "unitPrice", "unitCost", "periodType")


class Sold(Enum):
    """What the catalogue lists; the value is the entity."""

    SERVICE = "Services"
    BUNDLE = "ServiceBundles"
    PRODUCT = "Products"


class CatalogueItem(msgspec.Struct, frozen=True, kw_only=True):
    """One of them."""

    sold: Sold
    id: int
    name: str
    is_active: bool
    unit_price: Decimal | None
    unit_cost: Decimal | None  # None, or 0, where the user may not see costs
    period_type: int | None  # 2 monthly, 3 quarterly, 4 semi-annual, 5 yearly


class Catalogue:
    """Looks things up. Every method raises `PortError`s, which say what to do next."""

    def __init__(self, client: AutotaskClient) -> None:
        self._client = client

    async def by_ids(self, sold: Sold, ids: Sequence[int]) -> tuple[CatalogueItem, ...]:
        """Return those with these ids, active or not; what is not there, or not ours to see, is absent."""
        found: list[Row] = []
        distinct = sorted(set(ids))
        for start in range(0, len(distinct), MOST_ROWS):
            found += await self._rows(sold, Where("in", "id", tuple(distinct[start : start + MOST_ROWS])))
        return tuple(_item(sold, row) for row in found)

    async def by_name(self, sold: Sold, name: str) -> tuple[CatalogueItem, ...]:
        """Return all of exactly this name, but for case. Several are for a person to tell apart."""
        return tuple(_item(sold, row) for row in await self._rows(sold, Where("eq", "name", name)))

    async def _rows(self, sold: Sold, where: Where) -> tuple[Row, ...]:
        query = Query(entity=sold.value, conditions=(where,), fields=_FIELDS, precedence=Precedence.BILLING)
        return await self._client.exact(query)


def _item(sold: Sold, row: Row) -> CatalogueItem:
    what = f"{sold.value}/{row['id']}"
    name, period_type = row.get("name"), row.get("periodType")
    return CatalogueItem(
        sold=sold,
        id=row["id"],
        name=name if isinstance(name, str) else "",
        is_active=row.get("isActive") is True,
        unit_price=amount(row.get("unitPrice"), f"the price of {what}"),
        unit_cost=amount(row.get("unitCost"), f"the cost of {what}"),
        period_type=None if period_type is None else record_id(period_type, f"the period of {what}"),
    )

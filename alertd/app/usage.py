"""What vendors have counted, as operators see it."""

from __future__ import annotations

from typing import Any, TypeAlias

from alertd.core.vendors import Count, Usage, suspicion
from alertd.store.vendors import VendorReader

Document: TypeAlias = dict[str, Any]


async def usage_rows(vendors: VendorReader, source: str | None) -> list[Document]:
    """Return the newest count of every account and service of a source (None: of all)."""
    return [_row(usage) for usage in await vendors.usage(source)]


def count_row(count: Count) -> Document:
    """Return one count as it was sent."""
    return {
        "source": count.source,
        "account_id": count.account_id,
        "service_id": count.service_id,
        "count": count.count,
        "received_at": count.received_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "receipt": count.receipt,
        "no_build": count.no_build,
    }


def _row(usage: Usage) -> Document:
    account, service = usage.account, usage.service
    return count_row(usage.count) | {
        "account": account.name if account is not None else "",
        "service": service.name if service is not None else "",
        "remarks": [*_remarks(usage)],
    }


def _remarks(usage: Usage) -> list[str]:
    remarks = []
    if usage.account is None:
        remarks.append("the vendor has not made this account")
    elif not usage.account.is_active:
        remarks.append("the vendor has put this account out of use")
    if usage.service is None:
        remarks.append("the vendor has not made this service")
    elif why := suspicion(usage.service):
        remarks.append(f"this may be no service: {why}")
    return remarks

"""The documents that Gradient's vendor API answers with: which are bare and which are wrapped is its own."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from alertd.core.vendors import Account, Integration, Service

Document: TypeAlias = dict[str, Any]

PAGE = 100  # clients
_NEVER = "1900-01-01T00:00:00.000Z"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def object_id(*parts: str) -> str:
    """Return 24 hex digits that stand for these texts: the form of the original's ids."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:24]


def wrapped(data: Document, message: str) -> Document:
    """Return what most answers are put into."""
    return {"data": data, "status": 200, "message": message}


def error(status: int, message: str) -> Document:
    """Return how a refusal is told."""
    return {"statusCode": status, "message": message}


def integration(source: str, stands: Integration) -> Document:
    """Return how a vendor stands with us."""
    return {
        "organizationId": object_id("organization"),
        "name": "alertd",
        "vendorId": object_id(source, "vendor"),
        "vendorName": stands.name or source,
        "integrationId": object_id(source, "integration"),
        "status": stands.status,
        "lastSyncedAt": _instant(stands.heard_at),
    }


def vendor(source: str, stands: Integration, services: Iterable[Service]) -> Document:
    """Return a vendor's profile with these of his services."""
    id_ = object_id(source, "vendor")
    optional = {"vendorSupportPageUrl": stands.support_url, "integrationPortalUrl": stands.portal_url}
    return {
        "_id": id_,
        "id": id_,
        "name": stands.name or source,
        "description": stands.description,
        "integrationType": "custom",
        "isDistributor": False,
        "externalIntegrationStatus": "notIntegrated",
        "mappingResponsibilities": ["accounts", "services"],
        "modules": [{"variation": "alerts"}, {"variation": "billing"}],
        "organizationId": object_id("organization"),
        "attributes": [],
        "skus": [sku(service) for service in services],
        "createdAt": _instant(stands.created_at),
        "updatedAt": _instant(stands.updated_at or stands.created_at),
        "__v": 0,
        **{name: value for name, value in optional.items() if value},
    }


def sku(service: Service) -> Document:
    """Return a service. Clients look it up by name and then use `_id`, so both ids are one."""
    optional = {
        "logo": service.logo,
        "supportArticle": service.support_article,
        "supportContact": service.support_contact,
    }
    return {
        "_id": service.id,
        "id": service.id,
        "name": service.name,
        "description": service.description,
        "category": service.category,
        "subcategory": service.subcategory,
        **{name: value for name, value in optional.items() if value},
    }


def account(source: str, kept: Account) -> Document:
    """Return an account as it is answered to those who make or change it."""
    return {
        "id": kept.id,
        "name": kept.name,
        "description": kept.description,
        "mappingId": object_id(source, "account", kept.id),
    }


def listed_account(source: str, kept: Account) -> Document:
    """Return an account as lists show it. What we know is mapped: its customer is found by its name."""
    return account(source, kept) | {"isMapped": True}


def clients(kept: Sequence[Account], *, search: str, after: str) -> Document:
    """Return a page of our customers, as far as the vendor's accounts name them."""
    found = [each for each in kept if search.casefold() in each.name.casefold()]
    rest = [each for each in found if each.id > after]
    page = rest[:PAGE]
    meta = {
        "total": len(found),
        "count": len(page),
        "hasMore": len(rest) > len(page),
        "previousId": page[-1].id if page else None,
    }
    return {"meta": meta, "clients": [{"id": each.id, "name": each.name} for each in page]}


def message_id(receipt: str) -> str:
    """Return a receipt as a UUID: both are 128 bits."""
    number = 0
    for character in receipt:
        number = number * 32 + _CROCKFORD.index(character)
    return str(uuid.UUID(int=number & (1 << 128) - 1))


def receipt_of(message: str) -> str | None:
    """Return the receipt that a message id stands for; None: it is none."""
    try:
        number = uuid.UUID(message).int
    except ValueError:
        return None
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def instant(at: datetime) -> str:
    """Return an instant as JavaScript writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _instant(at: datetime | None) -> str:
    return _NEVER if at is None else instant(at)

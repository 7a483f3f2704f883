"""What vendors tell of themselves by Gradient's vendor API: integration, accounts, services, and counts.

An integration is what one source is to its vendor. An account is the vendor's customer, a service what he
bills by. A count is a level, never a difference: so many units of a service an account has now.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias, TypeVar

import msgspec

IntegrationStatus: TypeAlias = Literal["active", "inactive", "pending", "disabled", "error"]

MOST_UNITS = Decimal(10) ** 15  # beyond it no count is one
_LONGEST_COUNT = 40  # characters
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
# What a script files as a service when the reply that it asked for one was a fault.
_FAULTS = re.compile(
    r"exception|\berrors? *[:(]|\berror$|unable to connect|could not be (?:resolved|found)"
    r"|\btimed out|\btime-?out (?:expired|occurred)"
    r"|no such host|connection (?:was )?(?:refused|reset|closed|failed)|access (?:is )?denied"
    r"|unauthori[sz]ed|forbidden|bad (?:request|gateway)|(?:service|server) (?:unavailable|error)"
    r"|too many requests|cannot (?:find|bind)|\bHTTP ?[45]\d\d\b|<!?[a-z]+[ >]|\{\"|^undefined$|^null$"
    r"|object object",
    re.IGNORECASE,
)


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A vendor's customer. `id` is the vendor's own."""

    id: str
    name: str = ""
    description: str = ""
    is_active: bool = True
    is_arrears: bool = False


class Service(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a vendor bills by: an SKU."""

    id: str
    name: str = ""
    description: str = ""
    category: str = ""
    subcategory: str = ""
    logo: str = ""
    support_article: str = ""
    support_contact: str = ""


class Integration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a source stands, and its vendor's profile. Empty text: he did not say."""

    status: IntegrationStatus = "inactive"
    name: str = ""
    description: str = ""
    support_url: str = ""
    portal_url: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    heard_at: datetime | None = None  # last count or alert that was accepted


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of a service an account has, as its vendor said at one moment."""

    source: str
    account_id: str
    service_id: str
    count: str  # decimal, exactly as sent: "17.0" stays "17.0"
    received_at: datetime
    receipt: str  # of the request, which the journal keeps
    no_build: bool = False  # more was to follow


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The newest count of an account and a service, with what the vendor calls them."""

    count: Count
    account: Account | None  # None: he has never made it
    service: Service | None


# --- what is written ----------------------------------------------------------------------------------


class AccountChange(msgspec.Struct, frozen=True, kw_only=True):
    """An account to make or change. None: as it is."""

    id: str
    name: str | None = None
    description: str | None = None
    is_active: bool | None = None
    is_arrears: bool | None = None


class ServiceChange(msgspec.Struct, frozen=True, kw_only=True):
    """A service to make or change. None: as it is."""

    id: str
    name: str | None = None
    description: str | None = None
    category: str | None = None
    subcategory: str | None = None
    logo: str | None = None
    support_article: str | None = None
    support_contact: str | None = None


class ProfileChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor says of himself. None: as it is."""

    status: IntegrationStatus | None = None
    name: str | None = None
    description: str | None = None
    support_url: str | None = None
    portal_url: str | None = None


class Heard(msgspec.Struct, frozen=True):
    """An alert, or a count that has its place, was accepted: the integration is at work."""


VendorChange: TypeAlias = AccountChange | ServiceChange | ProfileChange | Heard | Count

T = TypeVar("T", Account, Service, Integration)


def changed(before: T, change: AccountChange | ServiceChange | ProfileChange) -> T:
    """Return `before` with everything that the change says."""
    said = {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not None}
    return msgspec.structs.replace(before, **said)


def after(before: Integration, change: ProfileChange | Heard, at: datetime) -> Integration:
    """Return the integration after a change at `at`.

    Gradient makes it active by the first count or alert that comes; one that its vendor has put out of use,
    or says is in error, stays so until he says otherwise.
    """
    if isinstance(change, ProfileChange):
        said = changed(before, change)
        return msgspec.structs.replace(said, created_at=before.created_at or at, updated_at=at)
    waits = before.status in ("inactive", "pending")
    return msgspec.structs.replace(
        before,
        status="active" if waits else before.status,
        created_at=before.created_at or at,
        heard_at=max(at, before.heard_at or at),
    )


def is_count(text: str) -> bool:
    """Whether a decimal text is a number of units: not negative, finite, and of a believable size."""
    try:
        # Decimal alone would read 1_0 as 10, and the digits of every script
        is_number = len(text) <= _LONGEST_COUNT and _NUMBER.fullmatch(text) is not None
        return is_number and 0 <= Decimal(text) <= MOST_UNITS
    except InvalidOperation:
        return False


def suspicion(service: Service) -> str:
    """Return why a service may be the fault of a script and no service; empty: nothing speaks for it."""
    return "its name reads like an error message" if _FAULTS.search(service.name) else ""

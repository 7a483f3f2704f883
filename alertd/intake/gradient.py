"""`/api/vendor-api/…`: Gradient's vendor API, every route, so that clients written for it can point here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeAlias

import msgspec
from aiohttp import hdrs

from alertd.flows.errors import StoreFailed
from alertd.intake import gradient_documents as documents
from alertd.intake.answers import Answer, Refused, overloaded
from alertd.intake.doors import POST, READ, Door, Reception, Visit
from alertd.intake.gradient_alerts import AlertDoors
from alertd.intake.gradient_counts import CountDoors
from alertd.intake.gradient_desk import VendorDesk
from alertd.intake.gradient_gate import Caller, Gate
from alertd.intake.gradient_vendor import AccountDoors, VendorDoors

PATH = "/api/vendor-api"
_PATCH = frozenset({hdrs.METH_PATCH})

Serve: TypeAlias = Callable[[Caller], Awaitable[Answer]]
Route: TypeAlias = tuple[frozenset[str], str, Serve]


def doors(reception: Reception) -> Sequence[Door]:
    """Return the doors of the vendor API; a slash at the end of a path makes no difference."""
    gate, desk = Gate(reception), VendorDesk(reception)
    return [
        _door(gate, methods, PATH + path + slash, serve, vendor_key_will_do=will_do)
        for routes, will_do in ((_vendor_routes(desk), True), (_partner_routes(reception, desk), False))
        for methods, path, serve in routes
        for slash in ("", "/")
    ]


def _vendor_routes(desk: VendorDesk) -> Iterator[Route]:
    """Yield what concerns a vendor, whoever his partners are."""
    vendor = VendorDoors(desk)
    yield READ, "", vendor.profile
    yield _PATCH, "", vendor.change_profile
    yield POST, "/service", vendor.make_service
    yield READ, "/service/{service}", vendor.service
    yield _PATCH, "/service/{service}", vendor.patch_service


def _partner_routes(reception: Reception, desk: VendorDesk) -> Iterator[Route]:
    """Yield what concerns one partner of a vendor: us."""
    vendor, accounts = VendorDoors(desk), AccountDoors(desk)
    alerts, counts = AlertDoors(reception, desk), CountDoors(desk)
    yield READ, "/organization", vendor.integration
    yield _PATCH, "/organization/status/{status}", vendor.set_status
    yield READ, "/organization/clients", accounts.clients
    yield READ, "/organization/accounts", accounts.listed
    yield POST, "/organization/accounts", accounts.make
    yield _PATCH, "/organization/accounts", accounts.change_all
    yield _PATCH, "/organization/accounts/{account}", accounts.change
    yield POST, "/organization/services", vendor.make_services
    yield _PATCH, "/organization/services", vendor.change_services
    yield _PATCH, "/organization/services/{service}", vendor.change_service
    yield POST, "/service/{service}/count", counts.take
    yield POST, "/alerting/{account}", alerts.take
    yield READ, "/alerting/debug/{message}", alerts.tell


def _door(gate: Gate, methods: frozenset[str], path: str, serve: Serve, *, vendor_key_will_do: bool) -> Door:
    async def answer(visit: Visit) -> Answer:
        caller = gate.admit(visit, vendor_key_will_do=vendor_key_will_do)
        try:
            return await serve(caller)
        except StoreFailed as exc:  # of what is only asked for
            raise overloaded("the store cannot be read") from exc

    return Door(path=path, methods=methods, serve=answer, refuse=_refuse)


def _refuse(refused: Refused) -> bytes:
    why = "Unauthorized" if refused.status == 401 else refused.why
    return msgspec.json.encode(documents.error(refused.status, why))

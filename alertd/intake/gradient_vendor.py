"""What a vendor says of himself at Gradient's vendor API: his profile, his services, his accounts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from alertd.core import vendor_bodies
from alertd.core.reading.trees import Tree
from alertd.core.vendor_bodies import BadBody
from alertd.core.vendors import (
    Account,
    AccountChange,
    ProfileChange,
    Service,
    ServiceChange,
    VendorChange,
)
from alertd.intake import gradient_documents as documents
from alertd.intake.answers import Answer
from alertd.intake.gradient_desk import VendorDesk, body_of, ids_in_path, values_in_query
from alertd.intake.gradient_gate import Caller


class VendorDoors:
    """The profile, the integration's state, and the services."""

    def __init__(self, desk: VendorDesk) -> None:
        self._desk = desk

    async def integration(self, caller: Caller) -> Answer:
        """Return how the integration stands."""
        stands = await self._desk.vendors.integration(caller.source)
        return self._desk.answer(documents.integration(caller.source, stands))

    async def set_status(self, caller: Caller) -> Answer:
        """Set the integration's state. Accounts and their counts stay, whatever it is."""
        async with self._desk.body(caller) as raw:
            try:
                status = vendor_bodies.status_of(caller.visit.names["status"])
            except BadBody as exc:
                return self._desk.no(400, str(exc))
            await self._desk.keep(caller, raw, lambda receipt, at: [ProfileChange(status=status)])
        stands = await self._desk.vendors.integration(caller.source)
        return self._desk.answer(
            documents.wrapped(documents.integration(caller.source, stands), "status updated")
        )

    async def profile(self, caller: Caller) -> Answer:
        """Return the vendor."""
        return await self._profile(caller, "ok")

    async def change_profile(self, caller: Caller) -> Answer:
        """Change the vendor."""
        async with self._desk.body(caller) as raw:
            try:
                change = vendor_bodies.profile_change(vendor_bodies.object_of(body_of(caller, raw)))
            except BadBody as exc:
                return await self._desk.refuse_body(caller, raw, str(exc))
            await self._desk.keep(caller, raw, lambda receipt, at: [change])
        return await self._profile(caller, "vendor updated")

    async def _profile(self, caller: Caller, message: str, only: Service | None = None) -> Answer:
        stands = await self._desk.vendors.integration(caller.source)
        services = [only] if only else await self._desk.vendors.services(caller.source)
        return self._desk.answer(
            documents.wrapped(documents.vendor(caller.source, stands, services), message)
        )

    # --- services -------------------------------------------------------------------------------------

    async def make_service(self, caller: Caller) -> Answer:
        """Make a service with an id of ours; one of this name that is there is the same."""
        async with self._desk.body(caller) as raw:
            try:
                item = vendor_bodies.object_of(body_of(caller, raw))
                name = vendor_bodies.service_name(item)
            except BadBody as exc:
                return await self._desk.refuse_body(caller, raw, str(exc))
            services = await self._desk.vendors.services(caller.source)
            change = vendor_bodies.service_change(item, _id_for(name, caller.source, services))
            await self._desk.keep(caller, raw, lambda receipt, at: [change])
        stands = await self._desk.vendors.integration(caller.source)
        services = await self._desk.vendors.services(caller.source)
        return self._desk.answer(documents.vendor(caller.source, stands, services), 201)

    async def service(self, caller: Caller) -> Answer:
        """Return the vendor with this one service."""
        ids = ids_in_path(caller, "service")
        found = await self._desk.service(caller, ids)
        return await self._profile(caller, "ok", found) if found else self._no_service(ids[0])

    async def patch_service(self, caller: Caller) -> Answer:
        """Change a service by the older path. One client sends no body there: then nothing changes."""
        found = await self._changed_service(caller)
        return await self._profile(caller, "service updated", found) if isinstance(found, Service) else found

    async def change_service(self, caller: Caller) -> Answer:
        """Change a service by the newer path."""
        found = await self._changed_service(caller)
        return self._desk.answer(documents.sku(found)) if isinstance(found, Service) else found

    async def _changed_service(self, caller: Caller) -> Service | Answer:
        ids = ids_in_path(caller, "service")
        async with self._desk.body(caller) as raw:
            found = await self._desk.service(caller, ids)
            if found is None:
                return self._no_service(ids[0])
            if not raw.strip():
                return found
            try:
                item = vendor_bodies.object_of(body_of(caller, raw))
                change = vendor_bodies.service_change(item, found.id)
            except BadBody as exc:
                return await self._desk.refuse_body(caller, raw, str(exc))
            await self._desk.keep(caller, raw, lambda receipt, at: [change])
        return await self._desk.service(caller, [found.id]) or found

    async def make_services(self, caller: Caller) -> Answer:
        """Make services with ids of the vendor's, one or several."""

        def read(item: dict[str, Tree]) -> ServiceChange:
            name = vendor_bodies.service_name(item)
            own = item.get("id") or item.get("_id")
            return vendor_bodies.service_change(
                item, None if own else documents.object_id(caller.source, "service", name)
            )

        async with self._desk.body(caller) as raw:
            changes, answer = await self._read(caller, raw, read)
            if answer is not None:
                return answer
            await self._desk.keep(caller, raw, lambda receipt, at: changes)
        return self._desk.answer(await self._skus(caller, changes), 201)

    async def change_services(self, caller: Caller) -> Answer:
        """Change several services: all of them, or none."""
        async with self._desk.body(caller) as raw:
            changes, answer = await self._read(caller, raw, vendor_bodies.service_change)
            if answer is not None:
                return answer
            ids = [change.id for change in changes]
            known = {each.id for each in await self._desk.vendors.services(caller.source, ids)}
            if missing := next((id_ for id_ in ids if id_ not in known), None):
                return self._no_service(missing)
            await self._desk.keep(caller, raw, lambda receipt, at: changes)
            rows = await self._skus(caller, changes)
            return self._desk.answer(rows if vendor_bodies.is_list(body_of(caller, raw)) else rows[0])

    async def _skus(self, caller: Caller, changes: Sequence[ServiceChange]) -> list[documents.Document]:
        ids = list(dict.fromkeys(change.id for change in changes))
        by_id = {each.id: each for each in await self._desk.vendors.services(caller.source, ids)}
        return [documents.sku(by_id[id_]) for id_ in ids if id_ in by_id]

    async def _read(
        self, caller: Caller, raw: bytes, read: Callable[[dict[str, Tree]], ServiceChange]
    ) -> tuple[list[ServiceChange], Answer | None]:
        try:
            return [read(item) for item in vendor_bodies.objects_of(body_of(caller, raw))], None
        except BadBody as exc:
            return [], await self._desk.refuse_body(caller, raw, str(exc))

    def _no_service(self, id_: str) -> Answer:
        return self._desk.no(404, f"No service found with id: {id_}")


def _id_for(name: str, source: str, services: Sequence[Service]) -> str:
    """Return the id of the service of this name, or a new one: its name may have been another's before."""
    there = next((each.id for each in services if each.name == name), None)
    taken = {each.id for each in services}
    fresh = (documents.object_id(source, "service", name, str(number)) for number in itertools.count())
    return there or next(id_ for id_ in fresh if id_ not in taken)


class AccountDoors:
    """The vendor's accounts, and our customers as far as he knows them."""

    def __init__(self, desk: VendorDesk) -> None:
        self._desk = desk

    async def listed(self, caller: Caller) -> Answer:
        """Return the accounts, or those asked for by id."""
        asked = values_in_query(caller, "accountIds")
        wanted = {*asked, *(part.strip() for each in asked for part in each.split(","))} - {""}
        kept = await self._desk.vendors.accounts(caller.source, sorted(wanted) if wanted else None)
        return self._desk.answer([documents.listed_account(caller.source, each) for each in kept])

    async def clients(self, caller: Caller) -> Answer:
        """Return a page of our customers."""
        query = caller.visit.query
        kept = await self._desk.vendors.accounts(caller.source)
        search, previous = query.get("search", ""), query.get("previousId", "")
        return self._desk.answer(documents.clients(kept, search=search, after=previous))

    async def make(self, caller: Caller) -> Answer:
        """Make accounts, one or several; what is there is changed."""
        async with self._desk.body(caller) as raw:
            try:
                items = vendor_bodies.objects_of(body_of(caller, raw))
                changes = [vendor_bodies.account_change(item, is_new=True) for item in items]
            except BadBody as exc:
                return await self._desk.refuse_body(caller, raw, str(exc))
            await self._keep(caller, raw, changes)
        return self._desk.answer(await self._rows(caller, changes), 201)

    async def change_all(self, caller: Caller) -> Answer:
        """Change several accounts: all of them, or none."""
        async with self._desk.body(caller) as raw:
            try:
                items = vendor_bodies.objects_of(body_of(caller, raw))
                changes = [vendor_bodies.account_change(item) for item in items]
            except BadBody as exc:
                return await self._desk.refuse_body(caller, raw, str(exc))
            if missing := await self._missing(caller, [change.id for change in changes]):
                return self._no_account(missing)
            await self._keep(caller, raw, changes)
            rows = await self._rows(caller, changes)
            return self._desk.answer(rows if vendor_bodies.is_list(body_of(caller, raw)) else rows[0])

    async def change(self, caller: Caller) -> Answer:
        """Change one account. One client sends a form."""
        ids = ids_in_path(caller, "account")
        async with self._desk.body(caller) as raw:
            made = {each.id: each for each in await self._desk.vendors.accounts(caller.source, ids)}
            found = next((id_ for id_ in ids if id_ in made), None)
            if found is None:
                return self._no_account(ids[0])
            try:
                items = vendor_bodies.objects_of(body_of(caller, raw)) if raw.strip() else [{}]
                changes = [vendor_bodies.account_change(items[0], found)]
            except BadBody as exc:
                return await self._desk.refuse_body(caller, raw, str(exc))
            await self._keep(caller, raw, changes)
        return self._desk.answer((await self._rows(caller, changes))[0])

    async def _keep(self, caller: Caller, raw: bytes, changes: Sequence[AccountChange]) -> None:
        kept: Sequence[VendorChange] = changes
        await self._desk.keep(caller, raw, lambda receipt, at: kept)

    async def _missing(self, caller: Caller, ids: Sequence[str]) -> str | None:
        known = {each.id for each in await self._desk.vendors.accounts(caller.source, ids)}
        return next((id_ for id_ in ids if id_ not in known), None)

    async def _rows(self, caller: Caller, changes: Sequence[AccountChange]) -> list[documents.Document]:
        ids = list(dict.fromkeys(change.id for change in changes))
        kept = {each.id: each for each in await self._desk.vendors.accounts(caller.source, ids)}
        return [documents.account(caller.source, kept.get(id_, Account(id=id_))) for id_ in ids]

    def _no_account(self, id_: str) -> Answer:
        return self._desk.no(404, f"No account found with id: {id_}")

"""Unit counts at Gradient's vendor API: every one is kept, also of what nobody has mapped yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alertd.core.vendor_bodies import BadBody, CountSaid, flag, read_count
from alertd.core.vendors import Account, Count, Heard, Service, VendorChange
from alertd.intake.answers import Answer
from alertd.intake.gradient_desk import VendorDesk, body_of, ids_in_path
from alertd.intake.gradient_gate import Caller


class CountDoors:
    """Takes counts."""

    def __init__(self, desk: VendorDesk) -> None:
        self._desk = desk

    async def take(self, caller: Caller) -> Answer:
        """Keep a count; 404 says that it has no place yet, as vendors expect, and it is kept all the same."""
        ids = ids_in_path(caller, "service")
        async with self._desk.body(caller) as raw:
            try:
                said = read_count(body_of(caller, raw))
            except BadBody as exc:
                return await self._desk.refuse_body(caller, raw, str(exc))
            service = await self._desk.service(caller, ids)
            account = await self._desk.account(caller, [said.account_id])
            await self._keep(
                caller,
                raw,
                said,
                service_id=service.id if service else ids[-1],
                is_known=bool(service and account),
            )
        return self._answer(said, ids[0], account, service)

    async def _keep(
        self, caller: Caller, raw: bytes, said: CountSaid, *, service_id: str, is_known: bool
    ) -> None:
        no_build = flag(caller.visit.query.get("no_build", "")) is True

        def changes(receipt: str, at: datetime) -> Sequence[VendorChange]:
            count = Count(
                source=caller.source,
                account_id=said.account_id,
                service_id=service_id,
                count=said.count,
                received_at=at,
                receipt=receipt,
                no_build=no_build,
            )
            return [count, Heard()] if is_known else [count]

        await self._desk.keep(caller, raw, changes, said=(("service", service_id),))

    def _answer(
        self, said: CountSaid, service_id: str, account: Account | None, service: Service | None
    ) -> Answer:
        if account is None:
            return self._desk.no(404, f"No account map found with id: {said.account_id}")
        if service is None:
            return self._desk.no(404, f"No service map found with id: {service_id}")
        return self._desk.answer({"status": 201, "message": "unit count stored"}, 201)

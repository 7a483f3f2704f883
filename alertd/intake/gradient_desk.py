"""What the doors of Gradient's vendor API are built on: bodies, what is kept of them, and answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from aiohttp import hdrs

from alertd.core.reading.bodies import Body, clean
from alertd.core.vendors import Account, Service, VendorChange
from alertd.flows.errors import StoreFailed
from alertd.intake import gradient_documents as documents
from alertd.intake.answers import Answer, overloaded
from alertd.intake.delivery import Call
from alertd.intake.dialects import OwnDialect
from alertd.intake.doors import Reception
from alertd.intake.gradient_gate import Caller
from alertd.intake.metrics import Outcome

ASIDE_KIND = "gradient_vendor"  # of envelopes that hold no alert

Changes = Callable[[str, datetime], Sequence[VendorChange]]  # from the receipt, and when it came


class VendorDesk:
    """Reads, keeps and answers for the doors."""

    def __init__(self, reception: Reception) -> None:
        self.deliveries = reception.deliveries
        self.vendors = reception.world.vendors
        self.clock = reception.world.clock
        self._answers = reception.answers

    def answer(self, document: Any, status: int = 200) -> Answer:
        """Return a document."""
        return self._answers.json(status, msgspec.json.encode(document))

    def no(self, status: int, message: str) -> Answer:
        """Return a refusal after which the connection goes on: clients send thousands of requests."""
        return self.answer(documents.error(status, message), status)

    @asynccontextmanager
    async def body(self, caller: Caller) -> AsyncIterator[bytes]:
        """Read the body; empty where none is announced, as with a PATCH that has all it says in its path.

        Raises:
            Refused: It cannot be read.
        """
        request = caller.visit.request
        if hdrs.CONTENT_LENGTH not in request.headers and hdrs.TRANSFER_ENCODING not in request.headers:
            yield b""
            return
        limit = caller.sender.max_body
        async with self.deliveries.body(request, caller.visit.exchange, limit=limit) as raw:
            yield raw

    async def keep(
        self, caller: Caller, raw: bytes, changes: Changes, *, said: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Commit the body, and then what it changes; after this it may be answered with success.

        Args:
            caller: Who says so.
            raw: The body.
            changes: What it changes.
            said: What its path says.

        Raises:
            Refused: It cannot be kept.
        """
        visit = caller.visit
        call = Call(visit.request, caller.sender, OwnDialect(), visit.query, visit.exchange, said)
        at = self.clock.now()
        appended = await self.deliveries.keep_aside(call, raw, kind=ASIDE_KIND)
        try:
            await self.vendors.keep(caller.source, changes(appended.receipt, at), at)
        except StoreFailed as exc:
            raise overloaded("the store cannot be written") from exc

    async def refuse_body(self, caller: Caller, raw: bytes, message: str) -> Answer:
        """Keep a body that says too little for a person to look at, and refuse it."""
        await self.keep(caller, raw, lambda receipt, at: ())
        caller.visit.exchange.outcome = Outcome.PARKED
        return self.no(400, message)

    async def account(self, caller: Caller, ids: Sequence[str]) -> Account | None:
        """Return the first of these accounts that is known: made by the vendor, or named in `clients`."""
        made = {each.id: each for each in await self.vendors.accounts(caller.source, ids)}
        named = caller.settings.clients
        for id_ in ids:
            if id_ in named:
                return msgspec.structs.replace(made.get(id_, Account(id=id_)), name=named[id_])
            if id_ in made:
                return made[id_]
        return None

    async def service(self, caller: Caller, ids: Sequence[str]) -> Service | None:
        """Return the first of these services that is known."""
        made = {each.id: each for each in await self.vendors.services(caller.source, ids)}
        return next((made[id_] for id_ in ids if id_ in made), None)


def body_of(caller: Caller, raw: bytes) -> Body:
    """Return a body as readers want it, redacted."""
    headers = caller.visit.request.headers
    return Body(raw=caller.sender.redact(raw), content_type=clean(headers.get(hdrs.CONTENT_TYPE, "")))


def ids_in_path(caller: Caller, name: str) -> list[str]:
    """Return what an id in the path may be: as it stands there, or else with a space for each plus.

    Clients that encode paths like forms write a space as a plus, and a plus as %2B. One that nobody has made
    is kept as the last of these: hardly any client leaves a plus as it is.
    """
    visit = caller.visit
    literal = clean(visit.names[name])
    template = visit.exchange.route.split("/")
    at = template.index(f"{{{name}}}") - len(template)  # from the end: a scheme and a host may stand before
    as_form = clean(unquote_plus(visit.request.raw_path.partition("?")[0].split("/")[at]))
    return [literal] if as_form == literal else [literal, as_form]


def values_in_query(caller: Caller, name: str) -> list[str]:
    """Return all values of a parameter, which may repeat, bear brackets, or hold several with commas."""
    _, _, text = caller.visit.request.raw_path.partition("?")
    pairs = parse_qsl(text, keep_blank_values=True, errors="replace")
    return [clean(value) for each, value in pairs if each.removesuffix("[]") == name]

"""`/v1/alerts/{source}`: every source, by its kind."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiohttp import hdrs

from alertd.intake.answers import Answer, Refused
from alertd.intake.delivery import Call
from alertd.intake.dialects import OwnDialect
from alertd.intake.doors import POST, Door, Reception, Visit
from alertd.intake.metrics import Outcome
from alertd.intake.requests import is_delivery

PATH = "/v1/alerts/{source}"
_SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_GET = frozenset({hdrs.METH_GET})


def doors(reception: Reception) -> Sequence[Door]:
    """Return the doors of our own API."""
    dialect = OwnDialect()

    async def take(visit: Visit) -> Answer:
        """Take it. From outside, a source that is not configured looks like any other."""
        source = visit.names["source"]
        if _SOURCE_NAME.fullmatch(source) is None:
            raise Refused(Outcome.MALFORMED, 404, "there is nothing here")
        is_get = visit.request.method == hdrs.METH_GET
        if is_get and not is_delivery(visit.query):
            raise _wrong_method()
        token = visit.query.token
        signer = reception.admission.signer(source, visit.request.headers)
        if signer is not None and (signer.takes_queries or not is_get):
            call = Call(visit.request, signer, dialect, visit.query, visit.exchange)
            return await reception.proving.take(call, url_token=token)
        sender = reception.admission.admit(visit.request, source, url_token=token, exchange=visit.exchange)
        if is_get and not sender.takes_queries:
            raise _wrong_method()
        return await reception.deliveries.take(
            Call(visit.request, sender, dialect, visit.query, visit.exchange)
        )

    return [Door(path=PATH, methods=POST | _GET, serve=take)]


def _wrong_method() -> Refused:
    return Refused(Outcome.MALFORMED, 405, "send POST", headers={hdrs.ALLOW: "POST"})

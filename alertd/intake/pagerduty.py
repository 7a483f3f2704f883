"""PagerDuty's Events API at its own paths: version 2, change events, and version 1.

The token is in the body, so the body is read before it is known whose it is: from an address that has guessed
too often only if somebody has sent well from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from alertd.core.sources import pagerduty
from alertd.flows.ports import Appended
from alertd.intake.answers import Answer, Refused
from alertd.intake.auth import wire_bytes
from alertd.intake.delivery import Call
from alertd.intake.doors import POST, Door, Reception, Visit
from alertd.intake.identifiers import new_uuid
from alertd.intake.metrics import Outcome
from alertd.intake.native import Heard, Native, NativeDialect, Refusal
from alertd.intake.presented import presented

KIND = "pagerduty"
PATH_V2 = "/v2/enqueue"
PATH_CHANGE = "/v2/change/enqueue"
PATH_V1 = "/generic/2010-04-15/create_event.json"
_INVALID = "Event object is invalid"
_MOST_TOKENS = 3
_KEYS = re.compile(rb'\\?"(?:routing|service)_key\\?"\s*+:\s*+\\?"([^"\\]{1,256})')


def doors(reception: Reception) -> Sequence[Door]:
    """Return the doors of the Events API."""
    v2 = Native(
        kind=KIND,
        status=202,
        refuse=_refusal,
        reply=_reply("dedup_key"),
        faults=lambda heard: pagerduty.faults_v2(heard.tree),
    )
    v1 = Native(
        kind=KIND,
        status=200,
        refuse=_refusal,
        reply=_reply("incident_key"),
        faults=lambda heard: pagerduty.faults_v1(heard.tree),
    )
    change = Native(
        kind=KIND,
        status=202,
        refuse=_refusal,
        reply=_reply_to_change,
        faults=lambda heard: pagerduty.faults_change(heard.tree),
    )
    said = (("action", pagerduty.CHANGE),)
    return [
        _door(reception, PATH_V2, v2, lambda: ((pagerduty.NEW_KEY, new_uuid(reception.world.entropy).hex),)),
        _door(reception, PATH_V1, v1, lambda: ((pagerduty.NEW_KEY, new_uuid(reception.world.entropy).hex),)),
        _door(reception, PATH_CHANGE, change, lambda: said),
    ]


def _door(
    reception: Reception, path: str, native: Native, said: Callable[[], tuple[tuple[str, str], ...]]
) -> Door:
    async def take(visit: Visit) -> Answer:
        try:
            reception.admission.let_try(visit.request, path, visit.exchange)
            async with reception.deliveries.body(visit.request, visit.exchange) as raw:
                return await _keep(visit, raw)
        except Refused as refused:
            if refused.outcome is Outcome.UNAUTHORIZED:
                raise Refused(Outcome.UNAUTHORIZED, 400, refused.why) from refused
            raise

    async def _keep(visit: Visit, raw: bytes) -> Answer:
        shown = presented(visit.request, visit.query, headers=("X-Routing-Key",))
        tokens = [*_keys_in(raw), *shown.tokens]
        sender = reception.admission.admit(
            visit.request, None, url_token=None, exchange=visit.exchange, presented=tokens
        )
        reception.admission.passed(visit.request, path, visit.exchange)
        call = Call(visit.request, sender, NativeDialect(native), shown.query, visit.exchange, said())
        return await reception.deliveries.keep(call, raw)

    return Door(path=path, methods=POST, serve=take, refuse=_refuse)


class _Keys(msgspec.Struct):
    """The fields of an event that say whose it is."""

    routing_key: str | None = None
    service_key: str | None = None


def _keys_in(raw: bytes) -> list[bytes]:
    """Return the key of an event; of a body that is not quite JSON, what looks like one."""
    try:
        keys = msgspec.json.decode(raw, type=_Keys)
    except (ValueError, RecursionError):
        keys = _Keys()
    found = [wire_bytes(key) for key in (keys.routing_key, keys.service_key) if key]
    return found or _KEYS.findall(raw)[:_MOST_TOKENS]


def _reply(name: str) -> Callable[[Heard, Appended], bytes]:
    def reply(heard: Heard, appended: Appended) -> bytes:
        key = pagerduty.key_of(heard.tree, heard.said)
        return msgspec.json.encode({"status": "success", "message": "Event processed", name: key})

    return reply


def _reply_to_change(heard: Heard, appended: Appended) -> bytes:
    return b'{"status":"success","message":"Change event processed"}'


def _refusal(why: Sequence[str]) -> Refusal:
    document = {"status": "invalid event", "message": _INVALID, "errors": list(why)}
    return Refusal(400, msgspec.json.encode(document))


def _refuse(refused: Refused) -> bytes:
    """Return the body of a refusal; PagerDuty answers a key that it does not know with 400."""
    if refused.outcome is Outcome.UNAUTHORIZED:
        return msgspec.json.encode(
            {"status": "invalid event", "message": _INVALID, "errors": ["Invalid routing key"]}
        )
    return msgspec.json.encode({"status": "error", "message": refused.why, "errors": [refused.why]})

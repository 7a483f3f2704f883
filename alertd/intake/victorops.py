"""VictorOps' generic REST endpoint: the token and the routing key are in the path."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from alertd.core.reading.objects import text_in
from alertd.core.sources import victorops
from alertd.flows.ports import Appended
from alertd.intake.answers import Answer, Refused
from alertd.intake.auth import wire_bytes
from alertd.intake.delivery import Call
from alertd.intake.doors import POST, Door, Reception, Visit
from alertd.intake.identifiers import new_uuid
from alertd.intake.native import Heard, Native, NativeDialect, Refusal
from alertd.intake.presented import presented

KIND = "victorops"
_BASES = ("/victorops", "/integrations/generic/20131114/alert")
_ENDS = ("/{token}/{routing_key}", "/{token}")


def doors(reception: Reception) -> Sequence[Door]:
    """Return the doors: our short path, and the original's."""
    native = Native(kind=KIND, status=200, refuse=_refusal, reply=_reply, faults=_faults)

    async def take(visit: Visit) -> Answer:
        shown = presented(visit.request, visit.query)
        tokens = [wire_bytes(visit.names["token"]), *shown.tokens]
        sender = reception.admission.admit(
            visit.request, None, url_token=None, exchange=visit.exchange, presented=tokens
        )
        said = (
            ("routing_key", visit.names.get("routing_key", "")),
            (victorops.NEW_ID, str(new_uuid(reception.world.entropy))),
        )
        call = Call(visit.request, sender, NativeDialect(native), shown.query, visit.exchange, said)
        return await reception.deliveries.take(call)

    return [
        Door(path=f"{base}{end}", methods=POST, serve=take, refuse=_refuse)
        for base in _BASES
        for end in _ENDS
    ]


def _faults(heard: Heard) -> Sequence[str]:
    return () if text_in(heard.tree, "message_type") else ("message_type is missing",)


def _reply(heard: Heard, appended: Appended) -> bytes:
    key = victorops.entity_of(heard.tree, heard.said)
    return msgspec.json.encode({"result": "success", "entity_id": key})


def _refusal(why: Sequence[str]) -> Refusal:
    return Refusal(400, _failure(why[0]))


def _refuse(refused: Refused) -> bytes:
    return _failure(refused.why)


def _failure(message: str) -> bytes:
    return msgspec.json.encode({"result": "failure", "message": message})

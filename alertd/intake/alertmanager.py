"""`POST /api/v2/alerts`: what Prometheus and its like send to an Alertmanager."""

from __future__ import annotations

from collections.abc import Sequence

from alertd.intake.answers import Answer
from alertd.intake.delivery import Call
from alertd.intake.dialects import AlertmanagerDialect
from alertd.intake.doors import POST, Door, Reception, Visit

PATH = "/api/v2/alerts"


def doors(reception: Reception) -> Sequence[Door]:
    """Return the one door; the token alone says whose it is."""
    dialect = AlertmanagerDialect()

    async def take(visit: Visit) -> Answer:
        sender = reception.admission.admit(visit.request, None, url_token=None, exchange=visit.exchange)
        return await reception.deliveries.take(
            Call(visit.request, sender, dialect, visit.query, visit.exchange)
        )

    return [Door(path=PATH, methods=POST, serve=take)]

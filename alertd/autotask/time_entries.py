"""Who has entered time on tickets: records of their own in Autotask, which not every user may read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from alertd.autotask.answers import NoRoute
from alertd.autotask.client import AutotaskClient
from alertd.autotask.precedence import Precedence
from alertd.autotask.queries import Query, Where
from alertd.autotask.texts import shown
from alertd.flows.errors import AuthRefused, PortError, Rejected, Throttled, Unavailable
from alertd.flows.ports import Clock

ASK_AGAIN = timedelta(hours=1)
MOST_FAILURES = 3  # in a row: no ticket is kept from being completed for ever by records that cannot be had
_log = structlog.get_logger(__name__)


class TimeEntries:
    """Reads time entries. Where they cannot be read it goes on without, and tries again an hour later."""

    def __init__(self, client: AutotaskClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._without_until: datetime | None = None
        self._failures = 0

    async def workers(self, ticket_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """Return whose time is entered on these tickets: resource ids by ticket id, 0 for nobody known.

        Raises:
            Unavailable: They cannot be had now, and have not been refused.
        """
        if self._without_until is not None and self._clock.now() < self._without_until:
            return {}
        query = Query(
            entity="TimeEntries",
            conditions=(Where("in", "ticketID", tuple(ticket_ids)),),
            fields=("resourceID",),
            precedence=Precedence.COMPLETE,
        )
        try:
            rows = await self._client.exact(query)
        except (Throttled, AuthRefused):
            raise
        except (NoRoute, Rejected) as exc:
            return self._without(exc)
        except Unavailable as exc:
            self._failures += 1
            if self._failures < MOST_FAILURES:
                raise
            return self._without(exc)
        self._failures, self._without_until = 0, None
        found = defaultdict[int, set[int]](set)
        for row in rows:
            found[int(row["ticketID"])].add(int(row.get("resourceID") or 0))
        return {ticket_id: frozenset(ids) for ticket_id, ids in found.items()}

    def _without(self, exc: PortError) -> Mapping[int, frozenset[int]]:
        _log.warning(
            "autotask.time_entries_unread",
            error=shown(exc),
            hint="time that people enter is seen only where nothing was written after it; let the API user "
            "read time entries",
        )
        self._failures, self._without_until = 0, self._clock.now() + ASK_AGAIN
        return {}

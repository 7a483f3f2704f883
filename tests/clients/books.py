"""What the simulator has written down, asked over HTTP as anybody could: the proof of what a client did."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable
from typing import Any, NamedTuple

JSON = dict[str, Any]
USERNAME = "alertd-api@msp.example"
SECRET = "simulator-secret"
CODE = "SIMULATORALERTDTRACKING0001"
COMPANY = 175
DEVICES = (1, 2)
NOC = 29682833
VIP = 501


class Zone(NamedTuple):
    """Where the simulator listens, and its books. `authority` is the file with the certificate to trust."""

    plain: str
    tls_port: int
    authority: str

    def control(self, name: str, body: Any = None) -> Any:
        """Ask or tell the control API; a body makes it a POST."""
        root = self.plain.removesuffix("/atservicesrest")
        sent = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{root}/__sim/{name}", data=sent, timeout=10) as reply:
            return json.load(reply)

    def truth(self, name: str) -> list[JSON]:
        """Return the rows of `tickets`, `companies` and the like as they really are."""
        return list(self.control(f"state?only={name}")[name])

    def ticket(self, ticket_id: int) -> JSON:
        """Return one ticket as it really is, with its notes and tags."""
        return next(row for row in self.truth("tickets") if row["id"] == ticket_id)

    def actions(self, endpoint: str) -> dict[str, int]:
        """Return how many calls of each action were let in to an endpoint, such as `{"create": 1}`."""
        return dict(self.control("calls")["actions"].get(endpoint, {}))

    def calls(self) -> list[tuple[str, str, int]]:
        """Return method, path below the version, and status of every call, oldest first."""
        calls = self.control("calls?limit=1000")["calls"]
        known = sorted(calls, key=lambda call: call["number"])
        return [(call["method"], _below_version(call["path"]), call["status"]) for call in known]

    def fill(self, entity: str, rows: Iterable[JSON]) -> None:
        """Put rows into the tenant behind everybody's back."""
        self.control("tenant", {"rows": {entity: list(rows)}})

    def fill_tickets(self, count: int) -> list[int]:
        """Put `count` open tickets into the NOC queue and return their ids."""
        self.fill("Tickets", [new_ticket(title=f"Disk {n}") for n in range(count)])
        return sorted(row["id"] for row in self.truth("tickets"))


def new_ticket(**fields: Any) -> JSON:
    """Return the smallest ticket that Autotask takes."""
    return {"companyID": COMPANY, "title": "Disk full", "status": 1, "priority": 2, "queueID": NOC} | fields


def _below_version(path: str) -> str:
    return path.lower().partition("/v1.0/")[2] and path[path.lower().index("/v1.0/") + 6 :]

"""The pages beside the alerts: healthy, ready, and Alertmanager's status."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alertd import __version__
from alertd.intake.answers import Answer, Answers
from alertd.intake.senders import Surroundings

STATUS_PATH = "/api/v2/status"
HEALTHY_PATH = "/-/healthy"
READY_PATH = "/-/ready"
PATHS = frozenset({STATUS_PATH, HEALTHY_PATH, READY_PATH})

_API_VERSION = "0.34.0"  # the Alertmanager whose API this is
# a valid configuration, since clients load it; what we route by is not told to senders
_CONFIG = "route:\n  receiver: alertd\nreceivers:\n- name: alertd\n"


class StatusPages:
    """Answers for monitors and proxies."""

    def __init__(self, surroundings: Surroundings, answers: Answers) -> None:
        self._answers = answers
        self._not_ready = surroundings.not_ready
        self._started_at = surroundings.clock.now()

    def page(self, path: str) -> Answer:
        """Return the page of one of `PATHS`."""
        if path == STATUS_PATH:
            return self._answers.json(200, msgspec.json.encode(alertmanager_status(self._started_at)))
        reason = self._not_ready() if path == READY_PATH else None
        return self._answers.text(200, "OK") if reason is None else self._answers.text(503, reason)


def alertmanager_status(started_at: datetime) -> dict[str, object]:
    """Return the least that clients of `GET /api/v2/status` demand."""
    return {
        "cluster": {"status": "disabled"},
        "versionInfo": {
            "version": _API_VERSION,
            "revision": __version__,
            "branch": "alertd",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "n/a",
        },
        "config": {"original": _CONFIG},
        "uptime": started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }

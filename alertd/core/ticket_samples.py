"""Incidents as samples: what an alert's ticket would say, asked before there is any alert."""

from __future__ import annotations

from datetime import UTC, datetime

from alertd.core.alerts import Alert
from alertd.core.incidents import Incident, Member, Open
from alertd.core.routes import Matched, place

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # when samples begin


def sample_incident(alert: Alert, matched: Matched) -> Incident:
    """Return the incident that this alert alone would open on this route."""
    key, group = place(matched, alert)
    labels, annotations = alert.labels, alert.annotations
    member = Member(
        key=alert.key,
        title=annotations.get("title") or labels.get("alertname", ""),
        severity=alert.severity,
        since=alert.starts_at or AT,
        host=labels.get("host", ""),
        description=annotations.get("description", ""),
        url=annotations.get("url", ""),
    )
    return Incident(
        key=key,
        policy=matched.policy,
        group=group,
        client=labels.get("client", ""),
        labels=dict(labels),
        phase=Open(),
        opened_at=AT,
        members={alert.key: member},
        severity=alert.severity,
        receipt="sample",
    )

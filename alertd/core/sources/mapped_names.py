"""Names and words that a mapped source understands unsaid: those that other generic inlets accept."""

from __future__ import annotations

# Usual names, tried where a key is not configured: OnCall, GoAlert, Opsgenie, Keep, Alerta and their like.
TITLES = ("title", "summary", "message", "subject", "name", "text", "event")
DESCRIPTIONS = ("description", "details", "body", "message", "text", "value")
URLS = ("url", "link", "link_to_upstream_details", "alert_url", "details_url", "permalink")
HOSTS = (
    *("host", "hostname", "host_name", "device", "device_name", "deviceName", "computer", "computer_name"),
    *("device.name", "host.name", "resource", "node", "server", "entity"),
)
CLIENTS = (
    *("client", "client_name", "customer", "customer_name", "customerName", "company", "company_name"),
    *("companyName", "organization", "organization_name", "organizationName", "tenant"),
)
NAMES = (
    *(
        "alertname",
        "alert_name",
        "alertName",
        "rule",
        "rule_name",
        "ruleName",
        "check",
        "check_name",
        "checkName",
    ),
    *("monitor_name", "monitorName", "event", "name"),
)
KEYS = ("dedup_key", "dedup", "alert_uid", "alias", "fingerprint", "incident_key")
SEVERITIES = ("severity", "priority", "level", "urgency", "criticality")
STATES = ("status", "state", "event_action", "action")
STARTS = (
    "starts_at",
    "startsAt",
    "started_at",
    "timestamp",
    "created_at",
    "createdAt",
    "time",
    "createTime",
    "firingStartTime",
    "lastReceived",
)

FIRING_WORDS = (
    *(
        "firing",
        "fire",
        "fired",
        "alerting",
        "alert",
        "alarm",
        "problem",
        "open",
        "opened",
        "active",
        "activated",
    ),
    *("triggered", "trigger", "critical", "down", "new", "failed", "failing", "started", "created", "raised"),
)
CLEARED_WORDS = (
    *(
        "cleared",
        "clear",
        "resolved",
        "resolve",
        "ok",
        "closed",
        "close",
        "recovered",
        "recovery",
        "up",
        "normal",
    ),
    *("inactive", "deactivated", "reset", "ended", "fixed", "healthy"),
)


UPDATED_WORDS = ("acknowledged", "acknowledge", "acked", "ack")
NORMAL = ("normal", "ok", "cleared", "clear")  # severities by which Alerta's clients say that it is over

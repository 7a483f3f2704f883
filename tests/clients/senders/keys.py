"""The token of each source: of the form that its clients demand."""

from __future__ import annotations

KEYS = {
    "pagerduty": "0123456789abcdef0123456789abcdef",
    "opsgenie": "5c1e7f0a-8d2b-4c61-9f3e-2ab1c0d4e5f6",
    "goalert": "7d2f8a1b-9e3c-4d72-8a4f-3bc2d1e5f607",
    "alerta": "alerta-key-0123456789abcdefghijklmnopqrstuv",
    "apprise": "apprise-key-0123456789abcdefghijklmnopqrstu",
}

"""Where we answer otherwise than Alertmanager 0.25, and why. docs/alertmanager-api.md tells operators."""

from __future__ import annotations

# members that newer versions of the API have, by the version that brought them; we speak 0.34
NEWER = {
    "mutedBy": "0.28",
    "routeLabels": "0.34",
    "annotations": "0.32, of silences",
}

# by the name of the request
DIFFERENCES = {
    "POST to ready": "every path of the admin listener says no in the same words, as JSON",
    "OPTIONS of healthy": "the same; nothing asks for the options of these pages",
    "a label name with a dot": "0.27 and later take any UTF-8 name, as we do; 0.25 said 400",
    "matchers: a name with a dot": "the same",
    "a compressed body": "0.25 does not look at Content-Encoding; here what is not undone is refused: 415",
    "member names in capitals": "Go takes any case; here it is kept and parked, and its sender told: 422",
    "a silence with text after it": "0.25 ignores it; what is not understood in whole is refused: 400",
    "an item that is null": "0.25 panics and cuts the connection; it is an item without labels: 422",
    "matchers: one that is null": "0.25 panics and cuts the connection; it is a missing matcher: 422",
    "text after the JSON": "0.25 ignores it; here the body is kept and parked, and its sender told: 400",
    "expire one nobody has": "0.26 and later say 404, as we do; 0.25 said 500",
}

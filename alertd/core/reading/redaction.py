"""Redaction: what is taken out of a body and of its query before they are stored or read.

Two ways. Names that are secret wherever they occur are blanked in the bytes themselves, so that a body
that is not quite JSON is blanked too and the rest stays exactly as sent. Paths that a source configures
are blanked in the tree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import msgspec

from alertd.core.reading import json_repair
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.trees import UTF8_BOM, Tree, normalised

MARK = "***"

# Names that hold a secret if they contain one of these …
_PARTS = (
    "password",
    "passwd",
    "passphrase",
    "sharedsecret",
    "shared_secret",
    "client_secret",
    "clientsecret",
)
# … or are one of these. A bare `secret` is not: Kubernetes alerts carry the name of one as a label.
# ping_url and update_url let their reader fake a Healthchecks success.
_WHOLE = (
    *("token", "access_token", "auth_token", "authtoken", "refresh_token", "authorization", "routing_key"),
    *("pass", "pwd", "api_key", "apikey", "private_key", "secret_key", "secretkey"),
    *("ping_url", "update_url", "unsubscribeurl", "unsubscribe_url", "subscribeurl"),
    *("basic_auth_pass", "pushtoken", "radiussecret"),  # monitors of Uptime Kuma 1
    *("service_key", "api-key", "integrationkey", "integration_key", "x-api-key"),  # as dialects name tokens
)
_PATHS = (
    "heartbeat.response",  # Uptime Kuma: the checked page itself
    "data.context.activityLog.claims",  # Azure: names and addresses of whoever did it
    "data.alertContext.claims",
)
_NAMES = "|".join((*(rf"[\w.\-]{{0,60}}?{part}[\w.\-]{{0,60}}" for part in _PARTS), *_WHOLE))
_NAME = f"(?:{_NAMES})".encode()
_PARAMETER = re.compile(_NAMES, re.IGNORECASE)
# One of these is in every name above: a body without any of them needs no closer look. RE2 would be
# quicker, but lets go of the interpreter for every search, and other threads take it for longer.
_SUSPECT = (
    *("pass", "secret", "token", "authorization", "pwd", "ing_key", "api_key", "apikey", "private_key"),
    *("ping_url", "update_url", "subscribe", "vice_key", "api-key", "ionkey", "ion_key"),
)
_JSON = re.compile(
    rb'("' + _NAME + rb'"\s*+:\s*+)(?:"(?:[^"\\]|\\.)*+\\?"?|-?\d[\w.+\-]*+)', re.IGNORECASE | re.DOTALL
)
# The same inside a JSON string, where quotes are \" and a quote in the value is \\\".
_JSON_INSIDE = re.compile(
    rb'(\\"' + _NAME + rb'\\"\s*+:\s*+\\")(?:[^"\\]|\\\\(?:\\.|[^\\])|\\[^"\\])*+', re.IGNORECASE | re.DOTALL
)
_FORM = re.compile(rb"((?:^|[?&;])" + _NAME + rb'=)[^&;\s"\'<>\\]++', re.IGNORECASE)
_XML = re.compile(rb"(<(?:[\w\-]{1,30}:)?(" + _NAME + rb")(?:\s[^<>]{0,300})?>)[^<]++", re.IGNORECASE)
# A part of a multipart body: its name, the rest of its head, an empty line, and all up to the next boundary.
_PART = (
    rb'(;\s{0,9}name="?(?:%b)"?(?:[;\s][^\r\n]{0,300}+)?+(?:\r?\n[^\r\n]{1,300}+){0,5}+\r?\n\r?\n)'
    rb".*?(?=\r?\n--|\Z)"
)
_MULTIPART = re.compile(_PART % _NAMES.encode(), re.IGNORECASE | re.DOTALL)
_USER_INFO = re.compile(rb"(://)[^/?#\s\"'<>\\]{1,256}@")  # up to the last @: a name may hold one


class Redaction(msgspec.Struct, frozen=True):
    """What a source's settings say beside the built-in names: paths of object names, lists walked through."""

    paths: tuple[tuple[str, ...], ...] = ()
    needles: tuple[bytes, ...] = ()


def redaction(paths: Iterable[str] = ()) -> Redaction:
    """Compile dotted paths such as `asset.properties.notes`."""
    split = tuple(tuple(path.split(".")) for path in (*_PATHS, *paths))
    return Redaction(split, tuple(path[-1].encode() for path in split))


def redact(raw: bytes, rules: Redaction) -> bytes:
    """Return `raw` with every secret replaced by `***`; the same object if there is none.

    A body that holds none of the names costs one scan (about 6 µs a kilobyte).
    """
    raw = _without_names(raw)
    if any(needle in raw for needle in rules.needles):
        raw = _without_paths(raw, rules)
    return raw


def redact_query(pairs: Iterable[tuple[str, str]], rules: Redaction) -> tuple[tuple[str, str], ...]:
    """Return the decoded parameters of a query with every secret in their values replaced by `***`."""
    return tuple((name, _redacted_value(name, value, rules)) for name, value in pairs)


def _redacted_value(name: str, value: str, rules: Redaction) -> str:
    if _PARAMETER.fullmatch(name) or (name,) in rules.paths:
        return MARK
    inside = tuple(path[1:] for path in rules.paths if path[0] == name and path[1:])
    rules = Redaction((*rules.paths, *inside), rules.needles)
    # only whole ASCII marks are cut out, so what is left can be decoded as it was encoded
    return redact(value.encode("utf-8", "surrogatepass"), rules).decode("utf-8", "surrogatepass")


def _without_names(raw: bytes) -> bytes:
    text = raw.lower().decode("latin-1")  # searched faster than bytes, where bodies are small
    if any(part in text for part in _SUSPECT):
        raw = _JSON.sub(rb'\1"***"', raw)
        for pattern in (_JSON_INSIDE, _FORM, _XML):
            raw = pattern.sub(rb"\1***", raw)
        if "form-data" in text:
            raw = _MULTIPART.sub(rb"\1***", raw)
    if b"@" in raw and b"://" in raw:
        raw = _USER_INFO.sub(rb"\1***@", raw)
    return raw


def _without_paths(raw: bytes, rules: Redaction) -> bytes:
    """Blank the configured paths. What cannot be read is blanked by the last name of each path instead."""
    try:
        tree = json_repair.decode(raw.removeprefix(UTF8_BOM))
        normalised(tree)  # only to learn that it is not too deep to walk
    except Unreadable:
        return _without_last_names(raw, rules)
    if not isinstance(tree, (dict, list)):
        return _without_last_names(raw, rules)
    changed = [_blank(tree, path) for path in rules.paths]
    return json.dumps(tree).encode() if any(changed) else raw


def _blank(tree: Tree, path: tuple[str, ...]) -> bool:
    if isinstance(tree, list):
        return any([_blank(each, path) for each in tree])  # noqa: C419 - all of them, not up to the first
    if not isinstance(tree, dict) or path[0] not in tree:
        return False
    if len(path) > 1:
        return _blank(tree[path[0]], path[1:])
    tree[path[0]] = MARK
    return True


def _without_last_names(raw: bytes, rules: Redaction) -> bytes:
    for needle in rules.needles:
        name = re.escape(needle)
        raw = re.sub(rb'("' + name + rb'"\s*+:\s*+")(?:[^"\\]|\\.)*+', rb"\1***", raw)
        raw = re.sub(rb"((?:^|&)" + name + rb"=)[^&\s]++", rb"\1***", raw)
        raw = re.sub(rb"(<" + name + rb"(?:\s[^<>]{0,300})?>)[^<]++", rb"\1***", raw)
        raw = re.sub(_PART % name, rb"\1***", raw, flags=re.DOTALL)
    return raw

"""The configuration as it is in force, with every default filled in and every secret hidden."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from alertd.config.settings import Settings
from alertd.core.routes import with_defaults
from alertd.core.settings import SecretRef
from alertd.core.sources.kinds import SourceSettings, compile_profile


def effective(settings: Settings) -> dict[str, Any]:
    """Return all settings as plain values; a secret as `*** from { file = "…" }`.

    What is unset, and what a route inherits, is absent.
    """
    filled = {"route": with_defaults(settings.route), "sources": [_filled(each) for each in settings.sources]}
    shown = _shown(settings.model_copy(update=filled).model_dump(mode="json", by_alias=True))
    return dict(shown)


def _filled(source: SourceSettings) -> SourceSettings:
    """Fill in what depends on the kind and on what else is set."""
    expires_after = compile_profile(source).profile.expires_after or timedelta()
    return source.model_copy(update={"expire_after": expires_after})


def _shown(node: Any) -> Any:
    if isinstance(node, dict):
        if node.keys() == SecretRef.model_fields.keys() and None in node.values():
            return f"*** from {SecretRef(**node)}"
        return {key: _shown(value) for key, value in node.items() if value is not None}
    return [_shown(each) for each in node] if isinstance(node, list) else node


def as_toml(table: dict[str, Any]) -> str:
    """Return the TOML text of plain values."""
    return "\n".join(_lines(table, "")).strip() + "\n"


def _lines(table: dict[str, Any], name: str) -> Iterator[str]:
    """Yield values first: what stands below a header would belong to it."""
    for key, value in table.items():
        if not _has_header(value):
            yield f"{_key(key)} = {_inline(value)}"
    for key, value in table.items():
        if _has_header(value):
            yield from _headed(value, f"{name}.{_key(key)}".lstrip("."))


def _has_header(value: Any) -> bool:
    """Whether it is a table of its own; an empty one is said in its place, as `{}`."""
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)


def _headed(value: Any, name: str) -> Iterator[str]:
    header = f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
    for each in value if isinstance(value, list) else [value]:
        yield ""
        yield header
        yield from _lines(each, name)


def _inline(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """Return a string in single quotes where that spares escapes, as in matchers; else a basic string.

    A basic string is JSON's, but for DEL, which JSON lets stand and TOML does not.
    """
    if ('"' in text or "\\" in text) and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else _quoted(key)

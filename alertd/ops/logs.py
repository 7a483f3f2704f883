"""Logs: one JSON object a line, or readable lines on a terminal. No text in them can leave its line."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import msgspec
import structlog

from alertd.core.secret import Secret

MAX_FIELD = 8 * 1024  # characters
_MAX_DEPTH = 4
# C0, DEL, C1, line and paragraph separators, and what turns or hides the direction of text
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ud800-\udfff]"
)

Level = Literal["debug", "info", "warning", "error", "critical"]


def set_up(*, stream: TextIO | None = None, level: Level = "info") -> None:
    """Send everything that is logged, ours and the libraries', to one stream.

    Args:
        stream: Where to; standard error by default. A terminal gets readable lines, all else JSON.
        level: The least that is written.
    """
    out = stream or sys.stderr
    renderer = _console(out) if out.isatty() else _json_line
    numeric = getattr(logging, level.upper())
    structlog.configure(
        processors=[*_shared(), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _route_libraries(out, numeric, renderer)


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        safe_fields,
    ]


def _console(out: TextIO) -> structlog.typing.Processor:
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), sort_keys=False)


def _json_line(_logger: Any, _name: str, event_dict: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(event_dict).decode()


def _route_libraries(out: TextIO, level: int, renderer: structlog.typing.Processor) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_shared()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    # aiohttp's own lines may repeat parts of a request; ours say what there is to say
    for name in ("aiohttp.access", "aiohttp.server", "aiohttp.web"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(capture=True)


def safe_fields(_logger: Any, _name: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Make every field short and harmless. A structlog processor."""
    return {safe_text(key): safe_value(value) for key, value in event_dict.items()}


def safe_value(value: Any, depth: int = 0) -> Any:
    """Return what may be written of a value: numbers as they are, texts escaped, secrets never."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, str):
        return safe_text(value)
    if depth < _MAX_DEPTH and isinstance(value, (list, tuple, set, frozenset)):
        return [safe_value(each, depth + 1) for each in list(value)[:100]]
    if depth < _MAX_DEPTH and isinstance(value, dict):
        return {safe_text(str(key)): safe_value(each, depth + 1) for key, each in list(value.items())[:100]}
    return safe_text(str(value))


def safe_text(text: str) -> str:
    """Return at most 8 KB of text, on one line, without anything that a terminal would obey."""
    cut = text if len(text) <= MAX_FIELD else f"{text[:MAX_FIELD]}… ({len(text)} characters)"
    return _UNSAFE.sub(_escaped, cut)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return {9: "\\t", 10: "\\n", 13: "\\r"}.get(code, f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")

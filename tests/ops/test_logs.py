"""Logs: one line each, whatever is in them, and no secrets."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from alertd.core.secret import Secret
from alertd.ops.logs import MAX_FIELD, safe_value, set_up


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {
        name: logging.getLogger(name).level for name in ("aiohttp.access", "aiohttp.server", "aiohttp.web")
    }
    yield io.StringIO()
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_a_json_object(out: io.StringIO) -> None:
    set_up(stream=out)
    structlog.get_logger("alertd.x").info("flow.happened", count=3, share=0.5, names=["a"], none=None)

    (line,) = lines(out)
    assert line["event"] == "flow.happened"
    assert (line["count"], line["share"], line["names"], line["none"]) == (3, 0.5, ["a"], None)
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "text",
    [
        "a\nb",
        "a\r\nb",
        "a\x1b[31mb",
        "a\u202eb",
        "a\u2028b",
        "a\x00b",
        "a\x85b",
        "a\ufeffb",
        "a\ud800b",
        "a\u2066b",
    ],
    ids=ascii,
)
def test_nothing_breaks_out_of_its_line(out: io.StringIO, text: str) -> None:
    set_up(stream=out)
    structlog.get_logger().info("flow.happened", **{text: text, "deep": {text: [text]}})

    (line,) = lines(out)
    written = json.dumps(line, ensure_ascii=False)
    assert text[1] not in written
    assert len(out.getvalue().splitlines()) == 1


def test_a_field_is_capped(out: io.StringIO) -> None:
    set_up(stream=out)
    structlog.get_logger().info("flow.happened", text="a" * 1_000_000)

    (line,) = lines(out)
    assert line["text"] == "a" * MAX_FIELD + "… (1000000 characters)"


def test_secrets_are_stars(out: io.StringIO) -> None:
    set_up(stream=out)
    secret = Secret("canary")
    structlog.get_logger().info("flow.happened", token=secret, deep={"x": [secret]}, object=Holder(secret))

    assert "canary" not in out.getvalue()
    assert lines(out)[0]["token"] == "***"


class Holder:
    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return f"Holder({self._secret})"


def test_deep_and_long_values_are_bounded() -> None:
    deep: Any = []
    for _ in range(100):
        deep = [deep]

    assert len(str(safe_value(deep))) < 1000
    assert len(safe_value(list(range(1000)))) == 100


def test_exceptions_stay_on_one_line(out: io.StringIO) -> None:
    set_up(stream=out)
    try:
        int("first\nsecond")
    except ValueError:
        structlog.get_logger().exception("flow.failed")

    (line,) = lines(out)
    assert "ValueError: invalid literal" in line["exception"]


def test_libraries_go_the_same_way(out: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        set_up(stream=out)
        logging.getLogger("asyncio").warning("slow\ncallback %s", "x\x1b")
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    first, second = lines(out)
    assert (first["event"], first["logger"]) == ("slow\\ncallback x\\x1b", "asyncio")
    assert "DeprecationWarning: old" in second["event"]


def test_aiohttp_says_nothing_of_requests(out: io.StringIO) -> None:
    set_up(stream=out, level="debug")
    logging.getLogger("aiohttp.server").error("Error handling request: Authorization: Bearer canary")
    logging.getLogger("aiohttp.access").info("GET /?token=canary")

    assert out.getvalue() == ""


def test_the_level_is_the_least_that_is_written(out: io.StringIO) -> None:
    set_up(stream=out, level="warning")
    structlog.get_logger().info("flow.happened")
    structlog.get_logger().warning("flow.odd")

    assert [line["event"] for line in lines(out)] == ["flow.odd"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_readable_lines(out: io.StringIO) -> None:
    terminal = Terminal()
    set_up(stream=terminal)
    structlog.get_logger().info("flow.happened", text="a\x1b[2J\nb")
    logging.getLogger("asyncio").warning("slow")

    first, second = terminal.getvalue().splitlines()
    assert "flow.happened" in first
    assert "\x1b[2J" not in first
    assert "slow" in second

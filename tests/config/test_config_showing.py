from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from alertd.config.loading import load
from alertd.config.showing import as_toml, effective
from tests.config.conftest import ConfigFile

EXAMPLE = Path(__file__).parents[2] / "config" / "alertd.example.toml"


def test_secrets_are_stars_with_their_reference(config: ConfigFile) -> None:
    shown = effective(config.load({"AUTOTASK_SECRET": "hunter2"}))
    assert shown["autotask"]["secret"] == '*** from { env = "AUTOTASK_SECRET" }'
    assert shown["sources"][0]["token"] == ['*** from { env = "PROMETHEUS_TOKEN" }']
    assert "hunter2" not in str(shown)


def test_defaults_are_filled_in_and_values_read_as_they_are_written(config: ConfigFile) -> None:
    config.append("hold = '90s'\n[[route.routes]]\nname = 'a'\nmatchers = ['x=\"1\"']\ncontinue = true\n")
    shown = effective(config.load())
    assert shown["store"]["keep_journal"] == "30d"
    assert shown["route"]["hold"] == "1m30s"
    assert shown["route"]["routes"][0]["matchers"] == ['x="1"']
    assert shown["route"]["routes"][0]["continue"] is True
    assert (shown["route"]["group_wait"], shown["route"]["close"], shown["route"]["tags"]) == (
        "0s",
        "untouched",
        [],
    )
    assert "hold" not in shown["route"]["routes"][0]
    assert shown["sources"][0]["expire_after"] == "0s"


def test_the_text_is_toml_and_says_the_same() -> None:
    shown = effective(load(EXAMPLE, {}))
    assert tomli.loads(as_toml(shown)) == shown


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "ä🙂", "\x7f", "\x01"])
def test_text_survives(text: str) -> None:
    table = {"x": text, "t": {text: [text]}}
    assert tomli.loads(as_toml(table)) == table

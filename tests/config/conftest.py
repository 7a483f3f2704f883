from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from alertd.config.faults import ConfigError, Fault
from alertd.config.loading import load
from alertd.config.settings import Settings

LEAST = """\
[admin]
token = { file = "/etc/alertd/admin-token" }

[autotask]
username = "api-user@example.com"
secret = { env = "AUTOTASK_SECRET" }
integration_code = { env = "AUTOTASK_CODE" }

[[sources]]
name = "prometheus"
kind = "alertmanager"
token = { env = "PROMETHEUS_TOKEN" }

[[boards]]
name = "noc"
queue = 5

[route]
board = "noc"
"""


class ConfigFile:
    """A configuration file to load, and to spoil."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = LEAST
        self.environ: dict[str, str] = {}

    def replace(self, old: str, new: str) -> ConfigFile:
        assert old in self.text
        self.text = self.text.replace(old, new)
        return self

    def append(self, text: str) -> ConfigFile:
        self.text += text
        return self

    def load(self, environ: Mapping[str, str] | None = None) -> Settings:
        self.path.write_text(self.text, encoding="utf-8")
        return load(self.path, self.environ if environ is None else environ)

    def faults(self) -> tuple[Fault, ...]:
        with pytest.raises(ConfigError) as caught:
            self.load()
        return caught.value.faults

    def fault(self) -> Fault:
        (found,) = self.faults()
        return found

    def line_of(self, text: str) -> int:
        """The only line that has `text` in it."""
        (found,) = [number for number, line in enumerate(self.text.split("\n"), 1) if text in line]
        return found


@pytest.fixture
def config(tmp_path: Path) -> ConfigFile:
    return ConfigFile(tmp_path / "alertd.toml")

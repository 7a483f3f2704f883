"""What the system tests share: the programs of others, found or loudly missed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

NO_SKIP = os.environ.get("ALERTD_NO_SKIP") == "1"
PACKAGES = {
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "promtool": "prometheus",
    "systemd-analyze": "systemd",
}


@pytest.fixture(scope="session")
def find_binary() -> Callable[[str], Path]:
    """Look up a program by name; without it the test is skipped, or fails under ALERTD_NO_SKIP=1."""

    def find(name: str) -> Path:
        path = shutil.which(name)
        if path is None:
            package = PACKAGES.get(name, name)
            pytest.skip(f"{name} is not installed (Debian: apt-get install {package})")
        return Path(path)

    return find


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn every skip in this folder into a failure where nothing may be left out."""
    report = yield
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: {reason}; ALERTD_NO_SKIP=1 forbids leaving it out"
    return report

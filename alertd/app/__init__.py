"""The composition root: settings in, running process out. What the command line calls is here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alertd.app.checking import Checked
    from alertd.app.company_maps import CompanyMaps
    from alertd.app.online import Offline
    from alertd.config.settings import Settings


def run_daemon(config_path: Path) -> int:
    """Run alertd until it is told to stop; return the exit code."""
    from alertd.app.process import run_daemon as run  # noqa: PLC0415 - `alertd --help` must not load it all

    return run(config_path)


def run_demo(once: bool, listen: str | None) -> int:
    """Run the demo; return the exit code."""
    from alertd.app.process import run_demo as run  # noqa: PLC0415 - as above

    return run(once=once, listen=listen)


def boards_report(settings: Settings) -> list[dict[str, Any]]:
    """Return every queue of the tenant, with the boards and routes that use it."""
    from alertd.app.online import boards_report as report  # noqa: PLC0415 - as above

    return report(settings)


def check_online(settings: Settings) -> int:
    """Print what the configuration names and the tenant does not have; return the exit code."""
    from alertd.app.online import check_online as check  # noqa: PLC0415 - as above

    return check(settings)


def check_connection(settings: Settings, *, company: str | None, say: Callable[[str], None]) -> Checked:
    """Ask Autotask for everything that the configuration needs."""
    from alertd.app.checking import check_connection as check  # noqa: PLC0415 - as above

    return check(settings, company=company, say=say)


@asynccontextmanager
async def offline_operations(settings: Settings) -> AsyncIterator[Offline]:
    """Open the store for questions, whether or not a daemon runs."""
    from alertd.app.online import offline_operations as operations  # noqa: PLC0415 - as above

    async with operations(settings) as offline:
        yield offline


@asynccontextmanager
async def offline_maps(settings: Settings) -> AsyncIterator[CompanyMaps]:
    """Own the store to change its maps where no daemon runs."""
    from alertd.app.offline_maps import offline_maps as maps  # noqa: PLC0415 - as above

    async with maps(settings) as opened:
        yield opened

"""Reload: build everything that can fail first, then swap; a failed reload changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from alertd.app.live import Live, bring_to_life, needs_restart
from alertd.autotask.desk import AutotaskDesk
from alertd.config.faults import ConfigError
from alertd.config.secrets import SecretMissing
from alertd.flows.errors import PortError

_log = structlog.get_logger("alertd.app")
ASK_TENANT_S = 20.0


class ReloadRefused(Exception):
    """The new configuration was not taken; the old one is in force. The text says why, line by line."""


async def reload(old: Live, desk: AutotaskDesk, *, path: Path, environ: Mapping[str, str]) -> Live:
    """Load the file again and check all of it; the caller puts it in force.

    Raises:
        ReloadRefused: It is wrong, needs a restart, or names what this tenant does not have.
    """
    live = await asyncio.to_thread(_load, path, environ)
    changed = needs_restart(old.settings, live.settings)
    if changed:
        sections = ", ".join(f"[{name}]" for name in changed)
        raise ReloadRefused(f"{sections} changed: that is only read at start, so restart alertd instead")
    await _ask_tenant(desk, live)
    return live


def _load(path: Path, environ: Mapping[str, str]) -> Live:
    try:
        return bring_to_life(path, environ)
    except (ConfigError, SecretMissing) as exc:
        raise ReloadRefused(str(exc)) from exc


async def _ask_tenant(desk: AutotaskDesk, live: Live) -> None:
    """Refuse what the tenant does not have. A tenant that cannot be reached is asked later instead."""
    try:
        async with asyncio.timeout(ASK_TENANT_S):
            problems = await desk.problems_of(live.plan)
    except (PortError, TimeoutError) as exc:
        _log.warning("app.tenant_not_asked", why=str(exc) or "it did not answer in time")
        return
    if problems:
        raise ReloadRefused("\n".join(str(problem) for problem in problems))

"""`alertd check`: the configuration's needs, asked of the tenant."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import msgspec
from prometheus_client import CollectorRegistry

from alertd.app.clock import SystemClock
from alertd.app.live import credential_of, plan_of
from alertd.app.routing import routing_of
from alertd.autotask.checklist import judge
from alertd.autotask.checklist_asking import SingleTries, calls_made
from alertd.autotask.checklist_evidence import Evidence, NamedCompany, Wanted
from alertd.autotask.checklist_lines import WRITE_TEST, Line, Verdict
from alertd.autotask.checklist_plan import gather
from alertd.autotask.checklist_trial import REFERENCE_PREFIX, try_out
from alertd.autotask.checklist_trial_plan import plan_trial
from alertd.autotask.client import AutotaskClient
from alertd.autotask.memory import TransientMemory
from alertd.autotask.metrics import AutotaskMetrics
from alertd.autotask.pacing import TransientCallLog
from alertd.autotask.transport import Around, Transport
from alertd.config.settings import Settings
from alertd.core.boards import BoardSettings

Say: TypeAlias = Callable[[str], None]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of `alertd check`."""

    lines: tuple[Line, ...]
    calls: int


def check_connection(settings: Settings, *, company: str | None, say: Say) -> Checked:
    """Ask Autotask for everything that the configuration needs.

    Args:
        settings: The configuration.
        company: Where to make a test ticket, by id or exact name. None: nothing in the tenant is changed.
        say: Takes a line about the test ticket as soon as there is one.

    Raises:
        PortError: Autotask gave no HTTP answer.
        SecretMissing: The credential cannot be read.
    """
    return asyncio.run(_checked(settings, company, say))


async def _checked(settings: Settings, company: str | None, say: Say) -> Checked:
    clock, metrics = SystemClock(), AutotaskMetrics(CollectorRegistry())
    around = Around(
        clock=clock,
        memory=TransientMemory(),
        call_log=TransientCallLog(),
        metrics=metrics,
        chance=random.Random(),  # noqa: S311 - spreads retries; nothing secret
    )
    wanted = wanted_of(settings, company)
    transport = SingleTries(settings.autotask, credential_of(settings, os.environ), around)
    try:
        evidence = await gather(transport, wanted, now=clock.now(), made=partial(calls_made, metrics))
        found = judge(evidence, wanted)
        if wanted.test_company is not None:
            trial = await _trial(transport, evidence, wanted, found, metrics=metrics, say=say)
            found = judge(evidence, wanted, trial)
    finally:
        await transport.close()
    return Checked(lines=tuple(found), calls=calls_made(metrics))


async def _trial(
    transport: Transport,
    evidence: Evidence,
    wanted: Wanted,
    found: Sequence[Line],
    *,
    metrics: AutotaskMetrics,
    say: Say,
) -> Mapping[str, Verdict]:
    reference = REFERENCE_PREFIX + secrets.token_hex(12)
    plan = plan_trial(evidence, wanted, found, reference=reference)
    if isinstance(plan, Verdict):
        return {WRITE_TEST.id: plan}
    return await try_out(AutotaskClient(transport), plan, made=partial(calls_made, metrics), say=say)


def wanted_of(settings: Settings, company: str | None) -> Wanted:
    """Return what a configuration needs of its tenant."""
    autotask = settings.autotask
    plan = plan_of(settings, routing_of(settings))
    return Wanted(
        username=autotask.username,
        calls_per_hour=autotask.calls_per_hour,
        modules=_modules(settings),
        call_outs=getattr(autotask, "callouts", None) is not None,
        boards=settings.boards,
        routes=plan.routes,
        companies=_companies(settings),
        note_type=autotask.note_type,
        tag_group=autotask.tag_group,
        tags=plan.more_tags | {label for board in settings.boards for label in _tags(board)},
        reference_udf=autotask.reference_udf,
        company_alias=autotask.company_alias,
        match_devices=autotask.match_devices,
        device_udfs=dict(autotask.device_udfs.items()) if autotask.match_devices else {},
        root_board=settings.route.board,
        test_company=None if company is None else NamedCompany("--write-test", company),
    )


def _modules(settings: Settings) -> frozenset[str]:
    """Return what is configured: alerts have sources, billing has a mode that is not off."""
    billing = getattr(getattr(settings, "billing", None), "mode", "off")  # there is no such section yet
    return frozenset(
        name for name, used in (("alerts", bool(settings.sources)), ("billing", billing != "off")) if used
    )


def _companies(settings: Settings) -> list[NamedCompany]:
    routes = [
        NamedCompany(f"[route] {each.name}: company", each.company)
        for each in settings.route.walk()
        if each.company is not None
    ]
    fallback = NamedCompany("[autotask] fallback_company", settings.autotask.fallback_company)
    return [fallback, *routes]


def _tags(board: BoardSettings) -> tuple[str, ...]:
    return (*board.tags, *board.state_tags.values())

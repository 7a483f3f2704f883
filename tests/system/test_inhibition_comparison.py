"""Inhibition as Alertmanager and amlint have it: the same rules and alerts, the same state of each."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from amlint.routing import Inhibitor
from msgspec.structs import replace

from alertd.app.clock import SystemClock
from alertd.core.alerts import AlertKey, Severity, alert_key
from alertd.core.conditions import Condition
from alertd.core.identity import fingerprint
from alertd.core.inhibit_settings import InhibitSettings
from alertd.core.inhibiting import Batch, InhibitRules, Table
from tests.system.site import Site, a_site
from tests.system.test_prometheus import free_port, program

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

NAMES = ("level", "site", "team", "host")
VALUES = ("a", "b", "c")
Labels = dict[str, str]


def a_matcher(chance: random.Random) -> str:
    name, value, other = chance.choice(NAMES), chance.choice(VALUES), chance.choice(VALUES)
    kind = chance.choice(('="{}"', '="{}"', '=~"{}|{}"', '!="{}"', '!~"{}|{}"', '=""', '=~".+"'))
    return name + kind.format(value, other)


def a_rule(chance: random.Random, world: str) -> dict[str, list[str]]:
    """Rules of one world leave the alerts of another alone."""
    own = f'world="{world}"'
    sides = {
        side: [own, *(a_matcher(chance) for _ in range(chance.choice((1, 1, 2))))]
        for side in ("source_matchers", "target_matchers")
    }
    return {**sides, "equal": chance.sample(NAMES, chance.choice((0, 1, 1, 2)))}


def some_alerts(chance: random.Random, world: str) -> list[Labels]:
    found: list[Labels] = []
    for number in range(5):
        some = chance.sample(NAMES, chance.choice((2, 3, 4)))
        found.append(
            {"alertname": f"A{number}", "world": world, **{name: chance.choice(VALUES) for name in some}}
        )
    return found


def quoted(texts: Iterable[str]) -> str:
    return json.dumps(list(texts))


def as_toml(rules: Iterable[Mapping[str, list[str]]]) -> str:
    return "".join(
        "\n[[inhibit]]\n" + "".join(f"{name} = {quoted(texts)}\n" for name, texts in rule.items())
        for rule in rules
    )


def as_yaml(rules: Iterable[Mapping[str, list[str]]]) -> str:
    lines = [
        f"- {{{', '.join(f'{name}: {quoted(texts)}' for name, texts in rule.items())}}}" for rule in rules
    ]
    return "route:\n  receiver: noc\n  group_wait: 0s\nreceivers:\n- name: noc\ninhibit_rules:\n" + "\n".join(
        lines
    )


class Both:
    """The two of them, asked the same."""

    def __init__(self, session: aiohttp.ClientSession, site: Site, theirs: str) -> None:
        self._session = session
        self._theirs = theirs
        self._ours = f"http://127.0.0.1:{site.admin}"
        self._token = {"Authorization": f"Bearer {(site.folder / 'admin').read_text()}"}

    async def post(self, alerts: Iterable[Labels], *, over: bool = False) -> None:
        ends_at = SystemClock().now() + timedelta(hours=-1 if over else 1)
        times = {
            "endsAt": ends_at.isoformat(),
            "startsAt": (SystemClock().now() - timedelta(hours=2)).isoformat(),
        }
        body = [{"labels": labels, **times} for labels in alerts]
        for base, headers in ((self._theirs, {}), (self._ours, self._token)):
            async with self._session.post(f"{base}/api/v2/alerts", json=body, headers=headers) as got:
                assert got.status == 200, await got.text()

    async def statuses(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return every alert by fingerprint, theirs first."""
        return await self._get(self._theirs, {}), await self._get(self._ours, self._token)

    async def _get(self, base: str, headers: Mapping[str, str]) -> dict[str, Any]:
        async with self._session.get(f"{base}/api/v2/alerts", headers=headers) as got:
            return {each["fingerprint"]: each for each in await got.json()}


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """Name what is inhibited by one alone. By which alert is theirs to choose, of those that may."""
    inhibited = {
        key: (bool(theirs[key]["status"]["inhibitedBy"]), bool(ours[key]["status"]["inhibitedBy"]))
        for key in theirs.keys() & ours.keys()
    }
    found = [f"{theirs[key]['labels']}: {pair}" for key, pair in inhibited.items() if pair[0] != pair[1]]
    found += [
        f"{key}: state" for key in inhibited if theirs[key]["status"]["state"] != ours[key]["status"]["state"]
    ]
    return found + [f"only one has {key}" for key in theirs.keys() ^ ours.keys()]


async def same(both: Both) -> tuple[int, int]:
    """Wait until the two agree; return how many alerts there are, and how many are inhibited.

    Alertmanager's inhibitor hears of alerts a moment after its API has them: the first answer may be early.
    """
    found = [""]
    for _ in range(60):
        theirs, ours = await both.statuses()
        found = differences(theirs, ours)
        if not found:
            return len(ours), sum(bool(each["status"]["inhibitedBy"]) for each in ours.values())
        await asyncio.sleep(0.1)
    raise AssertionError("\n".join(found[:20]))


@pytest.mark.parametrize(
    ("seed", "worlds"), [(1, 60), *(pytest.param(seed, 150, marks=pytest.mark.slow) for seed in range(2, 6))]
)
async def test_the_same_alerts_are_inhibited(
    tmp_path: Path, find_binary: Callable[[str], Path], seed: int, worlds: int
) -> None:
    """Each world has rules and five alerts of its own; then the first two of each are over."""
    chance = random.Random(seed)
    rules, alerts = [], []
    for number in range(worlds):
        rules += [a_rule(chance, f"w{number}") for _ in range(chance.choice((1, 1, 2)))]
        alerts.append(some_alerts(chance, f"w{number}"))
    path, port = tmp_path / "alertmanager.yml", free_port()
    path.write_text(as_yaml(rules))
    arguments = (
        f"--config.file={path}",
        f"--storage.path={tmp_path}/am",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    log = tmp_path / "alertmanager.log"
    async with (
        a_site(tmp_path) as site,
        program(find_binary("prometheus-alertmanager"), *arguments, log=log),
        aiohttp.ClientSession() as session,
    ):
        toml = (
            (site.folder / "alertd.toml").read_text().replace("[route]\n", '[route]\ninhibit_wait = "0s"\n')
        )
        (site.folder / "alertd.toml").write_text(toml + as_toml(rules))
        await site.start()
        both = Both(session, site, f"http://127.0.0.1:{port}")
        await until_up(session, f"http://127.0.0.1:{port}/-/ready")
        mixed = [each for world in alerts for each in world]
        chance.shuffle(mixed)
        await both.post(mixed)
        total, inhibited = await same(both)
        assert total == 5 * worlds
        assert 0.05 < inhibited / total < 0.9
        await both.post([each for world in alerts for each in world[:2]], over=True)
        total, fewer = await same(both)
        assert total == 3 * worlds
        assert 0 < fewer < inhibited


def firing(labels: Labels) -> Condition:
    now = SystemClock().now()
    return Condition(
        key=alert_key("api", fingerprint(labels)),
        source="api",
        fingerprint=fingerprint(labels),
        firing=True,
        severity=Severity.WARNING,
        labels=labels,
        annotations={},
        started_at=now,
        seen_at=now,
    )


@pytest.mark.parametrize("worlds", [400, pytest.param(10_000, marks=pytest.mark.slow)])
def test_the_same_rule_inhibits_as_by_amlint(worlds: int) -> None:
    """The rule is the same, and the alert that ours names inhibits by it on its own."""
    chance = random.Random(worlds)
    inhibited = 0
    for number in range(worlds):
        rules = [a_rule(chance, f"w{number}") for _ in range(4)]
        alerts = some_alerts(chance, f"w{number}")
        oracle = Inhibitor(rules)
        settings = [InhibitSettings.model_validate(rule) for rule in rules]
        named = [replace(each.rule(), name=f"inhibit_rules[{n}]") for n, each in enumerate(settings)]
        batch = Batch(InhibitRules(named), Table())
        by_key = {(held := firing(labels)).key: held for labels in alerts}
        for held in by_key.values():
            batch.heard(held)
        for labels in alerts:
            expected, found = oracle.inhibited_by(labels, alerts), batch.quiet(labels, SystemClock().now())
            assert (expected is None) == (found is None), (labels, rules)
            if expected is not None and found is not None:
                inhibited += 1
                assert found.said.endswith(f"by rule {expected.rule}")
                alone = oracle.inhibited_by(labels, [by_key[AlertKey(found.by[0])].labels])
                assert alone is not None
                assert alone.rule == expected.rule
    assert 0.05 < inhibited / (5 * worlds) < 0.9


async def until_up(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with session.get(url) as got:
                    if got.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)

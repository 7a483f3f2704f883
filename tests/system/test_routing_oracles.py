"""Routing is Alertmanager's: the same generated files, labels and matchers to it, amtool, amlint and us.

Our side is always what `alertd import-alertmanager` makes of the file, so the import is compared with it.
Alertmanager 0.25 knows no UTF-8 names and no empty list of a child that overrides its parent's: amlint does.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from amlint.routing import Router, RoutingError

from alertd.app.clock import SystemClock
from alertd.core.matchers import MatcherError, parse_matcher, parse_matchers
from tests.system import routing_cases as cases
from tests.system.test_prometheus import free_port, program

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

SMALL = '{"route": {"receiver": "r"}, "receivers": [{"name": "r"}]}'


class Alertmanager:
    """A running one, whose file is replaced and read again for each tree."""

    def __init__(self, session: aiohttp.ClientSession, base: str, path: Path) -> None:
        self._session = session
        self._base = base
        self._path = path

    async def load(self, text: str) -> bool:
        """Put another file in force; False: it refuses it."""
        self._path.write_text(text)
        async with self._session.post(f"{self._base}/-/reload") as got:
            assert got.status in (200, 500), await got.text()
            return got.status == 200

    async def post(self, sets: Iterable[dict[str, str]]) -> None:
        ends_at = (SystemClock().now() + timedelta(hours=1)).isoformat()
        alerts = [{"labels": labels, "endsAt": ends_at} for labels in sets]
        async with self._session.post(f"{self._base}/api/v2/alerts", json=alerts) as got:
            assert got.status == 200, await got.text()

    async def ask(self, path: str, **query: str) -> Any:
        """Return a document, or None for a 400."""
        async with self._session.get(f"{self._base}/api/v2/{path}", params=query) as got:
            return None if got.status == 400 else await got.json()

    async def receivers(self) -> dict[str, list[str]]:
        """Return the receivers of each alert, by its name."""
        return {
            each["labels"]["alertname"]: [receiver["name"] for receiver in each["receivers"]]
            for each in await self.ask("alerts")
        }

    async def groups(self, places: int) -> dict[tuple[str, frozenset[Any]], set[str]]:
        """Return the groups once they hold so many alerts in all: they fill by and by."""
        async with asyncio.timeout(30):
            while True:
                found = await self.ask("alerts/groups")
                if sum(len(each["alerts"]) for each in found) >= places:
                    break
                await asyncio.sleep(0.02)
        return {
            (each["receiver"]["name"], frozenset(each["labels"].items())): {
                alert["labels"]["alertname"] for alert in each["alerts"]
            }
            for each in found
        }


@asynccontextmanager
async def alertmanager(find: Callable[[str], Path], folder: Path) -> AsyncIterator[Alertmanager]:
    path, port = folder / "alertmanager.yml", free_port()
    path.write_text(SMALL)
    arguments = (
        f"--config.file={path}",
        f"--storage.path={folder}/am",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    base = f"http://127.0.0.1:{port}"
    async with (
        program(find("prometheus-alertmanager"), *arguments, log=folder / "alertmanager.log"),
        aiohttp.ClientSession() as session,
    ):
        await _until_ready(session, base)
        yield Alertmanager(session, base, path)


async def _until_ready(session: aiohttp.ClientSession, base: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with session.get(f"{base}/-/ready") as got:
                    if got.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)


# --- trees --------------------------------------------------------------------------------------------


async def compare_trees(theirs: Alertmanager, *, seed: int, trees: int, alerts: int) -> int:
    """Return the number of cases: an alert's receivers on a tree, and a group of it."""
    rng = random.Random(seed)
    sets = cases.label_sets(rng, alerts, names=cases.NAMES)
    await theirs.post(sets)
    compared = 0
    for _ in range(trees):
        text = cases.file_of(cases.a_tree(rng, names=cases.NAMES))
        assert await theirs.load(text), text
        tree = cases.imported(text)
        expected = await theirs.receivers()
        for labels in sets:
            assert cases.our_receivers(tree, labels) == expected[labels["alertname"]], (labels, text)
        groups = cases.our_groups(tree, sets)
        assert await theirs.groups(sum(map(len, groups.values()))) == groups, text
        compared += len(sets) + len(groups)
    return compared


async def test_receivers_and_groups_of_generated_trees(
    tmp_path: Path, find_binary: Callable[[str], Path]
) -> None:
    async with alertmanager(find_binary, tmp_path) as theirs:
        assert await compare_trees(theirs, seed=1, trees=25, alerts=80) >= 2_000


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_receivers_and_groups_of_many_generated_trees(
    tmp_path: Path, find_binary: Callable[[str], Path]
) -> None:
    async with alertmanager(find_binary, tmp_path) as theirs:
        assert await compare_trees(theirs, seed=2, trees=200, alerts=250) >= 50_000


def compare_with_amlint(*, seed: int, trees: int, alerts: int) -> int:
    rng = random.Random(seed)
    names = [*cases.NAMES, *cases.WIDE_NAMES]
    for _ in range(trees):
        route = cases.a_tree(rng, names=names, empty_lists=True)
        tree, router = cases.imported(cases.file_of(route)), Router(route)
        for labels in cases.label_sets(rng, alerts, names=names):
            found = router.match(labels)
            assert cases.our_receivers(tree, labels) == [each.receiver for each in found], (labels, route)
            assert set(cases.our_groups(tree, [labels])) == {
                (each.receiver, _group(each.opts.group_by, labels)) for each in found
            }, (labels, route)
    return trees * alerts


def _group(names: tuple[str, ...], labels: dict[str, str]) -> frozenset[Any]:
    chosen = labels if names == ("...",) else [name for name in names if name in labels]
    return frozenset((name, labels[name]) for name in chosen)


def test_wide_names_and_empty_lists_against_amlint() -> None:
    assert compare_with_amlint(seed=3, trees=40, alerts=25) == 1_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_trees_against_amlint() -> None:
    assert compare_with_amlint(seed=4, trees=400, alerts=100) == 40_000


async def test_amtool_routes_as_we_do(tmp_path: Path, find_binary: Callable[[str], Path]) -> None:
    amtool, rng = find_binary("amtool"), random.Random(5)
    path = tmp_path / "alertmanager.yml"
    for _ in range(12):
        text = cases.file_of(cases.a_tree(rng, names=cases.NAMES))
        path.write_text(text)
        tree = cases.imported(text)
        for labels in cases.label_sets(rng, 2, names=cases.NAMES):
            ours = ",".join(cases.our_receivers(tree, labels))
            assert await _amtool(amtool, path, labels) == ours, (labels, text)


async def _amtool(amtool: Path, path: Path, labels: dict[str, str]) -> str:
    pairs = [f"{name}={cases.quote(value)}" for name, value in labels.items()]
    process = await asyncio.create_subprocess_exec(
        *(amtool, "config", "routes", "test", f"--config.file={path}", *pairs),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # it warns that a file needs no address
        env={**os.environ, "HOME": str(path.parent)},
    )
    printed, _ = await process.communicate()
    return printed.decode().strip()


# --- matchers -----------------------------------------------------------------------------------------


def ours(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except MatcherError:
        return None


def _said(answer: Any) -> str:
    return "refused" if answer in (None, False) else "taken" if answer is True else f"accepts {len(answer)}"


def amlint_takes(text: str) -> bool:
    try:
        Router({"receiver": "r", "routes": [{"matchers": [text]}]})
    except RoutingError:
        return False
    return True


def has_one_brace(text: str) -> bool:
    """Whether it has a brace only at one end, which we refuse: whose value does it belong to?

    Alertmanager takes the brace away in lists. In `filter=` only 0.25 takes braces, as part of the value.
    """
    return text.strip().startswith("{") != text.strip().endswith("}")


async def test_one_matcher_is_taken_or_refused_and_means_the_same(
    tmp_path: Path, find_binary: Callable[[str], Path]
) -> None:
    rng = random.Random(6)
    sets = cases.label_sets(rng, 60, names=cases.NAMES)
    async with alertmanager(find_binary, tmp_path) as theirs:
        await theirs.post(sets)
        differ = []
        for text in cases.matcher_texts(rng, 600):
            answer = await theirs.ask("alerts", filter=text)
            expected = None if answer is None else {each["labels"]["alertname"] for each in answer}
            matcher = ours(parse_matcher, text)
            got = None if matcher is None else {each["alertname"] for each in sets if matcher.matches(each)}
            newer = expected is None and amlint_takes(text)
            if got != expected and not newer and not (got is None and has_one_brace(text)):
                differ.append(f"{text!r}: {_said(got)}, not {_said(expected)}")
    assert not differ, "\n".join(differ)


async def test_a_route_s_matchers_are_taken_or_refused_alike(
    tmp_path: Path, find_binary: Callable[[str], Path]
) -> None:
    rng = random.Random(7)
    async with alertmanager(find_binary, tmp_path) as theirs:
        differ = []
        for text in cases.matcher_texts(rng, 300):
            route = {"receiver": "r", "routes": [{"receiver": "r.0", "matchers": [text]}]}
            expected = await theirs.load(cases.file_of(route))
            got = ours(parse_matchers, text) is not None
            newer = got and amlint_takes(text)
            if got != expected and not newer and not (expected and has_one_brace(text)):
                differ.append(f"{text!r}: {_said(got)}, not {_said(expected)}")
    assert not differ, "\n".join(differ)

"""The same requests to Alertmanager and to alertd: the same status, content type and shape of JSON.

What differs is listed in `v2_differences`, each with its reason. A difference that is not listed fails, and
so does a listed one that is gone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from yarl import URL

from alertd.app.clock import SystemClock
from tests.system.site import a_site
from tests.system.test_prometheus import free_port, program
from tests.system.v2_differences import DIFFERENCES, NEWER
from tests.system.v2_requests import ALERTS, GROUPS, Asked, every_request

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

CONFIGURATION = """\
route:
  receiver: noc
  group_by: [client, host, alertname]
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: noc
"""
TEXTS = {"labels", "annotations"}  # members whose own members are data


class Answered(NamedTuple):
    """What of an answer is compared."""

    status: int
    content_type: str
    allow: frozenset[str]
    shape: Any


class Peer:
    """One of the two, with the ids of the silences that it has made."""

    def __init__(self, session: aiohttp.ClientSession, base: str, headers: Mapping[str, str]) -> None:
        self._session = session
        self._base = base
        self._headers = headers
        self._ids: dict[str, str] = {}

    async def ask(self, asked: Asked) -> Answered:
        """Send a request. Status 0: the connection was closed without an answer."""
        url = URL(self._base + self._filled(asked.path), encoded=True)
        body = (
            None
            if asked.body is None
            else self._filled(asked.body.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        )
        headers = {**self._headers, **asked.headers}
        try:
            async with self._session.request(asked.method, url, data=body, headers=headers) as got:
                return self._read(asked, got, await got.text())
        except aiohttp.ServerDisconnectedError:
            return Answered(0, "", frozenset(), None)

    async def get(self, path: str) -> Any:
        """Return a document."""
        async with self._session.get(self._base + path, headers=self._headers) as got:
            return await got.json()

    def _filled(self, text: str) -> str:
        for name, silence_id in self._ids.items():
            text = text.replace(f"{{{name}}}", silence_id)
        return text

    def _read(self, asked: Asked, got: aiohttp.ClientResponse, text: str) -> Answered:
        is_json = got.content_type == "application/json" and bool(text)
        document = json.loads(text) if is_json else None
        if asked.keeps and got.status == 200:
            self._ids[asked.keeps] = document["silenceID"]
        content_type = got.headers.get("Content-Type", "") if text else ""
        allow = frozenset(name.strip() for name in got.headers.get("Allow", "").split(",") if name)
        return Answered(got.status, content_type, allow, shape(document))


def shape(value: Any) -> Any:
    """Return the types and members of a document, without its values."""
    match value:
        case dict():
            return {name: "texts" if name in TEXTS else shape(each) for name, each in sorted(value.items())}
        case list():
            return sorted(map(shape, value), key=repr)  # equal times leave the order open
        case _:
            return type(value).__name__


def without_newer(value: Any, met: set[str]) -> Any:
    """Leave out what newer versions of the API have added; `met` learns what was there."""
    match value:
        case dict():
            newer = NEWER.keys() & value.keys()
            if "matchers" not in value:
                newer -= {"annotations"}  # alerts have always had them
            met.update(newer)
            return {name: without_newer(each, met) for name, each in value.items() if name not in newer}
        case list():
            return [without_newer(each, met) for each in value]
        case _:
            return value


@asynccontextmanager
async def alertmanager(find: Callable[[str], Path], folder: Path) -> AsyncIterator[str]:
    path = folder / "alertmanager.yml"
    path.write_text(CONFIGURATION)
    port = free_port()
    arguments = (
        f"--config.file={path}",
        f"--storage.path={folder}/am",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    async with program(find("prometheus-alertmanager"), *arguments, log=folder / "alertmanager.log"):
        yield f"http://127.0.0.1:{port}"


async def until_ready(session: aiohttp.ClientSession, base: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with session.get(f"{base}/-/ready") as got:
                    if got.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)


async def until_grouped(peer: Peer) -> None:
    """Wait until Alertmanager's groups hold what its list of alerts does: it fills them by and by."""
    async with asyncio.timeout(30):
        while len(await peer.get(ALERTS)) > sum(len(each["alerts"]) for each in await peer.get(GROUPS)):
            await asyncio.sleep(0.05)


async def test_same_status_content_type_and_shape(tmp_path: Path, find_binary: Callable[[str], Path]) -> None:
    requests = every_request(SystemClock().now())
    assert len(requests) >= 100
    found: dict[str, tuple[Answered, Answered]] = {}
    met: set[str] = set()
    skipped = ("Accept", "Content-Type", "User-Agent")
    async with (
        a_site(tmp_path) as site,
        alertmanager(find_binary, tmp_path) as theirs,
        aiohttp.ClientSession(skip_auto_headers=skipped) as session,
    ):
        await site.start()
        await until_ready(session, theirs)
        token = (site.folder / "admin").read_text()
        original = Peer(session, theirs, {})
        ours = Peer(session, f"http://127.0.0.1:{site.admin}", {"Authorization": f"Bearer {token}"})
        for asked in requests:
            if asked.path.startswith(GROUPS):
                await until_grouped(original)
            expected, got = await original.ask(asked), await ours.ask(asked)
            got = got._replace(shape=without_newer(got.shape, met))
            if got != expected:
                found[asked.name] = (expected, got)
    unlisted = {name: pair for name, pair in found.items() if name not in DIFFERENCES}
    assert not unlisted, "\n".join(f"{name}\n  {pair[0]}\n  {pair[1]}" for name, pair in unlisted.items())
    assert sorted(DIFFERENCES.keys() - found.keys()) == []
    assert met == NEWER.keys()

"""`mode = "shadow"` on a real process, by the simulator's ledger; then live on the same store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.system.site import Gone, Site, a_site, alert

pytestmark = pytest.mark.system


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


def set_mode(site: Site, mode: str) -> None:
    config = site.folder / "alertd.toml"
    text = config.read_text()
    config.write_text(f'mode = "{mode}"\n' + text[text.index("[server]") :])


def writes(site: Site) -> list[str]:
    return [
        f"{call.method} {call.path}"
        for call in site.calls["calls"]
        if call.method != "GET" and not call.path.endswith(("/query", "/query/count"))
    ]


async def test_shadow_then_live_then_never_back(site: Site) -> None:
    set_mode(site, "shadow")
    await site.start()
    await site.post(alert("fs01"), alert("fs02"))
    status = await site.settled()
    assert (status["mode"], status["shadow_calls"]["create"]) == ("shadow", 2)
    await site.post(alert("fs01", firing=False))
    await site.settled()
    assert (site.tickets, writes(site)) == ([], [])
    assert 'alertd_shadow_calls_total{operation="complete"} 1.0' in (await site.ask("/metrics"))[1]
    [listed] = json.loads((await site.ask("/api/v1/incidents"))[1])
    assert (listed["state"], listed["planned"], listed["url"]) == ("open", True, "")
    code, told = await site.run("explain", listed["ticket"])
    assert code == 0
    assert 'not made, since mode is "shadow"' in told

    await site.stop()
    set_mode(site, "live")
    await site.start()
    await site.until(lambda: len(site.tickets) == 1)
    await site.settled()
    assert [ticket["title"].rpartition(" ")[2] for ticket in site.tickets] == ["fs02"]
    walked = site.walk()
    assert walked["accepted"] == 3

    await site.stop()
    set_mode(site, "shadow")
    with pytest.raises(Gone) as ended:
        await site.start()
    assert ended.value.code == 2
    assert "holds real tickets" in str(ended.value)

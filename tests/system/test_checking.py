"""The real command, as an engineer runs it on the server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.system.site import CANARY, Site, a_site

pytestmark = pytest.mark.system


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def test_check_finds_what_is_missing_and_a_test_ticket_settles_the_rest(site: Site) -> None:
    code, printed = await site.run("check")
    assert code == 0, printed
    assert "Everything" not in printed
    assert "--write-test COMPANY shows more" in printed
    assert site.calls["total"] <= 20
    assert site.tickets == []

    site.fault(kind="rights", remove=["edit_complete_tickets", "products_view"])
    code, printed = await site.run("check", "--write-test", "Acme Dental Group", "--json")
    assert code == 1, printed
    said, array = printed[: printed.index("[")], printed[printed.index("[") :]
    lines = {line["id"]: line for line in json.loads(array)}
    missing = {id_ for id_, line in lines.items() if line["state"] == "missing"}
    assert missing == {"edit_complete_tickets", "products_view"}
    assert lines["products_view"]["counts"] is False
    [ticket] = site.tickets
    assert ticket["status"] == 5
    assert ticket["ticketNumber"] in said
    assert CANARY not in printed


async def test_check_beside_the_running_daemon_disturbs_nobody(site: Site) -> None:
    await site.start()
    code, printed = await site.run("check", "--write-test", "0")
    assert code == 0, printed
    assert (await site.ask("/api/v1/incidents"))[1].strip() == "[]"
    assert await site.stop() == 0


async def test_check_without_autotask_is_69_and_with_a_wrong_secret_1(site: Site) -> None:
    site.secret("autotask-secret", f"{CANARY}-wrong")
    code, printed = await site.run("check")
    assert code == 1
    assert CANARY not in printed
    assert "Traceback" not in printed
    site.fault(kind="down")
    code, printed = await site.run("check")
    assert code == 69
    assert "Traceback" not in printed

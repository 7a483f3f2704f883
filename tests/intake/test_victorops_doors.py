"""VictorOps' paths: the token is in them."""

from __future__ import annotations

from typing import Any

import pytest

from alertd.core.alerts import Status

TOKEN = "doorbell-token-0123456789abcdefghijklmnopq"
VICTOR = {"message_type": "CRITICAL", "entity_id": "fs02/disk-c", "state_message": "96 %"}


@pytest.mark.parametrize("base", ["/victorops", "/integrations/generic/20131114/alert"])
async def test_victorops(call: Any, kept: Any, base: str) -> None:
    status, answer = await call("POST", f"{base}/{TOKEN}/noc", VICTOR)

    assert (status, answer) == (200, {"result": "success", "entity_id": "fs02/disk-c"})
    assert kept()[1].labels["routing_key"] == "noc"


async def test_victorops_gives_an_id_that_clears(call: Any, kept: Any) -> None:
    _, answer = await call("POST", f"/victorops/{TOKEN}", {"message_type": "CRITICAL"})
    _, fired = kept()
    recovery = {"message_type": "RECOVERY", "entity_id": answer["entity_id"]}
    await call("POST", f"/victorops/{TOKEN}", recovery)
    _, cleared = kept()

    assert (cleared.status, cleared.fingerprint) == (Status.CLEARED, fired.fingerprint)

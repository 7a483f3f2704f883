"""Our webhook at the simulated Autotask, which knows the rules of webhooks from the same page as we do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from alertd.autotask.client import AutotaskClient
from alertd.autotask.credential import Credential
from alertd.autotask.memory import TransientMemory
from alertd.autotask.transport import Around, Transport
from alertd.autotask.webhooks import FIELD_IDS, TicketWebhook, WebhookPlan
from alertd.core.secret import Secret
from alertd.flows.errors import Rejected, Unavailable
from alertd.simulator import API_RESOURCE_ID, API_USERNAME, Simulator
from alertd.simulator.control import control
from alertd.simulator.truth import calls, state
from tests.autotask.conftest import make_settings

URL = "https://alerts.example.com/v1/autotask/callout"
HIGHEST = 1  # one after the other


@pytest.fixture
async def client(zone_url: str, credential: Credential, around: Around) -> AsyncIterator[AutotaskClient]:
    made = AutotaskClient(Transport(make_settings(zone_url), credential, around))
    yield made
    await made.close()


def webhook(client: AutotaskClient, memory: TransientMemory) -> TicketWebhook:
    plan = WebhookPlan(
        url=URL,
        secret=Secret("callout-secret-0123456789"),
        name="alertd alertd",
        fields=tuple(FIELD_IDS),
        username=API_USERNAME,
    )
    return TicketWebhook(client, plan, memory=memory, own_resource_id=lambda: None)


def books(sim: Simulator, key: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = state(sim, sim.clock())[key]
    return rows


def command(sim: Simulator, what: str, body: Any) -> None:
    reply = control(sim, "POST", what, body=json.dumps(body).encode())
    assert reply.status == 200, reply


def total(sim: Simulator) -> int:
    made: int = calls(sim, sim.clock())["total"]
    return made


async def test_every_field_that_can_be_configured_is_one_of_autotasks(
    client: AutotaskClient, memory: TransientMemory, sim: Simulator
) -> None:
    await webhook(client, memory).install()
    [made] = books(sim, "ticketWebhooks")
    assert (made["isActive"], made["isReady"], made["webhookUrl"]) == (True, True, URL)
    assert {row["fieldID"] for row in books(sim, "ticketWebhookFields")} == set(FIELD_IDS.values())
    assert [row["resourceID"] for row in books(sim, "ticketWebhookExcludedResources")] == [API_RESOURCE_ID]
    assert set(calls(sim, sim.clock())["highWater"].values()) == {HIGHEST}


async def test_a_restart_and_a_check_cost_few_calls(
    client: AutotaskClient, memory: TransientMemory, sim: Simulator
) -> None:
    await webhook(client, memory).install()
    before = total(sim)
    again = webhook(client, memory)
    await again.install()
    assert total(sim) - before <= 5
    before = total(sim)
    assert await again.check() == ""
    assert total(sim) - before == 1
    assert len(books(sim, "ticketWebhooks")) == 1


async def test_one_that_autotask_has_switched_off_is_told_and_on_again_after_a_restart(
    client: AutotaskClient, memory: TransientMemory, sim: Simulator
) -> None:
    hook = webhook(client, memory)
    await hook.install()
    [made] = books(sim, "ticketWebhooks")
    await client.change("TicketWebhooks", made["id"], {"isActive": False}, writable=frozenset)
    assert "switched off" in await hook.check()
    assert books(sim, "ticketWebhooks")[0]["isActive"] is False
    await webhook(client, memory).install()
    assert books(sim, "ticketWebhooks")[0]["isActive"] is True


async def test_one_that_the_search_does_not_show_yet_is_not_made_twice(
    client: AutotaskClient, memory: TransientMemory, sim: Simulator
) -> None:
    command(sim, "faults", {"kind": "search_lag", "seconds": 30, "endpoint": "TicketWebhooks"})
    await webhook(client, TransientMemory()).install()
    with pytest.raises(Unavailable, match="cannot be found yet"):
        await webhook(client, memory).install()
    assert len(books(sim, "ticketWebhooks")) == 1


async def test_without_the_right_it_is_a_clear_refusal(
    client: AutotaskClient, memory: TransientMemory, sim: Simulator
) -> None:
    command(sim, "faults", {"kind": "rights", "remove": ["webhooks"]})
    with pytest.raises(Rejected, match="adequate permissions"):
        await webhook(client, memory).install()
    assert books(sim, "ticketWebhooks") == []

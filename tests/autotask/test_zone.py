from __future__ import annotations

from typing import Any

import pytest

from alertd.autotask.answers import Payload
from alertd.autotask.memory import TransientMemory
from alertd.autotask.settings import ZONE_URL
from alertd.autotask.zone import Zones
from alertd.flows.errors import PortError, Unavailable
from tests.autotask.conftest import FakeClock


class LookUps:
    """Answers look-ups in turn, the last one for ever."""

    def __init__(self, *answers: Payload | PortError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, url: str) -> Payload | PortError:
        self.asked.append(url)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def answer(number: int, **more: Any) -> Payload:
    url = f"https://webservices{number}.autotask.net/ATServicesRest/"
    return {"zoneName": "Z", "url": url, "webUrl": f"https://ww{number}.autotask.net/", "ci": 30595} | more


def make(look_ups: LookUps, memory: TransientMemory, clock: FakeClock) -> Zones:
    return Zones(zone_url=ZONE_URL, fetch=look_ups, memory=memory, clock=clock)


async def test_the_url_is_used_verbatim(memory: TransientMemory, clock: FakeClock) -> None:
    zones = make(LookUps(answer(18)), memory, clock)
    assert (await zones.current("a@b.c")).api == "https://webservices18.autotask.net/ATServicesRest/V1.0/"


async def test_the_user_name_is_encoded(memory: TransientMemory, clock: FakeClock) -> None:
    look_ups = LookUps(answer(18))
    await make(look_ups, memory, clock).current("a+b&c@d.e")
    assert look_ups.asked == [f"{ZONE_URL}/v1.0/zoneInformation?user=a%2Bb%26c%40d.e"]


async def test_a_move_is_seen_once_and_shared(memory: TransientMemory, clock: FakeClock) -> None:
    look_ups = LookUps(answer(6), answer(29))
    zones = make(look_ups, memory, clock)
    old = await zones.current("u")
    clock.forward(minutes=2)
    first, second = await zones.renewed(old, "u"), await zones.renewed(old, "u")
    assert first is not None
    assert first == second == await zones.current("u")
    assert (first.web_url, len(look_ups.asked)) == ("https://ww29.autotask.net/", 2)


async def test_an_outage_asks_for_the_zone_once_a_minute(memory: TransientMemory, clock: FakeClock) -> None:
    look_ups = LookUps(answer(18))
    zones = make(look_ups, memory, clock)
    zone = await zones.current("u")
    for _ in range(60):
        clock.forward(seconds=10)
        assert await zones.renewed(zone, "u") is None
    assert len(look_ups.asked) == 11


async def test_a_look_up_that_fails_keeps_the_zone(memory: TransientMemory, clock: FakeClock) -> None:
    zones = make(LookUps(answer(18), Unavailable("down")), memory, clock)
    zone = await zones.current("u")
    clock.forward(minutes=2)
    assert await zones.renewed(zone, "u") is None
    assert await zones.current("u") == zone


@pytest.mark.parametrize(
    ("username", "zone_url"),
    [pytest.param("other", ZONE_URL, id="user"), pytest.param("u", f"{ZONE_URL}2", id="zone URL")],
)
async def test_what_another_configuration_learned_is_not_used(
    memory: TransientMemory, clock: FakeClock, username: str, zone_url: str
) -> None:
    await make(LookUps(answer(18)), memory, clock).current("u")
    look_ups = LookUps(answer(19))
    zones = Zones(zone_url=zone_url, fetch=look_ups, memory=memory, clock=clock)
    assert "webservices19" in (await zones.current(username)).url


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"asked":1}'])
async def test_a_memory_that_cannot_be_read_is_no_obstacle(
    memory: TransientMemory, clock: FakeClock, kept: str
) -> None:
    await memory.set("autotask.zone", kept)
    assert (await make(LookUps(answer(18)), memory, clock).current("u")).tenant_id == 30595


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(answer(18, url="http://169.254.169.254/"), id="metadata address"),
        pytest.param(answer(18, url="http://127.0.0.1:9/"), id="loopback"),
        pytest.param(answer(18, url=None), id="no url"),
        pytest.param(answer(18, ci="x"), id="no number"),
        pytest.param({}, id="nothing"),
    ],
)
async def test_answers_that_name_no_zone(memory: TransientMemory, clock: FakeClock, payload: Payload) -> None:
    with pytest.raises(Unavailable):
        await make(LookUps(payload), memory, clock).current("u")

"""The page about the simulator is true: its examples run and it names everything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
import tomli

from alertd.simulator import Simulator, Switches, read_scenario
from alertd.simulator.acts import Act
from alertd.simulator.contract_acts import ContractAct
from alertd.simulator.control import control
from alertd.simulator.faults import Fault, Kind
from alertd.simulator.rights import NamedRight
from alertd.simulator.scenario import Scenario
from alertd.simulator.schema import ENTITIES

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")


def block(name: str) -> list[str]:
    return PAGE.split(f"```{name}\n")[1].split("```")[0].strip().splitlines()


@pytest.mark.parametrize("line", block("faults"))
def test_fault_example(sim: Simulator, line: str) -> None:
    assert control(sim, "POST", "faults", body=line.encode()).status == 200


@pytest.mark.parametrize("line", block("tenant"))
def test_tenant_example(sim: Simulator, line: str) -> None:
    assert control(sim, "POST", "tenant", body=line.encode()).status == 200


@pytest.mark.parametrize("name", get_args(NamedRight))
def test_rights_are_named(name: str) -> None:
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("name", ENTITIES)
def test_entities_are_named(name: str) -> None:
    listed = PAGE.split("Entities: ")[1].split("Any other is 404")[0]
    name = re.sub(r"^\w+Webhook(?=[A-Z])", "", name)
    assert name.removeprefix("Product").removeprefix("TicketCategory") in listed


def test_act_examples(sim: Simulator) -> None:
    body = {"companyID": 175, "title": "t", "status": 1, "priority": 2, "queueID": 8}
    first, *others = block("acts")
    answers = [control(sim, "POST", "act", body=first.encode())]
    assert sim.call("POST", "Tickets", body).status == 200
    answers += [control(sim, "POST", "act", body=line.encode()) for line in others]
    assert [answer.body for answer in answers if answer.status != 200] == []


def test_scenario_example() -> None:
    data = tomli.loads("\n".join(block("toml")))
    simulator = Simulator(read_scenario(data))
    assert simulator.tenant.row("Company", 175) is not None
    assert set(Scenario.__struct_fields__) - {"faults"} <= set(data) | {"faults"}


@pytest.mark.parametrize("name", [*Switches.__struct_fields__, *get_args(Kind)])
def test_switches_and_faults_are_named(name: str) -> None:
    assert f"`{name}`" in PAGE or f'"{name}"' in PAGE


ACTS = [kind for each in (Act, ContractAct) for kind in get_args(msgspec.structs.fields(each)[0].type)]


@pytest.mark.parametrize("kind", ACTS)
def test_acts_are_named(kind: str) -> None:
    assert f'"act": "{kind}"' in PAGE


@pytest.mark.parametrize(
    "name", [name for name in Fault.__struct_fields__ if name not in ("id", "passed", "ends_at")]
)
def test_fault_keys_are_named(name: str) -> None:
    assert f"`{name}`" in PAGE or f'"{name}"' in PAGE

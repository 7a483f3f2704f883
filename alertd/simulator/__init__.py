"""An Autotask to develop, test and demonstrate against: faithful, with faults on demand.

Written from `reference/autotask-api.md` alone, and never from the client, so that one misreading does not
hide in both.
"""

from __future__ import annotations

from alertd.simulator.faults import Fault
from alertd.simulator.scenario import Scenario, ScenarioError, default_scenario, load_scenario, read_scenario
from alertd.simulator.server import make_app, serving
from alertd.simulator.simulator import (
    API_INTEGRATION_CODE,
    API_RESOURCE_ID,
    API_SECRET,
    API_USERNAME,
    Simulator,
)
from alertd.simulator.switches import Switches
from alertd.simulator.wire import SimReply, SimRequest, Transport

__all__ = [
    "API_INTEGRATION_CODE",
    "API_RESOURCE_ID",
    "API_SECRET",
    "API_USERNAME",
    "Fault",
    "Scenario",
    "ScenarioError",
    "SimReply",
    "SimRequest",
    "Simulator",
    "Switches",
    "Transport",
    "default_scenario",
    "load_scenario",
    "make_app",
    "read_scenario",
    "serving",
]

"""The control API under `/__sim/`: no credentials, never counted, never spoiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from alertd.simulator import acts, truth
from alertd.simulator.faults import Fault
from alertd.simulator.scenario import ScenarioError, read_scenario
from alertd.simulator.simulator import Simulator
from alertd.simulator.wire import ApiError, SimReply, decode_body, errors, ok

PREFIX = "/__sim/"
Control = Callable[[Simulator, Any, Mapping[str, str]], SimReply]


def control(
    simulator: Simulator, method: str, name: str, *, body: bytes = b"", query: Mapping[str, str] | None = None
) -> SimReply:
    """Carry out one control request; `name` is what stands after `/__sim/`."""
    action = _CONTROLS.get((method, name))
    if action is None:
        return errors(f"no {method} {PREFIX}{name}", status=404)
    try:
        return action(simulator, decode_body(body, 400), query or {})
    except ApiError as exc:
        return exc.reply
    except (ScenarioError, acts.ActError, msgspec.ValidationError, ValueError) as exc:
        return errors(str(exc), status=400)


def _state(simulator: Simulator, body: Any, query: Mapping[str, str]) -> SimReply:
    now = simulator.at()
    simulator.advance(now)
    return ok(truth.state(simulator, now, query.get("only", "")))


def _calls(simulator: Simulator, body: Any, query: Mapping[str, str]) -> SimReply:
    limit, since = int(query.get("limit", "1000")), int(query.get("since", "0"))
    found = truth.calls(
        simulator, simulator.at(), limit=limit, since=since, endpoint=query.get("endpoint", "")
    )
    return ok(found)


def _list_faults(simulator: Simulator, body: Any, query: Mapping[str, str]) -> SimReply:
    return ok({"faults": simulator.faults.listed()})


def _set_faults(simulator: Simulator, body: Any, query: Mapping[str, str]) -> SimReply:
    """Take one fault, a list, or `{"clear": …, "seed": …, "add": […]}`."""
    cleared = 0
    wanted = body if isinstance(body, list) else [body]
    if isinstance(body, dict) and "kind" not in body:
        unknown = set(body) - {"clear", "seed", "add"}
        if unknown:
            raise ScenarioError(f"a fault needs a kind; unknown keys: {', '.join(sorted(unknown))}")
        cleared = _clear(simulator, body.get("clear"))
        if "seed" in body:
            simulator.faults.reseed(msgspec.convert(body["seed"], int))
        wanted = body.get("add", [])
    faults = msgspec.convert(wanted, list[Fault])
    return ok({"ids": [simulator.faults.add(fault, simulator.at()) for fault in faults], "cleared": cleared})


def _clear(simulator: Simulator, which: Any) -> int:
    if which is None or which is False:
        return 0
    if which is True:
        return simulator.faults.clear()
    several = which if isinstance(which, list) else [which]
    return sum(simulator.faults.clear(each) for each in several)


def _clear_faults(simulator: Simulator, body: Any, query: Mapping[str, str]) -> SimReply:
    return ok({"ids": [], "cleared": simulator.faults.clear(query.get("kind"))})


def _tenant(simulator: Simulator, body: Any, query: Mapping[str, str]) -> SimReply:
    simulator.merge(read_scenario(body))
    return ok({"merged": True})


def _reset(simulator: Simulator, body: Any, query: Mapping[str, str]) -> SimReply:
    simulator.reset()
    return ok({"reset": True})


def _act(simulator: Simulator, body: Any, query: Mapping[str, str]) -> SimReply:
    several = body if isinstance(body, list) else [body]
    ids = [acts.perform(simulator, each, simulator.at()) for each in several]
    return ok({"ids": ids} if isinstance(body, list) else {"id": ids[0]})


_CONTROLS: dict[tuple[str, str], Control] = {
    ("GET", "state"): _state,
    ("GET", "calls"): _calls,
    ("GET", "faults"): _list_faults,
    ("POST", "faults"): _set_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "tenant"): _tenant,
    ("POST", "reset"): _reset,
    ("POST", "act"): _act,
}

"""The model as a whole: one tenant, its callers, its faults. Time is an argument or an injected clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from alertd.simulator import access, spoiling
from alertd.simulator.callouts import Callouts
from alertd.simulator.faults import Fault, Faults, Target
from alertd.simulator.filling import Filler
from alertd.simulator.filling_contracts import ContractFiller
from alertd.simulator.filling_webhooks import WebhookFiller
from alertd.simulator.ledger import Entry, Ledger, describe_body
from alertd.simulator.limits import Threads, Threshold, injected_latency_s
from alertd.simulator.queries import Pager
from alertd.simulator.rights import NOTHING, Rights
from alertd.simulator.routes import Address, Route, name_call, resolve, take_apart
from alertd.simulator.scenario import Scenario, ScenarioError, default_contracts, default_scenario
from alertd.simulator.service import Job, World, carry_out
from alertd.simulator.switches import Switches
from alertd.simulator.tenant import ApiUser, Tenant
from alertd.simulator.wire import ApiError, SimReply, SimRequest, Transport, not_found

API_USERNAME = "alertd-api@msp.example"
API_SECRET = "simulator-secret"  # noqa: S105 - the simulator's own, and public
API_INTEGRATION_CODE = "SIMULATORALERTDTRACKING0001"
API_RESOURCE_ID = 29_682_890
_UNCOUNTED = ("ThresholdInformation",)


@dataclass(frozen=True)
class Caller:
    """Who calls, and what it may do."""

    user: ApiUser
    rights: Rights


@dataclass(kw_only=True)
class Call:
    """One request between its arrival and the release of its thread."""

    request: SimRequest
    target: Target
    entry: Entry
    delay_s: float = 0.0
    reply: SimReply | None = None
    job: Job | None = None
    slot: tuple[str, str] | None = None


class Simulator:
    """An Autotask. `handle` does a whole request at once; a server uses `begin`, `finish` and `release`."""

    def __init__(self, scenario: Scenario | None = None, *, clock: Callable[[], float] | None = None) -> None:
        """Fill a tenant.

        Args:
            scenario: What the tenant holds; without one it is the built-in tenant.
            clock: Seconds since 1970, UTC; read wherever no `now` is given. Default: the wall clock.

        Raises:
            ScenarioError: The scenario names something that does not exist.
        """
        self.scenario = Scenario() if scenario is None else scenario
        self.clock = clock or time.time  # noqa: TID251 - the simulator is its own process, or given a clock
        self.ledger = Ledger()
        self.callouts = Callouts(self)
        self.reset()

    def reset(self, now: float | None = None) -> None:
        """Start over: the scenario's tenant, faults and switches, no calls, no counts."""
        now = self.at(now)
        base = [default_scenario(), default_contracts()] if self.scenario.defaults else []
        self.tenant = Tenant()
        self.switches = Switches()
        self.faults = Faults(next((s.seed for s in (self.scenario, *base) if s.seed is not None), 0))
        self.threshold = Threshold()
        self.threads = Threads()
        self.pager = Pager()
        self.ledger.clear()
        self.callouts.clear()
        for scenario in (*base, self.scenario):
            self.merge(scenario, now)

    def merge(self, scenario: Scenario, now: float | None = None) -> None:
        """Add a scenario's data, faults and switches to the tenant.

        Raises:
            ScenarioError: It names something that does not exist.
        """
        now = self.at(now)
        settings = msgspec.structs.asdict(self.switches) | scenario.switches
        try:
            self.switches = msgspec.convert(settings, Switches)
        except msgspec.ValidationError as exc:
            raise ScenarioError(f"switches: {exc}") from exc
        filler = Filler(self.tenant, now)
        filler.fill(scenario)
        ContractFiller(filler, self.switches).fill(scenario)
        WebhookFiller(filler).fill(scenario)
        for fault in scenario.faults:
            self.faults.add(msgspec.structs.replace(fault), now)

    def at(self, now: float | None = None) -> float:
        """Return the given instant or the clock's, having run what came due until then."""
        return self.clock() if now is None else now

    def advance(self, now: float | None = None) -> None:
        """Run workflow rules and delayed commits that have come due."""
        self.tenant.advance(self.at(now))

    def handle(self, request: SimRequest, now: float | None = None) -> SimReply:
        """Carry out a request at one instant. Delays and lost replies are told in the reply, not suffered."""
        now = self.at(now)
        call = self.begin(request, now)
        reply = self.finish(call, now)
        self.release(call, now)
        return reply

    def call(self, method: str, path: str, body: Any = None, *, now: float | None = None) -> SimReply:
        """Carry out `Tickets/query` and the like as the built-in API user, for tests without HTTP."""
        headers = {"username": API_USERNAME, "secret": API_SECRET, "apiintegrationcode": API_INTEGRATION_CODE}
        raw = b"" if body is None else msgspec.json.encode(body)
        full = f"{access.zone_path(self.faults, self.at(now))}V1.0/{path}"
        return self.handle(SimRequest(method=method, path=full, headers=headers, body=raw), now)

    def begin(self, request: SimRequest, now: float | None = None) -> Call:
        """Take a request in: decide faults, check who calls and whether there is room for it."""
        now = self.at(now)
        self.tenant.advance(now)
        address = take_apart(request.path)
        name = request.headers.get("username", "")
        endpoint, action = name_call(address, request.method)
        target = Target(endpoint=endpoint, method=request.method, action=action, path=request.path, user=name)
        entry = self.ledger.open(request, target, now)
        call = Call(request=request, target=target, entry=entry)
        try:
            call.reply = self._intercept(call, now) or self._admit(call, address, now)
        except ApiError as exc:
            call.reply = exc.reply
        entry.delay_s = call.delay_s
        return call

    def finish(self, call: Call, now: float | None = None) -> SimReply:
        """Carry a request out, unless it was refused on arrival, and return what is to be sent."""
        now = self.at(now)
        self.tenant.advance(now)
        reply = call.reply if call.job is None else self._carry_out(replace(call.job, now=now), call.entry)
        if reply is None:
            raise RuntimeError("a request was neither refused nor admitted")
        reply.delay_s = call.delay_s
        self.ledger.close(call.entry, reply, now)
        return reply

    def release(self, call: Call, now: float | None = None) -> None:
        """Give the thread back, after the reply was sent or lost."""
        now = self.at(now)
        if call.slot is not None:
            self.threads.leave(call.slot, free_at=now + self.switches.slot_release_s, now=now)
            call.slot = None

    def used_requests(self, now: float | None = None) -> int:
        """Return the rolling-hour count of all integrations."""
        now = self.at(now)
        self.threshold.others = sum(each.requests for each in self.faults.standing("others_usage", now))
        return self.threshold.used(now)

    def _intercept(self, call: Call, now: float) -> SimReply | None:
        if self._strike("down", call, now):
            return SimReply(status=0, transport=Transport.DROP)
        if fault := self._strike("latency", call, now):
            call.delay_s += self.faults.jittered(fault)
        if self._strike("drop", call, now, when="before"):
            return SimReply(status=0, transport=Transport.DROP)
        if self._strike("hang", call, now, when="before"):
            return SimReply(status=0, transport=Transport.HANG)
        if fault := self._strike("refuse", call, now):
            return spoiling.refusal(fault, self.switches, call.target)
        return None

    def _strike(self, kind: Any, call: Call, now: float, *, when: str = "") -> Fault | None:
        fault = self.faults.strike(kind, call.target, now, when=when)
        if fault is not None:
            call.entry.faults.append(kind)
        return fault

    def _admit(self, call: Call, address: Address | None, now: float) -> SimReply | None:
        request = call.request
        path = access.zone_path(self.faults, now)
        if call.target.endpoint == "ZoneInformation":
            return access.zone_information(self.tenant, self.switches, request, path)
        if address is None:
            raise not_found(request)
        foreign = self._is_foreign(request, address, path)
        user = access.authenticate(
            self.tenant,
            self.switches,
            request,
            secret_refused=self._strike("wrong_secret", call, now) is not None,
            locked=self._strike("locked", call, now) is not None,
        )
        rights = NOTHING if foreign else access.rights_of(self._world(), user, call.target, now)
        access.require_web_services(rights, self.switches)
        call.slot = (user.integration_code, call.target.endpoint)
        refused = self._check_limits(call, now)
        if refused is None:
            route = resolve(request, address)
            self.ledger.admit(call.entry)
            call.job = self._job(call, route, Caller(user, rights), now)
        return refused

    def _is_foreign(self, request: SimRequest, address: Address, path: str) -> bool:
        """Whether the request went to another zone than the tenant's, and that is answered at all."""
        written = f"{address.prefix}/{address.root}/"
        if written.lower() != path.lower():
            if self.switches.wrong_zone == "empty":
                return True
            raise access.unauthorized(self.switches)
        if self.switches.path_case_sensitive and written != path:
            raise not_found(request)
        return False

    def _check_limits(self, call: Call, now: float) -> SimReply | None:
        slot = call.slot or ("", "")
        call.entry.in_flight = self.threads.enter(slot, now)
        used = self.used_requests(now)
        exempt = (
            call.target.endpoint in _UNCOUNTED and not self.switches.threshold_covers_threshold_information
        )
        crowded = call.entry.in_flight > self.switches.thread_limit
        if crowded and self.switches.thread_excess == "delay":
            call.delay_s, crowded = call.delay_s + self.switches.thread_delay_s, False
        reply: SimReply | None = None
        if crowded or self._strike("thread_refusal", call, now):
            reply = spoiling.too_many_threads(self.switches, call.target)
        elif used >= self.switches.threshold and not exempt:
            reply = spoiling.over_threshold(self.switches)
        if reply is None or self.switches.count_refused:
            self.threshold.add(now)
            call.entry.counted = True
        call.delay_s += injected_latency_s(used, self.switches.threshold) * self.switches.latency_scale
        return reply

    def _world(self) -> World:
        return World(
            tenant=self.tenant,
            switches=self.switches,
            faults=self.faults,
            threshold=self.threshold,
            pager=self.pager,
        )

    def _job(self, call: Call, route: Route, caller: Caller, now: float) -> Job:
        return Job(
            world=self._world(),
            request=call.request,
            route=route,
            user=caller.user,
            rights=caller.rights,
            target=call.target,
            base_url=f"{call.request.origin}{access.zone_path(self.faults, now)}V1.0",
            now=now,
        )

    def _carry_out(self, job: Job, entry: Entry) -> SimReply:
        _describe(job, entry)
        late = self.faults.strike("delayed_commit", job.target, job.now)
        if late is not None:
            entry.faults.append("delayed_commit")
            self.tenant.later(job.now + late.seconds, lambda at: _carry_out_late(replace(job, now=at), entry))
            return SimReply(status=0, transport=Transport.DROP)
        reply = carry_out(job)
        _note_item(entry, reply)
        spoiled = spoiling.spoil(self.faults, reply, job.target, job.now)
        entry.faults += [spoiled] if spoiled else []
        return reply


def _describe(job: Job, entry: Entry) -> None:
    try:
        body = job.body() if job.request.method != "GET" else msgspec.json.decode(job.request.query["search"])
    except (ApiError, KeyError, msgspec.DecodeError, RecursionError):
        return
    describe_body(entry, body)


def _carry_out_late(job: Job, entry: Entry) -> None:
    _note_item(entry, carry_out(job))


def _note_item(entry: Entry, reply: SimReply) -> None:
    if reply.status == 200 and reply.body.startswith(b'{"itemId"'):
        entry.item_id = reply.json()["itemId"]


def headers_of(raw: Mapping[str, str]) -> dict[str, str]:
    """Return headers by lower-case name."""
    return {name.lower(): value for name, value in raw.items()}

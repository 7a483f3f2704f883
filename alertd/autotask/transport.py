"""Calls to the tenant: signed, paced, bounded, counted, and each failure said as what to do next."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog
import tenacity

from alertd import __version__
from alertd.autotask import refusals
from alertd.autotask.answers import CredentialRefused, Payload, ThresholdSpent, Unreached, judge
from alertd.autotask.credential import Credential, Login
from alertd.autotask.holding import HeldUntil
from alertd.autotask.logins import Logins
from alertd.autotask.memory import Memory
from alertd.autotask.metrics import AutotaskMetrics
from alertd.autotask.pacing import CallLog, Ended, Gate, Pass
from alertd.autotask.precedence import Precedence, resolved
from alertd.autotask.pressure import USAGE_EVERY, Usage, pressure_level
from alertd.autotask.reach import Reach
from alertd.autotask.scheduler import Ending, Scheduler
from alertd.autotask.settings import AutotaskSettings, Timeouts
from alertd.autotask.shares import Errand
from alertd.autotask.texts import shown
from alertd.autotask.wire import Answer, NotSent, Reply, Request, Wire
from alertd.autotask.zone import Zone, Zones
from alertd.core.secret import Secret
from alertd.flows.errors import AuthRefused, OutcomeUnknown, PortError, Rejected, Throttled, Unavailable
from alertd.flows.ports import Clock
from alertd.flows.sending import NOBODY, sending, serving

MOST = 2 * 1024**2  # bytes of an answer
MOST_OF_QUERY = 8 * 1024**2
BLIP_TRIES, BLIP_S = 3, 10.0
_log = structlog.get_logger(__name__)
_encoder = msgspec.json.Encoder(decimal_format="number")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `endpoint` is the entity whose limit it uses: for a child collection, the child's."""

    method: str
    path: str  # below V1.0/
    endpoint: str
    body: Any = None
    writes: bool = False
    precedence: Precedence = Precedence.SYNC
    most: int = MOST


def _nothing() -> None:
    """Nobody waits for the moment."""


_ASK_USAGE = Call(
    method="GET",
    path="ThresholdInformation",
    endpoint="ThresholdInformation",
    precedence=Precedence.CRITICAL_CREATE,
)


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What the client needs of the process: time, durability, chance."""

    clock: Clock
    memory: Memory
    call_log: CallLog
    metrics: AutotaskMetrics
    chance: random.Random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    answered: Callable[[], None] = _nothing  # called when Autotask begins to answer a write
    may_write: bool = True  # False: no write leaves this process, whoever asks for it


class Transport:
    """The one way to Autotask. Every caller of a process shares one; `close` it at the end."""

    def __init__(self, settings: AutotaskSettings, credential: Credential, around: Around) -> None:
        self.login = Login(credential, around.clock)
        self._may_write = around.may_write
        self.scheduler = Scheduler(
            calls_per_hour=settings.calls_per_hour, calls_in_flight=settings.calls_in_flight
        )
        self.gate = Gate(self.scheduler, log=around.call_log, clock=around.clock)
        self._logins = Logins(around.memory, clock=around.clock, chance=around.chance)
        self._reach = Reach(around.clock)
        self._probing = asyncio.Lock()
        self._timeouts: Timeouts = settings.timeouts
        self._around = around
        self._wire = Wire()
        self._zones = Zones(
            zone_url=settings.zone_url, fetch=self._fetch_zone, memory=around.memory, clock=around.clock
        )
        self._usage_asked_at = around.clock.now() - USAGE_EVERY
        self._pressure = 0
        around.metrics.watch(self.scheduler, around.clock)
        self._show()

    @property
    def usage(self) -> Usage | None:
        """The tenant's counter as last read."""
        return self.scheduler.tenant.usage

    async def zone(self) -> Zone:
        """Return the tenant's zone.

        Raises:
            Unavailable: It cannot be had now.
        """
        return await self._zones.current(self.login.credential.username)

    async def open_way(self) -> None:
        """Find out whether calls can be made now, whatever they are for.

        While the credential is refused, the zone is asked now and then, as `send` does. After the pause
        that follows a failed connection, one caller tries, and the others are sent away.

        Raises:
            AuthRefused: The credential is refused.
            Throttled: The budget is spent, ours or the tenant's.
            Unavailable: Autotask could not be reached, not long enough ago or just now.
        """
        await self._recall()
        if self.login.refused:
            await self._reopen()
        await self.login.admitted()
        self.check()
        if not self._reach.doubted:
            return
        if self._probing.locked():
            raise self._reach.unavailable()
        async with self._probing:
            await self._ask_usage()
        self.check()

    def check(self) -> None:
        """Say what is known to keep every call back, asking nobody.

        Raises:
            AuthRefused: The credential is refused.
            Throttled: The budget is spent, ours or the tenant's.
            Unavailable: Autotask could not be reached, not long enough ago.
        """
        self.login.check()
        self.gate.check()
        self._reach.check()

    def check_room(self, *, own: Precedence = Precedence.UPDATE) -> None:
        """Say what keeps back the calls for whom this task is sending, asking nobody.

        Raises:
            PortError: They may not go now.
        """
        self.check()
        whom = sending.get()
        errand = Errand(endpoint="", precedence=resolved(whom, own=own), company=whom.company)
        with self._holds_counted():
            self.gate.check_room(errand)

    async def send(self, call: Call) -> Payload:
        """Make the call once, and once more only where it went to a zone that the tenant has left.

        Raises:
            PortError: What to do next.
        """
        if call.writes and not self._may_write:
            raise Rejected('mode is "shadow", so nothing is written to Autotask')
        if self.login.refused:
            await self._reopen()
        result, zone = await self._attempt(call)
        if isinstance(result, CredentialRefused | Unreached) and await self._moved(zone, result):
            result, _ = await self._attempt(call)
        if isinstance(result, CredentialRefused):
            self._refuse(result)
            self.login.check()
        if isinstance(result, PortError):
            raise result
        return result

    async def read(self, call: Call) -> Payload:
        """Make a reading call, bridging over blips.

        Raises:
            Unavailable: Not to be had now, whatever the reason.
            Rejected: Autotask refuses the query.
        """
        blips = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_is_blip),
            stop=tenacity.stop_after_attempt(BLIP_TRIES) | tenacity.stop_after_delay(BLIP_S),
            wait=tenacity.wait_exponential(multiplier=0.2, max=2.0),
            sleep=self._around.sleep,
            reraise=True,
        )
        return await blips(self.send, call)

    async def read_usage(self) -> Usage | None:
        """Return the tenant's counter, read at most every two minutes; the last one if it fails."""
        if self._around.clock.now() - self._usage_asked_at >= USAGE_EVERY:
            await self._ask_usage()
        return self.usage

    async def _ask_usage(self) -> None:
        self._usage_asked_at = self._around.clock.now()
        try:
            with serving(NOBODY):  # whoever asks just now: everybody's calls depend on the answer
                payload = await self.send(_ASK_USAGE)
        except AuthRefused:
            raise
        except PortError as exc:
            _log.warning("autotask.usage_unknown", error=shown(exc))
            return
        usage = _usage(payload)
        if usage is not None:
            self.scheduler.read_usage(usage, self._around.clock.now())
            self._around.metrics.foreign.set(self.scheduler.tenant.foreign)
        self.pressure()

    def pressure(self) -> int:
        """Return 0 green to 3 red: the greater of the tenant's usage and that of our own share."""
        now, budget = self._around.clock.now(), self.scheduler.budget
        own = 1 - self.gate.remaining() / budget.calls
        tenant = self.scheduler.tenant.share(budget.used(now), now=now)
        usage = 1.0 if self.scheduler.is_shut(now) else max(own, tenant)
        before, self._pressure = self._pressure, pressure_level(usage, before=self._pressure)
        if self._pressure != before:
            _log.info("autotask.pressure", level=self._pressure, before=before)
        self._show()
        return self._pressure

    def credential_changed(self, credential: Credential) -> None:
        """Use another credential, or the same again on a person's word, and let callers pass."""
        if credential.username != self.login.credential.username:
            self._zones.forget()
        self.login.change(credential)

    def hide(self, secret: Secret) -> None:
        """Keep a secret that calls carry in their bodies out of every error."""
        self._wire.hide(secret)

    async def close(self) -> None:
        """Close every connection."""
        await self._wire.close()

    async def _reopen(self) -> None:
        """While the credential is refused only the zone is asked: a move would explain the refusal."""
        moved = await self._zones.renewed(await self.zone(), self.login.credential.username)
        if moved:
            await self._explained()
        self.login.check()

    async def _moved(self, zone: Zone, doubt: PortError) -> bool:
        """Whether the tenant has left the zone that a call went to, and it may be tried where it is now."""
        try:
            moved = await self._zones.renewed(zone, self.login.credential.username)
        except BaseException:
            if isinstance(doubt, CredentialRefused):  # cut off while suspect: nobody would ask again
                self._refuse(doubt)
            raise
        if moved is not None:
            await self._explained()
        return moved is not None

    async def _explained(self) -> None:
        """The zone has moved: what was refused at the old one says nothing of the credential."""
        self.login.clear()
        await self._logins.forget()

    def _refuse(self, why: PortError) -> None:
        self.login.refuse(f"Autotask refused the credential: {why}", until=self._logins.next_at())

    async def _remember_refusal(self, why: PortError) -> None:
        try:
            await self._logins.failed(self.login.credential)
        except BaseException:  # cut off while suspect: nobody would decide
            self._refuse(why)
            raise

    async def _recall(self) -> None:
        """Hold a credential back that has failed too often before this process began."""
        until = await self._logins.recall(self.login.credential)
        if until is not None:
            self.login.refuse("Autotask refused this credential before", until=until)

    # --- one call -------------------------------------------------------------------------------------

    async def _attempt(self, call: Call) -> tuple[Payload | PortError, Zone]:
        """Make the call and return its end, and the zone it went to."""
        await self._recall()
        self.login.check()
        if self.login.proven:
            return await self._signed(call)
        async with self.login.first:
            self.login.check()
            return await self._signed(call)

    async def _signed(self, call: Call) -> tuple[Payload | PortError, Zone]:
        await self.zone()
        whom = sending.get()
        errand = Errand(
            endpoint=call.endpoint,
            precedence=resolved(whom, own=call.precedence),
            company=whom.company,
        )
        with self._holds_counted():
            async with self.gate.permit(errand) as passed:
                await self.login.admitted()
                zone = await self.zone()  # as it is now, after waiting
                credential = self.login.credential
                reply = await self._timed(self._request(call, zone))
                self._note_way(reply, passed)
        judged = judge(reply, writes=call.writes, jitter=self._around.chance.random())
        if credential is self.login.credential:
            result = await self._first_answer(reply, judged)
        else:  # it was changed meanwhile: a late answer says nothing of the new one
            result = Unavailable(str(judged)) if isinstance(judged, CredentialRefused) else judged
        self._tell_scheduler(errand, passed, result)
        self._note(call, result)
        self.gate.answered(passed, _ended(call, reply, result))
        return result, zone

    async def _timed(self, request: Request) -> Reply:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            return await self._wire.exchange(request)
        finally:
            self._around.metrics.duration.observe(loop.time() - began_s)

    def _request(self, call: Call, zone: Zone) -> Request:
        body = None if call.body is None else _encoder.encode(call.body)
        headers = {
            **self.login.credential.headers(),
            "Accept": "application/json",
            "User-Agent": f"alertd/{__version__}",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        longest = self._timeouts.create if call.writes else self._timeouts.read
        return Request(
            method=call.method,
            url=zone.api + call.path,
            headers=headers,
            body=body,
            most=call.most,
            connect_s=self._timeouts.connect.total_seconds(),
            total_s=longest.total_seconds(),
            answered=self._around.answered if call.writes else _nothing,
        )

    async def _first_answer(self, reply: Reply, result: Payload | PortError) -> Payload | PortError:
        """Read an answer in the light of the credential: proven by a success, and doubted before one."""
        if isinstance(result, dict):
            self.scheduler.outage_ended(self.login.prove(), self._around.clock.now())
            await self._logins.forget()
        elif not self.login.proven and isinstance(reply, Answer) and reply.status == 500:
            result = _doubted(reply, result)
        if isinstance(result, CredentialRefused):
            self.login.suspect()
            await self._remember_refusal(result)
        return result

    def _note(self, call: Call, result: Payload | PortError) -> None:
        outcome = "ok" if isinstance(result, dict) else result.reason
        self._around.metrics.requests.labels(call.endpoint, outcome).inc()
        if isinstance(result, ThresholdSpent):
            _log.warning("autotask.allowance_spent", retry_after_s=result.retry_after)
        elif isinstance(result, PortError):
            _log.info(
                "autotask.call_failed",
                method=call.method,
                endpoint=call.endpoint,
                outcome=outcome,
                error=shown(result),
            )
        self.pressure()

    def _note_way(self, reply: Reply, passed: Pass) -> None:
        if isinstance(reply, NotSent):
            passed.give_back()
            self._reach.failed(reply.why)
        else:
            self.scheduler.outage_ended(self._reach.succeeded(), self._around.clock.now())

    def _tell_scheduler(self, errand: Errand, passed: Pass, result: Payload | PortError) -> None:
        """Tell what the end of a call says of what may go next."""
        now, metrics = self._around.clock.now(), self._around.metrics
        match result:
            case ThresholdSpent():
                metrics.refusals.labels("threshold").inc()
                self.scheduler.shut(seconds=result.retry_after, now=now)
                return
            case Throttled():
                metrics.refusals.labels("threads").inc()
                self.scheduler.too_many_at_once(errand.endpoint, seconds=result.retry_after, now=now)
                return
            case CredentialRefused():
                metrics.refusals.labels("credential").inc()
            case _:
                pass
        self.scheduler.ended(errand, _ending(result), began_at=passed.began_at, now=now)

    @contextmanager
    def _holds_counted(self) -> Iterator[None]:
        try:
            yield
        except HeldUntil as held:
            self._around.metrics.held.labels(held.cause.value).inc()
            raise

    def _show(self) -> None:
        metrics = self._around.metrics
        metrics.budget_remaining.set(self.gate.remaining())
        metrics.tenant_usage.set(self.usage.ratio if self.usage else 0.0)
        metrics.pressure.set(self._pressure)

    async def _fetch_zone(self, url: str) -> Payload | PortError:
        """Ask for the zone: no credential, no budget, no limit of calls at once."""
        reply = await self._timed(
            Request(
                method="GET",
                url=url,
                headers={"Accept": "application/json"},
                most=MOST,
                connect_s=self._timeouts.connect.total_seconds(),
                total_s=self._timeouts.read.total_seconds(),
            )
        )
        result = judge(reply, writes=False, jitter=self._around.chance.random())
        outcome = "ok" if isinstance(result, dict) else result.reason
        self._around.metrics.requests.labels("ZoneInformation", outcome).inc()
        return result


def _ending(result: Payload | PortError) -> Ending:
    """Say whether a call's end shows an endpoint that works. What was refused was answered."""
    match result:
        case Unreached() | AuthRefused():  # it never left, or no such route: no endpoint's fault
            return Ending.UNSENT
        case Unavailable() | OutcomeUnknown():
            return Ending.FAILED
        case _:
            return Ending.ANSWERED


def _is_blip(exc: BaseException) -> bool:
    return isinstance(exc, Unavailable) and not isinstance(exc, Throttled | AuthRefused)


def _doubted(answer: Answer, result: PortError) -> PortError:
    """Say of a failure that came before any success that it may be the credential's."""
    if refusals.may_speak_of_credential(refusals.read_error(answer.body)):
        return CredentialRefused(str(result))
    hint = f"{result}. Nothing has succeeded yet: perhaps the user name or the integration code is wrong"
    match result:
        case CredentialRefused() | Throttled() | Rejected():
            return result
        case OutcomeUnknown():
            return OutcomeUnknown(hint)
        case _:
            return Unavailable(hint)


def _usage(payload: Payload) -> Usage | None:
    calls, allowance = payload.get("currentTimeframeRequestCount"), payload.get("externalRequestThreshold")
    if not isinstance(calls, int) or not isinstance(allowance, int) or allowance <= 0:
        return None
    return Usage(max(0, calls), allowance)


def _ended(call: Call, reply: Reply, result: Payload | PortError) -> Ended:
    """Say for `explain` how a call ended, and nothing that a record holds."""
    status = reply.status if isinstance(reply, Answer) else None
    if isinstance(result, PortError):
        return Ended(call.endpoint, result.reason, status, shown(result))
    made = result.get("itemId")
    return Ended(call.endpoint, "ok", status, f"id {made}" if isinstance(made, int) else "")

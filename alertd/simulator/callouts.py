"""Call-outs: what a webhook tells of a change, when it is due, and what comes of the answer. No socket here.

An outbox: changes go in by `saw`, what is due comes out by `take_due`, its outcome goes back by `settle`.
"""

from __future__ import annotations

import itertools
import uuid
from collections import Counter, deque
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from alertd.simulator.callout_payloads import Action, Change, excludes, fields_told, subscribes
from alertd.simulator.faults import Fault, Faults, Kind, Target
from alertd.simulator.instants import to_wire
from alertd.simulator.schema import ENTITIES
from alertd.simulator.schema_webhooks import WATCHED, WEBHOOKS
from alertd.simulator.signatures import escaped_form, sign
from alertd.simulator.switches import Switches
from alertd.simulator.tables import Stamp
from alertd.simulator.tenant import Tenant
from alertd.simulator.wire import JSON

SIGNATURE = "X-Hook-Signature"
_KEPT = 10_000
_LOG_KEPT_S = 30 * 86_400.0


class Home(Protocol):
    """What the outbox belongs to; all of it may be replaced at any time."""

    tenant: Tenant
    switches: Switches
    faults: Faults


class Attempt(msgspec.Struct):
    """One sending: when it ended (seconds since 1970), and the status or what went wrong."""

    at: float
    outcome: str


class Callout(msgspec.Struct, kw_only=True):
    """One call-out. `webhook` is the entity of the webhook, such as `TicketWebhooks`."""

    number: int
    webhook: str
    webhook_id: int
    action: Action
    row_id: int
    sequence: int
    url: str
    body: str
    headers: dict[str, str]
    made_at: float
    due_at: float
    state: Literal["waiting", "sending", "delivered", "dropped", "lost"] = "waiting"
    attempts: list[Attempt] = msgspec.field(default_factory=list)


class Callouts:
    """The outbox of one simulator. `stirred` is called whenever something new may be due."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Callout] = {}
        self._sequences: Counter[tuple[str, int]] = Counter()
        self._failures: Counter[tuple[str, int]] = Counter()
        self.made: deque[Callout] = deque(maxlen=_KEPT)
        self.stirred: Callable[[], None] = _nobody_listens

    def clear(self) -> None:
        """Forget everything, and watch the tables of the tenant there is now."""
        for kept in (self._waiting, self._sequences, self._failures, self.made):
            kept.clear()
        for entity in WEBHOOKS:
            self._watch(entity)

    def saw(self, change: Change, stamp: Stamp) -> None:
        """Take note of a change and make the call-outs of every webhook that is to tell it.

        What nobody has done, such as the filling of a tenant, is told to nobody.
        """
        if stamp.resource_id is None:
            return
        tenant, references = self._home.tenant, self._home.switches.callout_references
        for hook in list(tenant.table(WEBHOOKS[change.entity])):
            if not subscribes(hook, change) or excludes(tenant, hook, change, stamp.resource_id):
                continue
            told = fields_told(tenant, hook, change, references=references)
            if told is not None:
                self._tell(hook, change, told, stamp)

    def next_due_at(self) -> float | None:
        """Return when the next call-out is due, or None if none waits."""
        return min((each.due_at for each in self._waiting.values() if each.state == "waiting"), default=None)

    def take_due(self, now: float) -> list[Callout]:
        """Return the call-outs to send at `now`, oldest first; each has to be settled."""
        due = [each for each in self._waiting.values() if each.state == "waiting" and each.due_at <= now]
        for each in due:
            each.state = "sending"
        return sorted(due, key=lambda each: (each.due_at, each.number))

    def settle(self, callout: Callout, now: float, *, status: int | None = None, error: str = "") -> None:
        """Take in what came of a sending: an HTTP status, or an error if there was none."""
        if self._waiting.get(callout.number) is not callout:
            return
        callout.attempts.append(Attempt(now, error if status is None else str(status)))
        if status is not None and 200 <= status < 300:
            self._end(callout, "delivered")
            self._failures.pop((callout.webhook, callout.webhook_id), None)
        elif len(callout.attempts) >= self._home.switches.callout_attempts:
            self._end(callout, "dropped")
            self._log(callout, now)
            self._count_failure(callout, now, counted_as="callouts")
        else:
            callout.state, callout.due_at = "waiting", now + self._home.switches.callout_retry_s
            self._count_failure(callout, now, counted_as="attempts")
        self.stirred()

    def _watch(self, entity: str) -> None:
        def watch(old: JSON | None, new: JSON | None, stamp: Stamp) -> None:
            self.saw(Change(entity, old, new), stamp)

        def watch_hook(old: JSON | None, new: JSON | None, stamp: Stamp) -> None:
            if old and new is None:
                self._drop((webhooks, old["id"]))
            elif old and new and new["isActive"] and not old["isActive"]:
                self._failures.pop((webhooks, new["id"]), None)

        webhooks = WEBHOOKS[entity]
        self._home.tenant.table(entity).watch = watch
        self._home.tenant.table(webhooks).watch = watch_hook

    def _tell(self, hook: JSON, change: Change, told: JSON, stamp: Stamp) -> None:
        webhook = WEBHOOKS[change.entity]
        body = self._body(hook, webhook, change.action, stamp)
        body |= {"Id": change.row["id"], "Fields": told, "PersonID": stamp.resource_id}
        callout = self._make(hook, webhook, body, stamp.now)
        secret = str(hook["secretKey"])
        if self._strike("callout_forged", callout, stamp.now):
            secret = f"not {secret}"
        escaped = self._home.switches.callout_signature == "escaped"
        raw = callout.body.encode()
        callout.headers[SIGNATURE] = sign(secret, escaped_form(raw) if escaped else raw)
        if late := self._strike("callout_late", callout, stamp.now):
            callout.due_at += late.seconds
        if self._strike("callout_lost", callout, stamp.now):
            callout.state = "lost"
        self._file(callout)
        if self._strike("callout_doubled", callout, stamp.now):
            again = {"number": next(self._numbers), "headers": dict(callout.headers), "attempts": []}
            self._file(msgspec.structs.replace(callout, **again))

    def _body(self, hook: JSON, webhook: str, action: Action, stamp: Stamp) -> JSON:
        self._sequences[webhook, hook["id"]] += 1
        sequence = self._sequences[webhook, hook["id"]]
        guid = hook["webhookGuid"]
        if self._home.switches.callout_guid == "event":
            guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{webhook} {guid} {sequence}"))
        return {
            "Action": action,
            "Guid": guid,
            "EntityType": ENTITIES[WATCHED[webhook]].singular,
            "Id": 0,
            "Fields": {},
            "EventTime": f"{to_wire(stamp.now)[:19]}Z",
            "SequenceNumber": sequence,
            "PersonID": 0,
        }

    def _make(self, hook: JSON, webhook: str, body: JSON, now: float) -> Callout:
        return Callout(
            number=next(self._numbers),
            webhook=webhook,
            webhook_id=hook["id"],
            action=body["Action"],
            row_id=body["Id"],
            sequence=body["SequenceNumber"],
            url=hook["deactivationUrl" if body["Action"] == "Deactivated" else "webhookUrl"],
            body=msgspec.json.encode(body).decode(),
            headers={"Content-Type": "application/json; charset=utf-8"},
            made_at=now,
            due_at=now + self._home.switches.callout_delay_s,
        )

    def _strike(self, kind: Kind, callout: Callout, now: float) -> Fault | None:
        target = Target(endpoint=callout.webhook, action=callout.action.lower())
        return self._home.faults.strike(kind, target, now)

    def _file(self, callout: Callout) -> None:
        self.made.append(callout)
        if callout.state == "waiting":
            self._waiting[callout.number] = callout
            self.stirred()

    def _end(self, callout: Callout, state: Literal["delivered", "dropped"]) -> None:
        callout.state = state
        del self._waiting[callout.number]

    def _drop(self, key: tuple[str, int]) -> None:
        """Drop what waits for a webhook that calls out no more."""
        for each in [each for each in self._waiting.values() if (each.webhook, each.webhook_id) == key]:
            self._end(each, "dropped")

    def _log(self, callout: Callout, now: float) -> None:
        """Write the error log, which keeps what happened within thirty days."""
        table, stamp = self._home.tenant.table("WebhookEventErrorLogs"), Stamp(now)
        oldest = to_wire(now - _LOG_KEPT_S)
        for row in [row for row in table if row["createDateTime"] < oldest]:
            table.delete(row["id"], stamp)
        singular = ENTITIES[callout.webhook].singular
        row = self._home.tenant.new_row(table.entity.name)
        row |= {f"{singular[0].lower()}{singular[1:]}ID": callout.webhook_id, "createDateTime": to_wire(now)}
        row |= {"errorMessage": callout.attempts[-1].outcome[:500], "payload": callout.body[:8000]}
        table.insert(row | {"sequenceNumber": callout.sequence}, stamp)

    def _count_failure(self, callout: Callout, now: float, *, counted_as: str) -> None:
        """Count a failure in a row, and disable a webhook that has too many of them."""
        switches, key = self._home.switches, (callout.webhook, callout.webhook_id)
        if callout.action == "Deactivated" or switches.callout_failures_count not in (counted_as, "attempts"):
            return
        self._failures[key] += 1
        hook = self._home.tenant.table(callout.webhook).get(callout.webhook_id)
        if hook is None or not hook["isActive"] or self._failures[key] < switches.callouts_disabled_after:
            return
        self._home.tenant.table(callout.webhook).update(hook["id"], {"isActive": False}, Stamp(now))
        self._drop(key)
        body = self._body(hook, callout.webhook, "Deactivated", Stamp(now))
        self._file(self._make(hook, callout.webhook, body, now))


def _nobody_listens() -> None:
    """Stand in for a server that sends what is due."""

"""Faults on demand: which kinds there are, to which requests each applies, and how often it strikes."""

from __future__ import annotations

import random
from typing import Any, Literal

import msgspec

from alertd.simulator.rights import NamedRight, Verb

Kind = Literal[
    "latency",
    "refuse",
    "drop",
    "hang",
    "truncate",
    "garbage",
    "slow_body",
    "delayed_commit",
    "down",
    "thread_refusal",
    "others_usage",
    "wrong_secret",
    "locked",
    "moved_zone",
    "search_lag",
    "rights",
    "duplicates",
    "workflow",
    "ignore_fields",
    "page_shift",
    "next_page_url",
    "callout_lost",
    "callout_doubled",
    "callout_late",
    "callout_forged",
]


class Fault(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One fault. The upper half is the scope, the lower half what the kinds take (docs/simulator.md).

    Without `probability` and `count` it strikes every matching request until cleared. `after` lets that
    many matching requests pass first; `for_s` ends it that many seconds after it was set.
    """

    kind: Kind
    endpoint: str | list[str] = ""
    method: str | list[str] = ""
    action: str | list[str] = ""
    path: str = ""
    user: str = ""
    probability: float = 1.0
    count: int | None = None
    after: int = 0
    for_s: float | None = None

    seconds: float = 0.0
    jitter: float = 0.0
    status: int = 0
    body: str | None = None
    content_type: str = ""
    retry_after: int | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    when: Literal["before", "after"] = "after"
    keep: float = 0.5
    abort: bool = False
    requests: int = 0
    zone_path: str = ""
    entity: str = ""
    deny: list[Verb] = msgspec.field(default_factory=list)
    remove: list[NamedRight] = msgspec.field(default_factory=list)
    companies: list[int] | None = None
    match: list[str] = msgspec.field(default_factory=lambda: ["externalID"])
    reopen: bool = False
    open_only: bool = False
    on: Literal["create", "update", "any"] = "create"
    where: dict[str, Any] = msgspec.field(default_factory=dict)
    set: dict[str, Any] = msgspec.field(default_factory=dict)
    note: dict[str, Any] | None = None
    resource: int | str = 0
    fields: list[str] = msgspec.field(default_factory=list)
    url: str = ""

    id: int = 0
    ends_at: float | None = None
    struck: int = 0
    passed: int = 0


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a scope is compared with."""

    endpoint: str = ""
    method: str = ""
    action: str = ""
    path: str = ""
    user: str = ""


class Faults:
    """The faults that are set, and the seeded generator that makes runs repeat."""

    def __init__(self, seed: int = 0) -> None:
        self._active: dict[int, Fault] = {}
        self._next_id = 1
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def reseed(self, seed: int) -> None:
        """Start the generator over."""
        self._random.seed(seed)

    def add(self, fault: Fault, now: float) -> int:
        """Set a fault and return its id."""
        fault.id = self._next_id
        self._next_id += 1
        fault.ends_at = None if fault.for_s is None else now + fault.for_s
        self._active[fault.id] = fault
        return fault.id

    def clear(self, which: int | str | None = None) -> int:
        """Clear one fault by id, all of a kind, or all; return how many there were."""
        gone = [each.id for each in self._active.values() if which in (None, each.id, each.kind)]
        for fault_id in gone:
            del self._active[fault_id]
        return len(gone)

    def listed(self) -> list[Fault]:
        """Return what is set, oldest first."""
        return list(self._active.values())

    def strike(self, kind: Kind, target: Target, now: float, *, when: str = "") -> Fault | None:
        """Return the first fault of that kind that strikes this request, and use it up by one."""
        for fault in self._active.values():
            if fault.kind != kind or when not in ("", fault.when):
                continue
            if self._alive(fault, now) and _in_scope(fault, target) and self._lands(fault):
                fault.struck += 1
                return fault
        return None

    def standing(self, kind: Kind, now: float, target: Target | None = None) -> list[Fault]:
        """Return faults that are a state of the tenant, without using them up."""
        return [
            fault
            for fault in self._active.values()
            if fault.kind == kind and self._alive(fault, now) and (target is None or _in_scope(fault, target))
        ]

    def jittered(self, fault: Fault) -> float:
        """Return the seconds of a latency fault."""
        return fault.seconds + (self._random.uniform(0.0, fault.jitter) if fault.jitter else 0.0)

    def _alive(self, fault: Fault, now: float) -> bool:
        in_time = fault.ends_at is None or now < fault.ends_at
        return in_time and (fault.count is None or fault.struck < fault.count)

    def _lands(self, fault: Fault) -> bool:
        if fault.passed < fault.after:
            fault.passed += 1
            return False
        return fault.probability >= 1.0 or self._random.random() < fault.probability


def _in_scope(fault: Fault, target: Target) -> bool:
    return (
        _named(fault.endpoint, target.endpoint)
        and _named(fault.method, target.method)
        and _named(fault.action, target.action)
        and fault.path.lower() in target.path.lower()
        and fault.user in ("", target.user)
    )


def _named(wanted: str | list[str], actual: str) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    return not any(names) or actual.lower() in {name.lower() for name in names}

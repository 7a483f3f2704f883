"""Native dialects: read as one kind of source, answered in the words of the original."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec import structs

from alertd.core.alerts import Alert
from alertd.core.reading.bodies import Body, Reading, Unreadable
from alertd.core.reading.trees import Tree, tree_of
from alertd.flows.ports import Appended
from alertd.intake.dialects import Taken, bounded, parked, taken
from alertd.intake.senders import Sender


class Heard(msgspec.Struct, frozen=True):
    """A request that has been read."""

    tree: Tree  # None: its body could not be read, and did not have to be
    said: Mapping[str, str]  # what path and query say
    alerts: Sequence[Alert]
    at: datetime


Reply: TypeAlias = Callable[[Heard, Appended], bytes]


class Refusal(msgspec.Struct, frozen=True):
    """What the original answers to what it does not take. It is kept, parked, all the same."""

    status: int
    document: bytes


def _no_faults(heard: Heard) -> Sequence[str]:
    return ()


class Native(msgspec.Struct, frozen=True, kw_only=True):
    """How an original speaks.

    Args:
        kind: Of source, as which the body is read.
        reply: The body of its answer to what it takes.
        refuse: Its answer to what it does not take, from the reasons.
        status: Of its answer to what it takes.
        faults: Why the original would not take it, in its words; empty: it would.
    """

    kind: str
    reply: Reply
    refuse: Callable[[Sequence[str]], Refusal]
    status: int
    faults: Callable[[Heard], Sequence[str]] = _no_faults


class NativeDialect:
    """One request in an original's dialect; made anew for each."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._heard: Heard | None = None

    def check(self, content_type: str) -> None:
        """Take anything: the body decides, not what is said about it."""

    async def take(self, sender: Sender, body: Body, at: datetime) -> Taken:
        """Read the body. What the original would refuse is parked and answered as it would be there."""
        read = await bounded(sender, lambda body, at: self._read(sender, body, at), body, at)
        if isinstance(read, str):
            return self._refused((read.partition(": ")[2] or read,), read)
        heard, reading, faults = read
        if faults:
            return self._refused(faults, f"shape: {'; '.join(faults)}")
        if not reading.alerts:
            why = tuple(problem.detail for problem in reading.problems) or ("there is no alert in it",)
            return self._refused(why, f"shape: {why[0]}")
        self._heard = heard
        return structs.replace(taken(self._native.kind, reading), status=self._native.status)

    def answer(self, taken: Taken, appended: Appended) -> bytes:
        """Return what the original answers."""
        if self._heard is None:
            return taken.document or b""
        return self._native.reply(self._heard, appended)

    def _read(self, sender: Sender, body: Body, at: datetime) -> tuple[Heard, Reading, Sequence[str]]:
        said = dict(body.query)
        try:
            tree = tree_of(body)
        except Unreadable:
            tree = None  # the kind says whether that matters
        reading = sender.read_as(self._native.kind, body, at)
        heard = Heard(tree, said, reading.alerts, at)
        return heard, reading, self._native.faults(heard)

    def _refused(self, why: Sequence[str], reason: str) -> Taken:
        refusal = self._native.refuse(why)
        kept = parked(self._native.kind, reason)
        return structs.replace(kept, status=refusal.status, document=refusal.document)

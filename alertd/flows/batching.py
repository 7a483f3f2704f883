"""Asking one question for many: single questions wait a moment and go out together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from alertd.flows.sending import Sending, sending, serving, shared

Q = TypeVar("Q")
A = TypeVar("A")


class Batcher(Generic[Q, A]):
    """Collects questions for at most `wait_s` seconds or `most` of them, and asks them in one call.

    `ask` returns the answers by question; a question without an answer gets None. What `ask` raises,
    every asker of that batch gets.
    """

    def __init__(
        self, ask: Callable[[Sequence[Q]], Awaitable[Mapping[Q, A]]], *, wait_s: float, most: int
    ) -> None:
        self._ask = ask
        self._wait_s = wait_s
        self._most = most
        self._waiting: dict[Q, asyncio.Future[A | None]] = {}
        self._askers: dict[Q, list[Sending]] = {}
        self._bell = asyncio.Event()
        self._full = asyncio.Event()

    async def answer(self, question: Q) -> A | None:
        """Return the answer to one question, asked together with others."""
        future = self._waiting.get(question)
        if future is None:
            future = self._waiting[question] = asyncio.get_running_loop().create_future()
        self._askers.setdefault(question, []).append(sending.get())
        self._bell.set()
        if len(self._waiting) >= self._most:
            self._full.set()
        return await asyncio.shield(future)

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until cancelled, or until `stop` is set and nobody waits."""
        while True:
            await self._bell.wait()
            await self._collect(stop)
            batch = dict(list(self._waiting.items())[: self._most])
            for question in batch:
                del self._waiting[question]
            if not self._waiting:
                self._bell.clear()
            self._full.clear()
            await self._ask_batch(batch)

    async def _collect(self, stop: asyncio.Event) -> None:
        if stop.is_set() or len(self._waiting) >= self._most:
            return
        try:
            async with asyncio.timeout(self._wait_s):
                await self._full.wait()
        except TimeoutError:
            return

    async def _ask_batch(self, batch: Mapping[Q, asyncio.Future[A | None]]) -> None:
        askers = [asker for question in batch for asker in self._askers.pop(question, ())]
        try:
            with serving(shared(askers)):
                answers = await self._ask(list(batch))
        except Exception as exc:  # noqa: BLE001 - every asker gets it, and decides
            for future in batch.values():
                if not future.done():
                    future.set_exception(exc)
            return
        for question, future in batch.items():
            if not future.done():
                future.set_result(answers.get(question))

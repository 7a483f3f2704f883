"""Reading beside the writer: a few query-only connections, each used by one thread at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine

from alertd.flows.errors import StoreFailed
from alertd.store.errors import DataDamaged

T = TypeVar("T")

CONNECTIONS = 2


class Reads:
    """Runs short queries on threads of its own.

    Args:
        engine: With connections that cannot write, at least `CONNECTIONS` of them.
        refusal: Says what an error means for the store.
    """

    def __init__(
        self, engine: Engine, *, refusal: Callable[[BaseException], StoreFailed | DataDamaged | None]
    ) -> None:
        self._engine = engine
        self._refusal = refusal
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="alertd-store-reader")

    async def run(self, function: Callable[[Connection], T]) -> T:
        """Run one function in a transaction that sees one moment, and return its result.

        Raises:
            DataDamaged: What is stored cannot be read.
            StoreFailed: The database cannot be read just now, or the disk fails.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, function)

    def _read(self, function: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as conn:
                return function(conn)
        except Exception as exc:
            refusal = self._refusal(exc)
            if refusal is None:
                raise
            raise refusal from exc

    async def close(self) -> None:
        """Wait for what runs, and close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

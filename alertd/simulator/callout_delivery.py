"""The shell around the outbox: sends what is due over HTTP and tells the outbox what came of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp

from alertd.simulator.callouts import Callout
from alertd.simulator.simulator import Simulator

# The simulator's clock may be one that a test moves: while something waits, it is looked at this often.
_LOOK_S = 0.1


async def deliver(simulator: Simulator) -> None:
    """Send call-outs as they fall due, several at a time, until cancelled."""
    stirred = asyncio.Event()
    simulator.callouts.stirred = stirred.set
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as sendings:
        while True:
            stirred.clear()
            for callout in simulator.callouts.take_due(simulator.at()):
                sendings.create_task(_send(simulator, session, callout))
            await _until_stirred(simulator, stirred)


async def _until_stirred(simulator: Simulator, stirred: asyncio.Event) -> None:
    due_at = simulator.callouts.next_due_at()
    if due_at is None:
        await stirred.wait()
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(stirred.wait(), min(max(due_at - simulator.at(), 0.0), _LOOK_S))


async def _send(simulator: Simulator, session: aiohttp.ClientSession, callout: Callout) -> None:
    limit = aiohttp.ClientTimeout(total=simulator.switches.callout_timeout_s)
    try:
        async with session.post(
            callout.url,
            data=callout.body.encode(),
            headers=callout.headers,
            allow_redirects=False,
            timeout=limit,
        ) as answer:
            simulator.callouts.settle(callout, simulator.at(), status=answer.status)
    except TimeoutError:
        simulator.callouts.settle(callout, simulator.at(), error="The operation has timed out.")
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        simulator.callouts.settle(callout, simulator.at(), error=str(exc) or type(exc).__name__)

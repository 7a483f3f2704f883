"""`alertd demo`: simulator, daemon and sample senders on a throw-away store, to be watched or checked."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import aiohttp

from alertd.app.clock import SystemClock
from alertd.app.daemon import Daemon
from alertd.app.live import bring_to_life
from alertd.app.samples import CONFIG, SENDERS, Delivery, Expected, deliveries, expected
from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME, Simulator, serving
from alertd.simulator.truth import state

COMPANIES = ("Acme Dental Group", "Northwind Logistics B.V.", "Harper & Lowe LLP")
LOOK_EVERY_S = 0.25
GIVE_UP_S = 50.0
WATCHED_FOR_S = 600.0


async def run(*, once: bool, listen: str | None, out: TextIO = sys.stdout) -> int:
    """Run the demo; 0 if every alert is accounted for by Autotask's own books, 1 if any is lost."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="alertd-demo-") as name:
        simulator = Simulator()
        async with serving(simulator) as zone_url:
            path = _configure(Path(name), zone_url=zone_url, listen=listen or "127.0.0.1:0")
            live = bring_to_life(path, os.environ)
            daemon = Daemon(live, config_path=path, environ=os.environ, clock=clock)
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                running = group.create_task(daemon.run(stop), name="daemon")
                await daemon.wait_started()
                demo = Demo(daemon, simulator, folder=Path(name), out=out)
                try:
                    lost = await demo.run(once=once)
                finally:
                    stop.set()
                await running
    return 1 if lost else 0


class Demo:
    """Sends the samples, and shows what becomes of them."""

    def __init__(self, daemon: Daemon, simulator: Simulator, *, folder: Path, out: TextIO) -> None:
        self._daemon = daemon
        self._simulator = simulator
        self._folder = folder
        self._out = out
        self._sent = 0
        self._clock = SystemClock()

    async def run(self, *, once: bool) -> list[str]:
        """Send, watch, and return what is missing at the end."""
        self._print(
            f"alertd takes alerts at http://{self._daemon.intake_addresses[0]}, Autotask is simulated."
            f"{'' if once else ' Ctrl-C ends it.'}\n"
        )
        tokens = {sender: (self._folder / sender).read_text() for sender in SENDERS}
        async with aiohttp.ClientSession(f"http://{self._daemon.intake_addresses[0]}") as session:
            await self._send_all(session, tokens)
        missing = await self._settle(GIVE_UP_S if once else WATCHED_FOR_S, once=once)
        self._print_tickets()
        for line in missing:
            self._print(f"LOST: {line}")
        if not missing:
            self._print(f"Every one of the {self._sent} alert messages is accounted for.")
        return missing

    async def _send_all(self, session: aiohttp.ClientSession, tokens: Mapping[str, str]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for delivery in deliveries(self._clock.now(), COMPANIES):
            await asyncio.sleep(max(began + delivery.after_s - loop.time(), 0.0))
            await self._send(session, delivery, tokens[delivery.sender])

    async def _send(self, session: aiohttp.ClientSession, delivery: Delivery, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with session.post(delivery.path, json=delivery.body, headers=headers) as response:
            response.raise_for_status()
        self._sent += delivery.messages
        self._print(f"{delivery.sender:>12} → {delivery.says}")

    async def _settle(self, seconds: float, *, once: bool) -> list[str]:
        """Wait until everything is as expected, or the time is over; return what is missing."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        shown = ""
        while True:
            missing = await self._missing()
            shown = self._show_changes(shown)
            if (once and not missing) or loop.time() >= until:
                return missing
            await asyncio.sleep(LOOK_EVERY_S)

    async def _missing(self) -> list[str]:
        """Compare Autotask's books with what must stand there, and the accounts with what was sent."""
        tickets = self._tickets()
        wanted = expected(COMPANIES)
        missing = [f"a ticket for {each.title!r}" for each in wanted if not _stands(each, tickets)]
        if len(tickets) > len(wanted):
            missing.append(f"{len(tickets)} tickets stand, {len(wanted)} are right")
        status = await self._daemon.operations.status()
        if status["accepted_messages"] != self._sent:
            missing.append(f"{self._sent} messages were sent, {status['accepted_messages']} are journalled")
        if status["unaccounted"] or status["unsettled"] or status["alerts"].get("pending"):
            missing.append("some alerts are not settled yet")
        return missing

    def _tickets(self) -> list[dict[str, Any]]:
        books = state(self._simulator, self._clock.now().timestamp())
        names = {row["id"]: row["companyName"] for row in books["companies"]}
        labels = {row["id"]: row["label"] for row in books["queues"]}
        own = self._daemon.parts.desk.fallback_company().id
        return [
            {
                **ticket,
                "company": "" if ticket["companyID"] == own else names[ticket["companyID"]],
                "queue": labels[ticket["queueID"]],
                "priority_label": _PRIORITIES.get(ticket["priority"], "?"),
            }
            for ticket in books["tickets"]
        ]

    def _show_changes(self, shown: str) -> str:
        """Print the table whenever it has changed; on a terminal over the last one."""
        table = _table(self._tickets())
        if table == shown:
            return shown
        if shown and self._out.isatty():
            self._out.write(f"\x1b[{shown.count(chr(10)) + 1}A\x1b[J")
        if self._out.isatty():
            self._print(table)
        return table

    def _print_tickets(self) -> None:
        if not self._out.isatty():
            self._print(_table(self._tickets()))

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)


_PRIORITIES = {4: "Critical", 1: "High", 2: "Medium", 3: "Low"}
_STATUSES = {1: "New", 5: "Complete"}


def _stands(wanted: Expected, tickets: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        ticket["company"] == wanted.company
        and ticket["queue"] == wanted.queue
        and ticket["priority_label"] == wanted.priority
        and ticket["title"].startswith(wanted.title)
        and (ticket["status"] == 5) is wanted.complete
        and set(ticket["tags"]) == wanted.tags
        for ticket in tickets
    )


def _table(tickets: Sequence[Mapping[str, Any]]) -> str:
    rows = [("TICKET", "STATUS", "PRIORITY", "QUEUE", "COMPANY", "TAGS", "TITLE")]
    rows += [
        (
            ticket["ticketNumber"],
            _STATUSES.get(ticket["status"], str(ticket["status"])),
            ticket["priority_label"],
            ticket["queue"],
            ticket["company"] or "(fallback)",
            ", ".join(ticket["tags"]),
            ticket["title"],
        )
        for ticket in tickets
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _configure(folder: Path, *, zone_url: str, listen: str) -> Path:
    """Write a configuration and its secrets, as an installation has them."""
    values = {name: secrets.token_urlsafe(32) for name in (*SENDERS, "admin")}
    values |= {"autotask-secret": API_SECRET, "autotask-code": API_INTEGRATION_CODE}
    for name, value in values.items():
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(value)
    path = folder / "alertd.toml"
    path.write_text(CONFIG.format(intake=listen, folder=folder, username=API_USERNAME, zone_url=zone_url))
    return path

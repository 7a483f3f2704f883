"""`alertd usage show`, asked of the daemon and of its store; tokens for vendors."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from prometheus_client import CollectorRegistry

from alertd.core.vendors import AccountChange, Count, ServiceChange
from alertd.store.opening import open_store
from alertd.store.settings import StoreSettings
from tests.cli.conftest import Cli, Daemon
from tests.store.making import T0, FixedClock, envelope

ROW: dict[str, Any] = {
    "source": "backups",
    "account": "Harbour Dental",
    "account_id": "c-104",
    "service": "",
    "service_id": "s1",
    "count": "17.0",
    "received_at": "2026-11-23T10:00:00.000Z",
    "receipt": "R1",
    "no_build": False,
    "remarks": ["the vendor has not made this service"],
}


def test_what_was_counted_is_a_table(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/usage"] = (200, [ROW])
    header, line = cli("usage", "show").out.splitlines()
    assert header.split() == ["SOURCE", "ACCOUNT", "SERVICE", "COUNT", "SAID", "REMARKS"]
    told = ("backups", "Harbour Dental (c-104)", "s1", "17.0", "2026-11-23 10:00:00 UTC", "has not made this")
    assert [text for text in told if text not in line] == []


def test_of_one_source_or_feed(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/usage"] = (200, [])
    assert cli("usage", "show", "--source", "backups").out == "Nothing has been counted by backups.\n"
    cli("usage", "show", "--feed", "backups")
    assert daemon.asked[-2:] == ["GET /api/v1/usage?source=backups"] * 2
    assert cli("usage", "show", "--feed", "a", "--source", "b").code == 2


def _fill(cli: Cli) -> None:
    async def fill() -> None:
        settings = StoreSettings(url=f"sqlite:///{cli.folder / 'alertd.db'}", min_free=0)
        async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
            await store.append(
                envelope("R1", source="backups", kind="gradient_vendor", messages=0, body=b"{}")
            )
            count = Count(
                source="backups",
                account_id="c-104",
                service_id="s1",
                count="17.0",
                received_at=T0,
                receipt="R1",
            )
            made = [AccountChange(id="c-104", name="Harbour Dental", is_active=False)]
            services = [ServiceChange(id="s2", name="Error: connect ECONNREFUSED")]
            other = [
                Count(
                    **{name: getattr(count, name) for name in count.__struct_fields__} | {"service_id": "s2"}
                )
            ]
            await store.vendors.keep("backups", [*made, *services, count, *other], T0)

    asyncio.run(fill())
    cli.capsys.readouterr()  # what the store logged


def test_without_a_daemon_its_store_says_so(cli: Cli) -> None:
    (cli.folder / "admin-token").write_text("admin-token-0123456789abcdef\n")
    _fill(cli)

    first, second = json.loads(cli("usage", "show", "--json").out)
    assert first == ROW | {
        "remarks": ["the vendor has put this account out of use", "the vendor has not made this service"]
    }
    assert second["remarks"][1] == "this may be no service: its name reads like an error message"

    out = cli("explain", "R1").out
    assert "Counted: 17.0 of service s1 for account c-104; alertd usage show --source backups" in out


def test_a_token_for_gradients_clients_has_two_halves(cli: Cli) -> None:
    cli.append(
        '[[sources]]\nname = "backups"\nkind = "gradient"\n'
        f'token = {{ file = "{cli.folder}/tokens/backups" }}\n'
    )
    run = cli("token", "new", "backups")
    assert run.code == 0, run.err
    assert [len(half) for half in run.out.strip().split(":")] == [43, 43]
    assert (cli.folder / "tokens" / "backups").read_text() == run.out

"""Questions to the running daemon, or to the store where none runs; the answers are made by the real code."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from alertd.app.live import bring_to_life
from alertd.app.online import Offline
from alertd.app.operations import Inquiries, summary, what_comes_next
from alertd.autotask.links import DeepLinks
from alertd.autotask.zone import REMEMBERED
from alertd.config.secrets import SecretMissing
from alertd.core.alerts import Alert, AlertKey, Severity, Status
from alertd.core.conditions import Condition
from alertd.core.folding import Routing
from alertd.core.history import Happening
from alertd.core.incidents import Closed, Flapping, Holding, Incident, Member, Waiting
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import build_tree
from alertd.core.tickets import Known, Repair, Ticket
from alertd.core.vendors import Count
from alertd.flows.ports import ConditionRow, Entry, Envelope, Loaded, Step
from alertd.store.happenings import Call
from alertd.store.opening import open_store
from alertd.store.reading import StoredIncident
from alertd.store.settings import StoreSettings
from tests.cli.conftest import Cli, Daemon
from tests.store.making import FixedClock, incident_write

NIGHT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
KEY = "abcdefghijklmnopqrstuvwxyz"
TREE = build_tree(RootRouteSettings(board="noc"))
EVIL = "Disk D: is almost full\x1b[2J\u202e"


def _at(minutes: int) -> datetime:
    return NIGHT + timedelta(minutes=minutes)


def _stored(parked: str | None = None) -> StoredIncident:
    member = Member(
        key=AlertKey("prometheus\x1f0123456789abcdef"),
        title=EVIL,
        severity=Severity.HIGH,
        since=_at(0),
        host="fs02",
        ended_at=_at(20),
    )
    incident = Incident(
        key=KEY,
        policy=TREE.matched.policy,
        group={"client": "Contoso", "host": "fs02"},
        client="Contoso",
        severity=Severity.HIGH,
        opened_at=_at(0),
        members={member.key: member},
        phase=Holding(since=_at(20), until=_at(25)),
        receipt="R1",
    )
    return StoredIncident(
        incident=incident,
        known=Known(ticket=Ticket(7, "T20261123.0001"), parked=parked),
        version=1,
        state="parked" if parked else "holding",
        reference=f"alertd-{KEY}-g1",
        ticket_id=7,
        ticket_number="T20261123.0001",
        watched_ticket_id=7,
        due_at=None,
        settle_at=None,
        unsettled_since=None,
        urgency=1,
        fair_key="Contoso",
        owner=None,
        lease_until=None,
        fence=0,
        updated_at=_at(20),
        closed_at=None,
    )


ENTRY = Entry(
    1,
    Envelope(
        receipt="R1",
        source="prometheus",
        kind="alertmanager",
        received_at=_at(0),
        body=b"{}",
        peer="10.0.0.9",
    ),
    decided=True,
)
PARKED_ENTRY = Entry(
    2,
    Envelope(
        receipt="R2",
        source="doorbell",
        kind="mapped",
        received_at=_at(1),
        body=b"{",
        parked="syntax: no JSON",
    ),
)
ALERT = Alert(
    source="prometheus",
    fingerprint="0123456789abcdef",
    status=Status.FIRING,
    severity=Severity.HIGH,
    labels={"alertname": "DiskFull", "client": "Contoso", "host": "fs02", "source": "prometheus"},
)
CONDITION = Condition(
    key=ALERT.key,
    source="prometheus",
    fingerprint=ALERT.fingerprint,
    firing=True,
    severity=Severity.HIGH,
    labels=ALERT.labels,
    annotations={},
    started_at=_at(0),
    seen_at=_at(5),
    incidents=(KEY,),
)
HISTORY = [Happening(at=_at(1), what="create done", incident_key=KEY, detail={"ticket": "T20261123.0001"})]


class FakeVendors:
    """Nobody has counted anything."""

    async def counted(self, receipt: str) -> Sequence[Count]:
        return []


class FakeReader:
    """A store that holds what is above."""

    vendors = FakeVendors()

    def __init__(self, stored: StoredIncident | None = None, condition: Condition = CONDITION) -> None:
        self.stored = stored or _stored()
        self.condition = condition
        self.reads = 0

    async def load(self, alert_keys: Sequence[AlertKey], incident_keys: Sequence[str]) -> Loaded:
        self.reads += 1
        return Loaded({key: ConditionRow(self.condition) for key in alert_keys}, {})

    async def incidents_by_key(self, keys: Sequence[str]) -> Sequence[StoredIncident]:
        self.reads += 1
        return [replace(self.stored, incident=replace(self.stored.incident, key=key)) for key in keys]

    async def entry(self, receipt: str) -> Entry | None:
        self.reads += 1
        return ENTRY if receipt == "R1" else None

    async def conditions_by_fingerprint(self, fingerprint: str) -> Sequence[ConditionRow]:
        self.reads += 1
        return [ConditionRow(self.condition)] if fingerprint == ALERT.fingerprint else []

    async def get(self, key: str) -> str | None:
        zone = {"url": "", "web_url": "https://ww18.autotask.net/", "name": "", "tenant_id": 7}
        return json.dumps({"asked": "", "zone": zone}) if key == REMEMBERED else None

    async def incident(self, key: str) -> StoredIncident | None:
        self.reads += 1
        return self.stored if key == KEY else None

    async def incident_by_reference(self, reference: str) -> StoredIncident | None:
        return self.stored if reference == self.stored.reference else None

    async def incident_by_ticket_number(self, number: str) -> StoredIncident | None:
        return self.stored if number == self.stored.ticket_number else None

    async def incident_by_ticket_id(self, ticket_id: int) -> StoredIncident | None:
        return self.stored if ticket_id == 7 else None

    async def incidents(self, *, states: Sequence[str] | None, limit: int) -> Sequence[StoredIncident]:
        return [self.stored] if states is None or self.stored.state in states else []

    async def parked_entries(self, *, limit: int) -> Sequence[Entry]:
        return [PARKED_ENTRY]

    async def history(self, **asked: Any) -> Sequence[Happening]:
        self.reads += 1
        return HISTORY

    async def calls_of(self, key: str) -> Sequence[Call]:
        self.reads += 1
        return [Call(_at(1), "Tickets", key), Call(_at(2), "Tickets", key), Call(_at(3), "TicketNotes", key)]


def _inquiries(stored: StoredIncident | None = None) -> Inquiries:
    reader: Any = FakeReader(stored)
    return Inquiries(reader, read=lambda envelope: [ALERT], routing=lambda: Routing(TREE, {}))


def _answer(daemon: Daemon, path: str, document: Any) -> None:
    assert document is not None
    daemon.answers[f"/api/v1/{path}"] = (200, document)


def _explained(daemon: Daemon, subject: str) -> None:
    _answer(daemon, f"explain/{subject}", asyncio.run(_inquiries().explain(subject)))


def test_an_incident_is_told_with_times_what_happened_and_what_comes_next(cli: Cli, daemon: Daemon) -> None:
    _explained(daemon, "T20261123.0001")
    code, out, err = cli("explain", "T20261123.0001")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "HOLDING: Disk D: is almost full[2J [high]"
    assert "all clear; the ticket is completed at" in lines[1]
    for text in (
        "T20261123.0001 (id 7)",
        "https://ww18.autotask.net/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID=7",
        "Contoso",
        "noc, by route root",
        'client="Contoso", host="fs02"',
        "2026-11-23 03:00:00 UTC",
        "fs02: Disk D: is almost full[2J [high], cleared 2026-11-23 03:20:00 UTC",
        "2026-11-23 03:01:00 UTC  create done (ticket T20261123.0001)",
        "Tickets 2, TicketNotes 1",
        f"alertd-{KEY}-g1",
    ):
        assert text in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert daemon.tokens == ["Bearer admin-secret"]


CLEARED = Closed(_at(25), "cleared", _at(85))
MISSED = replace(CLEARED, wants_ticket=True)


@pytest.mark.parametrize(
    ("closed", "ticket", "more", "says"),
    [
        (
            CLEARED,
            True,
            {"completed": True},
            "firing again before 2026-11-23T04:25:00.000Z reopens its ticket",
        ),
        (CLEARED, True, {}, "its ticket is about to be completed"),
        (CLEARED, True, {"touched": "somebody wrote a note"}, "its ticket was left open"),
        (CLEARED, True, {"completed": True, "status_taken": True}, "a new ticket that names this one"),
        (CLEARED, False, {}, "without a ticket; firing again opens it anew"),
        (MISSED, False, {}, "its ticket is about to be made, complete from the start"),
        (MISSED, False, {"status_taken": True}, "its ticket is about to be made"),
        (replace(CLEARED, how="person"), True, {"completed": True}, "a new ticket that names this one"),
    ],
)
def test_what_comes_after_the_close(closed: Closed, ticket: bool, more: dict[str, Any], says: str) -> None:
    stored = _stored()
    known = stored.known if ticket else Known()
    stored = replace(stored, incident=replace(stored.incident, phase=closed, **more), known=known)
    assert says in what_comes_next(stored)


def test_a_refused_ticket_that_is_tried_once_more_says_so() -> None:
    known = Known(repair=Repair("queueID is invalid"), retry_at=NIGHT)
    assert "tried once more with less" in what_comes_next(replace(_stored(), known=known))


def test_a_receipt_is_told_with_how_its_alerts_are_routed(cli: Cli, daemon: Daemon) -> None:
    _explained(daemon, "R1")
    out = cli("explain", "R1").out
    assert out.startswith("Receipt R1, from prometheus")
    assert "2026-11-23 03:00:00 UTC from 10.0.0.9" in out
    assert "Alert 0123456789abcdef: firing [high]" in out
    assert "Today it would join incident" in out
    assert "root: taken, it accepts everything" in out
    assert "HOLDING" in out


def test_what_reading_met_is_told(cli: Cli, daemon: Daemon) -> None:
    met = {"ignored": "test message", "unknown_severity": "odd", "title": "x"}
    read = [replace(ALERT, status=Status.IGNORED, annotations=met)]
    reader: Any = FakeReader()
    inquiries = Inquiries(reader, read=lambda envelope: read, routing=lambda: Routing(TREE, {}))
    _answer(daemon, "explain/R1", asyncio.run(inquiries.explain("R1")))
    out = cli("explain", "R1").out
    assert "  Makes no ticket: test message" in out
    assert "  Nobody knows the severity: odd" in out
    assert "Today it would join" not in out


def test_a_large_batch_is_told_by_few_reads_and_in_brief(cli: Cli, daemon: Daemon) -> None:
    reader: Any = FakeReader(
        condition=replace(CONDITION, incidents=tuple(f"i{number}" for number in range(25)))
    )
    alerts = [replace(ALERT, fingerprint=f"{number:016x}") for number in range(1500)]
    batch = Inquiries(reader, read=lambda envelope: alerts, routing=lambda: Routing(TREE, {}))
    _answer(daemon, "explain/R1", asyncio.run(batch.explain("R1")))
    assert reader.reads < 50
    out = cli("explain", "R1").out
    assert out.count("What happened:") == 1 + 20
    assert "\n5 more incidents; alertd incidents show INCIDENT tells one in full:\n" in out
    assert out.endswith("  HOLDING: Disk D: is almost full[2J [high], T20261123.0001, incident i24\n")


def test_a_fingerprint_is_told(cli: Cli, daemon: Daemon) -> None:
    _explained(daemon, "0123456789abcdef")
    out = cli("explain", "0123456789abcdef").out
    assert out.startswith("Alert 0123456789abcdef of prometheus: firing [high]")
    assert "2026-11-23 03:05:00 UTC" in out
    assert "HOLDING" in out


def test_a_reference_may_be_pasted_as_it_stands_in_the_ticket(cli: Cli, daemon: Daemon) -> None:
    reference = f"alertd-{KEY}-g1"
    _explained(daemon, reference)
    assert cli("explain", f"[ref: {reference}]").code == 0


def test_json_is_what_the_daemon_said(cli: Cli, daemon: Daemon) -> None:
    _explained(daemon, KEY)
    assert json.loads(cli("explain", KEY, "--json").out) == daemon.answers[f"/api/v1/explain/{KEY}"][1]
    assert isinstance(json.loads(cli("incidents", "show", KEY, "--json").out), list)


def test_what_is_unknown_is_a_finding(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/explain/x%2Fy"] = (404, {"error": "nothing is known of this"})
    code, out, err = cli("explain", "x/y")
    assert (code, out, err) == (1, "", "alertd: nothing is known of this\n")


def test_incidents_are_listed(cli: Cli, daemon: Daemon) -> None:
    _answer(daemon, "incidents", asyncio.run(_inquiries().incidents(limit=100)))
    header, row = cli("incidents", "list").out.splitlines()
    assert header.split() == [
        "STATE", "SEVERITY", "TICKET", "OPENED", "FIRING", "BOARD", "CUSTOMER", "INCIDENT", "TITLE",
    ]  # fmt: skip
    assert row.startswith(
        "holding  high      T20261123.0001  2026-11-23 03:00:00 UTC  0/1     noc    Contoso"
    )
    assert row.index("T2026") == header.index("TICKET")
    assert daemon.asked == ["GET /api/v1/incidents?limit=100"]
    assert json.loads(cli("incidents", "list", "--json").out)[0]["incident"] == KEY
    daemon.asked.clear()
    assert cli("incidents", "list", "--state", "open", "--state", "holding", "--limit", "5").code == 0
    assert daemon.asked == ["GET /api/v1/incidents?state=open&state=holding&limit=5"]
    _answer(daemon, "incidents", [])
    assert cli("incidents", "list").out == "No incidents.\n"
    assert cli("incidents", "list", "--state", "nonsense").code == 2


def test_an_incident_is_shown(cli: Cli, daemon: Daemon) -> None:
    _explained(daemon, KEY)
    assert cli("incidents", "show", KEY).out.startswith("HOLDING: ")


def test_a_parked_incident_is_tried_again(cli: Cli, daemon: Daemon) -> None:
    _answer(daemon, f"incidents/{KEY}/retry", {"incident": KEY, "retried": True})
    code, out, _ = cli("incidents", "retry", KEY)
    assert code == 0
    assert "tried again now" in out
    assert daemon.asked == [f"POST /api/v1/incidents/{KEY}/retry"]
    daemon.answers["/api/v1/incidents/x/retry"] = (404, {"error": "there is no such incident"})
    assert cli("incidents", "retry", "x") == (1, "", "alertd: there is no such incident\n")


def test_an_incident_is_closed_by_hand(cli: Cli, daemon: Daemon) -> None:
    told = {"incident": KEY, "closed": True, "ticket": "T7", "firing": 2}
    _answer(daemon, f"incidents/{KEY}/close", told)
    assert cli("incidents", "close", KEY).out == (
        f"{KEY} is closed; ticket T7 is completed, unless people have it in hand.\n"
        "2 of its alerts still fire; nothing comes of that before they have cleared.\n"
    )
    assert daemon.asked == [f"POST /api/v1/incidents/{KEY}/close"]
    assert json.loads(cli("incidents", "close", "--json", KEY).out) == told
    _answer(daemon, f"incidents/{KEY}/close", {**told, "ticket": "", "firing": 0})
    assert cli("incidents", "close", KEY).out == f"{KEY} is closed; it has no ticket.\n"
    _answer(daemon, f"incidents/{KEY}/close", {**told, "closed": False})
    assert cli("incidents", "close", KEY).out == f"{KEY} was closed already.\n"
    daemon.answers["/api/v1/incidents/x/close"] = (404, {"error": "there is no such incident"})
    assert cli("incidents", "close", "x") == (1, "", "alertd: there is no such incident\n")


def test_what_is_parked_is_listed_with_reason_and_shown_with_the_fix(cli: Cli, daemon: Daemon) -> None:
    _answer(daemon, "parked", asyncio.run(_inquiries(_stored("queue 5 is inactive")).parked(limit=10)))
    out = cli("parked", "list").out
    assert "queue 5 is inactive" in out
    assert "syntax: no JSON" in out
    shown = cli("parked", "show", "R2").out
    assert "Reason  syntax: no JSON" in shown
    assert "Fix     Mend the sender" in shown
    assert cli("parked", "show", "R9").code == 1
    assert len(json.loads(cli("parked", "list", "--json").out)) == 2
    daemon.answers["/api/v1/parked"] = (200, [])
    assert cli("parked", "list").out == "Nothing is parked.\n"


STATUS = {
    "version": "0.1.0",
    "accepted_messages": 12,
    "alerts": {"ticketed": 2, "merged": 10},
    "incidents": {},
    "unsettled": 1,
    "oldest_unsettled_s": 4.2,
    "outcome_unknown": 0,
    "parked": {},
    "unaccounted": 0,
    "ready": True,
    "autotask": "reached",
    "configuration_problems": [],
    "tenant_usage_ratio": 0.42,
    "pressure": 1,
}


def test_status_is_one_fact_a_line(cli: Cli, daemon: Daemon) -> None:
    _answer(daemon, "status", STATUS)
    out = cli("status").out
    assert "PROBLEM" not in out
    assert "ticketed 2, merged 10" in out
    assert "42% of this hour's allowance" in out
    assert "4.2 s" in out
    assert "yellow" in out
    assert json.loads(cli("status", "--json").out) == STATUS


def test_status_tells_problems_first(cli: Cli, daemon: Daemon) -> None:
    changed = {
        "ready": False,
        "autotask": "the credential is refused",
        "unaccounted": 2,
        "parked": {"syntax": 1},
        "configuration_problems": ["boards.noc.queue: no such queue"],
    }
    _answer(daemon, "status", STATUS | changed)
    lines = cli("status").out.splitlines()
    assert [line.startswith("PROBLEM: ") for line in lines[:6]] == [True] * 5 + [False]
    assert "the credential is refused" in lines[1]


async def test_what_status_tells_adds_up_while_alerts_come_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = StoreSettings(url=f"sqlite:///{tmp_path}/alertd.db", min_free=0)
    async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
        read, numbers = store._reads.run, count()

        async def read_and_take_one(function: Callable[[Connection], Any]) -> Any:
            found = await read(function)
            await store.append(replace(ENTRY.envelope, receipt=f"R{next(numbers)}"))
            return found

        monkeypatch.setattr(store._reads, "run", read_and_take_one)
        await store.count_firing()
        told = await Offline(store, _inquiries(), settings).status()

    assert (told["accepted_messages"], told["alerts"], told["unaccounted"]) == (1, {"pending": 1}, 0)


def test_a_refused_token_says_what_to_do(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/status"] = (401, {"error": "send the admin token as Authorization: Bearer"})
    code, _, err = cli("status")
    assert code == 1
    assert "admin token; restart alertd if the token is new" in err
    assert "admin-secret" not in err


@pytest.mark.parametrize("command", [["explain", "R1"], ["healthcheck"]])
def test_a_daemon_that_does_not_answer_in_time_runs_all_the_same(
    cli: Cli, daemon: Daemon, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr("alertd.cli.admin_api._TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cli.configure(port=silent.getsockname()[1])
        code, out, err = cli(*command)
    assert (code, out) == (1, "")
    assert "but did not answer within 0.1 s" in err
    assert "does not run" not in err


def test_a_stranger_on_the_port_is_told_apart(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/api/v1/status"] = (200, b"<html>")
    code, _, err = cli("status")
    assert code == 1
    assert "is not alertd's admin API" in err


def test_a_missing_admin_token_is_78_and_none_configured_is_2(cli: Cli) -> None:
    code, _, err = cli("status")
    assert code == 78
    assert "admin-token" in err
    cli.replace(f'token = {{ file = "{cli.folder}/admin-token" }}', "")
    code, _, err = cli("status")
    assert code == 2
    assert "alertd token new --admin" in err


@pytest.fixture
def no_daemon(cli: Cli, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens; the store can be read."""
    daemon.server.socket.close()

    @asynccontextmanager
    async def offline_operations(settings: Any) -> AsyncIterator[Offline]:
        assert settings.boards
        reader: Any = FakeReader()
        yield Offline(reader, _inquiries(), settings)

    monkeypatch.setattr("alertd.app.offline_operations", offline_operations)


@pytest.mark.usefixtures("no_daemon")
def test_without_a_daemon_the_store_answers(cli: Cli) -> None:
    code, out, err = cli("explain", KEY)
    assert code == 0
    assert out.startswith("HOLDING: ")
    assert "alertd does not run" in err
    assert KEY in cli("incidents", "list").out
    assert cli("incidents", "list", "--state", "open").out == "No incidents.\n"
    assert "R2" in cli("parked", "list").out
    assert cli("explain", "nothing").code == 1
    assert cli("incidents", "show", "nothing").code == 1


@pytest.fixture
def left_store(cli: Cli) -> None:
    """A store with a request and 600 parked incidents; no daemon, and no secret but the admin token."""
    (cli.folder / "admin-token").write_text("admin-secret\n")

    async def leave() -> None:
        settings = StoreSettings(url=f"sqlite:///{cli.folder}/alertd.db", min_free=0)
        async with open_store(settings, clock=FixedClock(), registry=CollectorRegistry()) as store:
            await store.append(ENTRY.envelope)
            await store.commit(Step(incidents=[incident_write(f"i{n}", state="parked") for n in range(600)]))

    asyncio.run(leave())
    cli.capsys.readouterr()  # what the store logged


@pytest.mark.usefixtures("left_store")
@pytest.mark.parametrize("secret", ['{ env = "AUTOTASK_SECRET" }', '{ credential = "autotask_secret" }'])
def test_the_store_answers_who_has_no_secret_of_autotask(cli: Cli, secret: str) -> None:
    cli.replace('{ env = "AUTOTASK_SECRET" }', secret)
    for command in (["status"], ["incidents", "list"], ["parked", "list"], ["explain", "R1"]):
        code, _, err = cli(*command)
        assert (code, err) == (0, "alertd does not run; this is what its store says.\n")


@pytest.mark.usefixtures("left_store")
def test_the_store_lists_as_many_as_the_daemon_would(cli: Cli) -> None:
    assert len(json.loads(cli("incidents", "list", "--limit", "1000", "--json").out)) == 600
    assert len(json.loads(cli("incidents", "list", "--limit", "7", "--json").out)) == 7
    assert len(json.loads(cli("parked", "list", "--json").out)) == 600


@pytest.mark.usefixtures("no_daemon")
def test_what_changes_something_needs_the_daemon(cli: Cli) -> None:
    code, _, err = cli("incidents", "retry", KEY)
    assert code == 1
    assert "no alertd answers at 127.0.0.1" in err


def test_healthcheck(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/healthz"] = (200, b"OK\n")
    assert cli("healthcheck") == (0, "healthy\n", "")
    assert daemon.tokens == [None]
    daemon.answers["/healthz"] = (503, b"stuck: settle\n")
    assert cli("healthcheck") == (1, "", "alertd: not healthy: stuck: settle\n")


def test_healthcheck_reads_nothing_of_the_file_but_the_address(cli: Cli, daemon: Daemon) -> None:
    daemon.answers["/healthz"] = (200, b"OK\n")
    cli.append("[[sources]]\nkind = 'being written'\n")
    assert cli("healthcheck") == (0, "healthy\n", "")
    cli.config.write_text(f'[admin]\nlisten = "0.0.0.0:{daemon.port}"\n')  # and no token
    assert cli("healthcheck").code == 0


@pytest.mark.parametrize(
    "text",
    [None, b"[admin", b"\xff", b"admin = 1", b"[admin]\nlisten = 1", b"[admin]\nlisten = 'here'", b"[admin]"],
)
def test_healthcheck_asks_at_the_default_address_if_the_file_gives_none(
    cli: Cli, daemon: Daemon, monkeypatch: pytest.MonkeyPatch, text: bytes | None
) -> None:
    monkeypatch.setattr("alertd.cli.healthcheck.DEFAULT_LISTEN", f"127.0.0.1:{daemon.port}")
    daemon.answers["/healthz"] = (200, b"OK\n")
    cli.config.unlink()
    if text is not None:
        cli.config.write_bytes(text)
    assert cli("healthcheck") == (0, "healthy\n", "")


@pytest.mark.usefixtures("no_daemon")
def test_healthcheck_without_a_daemon_is_1(cli: Cli) -> None:
    code, _, err = cli("healthcheck")
    assert code == 1
    assert "no alertd answers" in err


@pytest.mark.parametrize("command", [("boards",), ("config", "check", "--online")], ids=" ".join)
def test_a_secret_that_no_header_can_carry_is_78(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AUTOTASK_SECRET", "hunter2\n")
    monkeypatch.setenv("AUTOTASK_CODE", "abc")
    code, _, err = cli(*command)
    assert code == 78
    assert err.splitlines()[-1].startswith("alertd: [autotask] secret is empty or holds a control character")
    assert "hunter2" not in err


def test_such_a_secret_stops_the_daemon_before_it_starts(cli: Cli) -> None:
    environ = {"AUTOTASK_SECRET": "abc", "AUTOTASK_CODE": "hunter2\r", "DOORBELL_TOKEN": "abc"}
    (cli.folder / "tokens").mkdir()
    (cli.folder / "tokens" / "prometheus").write_text("other")
    with pytest.raises(SecretMissing, match=r"^\[autotask\] integration_code .*one line$"):
        bring_to_life(cli.config, environ)


def test_boards_are_listed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    report = [
        {
            "id": 5,
            "label": "Monitoring",
            "active": True,
            "resources": 3,
            "boards": ["noc"],
            "routes": ["root"],
        },
        {"id": 6, "label": "Old", "active": False, "resources": None, "boards": [], "routes": []},
    ]
    monkeypatch.setattr("alertd.app.boards_report", lambda settings: report)
    lines = cli("boards").out.splitlines()
    assert lines[1].split() == ["5", "Monitoring", "yes", "3", "noc", "root"]
    assert lines[2].split() == ["6", "Old", "no", "?", "-", "-"]
    assert json.loads(cli("boards", "--json").out) == report


def test_what_waits_by_its_severity_says_until_when() -> None:
    incident = replace(_stored().incident, phase=Waiting(_at(5), _at(0)))
    stored = replace(_stored(), incident=incident, known=Known())

    assert "made at 2026-11-23T03:05:00.000Z unless it has cleared by itself" in what_comes_next(stored)


def test_what_flaps_says_until_when_it_is_held_open() -> None:
    incident = replace(_stored().incident, flapping=Flapping(_at(0), _at(45), changes=7))

    said = what_comes_next(replace(_stored(), incident=incident))

    assert "flapping since 2026-11-23T03:00:00.000Z" in said
    assert "until it is stable: 2026-11-23T03:45:00.000Z" in said


def test_a_list_says_when_it_is_filed() -> None:
    incident = replace(_stored().incident, kind="summary", phase=Waiting(_at(60)))
    stored = replace(_stored(), incident=incident, known=Known())

    assert "filed at 2026-11-23T04:00:00.000Z" in what_comes_next(stored)
    assert "Daily digest: 1 alert" in summary(stored, DeepLinks(""))["title"]

"""Gradient's vendor API over real HTTP and a real store: all routes, and the clients as they are."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from yarl import URL

from alertd.core.alerts import Severity
from alertd.core.sources import kinds
from alertd.core.tickets import Known, Ticket
from alertd.flows.errors import StoreFailed
from alertd.flows.ports import ConditionRow, ConditionWrite, IncidentRow, IncidentWrite, Step
from alertd.intake.senders import Sender, sender_of
from alertd.store.opening import open_store
from alertd.store.settings import StoreSettings
from alertd.store.store import Store
from tests.intake.conftest import DOORBELL_TOKEN, Serve, World, digest
from tests.store.making import T0, condition, incident

VENDOR, PARTNER = "vendor-key-0123456789abcdef", "partner-key-0123456789abcdef"
API = "/api/vendor-api"


def token(text: str = f"{VENDOR}:{PARTNER}") -> dict[str, str]:
    return {"GRADIENT-TOKEN": base64.b64encode(text.encode()).decode()}


def backups(name: str = "backups", partner: str = PARTNER, **more: Any) -> Sender:
    table = {"name": name, "kind": "gradient", "token": {"env": "A"}, **more}
    settings = kinds.KINDS["gradient"].settings.model_validate(table)
    return sender_of(
        settings,
        kinds.compile_profile(settings),
        digests=(digest(f"{VENDOR}:{partner}"),),
        vendor_digests=(hashlib.sha256(VENDOR.encode()).digest(),),
    )


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that has its tables: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "alertd.db"

    async def make() -> None:
        async with opened(path):
            pass

    asyncio.run(make())
    return path


def opened(path: Path) -> AbstractAsyncContextManager[Store]:
    settings = StoreSettings(url=f"sqlite:///{path}", min_free=0)
    return open_store(settings, clock=World().clock, registry=CollectorRegistry())


@pytest.fixture
async def store(empty: Path, tmp_path: Path) -> AsyncIterator[Store]:
    shutil.copy(empty, tmp_path / "alertd.db")
    async with opened(tmp_path / "alertd.db") as store:
        yield store


@pytest.fixture
async def world(serve: Serve, store: Store) -> AsyncIterator[World]:
    made = World()
    made.entropy = os.urandom  # type: ignore[method-assign] # a store takes no receipt twice
    made.senders = [*made.senders, backups()]
    made.journal = made.standing = store  # type: ignore[assignment]
    made.vendors = store.vendors
    async with serve(made) as world:
        yield world


Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def ask(world: World, client: aiohttp.ClientSession) -> Ask:
    """Ask at a path of the API; `json` sends a document, `data` what it is."""

    async def ask(method: str, path: str, **more: Any) -> tuple[int, Any]:
        more.setdefault("headers", token())
        url = world.url(f"{API}{path}")
        async with client.request(method, _raw(url), **more) as response:
            assert response.headers["Content-Type"] == "application/json"
            return response.status, json.loads(await response.read())

    return ask


def _raw(url: str) -> Any:
    return URL(url, encoded=True)


ACCOUNT = {"id": "c-104", "name": "Harbour Dental", "description": ""}
SERVICE = {
    "name": "Server backup",
    "description": "per server",
    "category": "backup",
    "subcategory": "cloud backup",
}
ALERT = {
    "title": "Backup missed on SRV-02",
    "description": "No restore point",
    "alertId": "bk-77120",
    "priority": 3,
    "status": 1,
}


async def make_service(ask: Ask, **more: Any) -> str:
    _, vendor = await ask("POST", "/service", json=SERVICE | more)
    return next(sku["_id"] for sku in vendor["skus"] if sku["name"] == (SERVICE | more)["name"])


# --- the eighteen routes ------------------------------------------------------------------------------

INTEGRATION = {
    *("organizationId", "name", "vendorId", "vendorName", "integrationId", "status", "lastSyncedAt"),
}
PROFILE = {
    *("_id", "id", "name", "description", "integrationType", "isDistributor", "externalIntegrationStatus"),
    *("mappingResponsibilities", "modules", "organizationId", "attributes", "skus", "createdAt", "updatedAt"),
    "__v",
}


async def test_1_integration_is_bare(ask: Ask) -> None:
    status, said = await ask("GET", "/organization")
    assert (status, said.keys()) == (200, INTEGRATION)
    assert (said["status"], said["lastSyncedAt"]) == ("inactive", "1900-01-01T00:00:00.000Z")


@pytest.mark.parametrize("name", ["active", "inactive", "pending", "disabled", "error"])
async def test_2_status_is_wrapped(ask: Ask, name: str) -> None:
    status, said = await ask("PATCH", f"/organization/status/{name}")
    assert (status, said.keys(), said["status"]) == (200, {"data", "status", "message"}, 200)
    assert (said["data"].keys(), said["data"]["status"]) == (INTEGRATION, name)
    assert (await ask("GET", "/organization"))[1]["status"] == name


@pytest.mark.parametrize("name", ["Active", "done"])
async def test_2_an_unknown_status_is_refused(ask: Ask, name: str) -> None:
    status, said = await ask("PATCH", f"/organization/status/{name}")
    assert (status, said["statusCode"]) == (400, 400)


async def test_3_clients_come_in_pages(ask: Ask) -> None:
    await ask("POST", "/organization/accounts", json=[{"id": f"{n:03}", "name": f"C{n}"} for n in range(120)])
    _, first = await ask("GET", "/organization/clients")
    _, rest = await ask("GET", f"/organization/clients?previousId={first['meta']['previousId']}")
    _, found = await ask("GET", "/organization/clients?search=c119")
    assert (len(first["clients"]), len(rest["clients"]), rest["meta"]["hasMore"]) == (100, 20, False)
    assert found["clients"] == [{"id": "119", "name": "C119"}]


async def test_4_and_5_accounts_are_bare_lists(ask: Ask) -> None:
    status, made = await ask("POST", "/organization/accounts", json=[ACCOUNT, {"id": 7, "name": "Seven"}])
    assert status == 201
    assert [row.keys() for row in made] == [{"id", "name", "description", "mappingId"}] * 2
    assert [row["id"] for row in made] == ["c-104", "7"]
    _, listed = await ask("GET", "/organization/accounts?returnUnmapped=true")
    assert [(row["id"], row["isMapped"]) for row in listed] == [("7", True), ("c-104", True)]


@pytest.mark.parametrize(
    "query", ["accountIds=7,c-104", "accountIds=7&accountIds=c-104", "accountIds[]=7&accountIds[]=c-104"]
)
async def test_4_accounts_by_id(ask: Ask, query: str) -> None:
    accounts = [ACCOUNT, {"id": "7", "name": "Seven"}, {"id": "8", "name": "Eight"}]
    await ask("POST", "/organization/accounts", json=accounts)
    _, listed = await ask("GET", f"/organization/accounts?{query}")
    assert [row["id"] for row in listed] == ["7", "c-104"]


@pytest.mark.parametrize("body", [[], [{"id": "7"}], [{"name": "Seven"}], ["x"], [ACCOUNT, {"id": None}]])
async def test_5_an_account_needs_id_and_name(ask: Ask, body: Any) -> None:
    status, said = await ask("POST", "/organization/accounts", json=body)
    assert (status, said.keys()) == (400, {"statusCode", "message"})
    assert (await ask("GET", "/organization/accounts"))[1] == []


async def test_6_accounts_are_changed_in_bulk(ask: Ask) -> None:
    await ask("POST", "/organization/accounts", json=[ACCOUNT])
    status, rows = await ask("PATCH", "/organization/accounts", json=[{"id": "c-104", "description": "x"}])
    assert (status, rows[0]["name"], rows[0]["description"]) == (200, "Harbour Dental", "x")
    _, row = await ask("PATCH", "/organization/accounts", json={"id": "c-104", "name": "Harbour"})
    assert (row["name"], row["description"]) == ("Harbour", "x")
    changes = [{"id": "c-104", "name": "Y"}, {"id": "c-9", "name": "Z"}]
    status, said = await ask("PATCH", "/organization/accounts", json=changes)
    assert (status, said["message"]) == (404, "No account found with id: c-9")
    assert (await ask("GET", "/organization/accounts"))[1][0]["name"] == "Harbour"


async def test_7_one_account_is_changed(ask: Ask, store: Store) -> None:
    await ask("POST", "/organization/accounts", json=[ACCOUNT])
    status, row = await ask("PATCH", "/organization/accounts/c-104", json={"name": "H", "isActive": False})
    assert (status, row["id"], row["name"]) == (200, "c-104", "H")
    assert [each.is_active for each in await store.vendors.accounts("backups")] == [False]
    assert (await ask("PATCH", "/organization/accounts/c-9", json={"name": "H"}))[0] == 404


async def test_8_9_and_10_services_with_ids_of_the_vendor(ask: Ask) -> None:
    status, rows = await ask("POST", "/organization/services", json=[{"id": 11, **SERVICE}])
    assert (status, rows[0]["id"], rows[0]["_id"]) == (201, "11", "11")
    _, row = await ask("PATCH", "/organization/services", json={"id": "11", "description": "x"})
    assert (row["name"], row["description"]) == ("Server backup", "x")
    _, rows = await ask("PATCH", "/organization/services", json=[{"id": "11", "name": "B"}])
    assert rows[0]["name"] == "B"
    _, row = await ask("PATCH", "/organization/services/11", json={"name": "C"})
    assert (row["id"], row["name"], row["category"]) == ("11", "C", "backup")
    assert (await ask("PATCH", "/organization/services/12", json={"name": "C"}))[0] == 404
    assert (await ask("PATCH", "/organization/services", json=[{"id": "12"}]))[0] == 404


@pytest.mark.parametrize("path", ["", "/"])
async def test_11_the_profile_is_wrapped(ask: Ask, path: str) -> None:
    status, said = await ask("GET", path)
    assert (status, said.keys(), said["status"]) == (200, {"data", "status", "message"}, 200)
    assert (said["data"].keys(), said["data"]["skus"]) == (PROFILE, [])
    assert said["data"]["_id"] == said["data"]["id"]


async def test_12_the_profile_is_changed(ask: Ask) -> None:
    change = {"name": "BackupCo", "vendorSupportPageUrl": "https://x.example", "unknown": 1}
    status, said = await ask("PATCH", "", json=change)
    assert (status, said["data"]["name"], said["data"]["vendorSupportPageUrl"]) == (
        200,
        "BackupCo",
        "https://x.example",
    )
    assert (await ask("GET", "/organization"))[1]["vendorName"] == "BackupCo"
    assert (await ask("PATCH", "", json={"unknown": 1}))[0] == 400


async def test_13_a_service_is_answered_with_the_bare_profile(ask: Ask) -> None:
    status, vendor = await ask("POST", "/service", json=SERVICE)
    assert (status, vendor.keys()) == (201, PROFILE)
    [sku] = vendor["skus"]
    assert sku == {"_id": sku["id"], "id": sku["id"], **SERVICE}
    _, again = await ask("POST", "/service", json=SERVICE)
    assert [each["id"] for each in again["skus"]] == [sku["id"]]
    assert (await ask("POST", "/service", json={"description": "x"}))[0] == 400


async def test_13_a_name_that_was_anothers_makes_a_service_of_its_own(ask: Ask) -> None:
    first = await make_service(ask)
    await ask("PATCH", f"/service/{first}", json={"name": "Server backup, old"})
    assert await make_service(ask) != first
    assert len((await ask("GET", ""))[1]["data"]["skus"]) == 2


async def test_14_and_15_one_service(ask: Ask) -> None:
    id_ = await make_service(ask)
    await make_service(ask, name="Other")
    _, said = await ask("GET", f"/service/{id_}")
    assert [sku["id"] for sku in said["data"]["skus"]] == [id_]
    assert said["status"] == 200
    assert (await ask("PATCH", f"/service/{id_}"))[0] == 200
    _, said = await ask("PATCH", f"/service/{id_}", json={"description": "y"})
    assert said["data"]["skus"][0]["description"] == "y"
    assert (await ask("GET", "/service/nobody"))[0] == 404


async def test_16_a_count_is_stored_before_it_is_answered(ask: Ask, store: Store) -> None:
    await ask("POST", "/organization/accounts", json=[ACCOUNT])
    id_ = await make_service(ask)
    answer = await ask("POST", f"/service/{id_}/count", json={"accountId": "c-104", "unitCount": 17})
    assert answer == (201, {"status": 201, "message": "unit count stored"})
    [usage] = await store.vendors.usage("backups")
    assert (usage.count.count, usage.account.name, usage.service.name) == (  # type: ignore[union-attr]
        "17",
        "Harbour Dental",
        "Server backup",
    )
    entry = await store.entry(usage.count.receipt)
    assert entry is not None
    assert json.loads(entry.envelope.body) == {"accountId": "c-104", "unitCount": 17}
    _, said = await ask("GET", "/organization")
    assert (said["status"], said["lastSyncedAt"]) == ("active", "2026-11-23T12:00:00.000Z")


@pytest.mark.parametrize(("account", "service"), [("c-9", True), ("c-104", False)])
async def test_16_what_is_not_mapped_is_404_and_stored(
    ask: Ask, store: Store, account: str, service: bool
) -> None:
    await ask("POST", "/organization/accounts", json=[ACCOUNT])
    id_ = await make_service(ask) if service else "s-9"
    status, said = await ask("POST", f"/service/{id_}/count", json={"accountId": account, "unitCount": 5})
    assert (status, said["statusCode"]) == (404, 404)
    assert said["message"].startswith("No service map" if service is False else "No account map")
    assert [each.count.count for each in await store.vendors.usage()] == ["5"]
    assert (await ask("GET", "/organization"))[1]["status"] == "inactive"


async def test_17_an_alert_names_its_message(ask: Ask, world: World) -> None:
    status, said = await ask("POST", "/alerting/c-104", json=ALERT)
    assert (status, said.keys()) == (201, {"messageId", "alertId", "correlationID"})
    assert (said["alertId"], len(said["messageId"]), len(said["correlationID"])) == ("bk-77120", 36, 24)
    [(entry, [alert])] = world.handover.accepted
    assert (alert.labels["client"], alert.severity, entry.envelope.kind) == (
        "c-104",
        Severity.HIGH,
        "gradient",
    )
    assert (await ask("GET", "/organization"))[1]["status"] == "active"


async def test_17_an_alert_bears_the_names_of_account_and_service(ask: Ask, world: World) -> None:
    await ask("POST", "/organization/accounts", json=[ACCOUNT])
    id_ = await make_service(ask)
    world.handover.accepted.clear()
    await ask("POST", "/alerting/c-104", json=ALERT | {"serviceId": id_})
    [(entry, [alert])] = world.handover.accepted
    wanted = {"client": "Harbour Dental", "client_id": "c-104", "service": id_}
    assert wanted.items() <= alert.labels.items()
    assert alert.labels["service_name"] == "Server backup"
    assert entry.envelope.params == {
        "account": "c-104",
        "account_name": "Harbour Dental",
        "service_name": "Server backup",
    }


async def test_18_what_became_of_an_alert(ask: Ask, world: World, store: Store) -> None:
    _, sent = await ask("POST", "/alerting/c-104", json=ALERT)
    path = f"/alerting/debug/{sent['messageId']}"
    pending = {"messageId": sent["messageId"], "status": "pending", "message": "queued"}
    assert await ask("GET", path) == (200, pending)

    [(entry, [alert])] = world.handover.accepted
    fired = replace(
        condition(alert.fingerprint), key=alert.key, source="backups", labels=alert.labels, incidents=("i",)
    )
    wanted = IncidentRow(incident("i"), Known())
    await decide(
        store,
        Step(decided=[entry.journal_id], conditions=[ConditionWrite(ConditionRow(fired), None)]),
        wanted,
    )
    assert (await ask("GET", path))[1]["message"] == "no ticket yet; the incident is opening"

    refused = IncidentRow(wanted.incident, Known(parked="Queue: value is inactive."), 1)
    await decide(store, Step(), refused)
    _, said = await ask("GET", path)
    assert said == {
        "messageId": sent["messageId"],
        "status": "failed",
        "statusCode": 500,
        "errors": ["Queue: value is inactive."],
        "message": "ticket not created",
    }

    ticket = Ticket(48213, "T20261123.0007")
    await decide(store, Step(), IncidentRow(wanted.incident, Known(ticket=ticket, created_at=T0), 2))
    assert await ask("GET", path) == (
        200,
        {
            "messageId": sent["messageId"],
            "status": "success",
            "ticketId": "48213",
            "createdAt": "2026-11-23T10:00:00.000Z",
            "message": "ticket T20261123.0007",
        },
    )


async def decide(store: Store, step: Step, row: IncidentRow) -> None:
    write = IncidentWrite(
        row=row, due_at=None, settle_at=None, watched_ticket_id=None, urgency=1, fair_key="c", state="open"
    )
    await store.commit(replace(step, incidents=[write]))


@pytest.mark.parametrize("message", ["0f6b7a52-0000-4000-8000-000000000000", "nobody", "%00"])
async def test_18_an_unknown_message(ask: Ask, message: str) -> None:
    status, said = await ask("GET", f"/alerting/debug/{message}")
    assert (status, said["statusCode"]) == (404, 404)


async def test_18_the_message_of_another_source_is_not_told(
    ask: Ask, world: World, client: aiohttp.ClientSession
) -> None:
    world.intake.adopt([backups(), backups("other", "other-partner-key")])
    _, sent = await ask("POST", "/alerting/c-104", json=ALERT)
    headers = token(f"{VENDOR}:other-partner-key")
    assert (await ask("GET", f"/alerting/debug/{sent['messageId']}", headers=headers))[0] == 404


# --- who asks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["GRADIENT-TOKEN", "Gradient-Token", "gradient-token"])
async def test_the_header_in_any_case(ask: Ask, name: str) -> None:
    assert (await ask("GET", "/organization", headers={name: token()["GRADIENT-TOKEN"]}))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        token("nobody:nothing"),
        token(f"{VENDOR}:{PARTNER}x"),
        token(f"{VENDOR}:"),
        token(VENDOR),
        token(f":{PARTNER}"),
        {"GRADIENT-TOKEN": "%%%"},
        {"GRADIENT-TOKEN": ""},
        {"Authorization": f"Bearer {VENDOR}"},
    ],
)
async def test_partner_routes_want_both_keys(ask: Ask, world: World, headers: dict[str, str]) -> None:
    answer = await ask("GET", "/organization", headers=headers)
    assert answer == (401, {"statusCode": 401, "message": "Unauthorized"})
    assert world.count("(unknown)", "unauthorized") == 1


@pytest.mark.parametrize("text", [VENDOR, f"{VENDOR}:", f"{VENDOR}:{PARTNER}"])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/service/{id}"), ("POST", "/service")])
async def test_the_vendor_key_will_do_for_the_vendor(ask: Ask, text: str, method: str, path: str) -> None:
    id_ = await make_service(ask)
    more = {"json": SERVICE} if method == "POST" else {}
    assert (await ask(method, path.format(id=id_), headers=token(text), **more))[0] in (200, 201)


async def test_which_vendor_key_is_in_use_is_told(ask: Ask, world: World) -> None:
    old, new = backups(), digest("new-vendor:new-partner")
    rotating = replace(
        old, digests=(new, *old.digests), vendor_digests=(digest("new-vendor"), *old.vendor_digests)
    )
    world.intake.adopt([rotating])
    assert (await ask("POST", "/service", headers=token(VENDOR), json=SERVICE))[0] == 201

    current, other = world.intake.tokens_used()["backups"]
    assert (current, other is not None) == (None, True)


@pytest.mark.parametrize("text", ["wrong", "wrong:", "vendor-key-0123456789abcde"])
async def test_a_wrong_vendor_key(ask: Ask, text: str) -> None:
    assert (await ask("GET", "", headers=token(text)))[0] == 401


async def test_the_token_of_another_kind_does_not_open_it(ask: Ask, world: World) -> None:
    assert (await ask("GET", "/organization", headers=token(DOORBELL_TOKEN)))[0] == 401


async def test_who_asks_too_often_is_told_to_wait(world: World, client: aiohttp.ClientSession) -> None:
    now = 0.0
    world.seconds = lambda: now
    world.intake.adopt([backups(requests_per_second=3)])
    url = world.url(f"{API}/organization")
    answers = []
    for _ in range(4):
        async with client.get(url, headers=token()) as response:
            answers.append((response.status, response.headers.get("Retry-After")))
    assert answers == [(200, None)] * 3 + [(429, "1")]
    now = 0.4
    async with client.get(url, headers=token()) as response:
        assert response.status == 200


async def test_the_store_that_fails_is_told_as_503(
    ask: Ask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise StoreFailed("no", full=True)

    monkeypatch.setattr(world.vendors, "keep", fails)
    status, said = await ask("POST", "/service/s/count", json={"accountId": "c-104", "unitCount": 17})
    assert (status, said["statusCode"]) == (503, 503)
    assert (await ask("POST", "/alerting/c-104", json=ALERT))[0] == 201  # it is in the journal already


async def test_strict_accounts(ask: Ask, world: World) -> None:
    world.intake.adopt([backups(strict_accounts=True, clients={"c-105": "Riverside"})])
    status, said = await ask("POST", "/alerting/c-104", json=ALERT)
    assert (status, said["message"]) == (404, "No account map found with id: c-104")
    assert world.handover.accepted == []
    await ask("POST", "/organization/accounts", json=ACCOUNT)
    assert (await ask("POST", "/alerting/c-104", json=ALERT))[0] == 201
    assert (await ask("POST", "/alerting/c-105", json=ALERT))[0] == 201


# --- the sixteen behaviours of real clients, by their numbers -----------------------------------------


async def test_quirk_1_the_base_address_is_ours_with_api_behind_it(ask: Ask) -> None:
    """What clients have in one line of text is `https://host/api`; everything else is the same."""
    assert (await ask("GET", "/organization"))[0] == 200


async def test_quirk_2_accounts_come_as_a_list_or_bare(ask: Ask) -> None:
    for body in ([ACCOUNT], ACCOUNT):
        status, rows = await ask("POST", "/organization/accounts", json=body)
        assert (status, [row["id"] for row in rows]) == (201, ["c-104"])


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("17.0", "17.0"),
        ("17", "17"),
        ("1532.8847656", "1532.8847656"),
        ("0", "0"),
        ('"17"', "17"),
        ("1e3", "1e3"),
    ],
)
async def test_quirk_3_numbers_are_kept_as_sent(ask: Ask, store: Store, sent: str, kept: str) -> None:
    await ask("POST", "/service/s/count", data=f'{{"accountId":"c-104","unitCount":{sent}}}')
    assert [each.count.count for each in await store.vendors.usage()] == [kept]


async def test_quirk_4_empty_strings_and_nulls(ask: Ask, world: World) -> None:
    body = ALERT | {"serviceId": "", "dueDateTime": None}
    assert (await ask("POST", "/alerting/c-104", json=body))[0] == 201
    [(_, [alert])] = world.handover.accepted
    assert "service" not in alert.labels
    assert "due" not in alert.annotations
    account = ACCOUNT | {"description": None, "isActive": None}
    assert (await ask("POST", "/organization/accounts", json=account))[0] == 201


@pytest.mark.parametrize(
    ("account", "path"),
    [
        ("Harbour Dental", "Harbour+Dental"),
        ("Harbour Dental", "Harbour%20Dental"),
        ("a/b", "a%2fb"),
        ("a+b", "a%2bb"),
        ("a+b", "a+b"),
        ("Server backup + DR", "Server+backup+%2B+DR"),
        ("Zahnärzte", "Zahn%C3%A4rzte"),
    ],
)
async def test_quirk_5_paths_are_encoded_like_forms(ask: Ask, world: World, account: str, path: str) -> None:
    await ask("POST", "/organization/accounts", json={"id": account, "name": "N"})
    await ask("POST", "/organization/services", json={"id": account, **SERVICE})
    world.handover.accepted.clear()
    assert (await ask("PATCH", f"/organization/accounts/{path}", json={"name": "M"}))[1]["id"] == account
    assert (await ask("POST", f"/alerting/{path}", json=ALERT))[0] == 201
    alert = world.handover.accepted[1][1][0]
    assert (alert.labels["client_id"], alert.labels["client"]) == (account, "M")
    count = {"accountId": account, "unitCount": 1}
    assert (await ask("POST", f"/service/{path}/count", json=count))[0] == 201


async def test_what_nobody_has_made_is_kept_under_the_id_that_it_will_get(
    ask: Ask, world: World, store: Store
) -> None:
    assert (await ask("POST", "/alerting/Harbour+Dental", json=ALERT))[0] == 201
    [(_, [before])] = world.handover.accepted
    count = {"accountId": "c-104", "unitCount": 3}
    assert (await ask("POST", "/service/Server+backup/count", json=count))[0] == 404
    await ask("POST", "/organization/accounts", json={"id": "Harbour Dental", "name": "N"})
    await ask("POST", "/organization/services", json={"id": "Server backup", **SERVICE})
    world.handover.accepted.clear()
    assert (await ask("POST", "/alerting/Harbour+Dental", json=ALERT))[0] == 201

    [(_, [after])] = world.handover.accepted
    assert after.fingerprint == before.fingerprint
    [usage] = await store.vendors.usage()
    assert usage.service is not None


@pytest.mark.parametrize(("word", "kept"), [("True", True), ("true", True), ("False", False), ("", False)])
async def test_quirk_6_no_build_in_any_case(ask: Ask, store: Store, word: str, kept: bool) -> None:
    await ask("POST", f"/service/s/count?no_build={word}", json={"accountId": "c", "unitCount": 1})
    assert [each.count.no_build for each in await store.vendors.usage()] == [kept]


async def test_quirk_7_a_patch_without_a_body_or_a_length(world: World) -> None:
    head = f"PATCH {API}/organization/status/pending HTTP/1.1\r\nHost: x\r\n"
    raw = await world.raw(f"{head}Gradient-Token: {token()['GRADIENT-TOKEN']}\r\n\r\n".encode())
    assert raw.startswith(b"HTTP/1.1 200 ")
    assert json.loads(raw.partition(b"\r\n\r\n")[2])["data"]["status"] == "pending"


async def test_quirk_7_an_account_changed_by_a_form(ask: Ask) -> None:
    await ask("POST", "/organization/accounts", json=[ACCOUNT])
    form = {"name": "Harbour & Sons", "description": "ö", "isActive": "False"}
    _, row = await ask("PATCH", "/organization/accounts/c-104", data=form)
    assert (row["name"], row["description"]) == ("Harbour & Sons", "ö")


async def test_quirk_8_every_answer_says_that_it_is_json(ask: Ask) -> None:
    """`ask` checks the header of every answer; here those that are refused."""
    assert (await ask("GET", "/organization", headers={}))[0] == 401
    assert (await ask("POST", "/service/s/count", data=b"{"))[0] == 400
    assert (await ask("POST", "/alerting/c-104", data=b"x" * 300_000))[0] == 413


async def test_quirk_9_ids_are_texts_whatever_was_sent(ask: Ask, store: Store) -> None:
    await ask("POST", "/organization/accounts", data=b'[{"id": 104.0, "name": "N"}]')
    await ask("POST", "/organization/services", json=[{"id": 11, **SERVICE}])
    for id_ in ("104", '"104"', "104.0"):
        body = f'{{"accountId": {id_}, "unitCount": 1}}'
        assert (await ask("POST", "/service/11/count", data=body))[0] == 201
    assert [each.count.account_id for each in await store.vendors.usage()] == ["104"]


async def test_quirk_10_a_message_can_be_asked_for_at_once(ask: Ask) -> None:
    _, sent = await ask("POST", "/alerting/c-104", json=ALERT)
    status, said = await ask("GET", f"/alerting/debug/{sent['messageId']}")
    assert (status, said["status"]) == (200, "pending")


async def test_quirk_11_an_id_of_its_own_for_each_message(ask: Ask, world: World) -> None:
    for number in range(3):
        await ask("POST", "/alerting/c-104", json=ALERT | {"alertId": f"guid-{number}"})
    assert len({alerts[0].fingerprint for _, alerts in world.handover.accepted}) == 1
    assert len({entry.envelope.receipt for entry, _ in world.handover.accepted}) == 3


async def test_quirk_12_json_by_string_interpolation(ask: Ask, world: World) -> None:
    body = (
        '{"title": "Rule "Forward all" was made", "description": "line one\nC:\\Users\\ann said "no"",'
        ' "alertId": "g-1", "priority": 1, "status": 1}'
    )
    status, said = await ask("POST", "/alerting/contoso.onmicrosoft.com", data=body.encode())
    assert (status, said["alertId"]) == (201, "g-1")
    [(_, [alert])] = world.handover.accepted
    assert alert.annotations["title"] == 'Rule "Forward all" was made'
    assert 'said "no"' in alert.annotations["description"]


async def test_quirk_13_a_count_of_zero_is_a_count_and_none_is_none(ask: Ask, store: Store) -> None:
    """Vendors leave out zeros: what they do not say stays as it was, with the time at which they said it."""
    await ask("POST", "/service/s/count", json={"accountId": "c", "unitCount": 17})
    await ask("POST", "/service/s/count", json={"accountId": "d", "unitCount": 0})
    assert [(each.count.account_id, each.count.count) for each in await store.vendors.usage()] == [
        ("c", "17"),
        ("d", "0"),
    ]


async def test_quirk_14_many_small_calls_on_one_connection(ask: Ask, world: World, store: Store) -> None:
    world.intake.adopt([backups(requests_per_second=1000)])
    for number in range(60):
        await ask("GET", "")
        await ask("POST", "/service/s/count", json={"accountId": f"c{number}", "unitCount": number})
    assert len(await store.vendors.usage()) == 60


@pytest.mark.parametrize("count", [None, "", "x", True, -1, [1], {"a": 1}])
async def test_quirk_15_a_count_that_is_none_is_refused(ask: Ask, store: Store, count: Any) -> None:
    status, said = await ask("POST", "/service/s/count", json={"accountId": "c", "unitCount": count})
    assert status == 400
    assert said["message"].startswith("unitCount must be a number")
    assert await store.vendors.usage() == []
    [entry] = await store.entries_since(T0, after=0, limit=9)
    assert b"unitCount" in entry.envelope.body


async def test_quirk_15_an_account_by_its_domain_and_a_service_by_its_name(ask: Ask, store: Store) -> None:
    service = SERVICE | {
        "name": "Exchange Online",
        "category": "infrastructure",
        "subcategory": "hosted email",
    }
    _, vendor = await ask("POST", "/service", json=service)
    id_ = next(sku["_id"] for sku in vendor["skus"] if sku["name"] == "Exchange Online")
    await ask("POST", "/organization/accounts", json={"id": "contoso.onmicrosoft.com", "name": "Contoso"})
    count = {"accountId": "contoso.onmicrosoft.com", "unitCount": 12}
    assert (await ask("POST", f"/service/{id_}/count", json=count))[0] == 201


async def test_quirk_16_bytes_that_are_not_utf_8(ask: Ask, store: Store, world: World) -> None:
    await ask("POST", "/organization/accounts", data='{"id": "z", "name": "Zahnärzte"}'.encode("latin-1"))
    assert [each.name for each in await store.vendors.accounts("backups")] == ["Zahnärzte"]
    body = json.dumps(ALERT | {"title": "Gerät fehlt"}, ensure_ascii=False).encode("latin-1")
    await ask("POST", "/alerting/z", data=body)
    assert world.handover.accepted[-1][1][0].annotations["title"] == "Gerät fehlt"


# --- what nobody should send --------------------------------------------------------------------------

WRITES = [
    ("PATCH", ""),
    ("POST", "/service"),
    ("POST", "/service/s/count"),
    ("POST", "/organization/accounts"),
    ("PATCH", "/organization/accounts"),
    ("POST", "/organization/services"),
    ("PATCH", "/organization/services"),
    ("POST", "/alerting/c"),
]


BAD = [b"", b"{", b"null", b"[]", b"[[]]", b"x", b"\xff\xfe{", b"[" * 999, b'{"a":' * 99]


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_bad_bodies_are_refused_and_kept(ask: Ask, store: Store, method: str, path: str) -> None:
    for body in BAD:
        status, said = await ask(method, path, data=body)
        assert (body, status, said["statusCode"]) == (body, 400, 400)
    assert [entry.envelope.body for entry in await store.entries_since(T0, after=0, limit=99)] == BAD


async def test_an_id_may_not_be_endless(ask: Ask) -> None:
    assert (await ask("POST", "/organization/accounts", json={"id": "x" * 257, "name": "N"}))[0] == 400
    assert (await ask("POST", "/service/s/count", json={"accountId": "x" * 257, "unitCount": 1}))[0] == 400


async def test_what_it_lacks(world: World, client: aiohttp.ClientSession) -> None:
    async with client.delete(world.url(f"{API}/organization/accounts"), headers=token()) as response:
        assert response.status == 405

"""django-autotask: years in a product; its synchronisers fill a database from every page of an entity."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.conf import settings

from tests.clients.books import CODE, COMPANY, NOC, SECRET, USERNAME, Zone

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_extensions", "djautotask"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MIGRATION_MODULES={"djautotask": None},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    LOGGING_CONFIG=None,
    AUTOTASK_SERVER_URL="https://webservices.autotask.net/ATServicesRest/",
    AUTOTASK_CREDENTIALS={
        "username": USERNAME,
        "password": SECRET,
        "integration_code": CODE,
        "rest_api_version": "1.0",
    },
)
django.setup()

from django.core.cache import cache  # noqa: E402 - Django has to be configured first
from django.core.management import call_command  # noqa: E402
from djautotask import api, models, sync  # noqa: E402

ROWS = 1_201
CREATED = 1
UPDATED = 2


@pytest.fixture(scope="module", autouse=True)
def tables() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)


@pytest.fixture(autouse=True)
def empty_database(zone: Zone) -> Iterator[None]:
    cache.clear()
    yield
    call_command("flush", interactive=False, verbosity=0)


def pull(*names: str) -> dict[str, tuple[int, int, int, int]]:
    """Run full synchronisations: created, updated, skipped and deleted rows of each."""
    return {name: getattr(sync, f"{name}Synchronizer")(full=True).sync() for name in names}


def pull_what_tickets_need() -> None:
    pull("Status", "Priority", "Queue", "NoteType", "AccountType", "Resource", "Account")


def make_ticket(**fields: Any) -> Any:
    """Create a ticket as the product does, and return its row."""
    wanted = {
        "title": "Disk full",
        "description": "C: has 1 % left",
        "account": models.Account.objects.get(id=COMPANY),
        "queue": models.Queue.objects.get(id=NOC),
        "status": models.Status.objects.get(id=1),
        "priority": models.Priority.objects.get(id=2),
    }
    ticket, result = sync.TicketSynchronizer().create(**wanted | fields)
    assert result == CREATED
    return ticket


def test_finds_its_zone_over_tls(zone: Zone) -> None:
    assert pull("Status")["Status"][0] == 12
    assert zone.calls() == [
        ("GET", "zoneInformation", 200),
        ("GET", "Tickets/entityInformation/fields/", 200),
    ]


@pytest.mark.parametrize(
    ("name", "truth", "also"),
    [
        ("Account", "companies", {"isActive": True}),
        ("Contact", "contacts", {"isActive": 1}),
        ("TicketCategory", "ticketCategories", {}),
        ("Role", "roles", {}),
        ("Department", "departments", {}),
        ("BillingCode", "billingCodes", {"isActive": True}),
        ("Contract", "contracts", {"status": 1}),
    ],
)
def test_takes_over_every_row(zone: Zone, name: str, truth: str, also: dict[str, Any]) -> None:
    wanted = {row["id"] for row in zone.truth(truth) if also.items() <= row.items()}
    assert pull(name) == {name: (len(wanted), 0, 0, 0)}
    assert set(getattr(models, name).objects.values_list("id", flat=True)) == wanted


def test_takes_over_picklists(zone: Zone) -> None:
    pull("Queue", "Priority", "IssueType", "SubIssueType", "NoteType", "AccountType", "LicenseType")
    assert models.Queue.objects.get(label="NOC").id == NOC
    assert dict(models.Priority.objects.values_list("label", "id"))["Critical"] == 4
    assert models.SubIssueType.objects.get(label="Disk").parent_value.label == "Server"
    assert models.Source.objects.count() == 0


def test_its_own_paging_by_get_sees_every_row(zone: Zone) -> None:
    ids = zone.fill_tickets(ROWS)
    assert pull("Ticket") == {"Ticket": (ROWS, 0, 0, 0)}
    assert list(models.Ticket.objects.order_by("id").values_list("id", flat=True)) == ids
    assert zone.actions("Tickets") == {"query": 1, "next": 2}
    assert {method for method, path, _ in zone.calls() if path.startswith("Tickets/query")} == {"GET"}


def test_its_own_paging_by_post_sees_every_row(zone: Zone) -> None:
    pull("AccountType", "Account")
    zone.fill("CompanyLocations", [{"companyID": COMPANY, "name": f"Site {n}"} for n in range(ROWS)])
    wanted = {row["id"] for row in zone.truth("companyLocations")}
    assert pull("AccountPhysicalLocation")["AccountPhysicalLocation"][0] == len(wanted)
    assert set(models.AccountPhysicalLocation.objects.values_list("id", flat=True)) == wanted
    assert zone.actions("CompanyLocations") == {"query": 1, "next": 2}


def test_a_second_synchronisation_finds_what_has_gone(zone: Zone) -> None:
    ids = zone.fill_tickets(5)
    pull("Ticket")
    zone.control(
        "act",
        [{"act": "delete", "ticket": ids[0]}, {"act": "edit", "ticket": ids[1], "fields": {"title": "New"}}],
    )
    assert pull("Ticket") == {"Ticket": (0, 1, 3, 1)}


def test_creates_and_changes_a_ticket(zone: Zone) -> None:
    pull_what_tickets_need()
    ticket = make_ticket()
    done, result = sync.TicketSynchronizer().update(
        ticket, status=models.Status.objects.get(id=8), title="Disk fuller"
    )
    assert (result, done.ticket_number) == (UPDATED, zone.ticket(ticket.id)["ticketNumber"])
    assert zone.actions("Tickets") == {"create": 1, "read": 2, "update": 1, "metadata": 3}
    truth = zone.ticket(ticket.id)
    assert (truth["title"], truth["status"], truth["description"]) == ("Disk fuller", 8, "C: has 1 % left")


def test_writes_and_reads_notes(zone: Zone) -> None:
    pull_what_tickets_need()
    ticket, notes = make_ticket(), sync.TicketNoteSynchronizer
    kind = models.NoteType.objects.get(id=3)
    note, _ = notes().create(ticket, title="Seen", description="On it", note_type=kind, publish=1)
    notes().update(note, ticket, title="Seen twice")
    zone.control("act", {"act": "note", "ticket": ticket.id, "title": "Called", "text": "at 3"})
    assert pull("TicketNote") == {"TicketNote": (1, 0, 1, 0)}
    assert [each["title"] for each in zone.ticket(ticket.id)["notes"]] == ["Seen twice", "Called"]


def test_attaches_and_detaches_devices(zone: Zone) -> None:
    pull_what_tickets_need()
    ticket, desk = make_ticket(), sync.ConfigurationSynchronizer()
    devices = [row["id"] for row in desk.fetch_available_configurations(COMPANY)]
    assert devices == [row["id"] for row in zone.truth("configurationItems") if row["companyID"] == COMPANY]
    for device in devices[:3]:
        desk.attach_ticket_configuration(ticket.id, device)
    assert desk.fetch_ticket_configuration_ids(ticket.id) == devices[:3]
    truth = zone.ticket(ticket.id)
    assert (truth["configurationItemID"], truth["additionalConfigurationItemIDs"]) == (
        devices[0],
        devices[1:3],
    )
    for device in devices[:2]:
        desk.detach_ticket_configuration(ticket.id, device)
    truth = zone.ticket(ticket.id)
    assert (truth["configurationItemID"], truth["additionalConfigurationItemIDs"]) == (None, devices[2:3])


def test_counts_through_the_query_string(zone: Zone) -> None:
    zone.fill_tickets(7)
    tickets = api.TicketsAPIClient()
    tickets.add_condition(api.ApiCondition(op="eq", field="queueID", value=NOC))
    assert tickets.get(None, record_count=True) == {"queryCount": 7}


def test_an_id_that_does_not_exist_is_not_found(zone: Zone) -> None:
    with pytest.raises(api.AutotaskRecordNotFoundError):
        api.TicketsAPIClient().get_single(999_999)


def test_what_was_deleted_already_is_not_found(zone: Zone) -> None:
    ticket_id = zone.fill_tickets(1)[0]
    gone = type("Gone", (), {"id": 999_999})()
    parent = type("Parent", (), {"id": ticket_id})()
    with pytest.raises(api.AutotaskRecordNotFoundError):
        api.TicketAdditionalConfigurationItemsChildAPIClient().delete(gone, parent)


def test_a_missing_right_is_told_apart(zone: Zone) -> None:
    pull_what_tickets_need()
    zone.control("faults", {"kind": "rights", "entity": "Tickets", "deny": ["create"]})
    with pytest.raises(api.AutotaskSecurityPermissionsException, match="adequate permissions"):
        make_ticket()


def test_a_refusal_carries_the_reason(zone: Zone) -> None:
    pull_what_tickets_need()
    with pytest.raises(
        api.AutotaskAPIServerError, match="title must be less than or equal to 255 characters"
    ):
        make_ticket(title="x" * 256)


def test_bug_false_and_zero_are_left_out_of_a_condition(zone: Zone) -> None:
    """So the company with id 0 cannot be asked for, and inactive people never come."""
    condition = api.ApiCondition(op="eq", field="companyID", value=0)
    assert condition.format_condition() == {"op": "eq", "field": "companyID"}
    people = {row["id"]: row["isActive"] for row in zone.truth("resources")}
    pull("LicenseType", "Resource")
    assert set(models.Resource.objects.values_list("id", flat=True)) == {
        each for each, active in people.items() if active
    }


def test_takes_over_people_and_their_roles(zone: Zone) -> None:
    pulled = pull("LicenseType", "Role", "Resource", "ResourceServiceDeskRole")
    roles = {row["id"]: row["name"] for row in zone.truth("roles")}
    assert dict(models.Role.objects.values_list("id", "name")) == roles
    active = {row["id"] for row in zone.truth("resources") if row["isActive"]}
    pairs = [row for row in zone.truth("resourceServiceDeskRoles") if row["resourceID"] in active]
    assert pulled["ResourceServiceDeskRole"] == (len(pairs), 0, 0, 0)


def test_a_lost_answer_is_told_and_not_repeated(zone: Zone) -> None:
    pull_what_tickets_need()
    zone.control(
        "faults", {"kind": "drop", "when": "after", "endpoint": "Tickets", "action": "create", "count": 1}
    )
    with pytest.raises(api.AutotaskAPIError):
        make_ticket()
    assert len(zone.truth("tickets")) == 1


def test_bug_after_a_move_it_asks_the_old_zone_again(zone: Zone) -> None:
    """It looks the new zone up, and then repeats the old address; the next call would find the way."""
    tickets = api.TicketsAPIClient()
    tickets.add_condition(api.ApiCondition(op="exist", field="id"))
    zone.control("faults", {"kind": "moved_zone", "zone_path": "/zone2/ATServicesRest/"})
    with pytest.raises(api.AutotaskAPIClientError, match="Unauthorized request"):
        tickets.get(None)
    paths = [call["path"] for call in zone.control("calls?limit=100")["calls"] if call["status"] == 401]
    assert paths == ["/ATServicesRest/v1.0/Tickets/query"] * 2
    again = api.TicketsAPIClient()
    again.add_condition(api.ApiCondition(op="exist", field="id"))
    assert again.get(None)["items"] == []


def test_puts_further_people_on_a_ticket_and_takes_them_off(zone: Zone) -> None:
    pull_what_tickets_need()
    pull("Role")
    ticket, people = make_ticket(), sync.TicketSecondaryResourceSynchronizer
    person, role = models.Resource.objects.get(user_name="jnovak"), models.Role.objects.get(id=8)
    added, _ = people().create(ticket, resource=person, role=role, ticket=ticket)
    kept = zone.truth("ticketSecondaryResources")
    assert [(row["ticketID"], row["resourceID"], row["roleID"]) for row in kept] == [
        (ticket.id, person.id, 8)
    ]
    people().delete([added], ticket)
    assert zone.truth("ticketSecondaryResources") == []


def test_attaches_a_file_and_loads_it_back(zone: Zone) -> None:
    """One attachment comes in `items`, and two slashes in a path do for one."""
    ticket_id, files = zone.fill_tickets(1)[0], api.AttachmentInfoAPIClient()
    made = files.upload_attachments(
        ticket_id, {"file": ("smart.txt", io.BytesIO(b"5 reallocated"))}, "Tickets"
    )
    loaded = files.get_attachment(ticket_id, made["itemId"], "Tickets")
    assert (loaded["fullPath"], base64.b64decode(loaded["data"])) == ("smart.txt", b"5 reallocated")

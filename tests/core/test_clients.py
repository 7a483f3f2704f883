"""Whose alerts are: what they say, and what a map makes of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from alertd.core.alerts import Alert, Severity, Status, alert_key
from alertd.core.clients import CompanyMap, CompanyRow, Customer, conflicting, customer_in, parse_id
from alertd.core.conditions import observe
from alertd.core.incidents import customer_of
from tests.core.incident_samples import T0, member, opened

ROWS = CompanyMap(
    [
        CompanyRow(source="auvik", sent="10001", company_id=175, company="Contoso"),
        CompanyRow(source="auvik", sent="Northwind", company_id=12, company="Northwind Traders"),
    ]
)


def alert(source: str = "auvik", **labels: str) -> Alert:
    return Alert(
        source=source, fingerprint="f" * 16, status=Status.FIRING, severity=Severity.LOW, labels=labels
    )


@pytest.mark.parametrize(
    ("labels", "after"),
    [
        ({"client": "northwind "}, {"client": "Northwind Traders", "company_id": "12"}),
        ({"client": "10001", "client_id": "10001"}, {"client": "Contoso", "company_id": "175"}),
        (
            {"client": "Northwind", "client_id": "10001"},  # the number is surer than the name
            {"client": "Contoso", "company_id": "175", "sent_client": "Northwind"},
        ),
        ({"client": "Contoso", "client_id": "10001"}, {"client": "Contoso", "company_id": "175"}),
        ({"client": "Northwind", "company_id": "9"}, {"company_id": "12", "sent_company_id": "9"}),
        (
            {"client": "x", "sent_client": "y", "client_id": "10001"},
            {"client": "Contoso", "sent_client": "y"},
        ),
        ({"client": "Elsewhere"}, {"client": "Elsewhere"}),
        ({}, {}),
    ],
)
def test_a_map_says_which_company_is_meant(labels: dict[str, str], after: dict[str, str]) -> None:
    labelled = ROWS.applied(alert(**labels)).labels
    assert {name: labelled.get(name) for name in after} == after


def test_a_map_is_of_one_source() -> None:
    one = alert("meraki", client="Northwind")
    assert ROWS.applied(one) is one
    assert CompanyMap().applied(one) is one


@pytest.mark.parametrize(
    ("text", "company_id"),
    [("175", 175), (" 175 ", 175), ("0", None), ("", None), ("1.5", None), ("٣", None), ("9" * 20, None)],
)
def test_an_id_is_a_number_and_zero_means_none(text: str, company_id: int | None) -> None:
    assert parse_id(text) == company_id


def test_what_fires_stays_whose_it_was_when_a_row_is_written() -> None:
    sent = alert(client="Northwind", severity="low")
    fired, _ = observe(None, sent, received_at=T0, receipt="r")
    worse = replace(sent, severity=Severity.HIGH, labels={**sent.labels, "severity": "high"})
    changed, _ = observe(fired, ROWS.applied(worse), received_at=T0, receipt="r")
    assert changed.labels == {"client": "Northwind", "severity": "high"}


def test_labels_say_whose_an_alert_is() -> None:
    labels = {"client": "10001", "client_id": "10001", "company_id": "12"}
    customer = customer_in("auvik", labels)
    assert customer == Customer(source="auvik", client="10001", client_id="10001", company_id=12)
    assert customer.is_bare_number
    assert customer_in("auvik", {}) == Customer(source="auvik", client="")


def test_an_incident_is_whose_the_alert_was_that_opened_it() -> None:
    assert customer_of(opened()) == Customer(source="", client="Contoso")


def test_an_incident_of_an_older_release_is_its_first_members() -> None:
    key = alert_key("auvik", "f" * 16)
    older = replace(opened(), customer=None, members={key: member()})
    assert customer_of(older) == Customer(source="auvik", client="Contoso")
    assert customer_of(replace(older, members={})) == Customer(source="", client="Contoso")


def test_what_the_configuration_and_the_map_both_say_is_in_conflict() -> None:
    clients = {"auvik": {" NORTHWIND": "x", "y": "z"}, "meraki": {"10001": "x"}}
    found = conflicting(ROWS.rows.values(), clients)
    assert [row.sent for row in found] == ["Northwind"]


@pytest.mark.parametrize(
    ("customer", "sent"),
    [
        (Customer(source="s", client="nw", client_id="7"), "nw"),
        (Customer(source="s", client="Northwind", client_id="7", company_id=1), "7"),
        (Customer(source="s", client="Northwind", company_id=1, sent_client="nw"), "nw"),
        (Customer(source="s", client="Northwind", company_id=1), "Northwind"),
    ],
)
def test_a_row_that_leads_nowhere_is_replaced_by_what_led_to_it(customer: Customer, sent: str) -> None:
    assert customer.to_map == sent

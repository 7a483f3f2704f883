"""Whatever is sent, the model answers; only a bug escapes as an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.simulator import API_INTEGRATION_CODE, API_SECRET, API_USERNAME, SimRequest, Simulator
from alertd.simulator.entities import Entity
from alertd.simulator.schema import ENTITIES

SIM = Simulator(clock=lambda: 1_772_712_000.0)
ROOTS = sorted(name for name, entity in ENTITIES.items() if entity.has_root)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=5), SCALARS, max_size=2)
OPS = st.sampled_from(
    [
        "eq",
        "noteq",
        "gt",
        "gte",
        "lt",
        "lte",
        "beginsWith",
        "contains",
        "exist",
        "notExist",
        "in",
        "notIn",
        "ne",
    ]
)


def fields(entity: Entity) -> st.SearchStrategy[str]:
    return st.sampled_from([each.name for each in entity.fields] + ["nope"])


@st.composite
def conditions(draw: Any, entity: Entity) -> Any:
    leaf = st.fixed_dictionaries(
        {"op": OPS | VALUES, "field": fields(entity) | VALUES, "value": VALUES}, optional={"udf": VALUES}
    )
    group = st.fixed_dictionaries(
        {"op": st.sampled_from(["and", "or"]), "items": st.lists(leaf, max_size=3) | VALUES}
    )
    return draw(st.lists(leaf | group | VALUES, max_size=3))


@st.composite
def queries(draw: Any) -> tuple[str, Any]:
    name = draw(st.sampled_from(ROOTS))
    body = {"filter": draw(conditions(ENTITIES[name]) | VALUES), "MaxRecords": draw(st.just(50) | VALUES)}
    return name, body | {"IncludeFields": draw(VALUES)}


@st.composite
def writes(draw: Any) -> tuple[str, str, Any]:
    method = draw(st.sampled_from(["POST", "PATCH", "PUT"]))
    path = draw(
        st.sampled_from(
            [
                "Tickets",
                "Tickets/10001/Notes",
                "Tickets/10001/TagAssociations",
                "Tickets/10001/Attachments",
                "Tickets/10001/Charges",
                "Tickets/10001/SecondaryResources",
                "Tags",
                "Companies",
                "Subscriptions",
                "UserDefinedFieldDefinitions",
                "UserDefinedFields/29690001/ListItems",
                "Products/29683001/Tiers",
            ]
        )
    )
    names = st.sampled_from(
        ["id", "status", "title", "companyID", "label", "tagID", "contactID", "description", "queueID"]
    )
    body = draw(
        st.dictionaries(names | st.just("userDefinedFields"), VALUES | st.just(10001), max_size=8) | VALUES
    )
    return method, path, body


VALID: dict[str, dict[str, Any]] = {
    "Tickets/10001/Attachments": {
        "title": "log",
        "fullPath": "log.txt",
        "attachmentType": "FILE_ATTACHMENT",
        "publish": 1,
        "data": "YWxs",
    },
    "Tickets/10001/Charges": {
        "name": "Disk",
        "chargeType": 1,
        "datePurchased": "2026-03-05",
        "unitQuantity": 2,
        "billingCodeID": 1,
    },
    "Tickets/10001/SecondaryResources": {"resourceID": 29682886, "roleID": 8},
    "Subscriptions": {
        "configurationItemID": 4001,
        "subscriptionName": "Backup",
        "materialCodeID": 1,
        "effectiveDate": "2026-01-31",
        "expirationDate": "2026-05-30",
        "periodType": 2,
        "periodPrice": 10.0,
        "status": 1,
    },
    "UserDefinedFieldDefinitions": {"name": "Rack", "dataType": 5, "udfType": 3},
    "UserDefinedFields/29690001/ListItems": {"valueForDisplay": "A1"},
    "Products/29683001/Tiers": {"unitCost": 1.0, "unitPrice": 2.0},
}
DATES = st.sampled_from(["0001-01-01", "9999-12-31", "2026-02-30", "2026-03-05T10:00:00+14:00", "1969-12-31"])


@st.composite
def near_writes(draw: Any) -> tuple[str, Any]:
    path = draw(st.sampled_from(sorted(VALID)))
    names = draw(st.sets(st.sampled_from(sorted(VALID[path])), max_size=2))
    return path, VALID[path] | {name: draw(DATES | VALUES) for name in sorted(names)}


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(near_writes())
def test_any_slip_is_answered(write: tuple[str, Any]) -> None:
    SIM.reset()
    SIM.call("POST", "Tickets", {"companyID": 175, "title": "t", "status": 1, "priority": 2, "queueID": 8})
    assert SIM.call("POST", *write).status in (200, 500)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(queries())
def test_any_query_is_answered(query: tuple[str, Any]) -> None:
    name, body = query
    assert SIM.call("POST", f"{name}/query", body).status in (200, 429, 500)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(writes())
def test_any_write_is_answered(write: tuple[str, str, Any]) -> None:
    SIM.reset()
    SIM.call("POST", "Tickets", {"companyID": 175, "title": "t", "status": 1, "priority": 2, "queueID": 8})
    method, path, body = write
    assert SIM.call(method, path, body).status in (200, 405, 500)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"filter":[' + b'{"op":"and","items":[' * 150 + b"]}" * 150 + b"]}", 500),
        (b'{"filter":[' + b'{"op":"and","items":[' * 90 + b"]}" * 90 + b"]}", 200),
    ],
)
def test_a_body_nested_without_end_is_answered(body: bytes, status: int) -> None:
    headers = {"username": API_USERNAME, "secret": API_SECRET, "apiintegrationcode": API_INTEGRATION_CODE}
    path = "/ATServicesRest/V1.0/Tickets/query"
    assert SIM.handle(SimRequest(method="POST", path=path, headers=headers, body=body)).status == status

from __future__ import annotations

from typing import Any

import pytest

from alertd.autotask.queries import AllOf, AnyOf, Condition, Query, Where, holds


@pytest.mark.parametrize("op", ["ne", "neq", "noteExist", "startsWith", "EQ", "and"])
def test_an_operator_that_the_server_would_drop_is_refused(op: str) -> None:
    with pytest.raises(ValueError, match="dropped"):
        Where(op, "externalID", "x")


def test_the_body_is_as_the_help_says() -> None:
    query = Query(
        entity="Tickets",
        conditions=(
            Where("eq", "companyID", 175),
            AnyOf((Where("eq", "externalID", "al-7"), Where("eq", "Alert Key", "al-7", udf=True))),
            Where("exist", "queueID"),
        ),
        fields=("title",),
        limit=100,
    )
    assert query.body(after=7) == {
        "MaxRecords": 100,
        "IncludeFields": ["id", "title", "companyID", "externalID", "Alert Key", "queueID"],
        "filter": [
            {"op": "eq", "field": "companyID", "value": 175},
            {
                "op": "or",
                "items": [
                    {"op": "eq", "field": "externalID", "value": "al-7"},
                    {"op": "eq", "field": "Alert Key", "value": "al-7", "udf": True},
                ],
            },
            {"op": "exist", "field": "queueID"},
            {"op": "gt", "field": "id", "value": 7},
        ],
    }


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Query(entity="Tickets", conditions=(), fields=()), id="no condition"),
        pytest.param(
            lambda: Query(entity="T", conditions=(Where("eq", "id", 1),), fields=(), limit=501), id="501 rows"
        ),
        pytest.param(lambda: Where("in", "id", tuple(range(501))), id="501 values"),
        pytest.param(lambda: Where("in", "id", ()), id="no value"),
        pytest.param(
            lambda: Query(
                entity="T", conditions=(AnyOf(tuple(Where("eq", "id", n) for n in range(501))),), fields=()
            ),
            id="501 alternatives",
        ),
        pytest.param(
            lambda: Query(
                entity="T",
                conditions=(Where("eq", "a", 1, udf=True), Where("eq", "b", 1, udf=True)),
                fields=(),
            ),
            id="two user-defined fields",
        ),
    ],
)
def test_what_the_server_would_refuse_is_refused_here(make: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()


ROW = {
    "id": 5,
    "title": "Disk Full",
    "companyID": 0,
    "queueID": None,
    "isActive": True,
    "createDate": "2026-03-05T20:55:15.363Z",
    "userDefinedFields": [{"name": "Alert Key", "value": "k1"}],
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Where("eq", "companyID", 0), True),
        (Where("eq", "title", "disk full"), True),
        (Where("eq", "title", "disk"), False),
        (Where("noteq", "queueID", 5), True),
        (Where("eq", "queueID", 5), False),
        (Where("gt", "id", 4), True),
        (Where("gt", "id", 5), False),
        (Where("lte", "id", 5), True),
        (Where("gt", "title", 5), False),
        (Where("beginsWith", "title", "DISK"), True),
        (Where("endsWith", "title", "full"), True),
        (Where("contains", "title", "k f"), True),
        (Where("contains", "title", "zz"), False),
        (Where("exist", "queueID"), False),
        (Where("notExist", "queueID"), True),
        (Where("in", "id", (4, 5)), True),
        (Where("notIn", "id", (4, 5)), False),
        (Where("eq", "isActive", True), True),
        (Where("gte", "createDate", "2026-03-05T20:55:15Z"), True),
        (Where("lt", "createDate", "2026-03-05T20:55:15Z"), False),
        (Where("eq", "Alert Key", "k1", udf=True), True),
        (Where("eq", "Alert Key", "k2", udf=True), False),
        (Where("eq", "absent", "x"), False),
        (AnyOf((Where("eq", "id", 1), Where("eq", "id", 5))), True),
        (AllOf((Where("eq", "id", 1), Where("eq", "id", 5))), False),
    ],
    ids=str,
)
def test_a_row_is_checked_against_what_was_asked(condition: Condition, expected: bool) -> None:
    assert holds(condition, ROW) is expected

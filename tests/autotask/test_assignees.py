"""To whom tickets may be assigned, and what is said where a pair is none that Autotask takes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from alertd.autotask.assignees import Assignee, Staff, ties_of
from alertd.autotask.picklists import NoChoice

PEOPLE = (
    {"id": 1, "firstName": "Omar", "lastName": "Haddad", "email": "omar@msp.example", "isActive": True},
    {"id": 2, "firstName": "Jana", "lastName": "Novak", "userName": "jnovak", "isActive": True},
    {"id": 3, "firstName": "Piet", "lastName": "Visser", "isActive": False},
    {"id": 4, "firstName": "Ann", "lastName": "Reed", "email": "ann@one.example", "isActive": True},
    {"id": 5, "firstName": "Ann", "lastName": "Reed", "email": "ann@two.example", "isActive": True},
)
STAFF = Staff(
    resources=PEOPLE,
    roles=(
        {"id": 8, "name": "Technician", "isActive": True},
        {"id": 9, "name": "Senior Technician", "isActive": True},
        {"id": 10, "name": "Retired", "isActive": False},
    ),
    desk_roles=(
        {"resourceID": 1, "roleID": 8, "isActive": True, "isDefault": False},
        {"resourceID": 2, "roleID": 8, "isActive": True, "isDefault": False},
        {"resourceID": 2, "roleID": 9, "isActive": True, "isDefault": True},
        {"resourceID": 4, "roleID": 8, "isActive": True, "isDefault": False},
        {"resourceID": 4, "roleID": 9, "isActive": True, "isDefault": False},
    ),
    other_roles=(
        {"resourceID": 1, "roleID": 9, "isActive": False},
        {"resourceID": 1, "roleID": 10, "isActive": True},
    ),
    queues=(
        {"queueID": 5, "resourceID": 1},
        {"queueID": 5, "resourceID": 2},
        {"queueID": 5, "resourceID": 4},
    ),
)


@pytest.mark.parametrize(
    ("resource", "role", "wanted"),
    [
        ("omar  haddad", None, Assignee(1, 8)),  # the only active pair
        ("OMAR@msp.example", "technician", Assignee(1, 8)),
        (1, 8, Assignee(1, 8)),
        ("jnovak", None, Assignee(2, 9)),  # the default one
        ("jnovak", "Technician", Assignee(2, 8)),
    ],
)
def test_a_pair_is_found(resource: int | str, role: int | str | None, wanted: Assignee) -> None:
    assert STAFF.find(resource, role) == wanted


@pytest.mark.parametrize(
    ("resource", "role", "why"),
    [
        ("Nobody", None, "resource 'Nobody' does not exist"),
        ("Piet Visser", None, "resource 'Piet Visser' (3) is inactive"),
        ("Ann Reed", None, "resource 'Ann Reed' is several: 4, 5; name one by its id"),
        (5, None, "resource 5 is in no queue"),
        (
            4,
            None,
            "resource 4 has several roles, or none: name one as role; 'Senior Technician', 'Technician'",
        ),
        (1, "Senior Technician", "role 'Senior Technician' is none of resource 1; there are 'Technician'"),
        (1, "Retired", "role 'Retired' (10) is inactive"),
        (1, "Plumber", "role 'Plumber' does not exist"),
    ],
)
def test_a_pair_that_autotask_would_refuse_is_told(
    resource: int | str, role: int | str | None, why: str
) -> None:
    found = STAFF.find(resource, role)
    assert isinstance(found, NoChoice)
    assert found.why.startswith(why)


def test_who_is_in_a_queue_is_not_held_against_anybody_where_it_cannot_be_told() -> None:
    blind = replace(STAFF, queues=None, desk_roles=({"resourceID": 5, "roleID": 8, "isActive": True},))
    assert blind.find(5, None) == Assignee(5, 8)


def test_nothing_is_asked_about_people_who_are_not_there() -> None:
    assert ties_of(PEOPLE, ["Nobody", "Ann Reed"]) == {}
    assert set(ties_of(PEOPLE, ["Nobody", 1])) == {"desk_roles", "other_roles", "queues"}

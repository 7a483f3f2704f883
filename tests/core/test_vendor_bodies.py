"""Bodies of the vendor API, as its clients send them and as nobody should."""

from __future__ import annotations

from typing import Any

import pytest

from alertd.core import vendor_bodies as bodies
from alertd.core.reading.bodies import Body
from alertd.core.vendor_bodies import BadBody, CountSaid
from alertd.core.vendors import AccountChange, ProfileChange, ServiceChange


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"accountId":"c-104","unitCount":17}', CountSaid("c-104", "17")),
        (b'{"accountId":104,"unitCount":17.0,"more":[{"x":1.5}]}', CountSaid("104", "17.0")),
        (b'{"accountId":104.0,"unitCount":"17"}', CountSaid("104", "17")),
        (b'{"accountId":null,"clientOId":"o1","unitCount":0.10}', CountSaid("o1", "0.10")),
        (b'{"accountId":"a\nb","unitCount":1e2,}', CountSaid("a\nb", "100")),
        (b"accountId=c-104&unitCount=17.50", CountSaid("c-104", "17.50")),
        (b'"{\\"accountId\\":\\"c\\",\\"unitCount\\":3}"', CountSaid("c", "3")),
        (b'[{"accountId":"c","unitCount":3}]', CountSaid("c", "3")),
        ('{"accountId":"Zahnärzte","unitCount":1}'.encode("latin-1"), CountSaid("Zahnärzte", "1")),
        (b'{"accountId":"17.0","unitCount":1}', CountSaid("17.0", "1")),
    ],
)
def test_counts(raw: bytes, said: CountSaid) -> None:
    assert bodies.read_count(Body(raw=raw)) == said


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"accountId":"c","unitCount":null}', "unitCount must be a number"),
        (b'{"accountId":"c"}', "unitCount must be a number"),
        (b'{"accountId":"c","unitCount":NaN}', "unitCount must be a number"),
        (b'{"accountId":"c","unitCount":true}', "unitCount must be a number"),
        (b'{"accountId":"c","unitCount":-1}', "unitCount must be a number"),
        (b'{"accountId":"c","unitCount":[1]}', "unitCount must be a number"),
        (b'{"accountId":"","unitCount":1}', "accountId must be a string"),
        (b'{"accountId":"%s","unitCount":1}' % (b"x" * 257), "accountId must be a string"),
        (b"[]", "send an object"),
        (b"null", "the body cannot be read"),
        (b"", "the body cannot be read: the body is empty"),
        (b"[" * 9999, "the body cannot be read"),
        (b"[{}, {}]", "send one object"),
    ],
)
def test_no_counts(raw: bytes, why: str) -> None:
    with pytest.raises(BadBody, match=f"^{why}"):
        bodies.read_count(Body(raw=raw))


def test_the_query_is_no_body() -> None:
    with pytest.raises(BadBody):
        bodies.object_of(Body(raw=b"", query=(("name", "x"),)))


def test_an_account() -> None:
    item = {"id": 7, "name": "N", "description": None, "isActive": "False", "isArrears": True, "x": 1}
    wanted = AccountChange(id="7", name="N", is_active=False, is_arrears=True)
    assert bodies.account_change(item, is_new=True) == wanted
    assert bodies.account_change({"id": "8", "isActive": "perhaps"}, "7") == AccountChange(id="7")


@pytest.mark.parametrize(
    "item", [{"name": "N"}, {"id": "x" * 257, "name": "N"}, {"id": "7"}, {"id": "7", "name": ""}]
)
def test_a_new_account_needs_id_and_name(item: dict[str, Any]) -> None:
    with pytest.raises(BadBody):
        bodies.account_change(item, is_new=True)


def test_a_service() -> None:
    item = {"_id": "s", "name": "S", "supportArticle": "a", "supportContact": "c", "logo": "l"}
    wanted = ServiceChange(id="s", name="S", support_article="a", support_contact="c", logo="l")
    assert bodies.service_change(item) == wanted
    assert bodies.service_name(item) == "S"
    with pytest.raises(BadBody, match="name must be a string"):
        bodies.service_name({"name": None})
    with pytest.raises(BadBody, match="id must be a string"):
        bodies.service_change({"name": "S"})


def test_a_profile() -> None:
    item = {"vendorSupportPageUrl": "https://x.example", "name": ""}
    assert bodies.profile_change(item) == ProfileChange(name="", support_url="https://x.example")
    with pytest.raises(BadBody, match="send at least one of name"):
        bodies.profile_change({"vendor": "x"})


def test_a_status() -> None:
    assert [bodies.status_of(name) for name in bodies.STATUSES] == list(bodies.STATUSES)
    with pytest.raises(BadBody, match="status must be one of"):
        bodies.status_of("ACTIVE")


def test_whether_it_is_a_list() -> None:
    assert bodies.is_list(Body(raw=b"[{}]"))
    assert not bodies.is_list(Body(raw=b'{"a": 1}'))

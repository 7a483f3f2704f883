"""Bodies of Gradient's vendor API, read into what they change. Unknown fields are passed over.

Ids come as texts or numbers, booleans as words, objects as JSON or as forms; what is missing is said in the
words of the original, since people find those in its clients' logs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from alertd.core.reading import trees
from alertd.core.reading.bodies import Body, Unreadable
from alertd.core.reading.fields import text_of
from alertd.core.reading.trees import Tree
from alertd.core.vendors import (
    AccountChange,
    IntegrationStatus,
    ProfileChange,
    ServiceChange,
    is_count,
)

LONGEST_ID = 256
STATUSES: tuple[IntegrationStatus, ...] = get_args(IntegrationStatus)

_WHOLE = re.compile(r"([+-]?\d+)\.0+")
_PROFILE = ("name", "description", "vendorSupportPageUrl", "integrationPortalUrl")


class BadBody(Exception):
    """A body that says too little, or what cannot be. The text is for the answer."""


class CountSaid(msgspec.Struct, frozen=True):
    """A unit count as it was sent: of an account, by its vendor's id or, as clients once did, by ours."""

    account_id: str
    count: str


class _Digits(str):
    """A number of a JSON text, digit for digit."""

    __slots__ = ()


def objects_of(body: Body) -> list[dict[str, Tree]]:
    """Return the objects of a body that holds one or a list of them.

    Raises:
        BadBody: It holds something else, or nothing.
    """
    tree = _tree(body)
    items = tree if isinstance(tree, list) else [tree]
    if not items or not all(isinstance(item, dict) for item in items):
        raise BadBody("send an object, or a list of objects")
    return items


def is_list(body: Body) -> bool:
    """Whether the objects came in a list."""
    return isinstance(_tree(body), list)


def object_of(body: Body) -> dict[str, Tree]:
    """Return the one object of a body.

    Raises:
        BadBody: It holds something else, or nothing.
    """
    items = objects_of(body)
    if len(items) != 1:
        raise BadBody("send one object")
    return items[0]


def id_of(value: Tree) -> str:
    """Return an id as text, however it was sent: 17, 17.0 and "17" are one."""
    text = text_of(value)
    whole = _WHOLE.fullmatch(text) if not isinstance(value, str) or isinstance(value, _Digits) else None
    return whole[1] if whole else text


def account_change(
    item: Mapping[str, Tree], id_: str | None = None, *, is_new: bool = False
) -> AccountChange:
    """Return what an object says of an account.

    Args:
        item: The object.
        id_: Of the account, where the path has it.
        is_new: Whether it has to say all that an account needs.

    Raises:
        BadBody: It does not.
    """
    said = _checked_id(id_ or id_of(item.get("id")))
    name = _text(item, "name")
    if is_new and not name:
        raise BadBody("name must be a string")
    return AccountChange(
        id=said,
        name=name,
        description=_text(item, "description"),
        is_active=flag(_text(item, "isActive") or ""),
        is_arrears=flag(_text(item, "isArrears") or ""),
    )


def service_change(item: Mapping[str, Tree], id_: str | None = None) -> ServiceChange:
    """Return what an object says of a service.

    Raises:
        BadBody: It says not of which.
    """
    said = _checked_id(id_ or id_of(item.get("id")) or id_of(item.get("_id")))
    return ServiceChange(
        id=said,
        name=_text(item, "name"),
        description=_text(item, "description"),
        category=_text(item, "category"),
        subcategory=_text(item, "subcategory"),
        logo=_text(item, "logo"),
        support_article=_text(item, "supportArticle"),
        support_contact=_text(item, "supportContact"),
    )


def service_name(item: Mapping[str, Tree]) -> str:
    """Return the name of a service to be made.

    Raises:
        BadBody: It has none.
    """
    name = text_of(item.get("name"))
    if not name:
        raise BadBody("name must be a string")
    return name


def profile_change(item: Mapping[str, Tree]) -> ProfileChange:
    """Return what an object says of a vendor.

    Raises:
        BadBody: It says nothing that can be changed.
    """
    name, description, support_url, portal_url = (_text(item, each) for each in _PROFILE)
    if (name, description, support_url, portal_url) == (None,) * 4:
        raise BadBody(f"send at least one of {', '.join(_PROFILE)}")
    return ProfileChange(name=name, description=description, support_url=support_url, portal_url=portal_url)


def status_of(word: str) -> IntegrationStatus:
    """Return the status that a path names. Its case counts, as with the original.

    Raises:
        BadBody: There is none of this name.
    """
    for status in STATUSES:
        if status == word:
            return status
    raise BadBody(f"status must be one of the following values: {', '.join(STATUSES)}")


def read_count(body: Body) -> CountSaid:
    """Return the count that a body holds, its digits as sent.

    Raises:
        BadBody: It holds none, or not of which account.
    """
    item = _exact_object(body)
    value = item.get("unitCount")
    count = "" if isinstance(value, (bool, dict, list)) else text_of(value)
    if not is_count(count):
        raise BadBody("unitCount must be a number conforming to the specified constraints, and not negative")
    return CountSaid(_account_id(item), count)


def _account_id(item: Mapping[str, Tree]) -> str:
    found = id_of(item.get("accountId")) or id_of(item.get("clientOId"))
    if not found or len(found) > LONGEST_ID:
        raise BadBody("accountId must be a string")
    return found


def _exact_object(body: Body) -> dict[str, Tree]:
    """Return the object with its numbers as they were written, which a tree does not keep."""
    try:
        tree: Any = json.loads(
            body.raw, parse_int=_Digits, parse_float=_Digits, parse_constant=lambda _: None, strict=False
        )
        tree = trees.normalised(tree) if not isinstance(tree, dict) else _cleaned(tree)
    except (ValueError, RecursionError, Unreadable):
        return object_of(body)
    return tree if isinstance(tree, dict) else object_of(body)


def _cleaned(tree: dict[str, Tree]) -> dict[str, Tree]:
    """Return it with its texts cleaned, and its numbers left alone."""
    return {
        name: value if isinstance(value, _Digits) else trees.normalised(value) for name, value in tree.items()
    }


def _tree(body: Body) -> Tree:
    try:
        return trees.tree_of(msgspec.structs.replace(body, query=()))
    except Unreadable as exc:
        raise BadBody(f"the body cannot be read: {exc.detail}") from None


def _checked_id(id_: str) -> str:
    if not id_ or len(id_) > LONGEST_ID:
        raise BadBody("id must be a string")
    return id_


def _text(item: Mapping[str, Tree], name: str) -> str | None:
    value = item.get(name)
    return None if value is None else text_of(value)


def flag(text: str) -> bool | None:
    """Return what a word for true or false says, in any case; None: it says neither."""
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower())

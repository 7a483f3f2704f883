"""Payloads whose fields hold another type than is documented: read, or parked, and nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from alertd.core.reading.bodies import Body, Unreadable
from alertd.core.sources import kinds
from tests.core.test_sources_mutations import CASES_EACH, TOKEN, check
from tests.payloads import cases

NOW = datetime(2026, 9, 1, tzinfo=UTC)
STRANGERS: list[Any] = [
    *(None, True, False, 0, -1, 1e300, 2**70, "", " ", "null", "0", "x" * 300, "\x00", "a\nb"),
    *([], [None], [[]], {}, {"a": {}}, ["x", {"y": 1}], [1, 2], "{", "[]", '{"a": 1}'),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "arn:", "://", "/", "%"),
]


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container and key (or index) of a tree."""
    if isinstance(tree, (dict, list)):
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from places(tree[key])


def json_payloads(kind: str) -> list[Any]:
    found = (parsed(case.raw) for case in cases(kind))
    return [unwrapped(tree) for tree in found if isinstance(tree, (dict, list))]


def parsed(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def unwrapped(tree: Any) -> Any:
    """Return the tree with what it holds as JSON in a text as a tree too: SNS wraps its messages so."""
    message = tree.get("Message") if isinstance(tree, dict) else None
    inner = parsed(message) if isinstance(message, str) else None
    return tree | {"Message": inner} if isinstance(inner, dict) else tree


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_fields_of_other_types(kind: str) -> None:
    profile = kinds.compile_profile(kinds.KINDS[kind].settings.model_validate(TOKEN | {"kind": kind}))
    dice = random.Random(20260903)
    payloads = json_payloads(kind)
    for number in range(CASES_EACH if payloads else 0):
        tree = json.loads(json.dumps(payloads[number % len(payloads)]))
        for _ in range(dice.randint(1, 3)):
            holder, key = dice.choice(list(places(tree)) or [([0], 0)])
            holder[key] = deepcopy(dice.choice(STRANGERS))  # it may be changed in its turn
        raw = kinds.redact(json.dumps(tree).encode(), profile)
        try:
            reading = kinds.read(Body(raw=raw), profile, received_at=NOW)
        except Unreadable:
            continue
        for alert in reading.alerts:
            check(alert)

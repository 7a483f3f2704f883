"""Routing trees, labels and matcher strings, generated from a seed, to compare readers of them."""

from __future__ import annotations

import json
import random
from typing import Any

import tomli

from alertd.config.importing.reading import read_alertmanager
from alertd.config.importing.writing import as_configuration
from alertd.core.matcher_syntax import quote
from alertd.core.route_settings import RootRouteSettings
from alertd.core.routes import Route, build_tree, group_labels, match

NAMES = ["team", "site", "service", "env", "kind"]
WIDE_NAMES = ["ünï", "service.name", "a b"]  # UTF-8 names: 0.27 and later
VALUES = [
    "",
    "a",
    "b",
    "ab",
    "a.b",
    "a\nb",
    "A",
    "critical",
    "é",
    "7",
    'say "x"',
    "c:\\tmp",
    "a|b",
    "x,y",
    "}",
]
PATTERNS = [
    *("a|b", "a.*", ".+", ".*", "", "[ab]+", "(?i)a", "(?s)a.b", "a.b", "^a$", "a||b", "(?:a|b)?", "é+"),
    *("a\\.b", "\\w+", "[0-9]", "critical|warning", "[^a]*", "a{1,2}", "x,y|}"),
]
_OPERATORS = ["=", "!=", "=~", "!~"]


def a_tree(rng: random.Random, *, names: list[str], empty_lists: bool = False) -> dict[str, Any]:
    """Return a root route as in alertmanager.yml, at most four levels below, each with a receiver."""
    root: dict[str, Any] = {"receiver": "r", "routes": _children(rng, names, "r", 1, empty_lists)}
    if rng.random() < 0.7:
        root["group_by"] = _group_by(rng, names, empty=True)
    return root


def _children(
    rng: random.Random, names: list[str], above: str, depth: int, empty_lists: bool
) -> list[dict[str, Any]]:
    if depth > 4:
        return []
    most = {1: 6, 2: 4, 3: 3, 4: 2}[depth]
    routes = []
    for number in range(rng.randrange(1 if depth == 1 else 0, most)):
        receiver = f"{above}.{number}"
        route: dict[str, Any] = {"receiver": receiver} | _matching(rng, names)
        if rng.random() < 0.4:
            route["continue"] = True
        if rng.random() < 0.4:
            route["group_by"] = _group_by(rng, names, empty=empty_lists)
        if below := _children(rng, names, receiver, depth + 1, empty_lists):
            route["routes"] = below
        routes.append(route)
    return routes


def _group_by(rng: random.Random, names: list[str], *, empty: bool) -> list[str]:
    chance = rng.random()
    if chance < 0.2:
        return ["..."]
    if chance < 0.4 and empty:
        return []
    return rng.sample(["alertname", *names], rng.randrange(1, 4))


def _matching(rng: random.Random, names: list[str]) -> dict[str, Any]:
    """Return matchers in one of the three ways, or several of them."""
    route: dict[str, Any] = {}
    for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3])):
        classic = [name for name in names if name in NAMES]
        match rng.randrange(6):
            case 0:
                route.setdefault("match", {})[rng.choice(classic)] = rng.choice(VALUES)
            case 1:
                route.setdefault("match_re", {})[rng.choice(classic)] = rng.choice(PATTERNS)
            case _:
                route.setdefault("matchers", []).append(_entry(rng, names))
    return route


def _entry(rng: random.Random, names: list[str]) -> str:
    text = ",".join(_good_matcher(rng, names) for _ in range(rng.choice([1, 1, 1, 2])))
    return f"{{{text}}}" if rng.random() < 0.2 else text


def _good_matcher(rng: random.Random, names: list[str]) -> str:
    operator = rng.choice(_OPERATORS)
    name = rng.choice(names)
    written = name if name in NAMES else quote(name)
    value = rng.choice(PATTERNS if "~" in operator else VALUES)
    plain = value.isalnum() and rng.random() < 0.5
    only_classic = all(each in NAMES for each in names)  # an escape that Go does not know is classic alone
    loose = (
        only_classic and "\\" in value and "\\\\" not in value and "\n" not in value and rng.random() < 0.5
    )
    said = (
        value if plain else f'"{value}"' if loose and '"' not in value and written is name else quote(value)
    )
    space = rng.choice(["", "", " "])
    return f"{written}{space}{operator}{space}{said}"


def label_sets(rng: random.Random, count: int, *, names: list[str]) -> list[dict[str, str]]:
    """Return label sets without empty values; `alertname` tells them apart."""
    sets = []
    for number in range(count):
        chosen = {name: rng.choice(VALUES) for name in names if rng.random() < 0.6}
        sets.append({"alertname": f"A{number}"} | {name: value for name, value in chosen.items() if value})
    return sets


def receivers_of(route: dict[str, Any]) -> list[str]:
    """Return the receivers of a tree, each once."""
    return [route["receiver"], *(name for child in route.get("routes", []) for name in receivers_of(child))]


def file_of(route: dict[str, Any]) -> str:
    """Return an alertmanager.yml. JSON is YAML."""
    receivers = [{"name": name} for name in receivers_of(route)]
    return json.dumps({"route": route, "receivers": receivers}, ensure_ascii=False)


def imported(text: str) -> Route:
    """Return our tree as `import-alertmanager` writes it and the configuration reads it."""
    document = tomli.loads(as_configuration(read_alertmanager(text, "alertmanager.yml"), file="it"))
    return build_tree(RootRouteSettings.model_validate(document["route"]))


def our_receivers(tree: Route, labels: dict[str, str]) -> list[str]:
    return [matched.policy.board for matched in match(tree, labels)]


def our_groups(tree: Route, sets: list[dict[str, str]]) -> dict[tuple[str, frozenset[Any]], set[str]]:
    """Return the alerts' names by (receiver, labels of the group)."""
    groups: dict[tuple[str, frozenset[Any]], set[str]] = {}
    for labels in sets:
        for matched in match(tree, labels):
            key = (matched.policy.board, frozenset(group_labels(matched, labels).items()))
            groups.setdefault(key, set()).add(labels["alertname"])
    return groups


_PIECES = [
    *("team", "site", '"team"', "a:b", "1a", "ünï", '"a b"', "", "service.name", "'team'", "_x", "team-x"),
]
_SIGNS = ["=", "!=", "=~", "!~", "=", "!=", "=~", "!~", "==", "!", "~", " = ", "\t=~ ", "=!", "<"]
_SAID = [
    *("a", '"a"', '""', "", '"a|b"', "a|b", '"a', 'a"', '"a\\"b"', '"\\x41"', '"\\u00e9"', '"\\n"', "\\n"),
    *('"a,b"', "a,b", "'a'", "`a`", "a b", '"a b"', "é", '"é"', '"c:\\tmp"', '"c:\\\\tmp"', "c:\\tmp", "a\\"),
    *(
        '"a\\\\"',
        "{a}",
        "a}",
        "[ab]+",
        '"[ab]+"',
        '"("',
        "(",
        '"a"b',
        '"\\d+"',
        '"a\\.b"',
        "a\\.b",
        "\\",
        '"\\"',
    ),
    *("a.*", "x\\,y", '"\\101"', '"\\q"', "~a", "=a", '" a "', "\u00a0a", "7", "-", "*", '"*"'),
]


def matcher_texts(rng: random.Random, count: int) -> list[str]:
    """Return different texts that are matchers, nearly matchers, and nothing of the kind."""
    texts: dict[str, None] = {}
    while len(texts) < count:
        text = rng.choice(_PIECES) + rng.choice(_SIGNS) + rng.choice(_SAID)
        if rng.random() < 0.15:
            text = rng.choice(["{", " ", "", ","]) + text + rng.choice(["}", " ", "", ",", ",,"])
        if rng.random() < 0.1:
            text = f"{text},{rng.choice(_PIECES)}{rng.choice(_SIGNS)}{rng.choice(_SAID)}"
        texts[text] = None
    return list(texts)

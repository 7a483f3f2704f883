"""The route grammar: from a path and a verb to an action on an entity, or 404, or 405."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alertd.simulator.entities import Entity
from alertd.simulator.schema import BY_LOWER_NAME, CHILDREN
from alertd.simulator.wire import SimRequest, not_found, wrong_verb

_ROOT = re.compile(r"^(?P<prefix>(?:/[^/]+)*?)/(?P<root>atservicesrest)(?:/(?P<rest>.*))?$", re.IGNORECASE)
_ID = re.compile(r"^-?\d{1,18}$")
_SERVICES = {
    "zoneinformation": "ZoneInformation",
    "thresholdinformation": "ThresholdInformation",
    "entityinformation": "EntityInformation",
}
_GET = frozenset({"GET"})
_READ = frozenset({"GET", "POST"})
_VERB_LABELS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
_INFORMATION = {(): "info", ("fields",): "fields", ("userdefinedfields",): "udfs"}


@dataclass(frozen=True, kw_only=True)
class Address:
    """A path taken apart: what stands before the API root, the root as written, and the rest."""

    prefix: str
    root: str
    segments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What a request asks for. `verbs` are those that exist at this place."""

    action: str
    endpoint: str
    verbs: frozenset[str] = _GET
    entity: Entity | None = None
    parent_id: int | None = None
    item_id: int | None = None


def _action_label(route: Route, method: str) -> str:
    """Return what a request does in one word, for the ledger."""
    if route.action in ("write", "children", "item"):
        return _VERB_LABELS.get(method, "read")
    return route.action if route.action in ("query", "count", "next") else "metadata"


def take_apart(path: str) -> Address | None:
    """Return the address, or None for a path outside the API root."""
    match = _ROOT.match(path)
    if match is None:
        return None
    segments = tuple(part for part in (match["rest"] or "").split("/") if part)
    return Address(prefix=match["prefix"], root=match["root"], segments=segments)


def resolve(request: SimRequest, address: Address) -> Route:
    """Return the route.

    Raises:
        ApiError: 404 for a place that does not exist, 405 for a verb it does not have.
    """
    lower = tuple(part.lower() for part in address.segments)
    route = _find(lower)
    if route is None:
        raise not_found(request)
    if request.method not in route.verbs:
        raise wrong_verb(request.method)
    return route


def name_call(address: Address | None, method: str) -> tuple[str, str]:
    """Return the endpoint a call counts for, and its action; also where the route does not exist."""
    lower = tuple(part.lower() for part in address.segments) if address else ()
    route = _find(lower)
    if route is not None:
        return route.endpoint, _action_label(route, method)
    entity = BY_LOWER_NAME.get(lower[1]) if len(lower) > 1 else None
    return (entity.name if entity else "?"), ""


def _find(segments: tuple[str, ...]) -> Route | None:
    if segments == ("versioninformation",):
        return Route(action="version", endpoint="VersionInformation")
    if len(segments) < 2 or segments[0] != "v1.0":
        return None
    name, rest = segments[1], segments[2:]
    if name in _SERVICES:
        service = _SERVICES[name]
        return None if rest else Route(action=service, endpoint=service)
    entity = BY_LOWER_NAME.get(name)
    found = None if entity is None else _in_entity(entity, rest)
    return found or _below(name, rest)


def _in_entity(entity: Entity, rest: tuple[str, ...]) -> Route | None:
    match rest:
        case ():
            return (
                _route("write", entity, verbs=entity.root_verbs - {"DELETE"}) if entity.root_verbs else None
            )
        case ("query",) | ("query", "count") | ("query", "next") if entity.has_root:
            return _route(rest[-1], entity, verbs=_READ)
        case ("entityinformation", *more):
            return _information(entity, tuple(more))
        case (item,) if _ID.match(item) and entity.has_root:
            return _route("item", entity, verbs=_GET | (entity.root_verbs & {"DELETE"}), item_id=int(item))
        case _:
            return None


def _below(name: str, rest: tuple[str, ...]) -> Route | None:
    if len(rest) < 2 or not _ID.match(rest[0]):
        return None
    child = CHILDREN.get((name, rest[1]))
    return None if child is None else _in_child(child, int(rest[0]), rest[2:])


def _in_child(child: Entity, parent_id: int, rest: tuple[str, ...]) -> Route | None:
    match rest:
        case ():
            verbs = (frozenset() if child.write_only else _GET) | (child.child_verbs - {"DELETE"})
            return _route("children", child, verbs=verbs, parent_id=parent_id)
        case ("entityinformation", *more):
            return _information(child, tuple(more))
        case (item,) if _ID.match(item) and not child.write_only:
            verbs = _GET | (child.child_verbs & {"DELETE"})
            return _route("item", child, verbs=verbs, parent_id=parent_id, item_id=int(item))
        case _:
            return None


def _information(entity: Entity, rest: tuple[str, ...]) -> Route | None:
    action = _INFORMATION.get(rest)
    return None if action is None else _route(action, entity, verbs=_GET)


def _route(
    action: str,
    entity: Entity,
    *,
    verbs: frozenset[str],
    parent_id: int | None = None,
    item_id: int | None = None,
) -> Route:
    return Route(
        action=action,
        endpoint=entity.name,
        verbs=verbs,
        entity=entity,
        parent_id=parent_id,
        item_id=item_id,
    )

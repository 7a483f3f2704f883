"""Carries out a resolved request: reads, writes and metadata, in the envelopes of the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from alertd.simulator import metadata, writes
from alertd.simulator.entities import Entity
from alertd.simulator.faults import Faults, Target
from alertd.simulator.limits import Threshold
from alertd.simulator.queries import Pager, PageTarget, Query, Reader, parse_query, shift_page
from alertd.simulator.rights import Rights
from alertd.simulator.routes import Route
from alertd.simulator.schema import ENTITIES, trimmed
from alertd.simulator.switches import Switches
from alertd.simulator.tables import Stamp
from alertd.simulator.tenant import ApiUser, Tenant
from alertd.simulator.validation import DuplicateHandling, Writer
from alertd.simulator.wire import (
    JSON,
    ApiError,
    SimReply,
    SimRequest,
    decode_body,
    html,
    not_found,
    ok,
    refused,
    wrong_verb,
)
from alertd.simulator.workflow import run_after

_CHILD_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class World:
    """What there is besides the request: the tenant, its settings, the faults, the counters."""

    tenant: Tenant
    switches: Switches
    faults: Faults
    threshold: Threshold
    pager: Pager


@dataclass(frozen=True, kw_only=True)
class Job:
    """One authenticated request about to be carried out."""

    world: World
    request: SimRequest
    route: Route
    user: ApiUser
    rights: Rights
    target: Target
    base_url: str
    now: float

    @property
    def entity(self) -> Entity:
        """The entity of the route."""
        if self.route.entity is None:
            raise LookupError(self.route.action)
        return trimmed(self.route.entity, self.world.switches)

    def body(self) -> Any:
        """Return the JSON of the request body, or None."""
        return decode_body(self.request.body, self.world.switches.malformed_json_status)

    def reader(self) -> Reader:
        """Return the caller's view of the entity."""
        world = self.world
        return Reader(
            tenant=world.tenant, entity=self.entity, switches=world.switches, rights=self.rights, now=self.now
        )

    def writer(self) -> Writer:
        """Return the caller as a writer, with impersonation where the entity allows it."""
        world = self.world
        actor, impersonator = _actor(self)
        lags = world.faults.standing("search_lag", self.now, self.target)
        lag = max((each.seconds for each in lags), default=world.switches.search_lag_s)
        handling = (
            DuplicateHandling(match=tuple(each.match), reopen=each.reopen, open_only=each.open_only)
            for each in world.faults.standing("duplicates", self.now)
        )
        return Writer(
            tenant=world.tenant,
            switches=world.switches,
            rights=self.rights,
            stamp=Stamp(self.now, actor, self.now + lag),
            resource_id=actor,
            impersonator_id=impersonator,
            duplicates=tuple(handling),
        )


def carry_out(job: Job) -> SimReply:
    """Return the reply; a broken rule is a reply too."""
    try:
        _check_there(job)
        return _ACTIONS[job.route.action](job)
    except ApiError as exc:
        return exc.reply


def _check_there(job: Job) -> None:
    switches = job.world.switches
    if job.route.entity is not None and job.entity.name in switches.absent_entities:
        raise not_found(job.request)
    if job.request.method == "PATCH" and switches.collection_patch == "404":
        raise ApiError(html(404, "404 - File or directory not found."))
    if job.request.method == "PATCH" and switches.collection_patch == "405":
        raise wrong_verb(job.request.method)


def _actor(job: Job) -> tuple[int, int | None]:
    sent = job.request.headers.get("impersonationresourceid")
    if not sent or not job.entity.impersonable:
        return job.user.resource_id, None
    row = job.world.tenant.row("Resource", int(sent)) if sent.isdecimal() else None
    if row is None or not row["isActive"]:
        raise refused("The ImpersonationResourceId does not reference an active Resource.")
    return int(sent), job.user.resource_id


def _query(job: Job) -> SimReply:
    sent, search = _search(job)
    target = _page_target(job, search)
    return ok(_hostile(job, job.world.pager.page(job.reader(), parse_query(sent), target)))


def _search(job: Job) -> tuple[Any, str]:
    if job.request.method == "POST":
        return job.body(), ""
    if job.request.url_length > job.world.switches.url_limit:
        raise ApiError(html(404, "404 - File or directory not found."))
    search = job.request.query.get("search", "")
    return decode_body(search.encode(), job.world.switches.malformed_json_status), search


def _page_target(job: Job, search: str) -> PageTarget:
    name = job.entity.name
    return PageTarget(entity=name, url=f"{job.base_url}/{name}", method=job.request.method, search=search)


def _next(job: Job) -> SimReply:
    paging = job.request.query.get("paging")
    if paging is None:
        raise not_found(job.request)
    cursor = job.world.pager.cursor(job.entity, paging, job.request.method)
    if cursor is None:
        raise wrong_verb(job.request.method)
    sent, search = _search(job)
    query = replace(parse_query(sent), size=cursor["pageSize"])
    target = _page_target(job, search)
    page = job.world.pager.page(job.reader(), query, target, cursor)
    if job.world.faults.strike("page_shift", job.target, job.now):
        repeated = job.world.tenant.table(job.entity.name).get(cursor["nextIds"][-1])
        page = shift_page(page, job.reader().render(repeated, query.fields)) if repeated else page
    return ok(_hostile(job, page))


def _hostile(job: Job, page: JSON) -> JSON:
    fault = job.world.faults.strike("next_page_url", job.target, job.now)
    if fault is not None:
        page["pageDetails"]["nextPageUrl"] = fault.url or f"{job.request.origin}{job.request.path}"
    return page


def _count(job: Job) -> SimReply:
    query = parse_query(_search(job)[0])
    reader = job.reader()
    return ok({"queryCount": sum(1 for _ in reader.matching(reader.compile(query.conditions)))})


def _item(job: Job) -> SimReply:
    if job.request.method == "DELETE":
        row_id = job.route.item_id or 0
        return ok({"itemId": writes.delete(job.writer(), job.entity, row_id, parent_id=job.route.parent_id)})
    item = job.reader().item(job.route.item_id or 0)
    if item is not None and job.route.parent_id not in (None, item.get(job.entity.parent_field)):
        item = None
    if job.entity.unfound:
        return _listed(job, item)
    if item is None and job.world.switches.missing_item == "404":
        raise not_found(job.request)
    return ok({"item": item})


def _listed(job: Job, item: JSON | None) -> SimReply:
    """Answer as TicketAttachments do: a list, and an error for what is missing or not permitted."""
    if item is None:
        raise refused(job.entity.unfound)
    details = {"count": 1, "requestCount": _CHILD_PAGE, "prevPageUrl": None, "nextPageUrl": None}
    return ok({"items": [item], "pageDetails": details})


def _children(job: Job) -> SimReply:
    if job.request.method != "GET":
        return _write(job)
    field = {"op": "eq", "field": job.entity.parent_field, "value": job.route.parent_id}
    query = Query([field], _CHILD_PAGE, None)
    target = _page_target(job, "")
    page = job.world.pager.page(job.reader(), query, target)
    page["pageDetails"]["nextPageUrl"] = None
    return ok(page)


def _write(job: Job) -> SimReply:
    body = _without_ignored(job, job.body())
    writer = job.writer()
    if job.request.method == "POST":
        before = len(job.world.tenant.table(job.entity.name).ids)
        row_id = writes.create(writer, job.entity, body, parent_id=job.route.parent_id)
        if len(job.world.tenant.table(job.entity.name).ids) > before:
            run_after(job.world.tenant, job.world.faults, writer, (job.entity.name, row_id, "create"))
        return ok({"itemId": row_id})
    put = job.request.method == "PUT"
    row_id, changed = writes.update(writer, job.entity, body, replace=put, parent_id=job.route.parent_id)
    if changed:
        run_after(job.world.tenant, job.world.faults, writer, (job.entity.name, row_id, "update"))
    return ok({"itemId": row_id})


def _without_ignored(job: Job, body: Any) -> Any:
    fault = job.world.faults.strike("ignore_fields", job.target, job.now)
    if fault is None or not isinstance(body, dict):
        return body
    ignored = {name.lower() for name in fault.fields}
    return {name: value for name, value in body.items() if str(name).lower() not in ignored}


def _info(job: Job) -> SimReply:
    return ok({"info": metadata.describe(job.entity, job.rights, job.world.switches)})


def _fields(job: Job) -> SimReply:
    return ok({"fields": metadata.fields(job.world.tenant, job.entity)})


def _udfs(job: Job) -> SimReply:
    return ok({"fields": metadata.user_defined_fields(job.world.tenant, job.entity)})


def _all_information(job: Job) -> SimReply:
    switches = job.world.switches
    there = (entity for entity in ENTITIES.values() if entity.name not in switches.absent_entities)
    return ok({"entityDescriptions": [metadata.describe(each, job.rights, switches) for each in there]})


def _threshold(job: Job) -> SimReply:
    used = job.world.threshold.used(job.now)
    limit = job.world.switches.threshold
    counts = {"externalRequestThreshold": limit, "requestThresholdTimeframe": 60}
    return ok(counts | {"currentTimeframeRequestCount": used})


def _version(job: Job) -> SimReply:
    return ok({"apiVersions": ["v1.0"]})


_ACTIONS: dict[str, Callable[[Job], SimReply]] = {
    "query": _query,
    "count": _count,
    "next": _next,
    "item": _item,
    "children": _children,
    "write": _write,
    "info": _info,
    "fields": _fields,
    "udfs": _udfs,
    "EntityInformation": _all_information,
    "ThresholdInformation": _threshold,
    "version": _version,
}

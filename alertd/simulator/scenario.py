"""Scenarios: what a TOML file or the control API says about a tenant, checked and then filled in."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

import msgspec
import tomli

from alertd.simulator.faults import Fault
from alertd.simulator.rights import NamedRight, Verb
from alertd.simulator.scenario_contracts import ContractPart, ServicePart
from alertd.simulator.wire import JSON

DEFAULT_TENANT = Path(__file__).with_name("default_tenant.toml")
DEFAULT_CONTRACTS = Path(__file__).with_name("default_contracts.toml")


class ScenarioError(Exception):
    """The scenario cannot be read, or names something that does not exist."""


class _Part(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of the tables of a scenario. `fields` holds further API fields by their own names.

    What is left out keeps its value in a row that is there already, and gets the default in a new one.
    """

    fields: JSON = msgspec.field(default_factory=dict)


class ApiUserPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`[[api_users]]`."""

    username: str
    secret: str | None = None
    integration_code: str | None = None
    resource: int | str | None = None
    active: bool | None = None
    locked: bool | None = None
    deny: dict[str, list[Verb]] | None = None
    remove: list[NamedRight] | None = None
    companies: list[int | str] | None = None


class RolePart(_Part, kw_only=True):
    """`[[roles]]`."""

    id: int | None = None
    name: str


class ResourcePart(_Part, kw_only=True):
    """`[[resources]]`: a person, or the resource behind an API user (`license = 7`)."""

    id: int | None = None
    first: str
    last: str
    username: str = ""
    email: str | None = None
    active: bool | None = None
    license: int | None = None
    roles: list[int | str] = msgspec.field(default_factory=list)


class QueuePart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`[[queues]]`: a value of the queue picklist, and the people who work it."""

    id: int
    label: str | None = None
    active: bool = True
    system: bool = False
    resources: list[int | str] | None = None


class PickPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One value in `[picklists.Entity] field = […]`."""

    value: int | str
    label: str = ""
    active: bool = True
    system: bool = False
    default: bool = False
    parent: int | str = ""


class UdfPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`[[udfs]]`."""

    entity: str
    name: str
    type: Literal["string", "text", "double", "datetime"] = "string"
    length: int = 8000
    required: bool = False
    protected: bool = False
    values: list[str] = msgspec.field(default_factory=list)


class CompanyPart(_Part, kw_only=True):
    """`[[companies]]`. `aliases` goes into the UDF "Monitoring Name"."""

    id: int | None = None
    name: str
    type: int | str | None = None
    active: bool | None = None
    parent: int | str | None = None
    aliases: str | None = None
    locations: list[str] = msgspec.field(default_factory=list)
    contacts: list[str] = msgspec.field(default_factory=list)
    devices: list[str] = msgspec.field(default_factory=list)


class DevicePart(_Part, kw_only=True):
    """`[[devices]]`: a configuration item."""

    id: int | None = None
    company: int | str
    name: str
    active: bool | None = None
    serial: str | None = None


class ContactPart(_Part, kw_only=True):
    """`[[contacts]]`."""

    id: int | None = None
    company: int | str
    name: str
    email: str | None = None
    active: bool | None = None


class TagGroupPart(_Part, kw_only=True):
    """`[[tag_groups]]`."""

    id: int | None = None
    label: str
    active: bool | None = None


class TagPart(_Part, kw_only=True):
    """`[[tags]]`."""

    id: int | None = None
    label: str
    group: int | str | None = None
    active: bool | None = None
    system: bool | None = None


class CategoryPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`[[category_rules]]`: what a ticket category demands; the API does not show it."""

    category: int | str
    required: list[str]


class WebhookPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`[[webhooks]]`: of `entity`, with subscribed `fields` and those shown `always`, by label or id."""

    id: int | None = None
    entity: str = "Tickets"
    name: str | None = None
    url: str
    secret: str | None = None
    active: bool | None = None
    events: list[Literal["create", "update", "delete"]] | None = None
    fields: list[int | str] = msgspec.field(default_factory=list)
    always: list[int | str] = msgspec.field(default_factory=list)
    exclude: list[int | str] = msgspec.field(default_factory=list)


class Scenario(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A tenant, or an addition to one. With `defaults` the built-in tenant comes first."""

    defaults: bool = True
    seed: int | None = None
    switches: JSON = msgspec.field(default_factory=dict)
    api_users: list[ApiUserPart] = msgspec.field(default_factory=list)
    roles: list[RolePart] = msgspec.field(default_factory=list)
    resources: list[ResourcePart] = msgspec.field(default_factory=list)
    queues: list[QueuePart] = msgspec.field(default_factory=list)
    picklists: dict[str, dict[str, list[PickPart]]] = msgspec.field(default_factory=dict)
    udfs: list[UdfPart] = msgspec.field(default_factory=list)
    companies: list[CompanyPart] = msgspec.field(default_factory=list)
    contacts: list[ContactPart] = msgspec.field(default_factory=list)
    devices: list[DevicePart] = msgspec.field(default_factory=list)
    tag_groups: list[TagGroupPart] = msgspec.field(default_factory=list)
    tags: list[TagPart] = msgspec.field(default_factory=list)
    category_rules: list[CategoryPart] = msgspec.field(default_factory=list)
    rows: dict[str, list[JSON]] = msgspec.field(default_factory=dict)
    services: list[ServicePart] = msgspec.field(default_factory=list)
    service_bundles: list[ServicePart] = msgspec.field(default_factory=list)
    contracts: list[ContractPart] = msgspec.field(default_factory=list)
    webhooks: list[WebhookPart] = msgspec.field(default_factory=list)
    tickets: list[JSON] = msgspec.field(default_factory=list)
    faults: list[Fault] = msgspec.field(default_factory=list)


def read_scenario(data: Any) -> Scenario:
    """Check decoded TOML or JSON.

    Raises:
        ScenarioError: An unknown key or a value of the wrong type.
    """
    try:
        return msgspec.convert(data, Scenario)
    except msgspec.ValidationError as exc:
        raise ScenarioError(str(exc)) from exc


def load_scenario(path: Path | str) -> Scenario:
    """Read the scenario file at `path`.

    Raises:
        ScenarioError: Unreadable, not TOML, an unknown key, or a value of the wrong type.
    """
    try:
        data = tomli.loads(Path(path).read_text(encoding="utf-8"))
        return read_scenario(data)
    except (OSError, UnicodeDecodeError, tomli.TOMLDecodeError, ScenarioError) as exc:
        raise ScenarioError(f"{path}: {exc}") from exc


@functools.cache
def default_scenario() -> Scenario:
    """Return the built-in tenant; it is shared, so nobody may change it."""
    return load_scenario(DEFAULT_TENANT)


@functools.cache
def default_contracts() -> Scenario:
    """Return the contracts of the built-in tenant, which come after it; shared likewise."""
    return load_scenario(DEFAULT_CONTRACTS)

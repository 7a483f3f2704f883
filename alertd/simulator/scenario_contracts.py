"""What a scenario says about the catalogue of services and about contracts."""

from __future__ import annotations

from typing import Annotated

import msgspec

from alertd.simulator.wire import JSON


class ServicePart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`[[services]]` and `[[service_bundles]]`: the catalogue. `period` is a picklist label or value."""

    id: int | None = None
    name: str
    period: int | str | None = None
    price: float | None = None
    cost: float | None = None
    active: bool | None = None
    fields: JSON = msgspec.field(default_factory=dict)


class LinePart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One entry of a contract's `services` or `bundles`.

    `units` count from `start`, by default the contract's own; in a line that is there already they are set
    for all days that are not posted.
    """

    id: int | None = None
    name: int | str
    units: Annotated[int, msgspec.Meta(ge=0)] | None = None
    price: float | None = None
    start: str | None = None
    fields: JSON = msgspec.field(default_factory=dict)


class ContractPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`[[contracts]]`. Days are ISO dates, or months from now: `-2m` the first day of the month before last.

    An `end` of so many months is the last day of that month. Periods that begin on `posted` or before are
    approved and posted.
    """

    id: int | None = None
    company: int | str
    name: str
    type: int | str | None = None
    status: int | str | None = None
    start: str | None = None
    end: str | None = None
    posted: str | None = None
    services: list[LinePart] = msgspec.field(default_factory=list)
    bundles: list[LinePart] = msgspec.field(default_factory=list)
    fields: JSON = msgspec.field(default_factory=dict)

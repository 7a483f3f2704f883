"""`[autotask]` of the configuration file."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from alertd.autotask.callout_settings import CalloutSettings
from alertd.autotask.credential import fits_header
from alertd.autotask.hosts import may_ask_for_zone
from alertd.core.devices import DeviceLabel
from alertd.core.settings import Duration, SecretRef, Section

ZONE_URL = "https://webservices.autotask.net/atservicesrest"
_MINUTE = timedelta(minutes=1)


class Timeouts(Section):
    """How long Autotask may take. A write waits longest, since giving up early leaves it unclear."""

    connect: Duration = timedelta(seconds=5)
    read: Duration = timedelta(seconds=30)
    create: Duration = timedelta(seconds=60)

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if min(self.connect, self.read, self.create) <= timedelta():
            raise ValueError("every time-out should be longer than 0s")
        return self


class AutotaskSettings(Section):
    """How to reach the tenant, and how much of its allowance is ours."""

    username: Annotated[str, Field(min_length=1)]
    secret: SecretRef
    integration_code: SecretRef
    zone_url: str = ZONE_URL
    calls_per_hour: Annotated[int, Field(ge=1, le=10_000)] = 4000
    calls_in_flight: Annotated[int, Field(ge=1, le=3)] = 2
    fallback_company: int | str = 0
    fallback_board: str | None = None
    company_alias: Annotated[str, Field(min_length=1)] | None = None
    reference_udf: Annotated[str, Field(min_length=1)] | None = None
    match_devices: bool = True
    device_udfs: dict[DeviceLabel, str] = Field(default_factory=dict)
    records_every: Duration = timedelta(hours=4)
    unknown_window: Duration = timedelta(minutes=6)
    own_resources: tuple[int, ...] = ()
    timeouts: Timeouts = Timeouts()
    tag_group: Annotated[str, Field(min_length=1, max_length=50)] = "alertd"
    note_type: int | str | None = None
    metadata_every: Duration = timedelta(hours=1)
    callouts: CalloutSettings | None = None

    @field_validator("username")
    @classmethod
    def _on_one_line(cls, value: str) -> str:
        if not fits_header(value):
            raise ValueError("may hold no control character such as a line break")
        return value

    @field_validator("own_resources", mode="before")
    @classmethod
    def _list_of_ids(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("zone_url")
    @classmethod
    def _reachable_safely(cls, value: str) -> str:
        if not may_ask_for_zone(value):
            raise ValueError("should be an https URL without query or user (http only on loopback)")
        return value.rstrip("/")

    @field_validator("metadata_every", "records_every")
    @classmethod
    def _not_too_often(cls, value: timedelta) -> timedelta:
        if value < _MINUTE:
            raise ValueError("should be at least one minute: each reading costs several calls")
        return value

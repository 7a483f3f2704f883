"""`[autotask.callouts]`: whether, and for what, Autotask calls us."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from pydantic import field_validator

from alertd.autotask.hosts import may_ask_for_zone
from alertd.core.settings import SecretRef, Section

CalledField: TypeAlias = Literal[
    "CompanyID",
    "Title",
    "Status",
    "Priority",
    "Source",
    "AssignedResourceID",
    "DueDateTime",
    "QueueID",
    "ConfigurationItemID",
    "ExternalID",
    "LastActivityDate",
]
FIELDS: tuple[str, ...] = get_args(CalledField)
MOST_URL = 500


def is_callout_url(url: str) -> bool:
    """Whether Autotask can be given this address: https, or http on this machine (a simulator's)."""
    return may_ask_for_zone(url) and len(url) <= MOST_URL


class CalloutSettings(Section):
    """Our webhook at Autotask. Without this table there is none, and changes are polled alone."""

    secret: SecretRef
    url: str | None = None
    fields: tuple[CalledField, ...] = (
        "Status",
        "Priority",
        "QueueID",
        "AssignedResourceID",
        "LastActivityDate",
    )
    excluded_resources: tuple[int, ...] = ()

    @field_validator("fields", "excluded_resources", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("fields")
    @classmethod
    def _some(cls, value: tuple[CalledField, ...]) -> tuple[CalledField, ...]:
        if not value:
            raise ValueError("should name at least one field; without any Autotask has nothing to call for")
        return value

    @field_validator("url")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        if value is not None and not is_callout_url(value):
            raise ValueError("should be an https URL without query or user (http only on loopback)")
        return value

"""The kinds of source there are: their settings, and reading by kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, TypeAlias, assert_never

from pydantic import Field

from alertd.core.sources import alertmanager, mapped, redaction
from alertd.core.sources.alertmanager import AlertmanagerProfile, AlertmanagerSettings
from alertd.core.sources.mapped import MappedProfile
from alertd.core.sources.mapped_settings import MappedSettings
from alertd.core.sources.reading import Body, Reading

SourceSettings: TypeAlias = Annotated[AlertmanagerSettings | MappedSettings, Field(discriminator="kind")]
Profile: TypeAlias = AlertmanagerProfile | MappedProfile


def compile_profile(settings: AlertmanagerSettings | MappedSettings) -> Profile:
    """Compile the settings of a source once; what comes out is what `read` and `redact` need."""
    match settings:
        case AlertmanagerSettings():
            return alertmanager.compile_profile(settings)
        case MappedSettings():
            return mapped.compile_profile(settings)
        case _:
            assert_never(settings)


def redact(raw: bytes, profile: Profile) -> bytes:
    """Return the body without secrets. This is what is stored, and what is read afterwards."""
    return redaction.redact(raw, profile.redaction)


def redact_query(pairs: Iterable[tuple[str, str]], profile: Profile) -> tuple[tuple[str, str], ...]:
    """Return the parameters of the URL without secrets, in order."""
    return redaction.redact_query(pairs, profile.redaction)


def read(body: Body, profile: Profile, *, received_at: datetime) -> Reading:
    """Read a redacted request into alerts.

    Args:
        body: The request.
        profile: Of the source that its token belongs to.
        received_at: When it came in.

    Raises:
        Unreadable: Nothing in it can be read: park it under the reason.
    """
    match profile:
        case AlertmanagerProfile():
            return alertmanager.read(body, profile, received_at=received_at)
        case MappedProfile():
            return mapped.read(body, profile, received_at=received_at)
        case _:
            assert_never(profile)

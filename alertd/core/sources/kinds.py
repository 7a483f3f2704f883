"""The kinds of source there are, one module of this package each: their settings, and reading by kind."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
from pydantic import Field

from alertd.core import sources
from alertd.core.reading import redaction
from alertd.core.reading.bodies import Body, Reading
from alertd.core.reading.settings import ClientSettings, SenderSettings, SourceBase
from alertd.core.reading.signatures import Signing
from alertd.core.sources.kind import Kind, Profile


def _found() -> Mapping[str, Kind]:
    """Return the kinds by name. A module is one by having a `KIND`: nothing else has to be changed for it."""
    modules = [
        importlib.import_module(f"{sources.__name__}.{found.name}")
        for found in pkgutil.iter_modules(sources.__path__)
        if f"{sources.__name__}.{found.name}" != __name__
    ]
    kinds = [module.KIND for module in modules if hasattr(module, "KIND")]
    return MappingProxyType({kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.name)})


KINDS = _found()

if TYPE_CHECKING:
    SourceSettings: TypeAlias = SourceBase
else:
    _MODELS = reduce(or_, (kind.settings for kind in KINDS.values()))
    SourceSettings: TypeAlias = Annotated[_MODELS, Field(discriminator="kind")]


class Compiled(msgspec.Struct, frozen=True, eq=False):
    """A source ready to be read."""

    kind: Kind
    profile: Profile


def compile_profile(settings: SourceBase) -> Compiled:
    """Compile the settings of a source once; what comes out is what `read` and `redact` need."""
    kind = KINDS[settings.kind]
    return Compiled(kind, kind.compile_profile(settings))


def speaking(settings: SourceBase, name: str) -> Compiled:
    """Compile a source to be read as kind `name`, whatever its own: some paths say what is spoken there.

    What the settings of all known senders have in common is kept; what is of the source's own kind is not.
    """
    if settings.kind == name:
        return compile_profile(settings)
    kind = KINDS[name]
    shared = {key: getattr(settings, key) for key in SourceBase.model_fields if key != "kind"}
    for key, kept_type in _SENDER_KEYS.items():
        value = getattr(settings, key, None)
        if isinstance(value, kept_type):
            shared[key] = value
    return Compiled(kind, kind.compile_profile(kind.settings.model_construct(kind=name, **shared)))


_SENDER_KEYS: Mapping[str, type[Any]] = {
    "client": ClientSettings,
    "severities": dict,
    "severity": str,
    "on_expiry": str,
}
assert _SENDER_KEYS.keys() == SenderSettings.model_fields.keys() - SourceBase.model_fields.keys()  # noqa: S101 - two lists of one thing


def signing(settings: SourceBase) -> Signing | None:
    """Return how the requests of a source are signed; None: they are not, or nobody is to look."""
    return KINDS[settings.kind].signing(settings)


def redact(raw: bytes, compiled: Compiled) -> bytes:
    """Return the body without secrets. This is what is stored, and what is read afterwards."""
    return redaction.redact(raw, compiled.profile.redaction)


def redact_query(pairs: Iterable[tuple[str, str]], compiled: Compiled) -> tuple[tuple[str, str], ...]:
    """Return the parameters of the URL without secrets, in order."""
    return redaction.redact_query(pairs, compiled.profile.redaction)


def read(body: Body, compiled: Compiled, *, received_at: datetime) -> Reading:
    """Read a redacted request into alerts.

    Args:
        body: The request.
        compiled: The source that its token belongs to.
        received_at: When it came in.

    Raises:
        Unreadable: Nothing in it can be read: park it under the reason.
    """
    return compiled.kind.read(body, compiled.profile, received_at=received_at)

"""`[[sources]]` with `kind = "mapped"`: any sender, described by paths into what it sends."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from alertd.core.alerts import Severity
from alertd.core.reading.fields import (
    FieldSetting,
    FieldSettings,
    PathList,
    PathText,
    PatternText,
    TemplateText,
    listed,
    short_form,
)
from alertd.core.reading.instants import strptime_pattern
from alertd.core.reading.paths import compile_path
from alertd.core.reading.settings import ClientSettings, SourceBase
from alertd.core.reading.signatures import Signing
from alertd.core.reading.signing import SignatureKeys, SigningSettings
from alertd.core.reading.zones import ZoneName
from alertd.core.settings import Section

StatusName: TypeAlias = Literal["firing", "cleared", "updated", "ignored"]

INSTANT_FORMATS = ("rfc3339", "epoch_s", "epoch_ms", "epoch_us")
_SEVERITIES = tuple(severity.value for severity in Severity)


class SeveritySettings(FieldSettings):
    """`severity`: a field whose `map`, `const` and `default` give one of our five."""

    @model_validator(mode="after")
    def _of_the_five(self) -> Self:
        given = [*self.map.values(), *(each for each in (self.const, self.default) if each is not None)]
        if unknown := [each for each in given if each not in _SEVERITIES]:
            raise ValueError(f"{unknown[0]!r} is not a severity; there are {', '.join(_SEVERITIES)}")
        return self


Words = Annotated[list[str], BeforeValidator(listed)]


class StatusSettings(Section):
    """`status`: which values mean what; or `pairs` of a problem and the event that ends it; or `const`.

    A value that is in none of the lists means firing. Without any list the usual words are understood.
    """

    path: PathList | None = None
    const: StatusName | None = None
    regex: PatternText | None = None  # cuts the word out of what is there
    firing: Words = Field(default_factory=list)
    cleared: Words = Field(default_factory=list)
    updated: Words = Field(default_factory=list)
    ignored: Words = Field(default_factory=list)
    pairs: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.path is None) == (self.const is None):
            raise ValueError('needs path = "…", or const = "firing" where every message says the same')
        words = [*self._words(), *self.pairs, *set(self.pairs.values())]
        folded = [word.lower() for word in words]
        if twice := [word for word, low in zip(words, folded, strict=True) if folded.count(low) > 1]:
            raise ValueError(f"{twice[0]!r} has two meanings")
        return self

    def _words(self) -> list[str]:
        return [*self.firing, *self.cleared, *self.updated, *self.ignored]

    @property
    def can_clear(self) -> bool:
        """Whether a message can say that it is over."""
        return bool(self.cleared or self.pairs) or self.const == "cleared" or self.uses_usual_words

    @property
    def uses_usual_words(self) -> bool:
        """Whether only the place is said, and the words are the usual ones."""
        return self.path is not None and not (self._words() or self.pairs)


def _format(text: str) -> str:
    if text not in INSTANT_FORMATS:
        _try_pattern(text)
    return text


def _try_pattern(text: str) -> None:
    """Refuse a pattern that `strptime` cannot read at all, such as one with an unknown directive."""
    try:
        pattern = strptime_pattern(text)
    except ValueError:
        pattern = ""
    if "%" not in pattern:
        raise ValueError(
            f"{text!r} is none of {', '.join(INSTANT_FORMATS)}, nor a pattern such as yyyy.MM.dd HH:mm"
        )
    try:
        datetime.strptime("", pattern)  # noqa: DTZ007 - only the pattern is of interest
    except ValueError as exc:
        if "does not match format" not in str(exc):
            raise ValueError(f"{text!r} is not a time pattern: {exc}") from None


class InstantSettings(Section):
    """`starts_at` and `ends_at`: where the time is and how it is written; both guessed if not said.

    A `template` joins a date and a time that are sent apart.
    """

    path: PathList | None = None
    template: TemplateText | None = None
    formats: list[Annotated[str, AfterValidator(_format)]] = Field(default_factory=list)
    timezone: ZoneName = "UTC"

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.path is None) == (self.template is None):
            raise ValueError('needs either path = "…" or template = "{date} {time}"')
        return self


class IgnoreSettings(Section):
    """`ignore`: messages that never make a ticket, by the value at a path or a pattern in it."""

    path: PathList
    values: Words = Field(default_factory=list)
    regex: PatternText | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if bool(self.values) == (self.regex is not None):
            raise ValueError('needs either values = ["…"] or regex = "…"')
        return self


def _client_form(value: Any) -> str:
    """Tell the two ways to name the client apart: a label or lookup as in every kind, or a field."""
    if isinstance(value, dict):
        return "field" if any(key in value for key in ("path", "const", "template")) else "label"
    return "field" if isinstance(value, FieldSettings) else "label"


ClientSetting: TypeAlias = Annotated[
    Annotated[FieldSettings, Tag("field")] | Annotated[ClientSettings, Tag("label")],
    Discriminator(_client_form),
]


class MappedSettings(SourceBase, SignatureKeys):
    """Where each part of an alert is. What is not said is looked for under the usual names."""

    kind: Literal["mapped"]
    split: PathText | None = None
    key: Annotated[list[FieldSetting], BeforeValidator(listed), Field(min_length=1)] | None = None
    alertname: FieldSetting | None = None
    title: FieldSetting | None = None
    description: FieldSetting | None = None
    url: FieldSetting | None = None
    host: FieldSetting | None = None
    client: Annotated[ClientSetting, BeforeValidator(short_form)] | None = None
    severity: Annotated[SeveritySettings, BeforeValidator(short_form)] | None = None
    status: Annotated[StatusSettings, BeforeValidator(short_form)] | None = None
    starts_at: Annotated[InstantSettings, BeforeValidator(short_form)] | None = None
    ends_at: Annotated[InstantSettings, BeforeValidator(short_form)] | None = None
    labels: dict[str, FieldSetting] = Field(default_factory=dict)
    ignore: list[IgnoreSettings] = Field(default_factory=list)
    signing: SigningSettings | None = None

    @model_validator(mode="after")
    def _signature_is_described(self) -> Self:
        if self.signature == "required" and self.signing is None:
            raise ValueError('signature = "required" needs signing = { header = "…" }')
        return self

    @model_validator(mode="after")
    def _client_is_found(self) -> Self:
        rule = self.client
        named = (rule.label, rule.lookup) if isinstance(rule, ClientSettings) else ()
        for name in named:
            if name and name not in self.labels:
                compile_path(name)
        return self

    def signed(self) -> Signing | None:
        """Return how its requests are signed; None: they are not."""
        return None if self.signing is None else self.signing_by(self.signing.compiled())

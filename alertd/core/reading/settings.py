"""What every `[[sources]]` has, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from alertd.core.alerts import OnExpiry
from alertd.core.reading.fields import PatternText, capture, listed
from alertd.core.settings import Duration, SecretRef, Section
from alertd.core.severities import SeverityName


class ClientSettings(Section):
    """Where the customer's name is: a `label`, or a `lookup` of one in `clients`, perhaps cut by `regex`.

    Of both, `lookup` counts where its value is in `clients`, else `label`, which `regex` cuts then.
    `default` alone means that all alerts of the source belong to one customer.
    """

    label: str | None = None
    lookup: str | None = None
    regex: PatternText | None = None
    default: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if not (self.label or self.lookup or self.default):
            raise ValueError('needs one of label = "…", lookup = "…", default = "…"')
        if self.regex and not (self.label or self.lookup):
            raise ValueError("regex needs the label that it is cut from")
        return self


class SourceBase(Section):
    """`[[sources]]`, the part that all kinds share."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
    kind: str
    token: Annotated[list[SecretRef], BeforeValidator(listed), Field(min_length=1, max_length=2)]
    token_in_url: bool = False  # some senders can set nothing but the URL
    clients: dict[str, str] = Field(default_factory=dict)  # customer by what the sender calls it
    expire_after: Duration | None = None
    board: str | None = None
    redact: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)


def _folded(words: dict[str, SeverityName]) -> dict[str, SeverityName]:
    return {word.lower(): severity for word, severity in words.items()}


class SenderSettings(SourceBase):
    """`[[sources]]` of a kind whose bodies are known: what may be set differently for each source."""

    client: ClientSettings | None = None
    severities: Annotated[dict[str, SeverityName], AfterValidator(_folded)] = Field(default_factory=dict)
    severity: SeverityName = "warning"  # of alerts that name none
    on_expiry: OnExpiry | None = None  # where the route does not say; None: as the kind has it


ClientRule = Callable[[Callable[[str], str]], str]


def compile_client(
    settings: ClientSettings | None, clients: Mapping[str, str], preset: str = "client"
) -> ClientRule:
    """Return the function that finds the customer's name, given a function that reads a label or path.

    Args:
        settings: `client` of the source; None: the label `preset`.
        clients: Customer by sent value. A value that is not in it stays as it was sent.
        preset: See `settings`.
    """
    name = (settings.label or settings.lookup or "") if settings else preset
    number = compile_number(settings) if settings and settings.label else None
    cut = _cut(settings)

    def find(read: Callable[[str], str]) -> str:
        sent = number(read) if number is not None else ""
        if sent in clients:
            return clients[sent]
        value = (cut(read(name)) if name else "") or sent
        return clients.get(value, value)

    return find


def compile_number(settings: ClientSettings | None) -> ClientRule:
    """Return the function that finds what the sender has for a name of the customer: the value of `lookup`.

    It is nobody's name in Autotask: only a table says whose it is.
    """
    name = (settings.lookup or "") if settings else ""
    cut = _cut(settings) if settings and not settings.label else str

    def find(read: Callable[[str], str]) -> str:
        return cut(read(name)) if name else ""

    return find


def _cut(settings: ClientSettings | None) -> Callable[[str], str]:
    return capture(settings.regex) if settings and settings.regex else str

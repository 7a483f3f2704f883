"""The keys of `[[sources]]` that say how a source's requests are signed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self, TypeAlias

from msgspec import structs
from pydantic import AfterValidator, Field, model_validator

from alertd.core.reading.signatures import WINDOW, Algorithm, Encoding, Hmac, Scheme, Signing, Svix
from alertd.core.settings import Duration, Section

LONGEST_WINDOW = timedelta(hours=1)

Policy: TypeAlias = Literal["on", "required", "off"]


def _within_an_hour(value: timedelta) -> timedelta:
    if not timedelta(seconds=1) <= value <= LONGEST_WINDOW:
        raise ValueError("should be from 1s to 1h")
    return value


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]{1,64}$")]


class Signs(Section):
    """Settings of a kind that shows more than a token: what its scheme is for one source."""

    def signing_by(self, scheme: Scheme) -> Signing | None:
        """Return how this source's requests are signed; None: signatures are not looked at."""
        return Signing(scheme=scheme)


class SignatureKeys(Signs):
    """Of every kind that signs with its token.

    `on`: a token or a signature lets in, and a signature that is there must be right; `required`: only a
    signature lets in; `off`: none is looked at.
    """

    signature: Policy = "on"
    signature_window: Annotated[Duration, AfterValidator(_within_an_hour)] = WINDOW

    def signing_by(self, scheme: Scheme) -> Signing | None:
        """Return how this source's requests are signed; None: signatures are not looked at."""
        if self.signature == "off":
            return None
        required = self.signature == "required"
        return Signing(scheme=scheme, is_required=required, window=self.signature_window)


class SignatureHeaderKeys(SignatureKeys):
    """Of kinds that let their user choose the headers. What is not said is as the sender's default."""

    signature_header: HeaderName | None = None
    signature_timestamp_header: HeaderName | None = None

    def signing_by(self, scheme: Scheme) -> Signing | None:
        """Return how this source's requests are signed, by the headers that its settings name."""
        if isinstance(scheme, Hmac):
            scheme = structs.replace(
                scheme,
                header=self.signature_header or scheme.header,
                timestamp_header=self.signature_timestamp_header or scheme.timestamp_header,
            )
        return super().signing_by(scheme)


class SigningSettings(Section):
    """`signing` of a mapped source: where the signature is, and of what."""

    scheme: Literal["hmac", "svix"] = "hmac"
    header: HeaderName | None = None
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    timestamp_header: HeaderName | None = None
    text: str = ""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.scheme == "svix" and self.model_fields_set - {"scheme"}:
            raise ValueError('scheme = "svix" is complete by itself: leave the other keys of signing out')
        if self.scheme == "hmac" and self.header is None:
            raise ValueError('needs the header that holds the signature, such as "X-Hub-Signature-256"')
        if self.text and (
            self.text.count("{body}") != 1 or ("{timestamp}" in self.text) != bool(self.timestamp_header)
        ):
            raise ValueError(
                'text needs "{body}" once, and "{timestamp}" if and only if timestamp_header is set'
            )
        return self

    def compiled(self) -> Hmac | Svix:
        """Return the scheme that these settings describe."""
        if self.scheme == "svix" or self.header is None:
            return Svix()
        return Hmac(
            header=self.header,
            algorithm=self.algorithm,
            encoding=self.encoding,
            prefix=self.prefix,
            timestamp_header=self.timestamp_header or "",
            text=self.text,
        )

"""From configured sources to what intake, and the decide flow after a restart, read with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final

import structlog
from msgspec import structs

from alertd.core.alerts import Alert
from alertd.core.reading.bodies import Body, Unreadable
from alertd.core.secret import Secret
from alertd.core.settings import SecretRef
from alertd.core.sources.alertmanager import AlertmanagerSettings
from alertd.core.sources.alertmanager_v2 import V2Reading
from alertd.core.sources.kinds import SourceSettings, compile_profile
from alertd.flows.ports import Envelope
from alertd.intake.senders import Sender, read_again, sender_of

_log = structlog.get_logger("alertd.app")

API_SOURCE: Final = "api"  # built in: what operators post to the admin listener
OWN_SOURCE: Final = "alertd"  # built in: what alertd itself has to say


def compile_senders(
    sources: Sequence[SourceSettings], open_secret: Callable[[SecretRef], Secret]
) -> dict[str, Sender]:
    """Return the senders by name, their secrets opened.

    Raises:
        SecretMissing: A source's token cannot be had.
    """
    return {settings.name: _sender(settings, open_secret) for settings in sources}


def _sender(settings: SourceSettings, open_secret: Callable[[SecretRef], Secret]) -> Sender:
    tokens = tuple(open_secret(ref) for ref in settings.token)
    return sender_of(
        settings,
        compile_profile(settings),
        digests=tuple(token.digest() for token in tokens),
        secrets=tokens,
        vendor_digests=tuple(_vendor_digest(token) for token in tokens),
    )


@cache
def api_sender() -> Sender:
    """Return the source that what operators post to `/api/v2/alerts` belongs to. It has no token.

    Operators are one reporter: what one of them adds, another may clear from wherever they are.
    """
    settings = AlertmanagerSettings.model_construct(name=API_SOURCE, kind="alertmanager", token=[])
    sender = sender_of(settings, compile_profile(settings), digests=())

    def read_posted(body: Body, at: datetime) -> V2Reading:
        reading = sender.read_posted(body, at)
        alerts = tuple(structs.replace(alert, reporter="") for alert in reading.alerts)
        return structs.replace(reading, alerts=alerts)

    return structs.replace(sender, read_posted=read_posted)


@cache
def own_sender() -> Sender:
    """Return the source that alertd's own alerts belong to. Nobody can send as it."""
    settings = AlertmanagerSettings.model_construct(name=OWN_SOURCE, kind="alertmanager", token=[])
    return sender_of(settings, compile_profile(settings), digests=())


_BUILT_IN: Mapping[str, Callable[[], Sender | None]] = {API_SOURCE: api_sender, OWN_SOURCE: own_sender}


def _vendor_digest(token: Secret) -> bytes:
    """Return the SHA-256 of a token's first half: Gradient's are `vendor-key:partner-key`."""
    return Secret(token.reveal().partition(":")[0]).digest()


def read_stored(envelope: Envelope, senders: Mapping[str, Sender]) -> Sequence[Alert]:
    """Return a stored envelope's alerts; none where its source is gone or reads it no more: it is parked."""
    if envelope.parked_messages >= envelope.messages:
        return ()
    sender = _BUILT_IN.get(envelope.source, lambda: senders.get(envelope.source))()
    if sender is None:
        _log.error("app.source_gone", source=envelope.source, receipt=envelope.receipt)
        return ()
    try:
        alerts = read_again(envelope, sender)
    except Unreadable as exc:
        _log.error("app.unreadable_now", receipt=envelope.receipt, reason=exc.reason)
        return ()
    except Exception as exc:  # noqa: BLE001 - a fault in a reader must not stop what waits behind this body
        _log.error("app.reader_failed", receipt=envelope.receipt, error=type(exc).__name__)
        return ()
    return alerts[: envelope.messages - envelope.parked_messages]

"""Sources as operators see them: how they are set up, what they have sent, their last bodies."""

from __future__ import annotations

import socket
from datetime import datetime

from alertd.app.operations import Document
from alertd.config.settings import Settings
from alertd.core.source_addresses import address_of, places_of
from alertd.core.sources.kinds import KINDS
from alertd.flows.ports import Entry
from alertd.store.store import Reader

MOST_RECENT = 20  # bodies of a source
_ANYWHERE = ("", "*", "0.0.0.0", "[::]", "::")  # noqa: S104 - compared, not bound


async def sources(reader: Reader, settings: Settings) -> list[Document]:
    """Return every configured source, with what the journal holds of it."""
    totals = await reader.totals_by_source()
    base = base_url(settings)
    listed = []
    for source in settings.sources:
        kept, sheet = totals.get(source.name), KINDS[source.kind].sheet
        listed.append(
            {
                "name": source.name,
                "kind": source.kind,
                "address": address_of(sheet, base=base, source=source.name),
                "token_by": list(places_of(sheet, in_url=source.token_in_url)),
                "tokens": len(source.token),
                "last_seen_at": _at(kept.seen_at) if kept else None,
                "requests": kept.requests if kept else 0,
                "alerts": kept.messages if kept else 0,
                "parked": kept.parked if kept else 0,
            }
        )
    return listed


async def recent(reader: Reader, source: str) -> list[Document]:
    """Return the last requests of a source as they are kept, redacted, the newest first."""
    return [_request(entry) for entry in await reader.recent_entries(source, limit=MOST_RECENT)]


def base_url(settings: Settings) -> str:
    """Return where senders reach alertd, without a path."""
    if settings.server.public_url is not None:
        return settings.server.public_url.rstrip("/")
    listen = settings.server.listen
    if listen.startswith("unix:"):
        return "https://alerts.example.com"  # whoever stands before the socket
    host, _, port = listen.rpartition(":")
    return f"http://{socket.gethostname() if host in _ANYWHERE else host}:{port}"


def _request(entry: Entry) -> Document:
    envelope = entry.envelope
    return {
        "receipt": envelope.receipt,
        "received_at": _at(envelope.received_at),
        "kind": envelope.kind,
        "content_type": envelope.content_type,
        "query": envelope.params,
        "messages": envelope.messages,
        "parked": envelope.parked or "",
        # bodies are nearly always text, and Latin-1 gives every byte back
        "encoding": "utf-8" if _is_utf8(envelope.body) else "latin-1",
        "body": envelope.body.decode("utf-8" if _is_utf8(envelope.body) else "latin-1"),
    }


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")

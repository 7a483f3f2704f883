"""Payloads of the documented shape, a folder for each kind, and what is to be read from them.

`cases.toml` of a kind has one table `[[cases]]` for each request:

    name           what the case shows
    body           a file of the folder; or `text` here
    content_type   of the request; none by default
    query          of the URL, such as "client=Contoso"
    settings       keys of `[[sources]]` beside name, kind and token
    same           cases with the same word have the same fingerprint; with different ones, different
    alerts         `[[cases.alerts]]`, in order: what each must be; what is not named is not compared
    unreadable     instead of alerts: the reason for which nothing can be read

An alert's keys: status, severity, alertname, title, description, host, client, url, starts_at, ends_at,
expires_after (a duration, "0s" for never), labels, annotations (both: at least these).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import tomli

FOLDER = Path(__file__).parent


class Case(NamedTuple):
    kind: str
    name: str
    raw: bytes
    content_type: str
    query: str
    settings: dict[str, Any]
    same: str
    alerts: list[dict[str, Any]]
    unreadable: str


def cases(kind: str) -> list[Case]:
    folder = FOLDER / kind
    tables = tomli.loads((folder / "cases.toml").read_text())["cases"]
    return [_case(kind, folder, table) for table in tables]


def all_cases() -> list[Case]:
    return [case for path in sorted(FOLDER.glob("*/cases.toml")) for case in cases(path.parent.name)]


def _case(kind: str, folder: Path, table: dict[str, Any]) -> Case:
    known = {
        *("name", "body", "text", "content_type", "query", "settings", "same", "alerts", "unreadable"),
    }
    assert table.keys() <= known, (kind, table.keys() - known)
    return Case(
        kind=kind,
        name=table["name"],
        raw=table["text"].encode() if "text" in table else (folder / table["body"]).read_bytes(),
        content_type=table.get("content_type", ""),
        query=table.get("query", ""),
        settings=table.get("settings", {}),
        same=table.get("same", ""),
        alerts=table.get("alerts", []),
        unreadable=table.get("unreadable", ""),
    )

"""Sheets: what a person has to know of a kind of source; `alertd sources show` and docs/ are made of them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from alertd.core.alerts import OnExpiry

# Where a sender can put the token: the first is what its set-up page uses.
TokenPlace: TypeAlias = Literal["header", "basic", "url", "path", "body", "signature"]


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A text to paste at the sender.

    In `text`, `{{url}}` stands for the source's address, `{{token}}` for its token; nothing else is replaced,
    so the sender's own placeholders stay as they are.
    """

    title: str  # where it goes: "Payload (JSON) of the notification template"
    text: str
    language: str = "json"  # of the fence in Markdown


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of source, for the person who sets it up. All texts are single lines unless said otherwise."""

    product: str  # "Paessler PRTG Network Monitor"
    summary: str  # what is read, in one sentence
    # the row of the table in docs/sources.md
    alertname: str
    title: str
    host: str
    client: str
    problem: str  # what one problem is: where the fingerprint comes from
    clears: str  # how it says that it is over; empty: it never does
    on_expiry: OnExpiry = "note"  # what becomes of its tickets when it falls silent, where nobody says
    # the page
    tokens: tuple[TokenPlace, ...] = ("header",)
    header: str = "`Authorization: Bearer TOKEN`, or `X-Alertd-Token: TOKEN`"  # if that is one of `tokens`
    path: str = "/v1/alerts/{source}"  # where it sends to
    steps: tuple[str, ...] = ()  # what to click, in order; `{{url}}` and `{{token}}` as in templates
    templates: tuple[Template, ...] = ()
    severities: tuple[tuple[str, str], ...] = ()  # the sender's words, ours
    states: tuple[tuple[str, str], ...] = ()  # the sender's words; fires, clears, ignored, …
    labels: tuple[tuple[str, str], ...] = ()  # label, what it holds
    keys: tuple[tuple[str, str], ...] = ()  # keys of this kind alone, what they do
    notes: tuple[str, ...] = ()  # what it can and cannot tell; traps

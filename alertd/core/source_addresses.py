"""Where senders send to, and with which token: what stands for it in sheets, filled in."""

from __future__ import annotations

import msgspec

from alertd.core.sources.sheets import Sheet, TokenPlace

URL, TOKEN = "{{url}}", "{{token}}"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender is told: a base such as https://alerts.example.com, the source's name, its token."""

    base: str = "https://alerts.example.com"
    source: str = "NAME"
    token: str = "TOKEN"  # noqa: S105 - stands for one where none may be shown
    in_url: bool = False  # `token_in_url` of the source


def address_of(sheet: Sheet, *, base: str, source: str) -> str:
    """Return the address that a source's sender sends to, without its token."""
    return f"{base}{sheet.path.replace('{source}', source)}"


def places_of(sheet: Sheet, *, in_url: bool) -> tuple[TokenPlace, ...]:
    """Return where the token may be: the sheet's places, the URL only if the source allows it."""
    return tuple(place for place in dict.fromkeys((*sheet.tokens, "url")) if place != "url" or in_url)


def filled(text: str, sheet: Sheet, address: Address) -> str:
    """Return a text of the sheet with the source's address and token in it."""
    return text.replace(URL, url_of(sheet, address)).replace(TOKEN, address.token)


def url_of(sheet: Sheet, address: Address) -> str:
    """Return the whole address; the token is in it where a sheet has no other place for it."""
    url = address_of(sheet, base=address.base, source=address.source).replace("{token}", address.token)
    return f"{url}?token={address.token}" if _only_in_url(sheet) else url


def _only_in_url(sheet: Sheet) -> bool:
    texts = (*sheet.steps, *(template.text for template in sheet.templates))
    return sheet.tokens[0] == "url" and not any(TOKEN in text for text in texts)

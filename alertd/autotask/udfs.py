"""User-defined fields of an entity: which there are, and what they take."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec

from alertd.autotask import texts
from alertd.autotask.answers import Payload
from alertd.autotask.picklists import NoChoice
from alertd.core.boards import BoardSettings
from alertd.core.text import is_constant
from alertd.core.tickets import TicketField
from alertd.flows.errors import Unavailable


class Udf(msgspec.Struct, frozen=True, kw_only=True):
    """One user-defined field. `values` is its list: value by label in lower case; None: it is no list."""

    name: str
    read_only: bool = False
    protected: bool = False  # what it says is hidden from users who may not see protected data
    length: int = 0  # 0: not told
    values: dict[str, str] | None = None


class Udfs(msgspec.Struct, frozen=True):
    """The fields of one entity, as the tenant has them."""

    fields: tuple[Udf, ...] = ()

    def find(self, name: str) -> Udf | NoChoice:
        """Return the field of this name (case does not count), or why there is none."""
        by_key = {field.name.casefold(): field for field in self.fields}
        found = by_key.get(name.strip().casefold())
        if found is not None:
            return found
        close = difflib.get_close_matches(name.strip().casefold(), by_key, n=3, cutoff=0.5)
        similar = "; similar: " + ", ".join(repr(by_key[key].name) for key in close) if close else ""
        return NoChoice(f"{name!r} is no active user-defined field{similar}")


NO_UDFS = Udfs()


def read_udfs(payload: Payload) -> Udfs:
    """Read the answer of `entityInformation/userDefinedFields`.

    Raises:
        Unavailable: It is not what that route answers.
    """
    items = payload.get("fields")
    if not isinstance(items, list):
        raise Unavailable("the user-defined fields of an entity answered without a list")
    named = [item for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)]
    return Udfs(tuple(_udf(item) for item in named if item.get("isActive") is not False))


def ticket_fields(settings: BoardSettings, udfs: Udfs) -> tuple[tuple[TicketField, ...], list[str]]:
    """Return what a board writes into user-defined fields, and what is wrong with the rest."""
    fields: list[TicketField] = []
    wrong: list[str] = []
    for name, template in settings.udfs.items():
        udf = udfs.find(name)
        fault = udf.why if isinstance(udf, NoChoice) else _fault(udf, template)
        if isinstance(udf, NoChoice) or fault:
            wrong.append(f"udfs: {fault}; it is left empty")
        else:
            fields.append(
                TicketField(name=udf.name, template=template, longest=udf.length, value_by_label=udf.values)
            )
            if udf.protected:
                wrong.append(f"udfs: {udf.name!r} is protected: what it says cannot be read back")
    return tuple(fields), wrong


def reference_field(name: str, udfs: Udfs) -> Udf | NoChoice:
    """Return the field that carries tickets' references, or why it cannot."""
    udf = udfs.find(name)
    if isinstance(udf, NoChoice):
        return udf
    if udf.read_only or udf.protected or udf.values is not None:
        return NoChoice(f"{udf.name!r} is read-only, protected or a list: it cannot carry a reference")
    if udf.length and udf.length < texts.REFERENCE:
        return NoChoice(f"{udf.name!r} takes {udf.length} characters, and a reference {texts.REFERENCE}")
    return udf


def _fault(udf: Udf, template: str) -> str:
    """Say why the field cannot take what the template says, where that can be told beforehand."""
    if udf.read_only:
        return f"{udf.name!r} is read-only"
    if not is_constant(template):
        return ""
    if udf.values is not None and template.strip().casefold() not in udf.values:
        return f"{udf.name!r} has no entry {template!r}; it has {', '.join(sorted(udf.values)) or 'none'}"
    if udf.length and len(template) > udf.length:
        return f"{udf.name!r} takes {udf.length} characters, and {template[:40]!r} … is longer"
    return ""


def _udf(item: Mapping[str, Any]) -> Udf:
    length = item.get("length")
    return Udf(
        name=item["name"],
        read_only=item.get("isReadOnly") is True,
        protected=item.get("isProtected") is True or item.get("isEncrypted") is True,
        length=length if isinstance(length, int) and length > 0 and item.get("type") == "string" else 0,
        values=_values(item) if item.get("isPickList") is True else None,
    )


def _values(item: Mapping[str, Any]) -> dict[str, str]:
    listed = item.get("picklistValues")
    entries = [value for value in listed if isinstance(value, dict)] if isinstance(listed, list) else []
    return {
        str(entry.get("label", "")).strip().casefold(): str(entry.get("value", ""))
        for entry in entries
        if entry.get("isActive") is not False
    }

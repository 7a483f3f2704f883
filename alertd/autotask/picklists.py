"""Picklists: enumerations of the tenant, configured by label or id, resolved to ids."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec

from alertd.autotask.answers import Payload
from alertd.flows.errors import Unavailable


class Choice(msgspec.Struct, frozen=True):
    """One entry of a picklist."""

    id: int
    label: str
    active: bool = True
    default: bool = False
    system: bool = False
    parent_id: int | None = None  # entry of another field that this one belongs to


class NoChoice(msgspec.Struct, frozen=True):
    """Why a configured entry cannot be used, as a clause that completes "queue …"."""

    why: str


class Picklist(msgspec.Struct, frozen=True):
    """The entries of one field, as the tenant has them."""

    choices: tuple[Choice, ...] = ()

    def by_id(self, choice_id: int) -> Choice | None:
        """Return the entry with this id, active or not."""
        return next((choice for choice in self.choices if choice.id == choice_id), None)

    def find(self, wanted: int | str) -> Choice | NoChoice:
        """Return the active entry with this id, or this label (whole; case does not count)."""
        if isinstance(wanted, int):
            return self._by_id(wanted)
        same = [choice for choice in self.choices if _key(choice.label) == _key(wanted)]
        active = [choice for choice in same if choice.active]
        if len(active) == 1:
            return active[0]
        if active:
            ids = ", ".join(str(choice.id) for choice in active)
            return NoChoice(f"{wanted!r} is the label of several: {ids}; name one by its id")
        if same:
            return NoChoice(f"{wanted!r} ({same[0].id}) is inactive")
        return NoChoice(f"{wanted!r} does not exist{self._similar(wanted)}")

    def under(self, parent_id: int) -> Picklist:
        """Return the entries that belong to this entry of the field that this one depends on."""
        return Picklist(tuple(choice for choice in self.choices if choice.parent_id == parent_id))

    def default(self) -> Choice | None:
        """Return the entry that the tenant marks as default, where it is active."""
        return next((choice for choice in self.choices if choice.default and choice.active), None)

    def _by_id(self, wanted: int) -> Choice | NoChoice:
        choice = self.by_id(wanted)
        if choice is None:
            return NoChoice(f"{wanted} does not exist")
        return choice if choice.active else NoChoice(f"{wanted} ({choice.label!r}) is inactive")

    def _similar(self, wanted: str) -> str:
        labels = {_key(choice.label): choice.label for choice in self.choices if choice.active}
        close = difflib.get_close_matches(_key(wanted), labels, n=3, cutoff=0.5)
        return "; similar: " + ", ".join(repr(labels[key]) for key in close) if close else ""


def _key(label: str) -> str:
    return " ".join(label.split()).casefold()


class Fields(msgspec.Struct, frozen=True):
    """What `entityInformation/fields` says: picklists by field name, and which fields can be written."""

    picklists: Mapping[str, Picklist]
    writable: frozenset[str]

    def picklist(self, field: str) -> Picklist:
        """Return the field's picklist; an empty one where it has none."""
        return self.picklists.get(field.casefold(), Picklist())


def read_fields(payload: Payload) -> Fields:
    """Read the answer of `entityInformation/fields`.

    Raises:
        Unavailable: It is not what that route answers.
    """
    items = payload.get("fields")
    if not isinstance(items, list) or not items:
        raise Unavailable("the metadata of an entity answered without fields")
    named = [item for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)]
    return Fields(
        picklists={item["name"].casefold(): _picklist(item) for item in named if item.get("isPickList")},
        writable=frozenset(item["name"] for item in named if item.get("isReadOnly") is False),
    )


def _picklist(item: Mapping[str, Any]) -> Picklist:
    values = item.get("picklistValues")
    entries = [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
    return Picklist(tuple(choice for entry in entries if (choice := _choice(entry)) is not None))


def _choice(entry: Mapping[str, Any]) -> Choice | None:
    """Read one entry; None where its value is no number, as in the few picklists of texts."""
    choice_id = _whole_number(entry.get("value"))
    if choice_id is None:
        return None
    return Choice(
        id=choice_id,
        label=str(entry.get("label") or ""),
        active=entry.get("isActive") is not False,
        default=entry.get("isDefaultValue") is True,
        system=entry.get("isSystem") is True,
        parent_id=_whole_number(entry.get("parentValue")),
    )


def _whole_number(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def may_access(payload: Payload, what: str) -> str:
    """Return `all`, `restricted`, `none` or `unknown` for `userAccessFor<what>` of `entityInformation`."""
    info = payload.get("info")
    value = info.get(f"userAccessFor{what}") if isinstance(info, dict) else None
    words = {
        "none": "none",
        "all": "all",
        "restricted": "restricted",
        "0": "none",
        "1": "all",
        "2": "restricted",
    }
    return "unknown" if value is None else words.get(str(value).casefold(), "unknown")

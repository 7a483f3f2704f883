"""Tags: names and values that people attach to what is watched, read into labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_NO_LABEL = re.compile(r"[^A-Za-z0-9_]")
_CLIENTS = ("client", "customer", "company", "tenant", "organization", "organisation")


def labels_of(tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the tags as labels that matchers can name without quotes.

    Several values of one name are joined in their order; a tag without a value is `true`.
    """
    values: dict[str, list[str]] = {}
    for name, value in tags:
        label = _NO_LABEL.sub("_", name.strip())
        if label.strip("_"):
            label = f"_{label}" if label[0].isdigit() else label
            values.setdefault(label, []).append(value.strip() or "true")
    return {label: ", ".join(dict.fromkeys(each)) for label, each in values.items()}


def client_of(labels: Mapping[str, str]) -> str:
    """Return the customer that a tag names; empty if none does."""
    folded = {name.lower(): value for name, value in labels.items()}
    return next((folded[name] for name in _CLIENTS if name in folded), "")

"""Which keys the settings models know, found by walking their types."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from alertd.config.paths import KeyPath
from alertd.core.settings import Section


def keys(model: type[Section]) -> dict[str, FieldInfo]:
    """Return the fields of a model by the names they have in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def models_at(model: type[Section], path: KeyPath) -> tuple[type[Section], ...]:
    """Return the models that a table at `path` may have; several where there are kinds."""
    models: tuple[type[Section], ...] = (model,)
    for part in path:
        if isinstance(part, str):
            fields = (keys(each).get(part) for each in models)
            models = tuple(below for field in fields if field for below in models_in(field.annotation))
    return models


def models_in(annotation: Any) -> Iterator[type[Section]]:
    """Yield the models that a field's type mentions, its own or those of its elements."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, types.UnionType, list, dict, tuple):
        for each in get_args(annotation):
            yield from models_in(each)


def known_keys(model: type[Section], path: KeyPath) -> frozenset[str]:
    """Return the keys that a table at `path` may have, whatever its kind."""
    return frozenset(key for each in models_at(model, path) for key in keys(each))

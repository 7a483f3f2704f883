"""Conversion of JSON values to what a field holds, with the errors the API answers."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from alertd.simulator import instants
from alertd.simulator.entities import Entity, Field
from alertd.simulator.wire import refused

_TRUTH_AS_TEXT = {"true": True, "false": False}


def for_filter(entity: Entity, field: Field, value: Any, *, truth_as_text: bool) -> Any:
    """Return a filter value in the field's type; None matches nothing.

    `truth_as_text` says whether "true" and "false" will do for a boolean, as the database converts them.

    Raises:
        ApiError: The database cannot convert it.
    """
    if value is None:
        return None
    if truth_as_text and (field.data_type == "boolean" or field.bit):
        truth = _TRUTH_AS_TEXT.get(_text(value).lower())
        value = value if truth is None else int(truth) if field.bit else truth
    if field.is_whole_number:
        return _whole(value)
    match field.data_type:
        case "boolean":
            return _boolean(field, value)
        case "datetime":
            return _instant(value)
        case "decimal" | "double":
            return _number(value)
        case _:
            return value if isinstance(value, str) else _text(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise _cannot_convert(_text(value), "int")
    try:
        number = int(value)
    except (ValueError, TypeError) as exc:
        raise _cannot_convert(_text(value), "int") from exc
    if number != (float(value) if isinstance(value, float) else number):
        raise _cannot_convert(_text(value), "int")
    return number


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise refused(f"String was not recognized as a valid Boolean. Field: {field.name}")


def _instant(value: Any) -> str:
    try:
        return instants.normalise(str(value))
    except ValueError as exc:
        raise refused("Conversion failed when converting date and/or time from character string.") from exc


def _number(value: Any) -> float:
    try:
        return float(value)
    except (ValueError, TypeError) as exc:
        raise refused("Error converting data type nvarchar to numeric.") from exc


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cannot_convert(value: str, to: str) -> Exception:
    return refused(f"Conversion failed when converting the varchar value '{value}' to data type {to}.")


def for_write(field: Field, value: Any) -> Any:
    """Return a written value in the field's type. Null passes, since it clears a field.

    So does empty text for a number or an instant: the parser of the API reads it as null.

    Raises:
        ApiError: The JSON value does not fit the type, as the parser of the API reports it.
    """
    kind = field.data_type
    if value is None or (value == "" and kind not in ("string", "boolean")):
        return None
    if kind == "boolean":
        fits: bool = isinstance(value, bool)
    elif kind in ("string", "datetime"):
        fits = isinstance(value, str) or (kind == "string" and isinstance(value, int | float))
    else:
        fits = isinstance(value, int | float | str) and not isinstance(value, bool)
    if not fits:
        raise _unexpected(field, value)
    return _converted(field, value)


def _converted(field: Field, value: Any) -> Any:
    try:
        if field.is_whole_number:
            return _integer(field, value)
        if field.data_type in ("decimal", "double"):
            return _finite(value)
        if field.data_type == "datetime":
            return instants.whole_day(value) if field.date_only else instants.normalise(value)
    except ValueError as exc:
        raise refused(
            f"Could not convert string to {field.data_type}: {value}. Path '{field.name}'."
        ) from exc
    return value if field.data_type == "boolean" else _text(value)


def _integer(field: Field, value: Any) -> int:
    """Return a whole number that the field's type can hold.

    Raises:
        ValueError: It has a fraction, or is too large.
    """
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    number = int(value)
    if number.bit_length() >= (64 if field.data_type == "long" else 32):
        raise ValueError(value)
    return number


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _unexpected(field: Field, value: Any) -> Exception:
    start = msgspec.json.encode(value).decode()[:1]
    return refused(
        f"Unexpected character encountered while parsing value: {start}. "
        f"Path '{field.name}', line 1, position 1."
    )

"""Which device of a company an alert speaks of: compared by what identifies it best, and never guessed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

HOST = "host"
DEVICE_LABELS = ("device_uid", "device_id", "serial", "ip", "mac")  # labels that name a device beside `host`

DeviceLabel: TypeAlias = Literal["host", "device_uid", "device_id", "serial", "ip", "mac"]
Clues: TypeAlias = Mapping[str, str]  # some of DEVICE_LABELS and `host`
_SEPARATORS = re.compile(r"[,;\s]+")
_NO_HEX = re.compile(r"[^0-9a-f]")
_MAC_DIGITS = 12


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """An active device, and everything it is known by."""

    id: int
    title: str = ""
    known_by: Mapping[str, Sequence[str]] = {}  # as for clues


class DeviceMatch(msgspec.Struct, frozen=True):
    """The one device that the clues name, or those it might be. `by` says what they were compared by."""

    device: Device | None = None
    by: str = ""
    candidates: tuple[Device, ...] = ()


def find_device(devices: Iterable[Device], clues: Clues) -> DeviceMatch:
    """Return the device that the best clue names; where several bear it, none, and who they are.

    A weaker clue never chooses between them: duplicates are common, and a wrong device is worse than none.
    """
    known = tuple(devices)
    for by, wanted, names in _comparisons(clues):
        found = tuple(device for device in known if wanted & names(device))
        if len(found) == 1:
            return DeviceMatch(found[0], by)
        if found:
            return DeviceMatch(None, by, found)
    return DeviceMatch()


def clues_of(host: str, clues: Clues) -> Clues:
    """Return all that names a device. A host that is an address counts as one."""
    named = {HOST: host, **clues} if host else dict(clues)
    if "ip" not in named and _address(host):
        named["ip"] = host
    return named


_Names: TypeAlias = Callable[[Device], frozenset[str]]
_Comparison: TypeAlias = tuple[str, frozenset[str], _Names]


def _comparisons(clues: Clues) -> Iterator[_Comparison]:
    """Yield what to compare by, the surest first."""
    for label in ("device_uid", "device_id", "serial"):
        yield from _by(label, clues, _plain)
    yield from _by_names(_name(clues.get(HOST, "")))
    for label, normal in (("ip", _address), ("mac", _mac)):
        yield from _by(label, clues, normal)


def _by(label: str, clues: Clues, normal: Callable[[str], str]) -> Iterator[_Comparison]:
    wanted = frozenset({normal(clues.get(label, ""))} - {""})
    if wanted:
        yield label, wanted, lambda device: _listed(device, label, normal)


def _by_names(host: str) -> Iterator[_Comparison]:
    """Compare whole names, then a short one with the first part of one that is fully qualified."""
    if not host or _address(host):
        return
    yield "host name", frozenset({host}), _names
    short, _, domain = host.partition(".")
    comparable = _short_names if domain else _first_parts
    yield "short host name", frozenset({short}), comparable


def _names(device: Device) -> frozenset[str]:
    return frozenset(map(_name, device.known_by.get(HOST, ()))) - {""}


def _short_names(device: Device) -> frozenset[str]:
    return frozenset(name for name in _names(device) if "." not in name)


def _first_parts(device: Device) -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in _names(device) if not _address(name))


def _listed(device: Device, label: str, normal: Callable[[str], str]) -> frozenset[str]:
    """A field may hold several addresses."""
    parts = (part for value in device.known_by.get(label, ()) for part in (value, *_SEPARATORS.split(value)))
    return frozenset(map(normal, parts)) - {""}


def _plain(value: str) -> str:
    return value.strip().casefold()


def _name(value: str) -> str:
    return _plain(value).rstrip(".")


def _address(value: str) -> str:
    try:
        return ipaddress.ip_address(value.strip()).compressed
    except ValueError:
        return ""


def _mac(value: str) -> str:
    digits = _NO_HEX.sub("", value.casefold())
    return digits if len(digits) == _MAC_DIGITS else ""

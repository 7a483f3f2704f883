"""Which device an alert speaks of: the surest clue decides, and what several bear decides nothing."""

from __future__ import annotations

import pytest

from alertd.core.devices import Device, clues_of, find_device

FS = Device(
    id=1,
    title="File server",
    known_by={
        "host": ["ACME-FS01", "acme-fs01.acme.example"],
        "device_uid": ["A-1"],
        "device_id": ["4001"],
        "serial": ["SN-1"],
        "ip": ["10.0.0.5, 10.0.0.6"],
        "mac": ["00-1A-2B-3C-4D-5E;00:1a:2b:3c:4d:5f"],
    },
)
DC = Device(id=2, title="DC01", known_by={"host": ["ACME-DC01"], "serial": ["SN-2"], "ip": ["fe80::0001"]})
NAS = Device(id=3, title="NAS", known_by={"host": ["nas.acme.example", "10.0.0.9"]})
OLD_NAS = Device(id=4, title="Old NAS", known_by={"host": ["NAS.Acme.Example."], "serial": ["SN-4"]})
ALL = (FS, DC, NAS, OLD_NAS)


@pytest.mark.parametrize(
    ("clues", "found", "by"),
    [
        ({"device_uid": "a-1"}, FS, "device_uid"),
        ({"device_id": " 4001 "}, FS, "device_id"),
        ({"serial": "sn-2"}, DC, "serial"),
        ({"host": "acme-FS01"}, FS, "host name"),
        ({"host": "acme-fs01.acme.example."}, FS, "host name"),
        ({"host": "acme-dc01.acme.example"}, DC, "short host name"),
        ({"ip": "10.0.0.6"}, FS, "ip"),
        ({"ip": "fe80:0::1"}, DC, "ip"),
        ({"mac": "001A.2B3C.4D5F"}, FS, "mac"),
        ({"host": "unheard-of", "mac": "001a2b3c4d5e"}, FS, "mac"),
        ({"serial": "SN-2", "host": "acme-fs01"}, DC, "serial"),
        ({"serial": "unheard-of", "host": "acme-fs01"}, FS, "host name"),
    ],
    ids=str,
)
def test_the_surest_clue_decides(clues: dict[str, str], found: Device, by: str) -> None:
    match = find_device(ALL, clues)

    assert (match.device, match.by, match.candidates) == (found, by, ())


@pytest.mark.parametrize("host", ["nas.acme.example", "nas"])
def test_what_several_bear_is_none_and_they_are_named(host: str) -> None:
    match = find_device(ALL, {"host": host, "serial": "SN-9"})

    assert (match.device, match.candidates) == (None, (NAS, OLD_NAS))


def test_a_weaker_clue_never_chooses_between_several() -> None:
    twins = (
        Device(id=1, known_by={"serial": ["X"], "host": ["a"]}),
        Device(id=2, known_by={"serial": ["X"]}),
    )

    assert find_device(twins, {"serial": "X", "host": "a"}).device is None


@pytest.mark.parametrize(
    "clues",
    [
        {},
        {"host": ""},
        {"host": "server"},
        {"host": "acme-fs01.other.example"},
        {"host": "10"},
        {"mac": "00-1A"},
        {"ip": "10.0.0"},
    ],
    ids=str,
)
def test_nothing_is_guessed(clues: dict[str, str]) -> None:
    qualified = Device(
        id=1, title="Mail server", known_by={"host": ["acme-fs01.acme.example", "Mail server"]}
    )

    assert find_device([qualified], clues) == find_device((), {})


def test_a_host_that_is_an_address_is_one() -> None:
    assert find_device(ALL, clues_of("10.0.0.5", {})).device == FS
    assert find_device(ALL, clues_of("10.0.0.9", {})).device is None
    assert clues_of("10.0.0.5", {"ip": "10.0.0.1"})["ip"] == "10.0.0.1"
    assert clues_of("", {"serial": "S"}) == {"serial": "S"}

"""Cisco Meraki: the webhook of a network's alerts, in Meraki's own template."""

from __future__ import annotations

from typing import Literal

import msgspec

from alertd.core.alerts import Status
from alertd.core.reading.bodies import Unreadable
from alertd.core.reading.events import Event
from alertd.core.reading.instants import instant
from alertd.core.reading.objects import lines_of, object_in, text_in, texts_in
from alertd.core.reading.settings import SenderSettings
from alertd.core.reading.signatures import SecretInBody
from alertd.core.reading.signing import Signs
from alertd.core.reading.trees import Tree
from alertd.core.sources.kind import Payload, sender_kind
from alertd.core.sources.sheets import Sheet

# No id links a problem to its end: the types come in pairs, and the one that begins it is the family.
_PAIRS = {
    "stopped_reporting": "started_reporting",
    "power_supply_down": "power_supply_up",
    "cellular_down": "cellular_up",
    "port_disconnected": "port_connected",
    "pcc_outage_begin": "pcc_outage_end",
    "rps_backup": "rps_base_supply_up",
    "geofencing_out": "geofencing_in",
    "pcc_security_violation": "pcc_security_compliance",
}
_BEGINS = {end: begin for begin, end in _PAIRS.items()}
_YES, _NO = frozenset({"true", "1", "up", "yes"}), frozenset({"false", "0", "down", "no"})
_FIRST_UPLINK, _OTHER_UPLINKS = frozenset({"0", "wan1", "wan 1"}), frozenset({"1", "2", "3", "wan2", "wan 2"})


class _Flag(msgspec.Struct, frozen=True):
    name: str  # in alertData
    clears: frozenset[str] = _YES
    fires: frozenset[str] = _NO


# Types that say in a field whether it is over.
_FLAGS = {
    "vpn_connectivity_change": _Flag("connectivity"),
    "client_connectivity": _Flag("connected"),
    "vrrp": _Flag("ifUp"),
    "failover_event": _Flag("uplink", _FIRST_UPLINK, _OTHER_UPLINKS | {"cellular"}),
}
# What in alertData says which of several it is, the same at the end as at the beginning; and of other types.
_LINKING = (
    *("portNum", "num", "mac", "peerNetworkId", "peerNetworkName", "peerIdent"),
    *("pccSecurityPolicyId", "pccSecurityAlertConfigId"),
)
_TELLING = (
    *("eth", "bluetoothClientId", "serialNumber", "deviceId", "conflictingIp", "foreignBssid", "network"),
    *("srvIp", "ssid", "ssidName", "userName"),
)
_UNTRANSLATED = "translation missing"
_TEST_CLIENT = "Cisco Meraki valued client"
_TYPES = frozenset({*_PAIRS, *_BEGINS, *_FLAGS})

SHEET = Sheet(
    product="Cisco Meraki",
    summary="Reads the webhooks of Network-wide → Alerts, in the template Meraki (included).",
    alertname="`alertTypeId` of the event that begins it",
    title="`alertType`",
    host="`deviceName`, else `deviceSerial`",
    client="`organizationName`, or `organizationId` through `clients`",
    problem="`networkId`, `deviceSerial`, the pair of `alertTypeId`, and the port, peer or client concerned",
    clears="the event that ends the pair, or a flag in `alertData`; other types have no end",
    tokens=("body", "url"),
    steps=(
        "In the dashboard open Network-wide → Configure → Alerts, Webhooks, and add an HTTPS server: {{url}}",
        "Put the token into Shared secret: {{token}}",
        "Leave the payload template at Meraki (included).",
        "Name the server as recipient of each alert, of those that come up or reconnect too.",
    ),
    severities=(("critical", "critical"), ("warning", "warning"), ("informational", "info")),
    states=(
        *((f"`{begin}`, `{end}`", "fires, clears") for begin, end in _PAIRS.items()),
        ("`vpn_connectivity_change`", "`connectivity` false fires, true clears"),
        ("`client_connectivity`", "`connected` false fires, true clears"),
        ("`vrrp`", "`ifUp` 0 fires, 1 clears"),
        ("`failover_event`", "`uplink` 0, the first, clears; any other fires"),
        ("every other type", "fires, and expires"),
        ("`alertId` of nothing but zeros", "ignored: a test message"),
    ),
    labels=(
        ("serial, mac, model", "of the device"),
        ("network, network_id", "of the network"),
        ("network_tags, device_tags", "the tags, joined by commas"),
        ("alert_type", "`alertTypeId` as sent"),
        ("port", "`portNum`"),
        ("client_id", "`organizationId`"),
    ),
    notes=(
        'Customers by network tag: `client = { label = "network_tags", regex = "client-([^, ]+)" }`.',
        'A template of your own renames the fields: for it use `kind = "mapped"`.',
        "`alertId` is another in each message and links nothing.",
    ),
)


class MerakiSettings(SenderSettings, Signs):
    """`[[sources]]` with `kind = "meraki"`."""

    kind: Literal["meraki"]


def _event(item: dict[str, Tree], payload: Payload, settings: MerakiSettings) -> Event:
    type_id = text_in(item, "alertTypeId") or text_in(item, "alertType")
    if not type_id or not (item.get("occurredAt") or item.get("networkId")):
        raise Unreadable(
            "shape",
            "not Meraki's own template (no alertTypeId with occurredAt): choose Meraki (included), "
            'or read your template with kind = "mapped"',
        )
    data = object_in(item, "alertData")
    status, word = _status(type_id, data)
    is_test = _is_test(item, data)
    at = instant(item.get("occurredAt")) or instant(item.get("sentAt"))
    family = _BEGINS.get(type_id, type_id)
    return Event(
        key=_key(item, data, family),
        status=Status.IGNORED if is_test else status,
        unknown_status=word,
        alertname=family,
        title=_title(item, type_id),
        description=lines_of(data),
        url=text_in(item, "deviceUrl", "networkUrl", "organizationUrl"),
        host=text_in(item, "deviceName", "deviceSerial"),
        client=text_in(item, "organizationName"),
        client_id=text_in(item, "organizationId"),
        severity=text_in(item, "alertLevel"),
        labels=_labels(item, data),
        annotations={"ignored": "test message"} if is_test else {},
        starts_at=at if status is not Status.CLEARED else None,
        ends_at=at,
        is_one_shot=type_id not in _TYPES,
    )


def _status(type_id: str, data: dict[str, Tree]) -> tuple[Status, str]:
    """Return the state, and the word for it if nobody knows it."""
    if flag := _FLAGS.get(type_id):
        word = text_in(data, flag.name)
        is_known = word.lower() in flag.clears | flag.fires
        status = Status.CLEARED if word.lower() in flag.clears else Status.FIRING
        return status, "" if is_known else word or f"no {flag.name}"
    return (Status.CLEARED if type_id in _BEGINS else Status.FIRING), ""


def _is_test(item: dict[str, Tree], data: dict[str, Tree]) -> bool:
    number = text_in(item, "alertId")
    return bool(number and not number.strip("0")) or text_in(data, "clientName") == _TEST_CLIENT


def _key(item: dict[str, Tree], data: dict[str, Tree], family: str) -> tuple[str, ...]:
    network, serial = text_in(item, "networkId", "networkName"), text_in(item, "deviceSerial", "deviceMac")
    if not (network or serial):
        return ("",)
    names = _LINKING if family in _TYPES else (*_LINKING, *_TELLING)
    details = (f"{name}={text}" for name in names if (text := text_in(data, name)))
    port = text_in(object_in(data, "port"), "port")
    return (network, serial, family, *details, *((f"port={port}",) if port else ()))


def _title(item: dict[str, Tree], type_id: str) -> str:
    title = text_in(item, "alertType")
    if title and not title.lower().startswith(_UNTRANSLATED):
        return title
    return type_id.replace("_", " ").capitalize()


def _labels(item: dict[str, Tree], data: dict[str, Tree]) -> dict[str, str]:
    return {
        "serial": text_in(item, "deviceSerial"),
        "mac": text_in(item, "deviceMac"),
        "model": text_in(item, "deviceModel"),
        "network": text_in(item, "networkName"),
        "network_id": text_in(item, "networkId"),
        "network_tags": ", ".join(texts_in(item, "networkTags")),
        "device_tags": ", ".join(texts_in(item, "deviceTags")),
        "alert_type": text_in(item, "alertTypeId"),
        "port": text_in(data, "portNum") or text_in(object_in(data, "port"), "port"),
    }


KIND = sender_kind(MerakiSettings, _event, SHEET).signed(SecretInBody("sharedSecret"))

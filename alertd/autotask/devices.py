"""Configuration items as devices: what each is known by, in its own and in user-defined fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alertd.autotask.company_records import Source
from alertd.autotask.directory import udf_value
from alertd.autotask.queries import Row, Where
from alertd.core.devices import Device, DeviceLabel

# What an alert's label is compared with. External addresses are a whole site's, and name no device.
FIELDS_BY_LABEL: Mapping[DeviceLabel, tuple[str, ...]] = {
    "device_uid": ("rmmDeviceUID",),
    "device_id": ("rmmDeviceID",),
    "serial": ("serialNumber", "dattoSerialNumber"),
    "host": ("rmmDeviceAuditHostname", "dattoHostname", "referenceTitle"),
    "ip": ("rmmDeviceAuditIPAddress", "dattoInternalIP"),
    "mac": ("rmmDeviceAuditMacAddress",),
}


def devices_source(udf_by_label: Mapping[DeviceLabel, str]) -> Source[Device]:
    """Return what to read of a company's configuration items.

    Args:
        udf_by_label: User-defined fields that hold what a label says, by label.
    """
    fields = [name for names in FIELDS_BY_LABEL.values() for name in names]

    def read(rows: Iterable[Row]) -> tuple[Device, ...]:
        return tuple(_device(row, udf_by_label) for row in rows)

    return Source(
        entity="ConfigurationItems",
        fields=(*fields, *udf_by_label.values()),
        condition=Where("eq", "isActive", True),
        read=read,
    )


def _device(row: Row, udf_by_label: Mapping[DeviceLabel, str]) -> Device:
    known_by = {
        label: [
            text
            for text in (*(_text(row.get(name)) for name in names), _udf(row, label, udf_by_label))
            if text
        ]
        for label, names in FIELDS_BY_LABEL.items()
    }
    title = _text(row.get("referenceTitle")) or next(iter(known_by["host"]), "")
    return Device(
        id=row["id"], title=title, known_by={label: said for label, said in known_by.items() if said}
    )


def _udf(row: Row, label: DeviceLabel, udf_by_label: Mapping[DeviceLabel, str]) -> str:
    name = udf_by_label.get(label)
    return udf_value(row, name).strip() if name is not None else ""


def _text(value: Any) -> str:
    return str(value).strip() if value is not None else ""

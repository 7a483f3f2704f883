"""Three sample senders for `alertd demo`: Alertmanager, a backup product by mapping, Prometheus itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import msgspec

State: TypeAlias = Literal["open", "complete"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One request a sample sender makes, `after_s` seconds into the demo."""

    after_s: float
    sender: str
    path: str
    says: str  # for the person who watches
    body: Any
    messages: int


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that must stand at the end, by Autotask's own books."""

    company: str
    queue: str
    priority: str
    title: str  # begins so
    complete: bool
    tags: frozenset[str] = frozenset({"alertd"})


SENDERS = ("alertmanager", "backups", "prometheus")

CONFIG = """\
instance = "demo"

[server]
listen = "{intake}"

[admin]
listen = "127.0.0.1:0"
token = {{ file = "{folder}/admin" }}

[store]
url = "sqlite:///{folder}/alertd.db"
min_free = 0

[autotask]
username = "{username}"
secret = {{ file = "{folder}/autotask-secret" }}
integration_code = {{ file = "{folder}/autotask-code" }}
zone_url = "{zone_url}"

[[sources]]
name = "alertmanager"
kind = "alertmanager"
token = {{ file = "{folder}/alertmanager" }}
client = {{ label = "customer" }}

[[sources]]
name = "backups"
kind = "mapped"
token = {{ file = "{folder}/backups" }}
split = "jobs"
key = ["job", "server"]
alertname = "job"
title = "message"
host = "server"
client = {{ label = "customer" }}
labels = {{ customer = "customer" }}
severity = {{ path = "result", map = {{ "Failed" = "high", "Warning" = "warning" }}, default = "warning" }}
status = {{ path = "result", firing = ["Failed", "Warning"], cleared = ["Success"] }}

[[sources]]
name = "prometheus"
kind = "alertmanager"
token = {{ file = "{folder}/prometheus" }}
client = {{ label = "customer" }}

[[boards]]
name = "noc"
queue = "NOC"
tags = ["alertd"]

[[boards]]
name = "backups"
queue = "Backups"
tags = ["alertd"]

[route]
board = "noc"
group_by = ["client", "host", "alertname"]
group_wait = "0s"
hold = "2s"

[[route.routes]]
name = "backups"
matchers = ['source="backups"']
board = "backups"
tags = ["backup"]

[[route.routes]]
name = "site down"
matchers = ['alertname="SiteDown"']
group_by = ["client", "alertname"]
group_wait = "1s"

[sync]
every = "5s"
"""


def deliveries(now: datetime, companies: tuple[str, str, str]) -> list[Delivery]:
    """Return what the senders send, in order.

    Args:
        now: When the demo begins; the alerts' own times are about it.
        companies: Three customers that the simulated tenant has.
    """
    first, second, third = companies
    disk = _labels("DiskFull", "fs02:9100", first, "warning")
    cpu = _labels("HighCPU", "db01:9100", second, "critical")
    site = [_labels("SiteDown", f"sw{number}:161", third, "high") for number in (1, 2, 3)]
    unknown = _labels("UPSOnBattery", "ups1", "Nobody We Know", "warning")
    job = {"job": "Nightly full", "server": "SRV-BACKUP", "customer": second}
    return [
        _webhook(0.0, "disk nearly full", [(disk, True)], now),
        _webhook(0.2, "CPU: critical", [(cpu, True)], now),
        _webhook(0.4, "three switches of a site gone: one ticket", [(each, True) for each in site], now),
        _mapped(0.6, "a backup failed", [{**job, "result": "Failed", "message": "Nightly full failed"}]),
        _posted(0.8, "a customer nobody has mapped", [(unknown, True)], now),
        *(_webhook(1.0 + 0.1 * n, "disk nearly full, again", [(disk, True)], now) for n in range(5)),
        _mapped(3.0, "the backup is well again", [{**job, "result": "Success", "message": "Nightly full"}]),
        _webhook(3.2, "two of the switches are back", [(each, False) for each in site[:2]], now),
        _webhook(3.6, "disk has room again", [(disk, False)], now),
        _webhook(4.2, "the third switch is back", [(site[2], False)], now),
        _posted(4.6, "a heartbeat, which never makes a ticket", [({"alertname": "Watchdog"}, True)], now),
    ]


def expected(companies: tuple[str, str, str]) -> list[Expected]:
    """Return the tickets that must stand when all is settled."""
    first, second, third = companies
    noc: dict[str, Any] = {"queue": "NOC"}
    return [
        Expected(
            company=first, priority="Medium", title="Disk D: is 96 % full on fs02", complete=True, **noc
        ),
        Expected(company=second, priority="Critical", title="HighCPU on db01", complete=False, **noc),
        Expected(company=third, priority="High", title="SiteDown", complete=True, **noc),
        Expected(
            company=second,
            queue="Backups",
            priority="High",
            title="Nightly full failed on SRV-BACKUP",
            complete=True,
            tags=frozenset({"alertd", "backup"}),
        ),
        Expected(company="", priority="Medium", title="UPSOnBattery on ups1", complete=False, **noc),
    ]


def _labels(alertname: str, instance: str, customer: str, severity: str) -> dict[str, str]:
    return {"alertname": alertname, "instance": instance, "customer": customer, "severity": severity}


_SUMMARIES = {"DiskFull": "Disk D: is 96 % full"}


def _alert(labels: Mapping[str, str], *, firing: bool, now: datetime) -> dict[str, Any]:
    summary = _SUMMARIES.get(labels["alertname"])
    return {
        "labels": dict(labels),
        "annotations": {"summary": summary} if summary else {},
        "startsAt": _instant(now - timedelta(minutes=2)),
        "generatorURL": "http://prometheus.example.net/graph",
        **({} if firing else {"endsAt": _instant(now)}),
    }


def _webhook(
    after_s: float, says: str, alerts: list[tuple[Mapping[str, str], bool]], now: datetime
) -> Delivery:
    told = [
        {"status": "firing" if firing else "resolved", **_alert(labels, firing=firing, now=now)}
        for labels, firing in alerts
    ]
    body = {"version": "4", "receiver": "alertd", "status": "firing", "truncatedAlerts": 0, "alerts": told}
    path = "/v1/alerts/alertmanager"
    return Delivery(
        after_s=after_s, sender="alertmanager", path=path, says=says, body=body, messages=len(told)
    )


def _mapped(after_s: float, says: str, jobs: list[dict[str, str]]) -> Delivery:
    path = "/v1/alerts/backups"
    return Delivery(
        after_s=after_s, sender="backups", path=path, says=says, body={"jobs": jobs}, messages=len(jobs)
    )


def _posted(
    after_s: float, says: str, alerts: list[tuple[Mapping[str, str], bool]], now: datetime
) -> Delivery:
    told = [_alert(labels, firing=firing, now=now) for labels, firing in alerts]
    path = "/api/v2/alerts"
    return Delivery(after_s=after_s, sender="prometheus", path=path, says=says, body=told, messages=len(told))


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

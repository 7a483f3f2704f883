"""The sheet of the mapped source. Its examples are read by a test, so they are what they say."""

from __future__ import annotations

from alertd.core.sources.sheets import Sheet, Template

_SOURCE = """[[sources]]
name = "NAME"
kind = "mapped"
token = { file = "/etc/alertd/tokens/NAME" }
"""


def _example(title: str, sent: str, settings: str) -> Template:
    """Return a worked example: what is sent, as comments, and the settings that read it."""
    body = "\n".join(f"# {line}" for line in sent.strip("\n").splitlines())
    return Template(title=title, language="toml", text=f"# Sent:\n{body}\n{_SOURCE}{settings.strip()}\n")


_EXAMPLES = (
    _example(
        "Nothing said: the usual names",
        """{"alert_uid": "a-17", "title": "Backup failed", "host": "FS01", "customer": "Contoso"}""",
        "",
    ),
    _example(
        "JSON, the value of a path, words for severity and state",
        """{"device": {"id": 12, "name": "Door 3"}, "rule": "Held open", "level": 1, "state": "open"}""",
        """
key = ["device.id", "rule"]
title = "rule"
host = "device.name"
severity = { path = "level", map = { "1" = "critical", "2" = "warning" }, default = "warning" }
status = { path = "state", firing = ["open"], cleared = ["closed"], updated = ["seen"], ignored = ["test"] }
""",
    ),
    _example(
        "A list of alerts, with access to what surrounds it",
        """{"company": "Contoso", "events": [{"id": 1, "what": "Fan"}, {"id": 2, "what": "Power"}]}""",
        """
split = "events"
key = "id"
alertname = "what"
client = "^.company"
""",
    ),
    _example(
        "Several paths, a constant, values joined, a default",
        """{"computer": "FS01", "check": "Disk C:", "used": "96 %"}""",
        """
key = ["computer", "check"]
host = ["hostname", "computer"]
title = { template = "{check} is {used} full" }
alertname = { const = "Disk full" }
client = { path = "site", default = "Contoso" }
""",
    ),
    _example(
        "Part of a text, by RE2 pattern",
        """{"subject": "[Contoso] PROBLEM: FS01 is DOWN", "ref": "FS01"}""",
        r"""
key = "ref"
client = { path = "subject", regex = '^\[([^\]]+)\]' }
host = { path = "subject", regex = ': (\S+) is' }
status = { path = "subject", regex = '(UP|DOWN)$', firing = ["DOWN"], cleared = ["UP"] }
""",
    ),
    _example(
        "Pairs of events: one begins the problem, another ends it",
        """{"deviceSerial": "Q2-A", "alertType": "Uplink down", "networkName": "HQ"}""",
        """
key = "deviceSerial"
alertname = "alertType"
status = { path = "alertType", pairs = { "Uplink down" = "Uplink up", "APs went down" = "APs came up" } }
""",
    ),
    _example(
        "A sender that never says that it is over: it expires",
        """{"id": "scan-9", "text": "Malware was found", "machine": "PC-7"}""",
        """
key = "id"
host = "machine"
status = { const = "firing" }
expire_after = "12h"
""",
    ),
    _example(
        "Times: in two fields, by pattern, on a clock of its own zone",
        """{"id": 5, "name": "Ping", "date": "2026.11.23", "time": "14:05:09", "over": 1795000000000}""",
        """
key = "id"
starts_at = { template = "{date} {time}", formats = ["yyyy.MM.dd HH:mm:ss"], timezone = "America/Toronto" }
ends_at = { path = "over", formats = ["rfc3339", "epoch_ms"] }
""",
    ),
    _example(
        "Messages that never make a ticket, and what is blanked before anything is kept",
        """{"id": 6, "type": "alarm", "rule": "Intrusion", "owner": {"phone": "+1 555 0100"}}""",
        """
key = "id"
ignore = [{ path = "type", values = ["ping", "test"] }, { path = "rule", regex = "^TEST" }]
redact = ["owner.phone"]
""",
    ),
    _example(
        "A form; labels, and the customer by a number of the sender's",
        """ticket=77&org=4711&serial=SN-1&text=Battery+low""",
        """
key = "ticket"
title = "text"
clients = { "4711" = "Northwind Traders" }
labels = { client_id = "org", serial = "serial" }
""",
    ),
    _example(
        "XML: the top element is left out, an attribute is @name",
        """<event id="88"><node name="SRV1"/><state>resolved</state></event>""",
        """
key = '"@id"'
host = 'node."@name"'
status = "state"
""",
    ),
    _example(
        "JSON inside a JSON text, as from a client that serialised twice; JMESPath",
        r'''"{\"id\": 3, \"tags\": [{\"name\": \"site\", \"value\": \"HQ\"}]}"''',
        """
key = "id"
labels = { site = "tags[?name=='site'].value | [0]" }
""",
    ),
)

SHEET = Sheet(
    product="Anything else",
    summary="Reads JSON, XML, forms, multipart and query strings of any shape by configured paths.",
    alertname="key `alertname`, else the usual names, else the problem key",
    title="key `title`, else the usual names, else `alertname`",
    host="key `host`, else the usual names",
    client="key `client`, else the usual names",
    problem="source and the values of `key`",
    clears="if `status` can say so",
    tokens=("header", "basic", "url"),
    steps=(
        "Have the sender post to this address: {{url}}",
        "Where it can set a header, use `Authorization: Bearer {{token}}`; else set `token_in_url = true`.",
        "Send some messages, and see with `alertd sources try NAME --recent` how they are read.",
        "Change the mapping in the file until the table is right, then reload alertd.",
    ),
    templates=_EXAMPLES,
    keys=(
        ("split", "path to the list of alerts; `^.` leads from an item to what surrounds the list"),
        ("key", "fields that together name the problem"),
        ("alertname, title, description, url, host, client", "a field each"),
        ("severity", "a field whose `map`, `const` or `default` is one of the five"),
        ("status", "words that fire, clear, update or are ignored; or `pairs`; or `const`"),
        ("starts_at, ends_at", "a path or template, `formats` and `timezone`"),
        ("labels", "further labels, each a field"),
        ("ignore", "messages that never make a ticket, by `values` or `regex`"),
    ),
    notes=(
        "What each key may hold is in [sources.md](../sources.md#kind--mapped).",
        "The body tells what it is by its first character; its content type does not count.",
        "Several JSON documents in one body, one a line, are parked: send one a request, or a list.",
        "OnCall's, GoAlert's, Opsgenie's, Keep's and Alerta's names are understood unsaid. Where no state is "
        "sent, Alerta's severities `normal`, `ok` and `cleared` clear.",
    ),
)

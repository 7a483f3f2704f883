"""One source of every kind in a real process: what fires becomes one ticket, and what clears completes it."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alertd.core.sources import kinds, zabbix_media_type
from tests.payloads import Case, cases
from tests.system.site import CANARY, Site, a_site, accounted

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

DONE = 5
# Clients of these can only send tokens of a certain form.
TOKENS = {
    "pagerduty": uuid.uuid5(uuid.NAMESPACE_URL, CANARY).hex,
    "opsgenie": str(uuid.uuid5(uuid.NAMESPACE_OID, CANARY)),
    "gradient": f"{CANARY}-vendor:{CANARY}-partner",
}

HTTP_REQUEST = """\
function HttpRequest() { this.headers = []; }
HttpRequest.prototype.addHeader = function (header) { this.headers.push(header); };
HttpRequest.prototype.post = function (url, body) {
    console.log(JSON.stringify({url: url, headers: this.headers, body: body}));
    return 'said alertd';
};
HttpRequest.prototype.getStatus = function () { return Number(process.argv[3]); };
var script = new Function('value', 'HttpRequest', process.argv[1]);
try { script(process.argv[2], HttpRequest); } catch (error) { console.log(error); process.exit(1); }
"""


class Road(NamedTuple):
    """What one kind sends, and the settings of its source."""

    fires: Case
    clears: Case | None

    @property
    def settings(self) -> Mapping[str, Any]:
        both = self.fires.settings | (self.clears.settings if self.clears else {})
        has_signature = "signature" in kinds.KINDS[self.fires.kind].settings.model_fields
        return {"signature": "off"} | both if has_signature else both


def road_of(kind: str) -> Road:
    """Choose the first problem of the kind's payloads that fires and, where the kind can say so, clears."""
    alone = [case for case in cases(kind) if case.same and len(case.alerts) == 1]
    fires = [case for case in alone if case.alerts[0].get("status") == "firing"]
    clears = {case.same: case for case in alone if case.alerts[0].get("status") == "cleared"}
    if kinds.KINDS[kind].sheet.clears:
        fires = [case for case in fires if case.same in clears]
    assert fires, f"{kind}: no payload that fires, or none that clears the same"
    return Road(fires[0], clears.get(fires[0].same))


def toml(value: Any) -> str:
    """Write a value of the settings in one line."""
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(
                f"{json.dumps(key, ensure_ascii=False)} = {toml(each)}" for key, each in value.items()
            )
            + " }"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def source(site: Site, kind: str, settings: Mapping[str, Any]) -> str:
    """Write the source's token, and return its table."""
    name = f"kind-{kind}"
    site.secret(name, TOKENS.get(kind, f"{CANARY}-{name}-0123456789abcdef"))
    keys = {"name": name, "kind": kind, "token": {"file": str(site.folder / name)}, **settings}
    return "\n[[sources]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in keys.items())


async def send(site: Site, case: Case) -> str:
    """Send what a case sends, and return the receipt."""
    name = f"kind-{case.kind}"
    headers = {"Authorization": f"Bearer {(site.folder / name).read_text()}"}
    if case.content_type:
        headers["Content-Type"] = case.content_type
    url = f"http://127.0.0.1:{site.intake}/v1/alerts/{name}" + (f"?{case.query}" if case.query else "")
    method = "POST" if case.raw else "GET"
    async with site.session.request(method, url, data=case.raw or None, headers=headers) as response:
        text = await response.text()
    assert response.status == 202, f"{case.kind}, {case.name}: {response.status} {text}"
    answer = json.loads(text)
    assert (answer["accepted"], answer["parked"]) == (1, 0), f"{case.kind}, {case.name}: {text}"
    receipt: str = answer["receipt"]
    return receipt


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def test_every_kind_becomes_a_ticket_that_completes(site: Site) -> None:
    roads = {kind: road_of(kind) for kind in kinds.KINDS}
    site.configure(
        more="".join(source(site, kind, road.settings) for kind, road in roads.items()),
        group_by='["source", "client", "host", "alertname"]',
    )
    await site.start()
    receipts = {kind: await send(site, road.fires) for kind, road in roads.items()}
    with suppress(TimeoutError):  # what is missing is told below
        await site.until(lambda: len(site.tickets) >= len(roads))
    await site.settled()
    opened = {kind: tickets_of(site, receipt) for kind, receipt in receipts.items()}
    assert {kind: [ticket["status"] for ticket in found] for kind, found in opened.items()} == {
        kind: [1] for kind in roads
    }

    cleared = [kind for kind, road in roads.items() if road.clears is not None]
    for kind in cleared:
        clears = roads[kind].clears
        assert clears is not None
        await send(site, clears)
    with suppress(TimeoutError):
        await site.until(lambda: sum(ticket["status"] == DONE for ticket in site.tickets) >= len(cleared))
    await site.settled()

    done = {kind: [ticket["status"] == DONE for ticket in tickets_of(site, receipts[kind])] for kind in roads}
    assert done == {kind: [kind in cleared] for kind in roads}
    assert len(site.tickets) == len(roads)
    assert accounted(site.walk(), site.tickets)
    assert CANARY not in site.read_output()


def tickets_of(site: Site, receipt: str) -> list[dict[str, Any]]:
    return [ticket for ticket in site.tickets if receipt in ticket["description"]]


def run_media_type(node: Path, answered: int) -> tuple[int, str]:
    """Run the script of Zabbix's media type; return the exit code and what it said."""
    parameters = dict(zabbix_media_type.MACROS) | {
        "alertd_url": "http://alertd",
        "alertd_token": "t",
        "name": 'a "b"\n',
    }
    ended = subprocess.run(
        [node, "-e", HTTP_REQUEST, zabbix_media_type.SCRIPT, json.dumps(parameters), str(answered)],
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout


def test_the_media_type_of_zabbix_sends_what_is_read(find_binary: Callable[[str], Path]) -> None:
    code, said = run_media_type(find_binary("node"), 202)
    request = json.loads(said)
    assert code == 0
    assert request["url"] == "http://alertd"
    assert request["headers"] == ["Content-Type: application/json", "Authorization: Bearer t"]
    assert json.loads(request["body"]) == dict(zabbix_media_type.MACROS) | {"name": 'a "b"\n'}


def test_the_media_type_of_zabbix_fails_so_that_zabbix_tries_again(
    find_binary: Callable[[str], Path],
) -> None:
    code, said = run_media_type(find_binary("node"), 503)
    assert code == 1
    assert said.splitlines()[1] == "alertd answered 503: said alertd"

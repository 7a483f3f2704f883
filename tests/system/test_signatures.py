"""Signed senders and a real alertd: rotation by reload, what comes twice, and what is too old."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.site import CANARY, Site, a_site, accounted

pytestmark = pytest.mark.system
PAYLOADS = Path(__file__).parents[1] / "payloads"
CREATED = (PAYLOADS / "huntress" / "created.json").read_bytes()
FIRING = (PAYLOADS / "grafana" / "firing.json").read_bytes()
RESOLVED = (PAYLOADS / "grafana" / "resolved.json").read_bytes()
KEYS = {name: f"{CANARY}-{name}-key-0123456789".encode() for name in ("huntress", "huntress-2")}
SECRETS = {
    **{name: "whsec_" + base64.b64encode(key).decode() for name, key in KEYS.items()},
    **{name: f"{CANARY}-{name}-0123456789" for name in ("grafana", "timed", "aws")},
}
SOURCES = """
[[sources]]
name = "huntress"
kind = "huntress"
token = {huntress}
signature = "required"

[[sources]]
name = "grafana"
kind = "grafana"
token = {{ file = "{folder}/grafana" }}

[[sources]]
name = "timed"
kind = "grafana"
token = {{ file = "{folder}/timed" }}
signature = "required"
signature_timestamp_header = "X-Time"

[[sources]]
name = "aws"
kind = "cloudwatch"
token = {{ file = "{folder}/aws" }}
topics = ["arn:aws:sns:eu-central-1:123456789012:alarms"]
"""


def configure(site: Site, *huntress: str) -> None:
    files = ", ".join(f'{{ file = "{site.folder}/{name}" }}' for name in huntress)
    site.configure(more=SOURCES.format(folder=site.folder, huntress=f"[{files}]"))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        for name, value in SECRETS.items():
            site.secret(name, value)
        configure(site, "huntress")
        await site.start()
        yield site


def stamp(ago_s: int = 0) -> str:
    return str(int(time.time()) - ago_s)  # noqa: TID251 - the daemon compares it with its own clock


def svix(body: bytes, id_: str, *, by: str = "huntress", ago_s: int = 0) -> dict[str, str]:
    at = stamp(ago_s)
    mac = hmac.digest(KEYS[by], f"{id_}.{at}.".encode() + body, "sha256")
    return {
        "svix-id": id_,
        "svix-timestamp": at,
        "svix-signature": f"v1a,AAAA v1,{base64.b64encode(mac).decode()}",
    }


def grafana(body: bytes, by: str, at: str = "") -> dict[str, str]:
    text = f"{at}:".encode() + body if at else body
    signature = hmac.digest(SECRETS[by].encode(), text, "sha256").hex()
    return {"X-Grafana-Alerting-Signature": signature} | ({"X-Time": at} if at else {})


async def post(site: Site, to: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    url = f"http://127.0.0.1:{site.intake}/v1/alerts/{to}"
    async with site.session.post(url, data=body, headers=headers) as answer:
        return answer.status, json.loads(await answer.read())


async def reload(site: Site, *huntress: str) -> None:
    configure(site, *huntress)
    status, text = await site.ask("/-/reload", method="POST")
    assert status == 200, text


async def tokens_used(site: Site) -> dict[str, str]:
    used: dict[str, str] = json.loads((await site.ask("/api/v1/status"))[1])["tokens_used"]["huntress"]
    return used


async def test_signed_senders(site: Site) -> None:
    await huntress_is_let_in_once(site)
    await its_secret_is_rotated(site)
    await grafana_is_let_in(site)
    await amazon_is_not_believed_without_its_certificate(site)
    await site.settled()
    assert accounted(site.walk(), site.tickets)
    assert len(site.tickets) == 2  # one of Huntress, one of both Grafanas, which say the same
    await site.stop()
    kept = [path for path in site.folder.iterdir() if path.is_file() and path.name not in SECRETS]
    secrets = [value.encode() for value in SECRETS.values()]
    assert [path.name for path in kept if any(each in path.read_bytes() for each in secrets)] == []


async def huntress_is_let_in_once(site: Site) -> None:
    good = svix(CREATED, "msg_1")
    status, first = await post(site, "huntress", CREATED, good)
    assert status == 202
    assert await post(site, "huntress", CREATED, good) == (202, first | {"duplicate": True})
    _, told = await site.run("explain", first["receipt"])
    assert "Svix's signature with the current secret" in told
    refused = [
        svix(CREATED, "msg_2", ago_s=400),
        svix(CREATED, "msg_2", ago_s=-400),
        svix(CREATED, "msg_2", by="huntress-2"),
        svix(CREATED + b" ", "msg_2"),
        good | {"svix-id": "msg_2"},
        {"Authorization": f"Bearer {SECRETS['huntress']}"},
        {},
    ]
    assert [(await post(site, "huntress", CREATED, headers))[0] for headers in refused] == [401] * 7
    other = CREATED.replace(b"\n", b" ") + b" "
    assert (await post(site, "huntress", other, svix(other, "msg_1")))[0] == 401
    await site.stop()
    await site.start()
    assert await post(site, "huntress", CREATED, good) == (202, first | {"duplicate": True})
    assert (await post(site, "huntress", other, svix(other, "msg_1")))[0] == 401


async def its_secret_is_rotated(site: Site) -> None:
    await reload(site, "huntress-2", "huntress")
    assert (await post(site, "huntress", CREATED, svix(CREATED, "msg_3")))[0] == 202
    assert [name for name, at in (await tokens_used(site)).items() if at == "never"] == ["current"]
    assert (await post(site, "huntress", CREATED, svix(CREATED, "msg_4", by="huntress-2")))[0] == 202
    assert "never" not in (await tokens_used(site)).values()
    await reload(site, "huntress-2")
    assert (await post(site, "huntress", CREATED, svix(CREATED, "msg_5")))[0] == 401
    assert (await post(site, "huntress", CREATED, svix(CREATED, "msg_5", by="huntress-2")))[0] == 202


async def grafana_is_let_in(site: Site) -> None:
    status, first = await post(site, "grafana", FIRING, grafana(FIRING, "grafana"))
    assert status == 202
    again = await post(site, "grafana", FIRING, grafana(FIRING, "grafana"))
    assert again == (202, first | {"duplicate": True})
    assert (await post(site, "grafana", FIRING, grafana(RESOLVED, "grafana")))[0] == 401
    bearer = {"Authorization": f"Bearer {SECRETS['grafana']}"}
    assert (await post(site, "grafana", FIRING, bearer | grafana(FIRING, "timed")))[0] == 401
    now, old = stamp(), stamp(ago_s=400)
    assert (await post(site, "timed", FIRING, grafana(FIRING, "timed")))[0] == 401
    assert (await post(site, "timed", FIRING, grafana(FIRING, "timed", old)))[0] == 401
    assert (await post(site, "timed", FIRING, grafana(FIRING, "timed", now) | {"X-Time": old}))[0] == 401
    assert (await post(site, "timed", FIRING, grafana(FIRING, "timed", now)))[0] == 202


async def amazon_is_not_believed_without_its_certificate(site: Site) -> None:
    bearer = {"Authorization": f"Bearer {SECRETS['aws']}"}
    alarm = json.loads((PAYLOADS / "cloudwatch" / "alarm.json").read_bytes())
    elsewhere = alarm | {"SigningCertURL": "https://127.0.0.1/x.pem"}
    assert (await post(site, "aws", json.dumps(elsewhere).encode(), bearer))[0] == 401
    assert (await post(site, "aws", b'{"AlarmName":"raw"}', bearer))[0] == 401

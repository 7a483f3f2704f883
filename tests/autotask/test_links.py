"""Deep links: Autotask's own, and none where it is not known, or not safe, to where they would lead."""

from __future__ import annotations

import pytest

from alertd.autotask.links import DeepLinks
from alertd.autotask.memory import TransientMemory
from alertd.autotask.transport import Around, Transport
from alertd.autotask.zone import REMEMBERED, remembered_web_url
from tests.autotask.conftest import Credential, make_settings

WEB = "https://ww18.autotask.net/"
COMMAND = f"{WEB}Autotask/AutotaskExtend/ExecuteCommand.aspx?Code="


def test_links_of_every_kind() -> None:
    links = DeepLinks(WEB)
    assert links.ticket(7) == f"{COMMAND}OpenTicketDetail&TicketID=7"
    assert links.company(0) == f"{COMMAND}OpenAccount&AccountID=0"
    assert links.contact(7) == f"{COMMAND}OpenContact&ContactID=7"
    assert links.contract(7) == f"{COMMAND}OpenContract&ContractID=7"
    assert links.configuration_item(7) == f"{COMMAND}EditInstalledProduct&InstalledProductID=7"


def test_a_web_url_without_its_slash() -> None:
    assert DeepLinks(WEB.rstrip("/")).ticket(7) == DeepLinks(WEB).ticket(7)


@pytest.mark.parametrize(
    "web_url",
    [
        "",
        "javascript:alert(1)//x",
        "http://ww18.autotask.net/",
        "https://",
        "https://user@ww18.autotask.net/",
        "https://ww18.autotask.net/?a=b",
        "https://ww18.autotask.net/\u001b[31m",
        "https://ww18.autotask.net/ evil",
        "https://[broken/",
    ],
)
def test_no_link_to_where_nobody_should_go(web_url: str) -> None:
    assert DeepLinks(web_url).ticket(7) == ""


async def test_the_zone_is_remembered_with_its_web_url(
    zone_url: str, credential: Credential, around: Around, memory: TransientMemory
) -> None:
    transport = Transport(make_settings(zone_url), credential, around)
    zone = await transport.zone()
    await transport.close()
    assert remembered_web_url(await memory.get(REMEMBERED)) == zone.web_url
    assert DeepLinks(zone.web_url).ticket(7).startswith("http://127.0.0.1")


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"asked":"x"}'])
def test_nothing_remembered_is_no_web_url(text: str | None) -> None:
    assert remembered_web_url(text) == ""

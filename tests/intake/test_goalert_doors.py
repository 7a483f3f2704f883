"""GoAlert's generic inlet, in all the ways it can be called."""

from __future__ import annotations

from typing import Any

import pytest

from alertd.core.alerts import Status

TOKEN = "doorbell-token-0123456789abcdefghijklmnopq"


SUMMARY = "summary=Disk+full&dedup=fs02"


def parts(**fields: str) -> bytes:
    """Return a multipart body, as `curl -F` makes it."""
    head = "--B\r\nContent-Disposition: form-data; name="
    return (
        "".join(f'{head}"{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()).encode() + b"--B--\r\n"
    )


@pytest.mark.parametrize("base", ["/goalert/api/v2/generic/incoming", "/api/v2/generic/incoming"])
@pytest.mark.parametrize(
    ("method", "query", "body", "headers"),
    [
        pytest.param("POST", f"token={TOKEN}", {"summary": "Disk full", "dedup": "fs02"}, {}, id="JSON"),
        pytest.param("POST", f"token={TOKEN}", SUMMARY.encode(), {}, id="form"),
        pytest.param("POST", f"token={TOKEN}&{SUMMARY}", None, {}, id="query"),
        pytest.param("GET", f"token={TOKEN}&{SUMMARY}", None, {}, id="GET"),
        pytest.param("POST", "", f"token={TOKEN}&{SUMMARY}".encode(), {}, id="token in the form"),
        pytest.param("POST", "", f"key={TOKEN}&{SUMMARY}".encode(), {}, id="an old name in the form"),
        pytest.param(
            "POST",
            "",
            parts(token=TOKEN, summary="Disk full", dedup="fs02"),
            {},
            id="token in a part of a form",
        ),
        pytest.param(
            "POST", "", parts(key=TOKEN, summary="Disk full", dedup="fs02"), {}, id="an old name in a part"
        ),
        pytest.param("POST", "token=wrong", f"token={TOKEN}&{SUMMARY}".encode(), {}, id="the form's counts"),
        pytest.param("POST", f"integrationKey={TOKEN}&{SUMMARY}", None, {}, id="the key's old name"),
        pytest.param(
            "POST",
            "",
            {"summary": "Disk full", "dedup": "fs02"},
            {"Authorization": f"Bearer {TOKEN}"},
            id="token in a header",
        ),
    ],
)
async def test_goalert(
    call: Any, kept: Any, base: str, method: str, query: str, body: Any, headers: dict[str, str]
) -> None:
    assert await call(method, f"{base}?{query}", body, **headers) == (204, None)
    _, alert = kept()
    assert (alert.status, alert.annotations["title"]) == (Status.FIRING, "Disk full")
    closing = f"{base}?token={TOKEN}&action=close&dedup=fs02"
    assert await call("POST", closing, Accept="application/json") == (
        200,
        {"AlertID": 2, "ServiceID": "doorbell", "IsNew": True},
    )
    assert kept()[1].fingerprint == alert.fingerprint


async def test_a_204_says_nothing_of_a_length(world: Any) -> None:
    path = f"/goalert/api/v2/generic/incoming?token={TOKEN}&summary=a"
    answer = await world.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert b"content-length" not in answer.lower()


async def test_goalert_wants_a_summary(world: Any, call: Any) -> None:
    path = f"/goalert/api/v2/generic/incoming?token={TOKEN}"

    assert (await call("POST", path, {"details": "d"}))[0] == 400
    assert (await call("POST", path, b""))[0] == 400
    assert [envelope.parked_messages for envelope in world.journal.envelopes] == [1, 1]


async def test_who_has_guessed_too_often_is_turned_away_before_his_body(world: Any, call: Any) -> None:
    path = "/goalert/api/v2/generic/incoming?token=wrong"
    for _ in range(20):
        assert (await call("POST", path, b"summary=a"))[0] == 401
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"

    assert (await world.raw(head.encode())).startswith(b"HTTP/1.1 401 ")

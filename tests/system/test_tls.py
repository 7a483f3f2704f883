"""A14: who cannot prove to be Autotask is told nothing, and TLS is never done without."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alertd.simulator import Simulator
from tests.system.site import Site

pytestmark = pytest.mark.system

Certify = Callable[..., ssl.SSLContext]


@pytest.fixture
def certify(tmp_path: Path, find_binary: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Certify:
    """Make a server's certificate: for an address, for so many days, and trusted by alertd or not."""
    openssl = find_binary("openssl")
    key, request, certificate = (str(tmp_path / name) for name in ("key.pem", "request.pem", "server.pem"))

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], check=True, capture_output=True, cwd=tmp_path)

    def make(*, address: str, days: int, trusted: bool) -> ssl.SSLContext:
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key)
        name = ("-subj", "/CN=zone", "-addext", f"subjectAltName=IP:{address}")
        run("req", "-new", *new_key, *name, "-out", request)
        signing = ("-signkey", key, "-days", str(days), "-copy_extensions", "copy")
        run("x509", "-req", "-in", request, *signing, "-out", certificate)
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    return make


@pytest.mark.parametrize(
    ("address", "days", "trusted", "heard"),
    [
        pytest.param("127.0.0.1", 2, True, True, id="good"),
        pytest.param("127.0.0.1", 2, False, False, id="unknown issuer"),
        pytest.param("127.0.0.1", -1, True, False, id="expired"),
        pytest.param("127.0.0.9", 2, True, False, id="another's"),
    ],
)
async def test_only_a_good_certificate_is_talked_to(
    tmp_path: Path, certify: Certify, address: str, days: int, trusted: bool, heard: bool
) -> None:
    requests: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        requests.append(request.path)
        return web.json_response({"errors": ["Zone information could not be determined"]}, status=500)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hear)
    server = TestServer(app, scheme="https", host="127.0.0.1")
    await server.start_server(ssl=certify(address=address, days=days, trusted=trusted))
    try:
        site = Site(tmp_path, Simulator(), str(server.make_url("/atservicesrest")))
        code, printed = await site.run("check")
    finally:
        await server.close()

    assert bool(requests) == heard
    assert code == (1 if heard else 69), printed
    assert heard or "certificate" in printed.lower()
    assert "Traceback" not in printed

"""A whole alertd before a simulated Autotask: a source for each client, plain HTTP and TLS on loopback.

Run by alertd's Python, while the clients under test live in a venv of theirs:

    alert_host.py FOLDER CERTIFICATE KEY

It says where it listens in one line of JSON, `{"plain": URL, "tls_port": n, "zone": URL}`, and ends when its
standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
from pathlib import Path

from tests.clients.senders.keys import KEYS
from tests.clients.zone_host import LOOPBACK, until_input_ends
from tests.system.site import a_site

SOURCE = """
[[sources]]
name = "{name}"
kind = "{name}"
token = {{ file = "{folder}/{name}" }}
client = {{ default = "Acme Dental Group" }}
"""
MAPPED = """
[[sources]]
name = "apprise"
kind = "mapped"
token = {{ file = "{folder}/apprise" }}
key = ["title", "Body.Notification.Subject"]
title = ["title", "Body.Notification.Subject"]
host = ["title", "Body.Notification.Subject"]
client = {{ const = "Acme Dental Group" }}
[sources.status]
path = ["type", "Body.Notification.MessageType"]
firing = ["failure", "warning"]
cleared = ["success"]
"""


async def serve(folder: Path, certificate: str, key: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with a_site(folder) as site:
        for name, token in KEYS.items():
            site.secret(name, token)
        more = "".join(
            (MAPPED if name == "apprise" else SOURCE).format(name=name, folder=folder) for name in KEYS
        )
        site.configure(more=more, group_by='["source", "host", "alertname"]')
        await site.start()
        front = await asyncio.start_server(lambda r, w: pipe(r, w, site.intake), LOOPBACK, 0, ssl=tls)
        async with front:
            said = {
                "plain": f"http://{LOOPBACK}:{site.intake}",
                "tls_port": front.sockets[0].getsockname()[1],
                "zone": site.zone_url,
            }
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()
            await until_input_ends()
        await site.stop()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Pass on what comes by TLS, as a reverse proxy does."""
    behind_reader, behind_writer = await asyncio.open_connection(LOOPBACK, port)
    with contextlib.suppress(asyncio.CancelledError):  # the tests are over
        await asyncio.gather(copy(reader, behind_writer), copy(behind_reader, writer))


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), *sys.argv[2:]))

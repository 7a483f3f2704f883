"""The simulator as a zone host of its own: plain HTTP and TLS on loopback, one tenant behind both.

Run by alertd's Python, while the clients under test live in a venv of theirs:

    zone_host.py CERTIFICATE KEY

It says where it listens in one line of JSON, `{"plain": URL, "tls_port": n}`, and ends when its standard
input does.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys

from aiohttp import web

from alertd.simulator import Simulator
from alertd.simulator.server import make_app

LOOPBACK = "127.0.0.1"


async def serve(certificate: str, key: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    runner = web.AppRunner(make_app(Simulator()), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, 0).start()
        await web.TCPSite(runner, LOOPBACK, 0, ssl_context=tls).start()
        plain, encrypted = (address[1] for address in runner.addresses)
        said = {"plain": f"http://{LOOPBACK}:{plain}/atservicesrest", "tls_port": encrypted}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        await until_input_ends()
    finally:
        await runner.cleanup()


async def until_input_ends() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, lambda: sys.stdin.buffer.read1() or ended.set())
    await ended.wait()
    loop.remove_reader(sys.stdin)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))

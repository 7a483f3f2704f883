"""Where senders reach us, and how the listener ends."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from alertd.flows.errors import CannotListen
from alertd.intake import listening
from alertd.intake.listening import inherited_sockets, own_socket, serving
from alertd.intake.settings import ServerSettings, TcpAddress, UnixPath

AUTH = b"Authorization: Bearer prometheus-token-0123456789abcdefghijklmno\r\n"
BODY = b'{"alerts":[]}'
HEAD = b"POST /v1/alerts/prometheus HTTP/1.1\r\nHost: x\r\n" + AUTH + b"Content-Length: 13\r\n\r\n"


async def over_unix(path: Path) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(HEAD + BODY)
    line = await reader.readline()
    writer.close()
    return line


async def test_a_unix_socket_is_made_and_removed(serve: Any, tmp_path: Path) -> None:
    path = tmp_path / "intake.sock"
    async with serve(listen=f"unix:{path}") as world:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert (await over_unix(path)).startswith(b"HTTP/1.1 202 ")
        assert world.journal.envelopes[0].peer == ""

    assert not path.exists()


async def test_a_stale_unix_socket_is_replaced(serve: Any, tmp_path: Path) -> None:
    path = tmp_path / "intake.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))

    async with serve(listen=f"unix:{path}"):
        assert (await over_unix(path)).startswith(b"HTTP/1.1 202 ")


async def test_a_unix_socket_in_use_is_not_taken(serve: Any, tmp_path: Path) -> None:
    path = tmp_path / "intake.sock"
    async with serve(listen=f"unix:{path}"):
        with pytest.raises(OSError, match="in use"), own_socket(UnixPath(str(path))):
            pass
        assert (await over_unix(path)).startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize(
    ("listen", "why"),
    [
        pytest.param("unix:{folder}/missing/intake.sock", "No such file or directory", id="no folder"),
        pytest.param("unix:{folder}/" + "x" * 200, "AF_UNIX path too long", id="long path"),
        pytest.param("unix:{folder}", "in use", id="a folder"),
        pytest.param("no-such-host.invalid:8080", "", id="unknown host"),
        pytest.param("192.0.2.1:8080", "Cannot assign requested address", id="another machine's"),
        pytest.param("127.0.0.1:{taken}", "Address already in use", id="taken"),
    ],
)
async def test_what_cannot_be_listened_on_is_named(serve: Any, tmp_path: Path, listen: str, why: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = listen.format(folder=tmp_path, taken=taken.getsockname()[1])
        with pytest.raises(CannotListen) as caught:
            async with serve(listen=listen):
                pass

    said = str(caught.value)
    assert said.startswith(f'cannot listen on [server] listen = "{listen}": ')
    assert why in said
    assert said.endswith("; name another address there, or mend what is in its way")
    assert "while attempting" not in said


async def test_a_fault_while_serving_is_no_fault_of_the_address(serve: Any) -> None:
    with pytest.raises(OSError, match="another"):
        async with serve():
            raise OSError("another")


def test_ipv6() -> None:
    with own_socket(TcpAddress("::1", 0)) as bound:
        assert bound.getsockname()[0] == "::1"


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX], ids=["tcp", "unix"])
async def test_an_inherited_socket_wins_and_stays(serve: Any, tmp_path: Path, family: int) -> None:
    path = tmp_path / "held.sock"
    with socket.socket(family, socket.SOCK_STREAM) as held:
        held.bind(str(path) if family == socket.AF_UNIX else ("127.0.0.1", 0))
        held.listen()
        async with serve() as world:
            settings = ServerSettings(listen="127.0.0.1:1")
            async with serving(world.intake, settings, inherited=[held.dup()]) as (address,):
                assert address.rpartition(":")[2] == str(path) or held.getsockname()[1] == int(
                    address.rpartition(":")[2]
                )

        assert path.exists() == (family == socket.AF_UNIX)
        held.getsockname()


def test_sockets_of_systemd_are_taken_from_descriptor_3() -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
            os.dup2(held.fileno(), 3)
            environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x", "PATH": "/"}
            (taken,) = inherited_sockets(environ, os.getpid())
            fine = taken.getsockname()[1] == port and environ == {"PATH": "/"} and not os.get_inheritable(3)
            os.write(write, b"y" if fine else b"n")
        os._exit(0)
    os.waitpid(child, 0)
    answer = os.read(read, 1)
    os.close(read)
    os.close(write)

    assert answer == b"y"


@pytest.mark.parametrize("environ", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}])
def test_sockets_meant_for_another_process_are_left_alone(environ: dict[str, str]) -> None:
    before = dict(environ)

    assert inherited_sockets(environ, 4711) == []
    assert environ == before


async def test_stopping_answers_open_requests_first(serve: Any, new_world: Any) -> None:
    world = new_world()
    world.journal.gate = asyncio.Event()
    async with serve(world):
        reader, writer = await asyncio.open_connection(world.host, world.port)
        writer.write(HEAD + BODY)
        await world.journal.entered.wait()
        asyncio.get_running_loop().call_soon(world.journal.gate.set)
    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 202 ")
    assert b"Connection: close\r\n" in answer
    assert len(world.journal.envelopes) == 1


async def test_stopping_waits_for_a_body_that_is_on_its_way(serve: Any, new_world: Any) -> None:
    world = new_world()
    stopped = asyncio.Event()

    async def stop_when(ready: asyncio.Event) -> None:
        async with serve(world):
            opened.set()
            await ready.wait()
        stopped.set()

    opened, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(stop_when(ready))
    await opened.wait()
    reader, writer = await asyncio.open_connection(world.host, world.port)
    writer.write(HEAD.replace(b"13", b"13\r\nExpect: 100-continue"))
    await reader.readline()
    ready.set()
    await asyncio.sleep(0)
    writer.write(BODY)
    await reader.readline()

    assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
    writer.close()
    await running
    assert stopped.is_set()


async def test_stopping_does_not_wait_for_ever(
    serve: Any, new_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "DRAIN_S", 0.01)
    monkeypatch.setattr(listening, "CLOSE_S", 0.01)
    world = new_world()
    world.journal.gate = asyncio.Event()
    async with serve(world):
        reader, writer = await asyncio.open_connection(world.host, world.port)
        writer.write(HEAD + BODY)
        await world.journal.entered.wait()

    assert await reader.read() == b""
    writer.close()


async def test_idle_connections_are_closed_at_the_end(serve: Any) -> None:
    async with serve() as world:
        reader, writer = await asyncio.open_connection(world.host, world.port)
        writer.write(HEAD + BODY)
        await reader.readuntil(b"\r\n\r\n")

    assert (await reader.read()).endswith(b"}")
    writer.close()

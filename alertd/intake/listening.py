"""Sockets that senders reach: our own, or those that systemd holds for us."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator, Iterator, MutableMapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager

from alertd.flows.errors import CannotListen
from alertd.intake.app import Intake
from alertd.intake.connections import SenderServer
from alertd.intake.settings import ServerSettings, TcpAddress, UnixPath, parse_listen

BACKLOG = 1024
DRAIN_S = 10.0  # for open requests; their bodies have as long
CLOSE_S = 5.0  # given twice by aiohttp, so that stopping takes 20 s at the most
_FIRST_INHERITED = 3  # sd_listen_fds(3)


def inherited_sockets(environ: MutableMapping[str, str], pid: int) -> list[socket.socket]:
    """Take over the sockets that systemd passed to this process, and forget the variables that said so.

    Args:
        environ: Holds LISTEN_PID and LISTEN_FDS, where there are any.
        pid: Of this process: what was meant for another is left alone.
    """
    if environ.get("LISTEN_PID") != str(pid):
        return []
    count = int(environ.get("LISTEN_FDS", "0"))
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        environ.pop(name, None)
    taken = []
    for descriptor in range(_FIRST_INHERITED, _FIRST_INHERITED + count):
        os.set_inheritable(descriptor, False)
        taken.append(socket.socket(fileno=descriptor))
    return taken


@contextmanager
def own_socket(address: TcpAddress | UnixPath) -> Iterator[socket.socket]:
    """Bind an address; a Unix socket's path is removed again at the end.

    Raises:
        OSError: It cannot be bound, or somebody listens there already.
    """
    if isinstance(address, UnixPath):
        with _unix_socket(address.path) as bound:
            yield bound
        return
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.create_server((address.host, address.port), family=family, backlog=BACKLOG) as bound:
        yield bound


@contextmanager
def _unix_socket(path: str) -> Iterator[socket.socket]:
    _remove_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        bound.bind(path)
        os.chmod(path, 0o660)  # the proxy's user is let in by the group of the directory's owner
        bound.listen(BACKLOG)
        ours = os.stat(path).st_ino
        try:
            yield bound
        finally:
            if os.path.exists(path) and os.stat(path).st_ino == ours:
                os.unlink(path)


def _remove_stale(path: str) -> None:
    """Remove the socket of a process that was killed. One that answers is in use."""
    if not os.path.exists(path) or not stat.S_ISSOCK(os.stat(path).st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)


@asynccontextmanager
async def serving(
    intake: Intake, settings: ServerSettings, *, inherited: Sequence[socket.socket] = ()
) -> AsyncIterator[list[str]]:
    """Serve senders inside the block, and yield the addresses where.

    At the end no new connection is taken, and open requests get up to 20 s to be answered.

    Args:
        intake: Answers the requests.
        settings: `[server]`.
        inherited: Sockets of systemd; they win over `listen`, stay systemd's, and are never unlinked.

    Raises:
        CannotListen: The address cannot be bound.
    """
    server = intake.server(settings)
    with ExitStack() as stack:
        # closing an inherited one closes our copy of it; systemd keeps its own
        sockets = [stack.enter_context(each) for each in inherited]
        if not sockets:
            sockets.append(_enter_own(stack, settings.listen))
        listeners = [await _listen(server, each) for each in sockets]
        try:
            yield [_name(each) for each in sockets]
        finally:
            for listener in listeners:
                listener.close()
            await intake.drain(DRAIN_S)
            server.pre_shutdown()
            await server.shutdown(CLOSE_S)


def _enter_own(stack: ExitStack, listen: str) -> socket.socket:
    # only entering is caught: what fails while it is served has nothing to do with the address
    try:
        return stack.enter_context(own_socket(parse_listen(listen)))
    except OSError as exc:
        raise CannotListen("[server] listen", listen, exc) from exc


async def _listen(server: SenderServer, bound: socket.socket) -> asyncio.AbstractServer:
    loop = asyncio.get_running_loop()
    bound.setblocking(False)
    if bound.family != socket.AF_UNIX:
        return await loop.create_server(server, sock=bound, backlog=BACKLOG)
    if sys.version_info >= (3, 13):
        # its path is ours to remove, or systemd's to keep
        return await loop.create_unix_server(server, sock=bound, backlog=BACKLOG, cleanup_socket=False)
    return await loop.create_unix_server(server, sock=bound, backlog=BACKLOG)


def _name(bound: socket.socket) -> str:
    name = bound.getsockname()
    if bound.family == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{host}:{name[1]}"

"""uvicorn's server, with an end that loses no request."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from .connection import Connection
from .log import logger

# Seconds that requests may take to be answered when the service stops.
STOP_S = 60
KEEP_ALIVE_S = 65
# Seconds in which connections that were accepted last are set up.
SETTLE_S = 0.05


class Server(uvicorn.Server):
    """A server that takes the connections which wait to be accepted when it stops.

    To close a socket breaks them, although their clients have sent requests.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and log where."""
        await super().startup(sockets)
        for sock in sockets or []:
            logger.info("Serving at %s", format_url(sock))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, answer what was accepted, then stop."""
        waiting = [conn for sock in sockets or [] for conn in accept_waiting(sock)]
        for server in self.servers:
            server.close()
        for conn in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._make_connection, conn)
        await asyncio.sleep(SETTLE_S)
        await super().shutdown(sockets)

    def _make_connection(self) -> Connection:
        return Connection(self.config, self.server_state, self.lifespan.state)


def accept_waiting(sock: socket.socket) -> Iterator[socket.socket]:
    """Accept the connections that wait at a socket which does not block."""
    while True:
        try:
            conn, _ = sock.accept()
        except OSError:
            return
        conn.settimeout(0)
        yield conn


def bind(host: str, port: int) -> socket.socket:
    """Reserve a port, without listening yet.

    Args:
        host: Address or name.
        port: Port; 0 for a free one.

    Raises:
        OSError: If the port is taken, or this machine has no such address.
    """
    sock = None
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Without the protocol, asyncio would not set TCP_NODELAY: the body of an answer would wait for the
        # client to acknowledge its headers, which takes 40 ms.
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as err:
        if sock is not None:
            sock.close()
        raise OSError(
            f"The service must be able to listen at {host}, port {port}, found: {err.strerror}. Choose "
            "another with --host or --port."
        ) from err
    return sock


def format_url(sock: socket.socket) -> str:
    """Return the address of a socket as a URL."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_server(app: ASGIApp, sock: socket.socket) -> None:
    """Serve at a socket until SIGTERM or SIGINT, and return when all that was accepted is answered."""
    with _ignored_signals():
        make_server(app).run([sock])


def make_server(app: ASGIApp) -> Server:
    """Make the server of an application."""
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
    )
    return Server(config)


@contextmanager
def _ignored_signals() -> Iterator[None]:
    """Ignore the signals that uvicorn raises again after it has stopped, so that the process exits with 0."""
    before = {sig: signal.signal(sig, lambda *_: None) for sig in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)

"""Plain blocking sockets as the peers of what is tested, each with a time limit, so that no test can hang."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import TracebackType

PATIENCE_S = 15.0

Handler = Callable[[socket.socket], None]


def echo(connection: socket.socket) -> None:
    """Sends back what comes, to the end, and then ends."""
    while data := connection.recv(65536):
        connection.sendall(data)


def saying(text: bytes) -> Handler:
    """A handler that says something, ends, and hears the other party out: closing before would be a reset."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)

    return handle


class Upstream:
    """A server with a thread for every connection. Closing it closes the connections that are open as well."""

    def __init__(
        self, handler: Handler = echo, path: Path | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.handler = handler
        self.connections: list[socket.socket] = []
        if path is not None:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.listener.listen()
            self.place = f"unix:{path}"
        else:
            self.listener = socket.create_server(
                (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
            )
            self.port = self.listener.getsockname()[1]
            self.place = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.settimeout(PATIENCE_S)
                self.connections.append(connection)
                Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            self.handler(connection)

    def stop_listening(self) -> None:
        """Refuses new connections; those that are open go on."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def close(self) -> None:
        self.stop_listening()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Upstream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def dial(place: int | str) -> socket.socket:
    """Connects to a port of this machine, to `host:port`, `[v6]:port` or to `unix:/path`."""
    if isinstance(place, int):
        place = f"127.0.0.1:{place}"
    if place.startswith("unix:"):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE_S)
        client.connect(place[5:])
        return client
    host, _, port = place.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), PATIENCE_S)


def read_all(connection: socket.socket) -> bytes:
    """What comes up to the end of the stream."""
    data = bytearray()
    while chunk := connection.recv(65536):
        data += chunk
    return bytes(data)


def read_exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        assert chunk, f"the stream ended after {len(data)} of {size} bytes"
        data += chunk
    return bytes(data)


def ask(place: int | str, question: bytes = b"hello") -> bytes:
    """Sends a question, ends that direction, and answers all that comes back."""
    with dial(place) as client:
        client.sendall(question)
        client.shutdown(socket.SHUT_WR)
        return read_all(client)


def reset(connection: socket.socket) -> None:
    """Closes with a reset."""
    form = "HH" if sys.platform == "win32" else "ii"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(form, 1, 0))
    connection.close()

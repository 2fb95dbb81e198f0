"""Raw peers: plain blocking sockets that a scenario drives by hand, the same ones for Node and for netcore.

Every method answers at once. What has to be waited for (an accept, bytes, an end) is asked again by the scenario's
`wait until`, while the driver's own loop goes on running.
"""

import contextlib
import os
import select
import socket
import stat
import struct
import sys
import threading

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "support"))

import ports

LOOPBACK_LIMIT_S = 2.0


def _address(where):
    if isinstance(where, str):
        return socket.AF_UNIX, where.replace("@", "\0", 1) if where.startswith("@") else where
    host, port = where
    return (socket.AF_INET6 if ":" in host else socket.AF_INET), (host, port)


def _encoded(text):
    """Bytes as scenarios write them, one character each; text that has others goes as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


class Peer:
    """One raw socket: a listener until `accept`/`take`, or a connection."""

    def __init__(self, sock=None, bench=None):
        self.sock = sock
        self.bench = bench
        self.buffer = bytearray()
        self.ended = False
        self.was_reset = False

    def accept(self):
        """Whether a connection is waiting; `take` gives it."""
        return bool(select.select([self.sock], [], [], 0)[0])

    def take(self, small=0):
        connection, _ = self.sock.accept()
        if small:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, small)
        return self.bench.keep(Peer(connection, self.bench), {})

    def send(self, data):
        with contextlib.suppress(OSError):
            self.sock.settimeout(LOOPBACK_LIMIT_S)
            self.sock.sendall(data if isinstance(data, bytes) else _encoded(data))

    def pour(self, count):
        """Sends `count` bytes from a thread of its own, as fast as they are taken."""
        self.sock.settimeout(None)
        threading.Thread(target=self.sock.sendall, args=(b"p" * count,), daemon=True).start()

    def fin(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()

    def _drain(self, limit=1 << 30):
        try:
            self.sock.settimeout(0)
            while not self.ended and limit > 0:
                data = self.sock.recv(min(limit, 1 << 18))
                self.buffer += data
                limit -= len(data)
                self.ended = not data
        except BlockingIOError:
            pass
        except OSError:
            self.ended = self.was_reset = True

    def received(self):
        """Everything read so far, as latin-1 text."""
        self._drain()
        return self.buffer.decode("latin-1")

    def total(self, limit=1 << 30):
        """How many bytes were read so far, after reading at most `limit` more."""
        self._drain(limit)
        return len(self.buffer)

    def eof(self):
        self._drain()
        return self.ended and not self.was_reset

    def gone(self):
        """Whether the connection was reset."""
        self._drain()
        return self.was_reset

    def option(self, name):
        level, number = {
            "keepalive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            "nodelay": (socket.IPPROTO_TCP, socket.TCP_NODELAY),
        }[name]
        return self.sock.getsockopt(level, number)


class Bench(Peer):
    """What a scenario calls `peer`: it makes raw peers, and files and ports for them."""

    def __init__(self, folder, remember=lambda port: port):
        super().__init__()
        self.folder = folder
        self.remember = remember
        self.made = []
        self.held = contextlib.ExitStack()

    def listen(self, where="127.0.0.1", backlog=64, small=0, port=0):
        """A listening socket, on an address (any port) or, when it looks like one, on a path."""
        path = where.startswith(("/", "@"))
        family, address = _address(where if path else (where, port))
        sock = socket.socket(family)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, small)
        sock.bind(address)
        sock.listen(backlog)
        return self.keep(Peer(sock, self), {} if path else {"port": sock.getsockname()[1]})

    def listen_beside_full(self):
        """A listener on a port of 127.0.0.1; on the same port of 127.0.0.2 one whose queue is full answers nothing."""
        for _ in range(20):
            port = self.free_port()
            with contextlib.suppress(OSError):
                self.listen("127.0.0.2", 0, port=port)
                self.connect(port, "127.0.0.2")
                return self.listen("127.0.0.1", port=port)
        raise OSError("no port is free on both addresses")

    def connect(self, where, host="127.0.0.1", small=0):
        family, address = _address(where if isinstance(where, str) else (host, where))
        sock = socket.socket(family)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, small)
        sock.settimeout(LOOPBACK_LIMIT_S)
        sock.connect(address)
        return self.keep(Peer(sock, self), {} if isinstance(where, str) else {"from_port": sock.getsockname()[1]})

    def closed_port(self):
        """A port that refuses connections, until the scenario is over."""
        return self.held.enter_context(ports.closed_port())

    def free_port(self):
        """A port nobody has."""
        return ports.free_port()

    def exists(self, path):
        return os.path.exists(path)

    def mode(self, path):
        return oct(stat.S_IMODE(os.stat(path).st_mode) & 0o066)

    def unlink(self, path):
        os.unlink(path)

    def leave(self):
        """Closes everything this scenario made."""
        for peer in self.made:
            with contextlib.suppress(OSError):
                peer.sock.close()
        self.made.clear()
        self.held.close()
        for name in os.listdir(self.folder):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self.folder, name))

    def keep(self, peer, fields):
        for name, value in fields.items():
            setattr(peer, name, value)
        if "port" in fields:
            self.remember(fields["port"])
        peer.fields = fields
        self.made.append(peer)
        return peer

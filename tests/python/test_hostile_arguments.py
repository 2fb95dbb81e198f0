"""Arguments that run code of their own when they are looked at, and destroy, end or change what they were given to.

Nothing here is a mistake that is told: whatever is done, the process goes on, and all that was opened is closed.
"""

from __future__ import annotations

import contextlib
import gc
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

import netcore as net

ROUNDS = 20
STEPS = 6
ROUND_LIMIT_MS = 300

PLAIN = (ValueError, TypeError, RuntimeError, OSError, AttributeError, BufferError)


class Trap:
    """What the next argument does that is looked at, once."""

    def __init__(self) -> None:
        self.act: Callable[[], object] | None = None

    def spring(self) -> None:
        act, self.act = self.act, None
        if act is not None:
            act()


trap = Trap()


def trapped(base: type, *methods: str) -> type:
    """A class derived from `base` whose methods spring the trap first."""

    def sprung(method: str) -> Callable[..., object]:
        def call(self: object, *args: object) -> object:
            trap.spring()
            return getattr(base, method)(self, *args)

        return call

    names = [name for name in methods if hasattr(base, name)]
    return type(f"Trapped{base.__name__.title()}", (base,), {name: sprung(name) for name in names})


COMPARISONS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__")
ARITHMETIC = (
    "__bool__",
    "__int__",
    "__float__",
    "__index__",
    "__add__",
    "__sub__",
    "__mod__",
    "__neg__",
    "__abs__",
    "__ceil__",
)
Int = trapped(int, *COMPARISONS, *ARITHMETIC)
Float = trapped(float, *COMPARISONS, *ARITHMETIC)
Str = trapped(str, *COMPARISONS, "__str__", "__len__", "encode", "lower", "strip", "isdecimal")
Bytes = trapped(bytes, "__len__", "__buffer__", "__bytes__", "__getitem__", "__iter__")
Dict = trapped(dict, "get", "keys", "items", "__getitem__", "__iter__", "__len__", "__contains__", "copy")


class Options(Mapping[str, Any]):
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def __getitem__(self, name: str) -> Any:
        trap.spring()
        return self.options[name]

    def __iter__(self) -> Iterator[str]:
        trap.spring()
        return iter(self.options)

    def __len__(self) -> int:
        trap.spring()
        return len(self.options)


class Truth:
    def __bool__(self) -> bool:
        trap.spring()
        return True


class Listener:
    def __call__(self, *args: object) -> None:
        trap.spring()

    def __eq__(self, other: object) -> bool:
        trap.spring()
        return True

    __hash__ = object.__hash__


class Destination:
    """What a socket can be piped to."""

    def write(self, chunk: object) -> bool:
        trap.spring()
        return False

    def end(self) -> None:
        trap.spring()

    def __getattr__(self, name: str) -> object:
        trap.spring()
        raise AttributeError(name)


def actions(socket: net.Socket, server: net.Server) -> list[Callable[[], object]]:
    """What a trap may do."""
    return [
        socket.destroy,
        socket.end,
        socket.resetAndDestroy,
        socket.pause,
        socket.resume,
        socket.read,
        socket.unpipe,
        socket.cork,
        socket.uncork,
        socket.removeAllListeners,
        server.close,
        gc.collect,
        lambda: socket.write(b"z" * 10),
        lambda: socket.write(b"z" * 1_000_000),
        lambda: socket.unshift(b"back"),
        lambda: socket.setTimeout(1),
        lambda: socket.setEncoding("hex"),
        lambda: socket.pipe(net.Socket()),
        lambda: socket.connect(server.address()["port"]) if server.address() else None,
    ]


def on_socket(socket: net.Socket, port: int) -> list[Callable[[], object]]:
    """Calls of a socket with arguments that are traps."""
    options = {
        "port": Int(port),
        "host": Str("127.0.0.1"),
        "timeout": Float(50),
        "keepAlive": Truth(),
        "noDelay": Truth(),
        "keepAliveInitialDelay": Int(5),
        "family": Int(4),
        "localPort": Float(0.0),
        "highWaterMark": Int(100),
    }
    return [
        lambda: socket.write(Str("text"), Str("latin1"), Listener()),
        lambda: socket.write(Bytes(b"bytes")),
        lambda: socket.write(Bytes(bytes(200_000)), Listener()),
        lambda: socket.end(Str("text"), Str("utf8")),
        lambda: socket.unshift(Bytes(b"bytes")),
        lambda: socket.unshift(Str("text"), Str("utf8")),
        lambda: socket.read(Int(3)),
        lambda: socket.read(Float(3)),
        lambda: socket.setTimeout(Int(5), Listener()),
        lambda: socket.setTimeout(Float(5.5)),
        lambda: socket.setKeepAlive(Truth(), Int(3)),
        lambda: socket.setNoDelay(Truth()),
        lambda: socket.setTypeOfService(Int(8)),
        lambda: socket.setEncoding(Str("utf8")),
        lambda: socket.setDefaultEncoding(Str("hex")),
        lambda: socket.setMaxListeners(Int(3)),
        lambda: setattr(socket, "allowHalfOpen", Truth()),
        lambda: socket.pipe(Destination(), Options({"end": Truth()})),
        lambda: socket.on(Str("data"), Listener()),
        lambda: socket.off(Str("data"), Listener()),
        lambda: socket.listenerCount(Str("data"), Listener()),
        lambda: socket.emit(Str("something"), Int(1)),
        lambda: socket.destroy(Int(1)),
        lambda: socket.connect(Options(options)),
        lambda: socket.connect(Dict(options)),
        lambda: net.connect(Options(options)).on("error", lambda error: None).unref(),
        lambda: net.once(socket, Str("something"), signal=net.AbortSignal.abort()).cancel(),
    ]


def on_server(server: net.Server) -> list[Callable[[], object]]:
    """Calls of a server, and what makes sockets and servers."""
    listening = {"port": Int(0), "host": Str("127.0.0.1"), "backlog": Int(3), "exclusive": Truth()}
    onread = {"buffer": bytearray(3), "callback": Listener()}
    return [
        lambda: net.createServer(Options({"allowHalfOpen": Truth(), "pauseOnConnect": Truth()}), Listener()),
        lambda: net.createServer(Dict({"keepAlive": Truth()})).listen(Options(listening)).unref().close(),
        lambda: net.Socket(Dict({"allowHalfOpen": Truth(), "onread": Options(onread)})),
        lambda: server.listen(Dict(listening)),
        lambda: server.getConnections(Listener()),
        lambda: server.close(Listener()),
        lambda: setattr(server, "maxConnections", Int(3)),
        lambda: setattr(server, "maxConnections", Float(2.5)),
        lambda: net.setTimeout(Listener(), Float(1)).unref(),
        lambda: net.SocketAddress(Options({"address": Str("1.2.3.4"), "port": Int(3), "family": Str("ipv4")})),
        lambda: net.isIP(Str("1.2.3.4")),
    ]


class Round:
    """A server, a client and the other ends of its connections, and some steps at which one of them is called."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.left = STEPS
        self.server = net.createServer(self.accepted).on("error", lambda error: None).listen(0)
        self.port = self.server.address()["port"]
        self.client = net.connect(self.port, "127.0.0.1", self.step)
        self.sockets = [self.client]
        self.client.on("error", lambda error: None).write(b"hello")
        net.setTimeout(self.finish, ROUND_LIMIT_MS).unref()

    def accepted(self, peer: net.Socket) -> None:
        self.sockets.append(peer)
        peer.on("error", lambda error: None)
        peer.on("data", lambda chunk: peer.write(chunk[:50]))

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.finish()
            return
        socket = self.draw.choice(self.sockets)
        trap.act = self.draw.choice(actions(self.draw.choice(self.sockets), self.server))
        with contextlib.suppress(PLAIN):
            self.draw.choice(on_socket(socket, self.port) + on_server(self.server))()
        net.setTimeout(self.step, self.draw.choice([0, 1, 2]))

    def finish(self) -> None:
        trap.act = None
        for socket in self.sockets:
            socket.destroy()
        self.server.close()


@pytest.mark.parametrize("seed", range(10))
def test_arguments_may_do_anything_while_they_are_looked_at(seed: int) -> None:
    for number in range(ROUNDS):
        round = Round(seed * ROUNDS + number)
        while True:
            try:
                net.run()
            except PLAIN:
                continue  # what was told to an emitter that nobody listens to for errors any more
            break
        assert all(socket.destroyed for socket in round.sockets)
        assert not round.server.listening

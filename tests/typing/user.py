# pyright: strict
"""What a user's program looks like to a type checker: mypy and pyright accept it in strict mode, and it runs.

Every line of this file is right; those that must be rejected are in rejected.py.
"""

from collections.abc import Awaitable
from typing import Any, Literal, assert_type

import netcore as net
from netcore import net as node_net
from netcore.options import Address, ConnectOptions, Drop, ListenOptions, OnRead, ServerOptions, SocketOptions


def listeners_take_what_they_like(socket: net.Socket) -> None:
    assert_type(socket.on("close", lambda: None), net.Socket)
    socket.on("close", lambda had_error: print(had_error))
    socket.once("error", lambda error: print(error))
    socket.addListener("lookup", lambda error, address, family, host: print(address))
    socket.prependListener("connectionAttempt", lambda host, port, family: print(port))
    socket.prependOnceListener("connectionAttemptFailed", lambda host, port, family, error: print(error))
    socket.on("data", lambda chunk: print(len(chunk)))
    socket.on("my own event", print)
    for name in ("connect", "ready", "end"):
        socket.on(name, print)

    @socket.on("data")
    def on_data(chunk: bytes) -> None:
        print(chunk)

    async def on_end() -> None:
        await net.sleep(1)

    on_data(b"")
    socket.on("end", on_end)
    assert_type(socket.emit("my own event", 1, 2, 3), bool)
    assert_type(socket.eventNames(), list[Any])
    assert_type(socket.listenerCount("end"), int)
    socket.off("end", on_end).removeAllListeners().setMaxListeners(20)


def streams_are_read_and_written(socket: net.Socket) -> None:
    assert_type(socket.write(b"bytes"), bool)
    socket.write(bytearray(b"any buffer"), None, lambda error: print(error))
    socket.write("text", "latin1")
    socket.write("text", lambda: None)
    assert_type(socket.read(10), bytes | str | None)
    assert_type(socket.end(), net.Socket)
    socket.end("bye", "utf8", lambda: None).end(lambda: None)
    assert_type(socket.pipe(socket), net.Socket)
    socket.pipe(net.Socket(), {"end": False})
    socket.unpipe().pause().resume().setEncoding("utf8").setTimeout(1000, lambda: None)
    socket.setNoDelay().setKeepAlive(True, 1000).setTypeOfService(8).ref().unref()
    socket.destroy(OSError("enough"))
    assert_type(socket.remoteAddress, str | None)
    assert_type(socket.remotePort, int | None)
    assert_type(socket.bytesRead, int)
    assert_type(socket.readyState, Literal["opening", "open", "readOnly", "writeOnly", "closed"])
    assert_type(socket.readableFlowing, bool | None)
    assert_type(socket.server, net.Server | None)


def servers_listen_in_all_forms(path: str) -> None:
    options: ServerOptions = {"allowHalfOpen": True, "highWaterMark": 1024, "blockList": net.BlockList()}
    server = net.createServer(options, lambda socket: print(socket))
    where: ListenOptions = {"port": 0, "host": "127.0.0.1", "backlog": 10}
    controller = net.AbortController()

    def unused() -> None:
        server.listen(lambda: None)
        server.listen(0).listen(0, lambda: None).listen(0, "localhost").listen(0, 511)
        server.listen(0, "localhost", 511, lambda: None).listen(path).listen(path, lambda: None)
        server.listen(where, lambda: None).listen(port=0, signal=controller.signal, exclusive=True)
        server.listen(net.BoundSocket(host="127.0.0.1", port=0)).listen(net.Server())
        server.listen(fd=3)

    assert_type(server.on("connection", lambda: None), net.Server)

    def dropped(data: Drop) -> None:
        print(data.get("remoteAddress"))

    server.on("drop", dropped)
    server.on("error", lambda error: print(error.args))
    server.getConnections(lambda error, count: print(count))
    server.maxConnections = 10
    assert_type(server.address(), Address | str | None)
    assert_type(server.listening, bool)
    server.close(lambda error: print(error))
    print(unused)


def clients_connect_in_all_forms(port: int, path: str) -> None:
    options: ConnectOptions = {"port": port, "host": "127.0.0.1", "family": 4, "lookup": net.lookup}
    reading: OnRead = {"buffer": bytearray(100), "callback": lambda size, buffer: size < 10}
    own: SocketOptions = {"highWaterMark": 1024, "onread": reading}

    def unused() -> None:
        net.connect(port)
        net.connect(port, lambda: None)
        net.connect(str(port), "localhost", lambda: None)
        net.connect(path)
        net.createConnection(options, lambda: None)
        net.connect({"port": port, "anything": "is passed over"})
        net.connect(port=port, timeout=100, noDelay=True, autoSelectFamily=False)
        net.connect(port, "localhost", keepAlive=True, keepAliveInitialDelay=1000)
        assert_type(net.Socket(own).connect(options), net.Socket)
        net.Socket(fd=3, readable=True).connect(port, "localhost").connect(path)
        net.Stream()

    print(unused)


def addresses_and_lists() -> None:
    assert_type(net.isIP("::1"), Literal[0, 4, 6])
    address = net.SocketAddress(address="10.0.0.1", port=80)
    assert_type(net.SocketAddress.parse("10.0.0.1:80"), net.SocketAddress | None)
    assert_type(address.family, Literal["ipv4", "ipv6"])
    blocked = net.BlockList(strict=True)
    blocked.addCIDRs(net.BlockList.PRIVATE_RANGES)
    blocked.addRange("10.0.0.1", address)
    assert_type(blocked.check("10.0.0.1"), bool)
    assert_type(blocked.check_many(["10.0.0.1", address]), bytes)
    assert_type(blocked.load(["10.0.0.0/8"]).added, int)
    assert_type("10.0.0.1" in blocked, bool)


def timers_pass_their_arguments_on() -> None:
    def show(number: int, text: str) -> None:
        print(number, text)

    timer = net.setTimeout(show, 10, 1, "one")
    assert_type(timer, net.Timeout)
    net.clearTimeout(timer.unref().refresh())
    net.clearInterval(int(net.setInterval(lambda: None, 10)))
    net.clearImmediate(net.setImmediate(show, 2, "two"))
    net.nextTick(show, 3, "three")


async def coroutines(port: int) -> bytes:
    received = b""
    async with net.connect(port, "127.0.0.1") as socket:
        socket.end("hello")
        async for chunk in socket:
            received += chunk
    return received


async def round_trip() -> bytes:
    async with net.createServer(lambda client: client.pipe(client)).listen(0, "127.0.0.1") as server:
        address = server.address()
        assert isinstance(address, dict)
        return await coroutines(address["port"])


def failures() -> None:
    try:
        net.connect(port=-1)
    except net.AggregateError as group:
        assert_type(group.errors, list[Exception])
    except net.CodedError as error:
        assert_type(error.code, str)
        assert_type(error.syscall, str | None)


def main() -> None:
    listeners_take_what_they_like(net.Socket())
    streams_are_read_and_written(net.Socket().on("error", print))
    servers_listen_in_all_forms("/tmp/never-made")
    clients_connect_in_all_forms(1, "/tmp/never-made")
    addresses_and_lists()
    timers_pass_their_arguments_on()
    failures()
    net.run()
    work: Awaitable[bytes] = round_trip()
    assert_type(net.run(work), bytes)
    assert node_net.run(round_trip()) == b"hello"
    print("done")


if __name__ == "__main__":
    main()

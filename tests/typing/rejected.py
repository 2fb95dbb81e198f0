# pyright: strict
"""What a type checker must not let pass: both find an error on every line that ends with the word, and on no other."""

from typing import Any

import netcore as net
from netcore.options import ConnectOptions, ListenOptions, SocketOptions


def wrong_arguments(socket: net.Socket, server: net.Server, blocked: net.BlockList) -> None:
    socket.write(5)  # rejected
    socket.write("text", 5)  # rejected
    socket.write()  # rejected
    socket.end(5)  # rejected
    socket.on("data", "no function")  # rejected
    socket.once("close", None)  # rejected
    socket.setTimeout("1000")  # rejected
    socket.setTimeout(1000, 5)  # rejected
    socket.setEncoding(8)  # rejected
    socket.setNoDelay("yes")  # rejected
    socket.setTypeOfService("low")  # rejected
    socket.destroy("a reason")  # rejected
    socket.read("10")  # rejected
    server.getConnections()  # rejected
    server.getConnections(lambda a, b, c: None)  # rejected
    server.close(5)  # rejected
    net.setTimeout("no function", 10)  # rejected
    net.setTimeout(len, 10, 5)  # rejected
    net.nextTick()  # rejected
    net.clearTimeout(1, 2)  # rejected
    net.lookup("localhost")  # rejected
    net.lookup(5, print)  # rejected
    net.run(5)  # rejected
    net.sleep("long")  # rejected
    net.AbortSignal.timeout("long")  # rejected
    blocked.addSubnet("10.0.0.0", "8")  # rejected
    blocked.addAddress(5)  # rejected
    blocked.check()  # rejected
    print(5 in blocked)  # rejected
    net.SocketAddress.parse(5)  # rejected


def wrong_options(socket: net.Socket, server: net.Server) -> None:
    net.connect(port=80, hosst="a typing error")  # rejected
    net.connect(port=80, noDelay="yes")  # rejected
    net.connect(80, "localhost", 5)  # rejected
    net.connect(80, b"localhost")  # rejected
    net.connect(None)  # rejected
    socket.connect(port=80, highWaterMark=5)  # rejected
    socket.connect(80, "localhost", lookup=5)  # rejected
    server.listen(port=80, bakclog=5)  # rejected
    server.listen(80, 5.5)  # rejected
    server.listen(b"/path")  # rejected
    net.createServer(allowHalfOpen="yes")  # rejected
    net.createServer(5)  # rejected
    net.createServer(lambda a, b: None)  # rejected
    net.Socket(fd="3")  # rejected
    net.Socket(onread={"buffer": 5, "callback": print})  # rejected
    net.BoundSocket(prot=80)  # rejected
    net.SocketAddress(port=[80])  # rejected
    net.BlockList("strict")  # rejected


def wrong_tables() -> None:
    a: ConnectOptions = {"prot": 80}  # rejected
    b: ListenOptions = {"backlog": "511"}  # rejected
    c: SocketOptions = {"port": 80}  # rejected
    print(a, b, c)


def wrong_uses(socket: net.Socket, server: net.Server, signal: net.AbortSignal) -> None:
    socket.bytesRead = 5  # rejected
    socket.remotePort + 1  # rejected
    server.address()["port"]  # rejected
    signal.aborted = True  # rejected
    socket.closeAllConnections()  # rejected
    word: str = socket.read()  # rejected
    print(word)


async def wrong_awaiting(socket: net.Socket, server: net.Server) -> Any:
    async for chunk in server:
        chunk.nothing()  # rejected
    await socket.write(b"")  # rejected
    with socket:  # rejected
        pass
    for _ in socket:  # rejected
        pass

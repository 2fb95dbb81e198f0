"""A proxy on asyncio protocols, with back-pressure and half-close.

`proxy_protocol.py PORT UPSTREAM_PORT asyncio|uvloop|rloop`."""

import asyncio
import importlib
import socket
import sys


class End(asyncio.Protocol):
    """One end of a proxied connection; what arrives here goes out at the other."""

    other = None
    transport = None
    ended = False

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.other.transport.write(data)

    def eof_received(self):
        """Pass the half-close on; when both ends have ended, close both, each after what it has still to send."""
        self.ended = True
        if self.other.ended:
            self.other.transport.close()
            return False
        self.other.transport.write_eof()
        return True

    def pause_writing(self):
        self.other.transport.pause_reading()

    def resume_writing(self):
        self.other.transport.resume_reading()

    def connection_lost(self, exc):
        if self.other:
            self.other.transport.close()


class Client(End):
    """The end that was accepted. It is not read before the upstream is connected; the loops begin to read after
    `connection_made`, so the pause is asked for one step later, and what uvloop has read by then waits."""

    def __init__(self, upstream_port):
        self.upstream_port = upstream_port
        self.early = []

    def connection_made(self, transport):
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        loop.call_soon(transport.pause_reading)
        self.task = loop.create_task(self.connect(loop))

    def data_received(self, data):
        if self.other:
            self.other.transport.write(data)
        else:
            self.early.append(data)

    async def connect(self, loop):
        upstream = End()
        upstream.other = self
        try:
            await loop.create_connection(lambda: upstream, "127.0.0.1", self.upstream_port)
        except OSError:
            self.transport.abort()
            return
        self.other = upstream
        for data in self.early:
            upstream.transport.write(data)
        if self.transport.is_closing():
            upstream.transport.close()
        else:
            self.transport.resume_reading()


async def main(port, upstream_port):
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    _server = await asyncio.get_running_loop().create_server(lambda: Client(upstream_port), sock=listener, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    port, upstream_port, loop = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    factory = None if loop == "asyncio" else importlib.import_module(loop).new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main(port, upstream_port))

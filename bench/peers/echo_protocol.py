"""An echo server on an asyncio protocol: `echo_protocol.py PORT asyncio|uvloop|rloop`."""

import asyncio
import importlib
import socket
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def main(port):
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    _server = await asyncio.get_running_loop().create_server(Echo, sock=listener, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    port, loop = int(sys.argv[1]), sys.argv[2]
    factory = None if loop == "asyncio" else importlib.import_module(loop).new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main(port))

"""Connect standard input and output to a server, like a small netcat.

The end of the input ends that direction only: what the server still sends is written out. The end of what the server
sends closes the output.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from queue import SimpleQueue
from threading import Event, Thread

import netcore as net
from netcore.cli.endpoint import Endpoint, target_endpoint
from netcore.cli.parser import milliseconds, seconds

CHUNK = 64 * 1024


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", type=target_endpoint, help="[host:]port, [v6]:port or unix:/path")
    parser.add_argument(
        "--connect-timeout", metavar="SECONDS", type=seconds, default=0.0, help="give up after (0: never)"
    )


def run(options: Namespace) -> int:
    return Connection(options.target, milliseconds(options.connect_timeout)).run()


class Connection:
    """The socket, and a thread for each of input and output.

    Threads, because standard input can be a regular file, which no poller watches, and because a terminal or a pipe
    that is shared with other processes must not be made non-blocking under their feet. Blocking calls it is, then, and
    each direction has its own so that neither waits for the other.
    """

    def __init__(self, target: Endpoint, connect_timeout_ms: int) -> None:
        self.target = target
        self.connect_timeout_ms = connect_timeout_ms
        self.loop = net.get_loop()
        self.socket = net.Socket({"allowHalfOpen": True, "noDelay": True})
        self.taken = Event()
        self.output: SimpleQueue[bytes | None] = SimpleQueue()
        self.unfinished = 0
        self.status = 0

    def run(self) -> int:
        socket = self.socket
        socket.once("connect", self.connected)
        socket.on("data", self.received)
        socket.on("end", lambda: self.output.put(None))
        socket.on("error", self.failed)
        socket.on("close", self.closed)
        if self.connect_timeout_ms:
            socket.setTimeout(self.connect_timeout_ms, self.timed_out)
        socket.connect(self.target.options())
        net.run()
        return self.status

    def connected(self) -> None:
        self.socket.removeListener("timeout", self.timed_out)
        self.socket.setTimeout(0)
        self.loop.ref()
        self.writer = Thread(target=self.write_output, daemon=True)
        self.writer.start()
        Thread(target=self.read_input, daemon=True).start()

    def timed_out(self) -> None:
        self.socket.destroy(TimeoutError(f"connect timed out {self.target}"))

    def failed(self, error: Exception) -> None:
        self.fail(str(error))

    def fail(self, message: str) -> None:
        print(f"netcore connect: {message}", file=sys.stderr, flush=True)
        self.status = 1
        self.socket.destroy()

    def closed(self) -> None:
        """The connection is over; the input may not be, but nobody wants it any more."""
        if hasattr(self, "writer"):
            self.output.put(None)
            self.writer.join()
            self.loop.unref()

    # -- input: its thread reads a piece, and goes on when the socket wants more ---------------------------------------

    def read_input(self) -> None:
        try:
            while chunk := os.read(0, CHUNK):
                self.taken.clear()
                self.loop.post(self.send, chunk)
                self.taken.wait()
        except OSError as error:
            self.loop.post(self.fail, f"standard input: {error.strerror}")
            return
        self.loop.post(self.socket.end)

    def send(self, chunk: bytes) -> None:
        if self.socket.destroyed:
            return
        if self.socket.write(chunk):
            self.taken.set()
        else:
            self.socket.once("drain", self.taken.set)

    # -- output: the socket pauses while its thread writes a piece -----------------------------------------------------

    def received(self, chunk: bytes) -> None:
        self.socket.pause()
        self.output.put(chunk)

    def write_output(self) -> None:
        try:
            while (chunk := self.output.get()) is not None:
                while chunk:
                    chunk = chunk[os.write(1, chunk) :]
                self.loop.post(self.socket.resume)
            os.close(1)
        except OSError as error:
            self.loop.post(self.fail, f"standard output: {error.strerror}")

"""Measure round trips through an echo server in this process.

A quick look at what this machine does, over loopback, with the server and the clients sharing one loop. The real
benchmarks, with the peers beside, are in the folder bench/ of the source.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from time import perf_counter, process_time

import netcore as net
from netcore.cli.parser import count, milliseconds, period


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--connections", metavar="N", type=count, default=50, help="clients at a time (50)")
    parser.add_argument("--size", metavar="BYTES", type=count, default=1024, help="of a message (1024)")
    parser.add_argument("--seconds", metavar="SECONDS", type=period, default=3.0, help="how long (3)")


def run(options: Namespace) -> int:
    bench = Bench(options.connections, options.size, milliseconds(options.seconds))
    net.run()
    return bench.status


class Bench:
    """An echo server that pipes, and clients that send a message when the one before has come back."""

    def __init__(self, connections: int, size: int, duration_ms: int) -> None:
        self.connections = connections
        self.message = bytes(size)
        self.duration_ms = duration_ms
        self.round_trips = 0
        self.waiting = connections
        self.clients: list[net.Socket] = []
        self.status = 0
        self.server = net.createServer({"noDelay": True}, lambda client: client.pipe(client))
        self.server.listen({"port": 0, "host": "127.0.0.1"}, self.dial)

    def dial(self) -> None:
        name = self.server.address()
        assert isinstance(name, dict)
        for _ in range(self.connections):
            client = net.connect(name["port"], "127.0.0.1", self.connected)
            client.on("error", self.failed)
            self.exchange(client)
            self.clients.append(client)

    def exchange(self, client: net.Socket) -> None:
        """Counts what comes back; a whole message is a round trip, and the next one goes out."""
        missing = len(self.message)

        def received(chunk: bytes) -> None:
            nonlocal missing
            missing -= len(chunk)
            if missing == 0:
                missing = len(self.message)
                self.round_trips += 1
                client.write(self.message)

        client.on("data", received)

    def connected(self) -> None:
        self.waiting -= 1
        if self.waiting:
            return
        self.started, self.cpu = perf_counter(), process_time()
        net.setTimeout(self.done, self.duration_ms)
        for client in self.clients:
            client.setNoDelay()
            client.write(self.message)

    def done(self) -> None:
        elapsed, cpu = perf_counter() - self.started, process_time() - self.cpu
        rate = f"{self.round_trips / elapsed:,.0f} round trips a second"
        print(
            f"{self.connections} connections, {len(self.message)} B: {rate}, "
            f"{cpu / max(self.round_trips, 1) * 1e6:.1f} us of CPU each, server and clients together"
        )
        self.stop()

    def failed(self, error: Exception) -> None:
        print(f"netcore bench: {error}")
        self.status = 1
        self.stop()

    def stop(self) -> None:
        self.server.close()
        for client in self.clients:
            client.destroy()

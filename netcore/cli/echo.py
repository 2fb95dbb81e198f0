"""Send every client back what it sends."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, Namespace

import netcore as net
from netcore.cli.endpoint import Endpoint, listening_endpoint
from netcore.cli.limits import raise_descriptor_limit
from netcore.cli.stopping import STOP_SIGNALS


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "listen", metavar="LISTEN", type=listening_endpoint, help="[host:]port, [v6]:port or unix:/path"
    )


def run(options: Namespace) -> int:
    raise_descriptor_limit()
    return Echo(options.listen).run()


def say(message: object) -> None:
    print(f"netcore echo: {message}", file=sys.stderr, flush=True)


class Echo:
    """An echo server, until SIGTERM or SIGINT."""

    def __init__(self, listen: Endpoint) -> None:
        self.listen = listen
        self.loop = net.get_loop()
        self.clients: set[net.Socket] = set()
        self.server = net.createServer({"allowHalfOpen": True, "noDelay": True}, self.accept)
        self.status = 0

    def run(self) -> int:
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: self.loop.post(self.stop))
        self.server.on("error", self.failed)
        self.server.listen(self.listen.options(), self.listening)
        net.run()
        return self.status

    def listening(self) -> None:
        say(f"listening on {self.listen.as_bound(self.server.address())}")

    def failed(self, error: Exception) -> None:
        say(error)
        if not self.server.listening:
            self.status = 1

    def accept(self, client: net.Socket) -> None:
        self.clients.add(client)
        client.on("error", lambda: None)
        client.on("close", lambda: self.clients.discard(client))
        client.pipe(client)

    def stop(self) -> None:
        self.server.close()
        for client in list(self.clients):
            client.destroy()

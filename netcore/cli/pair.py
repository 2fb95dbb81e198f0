"""One client of a proxy and its connection to an upstream.

The bytes go by two pipes, which are native relays: Python hears of the connect, of the ends and of errors. Each
direction ends by itself, so a half-close arrives as one; a connection that fails at one end is reset at the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import netcore as net

if TYPE_CHECKING:
    from netcore.cli.upstreams import Address
    from netcore.cli.worker import Worker

# Failures of this machine, which say nothing of the upstream.
OWN_FAILURES = frozenset(("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EADDRNOTAVAIL"))


class Pair:
    """A client that has been accepted, and paused until its upstream is there."""

    __slots__ = ("address", "client", "dialed", "relaying", "tried", "upstream", "worker")

    def __init__(self, worker: Worker, client: net.Socket) -> None:
        self.worker = worker
        self.client = client
        self.upstream: net.Socket | None = None
        self.relaying = False
        self.tried: tuple[Address, ...] = ()
        worker.pairs.add(self)
        client.on("error", self.client_failed)
        client.on("close", self.client_closed)
        self.dial()

    # -- connecting --------------------------------------------------------------------------------------------------

    def dial(self) -> None:
        worker = self.worker
        address = worker.upstreams.choose(self.tried)
        if address is None:
            self.give_up()
            return
        self.address = address
        self.dialed = worker.loop.now()
        self.upstream = upstream = address.connect()
        upstream.on("connect", self.connected)
        upstream.on("error", self.upstream_failed)

    def connect_failed(self, error: Exception) -> None:
        """Tries the next upstream, unless the failure is our own."""
        if getattr(error, "code", "") in OWN_FAILURES:
            self.give_up()
            return
        self.worker.report(self.address, error)
        self.address.upstream.failed(self.address)
        self.tried += (self.address,)
        if not self.client.destroyed:
            self.dial()

    def end_slow_connect(self, since: int) -> None:
        """Gives up a connect that has been under way since before `since`."""
        if not self.relaying and self.upstream is not None and self.dialed <= since:
            self.upstream.destroy(TimeoutError(f"connect timed out {self.address}"))

    def give_up(self) -> None:
        """There is no upstream for this client."""
        self.upstream = None
        self.client.destroy()

    def connected(self) -> None:
        worker, client, upstream = self.worker, self.client, self.upstream
        assert upstream is not None
        if self.address.upstream.pause:
            self.address.upstream.succeeded()
        if client.destroyed:
            return
        self.relaying = True
        if worker.header is not None:
            upstream.write(worker.header(client))
        if worker.idle_timeout_ms:
            client.setTimeout(worker.idle_timeout_ms, self.destroy)
        client.pipe(upstream)
        upstream.pipe(client)

    # -- the end -----------------------------------------------------------------------------------------------------

    def client_failed(self, error: OSError) -> None:
        self.worker.tally.errors += 1
        if self.upstream is not None:
            reset(self.upstream, self.address.is_path)

    def upstream_failed(self, error: OSError) -> None:
        self.worker.tally.errors += 1
        if self.relaying:
            reset(self.client, self.worker.is_path)
        else:
            self.connect_failed(error)

    def client_closed(self) -> None:
        """The pair ends with its client, or with its upstream if that is still open."""
        upstream = self.upstream
        if upstream is None or upstream.closed:
            self.finish()
            return
        upstream.on("close", self.finish)
        if not self.relaying:
            upstream.destroy()
        elif self.worker.idle_timeout_ms:
            # What the upstream has yet to take is its own concern from here on.
            upstream.setTimeout(self.worker.idle_timeout_ms, self.destroy)

    def finish(self) -> None:
        """Both are closed: they are counted and let go, since they hold this object by their listeners."""
        worker = self.worker
        tally = worker.tally
        tally.bytes_up += self.client.bytesRead
        if self.upstream is not None:
            tally.bytes_down += self.upstream.bytesRead
        worker.pairs.remove(self)
        if worker.limit is not None:
            worker.limit.leave()
        del self.client, self.upstream

    def destroy(self) -> None:
        """Closes both ends."""
        self.client.destroy()
        if self.upstream is not None:
            self.upstream.destroy()


def reset(socket: net.Socket, is_path: bool) -> None:
    """Ends a connection as its other end was ended: with a reset, where the system has such a thing."""
    if socket.destroyed:
        return
    if is_path:
        socket.destroy()
    else:
        socket.resetAndDestroy()

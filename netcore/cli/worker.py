"""One worker of a proxy: a loop, its listening socket, and the pairs of connections that it serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

import netcore as net
from netcore.cli.endpoint import Endpoint
from netcore.cli.pair import Pair
from netcore.cli.tally import Tally
from netcore.cli.upstreams import Address, Upstreams

if TYPE_CHECKING:
    from netcore.cli.proxy_header import Name

LAG_EVERY_MS = 100


@dataclass(frozen=True)
class Settings:
    """What all workers of a proxy have in common. Times are in milliseconds, and 0 is none."""

    listen: Endpoint
    upstreams: list[Endpoint]
    workers: int = 1
    max_connections: int | None = None
    connect_timeout_ms: int = 0
    idle_timeout_ms: int = 0
    grace_ms: int = 0
    send_proxy: bool = False
    measure_lag: bool = False


class Limit:
    """How many connections all workers together may have open."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0
        self.lock = Lock()

    def enter(self) -> bool:
        with self.lock:
            if self.open >= self.most:
                return False
            self.open += 1
            return True

    def leave(self) -> None:
        with self.lock:
            self.open -= 1


class Worker:
    """What one thread does. All of it happens on that thread; others `post` to `loop`."""

    def __init__(
        self,
        settings: Settings,
        block_list: net.BlockList | None,
        limit: Limit | None,
        say: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.idle_timeout_ms = settings.idle_timeout_ms
        self.is_path = settings.listen.path is not None
        self.header = self.header_of if settings.send_proxy else None
        self.limit = limit
        self.say = say
        self.pairs: set[Pair] = set()
        self.tally = Tally()
        self.stopping = False
        self.lag_due = 0.0
        self.loop = net.get_loop()
        self.upstreams = Upstreams(settings.upstreams)
        self.server = net.createServer(
            {"allowHalfOpen": True, "pauseOnConnect": True, "noDelay": True, "blockList": block_list}, self.accept
        )
        self.server.on("drop", self.refused)

    # -- listening ---------------------------------------------------------------------------------------------------

    def start(
        self,
        listening: Callable[[], object],
        failed: Callable[[Exception], object],
        place: dict[str, object],
    ) -> None:
        """Learns the upstreams' names, then listens with `place`, the options of `listen`."""

        def listen() -> None:
            self.server.once("error", failed)
            self.server.once("listening", accepting)
            self.server.maxConnections = self.settings.max_connections
            if not self.stopping:
                self.server.listen(place)

        def accepting() -> None:
            self.server.removeListener("error", failed)
            self.server.on("error", self.accept_failed)
            if self.settings.measure_lag:
                self.measure_lag()
            if self.settings.connect_timeout_ms:
                net.setInterval(self.end_slow_connects, max(self.settings.connect_timeout_ms // 10, 10)).unref()
            listening()

        self.upstreams.look_up(listen)

    def accept(self, client: net.Socket) -> None:
        if self.limit is not None and not self.limit.enter():
            self.refused()
            client.on("error", ignore)
            client.destroy()
            return
        self.tally.connections += 1
        Pair(self, client)

    def end_slow_connects(self) -> None:
        """One timer for all connects, because most of them take no time."""
        since = self.loop.now() - self.settings.connect_timeout_ms
        for pair in list(self.pairs):
            pair.end_slow_connect(since)

    def refused(self) -> None:
        self.tally.refused += 1

    def accept_failed(self, error: Exception) -> None:
        self.tally.errors += 1
        self.say(f"{error}")

    def header_of(self, client: net.Socket) -> bytes:
        """What the PROXY protocol says of a client."""
        from netcore.cli.proxy_header import tcp_header, unix_header

        if self.is_path:
            return unix_header(None, self.settings.listen.path)
        source: Name = client.remoteAddress, client.remotePort
        return tcp_header(source, (client.localAddress, client.localPort))

    # -- what pairs tell ---------------------------------------------------------------------------------------------

    def report(self, address: Address, error: Exception) -> None:
        """An upstream has failed: said once, until it works again."""
        if address.upstream.pause == 0.0:
            self.say(f"upstream {address.upstream.endpoint} failed: {error}")

    # -- stopping ----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Accepts no more, and closes what is still open after the time of grace."""
        self.stopping = True
        self.server.close()
        net.setTimeout(self.destroy, self.settings.grace_ms).unref()

    def destroy(self) -> None:
        for pair in list(self.pairs):
            pair.destroy()

    def block(self, block_list: net.BlockList) -> None:
        self.server.blockList = block_list

    # -- counting ----------------------------------------------------------------------------------------------------

    def measure_lag(self) -> None:
        """Notes how much later than asked for a timer comes: so long does a connection that has news wait at worst."""
        now = monotonic() * 1000
        if self.lag_due:
            self.tally.loop_lag_ms = max(self.tally.loop_lag_ms, now - self.lag_due)
        self.lag_due = now + LAG_EVERY_MS
        net.setTimeout(self.measure_lag, LAG_EVERY_MS).unref()

    def counted(self) -> Tally:
        """The tally with what the open connections have moved so far; the lag starts anew."""
        now = replace(self.tally, open=len(self.pairs), refused=self.tally.refused + self.server.blocked_count)
        for pair in self.pairs:
            now.bytes_up += pair.client.bytesRead
            if pair.upstream is not None:
                now.bytes_down += pair.upstream.bytesRead
        self.tally.loop_lag_ms = 0.0
        return now


def ignore(error: Exception) -> None:
    """For a connection that is being closed anyway."""

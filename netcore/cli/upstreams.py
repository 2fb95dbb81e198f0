"""The upstreams of a proxy: whose turn it is, who has failed and is left alone for a while, and what their names mean.

A name is looked up when the proxy starts, once a minute, and when connecting to it has failed; never for a connection.
Each worker has its own, so that nothing is shared between threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import cycle
from time import monotonic

import netcore as net
from netcore.cli.endpoint import Endpoint

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
LOOKUP_EVERY_MS = 60_000
LOOKUP_AGAIN_S = 2.0


class Address:
    """One literal address of an upstream: a port and a host, or a path."""

    __slots__ = ("host", "place", "upstream")

    def __init__(self, upstream: Upstream, place: tuple[int, str] | tuple[str]) -> None:
        self.upstream = upstream
        self.place = place
        self.host = place[1] if len(place) == 2 else None

    @property
    def is_path(self) -> bool:
        return self.host is None

    def connect(self) -> net.Socket:
        """A socket that is being connected to it, and stays open until both directions have ended."""
        socket = net.connect(*self.place)
        socket.allowHalfOpen = True
        return socket.setNoDelay()


class Upstream:
    """One upstream, with the addresses of its name and the pause that it has after failures."""

    __slots__ = ("addresses", "current", "endpoint", "failures", "looked_up", "looking", "pause", "retry_at")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.addresses: list[Address] = []
        self.current = 0
        self.failures = 0
        self.pause = 0.0
        self.retry_at = 0.0
        self.looking = False
        self.looked_up = 0.0
        self.know_literal()

    def know_literal(self) -> None:
        endpoint = self.endpoint
        if endpoint.path is not None:
            self.addresses = [Address(self, (endpoint.path,))]
        elif endpoint.host is not None and net.isIP(endpoint.host):
            self.addresses = [Address(self, (endpoint.port, endpoint.host))]

    @property
    def is_named(self) -> bool:
        return self.endpoint.path is None and not net.isIP(self.endpoint.host or "")

    def look_up(self, done: Callable[[], object] | None = None) -> None:
        """Learns the addresses of a name; what is known stays if that fails. `done()` is called in the end."""

        def answer(error: OSError | None, found: list[dict[str, str]] | None = None) -> None:
            self.looking = False
            if error is None:
                self.learn([item["address"] for item in found or ()])
            if done is not None:
                done()

        if self.is_named and not self.looking:
            self.looking = True
            self.looked_up = monotonic()
            net.lookup(self.endpoint.host or "localhost", {"all": True}, answer)
        elif done is not None:
            done()

    def learn(self, hosts: list[str]) -> None:
        if hosts and set(hosts) != {address.host for address in self.addresses}:
            self.addresses = [Address(self, (self.endpoint.port, host)) for host in hosts]
            self.current = self.failures = 0

    def pick(self, tried: Collection[Address]) -> Address | None:
        """The address to connect to, after those that one client has tried already."""
        for step in range(len(self.addresses)):
            address = self.addresses[(self.current + step) % len(self.addresses)]
            if address not in tried:
                return address
        return None

    def failed(self, address: Address) -> None:
        """Goes on to the next address; when all have failed, the upstream is left alone, longer each time."""
        if self.addresses and address is self.addresses[self.current]:
            self.current = (self.current + 1) % len(self.addresses)
        self.failures += 1
        if self.failures >= len(self.addresses):
            self.failures = 0
            self.pause = min(max(self.pause * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
            self.retry_at = monotonic() + self.pause
        if self.is_named and monotonic() - self.looked_up > LOOKUP_AGAIN_S:
            self.look_up()

    def succeeded(self) -> None:
        self.failures = 0
        self.pause = self.retry_at = 0.0


class Upstreams:
    """All upstreams of one worker, in turn."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self.ring = [Upstream(endpoint) for endpoint in endpoints]
        self.turns = cycle(self.ring)

    def look_up(self, done: Callable[[], object]) -> None:
        """Learns what the names mean, now and every minute; `done()` is called when each has been asked for once."""
        waiting = len(self.ring)

        def one_done() -> None:
            nonlocal waiting
            waiting -= 1
            if waiting == 0:
                done()

        for upstream in self.ring:
            upstream.look_up(one_done)
        if any(upstream.is_named for upstream in self.ring):
            net.setInterval(self.look_up_again, LOOKUP_EVERY_MS).unref()

    def look_up_again(self) -> None:
        for upstream in self.ring:
            upstream.look_up()

    def choose(self, tried: Collection[Address] = ()) -> Address | None:
        """Whose turn it is: one that is well if there is one, else one that has failed; None when all are tried."""
        upstream = next(self.turns)
        if not tried and upstream.retry_at == 0.0 and upstream.addresses:
            return upstream.addresses[upstream.current]
        position = self.ring.index(upstream)
        return self.choose_carefully(self.ring[position:] + self.ring[:position], tried)

    def choose_carefully(self, order: list[Upstream], tried: Collection[Address]) -> Address | None:
        now = monotonic()
        order.sort(key=lambda upstream: upstream.retry_at > now)
        for upstream in order:
            address = upstream.pick(tried)
            if address is not None:
                return address
            if not upstream.addresses and now - upstream.looked_up > LOOKUP_AGAIN_S:
                upstream.look_up()
        return None

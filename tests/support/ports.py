"""Ports that stay free, or closed, for as long as a test needs them.

A port that the kernel picks is from the range that it also picks from for outgoing connections and for listeners on
port 0. Once it is let go, a test that runs beside this one may have it, even as the near end of a connection, before
this one, or the program that it starts, binds it.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

FIRST, COUNT = 12_000, 20_000


def free_port() -> int:
    """A port below those that the kernel picks from, which nobody has on any address of this machine."""
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    while True:
        port = FIRST + secrets.randbelow(COUNT)
        with suppress(OSError), socket.create_server(("", port), family=family, dualstack_ipv6=both):
            return port


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections on every address: it is bound, and nobody listens."""
    family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    with socket.socket(family) as holder:
        if family == socket.AF_INET6:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        holder.bind(("", 0))
        yield int(holder.getsockname()[1])

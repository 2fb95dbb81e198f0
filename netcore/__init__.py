"""Node's `net` for Python, on its own C reactor."""

from netcore._core.address import SocketAddress, isIP, isIPv4, isIPv6
from netcore._core.blocklist import BlockList
from netcore._core.emitter import EventEmitter, once
from netcore._core.errors import AbortError, AggregateError, CodedError

__all__ = [
    "AbortError",
    "AggregateError",
    "BlockList",
    "CodedError",
    "EventEmitter",
    "SocketAddress",
    "isIP",
    "isIPv4",
    "isIPv6",
    "once",
]

"""Node's `net` for Python, on its own C reactor."""

import netcore.aio as _aio  # noqa: F401 - hosts the loop inside asyncio
from netcore._core.abort import AbortController, AbortSignal
from netcore._core.address import SocketAddress, isIP, isIPv4, isIPv6
from netcore._core.blocklist import BlockList
from netcore._core.bound import BoundSocket
from netcore._core.dialer import (
    getDefaultAutoSelectFamily,
    getDefaultAutoSelectFamilyAttemptTimeout,
    setDefaultAutoSelectFamily,
    setDefaultAutoSelectFamilyAttemptTimeout,
)
from netcore._core.emitter import EventEmitter, once
from netcore._core.errors import AbortError, AggregateError, CodedError
from netcore._core.lookup import lookup
from netcore._core.loop import Loop, get_loop
from netcore._core.server import Server, createServer
from netcore._core.socket import Socket, connect
from netcore._core.task import run, sleep
from netcore._core.timers import (
    Immediate,
    Timeout,
    clearImmediate,
    clearInterval,
    clearTimeout,
    nextTick,
    setImmediate,
    setInterval,
    setTimeout,
)
from netcore.headers import get_include

Stream = Socket
createConnection = connect

__all__ = [
    "AbortController",
    "AbortError",
    "AbortSignal",
    "AggregateError",
    "BlockList",
    "BoundSocket",
    "CodedError",
    "EventEmitter",
    "Immediate",
    "Loop",
    "Server",
    "Socket",
    "SocketAddress",
    "Stream",
    "Timeout",
    "clearImmediate",
    "clearInterval",
    "clearTimeout",
    "connect",
    "createConnection",
    "createServer",
    "getDefaultAutoSelectFamily",
    "getDefaultAutoSelectFamilyAttemptTimeout",
    "get_include",
    "get_loop",
    "isIP",
    "isIPv4",
    "isIPv6",
    "lookup",
    "nextTick",
    "once",
    "run",
    "setDefaultAutoSelectFamily",
    "setDefaultAutoSelectFamilyAttemptTimeout",
    "setImmediate",
    "setInterval",
    "setTimeout",
    "sleep",
]

"""The options of netcore's functions, and the mappings that its events and methods answer, as types.

For annotations: a program that builds its options apart from the call writes `options: ConnectOptions = {...}`. Nothing
in netcore imports this module at run time. `None` stands for an option that is not given, as everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from netcore import AbortSignal, BlockList, BoundSocket, Server, Socket


class OnRead(TypedDict):
    """The option `onread`: where bytes are received into, and who is told."""

    buffer: Buffer | Callable[[], Buffer]
    """One buffer for all, or a function that gives the next one."""
    callback: Callable[[int, Any], object]
    """Called with how many bytes there are and the buffer; pauses the socket by answering `False`."""


class SocketOptions(TypedDict, total=False):
    """What `Socket()` takes. Sizes are bytes, delays milliseconds."""

    allowHalfOpen: bool | None
    blockList: BlockList | None
    defaultEncoding: str | None
    encoding: str | None
    fd: int | None
    handle: BoundSocket | None
    highWaterMark: int | None
    keepAlive: bool | None
    keepAliveInitialDelay: float | None
    noDelay: bool | None
    onread: OnRead | None
    pauseOnCreate: bool | None
    readable: bool | None
    readableHighWaterMark: int | None
    signal: AbortSignal | None
    typeOfService: int | None
    writable: bool | None
    writableHighWaterMark: int | None


class Target(TypedDict, total=False):
    """Where to connect to, and how."""

    autoSelectFamily: bool | None
    autoSelectFamilyAttemptTimeout: int | None
    family: int | Literal["IPv4", "IPv6"] | None
    hints: int | None
    host: str | None
    localAddress: str | None
    localPort: int | None
    lookup: Callable[..., object] | None
    path: str | None
    port: int | str | None
    timeout: float | None


class ConnectOptions(Target, total=False):
    """What `Socket.connect()` takes. Delays are milliseconds."""

    blockList: BlockList | None
    keepAlive: bool | None
    keepAliveInitialDelay: float | None
    noDelay: bool | None
    onread: OnRead | None
    signal: AbortSignal | None


class CreateOptions(SocketOptions, Target, total=False):
    """What `net.connect()` and `createConnection()` take: the options of the socket, and those of its `connect`."""


class ServerOptions(TypedDict, total=False):
    """What `createServer()` and `Server()` take. Sizes are bytes, delays milliseconds."""

    allowHalfOpen: bool | None
    blockList: BlockList | None
    highWaterMark: int | None
    keepAlive: bool | None
    keepAliveInitialDelay: float | None
    noDelay: bool | None
    pauseOnConnect: bool | None


class ListenOptions(TypedDict, total=False):
    """What `Server.listen()` takes."""

    backlog: int | None
    exclusive: bool | None
    fd: int | None
    handle: Server | Socket | BoundSocket | None
    host: str | None
    ipv6Only: bool | None
    path: str | None
    port: int | str | None
    readableAll: bool | None
    reusePort: bool | None
    signal: AbortSignal | None
    writableAll: bool | None


class BoundOptions(TypedDict, total=False):
    """What `BoundSocket()` takes."""

    host: str | None
    ipv6Only: bool | None
    path: str | None
    port: int | str | None
    reusePort: bool | None


class AddressOptions(TypedDict, total=False):
    """What `SocketAddress()` takes."""

    address: str | None
    family: Literal["ipv4", "ipv6"] | str | None
    flowlabel: int | None
    port: int | str | None


class LookupOptions(TypedDict, total=False):
    """What `lookup()` takes."""

    all: bool | None
    family: int | Literal["IPv4", "IPv6"] | None
    hints: int | None
    order: Literal["verbatim", "ipv4first", "ipv6first"] | None
    verbatim: bool | None


class Address(TypedDict):
    """One end of a connection, as `address()` answers it."""

    address: str
    family: Literal["IPv4", "IPv6"]
    port: int


class Drop(TypedDict, total=False):
    """Which connection a server has refused: the argument of the event 'drop'."""

    localAddress: str
    localPort: int
    localFamily: Literal["IPv4", "IPv6"]
    remoteAddress: str
    remotePort: int
    remoteFamily: Literal["IPv4", "IPv6"]

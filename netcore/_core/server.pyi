from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol, Self, TypeVar, overload, type_check_only

from typing_extensions import Unpack, disjoint_base

from netcore._core.blocklist import BlockList
from netcore._core.bound import BoundSocket
from netcore._core.listener import _Takes0, _Takes1
from netcore._core.loop import Handle
from netcore._core.socket import Socket
from netcore.options import Address, Drop, ListenOptions, ServerOptions

_F = TypeVar("_F", bound=Callable[..., object])

SERVER_OPTIONS: frozenset[str]
LISTEN_OPTIONS: frozenset[str]

@type_check_only
class _HasDescriptor(Protocol):
    @property
    def fd(self) -> int | Callable[[], int]: ...

@type_check_only
class _HasFileno(Protocol):
    def fileno(self) -> int: ...

@disjoint_base
class Server(Handle):
    """A TCP or Unix-domain server, as Node's `net.Server`.

    Options, in a mapping or as keywords: `allowHalfOpen`, `highWaterMark` (bytes), `keepAlive`, `keepAliveInitialDelay`
    (milliseconds), `noDelay`, `pauseOnConnect`, `blockList`. `connectionListener(socket)` hears 'connection'.
    `noDelay`, `keepAlive` and `keepAliveInitialDelay` (seconds) can be read again; `dropMaxConnection` is for servers that
    worker processes share.

    Events, with what their listeners are called with: 'listening', 'connection' (socket), 'drop' (both ends of a connection
    that was refused), 'error' (error), 'close'.
    """

    dropMaxConnection: object
    def __init__(
        self,
        options: ServerOptions | Mapping[str, Any] | _Takes1[Socket] | None = None,
        connectionListener: _Takes1[Socket] | None = None,
        **keywords: Unpack[ServerOptions],
    ) -> None: ...
    # A listener may take fewer arguments than these: that is what the next to last one is for.
    @overload  # type: ignore[override]
    def on(self, name: Literal["connection"], listener: Callable[[Socket], object]) -> Self:
        """Adds a listener after the others and answers the emitter; without a listener it is a decorator."""
    @overload
    def on(self, name: Literal["close", "listening"], listener: Callable[[], object]) -> Self: ...
    @overload
    def on(self, name: Literal["error"], listener: Callable[[Exception], object]) -> Self: ...
    @overload
    def on(self, name: Literal["drop"], listener: Callable[[Drop], object]) -> Self: ...
    @overload
    def on(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def on(self, name: object) -> Callable[[_F], _F]: ...
    # From here on made from `on` by tools/stubs.py.
    @overload  # type: ignore[override]
    def addListener(self, name: Literal["connection"], listener: Callable[[Socket], object]) -> Self:
        """The same as `on`."""
    @overload
    def addListener(self, name: Literal["close", "listening"], listener: Callable[[], object]) -> Self: ...
    @overload
    def addListener(self, name: Literal["error"], listener: Callable[[Exception], object]) -> Self: ...
    @overload
    def addListener(self, name: Literal["drop"], listener: Callable[[Drop], object]) -> Self: ...
    @overload
    def addListener(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def addListener(self, name: object) -> Callable[[_F], _F]: ...
    @overload  # type: ignore[override]
    def once(self, name: Literal["connection"], listener: Callable[[Socket], object]) -> Self:
        """Adds a listener that is removed just before it is called for the first time."""
    @overload
    def once(self, name: Literal["close", "listening"], listener: Callable[[], object]) -> Self: ...
    @overload
    def once(self, name: Literal["error"], listener: Callable[[Exception], object]) -> Self: ...
    @overload
    def once(self, name: Literal["drop"], listener: Callable[[Drop], object]) -> Self: ...
    @overload
    def once(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def once(self, name: object) -> Callable[[_F], _F]: ...
    @overload  # type: ignore[override]
    def prependListener(self, name: Literal["connection"], listener: Callable[[Socket], object]) -> Self:
        """Adds a listener before the others."""
    @overload
    def prependListener(self, name: Literal["close", "listening"], listener: Callable[[], object]) -> Self: ...
    @overload
    def prependListener(self, name: Literal["error"], listener: Callable[[Exception], object]) -> Self: ...
    @overload
    def prependListener(self, name: Literal["drop"], listener: Callable[[Drop], object]) -> Self: ...
    @overload
    def prependListener(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def prependListener(self, name: object) -> Callable[[_F], _F]: ...
    @overload  # type: ignore[override]
    def prependOnceListener(self, name: Literal["connection"], listener: Callable[[Socket], object]) -> Self:
        """Adds a listener before the others that is removed just before it is called for the first time."""
    @overload
    def prependOnceListener(self, name: Literal["close", "listening"], listener: Callable[[], object]) -> Self: ...
    @overload
    def prependOnceListener(self, name: Literal["error"], listener: Callable[[Exception], object]) -> Self: ...
    @overload
    def prependOnceListener(self, name: Literal["drop"], listener: Callable[[Drop], object]) -> Self: ...
    @overload
    def prependOnceListener(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def prependOnceListener(self, name: object) -> Callable[[_F], _F]: ...
    # To here.
    @overload
    def listen(
        self,
        path_or_port: int | str | None,
        listener: _Takes0 | None = None,
        /,
        **options: Unpack[ListenOptions],
    ) -> Self:
        """Listens: `listen([port[, host[, backlog]]])`, `listen(path[, backlog])`, `listen(handle[, backlog])` or
        `listen(options)`, each with a listener for 'listening' at the end; options may be keywords.

        Port 0, or none, takes a free one. No host: all addresses, IPv6 and IPv4. `handle`: a `Server`, a `Socket`, a
        `BoundSocket` or an object with `fd`. Wrong arguments raise; a failure to listen is an 'error' event on a later tick.
        `ERR_SERVER_ALREADY_LISTEN` if the server listens.
        """
    @overload
    def listen(self, listener: _Takes0, /, **options: Unpack[ListenOptions]) -> Self: ...
    @overload
    def listen(
        self,
        port: int | str | None,
        host: str | None,
        listener: _Takes0 | None = None,
        /,
        **options: Unpack[ListenOptions],
    ) -> Self: ...
    @overload
    def listen(
        self, port: int | str | None, host: str | None, backlog: int | None, listener: _Takes0 | None = None, /
    ) -> Self: ...
    @overload
    def listen(
        self,
        port_path_or_handle: int | str | Server | Socket | BoundSocket | _HasDescriptor | _HasFileno,
        backlog: int,
        listener: _Takes0 | None = None,
        /,
    ) -> Self: ...
    @overload
    def listen(
        self,
        handle: Server | Socket | BoundSocket | _HasDescriptor | _HasFileno,
        listener: _Takes0 | None = None,
        /,
    ) -> Self: ...
    @overload
    def listen(
        self,
        options: ListenOptions | Mapping[str, Any] = ...,
        listener: _Takes0 | None = None,
        /,
        **keywords: Unpack[ListenOptions],
    ) -> Self: ...
    def close(self, callback: _Takes1[Exception | None] | None = None) -> Self:
        """Stops listening; connections live on. 'close' comes when the last of them is gone. `callback(error)` is called
        then, with `ERR_SERVER_NOT_RUNNING` if the server was not listening."""
    def address(self) -> Address | str | None:
        """Where the server listens: `{'address': str, 'family': 'IPv4' or 'IPv6', 'port': int}`, or the path of a
        Unix-domain socket, or None if it does not listen. Any thread may ask."""
    @overload
    def getConnections(self, callback: Callable[[Exception | None, int], object]) -> Self:
        """Calls `callback(error, count)` on a tick, with the number of connections that are open."""
    @overload
    def getConnections(self, callback: _Takes1[Exception | None]) -> Self: ...
    def ref(self) -> Self:
        """Makes the server keep the loop running while it listens, as it does at first."""
    def unref(self) -> Self:
        """Lets the loop end although the server listens."""
    @property
    def listening(self) -> bool:
        """Whether the server listens."""
    @property
    def maxConnections(self) -> float | None:
        """How many connections may be open at once; further ones are closed, with 'drop'. None: any number. 0: none."""
    @maxConnections.setter
    def maxConnections(self, value: float | None) -> None: ...
    @property
    def allowHalfOpen(self) -> bool:
        """Whether connections stay writable when the other party ends."""
    @allowHalfOpen.setter
    def allowHalfOpen(self, value: object) -> None: ...
    @property
    def pauseOnConnect(self) -> bool:
        """Whether connections are not read from before `resume()`."""
    @pauseOnConnect.setter
    def pauseOnConnect(self, value: object) -> None: ...
    @property
    def highWaterMark(self) -> int:
        """The high-water marks of connections, in bytes."""
    @property
    def blockList(self) -> BlockList | None:
        """The block list whose addresses may not connect, or None. Another one takes effect with the next connection."""
    @blockList.setter
    def blockList(self, value: BlockList | None) -> None: ...
    @property
    def blocked_count(self) -> int:
        """How many connections the block list has refused. Not in Node."""
    @property
    def noDelay(self) -> bool: ...
    @property
    def keepAlive(self) -> bool: ...
    @property
    def keepAliveInitialDelay(self) -> int: ...
    def __aiter__(self) -> AsyncIterator[Socket]:
        """The connections, as they come, until the server closes."""
    def __aenter__(self) -> Awaitable[Self]:
        """Waits until the server listens, if that takes a look-up, or raises why it cannot."""
    def __aexit__(self, *_: object) -> Awaitable[None]:
        """Closes the server, and waits until its last connection is gone."""

@overload
def createServer(connectionListener: Callable[[Socket], object], /, **keywords: Unpack[ServerOptions]) -> Server:
    """Makes a `Server`: see there for the options. `createServer(listener)` will do."""

@overload
def createServer(connectionListener: _Takes0, /, **keywords: Unpack[ServerOptions]) -> Server: ...
@overload
def createServer(
    options: ServerOptions | Mapping[str, Any] | None,
    connectionListener: Callable[[Socket], object],
    **keywords: Unpack[ServerOptions],
) -> Server: ...
@overload
def createServer(
    options: ServerOptions | Mapping[str, Any] | None = None,
    connectionListener: _Takes0 | None = None,
    **keywords: Unpack[ServerOptions],
) -> Server: ...

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Literal, Self, TypeVar, overload

from typing_extensions import disjoint_base

from netcore._core.blocklist import BlockList
from netcore._core.loop import Handle
from netcore._core.socket import Socket

_F = TypeVar("_F", bound=Callable[..., object])

SERVER_OPTIONS: frozenset[str]
LISTEN_OPTIONS: frozenset[str]

@disjoint_base
class Server(Handle):
    """A TCP or Unix-domain server, as Node's `net.Server`.

    Options, in a mapping or as keywords: `allowHalfOpen`, `highWaterMark` (bytes), `keepAlive`, `keepAliveInitialDelay`
    (milliseconds), `noDelay`, `pauseOnConnect`, `blockList`. `connectionListener(socket)` hears 'connection'.
    """

    dropMaxConnection: object
    def __init__(
        self,
        options: Mapping[str, Any] | Callable[..., object] | None = None,
        connectionListener: Callable[..., object] | None = None,
        *,
        allowHalfOpen: bool = False,
        blockList: BlockList | None = None,
        highWaterMark: int | None = None,
        keepAlive: bool = False,
        keepAliveInitialDelay: float | None = None,
        noDelay: bool = False,
        pauseOnConnect: bool = False,
    ) -> None: ...
    @overload  # type: ignore[override]
    def on(self, name: Literal["close", "listening"], listener: Callable[[], object]) -> Self: ...
    @overload
    def on(self, name: Literal["connection"], listener: Callable[[], object] | Callable[[Socket], object]) -> Self: ...
    @overload
    def on(self, name: Literal["error"], listener: Callable[[], object] | Callable[[Exception], object]) -> Self: ...
    @overload
    def on(
        self, name: Literal["drop"], listener: Callable[[], object] | Callable[[dict[str, Any]], object]
    ) -> Self: ...
    @overload
    def on(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def on(self, name: object) -> Callable[[_F], _F]: ...
    @overload  # type: ignore[override]
    def once(self, name: Literal["close", "listening"], listener: Callable[[], object]) -> Self: ...
    @overload
    def once(
        self, name: Literal["connection"], listener: Callable[[], object] | Callable[[Socket], object]
    ) -> Self: ...
    @overload
    def once(self, name: Literal["error"], listener: Callable[[], object] | Callable[[Exception], object]) -> Self: ...
    @overload
    def once(
        self, name: Literal["drop"], listener: Callable[[], object] | Callable[[dict[str, Any]], object]
    ) -> Self: ...
    @overload
    def once(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def once(self, name: object) -> Callable[[_F], _F]: ...
    @overload  # type: ignore[override]
    def addListener(self, name: Literal["close", "listening"], listener: Callable[[], object]) -> Self: ...
    @overload
    def addListener(
        self, name: Literal["connection"], listener: Callable[[], object] | Callable[[Socket], object]
    ) -> Self: ...
    @overload
    def addListener(
        self, name: Literal["error"], listener: Callable[[], object] | Callable[[Exception], object]
    ) -> Self: ...
    @overload
    def addListener(
        self, name: Literal["drop"], listener: Callable[[], object] | Callable[[dict[str, Any]], object]
    ) -> Self: ...
    @overload
    def addListener(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def addListener(self, name: object) -> Callable[[_F], _F]: ...
    def listen(self, *args: Any, **options: Any) -> Self:
        """Listens: `listen([port[, host[, backlog]]])`, `listen(path[, backlog])`, `listen(handle[, backlog])` or
        `listen(options)`, each with a listener for 'listening' at the end; options may be keywords.

        Port 0, or none, takes a free one. No host: all addresses, IPv6 and IPv4. `handle`: a `Server`, a `Socket`, a
        `BoundSocket` or an object with `fd`. Wrong arguments raise; a failure to listen is an 'error' event on a later
        tick.
        `ERR_SERVER_ALREADY_LISTEN` if the server listens.
        """
    def close(self, callback: Callable[..., object] | None = None) -> Self:
        """Stops listening; connections live on. 'close' comes when the last of them is gone. `callback(error)` is
        called
        then, with `ERR_SERVER_NOT_RUNNING` if the server was not listening."""
    def address(self) -> dict[str, Any] | str | None:
        """Where the server listens: `{'address': str, 'family': 'IPv4' or 'IPv6', 'port': int}`, or the path of a
        Unix-domain socket, or None if it does not listen."""
    def getConnections(self, callback: Callable[..., object]) -> Self:
        """Calls `callback(error, count)` on a tick, with the number of connections that are open."""
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
    def __aenter__(self) -> Awaitable[Self]: ...
    def __aexit__(self, *_: object) -> Awaitable[None]:
        """Closes the server, and waits until its last connection is gone."""

def createServer(
    options: Mapping[str, Any] | Callable[..., object] | None = None,
    connectionListener: Callable[..., object] | None = None,
    **keywords: Any,
) -> Server:
    """Makes a `Server`: see there for the options. `createServer(listener)` will do."""

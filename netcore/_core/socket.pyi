from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias, TypeVar, overload

from typing_extensions import Unpack, disjoint_base

from netcore._core.blocklist import BlockList
from netcore._core.dialer import CONNECT_OPTIONS as CONNECT_OPTIONS
from netcore._core.dialer import Dialer
from netcore._core.listener import _Takes0
from netcore._core.server import Server
from netcore.options import Address, CreateOptions, SocketOptions

_F = TypeVar("_F", bound=Callable[..., object])
_D = TypeVar("_D")
_Plain: TypeAlias = Literal[
    "connect", "ready", "drain", "end", "finish", "prefinish", "timeout", "readable", "pause", "resume"
]
_LookedUp: TypeAlias = Callable[[Exception | None, str | None, int | None, str], object]
_Attempt: TypeAlias = Literal["connectionAttempt", "connectionAttemptTimeout"]
_Failed: TypeAlias = Literal["connectionAttemptFailed"]

SOCKET_OPTIONS: frozenset[str]
CREATE_OPTIONS: frozenset[str]

@disjoint_base
class Socket(Dialer):
    """A TCP connection, or one end of a Unix-domain socket: a duplex stream of bytes, as Node's `net.Socket`.

    Options, in a mapping or as keywords: `allowHalfOpen` (default False: ends itself when the other party has), `fd`
    (a connected socket's descriptor), `handle` (a `BoundSocket`), `readable` and `writable` (False closes that side of
    an `fd`), `onread` (`{'buffer': bytearray or function, 'callback': function}`), `signal` (an `AbortSignal` that
    destroys the socket), `highWaterMark` (bytes), `noDelay`, `keepAlive`, `keepAliveInitialDelay` (milliseconds),
    `typeOfService` (0 to 255), `blockList`. Wrong ones raise `TypeError` and `ValueError` with Node's codes.

    Events, with what their listeners are called with: 'lookup' (error, address, family, host), 'connectionAttempt' and
    'connectionAttemptTimeout' (address, port, family), 'connectionAttemptFailed' (address, port, family, error),
    'connect', 'ready', 'data' (chunk), 'readable', 'end', 'drain', 'prefinish', 'finish', 'pause', 'resume', 'timeout',
    'pipe' (source), 'unpipe' (source, options), 'error' (error), 'close' (whether there was an error).
    """
    def __init__(
        self, options: SocketOptions | Mapping[str, Any] | int | None = None, **keywords: Unpack[SocketOptions]
    ) -> None: ...

    # A listener may take fewer arguments than these: that is what the next to last one is for. The chunks of 'data' are
    # bytes, or str after setEncoding(): Any spares every listener a test.
    @overload  # type: ignore[override]
    def on(self, name: Literal["data"], listener: Callable[[Any], object]) -> Self:
        """Adds a listener after the others and answers the emitter; without a listener it is a decorator."""
    @overload
    def on(self, name: _Plain, listener: Callable[[], object]) -> Self: ...
    @overload
    def on(self, name: Literal["close"], listener: Callable[[bool], object]) -> Self: ...
    @overload
    def on(self, name: Literal["error"], listener: Callable[[Exception], object]) -> Self: ...
    @overload
    def on(self, name: Literal["lookup"], listener: _LookedUp) -> Self: ...
    @overload
    def on(self, name: _Attempt, listener: Callable[[str, int, int], object]) -> Self: ...
    @overload
    def on(self, name: _Failed, listener: Callable[[str, int, int, Exception], object]) -> Self: ...
    @overload
    def on(self, name: Literal["pipe"], listener: Callable[[Socket], object]) -> Self: ...
    @overload
    def on(self, name: Literal["unpipe"], listener: Callable[[Socket, dict[str, Any]], object]) -> Self: ...
    @overload
    def on(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def on(self, name: object) -> Callable[[_F], _F]: ...
    # From here on made from `on` by tools/stubs.py.
    @overload  # type: ignore[override]
    def addListener(self, name: Literal["data"], listener: Callable[[Any], object]) -> Self:
        """The same as `on`."""
    @overload
    def addListener(self, name: _Plain, listener: Callable[[], object]) -> Self: ...
    @overload
    def addListener(self, name: Literal["close"], listener: Callable[[bool], object]) -> Self: ...
    @overload
    def addListener(self, name: Literal["error"], listener: Callable[[Exception], object]) -> Self: ...
    @overload
    def addListener(self, name: Literal["lookup"], listener: _LookedUp) -> Self: ...
    @overload
    def addListener(self, name: _Attempt, listener: Callable[[str, int, int], object]) -> Self: ...
    @overload
    def addListener(self, name: _Failed, listener: Callable[[str, int, int, Exception], object]) -> Self: ...
    @overload
    def addListener(self, name: Literal["pipe"], listener: Callable[[Socket], object]) -> Self: ...
    @overload
    def addListener(self, name: Literal["unpipe"], listener: Callable[[Socket, dict[str, Any]], object]) -> Self: ...
    @overload
    def addListener(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def addListener(self, name: object) -> Callable[[_F], _F]: ...
    @overload  # type: ignore[override]
    def once(self, name: Literal["data"], listener: Callable[[Any], object]) -> Self:
        """Adds a listener that is removed just before it is called for the first time."""
    @overload
    def once(self, name: _Plain, listener: Callable[[], object]) -> Self: ...
    @overload
    def once(self, name: Literal["close"], listener: Callable[[bool], object]) -> Self: ...
    @overload
    def once(self, name: Literal["error"], listener: Callable[[Exception], object]) -> Self: ...
    @overload
    def once(self, name: Literal["lookup"], listener: _LookedUp) -> Self: ...
    @overload
    def once(self, name: _Attempt, listener: Callable[[str, int, int], object]) -> Self: ...
    @overload
    def once(self, name: _Failed, listener: Callable[[str, int, int, Exception], object]) -> Self: ...
    @overload
    def once(self, name: Literal["pipe"], listener: Callable[[Socket], object]) -> Self: ...
    @overload
    def once(self, name: Literal["unpipe"], listener: Callable[[Socket, dict[str, Any]], object]) -> Self: ...
    @overload
    def once(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def once(self, name: object) -> Callable[[_F], _F]: ...
    @overload  # type: ignore[override]
    def prependListener(self, name: Literal["data"], listener: Callable[[Any], object]) -> Self:
        """Adds a listener before the others."""
    @overload
    def prependListener(self, name: _Plain, listener: Callable[[], object]) -> Self: ...
    @overload
    def prependListener(self, name: Literal["close"], listener: Callable[[bool], object]) -> Self: ...
    @overload
    def prependListener(self, name: Literal["error"], listener: Callable[[Exception], object]) -> Self: ...
    @overload
    def prependListener(self, name: Literal["lookup"], listener: _LookedUp) -> Self: ...
    @overload
    def prependListener(self, name: _Attempt, listener: Callable[[str, int, int], object]) -> Self: ...
    @overload
    def prependListener(self, name: _Failed, listener: Callable[[str, int, int, Exception], object]) -> Self: ...
    @overload
    def prependListener(self, name: Literal["pipe"], listener: Callable[[Socket], object]) -> Self: ...
    @overload
    def prependListener(
        self, name: Literal["unpipe"], listener: Callable[[Socket, dict[str, Any]], object]
    ) -> Self: ...
    @overload
    def prependListener(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def prependListener(self, name: object) -> Callable[[_F], _F]: ...
    @overload  # type: ignore[override]
    def prependOnceListener(self, name: Literal["data"], listener: Callable[[Any], object]) -> Self:
        """Adds a listener before the others that is removed just before it is called for the first time."""
    @overload
    def prependOnceListener(self, name: _Plain, listener: Callable[[], object]) -> Self: ...
    @overload
    def prependOnceListener(self, name: Literal["close"], listener: Callable[[bool], object]) -> Self: ...
    @overload
    def prependOnceListener(self, name: Literal["error"], listener: Callable[[Exception], object]) -> Self: ...
    @overload
    def prependOnceListener(self, name: Literal["lookup"], listener: _LookedUp) -> Self: ...
    @overload
    def prependOnceListener(self, name: _Attempt, listener: Callable[[str, int, int], object]) -> Self: ...
    @overload
    def prependOnceListener(self, name: _Failed, listener: Callable[[str, int, int, Exception], object]) -> Self: ...
    @overload
    def prependOnceListener(self, name: Literal["pipe"], listener: Callable[[Socket], object]) -> Self: ...
    @overload
    def prependOnceListener(
        self, name: Literal["unpipe"], listener: Callable[[Socket, dict[str, Any]], object]
    ) -> Self: ...
    @overload
    def prependOnceListener(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def prependOnceListener(self, name: object) -> Callable[[_F], _F]: ...
    # To here.
    def pipe(self, destination: _D, options: Mapping[str, Any] | None = None, *, end: bool | None = None) -> _D:
        """Writes what arrives to `destination`: a `Socket`, anything with `write` and `end`, or a binary file. Returns
        the destination. `end=False` leaves it open when this socket ends."""
    def unpipe(self, destination: object = None) -> Self:
        """Ends the pipe to `destination`, or all pipes, and pauses if none remains."""
    def destroySoon(self) -> None:
        """Destroys the socket when everything written has been sent."""
    def resetAndDestroy(self) -> Self:
        """Closes a TCP connection with a reset: the peer's reads fail with ECONNRESET. `ERR_INVALID_HANDLE_TYPE` for a
        Unix-domain socket."""
    def setTimeout(self, timeout: float, callback: _Takes0 | None = None) -> Self:
        """Emits 'timeout' when no byte has moved either way for `timeout` milliseconds; 0 turns that off. It only tells:
        the socket stays open. `callback` is added once for 'timeout'. `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`."""
    def setNoDelay(self, noDelay: bool | None = True) -> Self:
        """Sends small packets at once instead of collecting them (TCP_NODELAY)."""
    def setKeepAlive(self, enable: object = False, initialDelay: float = 0) -> Self:
        """Has the system probe an idle connection, at first after `initialDelay` milliseconds (0: as it was), then
        every second, ten times."""
    def setTypeOfService(self, tos: int) -> Self:
        """Sets the type-of-service byte (traffic class in IPv6) of the packets sent: 0 to 255."""
    def getTypeOfService(self) -> int:
        """The type-of-service byte that is in force. Before `connect()` and after the close, what was set, else 0. EBADF
        between `connect()` and the attempt, when there is no descriptor to ask."""
    def ref(self) -> Self:
        """Makes the socket keep the loop running while it is open, as it does at first."""
    def unref(self) -> Self:
        """Lets the loop end although this socket is open."""
    def address(self) -> Address | dict[str, Any]:
        """The local end: `{'address': str, 'family': 'IPv4' or 'IPv6', 'port': int}`; empty without one."""
    @property
    def localAddress(self) -> str | None:
        """The local IP address, or None."""
    @property
    def localPort(self) -> int | None:
        """The local port, or None."""
    @property
    def localFamily(self) -> Literal["IPv4", "IPv6"] | None:
        """`'IPv4'` or `'IPv6'`, or None."""
    @property
    def remoteAddress(self) -> str | None:
        """The other party's IP address, or None."""
    @property
    def remotePort(self) -> int | None:
        """The other party's port, or None."""
    @property
    def remoteFamily(self) -> Literal["IPv4", "IPv6"] | None:
        """`'IPv4'` or `'IPv6'`, or None."""
    @property
    def bytesRead(self) -> int:
        """How many bytes have been received."""
    @property
    def bytesWritten(self) -> int:
        """How many bytes have been written, including those still queued."""
    @property
    def bufferSize(self) -> int | None:
        """The same as `writableLength`, or None without a connection. Deprecated in Node."""
    @property
    def connecting(self) -> bool:
        """Whether `connect()` has been called and has not ended."""
    @property
    def pending(self) -> bool:
        """Whether there is no connection yet, or none any more."""
    @property
    def readyState(self) -> Literal["opening", "open", "readOnly", "writeOnly", "closed"]:
        """`'opening'`, `'open'`, `'readOnly'`, `'writeOnly'` or `'closed'`."""
    @property
    def timeout(self) -> float | None:
        """What was given to `setTimeout`, in milliseconds, or None."""
    @property
    def autoSelectFamilyAttemptedAddresses(self) -> list[str] | None:
        """The addresses tried, as `'address:port'`; None unless several were to be tried."""
    @property
    def server(self) -> Server | None:
        """The server that accepted this connection, or None."""
    @property
    def blockList(self) -> BlockList | None:
        """The block list that connections of this socket are checked against, or None."""
    def __aiter__(self) -> AsyncIterator[Any]:
        """The chunks that arrive, until the end. Leaving the loop early destroys the socket, as in Node."""
    def __aenter__(self) -> Awaitable[Self]:
        """Waits for the connection, if one is being made."""
    def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Awaitable[None]:
        """Sends what was written, closes, and waits until that is done; after an exception, closes at once."""

@overload
def connect(path_or_port: int | str, listener: _Takes0 | None = None, /, **options: Unpack[CreateOptions]) -> Socket:
    """Makes a `Socket` and connects it: `connect(port[, host][, listener])`, `connect(path[, listener])` or
    `connect(options[, listener])`, with the options of `Socket` and of its `connect`, which may be keywords, and `timeout`
    for its `setTimeout`. The listener is added once for 'connect'."""

@overload
def connect(
    port: int | str, host: str, listener: _Takes0 | None = None, /, **options: Unpack[CreateOptions]
) -> Socket: ...
@overload
def connect(
    options: CreateOptions | Mapping[str, Any] = ...,
    listener: _Takes0 | None = None,
    /,
    **keywords: Unpack[CreateOptions],
) -> Socket: ...

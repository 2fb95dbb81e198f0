from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload

from typing_extensions import disjoint_base

from netcore._core.abort import AbortSignal
from netcore._core.blocklist import BlockList
from netcore._core.bound import BoundSocket
from netcore._core.dialer import Dialer
from netcore._core.server import Server

_F = TypeVar("_F", bound=Callable[..., object])
_D = TypeVar("_D")

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
    """
    def __init__(
        self,
        options: Mapping[str, Any] | int | None = None,
        *,
        allowHalfOpen: bool = False,
        blockList: BlockList | None = None,
        defaultEncoding: str | None = None,
        encoding: str | None = None,
        fd: int | None = None,
        handle: BoundSocket | None = None,
        highWaterMark: int | None = None,
        keepAlive: bool = False,
        keepAliveInitialDelay: float | None = None,
        noDelay: bool = False,
        onread: Mapping[str, Any] | None = None,
        pauseOnCreate: bool = False,
        readable: bool | None = None,
        readableHighWaterMark: int | None = None,
        signal: AbortSignal | None = None,
        typeOfService: int | None = None,
        writable: bool | None = None,
        writableHighWaterMark: int | None = None,
    ) -> None: ...
    @overload  # type: ignore[override]
    def on(self, name: Literal["close"], listener: Callable[[], object] | Callable[[bool], object]) -> Self: ...
    @overload
    def on(
        self,
        name: Literal[
            "connect", "ready", "drain", "end", "finish", "prefinish", "timeout", "readable", "pause", "resume"
        ],
        listener: Callable[[], object],
    ) -> Self: ...
    @overload
    def on(
        self,
        name: Literal["connectionAttempt", "connectionAttemptTimeout"],
        listener: Callable[[], object]
        | Callable[[str], object]
        | Callable[[str, int], object]
        | Callable[[str, int, int], object],
    ) -> Self: ...
    @overload
    def on(
        self,
        name: Literal["connectionAttemptFailed"],
        listener: Callable[[], object]
        | Callable[[str], object]
        | Callable[[str, int], object]
        | Callable[[str, int, int], object]
        | Callable[[str, int, int, Exception], object],
    ) -> Self: ...
    @overload
    def on(self, name: Literal["data"], listener: Callable[[], object] | Callable[[Any], object]) -> Self: ...
    @overload
    def on(self, name: Literal["error"], listener: Callable[[], object] | Callable[[Exception], object]) -> Self: ...
    @overload
    def on(
        self,
        name: Literal["lookup"],
        listener: Callable[[], object]
        | Callable[[Exception | None], object]
        | Callable[[Exception | None, str | None], object]
        | Callable[[Exception | None, str | None, int | None], object]
        | Callable[[Exception | None, str | None, int | None, str], object],
    ) -> Self: ...
    @overload
    def on(self, name: Literal["pipe"], listener: Callable[[], object] | Callable[[Socket], object]) -> Self: ...
    @overload
    def on(
        self,
        name: Literal["unpipe"],
        listener: Callable[[], object] | Callable[[Socket], object] | Callable[[Socket, dict[str, Any]], object],
    ) -> Self: ...
    @overload
    def on(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def on(self, name: object) -> Callable[[_F], _F]: ...
    @overload  # type: ignore[override]
    def once(self, name: Literal["close"], listener: Callable[[], object] | Callable[[bool], object]) -> Self: ...
    @overload
    def once(
        self,
        name: Literal[
            "connect", "ready", "drain", "end", "finish", "prefinish", "timeout", "readable", "pause", "resume"
        ],
        listener: Callable[[], object],
    ) -> Self: ...
    @overload
    def once(
        self,
        name: Literal["connectionAttempt", "connectionAttemptTimeout"],
        listener: Callable[[], object]
        | Callable[[str], object]
        | Callable[[str, int], object]
        | Callable[[str, int, int], object],
    ) -> Self: ...
    @overload
    def once(
        self,
        name: Literal["connectionAttemptFailed"],
        listener: Callable[[], object]
        | Callable[[str], object]
        | Callable[[str, int], object]
        | Callable[[str, int, int], object]
        | Callable[[str, int, int, Exception], object],
    ) -> Self: ...
    @overload
    def once(self, name: Literal["data"], listener: Callable[[], object] | Callable[[Any], object]) -> Self: ...
    @overload
    def once(self, name: Literal["error"], listener: Callable[[], object] | Callable[[Exception], object]) -> Self: ...
    @overload
    def once(
        self,
        name: Literal["lookup"],
        listener: Callable[[], object]
        | Callable[[Exception | None], object]
        | Callable[[Exception | None, str | None], object]
        | Callable[[Exception | None, str | None, int | None], object]
        | Callable[[Exception | None, str | None, int | None, str], object],
    ) -> Self: ...
    @overload
    def once(self, name: Literal["pipe"], listener: Callable[[], object] | Callable[[Socket], object]) -> Self: ...
    @overload
    def once(
        self,
        name: Literal["unpipe"],
        listener: Callable[[], object] | Callable[[Socket], object] | Callable[[Socket, dict[str, Any]], object],
    ) -> Self: ...
    @overload
    def once(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def once(self, name: object) -> Callable[[_F], _F]: ...
    @overload  # type: ignore[override]
    def addListener(
        self, name: Literal["close"], listener: Callable[[], object] | Callable[[bool], object]
    ) -> Self: ...
    @overload
    def addListener(
        self,
        name: Literal[
            "connect", "ready", "drain", "end", "finish", "prefinish", "timeout", "readable", "pause", "resume"
        ],
        listener: Callable[[], object],
    ) -> Self: ...
    @overload
    def addListener(
        self,
        name: Literal["connectionAttempt", "connectionAttemptTimeout"],
        listener: Callable[[], object]
        | Callable[[str], object]
        | Callable[[str, int], object]
        | Callable[[str, int, int], object],
    ) -> Self: ...
    @overload
    def addListener(
        self,
        name: Literal["connectionAttemptFailed"],
        listener: Callable[[], object]
        | Callable[[str], object]
        | Callable[[str, int], object]
        | Callable[[str, int, int], object]
        | Callable[[str, int, int, Exception], object],
    ) -> Self: ...
    @overload
    def addListener(self, name: Literal["data"], listener: Callable[[], object] | Callable[[Any], object]) -> Self: ...
    @overload
    def addListener(
        self, name: Literal["error"], listener: Callable[[], object] | Callable[[Exception], object]
    ) -> Self: ...
    @overload
    def addListener(
        self,
        name: Literal["lookup"],
        listener: Callable[[], object]
        | Callable[[Exception | None], object]
        | Callable[[Exception | None, str | None], object]
        | Callable[[Exception | None, str | None, int | None], object]
        | Callable[[Exception | None, str | None, int | None, str], object],
    ) -> Self: ...
    @overload
    def addListener(
        self, name: Literal["pipe"], listener: Callable[[], object] | Callable[[Socket], object]
    ) -> Self: ...
    @overload
    def addListener(
        self,
        name: Literal["unpipe"],
        listener: Callable[[], object] | Callable[[Socket], object] | Callable[[Socket, dict[str, Any]], object],
    ) -> Self: ...
    @overload
    def addListener(self, name: object, listener: Callable[..., object]) -> Self: ...
    @overload
    def addListener(self, name: object) -> Callable[[_F], _F]: ...
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
    def setTimeout(self, timeout: float, callback: Callable[..., object] | None = None) -> Self:
        """Emits 'timeout' when no byte has moved either way for `timeout` milliseconds; 0 turns that off. It only
        tells:
        the socket stays open. `callback` is added once for 'timeout'. `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`."""
    def setNoDelay(self, noDelay: bool | None = True) -> Self:
        """Sends small packets at once instead of collecting them (TCP_NODELAY)."""
    def setKeepAlive(self, enable: object = False, initialDelay: float = 0) -> Self:
        """Has the system probe an idle connection, at first after `initialDelay` milliseconds (0: as it was), then
        every second, ten times."""
    def setTypeOfService(self, tos: int) -> Self:
        """Sets the type-of-service byte (traffic class in IPv6) of the packets sent: 0 to 255."""
    def getTypeOfService(self) -> int:
        """The type-of-service byte that is in force; 0 before there is a connection and none was set."""
    def ref(self) -> Self:
        """Makes the socket keep the loop running while it is open, as it does at first."""
    def unref(self) -> Self:
        """Lets the loop end although this socket is open."""
    def address(self) -> dict[str, Any]:
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
def connect(port: int | str, host: str, listener: Callable[..., object] | None = None, /, **options: Any) -> Socket:
    """Makes a `Socket` and connects it: `connect(port[, host][, listener])`, `connect(path[, listener])` or
    `connect(options[, listener])`, with the options of `Socket` and of its `connect`, which may be keywords, and
    `timeout`
    for its `setTimeout`. The listener is added once for 'connect'."""

@overload
def connect(path_or_port: int | str, listener: Callable[..., object] | None = None, /, **options: Any) -> Socket: ...
@overload
def connect(
    options: Mapping[str, Any] = ..., listener: Callable[..., object] | None = None, /, **keywords: Any
) -> Socket: ...

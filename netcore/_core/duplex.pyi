from typing import Self, overload

from typing_extensions import Buffer, disjoint_base

from netcore._core.listener import _Takes1
from netcore._core.readable import Readable

@disjoint_base
class Duplex(Readable):
    """A stream that can be read and written, with the behaviour of Node's `stream.Duplex`."""
    @overload
    def write(
        self,
        data: Buffer | str,
        encoding: str | None = None,
        callback: _Takes1[Exception | None] | None = None,
    ) -> bool:
        """Sends `data`: bytes, anything with the buffer protocol, or str in `encoding`. `callback(error)` is called
        when the kernel has taken it. False means that the queue has reached the high-water mark: 'drain' tells when
        it is empty. What is given as a large buffer must not change until the callback."""
    @overload
    def write(self, data: Buffer | str, encoding: _Takes1[Exception | None]) -> bool: ...
    @overload
    def end(
        self,
        data: Buffer | str | None = None,
        encoding: str | None = None,
        callback: _Takes1[Exception | None] | None = None,
    ) -> Self:
        """Ends the writable side: sends `data`, if given, then half-closes. `callback(error)` is called at 'finish', or
        when it will never come."""
    @overload
    def end(self, data: Buffer | str | None, encoding: _Takes1[Exception | None]) -> Self: ...
    @overload
    def end(self, data: _Takes1[Exception | None]) -> Self: ...
    def cork(self) -> None:
        """Holds writes back until `uncork()` has been called as often as this."""
    def uncork(self) -> None:
        """Sends what was written since `cork()`."""
    def setDefaultEncoding(self, encoding: str) -> Self:
        """Sets the encoding of strings given to `write` and `end` without one. `ERR_UNKNOWN_ENCODING`."""
    @property
    def writable(self) -> bool:
        """Whether data may still be written: not ended, not destroyed, no error."""
    @property
    def writableLength(self) -> int:
        """Bytes written and not taken by the kernel yet."""
    @property
    def writableHighWaterMark(self) -> int:
        """From how many queued bytes on `write()` answers False. Bytes; 65536 unless the option says otherwise."""
    @property
    def writableNeedDrain(self) -> bool:
        """Whether `write()` has answered False and 'drain' is still to come."""
    @property
    def writableEnded(self) -> bool:
        """Whether `end()` has been called."""
    @property
    def writableFinished(self) -> bool:
        """Whether everything was sent and the half-close is done ('finish')."""
    @property
    def writableAborted(self) -> bool:
        """Whether the stream was destroyed, or failed, before 'finish'."""
    @property
    def writableCorked(self) -> int:
        """How many `uncork()` calls are needed to uncork."""
    @property
    def writableObjectMode(self) -> bool:
        """Always False: sockets carry bytes."""
    @property
    def allowHalfOpen(self) -> bool:
        """Whether the writable side stays open when the other party ends."""
    @allowHalfOpen.setter
    def allowHalfOpen(self, value: object) -> None: ...

# What the module is made of; not for users.

@disjoint_base
class Waiting: ...

@disjoint_base
class Writes: ...

@disjoint_base
class Pin:
    def __new__(cls, source: Buffer) -> Pin: ...

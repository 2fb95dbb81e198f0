from typing import Self

from typing_extensions import Buffer, disjoint_base

from netcore._core.stream import Stream

@disjoint_base
class Readable(Stream):
    """A stream that can be read, with the behaviour of Node's `stream.Readable`."""
    def read(self, size: int | None = None) -> bytes | str | None:
        """Takes `size` bytes (or characters, after `setEncoding`) out of what has been received; None if there are
        not that many yet. Without `size`, takes what there is."""
    def unshift(self, chunk: Buffer | str | None, encoding: str | None = None) -> bool:
        """Puts a chunk back in front of what has been received. Errors come as 'error' events."""
    def pause(self) -> Self:
        """Stops the flow of 'data' events. What arrives meanwhile is buffered up to the high-water mark."""
    def resume(self) -> Self:
        """Lets 'data' events flow, on the next tick."""
    def isPaused(self) -> bool:
        """Whether `pause()` is in force."""
    def setEncoding(self, encoding: str | None = None) -> Self:
        """Makes chunks come as str, decoded from `encoding` (None: `'utf8'`); a character split over two packets
        comes whole. Unknown encodings are `ERR_UNKNOWN_ENCODING`."""
    @property
    def readable(self) -> bool:
        """Whether data may still be read: not destroyed, no error, no 'end' yet."""
    @property
    def readableFlowing(self) -> bool | None:
        """True while data flows, False when it was stopped, None before anybody decided."""
    @property
    def readableLength(self) -> int:
        """Bytes (characters, after `setEncoding`) received and not read."""
    @property
    def readableHighWaterMark(self) -> int:
        """How many bytes may wait to be read before receiving stops. Bytes; 65536 unless the option says otherwise."""
    @property
    def readableEncoding(self) -> str | None:
        """The encoding set with `setEncoding`, in its normal spelling; None without one."""
    @property
    def readableEnded(self) -> bool:
        """Whether 'end' has been emitted."""
    @property
    def readableAborted(self) -> bool:
        """Whether the stream was destroyed, or failed, before 'end'."""
    @property
    def readableDidRead(self) -> bool:
        """Whether any 'data' has been emitted, or relayed by a pipe."""
    @property
    def readableObjectMode(self) -> bool:
        """Always False: sockets carry bytes."""

# What the module is made of; not for users.

@disjoint_base
class Chunks: ...

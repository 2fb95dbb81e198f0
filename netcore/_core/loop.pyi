from collections.abc import Callable
from typing import Any, Never, Self, TypeVar, TypeVarTuple, final

from typing_extensions import disjoint_base

from netcore._core.emitter import EventEmitter

_H = TypeVar("_H", bound=Handle)
_Ts = TypeVarTuple("_Ts")

@final
class Loop:
    """One thread's event loop. Do not make one: `get_loop()` answers the calling thread's, and everything in netcore
    finds it by itself. Only `post()`, `wake()` and `adopt()` may be called from another thread."""
    def __init__(self, *args: Never, **kwargs: Never) -> None: ...
    def post(self, fn: Callable[[*_Ts], object], *args: *_Ts) -> None:
        """Has `fn(*args)` called soon on the loop's own thread. Thread-safe.

        A posted call does not by itself keep a loop alive that has nothing else to do: see `ref()`.
        """
    def wake(self) -> None:
        """Ends the loop's present wait, or else its next one. Thread-safe."""
    def adopt(self, handle: _H, callback: Callable[[_H], object] | None = None) -> _H:
        """Moves a connected socket from the calling thread's loop to this one, and answers the socket.

        It is this loop's at once, with all its listeners: the calling thread may not touch it any more, and this loop's
        may. Events go on when this loop has its next turn; `callback(socket)` is called before them, on this loop's
        thread. A loop that ends before closes the socket. No byte is lost.

        Listeners of the socket may do it: what they interrupt goes on there, and so do the listeners after them. But a
        socket stays while what runs cannot go on elsewhere: its listeners of 'end', 'prefinish', 'finish', 'newListener'
        and 'removeListener', its `onread` callback, and listeners that `pipe()` or `unpipe()` calls; while there is a
        pipe between it and another socket; and while a coroutine iterates over it. That, and a socket that is not the
        calling thread's, or not connected, is a `RuntimeError`. `OSError` (`EBUSY`): bytes that were written wait to be
        sent, or an error waits to be told.
        """
    def ref(self) -> Self:
        """Keeps the loop alive until `unref()` is called as often: for a thread that waits for `post()`."""
    def unref(self) -> Self:
        """Undoes one `ref()`."""
    def now(self) -> int:
        """The loop's clock in milliseconds, taken once a turn. Its zero means nothing."""
    def run(self) -> None:
        """Runs until nothing that is ref'd remains, and may be called again. An exception of a callback leaves it; what
        was due is then done by the next call."""
    def close(self) -> None:
        """Ends the loop: its sockets and servers are closed and hear of it, its timers and all else are forgotten. The
        end of a thread does the same. The next use of netcore on this thread makes a new loop. `RuntimeError` from
        inside a callback."""
    @property
    def alive(self) -> bool:
        """Whether `run()` would find anything that is ref'd."""
    @property
    def running(self) -> bool:
        """Whether the loop is running, by `run()` or as part of another loop."""
    def _turn(self) -> None: ...
    def _wait(self, ms: int) -> None: ...
    def _wake(self) -> None: ...
    def _deadline(self) -> None: ...

@disjoint_base
class Source:
    """What a C timer or lookup belongs to."""

@disjoint_base
class Handle(EventEmitter):
    """What a C stream or server belongs to: an emitter that the loop keeps alive while its C handle is open."""
    @property
    def _loop(self) -> Loop | None: ...

def get_loop() -> Loop:
    """The calling thread's loop, made on first use."""

def set_host_maker(maker: Callable[[Loop, Any, int], object]) -> None:
    """`maker(loop, foreign, fd)` answers the object that runs `loop` as part of `foreign`: see netcore.aio."""

def arrive(handle: _H, callback: Callable[[_H], object] | None) -> object: ...

# What the module is made of; not for users.

@disjoint_base
class ThreadSlot: ...

@final
class Luggage: ...

from collections.abc import Callable
from typing import Self, TypeVarTuple, final

from netcore._core.loop import Source

_Ts = TypeVarTuple("_Ts")

@final
class Timeout(Source):
    """What `setTimeout` and `setInterval` answer. `int(timeout)` is a number that the `clear` functions take as well."""
    def ref(self) -> Self:
        """Has the timer keep the loop alive while it is armed, as it does from the start. Returns the timer."""
    def unref(self) -> Self:
        """Lets `run()` return although the timer is armed. Returns the timer."""
    def hasRef(self) -> bool:
        """Whether the timer keeps the loop alive while it is armed."""
    def refresh(self) -> Self:
        """Starts the delay anew, also of a timer that has fired; not of one that was cleared. Returns the timer."""
    def close(self) -> Self:
        """Clears the timer. Returns it."""
    def __int__(self) -> int: ...

@final
class Immediate:
    """What `setImmediate` answers."""
    def ref(self) -> Self:
        """Has the immediate keep the loop alive, as it does from the start. Returns the immediate."""
    def unref(self) -> Self:
        """Lets `run()` return although the immediate has not run. Returns the immediate."""
    def hasRef(self) -> bool:
        """Whether the immediate keeps the loop alive."""

def setTimeout(callback: Callable[[*_Ts], object], delay: float | str | None = None, *args: *_Ts) -> Timeout:
    """Calls `callback(*args)` once, `delay` milliseconds from now (1 at least, whole ones).

    Raises `TypeError` (`ERR_INVALID_ARG_TYPE`) if `callback` is not callable.
    """

def setInterval(callback: Callable[[*_Ts], object], delay: float | str | None = None, *args: *_Ts) -> Timeout:
    """Calls `callback(*args)` every `delay` milliseconds, counted from the start of the call before.

    Raises `TypeError` (`ERR_INVALID_ARG_TYPE`) if `callback` is not callable.
    """

def setImmediate(callback: Callable[[*_Ts], object], *args: *_Ts) -> Immediate:
    """Calls `callback(*args)` after the I/O of this turn of the loop and before the next.

    Raises `TypeError` (`ERR_INVALID_ARG_TYPE`) if `callback` is not callable.
    """

def nextTick(callback: Callable[[*_Ts], object], *args: *_Ts) -> None:
    """Calls `callback(*args)` as soon as the callback that is running has returned: before any I/O, timer or immediate.

    Raises `TypeError` (`ERR_INVALID_ARG_TYPE`) if `callback` is not callable.
    """

def clearTimeout(timeout: object = None) -> None:
    """Clears what `setTimeout` or `setInterval` answered, or its number. Anything else is ignored."""

def clearInterval(timeout: object = None) -> None:
    """Clears what `setTimeout` or `setInterval` answered, or its number. Anything else is ignored."""

def clearImmediate(immediate: object = None) -> None: ...

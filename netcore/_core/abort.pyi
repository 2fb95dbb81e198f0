from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol, type_check_only

from typing_extensions import disjoint_base

@type_check_only
class _Handler(Protocol):
    def handleEvent(self, event: AbortEvent, /) -> object: ...

@disjoint_base
class AbortEvent:
    """What listeners of a signal are called with."""

    @property
    def type(self) -> Literal["abort"]:
        """Always `'abort'`."""
    @property
    def target(self) -> AbortSignal: ...

@disjoint_base
class AbortSignal:
    """Says once that work is to be given up. Made by `AbortController`, `AbortSignal.timeout` and `AbortSignal.any`.

    Its listeners are called on the thread that aborts. What a socket or server does for the sake of its option `signal`,
    it does on its own.
    """

    def __init__(self, *args: object, **kwargs: object) -> None: ...
    @property
    def aborted(self) -> bool:
        """Whether it has happened."""
    @property
    def reason(self) -> Any:
        """Why the signal is aborted; None until then."""
    @staticmethod
    def abort(reason: object = None) -> AbortSignal:
        """A signal that is aborted already, with an `AbortError` as its reason unless one is given."""
    @staticmethod
    def timeout(delay: float) -> AbortSignal:
        """A signal that aborts in `delay` milliseconds, an integer from 0 to 4294967295, with a `TimeoutError`.

        The wait keeps no loop alive. Raises `ERR_INVALID_ARG_TYPE` or `ERR_OUT_OF_RANGE`.
        """
    @staticmethod
    def any(signals: Iterable[AbortSignal]) -> AbortSignal:
        """A signal that aborts as soon as one of `signals` does, with the same reason."""
    def throwIfAborted(self) -> None:
        """Raises the reason if the signal is aborted: inside an `AbortError`, as its `cause`, if it is no exception."""
    @property
    def onabort(self) -> Callable[..., object] | None:
        """One more listener, or None. Its place among the others is where the first one was set."""
    @onabort.setter
    def onabort(self, listener: Callable[..., object] | None) -> None: ...
    def addEventListener(
        self,
        type: str,
        listener: Callable[..., object] | _Handler | None,
        options: Mapping[str, Any] | bool | None = None,
        *,
        once: bool = False,
        signal: AbortSignal | None = None,
    ) -> None:
        """Calls `listener(event)` when the signal aborts; `event.target` is the signal.

        The same listener is added once only. Options, as a mapping or by keyword: `signal`, an `AbortSignal` that
        removes the listener when it aborts, and `once`, which makes no difference since a signal aborts but once. Other
        events than `'abort'` never happen.
        """
    def removeEventListener(
        self,
        type: str,
        listener: Callable[..., object] | _Handler | None,
        options: Mapping[str, Any] | bool | None = None,
    ) -> None:
        """Takes a listener away, also while the signal is aborting. It is no error if there is none."""

@disjoint_base
class AbortController:
    """Aborts its `signal`."""

    @property
    def signal(self) -> AbortSignal:
        """The `AbortSignal` to give to the work that may be called off."""
    def abort(self, reason: object = None) -> None:
        """Aborts the signal, with an `AbortError` as its reason unless one is given; a second time does nothing.

        Raises what a listener raises, after all of them were called.
        """

def set_timer(start: Callable[[int, Callable[[], object]], object]) -> None:
    """Sets what measures a time-out: `start(milliseconds, callback)`, a timer that keeps no loop alive. The timers call
    this at their import."""

from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar, overload

from typing_extensions import disjoint_base

from netcore._core.abort import AbortSignal
from netcore._core.promise import Promise

_F = TypeVar("_F", bound=Callable[..., object])

@disjoint_base
class EventEmitter:
    """Node's EventEmitter: named events, and listeners that are called in the order in which they were added.

    Any hashable object may be the name of an event. A listener is called with as many of the event's arguments as it
    can take. A coroutine function may be a listener: it is started on the loop, and what it raises becomes an
    `'error'` event. Adding a listener emits `'newListener'` (name, listener) beforehand, removing one emits
    `'removeListener'` afterwards. Exceptions from listeners reach whoever emits.

    `defaultMaxListeners` is how many listeners an event may have before a `ResourceWarning`, for emitters that were not
    given a limit of their own. Listeners of `errorMonitor` hear of every `'error'` and do not count as hearing it.
    """

    defaultMaxListeners: ClassVar[int]
    errorMonitor: ClassVar[object]

    def emit(self, name: object, /, *args: Any) -> bool:
        """Calls the listeners of `name` with the arguments, in order. Answers whether there were any.

        An `'error'` that nobody listens to is raised: the exception itself, or `ERR_UNHANDLED_ERROR` around any other
        value. Listeners of `EventEmitter.errorMonitor` hear of errors first and do not count as listening.
        """

    @overload
    def on(self, name: object, listener: Callable[..., object]) -> Self:
        """Adds a listener after the others and answers the emitter; without a listener it is a decorator."""
    @overload
    def on(self, name: object) -> Callable[[_F], _F]: ...
    @overload
    def addListener(self, name: object, listener: Callable[..., object]) -> Self:
        """The same as `on`."""
    @overload
    def addListener(self, name: object) -> Callable[[_F], _F]: ...
    @overload
    def once(self, name: object, listener: Callable[..., object]) -> Self:
        """Adds a listener that is removed just before it is called for the first time."""
    @overload
    def once(self, name: object) -> Callable[[_F], _F]: ...
    @overload
    def prependListener(self, name: object, listener: Callable[..., object]) -> Self:
        """Adds a listener before the others."""
    @overload
    def prependListener(self, name: object) -> Callable[[_F], _F]: ...
    @overload
    def prependOnceListener(self, name: object, listener: Callable[..., object]) -> Self:
        """Adds a listener before the others that is removed just before it is called for the first time."""
    @overload
    def prependOnceListener(self, name: object) -> Callable[[_F], _F]: ...
    def off(self, name: object, listener: Callable[..., object]) -> Self:
        """Removes the listener, once, the one added last first. A listener that is not there is no error."""
    def removeListener(self, name: object, listener: Callable[..., object]) -> Self:
        """The same as `off`."""
    def removeAllListeners(self, name: object = None) -> Self:
        """Removes all listeners, or those of one event. `'removeListener'` is emitted if somebody listens to it."""
    def listeners(self, name: object) -> list[Callable[..., Any]]:
        """The listeners of an event, as they were given to `on` and `once`: a list of its own."""
    def rawListeners(self, name: object) -> list[Callable[..., Any]]:
        """The same, with wrappers in place of those added by `once`: `.listener` is the listener, and calling the
        wrapper uses it up."""
    def listenerCount(self, name: object, listener: Callable[..., object] | None = None) -> int:
        """How many listeners the event has, or how often it has this one."""
    def eventNames(self) -> list[Any]:
        """The names of the events that have listeners, in the order in which they first got one."""
    def setMaxListeners(self, n: float) -> Self:
        """Sets how many listeners an event may have before a `ResourceWarning`. Initially 10; 0 is any number.

        Raises `ERR_INVALID_ARG_TYPE` unless `n` is a number, `ERR_OUT_OF_RANGE` if it is negative or not a number.
        """
    def getMaxListeners(self) -> float:
        """How many listeners an event may have before there is a warning."""

def once(emitter: EventEmitter, name: object, *, signal: AbortSignal | None = None) -> Promise[list[Any]]:
    """Waits for the next event `name`: awaiting the answer gives the list of the event's arguments.

    It listens from this call on, not only from the `await`. An `'error'` event meanwhile is raised there (unless it is
    `'error'` that is waited for), and so is an `AbortError` if `signal` aborts.
    """

from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar, final, overload

from netcore._core.promise import Promise

_T = TypeVar("_T")

@final
class Task(Promise[_T]):
    """A coroutine that runs on netcore's own loop, and the promise of its result."""
    def cancel(self, msg: object = None) -> bool:
        """Throws `asyncio.CancelledError` into the coroutine where it waits. Answers whether it was still running."""

@overload
def run(main: None = None) -> None:
    """Runs this thread's loop, as a program of Node's lives.

    Without an argument: until nothing that is ref'd remains. It may be called again. With a coroutine (or anything else
    that can be awaited): until that is done, whatever else remains on the loop, and answers its result; if it waits for
    something while nothing that is ref'd remains, that is a `RuntimeError`.

    An exception that a callback raises leaves `run()`, and the loop can go on with another call. Then `main` is
    cancelled first, and gets the time to clean up. Raises `RuntimeError` inside another `run()` and inside a running
    asyncio loop, where netcore's objects work by themselves.
    """

@overload
def run(main: Awaitable[_T]) -> _T: ...
@overload
def sleep(ms: float) -> Promise[None]:
    """A promise that is resolved with `value` after `ms` milliseconds. Cancelling it clears the timer."""

@overload
def sleep(ms: float, value: _T) -> Promise[_T]: ...
def start(coroutine: Coroutine[Any, Any, _T]) -> Task[_T]:
    """Starts a coroutine on this thread's loop, or on the asyncio loop that is running. Answers a future of its result."""

# What the module is made of; not for users.

def launch(coroutine: Coroutine[Any, Any, object]) -> None: ...
async def awaiting(awaitable: Awaitable[_T]) -> _T: ...

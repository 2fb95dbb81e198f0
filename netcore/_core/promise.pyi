from asyncio import AbstractEventLoop
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any, Generic, Self, TypeVar

from typing_extensions import disjoint_base

_T = TypeVar("_T")

@disjoint_base
class Promise(Generic[_T]):
    """An awaitable that is resolved or rejected once; what comes later is ignored.

    It has the methods of `asyncio.Future`, so `asyncio.wait_for`, `gather` and cancelling work on it.
    """

    on_cancel: Callable[[], object] | None
    _asyncio_future_blocking: bool
    def __await__(self) -> Generator[Any, None, _T]: ...
    def __iter__(self) -> Generator[Any, None, _T]: ...
    def __next__(self) -> Self: ...
    def resolve(self, value: object = None) -> bool:
        """Makes `value` the result. Answers whether it was still open."""
    def reject(self, error: BaseException) -> bool:
        """Makes `error` the exception that awaiting the promise raises. Answers whether it was still open."""
    def cancel(self, msg: object = None) -> bool:
        """Gives up waiting: whoever awaits gets `asyncio.CancelledError`. Answers whether it was still open."""
    def done(self) -> bool:
        """Whether it was resolved, rejected or cancelled."""
    def cancelled(self) -> bool:
        """Whether it was cancelled."""
    def result(self) -> _T:
        """What it was resolved with. Raises what it was rejected with; `ERR_INVALID_STATE` while it is open."""
    def exception(self) -> BaseException | None:
        """What it was rejected with, or None. Raises if it was cancelled or is still open."""
    def add_done_callback(self, callback: Callable[[Self], object], *, context: Context | None = None) -> None:
        """Calls `callback(promise)` when it is settled: on a later turn in asyncio, else at once."""
    def remove_done_callback(self, callback: Callable[[Self], object]) -> int:
        """Takes back all `add_done_callback(callback)`; answers how many."""
    def get_loop(self) -> AbstractEventLoop:
        """The asyncio loop that the promise is awaited on."""

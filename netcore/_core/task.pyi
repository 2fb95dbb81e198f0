from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar, final, overload

from netcore._core.promise import Promise

_T = TypeVar("_T")

@final
class Task(Promise[_T]):
    def cancel(self, msg: object = None) -> bool: ...

@overload
def run(main: None = None) -> None: ...
@overload
def run(main: Awaitable[_T]) -> _T: ...
@overload
def sleep(ms: float) -> Promise[None]: ...
@overload
def sleep(ms: float, value: _T) -> Promise[_T]: ...
def start(coroutine: Coroutine[Any, Any, _T]) -> Task[_T]: ...

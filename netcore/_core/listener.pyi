from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

from typing_extensions import disjoint_base

_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")

# A callback takes as many of the arguments as it likes, from the first on.
_Takes0: TypeAlias = Callable[[], object]
_Takes1: TypeAlias = _Takes0 | Callable[[_A], object]
_Takes3: TypeAlias = _Takes0 | Callable[[_A], object] | Callable[[_A, _B], object] | Callable[[_A, _B, _C], object]

@disjoint_base
class Listener:
    """What `rawListeners` shows of a listener that was added by `once`: call it to use the listener up by hand."""

    @property
    def listener(self) -> Callable[..., Any]:
        """The callable that was given to `once`."""
    def __call__(self, *args: Any) -> Any:
        """Removes the listener from its emitter and calls it; from the second time on, does nothing."""

def set_scheduler(start: Callable[[Coroutine[Any, Any, Any]], object]) -> None:
    """Sets what starts a coroutine on this thread's own loop: `start(coroutine)`. The loop calls this at its import."""

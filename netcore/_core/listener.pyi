from collections.abc import Callable, Coroutine
from typing import Any

from typing_extensions import disjoint_base

@disjoint_base
class Listener:
    """What `rawListeners` shows of a listener that was added by `once`: call it to use the listener up by hand."""

    @property
    def listener(self) -> Callable[..., Any]:
        """The callable that was given to `once`."""
    def __call__(self, *args: Any) -> Any:
        """Removes the listener from its emitter and calls it; from the second time on, does nothing."""

def set_scheduler(start: Callable[[Coroutine[Any, Any, Any]], object]) -> None:
    """Sets what starts a coroutine on this thread's own loop: `start(coroutine)`."""

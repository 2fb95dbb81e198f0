from typing import Any, Self

from typing_extensions import disjoint_base

from netcore._core.loop import Handle

@disjoint_base
class Stream(Handle):
    """What both sides of a stream share."""
    def destroy(self, error: BaseException | None = None) -> Self:
        """Ends the stream at once, in both directions. `error`, if given and not False, is emitted as 'error'; 'close'
        follows."""
    @property
    def destroyed(self) -> bool:
        """Whether the stream has been destroyed, by `destroy()` or because both sides ended."""
    @property
    def closed(self) -> bool:
        """Whether the stream's resources have been given back."""
    @property
    def errored(self) -> Any:
        """The exception that ended the stream, or None."""

# What the module is made of; not for users.

@disjoint_base
class Rare: ...

@disjoint_base
class Link: ...

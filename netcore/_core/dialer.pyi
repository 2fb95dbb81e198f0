from typing import Any, Self

from typing_extensions import disjoint_base

from netcore._core.stream import Duplex

CONNECT_OPTIONS: frozenset[str]

def getDefaultAutoSelectFamily() -> bool:
    """Whether `connect` tries all the addresses of a name, unless its `autoSelectFamily` says otherwise."""

def setDefaultAutoSelectFamily(value: bool) -> None:
    """Sets what `getDefaultAutoSelectFamily` answers. Not a bool: `ERR_INVALID_ARG_TYPE`."""

def getDefaultAutoSelectFamilyAttemptTimeout() -> int:
    """How long, in milliseconds, an address is tried before the next one is: 250 at first."""

def setDefaultAutoSelectFamilyAttemptTimeout(value: int) -> None:
    """Sets what `getDefaultAutoSelectFamilyAttemptTimeout` answers: a whole number from 1 on; below 10 becomes 10."""

@disjoint_base
class Dialer(Duplex):
    """A stream that can connect."""
    def connect(self, *args: Any, **options: Any) -> Self:
        """Connects: `connect(port[, host][, listener])`, `connect(path[, listener])` or `connect(options[, listener])`;
        options may be keywords. The listener is added once for 'connect'. Wrong arguments raise here; what goes wrong
        later is an 'error' event."""

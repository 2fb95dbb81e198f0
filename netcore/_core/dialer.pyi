from collections.abc import Mapping
from typing import Any, Final, Self, overload

from typing_extensions import Unpack, disjoint_base

from netcore._core.duplex import Duplex
from netcore._core.listener import _Takes0
from netcore._core.loop import Handle, Source
from netcore.options import ConnectOptions

CONNECT_OPTIONS: frozenset[str]
ADDRCONFIG: Final = 32

def getDefaultAutoSelectFamily() -> bool:
    """Whether `connect` tries all the addresses of a name, unless its `autoSelectFamily` says otherwise."""

def setDefaultAutoSelectFamily(value: bool) -> None:
    """Sets what `getDefaultAutoSelectFamily` answers. Not a bool: `ERR_INVALID_ARG_TYPE`."""

def getDefaultAutoSelectFamilyAttemptTimeout() -> int:
    """How long, in milliseconds, an address is tried before the next one is: 250 at first."""

def setDefaultAutoSelectFamilyAttemptTimeout(value: int) -> None:
    """Sets what `getDefaultAutoSelectFamilyAttemptTimeout` answers: a whole number from 1 on; below 10 becomes 10."""

class Dialer(Duplex):
    """A stream that can connect."""
    @overload
    def connect(
        self, path_or_port: int | str, listener: _Takes0 | None = None, /, **options: Unpack[ConnectOptions]
    ) -> Self:
        """Connects: `connect(port[, host][, listener])`, `connect(path[, listener])` or `connect(options[, listener])`;
        options may be keywords. The listener is added once for 'connect'. Wrong arguments raise here; what goes wrong
        later is an 'error' event."""
    @overload
    def connect(
        self, port: int | str, host: str, listener: _Takes0 | None = None, /, **options: Unpack[ConnectOptions]
    ) -> Self: ...
    @overload
    def connect(
        self,
        options: ConnectOptions | Mapping[str, Any] = ...,
        listener: _Takes0 | None = None,
        /,
        **keywords: Unpack[ConnectOptions],
    ) -> Self: ...

# What the module is made of; not for users.

@disjoint_base
class Route: ...

@disjoint_base
class SingleAnswer:
    def __init__(self, socket: Dialer, route: Route) -> None: ...
    def __call__(self, error: object = None, address: object = None, family: object = None) -> None: ...
    def refusal(self, address: object, family: object) -> Exception | None: ...

@disjoint_base
class RaceAnswer:
    def __init__(self, socket: Dialer, route: Route, timeout: int) -> None: ...
    def __call__(self, error: object = None, addresses: object = None, *_: object) -> None: ...
    def waiting(self) -> bool: ...
    def announce(self, addresses: Any) -> list[tuple[str, int]] | None: ...
    def refuse(self, addresses: Any) -> None: ...

@disjoint_base
class Race(Source): ...

@disjoint_base
class Attempt(Handle): ...

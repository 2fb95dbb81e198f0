from collections.abc import Callable, Mapping
from typing import Any, Final, final, overload

from netcore._core.loop import Source

V4MAPPED: Final = 8
ALL: Final = 16
ADDRCONFIG: Final = 32

@final
class Lookup(Source): ...

@overload
def lookup(hostname: str, options: Callable[..., object], callback: None = None) -> None: ...
@overload
def lookup(
    hostname: str,
    options: int | Mapping[str, Any] | None = None,
    callback: Callable[..., object] = ...,
) -> None: ...

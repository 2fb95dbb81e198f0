from collections.abc import Callable, Mapping
from typing import Any, Final, final, overload

from typing_extensions import disjoint_base

from netcore._core.listener import _Takes3
from netcore._core.loop import Source
from netcore.options import LookupOptions

V4MAPPED: Final = 8
ALL: Final = 16
ADDRCONFIG: Final = 32

@overload
def lookup(hostname: str, options: _Takes3[OSError | None, str, int], callback: None = None) -> None:
    """Looks `hostname` up as Node's `dns.lookup` does, and calls `callback(error, address, family)`.

    `options` is a family (0, 4 or 6), a mapping with `family` (also `'IPv4'`, `'IPv6'`), `hints` (`ADDRCONFIG`,
    `V4MAPPED`, `ALL`), `all` and `order` (`'verbatim'`, the default, `'ipv4first'`, `'ipv6first'`), or None. With `all`
    the callback gets `(error, [{'address': ..., 'family': ...}, ...])`. An error is an `OSError` with `.code`
    (`'ENOTFOUND'`), `.syscall` (`'getaddrinfo'`) and `.hostname`.

    Raises `TypeError` and `ValueError` for wrong arguments (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`).
    """

@overload
def lookup(
    hostname: str,
    options: int | LookupOptions | Mapping[str, Any] | None,
    callback: _Takes3[OSError | None, Any, int],
) -> None: ...
@overload
def lookup(hostname: str, *, callback: _Takes3[OSError | None, str, int]) -> None: ...

# What the module is made of; not for users.

@final
class Lookup(Source): ...

@disjoint_base
class Answer:
    def __init__(self, hostname: str, everything: bool, order: str, callback: Callable[..., object]) -> None: ...
    def __call__(self, status: int, addresses: list[tuple[str, int]]) -> object: ...

from collections.abc import Mapping
from typing import Any, Self

from typing_extensions import Unpack, disjoint_base

from netcore.options import Address, BoundOptions

BOUND_OPTIONS: frozenset[str]

@disjoint_base
class BoundSocket:
    """A socket that is bound and neither listens nor connects until a `Server` or a `Socket` adopts it.

    Options, in a mapping or as keywords: `host` (an IP address; names are not looked up), `port` (0: any), `ipv6Only`,
    `reusePort`; or `path` alone, for a Unix-domain socket (a first NUL character: the abstract name space). Binding happens at
    once, and a failure raises: `OSError` with `.syscall` `'bind'`. A context manager, which closes what was not adopted.
    `path` is the path, or None for TCP.
    """
    def __init__(
        self, options: BoundOptions | Mapping[str, Any] | None = None, **keywords: Unpack[BoundOptions]
    ) -> None: ...
    @property
    def path(self) -> str | None: ...
    def address(self) -> Address | str:
        """The bound end: `{'address': str, 'family': str, 'port': int}`, or the path."""
    def fd(self) -> int:
        """The descriptor, which remains this object's."""
    def close(self) -> None:
        """Gives the address up. `ERR_SOCKET_HANDLE_ADOPTED` if it is adopted or closed already."""
    @property
    def isPipe(self) -> bool:
        """Whether this is a Unix-domain socket."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

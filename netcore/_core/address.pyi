from collections.abc import Mapping
from typing import Any, Literal, TypedDict, type_check_only

from typing_extensions import Unpack, disjoint_base

from netcore.options import AddressOptions

@type_check_only
class _JSON(TypedDict):
    address: str
    port: int
    family: Literal["ipv4", "ipv6"]
    flowlabel: int

def isIP(input: object, /) -> Literal[0, 4, 6]:
    """Which IP address `input` is: 4, 6, or 0 if it is none.

    An IPv4 address is four decimal numbers without leading zeros; an IPv6 address may be any form of RFC 4291, with an
    IPv4 address at its end and a zone (`'fe80::1%eth0'`). Blanks, line ends and NUL bytes belong to no address.
    """

def isIPv4(input: object, /) -> bool:
    """Whether `input` is an IPv4 address; see `isIP`."""

def isIPv6(input: object, /) -> bool:
    """Whether `input` is an IPv6 address; see `isIP`."""

@disjoint_base
class SocketAddress:
    """An IP address with a port: `SocketAddress(options)` as in Node, or with the options as keywords.

    Options: `address` (default `'127.0.0.1'`, or `'::'` for IPv6), `family` (`'ipv4'`, the default, or `'ipv6'`), `port`
    (0 to 65535, default 0) and `flowlabel` (0 to 1048575, IPv6 only). Raises `ERR_INVALID_ADDRESS`,
    `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_SOCKET_BAD_PORT` and `ERR_OUT_OF_RANGE`.

    Immutable; equal and hashed by value, ordered by address, then port. Other than in Node, the zone of an address
    (`'fe80::1%eth0'`) stays with it.
    """
    def __init__(
        self, options: AddressOptions | Mapping[str, Any] | None = None, **keywords: Unpack[AddressOptions]
    ) -> None: ...
    @property
    def address(self) -> str:
        """The address as text, in Node's and RFC 5952's form."""
    @property
    def family(self) -> Literal["ipv4", "ipv6"]:
        """`'ipv4'` or `'ipv6'`."""
    @property
    def flowlabel(self) -> int:
        """The IPv6 flow label, 0 for IPv4."""
    @property
    def port(self) -> int:
        """The port, 0 to 65535."""
    @staticmethod
    def isSocketAddress(value: object, /) -> bool:
        """Whether `value` is a `SocketAddress`."""
    @staticmethod
    def parse(input: str, /) -> SocketAddress | None:
        """The address in `'1.2.3.4:80'`, `'1.2.3.4'`, `'[::1]:80'` or `'[::1]'`; `None` if there is none.

        Takes all that Node's takes, which reads its input as the host of a URL: `'0x7f.1'` is 127.0.0.1. Other than in
        Node, the port 80 is kept and a NUL byte is no address. TypeError (`ERR_INVALID_ARG_TYPE`) for what is not text.
        """
    def toJSON(self) -> _JSON:
        """A dict of the four properties."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __lt__(self, other: SocketAddress, /) -> bool: ...
    def __le__(self, other: SocketAddress, /) -> bool: ...
    def __gt__(self, other: SocketAddress, /) -> bool: ...
    def __ge__(self, other: SocketAddress, /) -> bool: ...
    def __copy__(self) -> SocketAddress: ...
    def __deepcopy__(self, memo: object) -> SocketAddress: ...

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import ClassVar, NamedTuple, Never

from typing_extensions import Buffer, disjoint_base

from netcore._core.address import SocketAddress

class BadLine(NamedTuple):
    """A line that is no rule: its number, counted from 1, and its text."""

    number: int
    text: str

class Loaded(NamedTuple):
    """What `BlockList.load` read: how many rules, and the wrong lines as a list of `BadLine`."""

    added: int
    bad: list[BadLine]

@disjoint_base
class BlockList:
    """A set of IP addresses: single ones, subnets and ranges, to be kept from connecting or from being connected to.

    One address space: an IPv4 address is its IPv4-mapped IPv6 address, for rules and checks alike. A rule holds in every
    zone; an address with a zone cannot be a rule. A check costs the same at ten rules and at a million. One thread may
    change a list while others check it: they see each change whole or not at all.

    `strict=True` makes `check`, `in` and `check_many` raise `ERR_INVALID_ADDRESS` for what is no address, and `fromJSON`
    for what is no rule, where Node answers `False` and passes over it.

    `len(list)` is `list.size`; `'10.0.0.1' in list` checks an address of either family. Lists are equal if they have the
    same rules, in whatever order.

    `PRIVATE_RANGES` are the networks that are not on the public internet, for `addCIDRs`.
    """

    PRIVATE_RANGES: ClassVar[tuple[str, ...]]
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def __init__(self, *args: Never, strict: bool = False) -> None: ...
    def addAddress(self, address: str | SocketAddress, type: str | None = None) -> None:
        """Blocks one address, a str of the family `type` (`'ipv4'` by default) or a `SocketAddress`."""
    def addAddresses(self, addresses: Sequence[str | SocketAddress], type: str | None = None) -> None:
        """Blocks each address of a list or tuple; if one of them is wrong, none."""
    def addRange(self, start: str | SocketAddress, end: str | SocketAddress, type: str | None = None) -> None:
        """Blocks all addresses from `start` to `end`, both included."""
    def addSubnet(self, net: str | SocketAddress, prefix: int, type: str | None = None) -> None:
        """Blocks a subnet: all addresses with the first `prefix` bits of `net`."""
    def addCIDR(self, cidr: str) -> None:
        """Blocks a subnet written as `'10.0.0.0/8'` or `'2001:db8::/32'`."""
    def addCIDRs(self, cidrs: Sequence[str]) -> None:
        """Blocks each subnet of a list or tuple; if one of them is wrong, none."""
    def removeAddress(self, address: str | SocketAddress, type: str | None = None) -> None:
        """Takes away the rule of `addAddress`. What other rules cover stays blocked; no such rule is no error."""
    def removeRange(self, start: str | SocketAddress, end: str | SocketAddress, type: str | None = None) -> None:
        """Takes away one rule of `addRange` with these ends."""
    def removeSubnet(self, net: str | SocketAddress, prefix: int, type: str | None = None) -> None:
        """Takes away one rule of `addSubnet` with this address, host bits included, and prefix."""
    def removeCIDR(self, cidr: str) -> None:
        """Takes away one rule of `addCIDR` or `addSubnet`."""
    def clear(self) -> None:
        """Takes all rules away."""
    def load(self, source: str | PathLike[str] | Iterable[str | bytes], *, strict: bool = True) -> Loaded:
        """Adds the rules of a list as people publish them: FireHOL and ipset files (`.netset`, `.ipset`, `ipset save`),
        Spamhaus' DROP, plain addresses, CIDRs and ranges (`10.0.0.1-10.0.0.9`), one a line.

        `source` is the path of a file, or an iterable of lines (an open file, too). Comments from `#` or `;` on and blank
        lines are passed over. Returns `Loaded(added, bad)`.

        A line that is none of these raises ValueError (`ERR_INVALID_ADDRESS`, with `.file`, `.line` and `.text`), and then
        nothing is added; with `strict=False` the other lines are added and `bad` lists the wrong ones as `BadLine(number,
        text)`. A file that cannot be read raises OSError.
        """
    def check(self, address: str | SocketAddress, type: str | None = None) -> bool:
        """Whether a rule covers `address`, a str of the family `type` (`'ipv4'` by default) or a `SocketAddress`.

        What is no address of that family is not blocked, as in Node; a strict list raises `ERR_INVALID_ADDRESS`.
        """
    def check_many(self, addresses: Iterable[str | SocketAddress] | Buffer, type: str | None = None) -> bytes:
        """Checks many addresses at once, and returns a `bytes` with a 1 for each that is blocked and a 0 for the others.

        `addresses` is an iterable of str and `SocketAddress`, of either family unless `type` names one; or an object with
        the buffer protocol (bytes, a memoryview, a NumPy array) of packed addresses in network order, 4 bytes each, or 16
        where `type` is `'ipv6'` or its last dimension says so. For buffers the interpreter lock is let go.
        """
    def __contains__(self, address: str | SocketAddress, /) -> bool: ...
    @property
    def size(self) -> int:
        """How many rules there are."""
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    @property
    def rules(self) -> list[str]:
        """The rules as Node lists them (`'Subnet: IPv4 10.0.0.0/8'`): addresses, then subnets, then ranges, each newest
        first."""
    def memory(self) -> tuple[int, int]:
        """The bytes held by the set that checks read, and by the log of the rules, as a tuple."""
    @staticmethod
    def isBlockList(value: object, /) -> bool:
        """Whether `value` is a `BlockList`."""
    def toJSON(self) -> list[str]:
        """The rules, as `rules` has them."""
    def fromJSON(self, data: Sequence[str] | str) -> None:
        """Adds the rules of `toJSON`, a list or tuple of str, or that list as JSON text.

        Text that is no rule is passed over, as in Node; a strict list raises `ERR_INVALID_ARG_VALUE`.
        """
    def __eq__(self, other: object, /) -> bool: ...

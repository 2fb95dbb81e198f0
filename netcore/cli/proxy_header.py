"""The header of the PROXY protocol, version 2, which tells an upstream where a connection really comes from.

The format is that of HAProxy's proxy-protocol.txt, section 2.2: a signature, the command, the family, the length of the
addresses, the addresses.
"""

from __future__ import annotations

import struct
from socket import AF_INET, AF_INET6, inet_pton

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
UNSPECIFIED, TCP4, TCP6, UNIX_STREAM = 0x00, 0x11, 0x21, 0x31
MAPPED = "::ffff:"

Name = tuple[str | None, int | None]


def local_header() -> bytes:
    """Says that no client is known: the connection is to be taken for the proxy's own."""
    return framed(LOCAL, UNSPECIFIED, b"")


def unix_header(source: str | None, destination: str | None) -> bytes:
    """For a client of a Unix-domain socket, which seldom has a name of its own."""
    return framed(PROXY, UNIX_STREAM, socket_path(source) + socket_path(destination))


def tcp_header(source: Name, destination: Name) -> bytes:
    """For a TCP client. A client that has gone meanwhile has no address any more, and is told as local."""
    if source[0] is None or destination[0] is None:
        return local_header()
    ends = source[0], destination[0]
    ports = struct.pack("!HH", source[1] or 0, destination[1] or 0)
    plain = [unmapped(end) for end in ends]
    if not any(":" in end for end in plain):
        return framed(PROXY, TCP4, b"".join(inet_pton(AF_INET, end) for end in plain) + ports)
    return framed(PROXY, TCP6, b"".join(packed_v6(end) for end in ends) + ports)


def unmapped(address: str) -> str:
    """An IPv4 address that a dual-stack socket shows as an IPv6 one, in its own form; others as they are."""
    return address[len(MAPPED) :] if address.startswith(MAPPED) and "." in address else address


def packed_v6(address: str) -> bytes:
    address = address.partition("%")[0]
    return inet_pton(AF_INET6, address if ":" in address else MAPPED + address)


def socket_path(path: str | None) -> bytes:
    return (path or "").encode("utf-8", "surrogateescape")[:108].ljust(108, b"\0")


def framed(command: int, family: int, addresses: bytes) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(addresses)) + addresses

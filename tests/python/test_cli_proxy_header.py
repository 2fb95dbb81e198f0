"""The header of the PROXY protocol, version 2, byte by byte."""

from __future__ import annotations

import struct
from socket import AF_INET6, inet_pton

import pytest

from netcore.cli.proxy_header import local_header, tcp_header, unix_header

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
V6 = "2001:db8::1"


def test_tcp_over_ipv4() -> None:
    header = tcp_header(("192.0.2.1", 51000), ("198.51.100.7", 443))
    assert header == SIGNATURE + bytes.fromhex("21 11 000c c0000201 c6336407 c738 01bb")


def test_tcp_over_ipv6() -> None:
    header = tcp_header((V6, 1), ("::1", 65535))
    assert (
        header
        == SIGNATURE + b"\x21\x21" + struct.pack("!H", 36) + inet_pton(AF_INET6, V6) + b"\0" * 15 + b"\1\0\1\xff\xff"
    )


def test_an_ipv4_client_of_a_dual_stack_socket_is_told_as_ipv4() -> None:
    mapped = tcp_header(("::ffff:192.0.2.1", 5), ("::ffff:192.0.2.2", 6))
    assert mapped == tcp_header(("192.0.2.1", 5), ("192.0.2.2", 6))


def test_ends_of_two_families_are_told_as_ipv6() -> None:
    header = tcp_header(("::ffff:192.0.2.1", 5), (V6, 6))
    assert header[13] == 0x21
    assert header[16:32] == inet_pton(AF_INET6, "::ffff:192.0.2.1")
    assert tcp_header(("192.0.2.1", 5), (V6, 6)) == header


def test_a_zone_is_left_out() -> None:
    assert tcp_header(("fe80::1%eth0", 5), ("fe80::2%eth0", 6)) == tcp_header(("fe80::1", 5), ("fe80::2", 6))


def test_unix_paths_are_108_bytes_each() -> None:
    header = unix_header(None, "/run/proxy.sock")
    assert header == SIGNATURE + b"\x21\x31" + struct.pack("!H", 216) + b"\0" * 108 + b"/run/proxy.sock".ljust(
        108, b"\0"
    )


def test_an_abstract_name_keeps_its_nul() -> None:
    assert unix_header("\0client", None)[16:124] == b"\0client".ljust(108, b"\0")


@pytest.mark.parametrize("source", [(None, None), (None, 5)])
def test_a_client_without_an_address_is_local(source: tuple[None, int | None]) -> None:
    assert tcp_header(source, ("192.0.2.2", 6)) == local_header()


def test_local_has_no_addresses() -> None:
    assert local_header() == SIGNATURE + bytes.fromhex("20 00 0000")

"""Where to listen or to connect to, as it is written on the command line: `[host:]port`, `[v6]:port`, `unix:/path`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import netcore as net

PATH_MAX = 107
NUMBERS_ONLY = re.compile(r"[0-9.]+|0[xX][0-9a-fA-F.xX]+")
NAME = re.compile(r"[^\s:/\[\]@\0]+")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A TCP host (None: not named) and port, or the path of a Unix-domain socket (a first NUL: an abstract name)."""

    host: str | None = None
    port: int = 0
    path: str | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return "unix:" + self.path.replace("\0", "@", 1)
        if self.host is None:
            return str(self.port)
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def options(self) -> dict[str, object]:
        """What `listen` of a server and `connect` of a socket are called with."""
        return {"port": self.port, "host": self.host} if self.path is None else {"path": self.path}

    def as_bound(self, name: Mapping[str, Any] | str | None) -> Endpoint:
        """This endpoint with what `address()` of its server says: the port is known now."""
        return Endpoint(name["address"], name["port"]) if isinstance(name, Mapping) else self


def listening_endpoint(text: str) -> Endpoint:
    """Where to listen. Port 0 is a free one; without a host it is all addresses."""
    return parse_endpoint(text, 0)


def target_endpoint(text: str) -> Endpoint:
    """What to connect to. Without a host it is this machine."""
    return parse_endpoint(text, 1)


def parse_endpoint(text: str, lowest_port: int) -> Endpoint:
    """Reads an endpoint, or raises the error that argparse shows."""
    try:
        if text.startswith("unix:"):
            return Endpoint(path=socket_path(text[5:]))
        host, port = split(text)
        return Endpoint(host if host is None else checked_host(host), port_number(port, lowest_port))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def socket_path(path: str) -> str:
    if path.startswith("@"):
        path = "\0" + path[1:]
    if not path.strip("\0"):
        raise ValueError("the path is missing")
    if "\0" in path[1:]:
        raise ValueError("a path has no NUL in it")
    if len(path.encode("utf-8", "surrogateescape")) > PATH_MAX:
        raise ValueError(f"the path of a socket has {PATH_MAX} bytes at most")
    return path


def split(text: str) -> tuple[str | None, str]:
    """The host, or None, and the port."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not rest.startswith(":"):
            raise ValueError("an IPv6 address and its port are written [address]:port")
        if net.isIP(host) != 6:
            raise ValueError(f"{host!r} is not an IPv6 address")
        return host, rest[1:]
    if text.count(":") > 1:
        raise ValueError("an IPv6 address and its port are written [address]:port")
    host, colon, port = text.rpartition(":")
    if colon and not host:
        raise ValueError("the host is missing; a port alone is written without a colon")
    return host or None, port


def checked_host(host: str) -> str:
    """A host as it is, if it is an address or can be a name. What the system's resolver would read as a number
    (`127.1`, `0x7f.1`) is refused, because nobody means it."""
    if net.isIP(host):
        return host
    if NUMBERS_ONLY.fullmatch(host):
        raise ValueError(f"{host!r} is not an IPv4 address")
    if not NAME.fullmatch(host) or len(host) > 253:
        raise ValueError(f"{host!r} is not the name of a host")
    return host


def port_number(text: str, lowest: int) -> int:
    if not (text.isascii() and text.isdecimal()) or not lowest <= int(text[:6]) <= 65535:
        raise ValueError(f"{text!r} is not a port, which is a number from {lowest} to 65535")
    return int(text)

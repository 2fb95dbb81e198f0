"""Real servers with their own clients, directly and through `netcore proxy`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from processes import Netcore


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder of this module's own, which servers that do not run as root can enter."""
    made = Path(mkdtemp(prefix="netcore-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def through() -> Iterator[object]:
    """`through(port, *options)`: the port of a new proxy in front of another port. It must end well."""
    proxies: list[Netcore] = []

    def start(port: int, *options: object) -> int:
        proxy = Netcore("proxy", "127.0.0.1:0", f"127.0.0.1:{port}", *options)
        proxies.append(proxy)
        return proxy.port()

    yield start
    try:
        assert [proxy.stop() for proxy in proxies] == [0] * len(proxies)
    finally:
        for proxy in proxies:
            proxy.kill()

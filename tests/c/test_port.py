"""The port's contract: each case of the C programs on the backend of this system, plain and under sanitizers, and on
the kqueue backend over two imitations of kqueue."""

import sys

import pytest

import build

SANITIZERS = [build.PLAIN, build.ADDRESSES, build.THREADS, build.KQUEUE, build.LIBRARY]
IDS = ["plain", "address", "thread", "kqueue", "library"]
pytestmark = pytest.mark.timeout(600)  # the first case of each kind waits for the compiler


@pytest.mark.parametrize("sanitize", SANITIZERS, ids=IDS)
@pytest.mark.parametrize("case", build.cases("test_port"))
def test_on_every_system(case: str, sanitize: str) -> None:
    build.run("test_port", case, sanitize)


@pytest.mark.parametrize("sanitize", SANITIZERS, ids=IDS)
@pytest.mark.parametrize("case", build.cases("test_port_posix"))
def test_with_bsd_sockets(case: str, sanitize: str) -> None:
    build.run("test_port_posix", case, sanitize)


@pytest.mark.parametrize("sanitize", SANITIZERS[:3], ids=IDS[:3])
@pytest.mark.parametrize("case", build.cases("test_splice") if sys.platform == "linux" else [])
def test_bytes_that_epoll_lets_the_kernel_move(case: str, sanitize: str) -> None:
    build.run("test_splice", case, sanitize)

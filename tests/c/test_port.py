"""The port's contract: each case of the C programs on the backend of this system, plain and under sanitizers, and on
the kqueue backend over an imitation of kqueue."""

import pytest

import build

SANITIZERS = [build.PLAIN, build.ADDRESSES, build.THREADS, build.KQUEUE]
IDS = ["plain", "address", "thread", "kqueue"]
pytestmark = pytest.mark.timeout(600)  # the first case of each kind waits for the compiler


@pytest.mark.parametrize("sanitize", SANITIZERS, ids=IDS)
@pytest.mark.parametrize("case", build.cases("test_port"))
def test_on_every_system(case: str, sanitize: str) -> None:
    build.run("test_port", case, sanitize)


@pytest.mark.parametrize("sanitize", SANITIZERS, ids=IDS)
@pytest.mark.parametrize("case", build.cases("test_port_posix"))
def test_with_bsd_sockets(case: str, sanitize: str) -> None:
    build.run("test_port_posix", case, sanitize)

"""The port's contract, on the backend of this system: each case of the C programs, plain and under sanitizers."""

import build
import pytest

SANITIZERS = [build.PLAIN, build.ADDRESSES, build.THREADS]


@pytest.mark.parametrize("sanitize", SANITIZERS, ids=["plain", "address", "thread"])
@pytest.mark.parametrize("case", build.cases("test_port"))
def test_on_every_system(case: str, sanitize: str) -> None:
    build.run("test_port", case, sanitize)


@pytest.mark.parametrize("sanitize", SANITIZERS, ids=["plain", "address", "thread"])
@pytest.mark.parametrize("case", build.cases("test_port_posix"))
def test_with_bsd_sockets(case: str, sanitize: str) -> None:
    build.run("test_port_posix", case, sanitize)

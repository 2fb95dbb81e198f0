"""The port's contract: each case of the C programs on the backend of this system, plain and under sanitizers, and on
the kqueue backend over an imitation of kqueue."""

import sys

import pytest

import build

SANITIZERS = [build.PLAIN, build.ADDRESSES, build.THREADS, build.KQUEUE]
IDS = ["plain", "address", "thread", "kqueue"]
OF_POSIX = ["test_port_posix", *(["test_splice"] if sys.platform == "linux" else [])]
pytestmark = pytest.mark.timeout(600)  # the first case of each kind waits for the compiler


@pytest.mark.parametrize("sanitize", SANITIZERS, ids=IDS)
@pytest.mark.parametrize("case", build.cases("test_port"))
def test_on_every_system(case: str, sanitize: str) -> None:
    build.run("test_port", case, sanitize)


@pytest.mark.parametrize("sanitize", SANITIZERS, ids=IDS)
@pytest.mark.parametrize(("program", "case"), [(name, case) for name in OF_POSIX for case in build.cases(name)])
def test_with_bsd_sockets(program: str, case: str, sanitize: str) -> None:
    build.run(program, case, sanitize)

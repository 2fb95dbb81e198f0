"""Builds the C core and its test programs with csrc/Makefile, for the tests of this folder.

The environment chooses what is built: ``NETCORE_MAKE`` holds further variables for make (``PORT=kqueue LDLIBS=-lkqueue``),
and with them the same tests run on another backend.
"""

import os
import shlex
import subprocess
from functools import cache
from pathlib import Path

CORE = Path(__file__).parents[2] / "csrc"
PLAIN, ADDRESSES, THREADS = "", "address,undefined", "thread"
# No sanitizers, but the other backend, over an imitation of the kernel's part, or of a library's that makes it of epoll.
KQUEUE, LIBRARY = "kqueue", "kqueue-library"
IMITATION = "../tests/c/kqueue_on_epoll"


@cache
def make(target: str, sanitize: str = PLAIN) -> Path:
    """Makes `target` of csrc/Makefile (a path below its build folder) and gives its place."""
    folder = Path("../build/core") / f"pytest-{sanitize.replace(',', '-') or 'plain'}"
    as_what = " -DAS_A_LIBRARY" if sanitize == LIBRARY else ""
    kqueue = ["PORT=kqueue", f"CPPFLAGS=-I{IMITATION}{as_what}", f"LDLIBS={IMITATION}/kqueue.c"]
    kind = kqueue if sanitize in (KQUEUE, LIBRARY) else [f"SANITIZE={sanitize}"]
    variables = [*kind, f"BUILD={folder.as_posix()}", *shlex.split(os.environ.get("NETCORE_MAKE", ""))]
    lock = CORE / folder / "lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    # Parallel test processes build one after the other; all but the first find it done.
    command = ["flock", str(lock), "make", "--silent", "-C", str(CORE), *variables, (folder / target).as_posix()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return CORE / folder / target


def program(name: str, sanitize: str = PLAIN) -> Path:
    return make(f"tests/{name}", sanitize)


def cases(name: str) -> list[str]:
    """The names of the cases in a C test program, read from its table."""
    source = (Path(__file__).parent / f"{name}.c").read_text()
    return [line.split("(")[1].split(")")[0] for line in source.splitlines() if line.startswith("    CASE(")]


def run(name: str, case: str, sanitize: str = PLAIN) -> None:
    done = subprocess.run([program(name, sanitize), case], capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr

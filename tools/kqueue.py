"""Builds the extension with the kqueue backend on Linux and runs the Python tests on it: `make test-kqueue`.

    python tools/kqueue.py [arguments for pytest]

The kernel's part is the imitation over epoll that the C tests use. It is made a library, and named to the build as a real
one would be.
"""

import os
import subprocess
import sys
from pathlib import Path

import beside
from beside import ROOT

IMITATION = ROOT / "tests/c/kqueue_on_epoll"
FOLDER = ROOT / "build/kqueue-library"


def make_library() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    code = FOLDER / "kqueue.o"
    command = [*beside.compiler(), "-c", "-O2", "-fPIC", f"-I{IMITATION}", "-o", code, IMITATION / "kqueue.c"]
    subprocess.run(command, check=True)
    subprocess.run(["ar", "rcs", FOLDER / "libkqueue.a", code], check=True)


def build() -> Path:
    make_library()
    environment = {
        "NETCORE_PORT": "kqueue",
        "NETCORE_LINK": "kqueue",
        "CFLAGS": f"{os.environ.get('CFLAGS', '')} -I{IMITATION}",
        "LDFLAGS": f"{os.environ.get('LDFLAGS', '')} -L{FOLDER}",
    }
    return beside.build("kqueue", environment)


if __name__ == "__main__":
    sys.exit(beside.run_tests(build(), {}, sys.argv[1:]))

"""A free-threaded CPython, and the Python tests on it: `make test-free-threaded`.

    python tools/free_threaded.py [--sanitize] [arguments for pytest]

The interpreter is made by tools/more_pythons.py, once, which takes some minutes. The tests run without the interpreter's
lock whatever packages that netcore is tested with say of it; that netcore itself does not turn it on is looked at first.

With `--sanitize` interpreter and extension are built with ThreadSanitizer, and the tests of threads run. What CPython is
known for is left out, by its own list.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import more_pythons
import pythons
from pythons import CACHE, ROOT, run

VERSION = "3.13t"
# Packages that have no wheel for such an interpreter are left out, or are of a version that has no compiled part.
PACKAGES = ["pytest>=8", "pytest-timeout", "pytest-xdist", "psutil", "hypothesis<6.151"]
CHECK = "import sys, netcore; assert not sys._is_gil_enabled(), 'importing netcore turned the lock on'"


def prepared(name: str) -> Path:
    needed = [*pythons.project()["build-system"]["requires"], *PACKAGES]
    return pythons.environment(more_pythons.interpreter(name), f"free-threaded-{name}", needed)


def test(arguments: list[str]) -> int:
    python = prepared(VERSION)
    run([python, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=ROOT)
    run([python, "-c", CHECK], cwd=ROOT)
    options = ["-q", "-o", f"cache_dir={CACHE / 'pytest'}", *(arguments or ["tests/python"])]
    # The programs that tests start lie elsewhere, and nothing is installed here.
    environment = dict(os.environ, PYTHON_GIL="0", PYTHONPATH=str(ROOT))
    return subprocess.run([python, "-m", "pytest", *options], cwd=ROOT, env=environment, check=False).returncode


def test_sanitized(arguments: list[str]) -> int:
    name = f"{VERSION}-tsan"
    python = prepared(name)
    suppressions = more_pythons.FOLDER / name / more_pythons.SUPPRESSIONS
    environment = dict(os.environ, PYTHON_GIL="0", TSAN_OPTIONS=f"suppressions={suppressions}")
    command = [python, "tools/sanitized.py", "thread", *(arguments or ["tests/python/test_threads.py"])]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sanitize", action="store_true")
    options, arguments = parser.parse_known_args()
    return (test_sanitized if options.sanitize else test)(arguments)


if __name__ == "__main__":
    sys.exit(main())

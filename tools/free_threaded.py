"""A free-threaded CPython, and the Python tests on it: `make test-free-threaded`.

    python tools/free_threaded.py [--version 3.13t] [--sanitize] [arguments for pytest]

The interpreter is made by tools/more_pythons.py, once, which takes some minutes. The tests run without the interpreter's
lock whatever packages that netcore is tested with say of it; that netcore itself does not turn it on is looked at first.

With `--sanitize` interpreter and extension are built with ThreadSanitizer, and the tests of threads run. What CPython is
known for is left out, by its own list.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import more_pythons
import pythons
import sanitized
from pythons import CACHE, ROOT, run

VERSION = "3.14t"
REPORTS = CACHE / "tsan"
CHECK = "import sys, netcore; assert not sys._is_gil_enabled(), 'importing netcore turned the lock on'"


def prepared(version: str) -> Path:
    needed = [*pythons.project()["build-system"]["requires"], *pythons.test_packages(version)]
    return pythons.environment(more_pythons.interpreter(version), f"free-threaded-{version}", needed)


def test(version: str, arguments: list[str]) -> int:
    python = prepared(version)
    run([python, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=ROOT)
    run([python, "-c", CHECK], cwd=ROOT)
    options = ["-q", "-o", f"cache_dir={CACHE / 'pytest'}", *(arguments or ["tests/python"])]
    # The programs that tests start lie elsewhere, and nothing is installed here.
    environment = dict(os.environ, PYTHON_GIL="0", PYTHONPATH=str(ROOT))
    return subprocess.run([python, "-m", "pytest", *options], cwd=ROOT, env=environment, check=False).returncode


def test_sanitized(version: str, arguments: list[str]) -> int:
    """Builds with the plain interpreter, and takes the packages of its environment: the other one is ten times slower."""
    python = prepared(version)
    name = f"{version}-tsan"
    instrumented = more_pythons.interpreter(name)
    suppressions = more_pythons.FOLDER / name / more_pythons.SUPPRESSIONS
    os.environ["PYTHON_GIL"] = "0"
    os.environ["PYTHONPATH"] = str(next(python.parents[1].glob("lib/python*/site-packages")))
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    os.environ["TSAN_OPTIONS"] = (
        f"halt_on_error=0:exitcode=66:suppressions={suppressions}:log_path={REPORTS / 'report'}"
    )
    base = sanitized.build("thread", python)
    status = sanitized.run_tests(base, "thread", arguments or ["tests/python/test_threads.py"], instrumented)
    for report in REPORTS.iterdir():  # pytest keeps what its tests write
        print(report.read_text())
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default=VERSION, help="of CPython, with its t (%(default)s)")
    parser.add_argument("--sanitize", action="store_true")
    options, arguments = parser.parse_known_args()
    return (test_sanitized if options.sanitize else test)(options.version, arguments)


if __name__ == "__main__":
    sys.exit(main())

"""A free-threaded CPython, and the Python tests on it: `make test-free-threaded`.

    python tools/free_threaded.py [--version 3.13t] [--sanitize] [arguments for pytest]

The interpreter is made by tools/more_pythons.py, once, which takes some minutes. The tests run without the interpreter's
lock whatever packages that netcore is tested with say of it; that netcore itself does not turn it on is looked at first.

With `--sanitize` interpreter and extension are built with ThreadSanitizer, and the tests of threads run. What CPython is
known for is left out, by its own list. Any report that is left makes the command fail.
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
BYTECODE = CACHE / "bytecode"
# Races of CPython's own that its list does not name. An entry is a function of CPython's that calls nothing of ours.
KNOWN = """
# 3.13 makes a string immortal after others can find it in the table of interned ones, and without a lock: whoever interns
# an equal string meanwhile reads what is being written.
race:intern_common
"""
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


def compiled(python: Path, instrumented: Path, base: Path, tests: list[str]) -> None:
    """Has the plain interpreter compile what the instrumented one, which takes minutes for it, will import: they share
    their bytecode. What pytest rewrites, which includes Hypothesis, is compiled when the tests are collected."""
    # It is kept apart, and written also where the environment wants none.
    os.environ |= {"PYTHONPYCACHEPREFIX": str(BYTECODE), "PYTHONDONTWRITEBYTECODE": ""}
    library = next(instrumented.parents[1].glob("lib/python*"))
    run([python, "-m", "compileall", "-q", "-j", "0", "-x", "/(idlelib|site-packages|tkinter)/", library])
    os.environ["TSAN_OPTIONS"] = "report_bugs=0"
    sanitized.run_tests(base, "thread", ["-q", "--collect-only", *tests], python)


def test_sanitized(version: str, arguments: list[str]) -> int:
    """Builds with the plain interpreter, and takes the packages of its environment: the other one is ten times slower."""
    inside = prepared(version)
    python = more_pythons.interpreter(version)
    name = f"{version}-tsan"
    instrumented = more_pythons.interpreter(name)
    os.environ["PYTHON_GIL"] = "0"
    os.environ["PYTHONPATH"] = str(next(inside.parents[1].glob("lib/python*/site-packages")))
    base = sanitized.build("thread", inside)
    tests = arguments or ["tests/python/test_threads.py"]
    compiled(python, instrumented, base, tests)
    folder = REPORTS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    suppressions = folder / "suppressions"
    suppressions.write_text((more_pythons.FOLDER / name / more_pythons.SUPPRESSIONS).read_text() + KNOWN)
    os.environ["TSAN_OPTIONS"] = f"halt_on_error=0:exitcode=66:suppressions={suppressions}:log_path={folder / 'report'}"
    status = sanitized.run_tests(base, "thread", tests, instrumented)
    reports = list(folder.glob("report*"))  # also those of processes that the tests start
    for report in reports:  # pytest keeps what its tests write
        print(report.read_text())
    return status or int(bool(reports))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = [version for version in pythons.SUPPORTED if version.endswith("t")]
    parser.add_argument("--version", default=VERSION, choices=known, help="of CPython (%(default)s)")
    parser.add_argument("--sanitize", action="store_true")
    options, arguments = parser.parse_known_args()
    return (test_sanitized if options.sanitize else test)(options.version, arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Builds the extension with sanitizers and runs the Python tests on it: `make sanitize`.

python tools/sanitized.py address,undefined|thread [arguments for pytest]

The runtime of a sanitizer has to be loaded before the interpreter, which knows nothing of it. Leaks are not looked for
here, since an interpreter keeps much to its end on purpose: the C tests do that for the core, and the test of growing
reference counts for the binding.
"""

import os
import subprocess
import sys
from pathlib import Path

import beside

RUNTIMES = {"address": "libasan.so", "undefined": "libubsan.so", "thread": "libtsan.so"}
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:report_signal_unsafe=0",
}

# Strategies of Hypothesis take minutes when each small object comes from a checked malloc.
PATIENCE_S = 300
UNFIT = {
    # It measures the memory of the process, which here keeps all that was freed lately, and a shadow of everything.
    "tests/python/test_adversity.py::test_a_peer_that_never_reads_costs_no_more_than_the_mark",
}


def build(sanitizers: str, python: Path | str = sys.executable) -> Path:
    return beside.build(sanitizers.replace(",", "-"), {"NETCORE_SANITIZE": sanitizers}, python)


def runtime(name: str) -> str:
    command = [*beside.compiler(), f"-print-file-name={RUNTIMES[name]}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def run_tests(base: Path, sanitizers: str, arguments: list[str], python: Path | str = sys.executable) -> int:
    environment = {
        **{name: f"{options}:{os.environ.get(name, '')}" for name, options in OPTIONS.items()},
        "LD_PRELOAD": " ".join(map(runtime, sanitizers.split(","))),
    }
    if not str(python).endswith("t"):  # the free-threaded one has an allocator of its own
        environment["PYTHONMALLOC"] = "malloc"  # so that a use of a freed Python object is seen, too
    options = [f"--timeout={PATIENCE_S}", *(f"--deselect={test}" for test in UNFIT)]
    return beside.run_tests(base, environment, [*options, *arguments], python)


def main() -> int:
    sanitizers = sys.argv[1]
    return run_tests(build(sanitizers), sanitizers, sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())

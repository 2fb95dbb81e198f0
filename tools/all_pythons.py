"""Builds the package for every supported CPython of this machine and runs its tests there: `make test-all-pythons`.

    python tools/all_pythons.py [--versions 3.14,...] [arguments for pytest]

The free-threaded ones have a tool of their own, tools/free_threaded.py.
"""

import argparse
import os
import subprocess
import sys

import pythons
from pythons import CACHE, ROOT


def test(version: str, arguments: list[str]) -> int:
    needed = [*pythons.project()["build-system"]["requires"], *pythons.test_packages(version)]
    python = pythons.environment(pythons.installed()[version], f"all-{version}", needed)
    pythons.run([python, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=ROOT)
    options = ["-q", "-o", f"cache_dir={CACHE / 'pytest'}", *(arguments or ["tests/python"])]
    # The programs that tests start lie elsewhere, and nothing is installed here.
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.run([python, "-m", "pytest", *options], cwd=ROOT, env=environment, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    locked = [version for version in pythons.installed() if not version.endswith("t")]
    parser.add_argument("--versions", type=pythons.some_of(locked), default=locked, help=f"of {', '.join(locked)}")
    options, arguments = parser.parse_known_args()
    results = {}
    for version in options.versions:
        print(f"CPython {version}", flush=True)
        results[version] = test(version, arguments)
    for version, status in results.items():
        print(f"CPython {version}: {'passed' if status == 0 else f'pytest ended with {status}'}")
    return int(any(results.values()))


if __name__ == "__main__":
    sys.exit(main())

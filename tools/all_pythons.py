"""Builds the package for every supported CPython of this machine and runs its tests there: `make test-all-pythons`.

python tools/all_pythons.py [arguments for pytest]
"""

import subprocess
import sys

import pythons
from pythons import CACHE, ROOT


def test(version: str, arguments: list[str]) -> int:
    requirements = pythons.project()
    needed = [*requirements["build-system"]["requires"], *requirements["project"]["optional-dependencies"]["test"]]
    python = pythons.environment(pythons.installed()[version], f"all-{version}", needed)
    pythons.run([python, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=ROOT)
    options = ["-q", "-o", f"cache_dir={CACHE / 'pytest'}", *(arguments or ["tests/python"])]
    return subprocess.run([python, "-m", "pytest", *options], cwd=ROOT, check=False).returncode


def main() -> int:
    results = {}
    for version in pythons.installed():
        print(f"CPython {version}", flush=True)
        results[version] = test(version, sys.argv[1:])
    for version, status in results.items():
        print(f"CPython {version}: {'passed' if status == 0 else f'pytest ended with {status}'}")
    return max(results.values())


if __name__ == "__main__":
    sys.exit(main())

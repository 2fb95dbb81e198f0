"""Builds, checks and tests every wheel that this machine can: `make wheels`.

    python tools/wheels.py [--only TARGET,...] [--versions 3.12,...] [--quick]

For each wheel the table at the end says: built, checked, and tested or why not. `--quick` imports and runs one
connection instead of the whole test-suite.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import arm64
import contents
import cross
import pythons
import windows
from pythons import CACHE, ROOT, run

SMOKE = """
import netcore as net
server = net.createServer(lambda c: c.pipe(c))
def listening():
    client = net.connect(server.address()['port'], '127.0.0.1')
    client.on('data', lambda data: (print(bytes(data).decode()), client.end(), server.close()))
    client.write('one connection')
server.listen(0, '127.0.0.1', listening)
net.run()
"""


def without_compilers(python: Path) -> dict[str, str]:
    """An environment in which nothing can be compiled: no compiler is on the path, or named."""
    names = {name: "/nonexistent" for name in ("CC", "CXX", "LD", "LDSHARED")}
    return dict(os.environ, PATH=str(python.parent), **names)


def test_installed(python: Path, wheel: Path, quick: bool) -> str:
    """Installs the wheel where there is no compiler, and runs the tests."""
    install = ["--disable-pip-version-check", "--quiet", "install", "--no-deps", "--force-reinstall", wheel]
    run([python, "-m", "pip", *install], env=without_compilers(python))
    place = CACHE / "cross" / "run"
    windows.copy_tests(place)
    command = ["-c", SMOKE] if quick else ["-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "tests/python"]
    done = subprocess.run([python, *command], cwd=place, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or [done.stderr[-300:]])[-1]
    if done.returncode != 0:
        print(done.stdout[-3000:], done.stderr[-3000:])
        raise contents.Problem(f"its tests fail: {last}")
    return f"tested: {last.strip('= ')}"


def prepared(python: Path, name: str, quick: bool, platform: str = "") -> Path:
    """An environment to test a wheel in; for a quick test one that nothing was installed in before."""
    folder = f"{'quick' if quick else 'test'}-{name}"
    if quick:
        shutil.rmtree(CACHE / "environments" / folder, ignore_errors=True)
    return pythons.environment(python, folder, [] if quick else pythons.test_packages(name), platform)


def test_here(wheel: Path, version: str, quick: bool) -> str:
    return test_installed(prepared(pythons.installed()[version], version, quick), wheel, quick)


def test_on_musl(wheel: Path, version: str, quick: bool) -> str:
    name = f"{version}-musl"
    found = pythons.fetched(name)
    if not found:
        return f"not testable here: no musl CPython {version}; make more-pythons ARGS={name}"
    tag = cross.TARGETS["musllinux_x86_64"].tag
    return f"{test_installed(prepared(found[0], name, quick, tag), wheel, quick)}, on musl"


def test_under_wine(wheel: Path, version: str, quick: bool) -> str:
    if not windows.WINE.exists():
        return "not testable here: no Wine; apt-get install wine64"
    status, last = windows.run_python_tests(windows.prepare(version), wheel, [], SMOKE if quick else None)
    if status != 0:
        raise contents.Problem(f"its tests under Wine end with {status}: {last}")
    return f"tested under Wine: {last}"


def test_under_qemu(wheel: Path, version: str, quick: bool) -> str:
    return arm64.test(wheel, version, SMOKE if quick else None)


def test_on_musl_under_qemu(wheel: Path, version: str, quick: bool) -> str:
    return arm64.test_on_musl(wheel, version, SMOKE if quick else None)


def not_testable(wheel: Path, version: str, quick: bool) -> str:
    return "not testable here"


TESTS = {
    "manylinux_x86_64": test_here,
    "musllinux_x86_64": test_on_musl,
    "manylinux_aarch64": test_under_qemu,
    "musllinux_aarch64": test_on_musl_under_qemu,
    "win_amd64": test_under_wine,
}


def missing(target: cross.Target, version: str) -> str:
    """Why the wheel cannot be built here, if it cannot."""
    if target.name.startswith("win") and version not in pythons.WINDOWS:
        return f"not built here: no package carries a Windows CPython {version}"
    if not target.zig and not shutil.which(cross.MINGW):
        return f"not built here: no {cross.MINGW}; apt-get install gcc-mingw-w64-x86-64-win32"
    return ""


def build(target: cross.Target, version: str) -> tuple[Path, float]:
    """The wheel, and how many seconds it took."""
    begin = monotonic()
    return cross.build(target, version, ROOT / "dist"), monotonic() - begin


def outcome(target: cross.Target, version: str, building: Future[tuple[Path, float]], quick: bool) -> str:
    """What is to be said of a wheel when it has been built, checked and tested; or raises what is wrong."""
    wheel, seconds = building.result()
    checked = contents.check(wheel, target, version)
    tested = TESTS.get(target.name, not_testable)(wheel, version, quick)
    return f"built in {seconds:.0f} s, checked ({checked}), {tested}"


def make(targets: list[cross.Target], versions: list[str], quick: bool) -> Iterator[tuple[str, str, bool]]:
    """Says of each wheel its name, what came of it, and whether that is well. The next ones are built while one is
    tested, since tests wait for much and builds for nothing."""
    wanted = [(target, version) for target in targets for version in versions]
    with ThreadPoolExecutor(1) as builds:
        started = {one: builds.submit(build, *one) for one in wanted if not missing(*one)}
        for target, version in wanted:
            name = f"{target.name} {version}"
            if reason := missing(target, version):
                yield name, reason, True
                continue
            try:
                yield name, outcome(target, version, started[target, version], quick), True
            except (contents.Problem, RuntimeError, subprocess.SubprocessError) as problem:
                yield name, str(problem), False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    targets, versions = list(cross.TARGETS), list(pythons.installed())
    parser.add_argument("--only", type=pythons.some_of(targets), default=targets, help=f"of {', '.join(targets)}")
    parser.add_argument(
        "--versions", type=pythons.some_of(versions), default=versions, help=f"of {', '.join(versions)}"
    )
    parser.add_argument("--quick", action="store_true", help="one connection instead of the test-suite")
    options = parser.parse_args()
    print(f"sdist: {cross.sdist().name}")
    pythons.tools()  # both of those who build and test want it
    results = []
    for result in make([cross.TARGETS[name] for name in options.only], options.versions, options.quick):
        print(f"{result[0]}: {result[1]}", flush=True)
        results.append(result)
    print("\n| wheel | result |\n|---|---|")
    for name, text, good in results:
        print(f"| {name} | {text if good else 'FAILED: ' + text.splitlines()[0]} |")
    return 0 if all(good for _, _, good in results) else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())

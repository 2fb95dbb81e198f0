"""The tests on Windows' side, under Wine: the C core's own, then the Python suite with an installed win_amd64 wheel.

    python tools/windows.py [--version 3.12] [--wheel FILE] [arguments for pytest]

Debian's packages wine64, libwine-dev, clang and gcc-mingw-w64-x86-64-win32 must be there. Ends with pytest's own summary
and its exit status.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cross
import msvc
import pythons
from pythons import CACHE, MAKE_OPTIONS, ROOT, run

VERSION = "3.12"  # unless another one is asked for
WINE = Path("/usr/lib/wine/wine64")
SERVER = Path("/usr/lib/wine/wineserver64")
HOME = CACHE / "wine"
SOME_FAILED = 1  # pytest's status; others mean that it could not run
TIMEOUT_S = "100"  # of a single test: a Windows process takes a second to start, more on a busy machine
TEST_PACKAGES = ["pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "psutil", "colorama"]


def environment() -> dict[str, str]:
    return dict(os.environ, WINEPREFIX=str(HOME / "prefix"), WINEARCH="win64", WINEDEBUG="-all", PYTHONUTF8="1", CI="1")


def wine(*command: str | Path, cwd: Path | None = None) -> tuple[int, str]:
    """Runs a Windows program; its status, and the last line that it wrote. Its output passes through a pipe: a file as
    standard output ends Python there at start."""
    process = subprocess.Popen(
        [WINE, *command], env=environment(), cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )  # fmt: skip
    assert process.stdout is not None
    last = b""
    for line in process.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        last = line.strip() or last
    return process.wait(), last.decode(errors="replace")


def check_there() -> None:
    missing = [f"windows: {WINE} not found; apt-get install wine64"] if not WINE.exists() else []
    missing += msvc.missing()
    if missing:
        sys.exit("\n".join(missing))


def start_server() -> None:
    """Wine's server, which the first program would start otherwise, and which would write what it still holds at its end
    to that program's output. It goes when nobody has needed it for a while; if there is one already, it stays."""
    command = [SERVER, "-p20"]
    subprocess.run(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def prepare_wine() -> None:
    """A Wine of the project's own, with its server running."""
    ready = HOME / "ready"
    if ready.exists():
        start_server()
        return
    shutil.rmtree(HOME, ignore_errors=True)
    (HOME / "prefix").mkdir(parents=True)
    start_server()
    run([WINE, "wineboot", "--init"], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run([WINE, "winecfg", "-v", "win10"], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ready.touch()


def prepare(version: str) -> Path:
    """A Windows CPython with pytest under that Wine; its interpreter."""
    prepare_wine()
    folder = HOME / version
    python = folder / "python.exe"
    ready = folder / f"ready-{pythons.stamp_of(TEST_PACKAGES)}"
    if ready.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(pythons.windows(version), folder)
    offline = pythons.download(TEST_PACKAGES, "win_amd64", version, folder / "wheels")
    if wine(python, "-m", "pip", "install", *offline, *TEST_PACKAGES)[0] != 0:
        sys.exit("windows: the packages for the tests cannot be installed")
    ready.touch()
    return python


def test_core() -> bool:
    """Builds the C tests with mingw, and in Microsoft's dialect, and runs both."""
    tools = ["PORT=iocp", "CC=x86_64-w64-mingw32-gcc", "AR=x86_64-w64-mingw32-ar"]
    run(["make", *MAKE_OPTIONS, "-C", ROOT / "csrc", *tools, "tests"])
    programs = sorted((ROOT / "build" / "core" / "iocp" / "tests").glob("*.exe"))
    return all([wine(program)[0] == 0 for program in [*programs, *msvc.build_core()]])


def copy_tests(place: Path) -> None:
    """Out of the source tree, where `netcore` would be the one without a compiled core."""
    shutil.rmtree(place, ignore_errors=True)
    for name in pythons.project()["tool"]["cibuildwheel"]["test-sources"]:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place / name)


def run_python_tests(python: Path, wheel: Path, arguments: list[str], program: str | None = None) -> tuple[int, str]:
    """Installs the wheel and runs pytest with `arguments`, or `program` alone; the status, and what was said last."""
    offline = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--force-reinstall"]
    if wine(python, "-m", "pip", "install", *offline, wheel)[0] != 0:
        sys.exit(f"windows: {wheel.name} cannot be installed")
    place = HOME / "run"
    copy_tests(place)
    if program:
        (place / "program.py").write_text(program)
        return wine(python, "program.py", cwd=place)
    options = ["-q", "--timeout", TIMEOUT_S, *(arguments or ["tests/python"])]
    status, last = wine(python, "-m", "pytest", "-n", "2", *options, cwd=place)
    if status != SOME_FAILED:
        return status, last
    # Wine's server is one process that everything goes through, and loses its pace on a busy machine.
    print("what failed, once more and one after the other:", flush=True)
    status, again = wine(python, "-m", "pytest", "--last-failed", *options, cwd=place)
    return status, f"{last}; those once more: {again}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default=VERSION, choices=pythons.WINDOWS, help="of CPython")
    parser.add_argument("--wheel", type=Path, help="test this wheel instead of building one")
    options, arguments = parser.parse_known_args()
    check_there()
    if options.wheel and not options.wheel.exists():
        parser.error(f"there is no {options.wheel}")
    python = prepare(options.version)
    core = test_core()
    wheel = options.wheel
    if not wheel:
        cross.sdist()
        wheel = cross.build(cross.TARGETS["win_amd64"], options.version, ROOT / "dist")
    status, _ = run_python_tests(python, wheel.resolve(), arguments)
    if not core:
        print("the C tests failed: see above")
    return status or int(not core)


if __name__ == "__main__":
    sys.exit(main())

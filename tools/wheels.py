"""Builds, checks and tests every wheel that this machine can: `make wheels`.

    python tools/wheels.py [--only TARGET,...] [--versions 3.12,...] [--quick]

For each wheel the table at the end says: built, checked, and tested or why not. `--quick` imports and runs one
connection instead of the whole test-suite.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import arm64
import cross
import pythons
import windows
from pythons import CACHE, ROOT, run

SIZE_MAX = 1024 * 1024
SMOKE = """
import netcore as net
server = net.createServer(lambda c: c.pipe(c))
def listening():
    client = net.connect(server.address().port, '127.0.0.1')
    client.on('data', lambda data: (print(bytes(data).decode()), client.end(), server.close()))
    client.write('echoed')
server.listen(0, '127.0.0.1', listening)
net.run()
"""


class Problem(Exception):
    pass


def check(wheel: Path, target: cross.Target, version: str) -> str:
    """Tags, size, contents and symbols; says what was found."""
    python = f"cp{version.replace('.', '')}"
    expected = target.tag or target.platform.replace("-", "_").replace(".", "_")
    if f"-{python}-{python}-" not in wheel.name or expected not in wheel.name:
        raise Problem(f"its tags are wrong: {wheel.name}")
    size = wheel.stat().st_size
    if size > SIZE_MAX:
        raise Problem(f"it has {size} bytes")
    with zipfile.ZipFile(wheel) as content:
        names = content.namelist()
        images = [name for name in names if re.search(r"\.(so|pyd)$", name)]
        if len(images) != 1 or not images[0].startswith("netcore/_core/_native"):
            raise Problem(f"its native images are {images}")
        for wanted in ("netcore/py.typed", "netcore/_core/socket.pyi", "netcore/__init__.py"):
            if wanted not in names:
                raise Problem(f"{wanted} is missing")
        strays = [name for name in names if re.search(r"\.(c|pyx|o|a)$", name) or name.startswith(("tests/", "tools/"))]
        if strays:
            raise Problem(f"it contains {strays[:3]}")
        unpacked = Path(content.extract(images[0], CACHE / "cross" / "look"))
    symbols = exported(unpacked)
    foreign = [name for name in symbols or [] if not name.startswith("PyInit_")]
    if foreign:
        raise Problem(f"it exports {foreign[:3]}")
    looked = f"{len(symbols)} symbols" if symbols is not None else "symbols not looked at"
    return f"{size // 1024} KiB, {looked}"


def exported(image: Path) -> list[str] | None:
    """The symbols that an image offers; None for a format that no tool here reads."""
    magic = image.read_bytes()[:4]
    if magic.startswith(b"MZ"):
        table = subprocess.run(["x86_64-w64-mingw32-objdump", "-p", image], capture_output=True, text=True, check=True)
        return re.findall(r"^\s+\[\s*\d+\](?: \+base\[\s*\d+\])?\s+(?:[0-9a-f]+ )?(\w+)$", table.stdout, re.M)
    if magic == b"\x7fELF":
        table = subprocess.run(["nm", "-D", "--defined-only", image], capture_output=True, text=True, check=True)
        return [line.split()[-1] for line in table.stdout.splitlines()]
    return None


def run_tests(python: Path, wheel: Path, quick: bool) -> str:
    run(
        [
            python,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--quiet",
            "install",
            "--no-deps",
            "--force-reinstall",
            wheel,
        ]
    )
    place = CACHE / "cross" / "run"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(ROOT / "tests", place / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    if (ROOT / "examples").exists():
        shutil.copytree(ROOT / "examples", place / "examples")
    shutil.copy(ROOT / "pyproject.toml", place)
    command = (
        [python, "-c", SMOKE] if quick else [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/python"]
    )
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or [done.stderr[-300:]])[-1]
    if done.returncode != 0:
        print(done.stdout[-3000:], done.stderr[-3000:])
        raise Problem(f"its tests fail: {last}")
    return f"tested: {last}"


def test(wheel: Path, target: cross.Target, version: str, quick: bool) -> str:
    if target.name == "manylinux_x86_64":
        needed = [
            item for item in pythons.project()["project"]["optional-dependencies"]["test"] if "uvloop" not in item
        ]
        return run_tests(pythons.environment(pythons.installed()[version], f"test-{version}", needed), wheel, quick)
    if target.name == "win_amd64":
        if version != windows.VERSION:
            return f"not tested: Wine has the Python {windows.VERSION}"
        status = windows.run_python_tests(windows.prepare(), wheel, [], SMOKE if quick else None)
        if status != 0:
            raise Problem(f"its tests under Wine end with {status}")
        return "tested under Wine"
    if target.name == "manylinux_aarch64" and version == arm64.VERSION:
        return arm64.test(wheel, SMOKE)
    return "not testable here"


def one(target: cross.Target, version: str, quick: bool) -> tuple[str, bool]:
    try:
        wheel = cross.build(target, version, ROOT / "dist")
        checked = check(wheel, target, version)
        return f"built, checked ({checked}), {test(wheel, target, version, quick)}", True
    except (Problem, RuntimeError, subprocess.CalledProcessError) as problem:
        return str(problem), False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(cross.TARGETS), help="targets, separated by commas")
    parser.add_argument("--versions", default=",".join(pythons.installed()), help="CPython versions")
    parser.add_argument("--quick", action="store_true", help="one connection instead of the test-suite")
    options = parser.parse_args()
    print(f"sdist: {cross.sdist().name}")
    results = []
    for name in options.only.split(","):
        for version in options.versions.split(","):
            result = (f"{name} {version}", *one(cross.TARGETS[name], version, options.quick))
            print(f"{result[0]}: {result[1]}", flush=True)
            results.append(result)
    print("\n| wheel | result |\n|---|---|")
    for name, text, good in results:
        print(f"| {name} | {text if good else 'FAILED: ' + text.splitlines()[0]} |")
    return 0 if all(good for _, _, good in results) else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())

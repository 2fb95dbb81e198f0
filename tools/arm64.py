"""CPythons for arm64 under qemu-user, to try aarch64 wheels on: Debian's, and ours on musl. Needs the package
qemu-user-static."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import musl
import packages
import pythons
import windows
from pythons import CACHE, run

SUITES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky", "3.15": "forky"}  # Debian's releases that have them
FOLDER = CACHE / "arm64"
TEST_PACKAGES = ["pytest", "pytest-timeout", "hypothesis", "psutil"]
PATIENCE_S = 300


def _install(folder: Path, version: str, platform: str, *wanted: str | Path) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--target", folder]
    given = ["--python-version", version, "--platform", platform]
    run([pythons.tools(), "-m", "pip", "install", *options, *given, *wanted])


def _site(version: str, platform: str) -> Path:
    """A folder with pytest and what the tests import."""
    folder = FOLDER / f"site-{version}-{pythons.stamp_of([platform, *TEST_PACKAGES])}"
    if not folder.exists():
        _install(folder, version, platform, *TEST_PACKAGES)
    return folder


def _as_one_file(qemu: str, *python: str) -> Path:
    """A script for the interpreter under qemu, which takes it for its own name: tests start others by `sys.executable`."""
    script = FOLDER / "python"
    script.write_text(f'#!/bin/sh\nexec {shlex.join([qemu, "-0", str(script), *python])} "$@"\n')
    script.chmod(0o755)
    return script


def _test(python: list[str], wheel: Path, version: str, platform: str, program: str | None) -> str:
    """Runs `program`, or the Python tests, with the wheel installed beside them."""
    if not shutil.which(packages.QEMU):
        return f"not tested: {packages.QEMU} is not installed"
    place, installed = FOLDER / "run", FOLDER / "wheel"
    windows.copy_tests(place)
    shutil.rmtree(installed, ignore_errors=True)
    _install(installed, version, platform, "--no-deps", wheel)
    options = ["-q", "-p", "no:cacheprovider", f"--timeout={PATIENCE_S}"]
    command = ["-c", program] if program else ["-m", "pytest", *options, "tests/python"]
    # Bytecode is kept, wherever that is not wanted: to compile what is imported takes ten seconds a start.
    environment = dict(os.environ, PYTHONPATH=f"{installed}:{_site(version, platform)}", PYTHONDONTWRITEBYTECODE="")
    done = subprocess.run(
        [_as_one_file(*python), *command],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
    )
    if done.returncode != 0:
        raise RuntimeError(f"it does not run under qemu:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return f"tested under qemu: {done.stdout.strip().splitlines()[-1]}"


def test(wheel: Path, version: str, program: str | None) -> str:
    if version not in SUITES:
        return f"not testable here: Debian has no CPython {version} for arm64"
    root = packages.unpack(FOLDER / version, [f"python{version}"], "arm64", SUITES[version])
    python = [*packages.under_qemu(root), str(root / "usr" / "bin" / f"python{version}")]
    return _test(python, wheel, version, "manylinux2014_aarch64", program)


def test_on_musl(wheel: Path, version: str, program: str | None) -> str:
    name = f"{version}-musl-aarch64"
    found = pythons.fetched(name)
    if not found:
        return f"not testable here: no musl CPython {version} for aarch64; make more-pythons ARGS={name}"
    return f"{_test([*musl.under_qemu(), str(found[0])], wheel, version, 'musllinux_1_2_aarch64', program)}, on musl"

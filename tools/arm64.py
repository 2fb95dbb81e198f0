"""Debian's CPythons for arm64 under qemu-user, to try aarch64 wheels on. Needs the package qemu-user-static."""

import os
import shutil
import subprocess
from pathlib import Path

import packages
import pythons
import windows
from pythons import CACHE, run

SUITES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky", "3.15": "forky"}  # Debian's releases that have them
FOLDER = CACHE / "arm64"
QEMU = "qemu-aarch64-static"
TEST_PACKAGES = ["pytest", "pytest-timeout", "hypothesis", "psutil"]
# What starts no other Python, which would be sought as a program of this machine, and is most of what a kernel answers to.
TESTED = ("connect", "relay", "server", "socket")


def _site(version: str) -> Path:
    """A folder with pytest and what the tests import."""
    folder = FOLDER / f"site-{version}-{pythons.stamp_of(TEST_PACKAGES)}"
    if not folder.exists():
        options = ["--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--python-version", version]
        options += ["--platform", "manylinux2014_aarch64", "--target", folder]
        run([pythons.tools(), "-m", "pip", "install", *options, *TEST_PACKAGES])
    return folder


def test(wheel: Path, version: str, program: str | None) -> str:
    """Runs `program`, or the tests of TESTED, with the wheel unpacked beside them."""
    if not shutil.which(QEMU):
        return f"not tested: {QEMU} is not installed"
    if version not in SUITES:
        return f"not testable here: Debian has no CPython {version} for arm64"
    root = packages.unpack(FOLDER / version, [f"python{version}"], "arm64", SUITES[version])
    interpreter = root / "usr" / "bin" / f"python{version}"
    place, unpacked = FOLDER / "run", FOLDER / "wheel"
    windows.copy_tests(place)
    shutil.rmtree(unpacked, ignore_errors=True)
    run([pythons.tools(), "-m", "zipfile", "-e", wheel, unpacked])
    tests = [f"tests/python/test_{name}.py" for name in TESTED]
    wanted = ["-c", program] if program else ["-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    command = [QEMU, "-L", str(root), str(interpreter), *wanted]
    environment = dict(os.environ, PYTHONPATH=f"{unpacked}:{_site(version)}")
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=1200
    )
    if done.returncode != 0:
        raise RuntimeError(f"it does not run under qemu:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return f"tested under qemu: {done.stdout.strip().splitlines()[-1]}"

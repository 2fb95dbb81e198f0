"""Debian's CPython for arm64 under qemu-user, to try aarch64 wheels on. Needs the package qemu-user-static."""

import os
import shutil
import subprocess
from pathlib import Path

import pythons
from pythons import CACHE, run

VERSION = "3.11"  # Debian bookworm's
FOLDER = CACHE / "arm64"
QEMU = "qemu-aarch64-static"
PACKAGES = [
    "python3.11-minimal",
    "libpython3.11-stdlib",
    "libc6",
    "libgcc-s1",
    "libexpat1",
    "zlib1g",
    "libssl3",
    "libffi8",
]


def _apt(*command: str) -> None:
    """apt on a private root, which knows no other architecture."""
    state = FOLDER / "apt"
    for part in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
        (state / part).mkdir(parents=True, exist_ok=True)
    (state / "state" / "status").touch()
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Dir::State": state / "state",
        "Dir::State::status": state / "state" / "status",
        "Dir::Cache": state / "cache",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "root",
    }
    given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    run(["apt-get", "-qq", *given, *command], stdout=subprocess.DEVNULL)


def root() -> Path:
    """The private root with the interpreter, made once."""
    folder = FOLDER / "root"
    if (FOLDER / "ready").exists():
        return folder
    shutil.rmtree(FOLDER, ignore_errors=True)
    folder.mkdir(parents=True)
    _apt("update")
    _apt("--yes", "--no-install-recommends", "--download-only", "install", *PACKAGES)
    for package in sorted((FOLDER / "apt" / "cache" / "archives").glob("*.deb")):
        run(["dpkg", "-x", package, folder])
    (FOLDER / "ready").touch()
    return folder


def test(wheel: Path, program: str) -> str:
    """Runs `program` with the wheel unpacked beside it."""
    if not shutil.which(QEMU):
        return f"not tested: {QEMU} is not installed"
    place = FOLDER / "wheel"
    shutil.rmtree(place, ignore_errors=True)
    run([pythons.tools(), "-m", "zipfile", "-e", wheel, place])
    interpreter = root() / "usr" / "bin" / f"python{VERSION}"
    command = [QEMU, "-L", str(root()), str(interpreter), "-c", program]
    environment = dict(os.environ, PYTHONPATH=str(place))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"it does not run under qemu:\n{done.stderr[-2000:]}")
    return "one connection run under qemu"

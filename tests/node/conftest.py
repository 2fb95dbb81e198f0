"""Finds the real Node that netcore is compared with: the npm package of Node's own binary, kept in the project's cache."""

import fcntl
import os
import pathlib
import platform
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

PROJECT = pathlib.Path(__file__).resolve().parents[2]
CACHE = PROJECT / ".cache" / "node26"
NODE_VERSION = "26.10.0"
INSTALL_LIMIT_S = 300


def _package():
    system = {"Linux": "linux", "Darwin": "darwin", "Windows": "win"}[platform.system()]
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine().lower()]
    return f"node-{system}-{machine}"


def _install(package):
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail(
            f"tests/node compares with a real Node {NODE_VERSION}: npm is needed to fetch it, and is not installed",
            False,
        )
    command = [
        npm,
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--prefix",
        str(CACHE),
        f"{package}@{NODE_VERSION}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_LIMIT_S)
    if done.returncode != 0:
        pytest.fail(
            f"Node {NODE_VERSION} could not be fetched from the npm registry ({package}):\n{done.stderr[-2000:]}", False
        )


@pytest.fixture(scope="session")
def node():
    """The path of a real Node 26, installed on first use; `NODE26` in the environment names another one."""
    if "NODE26" in os.environ:
        return os.environ["NODE26"]
    package = _package()
    binary = CACHE / "node_modules" / package / "bin" / ("node.exe" if "win" in package.split("-") else "node")
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            _install(package)
    return str(binary)

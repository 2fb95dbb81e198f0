"""Finding, starting and stopping real servers and their clients."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from glob import glob
from threading import Event
from time import monotonic

import pytest

START_S = 30.0


def program(name: str, package: str) -> str:
    """Where a program is, or a failure that names the Debian package it is in."""
    found = shutil.which(name) or next(iter(sorted(glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    if found is None:
        pytest.fail(f"{name} is not installed: it is in the Debian package {package} (apt-get install {package})")
    return found


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Waits until something accepts at the port."""
    deadline = monotonic() + START_S
    while monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            Event().wait(0.05)
    pytest.fail(f"{process.args} does not accept connections at port {port} (exit status {process.poll()})")


def run(*command: object, input_data: bytes | None = None, timeout_s: float = 120, **options: object) -> str:
    """What a client prints; a failure shows all of it."""
    words = list(map(str, command))
    done = subprocess.run(words, input=input_data, capture_output=True, timeout=timeout_s, check=False, **options)
    text = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{text}"
    return text


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def unprivileged() -> dict[str, object]:
    """How to run what refuses to be root, as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

"""The C tools of the benchmark, compiled when their source is newer, and the processes it starts."""

from __future__ import annotations

import json
import os
import random
import shlex
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
BUILD = ROOT / "build" / "bench"
PEERS = BENCH / "peers"
SOURCES = {"load": BENCH / "load.c", "echo": PEERS / "echo.c", "proxy": PEERS / "proxy.c", "core": PEERS / "core.c"}
CORE = BUILD / "libcore"

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
START_SECONDS = 8.0
TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """Something of the benchmark itself did not work; the message says what."""


@cache
def core_library() -> Path:
    """netcore's core as a static library, brought up to date by its own Makefile."""
    command = ["make", "-s", "-C", str(ROOT / "csrc"), f"BUILD={CORE}", "PORT=epoll"]
    subprocess.run(command, check=True, timeout=300, stdout=subprocess.DEVNULL)
    return CORE / "libnetcore.a"


def compiled(name: str) -> str:
    """The path of a C tool, compiled first when it is missing or older than what it is made of."""
    source, binary = SOURCES[name], BUILD / name
    libraries = [core_library()] if name == "core" else []
    newest = max(path.stat().st_mtime for path in (source, PEERS / "listen.h", *libraries))
    if not binary.exists() or binary.stat().st_mtime < newest:
        BUILD.mkdir(parents=True, exist_ok=True)
        compiler = shlex.split(os.environ.get("CC", "cc"))
        flags = [
            "-O2",
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Wshadow",
            "-Wconversion",
            "-Werror",
            f"-I{ROOT / 'csrc/include'}",
        ]
        parts = [str(source), *map(str, libraries), "-pthread", "-o", str(binary)]
        subprocess.run([*compiler, *flags, *parts], check=True, timeout=120)
    return str(binary)


def free_port() -> int:
    """A port nobody uses, below those that the kernel hands to outgoing connections: one of them could take it before
    the server does."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as s, suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


def answers(port: int) -> bool:
    """Whether a byte sent to this port comes back within a second."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(b"?")
            return s.recv(1) == b"?"
    except OSError:
        return False


def wait_until_answering(process: subprocess.Popen[Any], port: int, name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(port):
        if process.poll() is not None:
            raise BenchError(f"{name} ended at its start with status {process.returncode}")
        if time.monotonic() > deadline:
            raise BenchError(f"{name} did not echo a byte within {START_SECONDS:.0f} seconds")
        time.sleep(0.02)


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process that we started: a request first, the kill two seconds later."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


@contextmanager
def running(command: Sequence[str], port: int, name: str, core: int | None = SERVER_CORE) -> Iterator[int]:
    """Run a server that echoes on `port` (itself or through its upstream), pinned to a core; gives its process id."""
    pinned = ["taskset", "-c", str(core), *command] if core is not None else list(command)
    process = subprocess.Popen(
        pinned, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        wait_until_answering(process, port, name)
        yield process.pid
    except BenchError as error:
        stop(process)
        said = process.stderr.read().strip().splitlines()[-1:] if process.stderr else []
        raise BenchError(": ".join([str(error), *said])) from None
    finally:
        stop(process)
        if process.stderr:
            process.stderr.close()


def user_and_system(pid: int) -> tuple[int, int]:
    """Ticks in user and in kernel mode, of all threads of a process, ended ones too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])


def private_kib(pid: int) -> int:
    """Memory that this process alone has written to, in KiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1])
    raise BenchError(f"/proc/{pid}/smaps_rollup has no Private_Dirty")


def load(mode: str, port: int, *options: object, pids: Sequence[int] = (), seconds: float = 1.0) -> dict[str, Any]:
    """One run of the load generator; its figures, and the share of user time of the first process beside them."""
    command = [compiled("load"), mode, str(port), "-t", str(seconds), "-C", str(LOAD_CORE), *map(str, options)]
    for pid in pids:
        command += ["-p", str(pid)]
    before = user_and_system(pids[0]) if pids else (0, 0)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if not done.stdout.startswith("{"):
        raise BenchError(f"the load generator failed: {done.stderr.strip()}")
    figures: dict[str, Any] = json.loads(done.stdout)
    after = user_and_system(pids[0]) if pids else (0, 0)
    figures["user_ticks"], figures["system_ticks"] = after[0] - before[0], after[1] - before[1]
    return figures

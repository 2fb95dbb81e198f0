"""User memory of an idle connection: what the server's own memory grows by when thousands of them are opened."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

from servers import ECHO, available

from tools import LOAD_CORE, BenchError, compiled, free_port, load, private_kib, running

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from servers import Server

CONNECTIONS = 10_000
HOLD_SECONDS = 60
SETTLE_SECONDS = 0.3


def held(port: int, pid: int, touch: bool) -> float:
    """KiB a connection while the load generator holds all of them; with `touch` each has carried one message."""
    before = private_kib(pid)
    options = ["-i", CONNECTIONS, "-t", HOLD_SECONDS, "-C", LOAD_CORE, *(["-T"] if touch else [])]
    command = [compiled("load"), "hold", str(port), *map(str, options)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        line = holder.stdout.readline()
        if not line or json.loads(line)["errors"]:
            raise BenchError(f"the idle connections could not be opened: {line.strip()}")
        time.sleep(SETTLE_SECONDS)
        return (private_kib(pid) - before) / CONNECTIONS
    finally:
        holder.communicate(timeout=HOLD_SECONDS)


def one_server(server: Server, touch: bool) -> str:
    port = free_port()
    try:
        with running(server.command(port, 0), port, server.name) as pid:
            load("echo", port, "-c", 50, "-w", 0, pids=[pid], seconds=0.2)
            return f"{held(port, pid, touch):.2f}"
    except (BenchError, OSError, subprocess.SubprocessError) as error:
        return f"fails: {error}"


def section(options: argparse.Namespace, say: Callable[[str], None]) -> list[str]:
    """The table for the report."""
    servers, _ = available(ECHO, options.peers)
    lines = [f"## User memory an idle connection, {CONNECTIONS:,} of them", ""]
    lines += ["| server | KiB, never used | KiB, after one message |", "|---|---|---|"]
    for server in servers:
        say(f"memory: {server.name}")
        lines.append(f"| {server.name} | {one_server(server, False)} | {one_server(server, True)} |")
    return [*lines, ""]

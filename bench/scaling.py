"""How the native relay scales over worker threads, and that it moves bytes while Python never lets its lock go."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from rounds import MIB, median
from servers import c_echo, netcore_command

from tools import LOAD_CORE, PEERS, BenchError, free_port, load, running, stop, wait_until_answering

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

WORKERS = (1, 2)
WORK = (("echo 1 KiB, 50 connections", "echo", ("-c", 50)), ("bulk, 8 connections", "bulk", ("-c", 8, "-s", 65536)))
WARM_UP, WINDOW = 0.7, 2.0
INTERVALS = (0.005, 1000.0)


def relayed(workers: int, port: int, upstream: int) -> list[str]:
    return [*netcore_command(port, upstream), "--workers", str(workers)]


def scaling(rounds: int, seconds: float, say: Callable[[str], None]) -> list[str]:
    """One and two workers in turn. Client, upstream and proxy share the two cores, so a second worker can win only what
    the other two leave."""
    heads = ["work", "workers", "a second, median (lowest to highest)", "to one worker", "proxy CPU, cores"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    with ExitStack() as stack:
        upstream = free_port()
        stack.enter_context(running(c_echo(upstream, 0), upstream, "the upstream", None))
        started = {}
        for workers in WORKERS:
            port = free_port()
            pid = stack.enter_context(running(relayed(workers, port, upstream), port, "netcore proxy", None))
            started[workers] = (port, pid)
        for title, mode, options in WORK:
            say(f"scaling: {title}")
            lines += compared(title, mode, options, started, rounds, seconds)
    return lines


def compared(
    title: str, mode: str, options: tuple[object, ...], started: dict[int, tuple[int, int]], rounds: int, seconds: float
) -> Iterator[str]:
    rates: dict[int, list[float]] = {workers: [] for workers in started}
    cores: dict[int, list[float]] = {workers: [] for workers in started}
    for _ in range(rounds):
        for workers, (port, pid) in started.items():
            got = load(mode, port, *options, "-C", -1, pids=[pid], seconds=seconds)
            rates[workers].append((got["bytes"] / MIB if mode == "bulk" else got["messages"]) / got["seconds"])
            cores[workers].append(sum(got["cpu"]) / got["seconds"])
    unit = "MiB" if mode == "bulk" else "messages"
    for workers, mine in rates.items():
        ratio = median(mine) / median(rates[WORKERS[0]])
        spread = f"{median(mine):,.0f} ({min(mine):,.0f} to {max(mine):,.0f}) {unit}"
        yield f"| {title} | {workers} | {spread} | {ratio:.2f} | {median(cores[workers]):.2f} |"


class Counter:
    """The proxy of `netcore_lock.py`, which counts on request."""

    def __init__(self, how: str, upstream: int) -> None:
        self.port = free_port()
        command = [sys.executable, str(PEERS / "netcore_lock.py"), str(self.port), str(upstream), how]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Counter:
        wait_until_answering(self.process, self.port, "the counting proxy")
        return self

    def __exit__(self, *_: object) -> None:
        stop(self.process)

    def count(self, seconds: float, interval: float) -> float:
        """Counts a second of its main thread, which counts this long and hands over the lock after each interval."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{seconds} {interval}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()) / seconds


def traffic(counter: Counter, interval: float | None) -> float:
    """Messages a second through the proxy while it counts with this interval, over the whole measured window."""
    figures: list[dict[str, Any]] = []

    def drive() -> None:
        figures.append(load("echo", counter.port, "-c", 8, "-w", WARM_UP, seconds=WINDOW))

    work = threading.Thread(target=drive)
    work.start()
    time.sleep(WARM_UP - 0.2)
    if interval is not None:
        counter.count(WINDOW + 0.4, interval)
    work.join()
    if not figures:
        raise BenchError("the load generator gave no figures")
    return figures[0]["messages"] / figures[0]["seconds"]


def lock_lines(upstream: int) -> Iterator[str]:
    for how in ("relay", "listener"):
        with Counter(how, upstream) as counter:
            rates = [traffic(counter, interval) for interval in (None, *INTERVALS)]
        yield f"| {how} | " + " | ".join(f"{rate:,.0f}" for rate in rates) + " |"


def lock_proof() -> list[str]:
    lines = ["", "Messages a second through a proxy while another thread of it counts in Python without end:", ""]
    lines += [
        "| proxy by | nobody counts | lock handed over every 5 ms | lock never handed over |",
        "|---|---|---|---|",
    ]
    upstream = free_port()
    with running(c_echo(upstream, 0), upstream, "the upstream", LOAD_CORE):
        lines += lock_lines(upstream)
    return lines


def section(options: argparse.Namespace, say: Callable[[str], None]) -> list[str]:
    """The tables for the report."""
    lines = ["## The native relay over threads", ""]
    if not importlib.util.find_spec("netcore"):
        return [*lines, "netcore is not installed.", ""]
    for part in (lambda: scaling(min(options.rounds, 5), options.seconds, say), lock_proof):
        try:
            lines += part()
        except (BenchError, OSError, ValueError) as error:
            lines += ["", f"Fails: {error}"]
    return [*lines, ""]

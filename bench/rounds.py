"""Interleaved rounds over the servers of one row, and the figures that come out of them."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers import c_echo

from tools import LOAD_CORE, BenchError, free_port, load, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from rows import Row
    from servers import Server

MIB = 1 << 20


@dataclass
class Outcome:
    """What one server did on one row, a value a round."""

    server: str
    cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    user_ticks: int = 0
    system_ticks: int = 0
    failure: str = ""
    note: str = ""

    def add(self, figures: dict[str, Any], unit: str) -> None:
        count = figures["bytes"] / MIB if unit == "MiB" else figures["messages"]
        if figures["without_end"]:
            self.note = "never ends a connection that its client half-closes"
        if figures["errors"] or not count:
            self.failure = figures["first_error"] or self.note or "nothing came back"
            return
        self.cpu.append(sum(figures["cpu"]) / count * 1e6)
        self.rate.append(count / figures["seconds"])
        self.p50.append(figures["latency_us"]["p50"])
        self.p99.append(figures["latency_us"]["p99"])
        self.user_ticks += figures["user_ticks"]
        self.system_ticks += figures["system_ticks"]

    def user_share(self) -> float:
        return self.user_ticks / max(1, self.user_ticks + self.system_ticks)


def ratios(outcome: Outcome, reference: Outcome, by_rate: bool) -> list[float]:
    """Round by round against the reference, so that a slow moment of the machine falls on both."""
    mine, its = (outcome.rate, reference.rate) if by_rate else (outcome.cpu, reference.cpu)
    return [m / i for m, i in zip(mine, its, strict=False) if i]


def median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")


@dataclass
class RowResult:
    key: str
    title: str
    unit: str
    by_rate: bool
    outcomes: list[Outcome]

    def ratio(self, outcome: Outcome) -> list[float]:
        return ratios(outcome, self.outcomes[0], self.by_rate)


def start_all(stack: ExitStack, servers: list[Server], proxied: bool) -> dict[str, tuple[int, int]]:
    """Start every server of a row; gives port and process id by name. Idle ones cost the measured one nothing."""
    upstream = free_port()
    if proxied:
        stack.enter_context(running(c_echo(upstream, 0), upstream, "the upstream", LOAD_CORE))
    started = {}
    for server in servers:
        port = free_port()
        pid = stack.enter_context(running(server.command(port, upstream), port, server.name))
        started[server.name] = (port, pid)
    return started


def one_round(row: Row, outcome: Outcome, port: int, pid: int, seconds: float) -> None:
    try:
        outcome.add(load(row.mode, port, *row.options, pids=[pid], seconds=seconds), row.unit)
    except (BenchError, OSError) as error:
        outcome.failure = str(error)


def startable(servers: list[Server], proxied: bool) -> tuple[list[Server], list[Outcome]]:
    """Sort out the servers that do not come up, with what they said, so that the others are still measured."""
    good, bad = [], []
    for server in servers:
        try:
            with ExitStack() as stack:
                start_all(stack, [server], proxied)
            good.append(server)
        except (BenchError, OSError) as error:
            bad.append(Outcome(server.name, failure=str(error)))
    return good, bad


def run_row(
    row: Row, servers: list[Server], proxied: bool, rounds: int, seconds: float, say: Callable[[str], None]
) -> RowResult:
    """Every round measures each server once, in an order turned by one each time. The first server is the reference."""
    good, bad = startable(servers, proxied)
    outcomes = [Outcome(server.name) for server in good]
    with ExitStack() as stack:
        started = start_all(stack, good, proxied)
        for number in range(rounds):
            for outcome in outcomes[number % len(outcomes) :] + outcomes[: number % len(outcomes)]:
                say(f"{row.key}: round {number + 1} of {rounds}, {outcome.server}")
                if not outcome.failure:
                    one_round(row, outcome, *started[outcome.server], seconds)
    return RowResult(row.key, row.title, row.unit, row.by_rate, outcomes + bad)

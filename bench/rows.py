"""The work that is measured, one row of the tables each, and what netcore is to reach there."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """Work for the load generator. `goals` are ratios to the C server: upper bounds for CPU, lower ones for a rate."""

    key: str
    title: str
    mode: str
    options: tuple[object, ...]
    unit: str = "message"
    by_rate: bool = False
    goals: dict[str, float] = field(default_factory=dict)


BOTH = {"data": 1.10, "pipe": 1.03}
BULK = {"data": 1.10, "pipe": 1.00}
DEEP = ("-c", 100, "-s", 64, "-d", 16)
ONE, EIGHT = ("-c", 1, "-s", 65536), ("-c", 8, "-s", 65536)
SHORT = ("-c", 32, "-s", 64)

ECHO_ROWS = (
    Row("echo-10", "echo 1 KiB, 10 connections", "echo", ("-c", 10), goals=BOTH),
    Row("echo-100", "echo 1 KiB, 100 connections", "echo", ("-c", 100), goals=BOTH),
    Row("pipelined", "pipelined 64 B, depth 16, 100 connections", "echo", DEEP, goals={"data": 1.05}),
    Row("bulk-1", "bulk echo, 64 KiB writes, 1 connection", "bulk", ONE, "MiB", goals=BULK),
    Row("bulk-8", "bulk echo, 64 KiB writes, 8 connections", "bulk", EIGHT, "MiB", goals=BULK),
    Row("connect", "connect, echo 64 B, half-close, close", "connect", SHORT, "connection", goals={"data": 1.20}),
    Row("idle-5000", "echo 1 KiB, 100 active among 5,000 idle", "echo", ("-c", 100, "-i", 5000), goals={"data": 1.10}),
)

PROXY_ROWS = (
    Row("proxy-50", "proxy, echo 1 KiB, 50 connections", "echo", ("-c", 50), goals={"": 1.05}),
    Row("proxy-bulk-1", "proxy, bulk, 64 KiB writes, 1 connection", "bulk", ONE, "MiB", goals={"": 0.95}),
    Row("proxy-bulk-8", "proxy, bulk, 64 KiB writes, 8 connections", "bulk", EIGHT, "MiB", goals={"": 1.00}),
    Row("proxy-connect", "proxy, connections a second", "connect", SHORT, "connection", True, goals={"": 0.85}),
)


def goal(row: Row, server: str) -> float | None:
    """What this server is to reach on this row; only netcore has goals."""
    if not server.startswith("netcore"):
        return None
    return row.goals.get(server.removeprefix("netcore").strip(), row.goals.get(""))

"""What importing costs, over a bare interpreter."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from rounds import median

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

MODULES = ("netcore", "asyncio", "uvloop", "rloop")


def seconds_of(code: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    return time.perf_counter() - begin


def section(options: argparse.Namespace, say: Callable[[str], None]) -> list[str]:
    """The table for the report: bare and importing interpreters in turn, differences of each pair."""
    say("import time")
    lines = ["## Import time over a bare interpreter", ""]
    lines += ["| module | ms, median (lowest to highest) | goal |", "|---|---|---|"]
    for name in filter(importlib.util.find_spec, MODULES):
        seconds_of(f"import {name}")
        pairs = [(seconds_of("pass"), seconds_of(f"import {name}")) for _ in range(max(3, 2 * options.rounds))]
        costs = [1e3 * (loaded - bare) for bare, loaded in pairs]
        aim = f"at most 25: {'yes' if median(costs) <= 25 else 'no'}" if name == "netcore" else ""
        lines.append(f"| {name} | {median(costs):.1f} ({min(costs):.1f} to {max(costs):.1f}) | {aim} |")
    return [*lines, ""]

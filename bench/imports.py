"""What importing costs over a bare interpreter, in processor time: importing consists of it, and it is less noisy."""

from __future__ import annotations

import importlib.util
import os
import site
import sys
from typing import TYPE_CHECKING

from rounds import median

from tools import ROOT, BenchError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

MODULES = ("netcore", "asyncio", "uvloop", "rloop")


PATHS = [str(ROOT), *site.getsitepackages()]


def seconds_of(code: str) -> float:
    """Processor time of an interpreter that runs this and ends. It goes without `site`, since what an editable install
    brings in there would hide what the module needs itself."""
    code = f"import os, sys; sys.path += {PATHS}; {code}"
    pid = os.posix_spawn(sys.executable, [sys.executable, "-S", "-c", code], os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise BenchError(f"python -c {code!r} failed")
    return usage.ru_utime + usage.ru_stime


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

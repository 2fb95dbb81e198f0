"""How large the wheels are, ours built here and those of the peers as the index has them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools import ROOT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

PEERS = ("uvloop", "rloop")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def size_of(command: list[str]) -> float | None:
    """MB of the wheel that this pip command leaves in the folder appended to it, or None when there is none."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*PIP, *command, folder], cwd=ROOT, capture_output=True, timeout=600, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        return wheels[0].stat().st_size / 1e6 if not done.returncode and wheels else None


def section(_options: argparse.Namespace, say: Callable[[str], None]) -> list[str]:
    """The table for the report."""
    say("wheel sizes")
    commands = {"netcore": ["wheel", "--no-deps", "--no-build-isolation", ".", "--wheel-dir"]}
    commands |= {name: ["download", "--no-deps", "--only-binary", ":all:", name, "--dest"] for name in PEERS}
    lines = ["## Wheel size", "", "| wheel | MB | goal |", "|---|---|---|"]
    for name, command in commands.items():
        size = size_of(command)
        aim = f"at most 1: {'yes' if size and size <= 1 else 'no'}" if name == "netcore" else ""
        lines.append(f"| {name} | {f'{size:.2f}' if size else 'not available'} | {aim} |")
    return [*lines, ""]

"""What the tools for other systems and interpreters say before they begin, and how they end."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
pytestmark = pytest.mark.timeout(120)  # they look at every interpreter of the machine


def ended(tool: str, *arguments: str) -> tuple[int, str, str]:
    """The status, and what was written to standard output and error."""
    command = [sys.executable, TOOLS / f"{tool}.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "tool", ["wheels", "windows", "all_pythons", "free_threaded", "more_pythons", "musl", "cross_core"]
)
def test_a_tool_says_what_it_is_for(tool: str) -> None:
    status, said, _ = ended(tool, "--help")
    assert status == 0
    assert said.startswith(f"usage: {tool}.py")


@pytest.mark.parametrize(
    ("tool", "arguments", "known"),
    [
        ("wheels", ["--only", "manylinux_x86_64,wrong"], "musllinux_aarch64"),
        ("wheels", ["--versions", "wrong"], "3.11"),
        ("all_pythons", ["--versions", "3.11,wrong"], "3.11"),
        ("windows", ["--version", "wrong"], "3.12"),
        ("free_threaded", ["--version", "wrong"], "3.14t"),
        ("more_pythons", ["3.14", "wrong"], "3.13t-tsan"),
        ("musl", ["wrong"], "aarch64"),
        ("cross_core", ["wrong"], "aarch64-macos"),
    ],
)
def test_a_name_that_a_tool_does_not_know_is_told_with_those_it_knows(
    tool: str, arguments: list[str], known: str
) -> None:
    status, _, said = ended(tool, *arguments)
    assert status == 2
    last = said.splitlines()[-1]
    assert "'wrong'" in last
    assert known in last


@pytest.mark.parametrize(("statuses", "status"), [((0, -11, 0), 1), ((0, 5, 0), 1), ((0, 0, 0), 0)])
def test_one_interpreter_that_fails_or_crashes_makes_all_fail(statuses: tuple[int, ...], status: int) -> None:
    """A process that a signal ended has a negative status."""
    code = (
        f"import sys; sys.path.insert(0, {str(TOOLS)!r}); sys.argv = ['all_pythons']; import all_pythons, pythons\n"
        f"statuses = iter({statuses})\n"
        "pythons.installed = lambda: dict.fromkeys(('3.11', '3.12', '3.13'))\n"
        "all_pythons.test = lambda version, arguments: next(statuses)\n"
        "sys.exit(all_pythons.main())"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == status

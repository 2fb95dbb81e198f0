"""The types of netcore, as type checkers see them: a program that is right, lines that are wrong, and the stubs beside
what is there at run time."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHECKERS = {
    "mypy": ["-m", "mypy", "--strict", "--no-error-summary"],
    "pyright": ["-m", "pyright"],
}


def python(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=150
    )


def complaints(checker: str, name: str) -> set[int]:
    """The lines of a file here that a type checker finds an error on."""
    done = python(*CHECKERS[checker], HERE / name)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return {int(line) for line in re.findall(rf"{name}:(\d+)(?::\d+)?(?: -|:) error", done.stdout)}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_program_that_uses_everything_is_accepted(checker: str) -> None:
    assert complaints(checker, "user.py") == set()


def test_the_program_that_is_accepted_runs() -> None:
    done = python(HERE / "user.py")
    assert done.stdout.endswith("done\n"), done.stderr


@pytest.mark.timeout(200)
@pytest.mark.parametrize("checker", CHECKERS)
def test_wrong_lines_are_rejected_and_no_others(checker: str) -> None:
    source = (HERE / "rejected.py").read_text().splitlines()
    wrong = {number for number, line in enumerate(source, 1) if line.endswith("# rejected")}
    assert complaints(checker, "rejected.py") == wrong


@pytest.mark.timeout(200)
def test_the_stubs_say_what_is_there_at_run_time(tmp_path: Path) -> None:
    (tmp_path / "allowed").write_text(r"netcore\._core\..*\.__(test__|pyx_capi__)")
    done = python("-m", "mypy.stubtest", "netcore", "--allowlist", tmp_path / "allowed", "--ignore-unused-allowlist")
    assert done.returncode == 0, done.stdout


def test_the_stubs_are_completed_by_their_tool() -> None:
    done = python(ROOT / "tools" / "stubs.py", "--check")
    assert done.returncode == 0, done.stdout

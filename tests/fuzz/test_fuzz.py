"""A short run of the fuzz targets under the address and undefined-behaviour sanitizers.

Where clang is at hand, libFuzzer searches for SECONDS from the corpus on; other compilers run each target over the corpus
and over a fixed number of random changes of it. `NETCORE_FUZZ_SECONDS=600 pytest tests/fuzz` is a real search; what it
finds is left in the current folder, and its input is worth a place in the corpus.
"""

import os
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "csrc"
SOURCES = [
    *sorted((CORE / "core").glob("address*.c")),
    *sorted((CORE / "core").glob("blocklist*.c")),
    *[CORE / "port" / name for name in ("posix_os.c", "posix_errno.c", "lookup.c", "sockaddr.c")],
]
SECONDS = int(os.environ.get("NETCORE_FUZZ_SECONDS", "5"))
ROUNDS = 20_000
FLAGS = ["-std=c11", "-g", "-O1", "-fno-sanitize-recover=all", "-pthread", f"-I{CORE}", f"-I{CORE / 'include'}"]


@cache
def fuzzer() -> str | None:
    """A clang that has libFuzzer's library, if there is one."""
    clang = next(filter(None, map(shutil.which, ("clang", "clang-19", "clang-14"))), None)
    if clang is None:
        return None
    question = [clang, "-fsanitize=fuzzer", "-x", "c", "-", "-o", "/dev/null"]
    target = "int LLVMFuzzerTestOneInput(const char *d, long n) { return d == 0 && n != 0; }"
    return clang if subprocess.run(question, input=target.encode(), capture_output=True).returncode == 0 else None


def build(program: Path, compiler: list[str], sanitizers: str, files: list[Path]) -> None:
    command = [*compiler, *FLAGS, f"-fsanitize={sanitizers}", *files, *SOURCES, "-o", program]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("target", ["address", "rules"])
def test_no_input_breaks_the_parsers_or_the_list(target: str, tmp_path: Path) -> None:
    program, corpus = tmp_path / target, HERE / "corpus" / target
    inputs = sorted(map(str, corpus.iterdir()))
    assert inputs
    clang = fuzzer()
    if clang is not None:
        found = tmp_path / "found"
        found.mkdir()
        build(program, [clang], "fuzzer,address,undefined", [HERE / f"fuzz_{target}.c"])
        command = [program, f"-max_total_time={SECONDS}", "-max_len=512", "-print_final_stats=1", found, corpus]
    else:
        compiler = shlex.split(os.environ.get("CC", "cc"))
        build(program, compiler, "address,undefined", [HERE / f"fuzz_{target}.c", HERE / "replay.c"])
        command = [program, str(ROUNDS), *inputs]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS + 60)
    assert done.returncode == 0, done.stderr[-4000:]

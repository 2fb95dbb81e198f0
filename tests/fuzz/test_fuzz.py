"""A short run of the fuzz targets under the address and undefined-behaviour sanitizers.

With the compiler at hand each target runs over its corpus and over a fixed number of random changes of it. For a real
search, with clang and libFuzzer:

    clang -g -O1 -fsanitize=fuzzer,address,undefined -Icsrc -Icsrc/include tests/fuzz/fuzz_address.c csrc/base/*.c \\
        csrc/core/address*.c csrc/core/blocklist*.c -o fuzz_address && ./fuzz_address tests/fuzz/corpus/address
"""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "csrc"
SOURCES = [*sorted((CORE / "core").glob("address*.c")), *sorted((CORE / "core").glob("blocklist*.c"))]
ROUNDS = os.environ.get("NETCORE_FUZZ_ROUNDS", "20000")


@pytest.mark.parametrize("target", ["address", "rules"])
def test_no_input_breaks_the_parsers_or_the_list(target, tmp_path):
    program = tmp_path / target
    compiler = shlex.split(os.environ.get("CC", "cc"))
    flags = ["-std=c11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    files = [HERE / f"fuzz_{target}.c", HERE / "replay.c", *SOURCES]
    command = [*compiler, *flags, f"-I{CORE}", f"-I{CORE / 'include'}", *files, "-o", program]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    corpus = sorted((HERE / "corpus" / target).iterdir())
    assert corpus
    done = subprocess.run([program, ROUNDS, *corpus], capture_output=True, text=True, check=False, timeout=55)
    assert done.returncode == 0, done.stderr[-4000:]

"""What csrc/Makefile makes anew, and what it leaves as it is."""

import subprocess
from pathlib import Path

import pytest

import build


@pytest.mark.parametrize("other", ["CPPFLAGS=-DOTHER='a b'", "CFLAGS=-O0", "LDLIBS=-lother"])
def test_what_was_made_with_other_words_is_made_again(other: str, tmp_path: Path) -> None:
    def compiles(*variables: str) -> bool:
        command = ["make", "-C", build.CORE, f"BUILD={tmp_path}", *variables, tmp_path / "base" / "heap.o"]
        return " -c -o " in subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert [compiles(), compiles()] == [True, False]
    assert [compiles(other), compiles(other)] == [True, False]
    assert compiles()

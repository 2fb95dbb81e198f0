"""The conventions of CONTRIBUTING.md and ARCHITECTURE.md that a program can check."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "csrc"
C_FILES = sorted(CORE.rglob("*.[ch]"))
LONGEST_FUNCTION = 70  # lines

# What files of a folder may include, of ours.
MAY_INCLUDE = {
    "include": ("netcore/",),
    "base": ("netcore/status.h", "base/"),
    "port": ("netcore/", "base/", "port/"),
    "core": ("netcore/", "base/", "port/", "core/"),
    "engine": ("base/", "port/", "core/", "engine/"),
}
# The C library's, and those of compilers.
STANDARD_HEADERS = {
    *("assert", "ctype", "inttypes", "limits", "stdatomic", "stdbool", "stddef", "stdint", "stdio", "stdlib", "string"),
    *("emmintrin", "intrin"),
}
PLATFORM = re.compile(r"#\s*(?:el)?if.*\b(?:__linux__|__APPLE__|_WIN32|__\w*BSD__|__unix__)")


def folder_of(file: Path) -> str:
    return file.relative_to(CORE).parts[0]


def shown(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", C_FILES, ids=shown)
def test_includes_point_down_only(file: Path) -> None:
    allowed = MAY_INCLUDE[folder_of(file)]
    ours = re.findall(r'#include "(.*?)"', file.read_text())
    assert [name for name in ours if not name.startswith(allowed)] == []


@pytest.mark.parametrize("file", [file for file in C_FILES if folder_of(file) != "port"], ids=shown)
def test_only_the_port_knows_of_systems(file: Path) -> None:
    text = file.read_text()
    headers = set(re.findall(r"#include <(.*?)\.h>", text))
    assert headers <= STANDARD_HEADERS
    assert PLATFORM.findall(text) == []


def test_python_is_unknown_to_the_core() -> None:
    assert [shown(file) for file in C_FILES if "Python.h" in file.read_text().replace("no Python.h", "")] == []


def test_every_c_file_is_in_the_list_of_sources() -> None:
    listed = set(re.findall(r"\w+/\w+\.c", (CORE / "sources.mk").read_text()))
    assert listed == {file.relative_to(CORE).as_posix() for file in CORE.rglob("*.c")}


def functions(text: str) -> list[tuple[str, int]]:
    """The functions of a C file with how many lines they have."""
    found = re.finditer(
        r"^(?!typedef|struct|enum|union|static const|#)\w[^;{}=]*?(\w+)\([^;{}]*\) \{\n(.*?)^\}", text, re.M | re.S
    )
    return [(match[1], match[0].count("\n") + 1) for match in found]


@pytest.mark.parametrize("file", [file for file in C_FILES if file.suffix == ".c"], ids=shown)
def test_functions_of_the_core_are_short(file: Path) -> None:
    assert [found for found in functions(file.read_text()) if found[1] > LONGEST_FUNCTION] == []


@pytest.mark.parametrize("header", sorted(CORE.glob("include/netcore/*.h")), ids=shown)
def test_every_public_declaration_has_a_contract(header: Path) -> None:
    """One comment may stand above a few declarations that follow each other without a blank line."""
    silent = []
    for paragraph in header.read_text().split("\n\n"):
        declared = re.findall(r"^[\w ]+[ *](nc_\w+)\(", paragraph, re.M)
        if declared and "/*" not in paragraph:
            silent += declared
    assert silent == []


def test_the_core_has_no_writable_globals_and_exports_its_own_names_only(tmp_path: Path) -> None:
    build = tmp_path / "core"
    subprocess.run(["make", "--silent", "-C", str(CORE), f"BUILD={build}"], check=True)
    listing = subprocess.check_output(["nm", "--defined-only", "--format=sysv", build / "libnetcore.a"], text=True)
    symbols = [[cell.strip() for cell in line.split("|")] for line in listing.splitlines() if line.count("|") == 6]
    assert len(symbols) > 300
    assert [name for name, *_, section in symbols if section.startswith((".bss", "*COM*")) or section == ".data"] == []
    assert [name for name, _, kind, *_ in symbols if kind.isupper() and not name.startswith("nc_")] == []


@pytest.mark.parametrize(
    ("compiler", "foreign"),
    [
        (("clang", "-Wgnu"), "kqueue|iocp|win_"),
        (("x86_64-w64-mingw32-gcc",), "kqueue|epoll|posix|readiness"),
    ],
    ids=["epoll", "iocp"],
)
def test_the_core_is_plain_c11(compiler: tuple[str, ...], foreign: str) -> None:
    """Compilers that know no GNU extensions, Microsoft's above all, have to take it as well."""
    files = [file for file in C_FILES if file.suffix == ".c" and not re.search(foreign, file.name)]
    assert len(files) > 30
    options = ["-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wvla", "-Werror", "-I.", "-Iinclude"]
    subprocess.run([*compiler, *options, *files], cwd=CORE, check=True)

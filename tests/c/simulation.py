"""Builds the core over the simulated port: as a module for cffi, and as a program under a sanitizer."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import cffi

ROOT = Path(__file__).parents[2]
HERE = ROOT / "tests/c"
BUILD = ROOT / "build/sim"


def core_files() -> list[Path]:
    """The core without its port, and the two files of the port that the simulation leaves real."""
    table = (ROOT / "csrc/sources.mk").read_text()
    names = re.search(r"^COMMON :?= *((?:.*\\\n)*.*)$", table, re.M)
    assert names is not None
    common = names[1].replace("\\\n", " ").split()
    return [
        ROOT / "csrc" / name
        for name in [*common, "port/lookup.c", "port/posix_errno.c", "port/posix_os.c", "port/sockaddr.c"]
    ]


def simulation_files() -> list[Path]:
    return [HERE / "sim_driver.c", HERE / "sim_port.c", *core_files()]


def include_dirs() -> list[str]:
    return [str(ROOT / "csrc"), str(ROOT / "csrc/include"), str(HERE)]


HEADERS = ["netcore/netcore.h", "base/heap.h", "base/slab.h", "sim_port.h", "sim_driver.h"]
INCLUDES = "".join(f'#include "{header}"\n' for header in HEADERS)


def compiler() -> list[str]:
    return (os.environ.get("CC") or sysconfig.get_config_var("CC")).split()


def declarations() -> str:
    """What our own headers declare, as cffi reads it: without the system's, and without bodies."""
    command = [*compiler(), "-E", *(f"-I{path}" for path in include_dirs()), "-x", "c", "-"]
    text = subprocess.run(command, input=INCLUDES, capture_output=True, text=True, check=True).stdout
    kept, ours = [], False
    for line in text.splitlines():
        marker = re.match(r'# \d+ "(.*?)"', line)
        if marker:
            ours = Path(marker[1]).is_relative_to(ROOT)
        elif ours:
            kept.append(line)
    return re.sub(r"^static inline .*?^}$", "", "\n".join(kept), flags=re.M | re.S)


def build_module() -> str:
    """The path of a cffi module `_sim`: the core and its simulated port, with all that their headers declare."""
    ffi = cffi.FFI()
    ffi.cdef(declarations())
    ffi.set_source(
        "_sim",
        INCLUDES,
        sources=[str(path) for path in simulation_files()],
        include_dirs=include_dirs(),
        extra_compile_args=["-std=c11", "-O2", "-g"],
        extra_link_args=["-pthread"],
    )
    return ffi.compile(tmpdir=str(BUILD))


def build_program(sanitizers: str) -> Path:
    """A program that runs schedules under `sanitizers`, as `-fsanitize=` takes them."""
    program = BUILD / f"sim-{sanitizers.replace(',', '-')}"
    program.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            *compiler(),
            *("-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"),
            *(f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
            *(f"-I{path}" for path in include_dirs()),
            *("-o", str(program), str(HERE / "sim_main.c")),
            *(str(path) for path in simulation_files()),
        ],
        check=True,
    )
    return program

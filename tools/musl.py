"""musl, the C library of Alpine Linux, beside this machine's own; and the C core's tests on it: `make test-musl`.

It is Debian's package, unpacked into .cache. Programs made by its compiler name the loader that lies there, so they run
without anything being installed.
"""

import re
import subprocess
import sys
from pathlib import Path

import packages
import sources
from pythons import CACHE, MAKE_OPTIONS, ROOT, run

FOLDER = CACHE / "musl"
LIBRARIES = "lib/x86_64-linux-musl"
# CPython takes the answer to the question for the name of the platform, and asks nobody if there is none.
COMPILER = """#!/bin/sh
[ "$1" = --print-multiarch ] || exec gcc -specs {specs} -L{libraries} "$@"
"""


def compiler() -> Path:
    """GCC for musl."""
    root = packages.unpack(FOLDER / "debian", ["musl-tools"], "amd64")
    theirs = (root / "usr" / LIBRARIES / "musl-gcc.specs").read_text()
    specs, command = FOLDER / "gcc.specs", FOLDER / "musl-gcc"
    specs.write_text(re.sub(r"(?<=[ L])/(?=(usr/)?(lib|include)/)", f"{root}/", theirs))
    command.write_text(COMPILER.format(specs=specs, libraries=root / LIBRARIES))
    command.chmod(0o755)
    return command


def zlib(folder: Path) -> Path:
    """Makes the static library, which lies beside its header then. No wheel is read without it."""
    tree = sources.unpack("zlib", sources.STABLE, folder)
    options = {"cwd": tree, "stdout": subprocess.DEVNULL}
    run(["env", f"CC={compiler()}", "CFLAGS=-O2 -fPIC", "./configure", "--static"], **options)
    run(["make", *MAKE_OPTIONS, "libz.a"], **options)
    return tree / "libz.a"


def configuration(folder: Path) -> list[str]:
    """What CPython's configure is told. What else it needs is made in `folder`; what this machine has is not for musl."""
    library = zlib(folder)
    return [f"CC={compiler()}", "PKG_CONFIG=false", f"ZLIB_CFLAGS=-I{library.parent}", f"ZLIB_LIBS={library}"]


def main() -> int:
    make = ["make", *MAKE_OPTIONS, "-C", ROOT / "csrc", f"CC={compiler()}", f"BUILD={ROOT / 'build' / 'core' / 'musl'}"]
    run([*make, "check"])
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Compiles and links the C core and its C tests for systems that are not here: `make cross-core`."""

import argparse
import sys

import pythons
from pythons import MAKE_OPTIONS, ROOT, run

TARGETS = (
    "aarch64-macos",
    "x86_64-macos",
    "x86_64-freebsd",
    "x86_64-openbsd",
    "x86_64-netbsd.11.0",
    "aarch64-windows-gnu",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", type=pythons.one_of(TARGETS), help=f"of {', '.join(TARGETS)}")
    options = parser.parse_args()
    zig = pythons.zig()
    for target in options.targets or TARGETS:
        port = "iocp" if "windows" in target else "kqueue"
        variables = [f"PORT={port}", f"CC={zig} cc -target {target}", f"AR={zig} ar", f"BUILD=../build/core/{target}"]
        run(["make", *MAKE_OPTIONS, "-C", ROOT / "csrc", *variables, "tests"], env=pythons.with_zig())
        print(f"{target}: compiled and linked", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The core, its C tests and the binding in Microsoft's dialect of C: `python tools/msvc.py`.

clang defines what Microsoft's compiler does, and nothing of GNU's or its own; the headers that it reads are Wine's,
which are shaped like Microsoft's (Debian's libwine-dev). What comes out is linked by mingw to Windows' C library, so that
tools/windows.py can run the tests. What the true compiler refuses beyond that, only the workflows find.
"""

import shutil
import sys
from pathlib import Path

import pythons
from pythons import MAKE_OPTIONS, ROOT, run

HEADERS = Path("/usr/include/wine/wine")
BUILD = ROOT / "build" / "core" / "msvc"
BINDING = ROOT / "build" / "cython" / "src" / "netcore" / "_core"
LINKER = "x86_64-w64-mingw32-gcc"
# Visual Studio 2022, and the C library that mingw links.
CLANG = ["clang", "--target=x86_64-pc-windows-msvc", "-fms-compatibility-version=19.40", "-D_MSVCR_VER=0"]
# These macros choose ways that Microsoft's compiler does not go.
CLANG += ["-U__clang__", "-U__SSE2__"]
# After clang's own headers, of which that of the intrinsics is the better one.
CLANG += ["-nostdlibinc", "-idirafter", f"{HEADERS}/msvcrt", "-idirafter", f"{HEADERS}/windows"]
# The function that looks at a large frame's pages goes by another name there.
LINKER_FLAGS = "-Wl,--defsym=__chkstk=___chkstk_ms"


def missing() -> list[str]:
    """What has to be installed here, in a line if it is anything."""
    found = {tool: shutil.which(tool) for tool in ("clang", LINKER, "x86_64-w64-mingw32-ar")} | {
        HEADERS: HEADERS.exists()
    }
    names = ", ".join(str(name) for name, there in found.items() if not there)
    return [f"msvc: {names} not found; apt-get install clang libwine-dev gcc-mingw-w64-x86-64-win32"] if names else []


def build_core() -> list[Path]:
    """The C test programs, compiled and linked."""
    if lines := missing():
        sys.exit(*lines)
    supplement = f"CPPFLAGS=-include {ROOT}/tools/wine_lacks.h"
    tools = [f"CC={' '.join(CLANG)}", "AR=x86_64-w64-mingw32-ar", f"LINK={LINKER}", f"LDFLAGS={LINKER_FLAGS}"]
    run(["make", *MAKE_OPTIONS, "-C", ROOT / "csrc", "PORT=iocp", f"BUILD={BUILD}", *tools, supplement, "tests"])
    return sorted((BUILD / "tests").glob("*.exe"))


def check_binding(version: str) -> int:
    """Compiles what Cython has made for this machine, against the headers of a Windows Python; how many files."""
    sources = sorted(BINDING.glob("*.c"))
    if not sources:
        sys.exit("msvc: nothing of the binding is built yet; make build")
    folders = ["csrc", "csrc/include", "src/netcore/_core"]
    include = ["-isystem", pythons.windows(version) / "include", *[f"-I{folder}" for folder in folders]]
    run([*CLANG, *include, "-std=c11", "-Werror", "-fsyntax-only", *sources], cwd=ROOT)
    return len(sources)


def main() -> int:
    programs = build_core()
    print(f"Microsoft's dialect: core and {len(programs)} test programs compiled and linked")
    print(f"Microsoft's dialect: {check_binding(pythons.WINDOWS[1])} files of the binding compiled")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What is in a wheel: tags, size, files, and the symbols of its native image.

    python tools/contents.py IMAGE

The command is what an interpreter with LIEF runs, which reads the formats of all systems.
"""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pythons
from cross import Target
from pythons import CACHE

SIZE_MAX = 1024 * 1024
WANTED = ("netcore/__init__.py", "netcore/py.typed", "netcore/_core/__init__.py", "netcore/_core/socket.pyi")
LINKERS_OWN = {"__mh_dylib_header", "___dso_handle", "dyld_stub_binder", "dyld_private"}  # on macOS


class Problem(Exception):
    pass


def check(wheel: Path, target: Target, version: str) -> str:
    """Says what was found, or raises what is wrong."""
    check_tags(wheel.name, target, version)
    size = wheel.stat().st_size
    if size > SIZE_MAX:
        raise Problem(f"it has {size:,} bytes")
    with zipfile.ZipFile(wheel) as content:
        image = check_files(content.namelist())
        unpacked = Path(content.extract(image, CACHE / "cross" / "look"))
    return f"{size // 1024} KiB, {check_symbols(unpacked)} symbols"


def check_tags(name: str, target: Target, version: str) -> None:
    abi = f"cp{version.replace('.', '')}"
    python = abi.removesuffix("t")
    platform = target.tag or target.platform.replace("-", "_").replace(".", "_")
    if f"-{python}-{abi}-" not in name or platform not in name:
        raise Problem(f"its tags are wrong: {name}")


def check_files(names: list[str]) -> str:
    """Answers the name of the native image."""
    images = [name for name in names if re.search(r"\.(so|pyd|dylib|dll)$", name)]
    if len(images) != 1 or not images[0].startswith("netcore/_core/_native"):
        raise Problem(f"its native images are {images}")
    missing = [name for name in WANTED if name not in names]
    if missing:
        raise Problem(f"{missing[0]} is missing")
    own = re.compile(r"netcore/.*\.(py|pyi|typed|so|pyd|h|pxd)$|netcore_engine-[^/]*\.dist-info/")
    strays = [name for name in names if not name.endswith("/") and not own.match(name)]
    if strays:
        raise Problem(f"it contains {strays[:3]}")
    return images[0]


def check_symbols(image: Path) -> int:
    """Modules' entry points are all it may offer; and it carries no symbols that only a debugger reads."""
    told = subprocess.run([pythons.tools(), __file__, image], capture_output=True, text=True, check=True)
    local, *offered = told.stdout.split()
    foreign = [name for name in offered if not name.lstrip("_").startswith("PyInit_")]
    if foreign or not offered:
        raise Problem(f"it offers {foreign[:3] or 'nothing'}")
    if int(local):
        raise Problem(f"it is not stripped: {local} symbols beyond those it offers and uses")
    return len(offered)


def read_symbols(image: str) -> tuple[int, list[str]]:
    """How many symbols serve neither loading nor linking, and which ones are offered."""
    import lief  # only there in the environment of the tools

    binary = lief.parse(image)
    if isinstance(binary, lief.PE.Binary):
        return len(binary.symbols), [entry.name for entry in binary.get_export().entries]
    if isinstance(binary, lief.ELF.Binary):
        local = len(list(binary.symtab_symbols))
        return local, [symbol.name for symbol in binary.exported_symbols]
    offered = [symbol.name for symbol in binary.exported_symbols if symbol.name not in LINKERS_OWN]
    used = {symbol.name for symbol in binary.imported_symbols} | set(offered) | LINKERS_OWN
    others = {symbol.name for symbol in binary.symbols} - used
    return len([name for name in others if not name.endswith("__thunk")]), offered


if __name__ == "__main__":
    count, names = read_symbols(sys.argv[1])
    print(count, *names)

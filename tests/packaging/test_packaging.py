"""What is handed out, and what is said where it cannot be used.

The compiler here is one that takes the image that is built already: what is in a package does not depend on it.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = next((ROOT / "netcore" / "_core").glob("_native.*.so"))
ONLY_FOR_DEVELOPMENT = re.compile(r"\.|bench/")
MADE_BY_SETUPTOOLS = re.compile(r"PKG-INFO|setup\.cfg|netcore_engine\.egg-info/")
COMPILER = f"""#!/bin/sh
while [ "$1" != -o ]; do shift; done
case "$2" in *.so) cp {IMAGE} "$2" ;; *) : > "$2" ;; esac
"""
pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refusal(*command: str | Path, **options: object) -> str:
    """The last of what a command says that fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode != 0
    return done.stderr.splitlines()[-1]


def tracked() -> set[str]:
    return set(run("git", "ls-files", "-z", cwd=ROOT).strip("\0").split("\0"))


def put_made_c(tree: Path) -> None:
    """Saves Cython its work, by telling it that it is done."""
    made = tree / "build" / "cython"
    shutil.copytree(ROOT / "build" / "cython", made)
    later = (tree / "setup.py").stat().st_mtime + 10**9
    for file in made.rglob("*.c"):
        os.utime(file, (later, later))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    compiler = tmp_path_factory.mktemp("compiler") / "cc"
    compiler.write_text(COMPILER)
    compiler.chmod(0o755)
    return dict(os.environ, CC=str(compiler), LDSHARED=str(compiler), PIP_DISABLE_PIP_VERSION_CHECK="1")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source, among things that lie about where somebody works."""
    place = tmp_path_factory.mktemp("tree")
    for name in tracked():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name)
    put_made_c(place)
    for stray in (
        "tests/python/__pycache__/x.cpython-311.pyc",
        "netcore/_core/_native.cpython-311.so",
        "csrc/core/x.o",
    ):
        (place / stray).parent.mkdir(exist_ok=True)
        (place / stray).touch()
    return place


@pytest.fixture(scope="module")
def sdist(tree: Path, environment: dict[str, str]) -> Path:
    run(sys.executable, "-c", "import setuptools.build_meta as b; b.build_sdist('dist')", cwd=tree, env=environment)
    return next((tree / "dist").glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist, with what that asks for and no index to get more from."""
    place = tmp_path_factory.mktemp("wheel")
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    pip = (sys.executable, "-m", "pip", "--quiet")
    run(*pip, "download", "--only-binary=:all:", "--dest", place / "needed", *needed, env=environment)
    run("tar", "-xf", sdist, "-C", place)
    source = place / sdist.name.removesuffix(".tar.gz")
    put_made_c(source)
    run(
        *pip,
        "wheel",
        "--no-index",
        "--no-deps",
        "--find-links",
        place / "needed",
        "--wheel-dir",
        place,
        source,
        env=environment,
    )
    return next(place.glob("*.whl"))


def test_the_sdist_has_what_is_under_version_control_and_no_more(sdist: Path) -> None:
    with tarfile.open(sdist) as tar:
        names = {member.name.partition("/")[2] for member in tar.getmembers() if member.isfile()}
    assert {name for name in names if not MADE_BY_SETUPTOOLS.match(name)} == {
        name for name in tracked() if not ONLY_FOR_DEVELOPMENT.match(name)
    }


def test_a_wheel_of_the_sdist_has_the_files_of_one_of_the_tree(
    tree: Path, wheel: Path, environment: dict[str, str]
) -> None:
    run(sys.executable, "-c", "import setuptools.build_meta as b; b.build_wheel('dist')", cwd=tree, env=environment)
    of_tree = next((tree / "dist").glob("*.whl"))
    assert of_tree.name == wheel.name
    assert sorted(zipfile.ZipFile(of_tree).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_a_wheel_is_installed_and_used_without_a_compiler(wheel: Path, tmp_path: Path) -> None:
    nothing = dict(PATH=str(tmp_path), CC="/none", PYTHONPATH=str(tmp_path / "there"))
    options = ["--quiet", "--no-index", "--no-deps", "--target", tmp_path / "there"]
    run(
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        *options,
        wheel,
        env=nothing,
        cwd=tmp_path,
    )
    code = "import netcore; print(netcore.__file__, netcore.isIP('::1'))"
    assert run(sys.executable, "-c", code, env=nothing, cwd=tmp_path).split() == [
        str(tmp_path / "there" / "netcore" / "__init__.py"),
        "6",
    ]


@pytest.mark.parametrize("other", ["", "_native.cp399-win_amd64.pyd"])
def test_importing_without_a_core_for_the_interpreter_says_so_in_one_line(other: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "netcore", tmp_path / "netcore", ignore=shutil.ignore_patterns("*.so"))
    if other:
        (tmp_path / "netcore" / "_core" / other).touch()
    assert refusal(sys.executable, "-c", "import netcore", cwd=tmp_path) == (
        f"ImportError: netcore has no compiled core for cpython {sys.version.split()[0]} on {sys.platform}: "
        f"it would be {IMAGE.name}, and there is {other or 'none'}"
    )


@pytest.mark.parametrize(
    ("interpreter", "platform"),
    [("cpython", "solaris-2.11-sun4v"), ("cpython", "emscripten"), ("pypy", "linux-x86_64")],
)
def test_building_for_what_there_is_no_core_for_says_so_in_one_line(interpreter: str, platform: str) -> None:
    code = (
        "import runpy, sys, setuptools, Cython.Build\n"
        f"sys.implementation.name = {interpreter!r}\n"
        "sys.argv = ['setup.py', 'build']\n"
        "runpy.run_path('setup.py', run_name='__main__')\n"
    )
    environment = dict(os.environ, _PYTHON_HOST_PLATFORM=platform)
    assert refusal(sys.executable, "-c", code, cwd=ROOT, env=environment) == (
        "netcore needs CPython on Linux, macOS, FreeBSD, OpenBSD, NetBSD or Windows; "
        f"this is {interpreter} on {platform}"
    )


def test_building_with_a_port_that_there_is_not_says_so_in_one_line() -> None:
    environment = dict(os.environ, NETCORE_PORT="poll")
    assert refusal(sys.executable, "setup.py", "build", cwd=ROOT, env=environment) == (
        "NETCORE_PORT is epoll, kqueue or iocp, not poll"
    )

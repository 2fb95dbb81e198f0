"""Builds the one native image of netcore.

Every module of the binding is a Cython module of its own, with its own ``.pxd``; all of them, and the C core, are
linked into a single extension, so that the core's code exists once and the modules share its state. The image bears
the name of one real module (``_native``); ``netcore/_core/__init__.py`` loads the others out of the same file.
"""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count, environ
from pathlib import Path
from sysconfig import get_platform

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
BINDING = Path("src/netcore/_core")
CORE = Path("csrc")
CYTHON = Path("build/cython")  # what Cython makes
LAYERS = re.findall(
    r'"(\w+)"', re.search(r"LAYERS = \((.*?)\)", (HERE / "netcore/_core/__init__.py").read_text(), re.S)[1]
)


def core_sources(platform: str) -> list[str]:
    """The C files to compile of the core for `platform`, as csrc/Makefile chooses them from its one table."""
    table = (HERE / CORE / "sources.mk").read_text()
    lists = dict(re.findall(r"^(\w+) :?= *((?:.*\\\n)*.*)$", table, re.M))
    names = lists["COMMON"] + " " + lists[platform]
    while "$(" in names:
        names = re.sub(r"\$\((\w+)\)", lambda name: lists[name[1]], names)
    engine = lists[f"ENGINE_{platform}"]
    included = [
        name
        for file in ("engine/core.c", engine)
        for name in re.findall(r'^#include "(.*\.c)"', (HERE / CORE / file).read_text(), re.M)
    ]
    alone = [name for name in names.replace("\\\n", " ").split() if name not in included]
    return [(CORE / name).as_posix() for name in [engine, *alone]]


PORTS = {
    "linux": "epoll",
    "macosx": "kqueue",
    "freebsd": "kqueue",
    "openbsd": "kqueue",
    "netbsd": "kqueue",
    "win": "iocp",
}


def port_for(plat_name: str) -> str:
    """The core's port for a platform. Where nothing could be built, that is said in the place of a compiler's errors.

    As with csrc/Makefile's PORT, another one can be named where a library offers the system's calls."""
    if port := environ.get("NETCORE_PORT"):
        return port if port in PORTS.values() else sys.exit(f"NETCORE_PORT is epoll, kqueue or iocp, not {port}")
    port = next((port for system, port in PORTS.items() if plat_name.startswith(system)), None)
    if port is None or sys.implementation.name != "cpython":
        sys.exit(
            "netcore needs CPython on Linux, macOS, FreeBSD, OpenBSD, NetBSD or Windows; "
            f"this is {sys.implementation.name} on {plat_name}"
        )
    return port


class BuildImage(build_ext):
    """Compiles the sources of the image side by side, because there are forty of them and they do not depend on
    each other."""

    def run(self) -> None:
        # Profilers and sanitizers want names while one works on netcore; a wheel is a tenth smaller without them.
        wanted = self.inplace or self.editable_mode or "NETCORE_SANITIZE" in environ
        self.keeps_names = wanted or self.plat_name.startswith("macosx")
        super().run()

    def build_extension(self, ext: Extension) -> None:
        port = port_for(self.plat_name)
        ext.sources += core_sources(port)
        if port == "iocp":
            ext.libraries += ["ws2_32", "mswsock", "advapi32"]
        if self.compiler.compiler_type == "msvc":
            ext.extra_compile_args += ["/std:c11", "/experimental:c11atomics", "/utf-8", "/O2"]
            if not self.compiler.initialized:  # as each of the threads below would do it again
                self.compiler.initialize(self.plat_name)
        else:
            ext.extra_compile_args += [
                "-std=c11",
                "-O2",
                "-g0",
                "-fvisibility=hidden",
                "-fno-strict-aliasing",
                "-Wno-unused-function",
            ]
            ext.extra_link_args += [] if port == "iocp" else ["-pthread"]
            ext.extra_link_args += [] if self.keeps_names else ["-s"]
        if sanitizers := environ.get("NETCORE_SANITIZE"):
            ext.extra_compile_args += ["-O0", "-g1", "-fno-omit-frame-pointer", f"-fsanitize={sanitizers}"]
            ext.extra_link_args += [f"-fsanitize={sanitizers}"]
        # A cross build names the interpreter's import library here, since setuptools knows one for its own system only.
        ext.libraries += environ.get("NETCORE_LINK", "").split()
        compile_serially = self.compiler.compile

        def compile_side_by_side(sources: list[str], *args: object, **kwargs: object) -> list[str]:
            with ThreadPoolExecutor(cpu_count()) as pool:
                parts = pool.map(lambda source: compile_serially([source], *args, **kwargs), sources)
                return [item for part in parts for item in part]

        self.compiler.compile = compile_side_by_side
        super().build_extension(ext)


class BuildPackage(build_py):
    """Adds what other extensions are compiled against: the C headers, and the declarations for Cython."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        package = Path(self.build_lib) / "netcore"
        for header in (HERE / CORE / "include/netcore").glob("*.h"):
            self.put(header, package / "include/netcore")
        for declarations in (HERE / BINDING).glob("*.pxd"):
            self.put(declarations, package / "_core")

    def put(self, file: Path, folder: Path) -> None:
        self.mkpath(str(folder))
        self.copy_file(str(file), str(folder))


def made_otherwise() -> bool:
    """Whether there is C that was made before this file said how, which cythonize() does not look at."""
    made = [HERE / CYTHON / BINDING / f"{name}.c" for name in LAYERS]
    return any(file.exists() and file.stat().st_mtime < Path(__file__).stat().st_mtime for file in made)


def modules() -> list[Extension]:
    """The modules of the binding as C, which is made side by side as well."""
    return cythonize(
        [Extension(f"netcore._core.{name}", [(BINDING / f"{name}.pyx").as_posix()]) for name in LAYERS],
        include_path=["src"],
        build_dir=CYTHON.as_posix(),
        force=made_otherwise(),
        nthreads=cpu_count() or 1,
        compiler_directives={
            "language_level": "3",
            "binding": False,
            "boundscheck": False,
            "wraparound": False,
            "freethreading_compatible": True,
            "auto_pickle": False,
            "embedsignature": True,
            "embedsignature.format": "clinic",
        },
    )


# Where processes are not made by fork (from Python 3.14 on nowhere), those of cythonize() import this file again.
if __name__ == "__main__":
    port_for(get_platform())
    setup(
        cmdclass={"build_ext": BuildImage, "build_py": BuildPackage},
        ext_modules=[
            Extension(
                "netcore._core._native",
                [source for module in modules() for source in module.sources if source.endswith(".c")],
                include_dirs=["csrc", "csrc/include", "src/netcore/_core"],
                depends=[path.as_posix() for path in CORE.rglob("*.[ch]")],
            )
        ],
    )

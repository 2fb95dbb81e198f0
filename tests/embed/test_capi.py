"""An embedder's extensions, in C and in Cython, compiled against the installed package and run on a loop of Python's."""

import asyncio
import importlib.util
import os
import re
import socket
import subprocess
import sys
import threading
import zipfile
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest

import netcore as net

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(300)  # the first test waits for the compiler
MEGABYTE = 1_000_000

IN_C = re.findall(r"```python\n(.*?)```", (ROOT / "docs/embedding.md").read_text(), re.S)[0]
IN_CYTHON = """
import netcore
from Cython.Build import cythonize
from setuptools import Extension, setup

extension = Extension("user", ["user.pyx"], include_dirs=[netcore.get_include()])
setup(name="user", ext_modules=cythonize([extension], compiler_directives={"language_level": "3"}))
"""


def build(name: str, source: Path, installed: Path, folder: Path) -> ModuleType:
    """Compiles an extension as its author would, and imports it."""
    (folder / source.name).write_text(source.read_text())
    (folder / "setup.py").write_text(IN_CYTHON if source.suffix == ".pyx" else IN_C)
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    environment = os.environ | {"PYTHONPATH": str(installed), "CFLAGS": "-Wall -Wextra -Wno-cast-function-type -Werror"}
    if source.suffix == ".pyx":
        environment["CFLAGS"] = ""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [image] = folder.glob(f"{name}.*{importlib.machinery.EXTENSION_SUFFIXES[-1]}")
    spec = importlib.util.spec_from_file_location(name, image)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shout(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return build("shout", ROOT / "examples/embed/shout.c", installed, tmp_path_factory.mktemp("shout"))


@pytest.fixture(scope="module")
def user(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return build("user", ROOT / "tests/embed/user.pyx", installed, tmp_path_factory.mktemp("user"))


@pytest.fixture(autouse=True)
def _a_fresh_loop():
    yield
    net.get_loop().close()


async def conversation(port: int, sent: bytes) -> bytes:
    received = []
    async with net.connect(port, "127.0.0.1") as client:
        client.end(sent)
        async for chunk in client:
            received.append(chunk)
    return b"".join(received)


# --- what is shipped --------------------------------------------------------------------------------------------------


def test_the_installed_package_has_the_headers_and_the_declarations(installed: Path) -> None:
    command = [sys.executable, "-c", "import netcore; print(netcore.get_include())"]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=installed).stdout
    assert Path(said.strip()) == installed / "netcore/include"
    shipped = {header.name for header in (installed / "netcore/include/netcore").iterdir()}
    assert shipped == {header.name for header in (ROOT / "csrc/include/netcore").iterdir()}
    assert {"capi.pxd", "nc.pxd", "loop.pxd"} <= {file.name for file in (installed / "netcore/_core").iterdir()}


def test_the_wheel_stays_below_a_megabyte(installed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "wheel.zip", "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in installed.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                wheel.write(file, file.relative_to(installed))
    assert (tmp_path / "wheel.zip").stat().st_size < MEGABYTE


def test_the_declarations_for_cython_name_what_the_table_has() -> None:
    header = (ROOT / "csrc/include/netcore/capi.h").read_text()
    declared = (ROOT / "src/netcore/_core/capi.pxd").read_text()
    assert re.findall(r"\(\*(\w+)\)\(.*\) noexcept nogil", declared) == re.findall(
        r"^    X\(.*?, (\w+), ", header, re.M
    )


def test_the_table_has_not_changed_but_at_its_end() -> None:
    """These are the members as extensions that exist have been compiled with them: one may be added after them, and
    then the number and the digest take it in."""
    header = (ROOT / "csrc/include/netcore/capi.h").read_text()
    members = re.findall(r"^    (X\(.*\))(?: \\)?$", header, re.M)[:57]
    assert sha256("\n".join(members).encode()).hexdigest()[:16] == "5b2b924a876630dc"


# --- an extension in C ------------------------------------------------------------------------------------------------


def test_c_answers_on_the_loop_that_python_runs(shout: ModuleType) -> None:
    assert net.run(conversation(shout.serve(0), b"hello")) == b"HELLO"


def test_c_answers_inside_asyncio(shout: ModuleType) -> None:
    async def main() -> bytes:
        return await conversation(shout.serve(0), b"hello")

    assert asyncio.run(main()) == b"HELLO"


def test_bytes_that_come_in_large_buffers_reach_c_whole(shout: ModuleType) -> None:
    sent = bytes(range(65, 91)) * 200_000
    assert net.run(conversation(shout.serve(0), sent.lower())) == sent


def test_a_timer_of_c_keeps_the_loop_alive_until_it_fires(shout: ModuleType) -> None:
    order = []
    shout.after(20, lambda: order.append("c"))
    net.setTimeout(order.append, 1, "python")
    net.run()
    assert order == ["python", "c"]


def test_an_exception_from_c_leaves_run_and_the_loop_goes_on(shout: ModuleType) -> None:
    shout.after(1, lambda: 1 / 0)
    shout.after(1, lambda: None)
    with pytest.raises(ZeroDivisionError):
        net.run()
    net.run()
    assert not net.get_loop().alive


def test_the_end_of_a_loop_closes_what_c_has_on_it(shout: ModuleType) -> None:
    port = shout.serve(0)
    shout.after(3_600_000, lambda: None)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        net.setTimeout(lambda: 1 / 0, 20)  # by then the connection is there
        with pytest.raises(ZeroDivisionError):
            net.run()
        net.get_loop().close()
        assert client.recv(10) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=30)


# --- an extension in Cython -------------------------------------------------------------------------------------------


def test_cython_finds_the_table_and_the_loop(user: ModuleType) -> None:
    there, known = user.table_size()
    assert there == known
    assert user.loop_of_current() is net.get_loop()
    assert user.now(net.get_loop()) == net.get_loop().now()


def test_a_timer_of_cython_ticks(user: ModuleType) -> None:
    clock = user.Clock(net.get_loop(), 3)
    net.run()
    assert clock.count == 3


def test_what_is_no_loop_or_another_threads_is_refused(user: ModuleType) -> None:
    with pytest.raises(TypeError, match=r"a netcore\.Loop is needed"):
        user.now("a loop")
    others = []
    thread = threading.Thread(target=lambda: others.append(net.get_loop()))
    thread.start()
    thread.join()
    with pytest.raises(RuntimeError, match="ended"):
        user.now(others[0])

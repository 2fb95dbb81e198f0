"""A program in plain C that links the core as it is installed, and knows nothing of Python."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(300)  # the first test waits for the compiler


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compiled by the two commands of docs/embedding.md."""
    home = tmp_path_factory.mktemp("home")
    [commands] = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/embedding.md").read_text(), re.S)
    install, compile_it = commands.splitlines()
    environment = os.environ | {"HOME": str(home), "BUILD": str(home / "build")}
    subprocess.run(install, shell=True, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    shutil.copy(ROOT / "examples/embed/echo.c", home)
    warnings = "cc -std=c11 -Wall -Wextra -Wpedantic -Werror"
    subprocess.run(compile_it.replace("cc", warnings, 1), shell=True, cwd=home, env=environment, check=True)
    return home / "echo"


@pytest.fixture
def port(echo: Path) -> Iterator[int]:
    with subprocess.Popen([echo, "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().removeprefix("listening on "))
        process.kill()


def test_a_program_in_c_echoes_and_keeps_half_closes(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"hello" * 1000)
        client.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    assert received == b"hello" * 1000


def test_a_reset_client_does_not_stop_a_program_in_c(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sendall(b"never mind")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"still there?")
        assert client.recv(100) == b"still there?"


def test_a_port_in_use_is_one_line_and_a_failure(echo: Path, port: int) -> None:
    done = subprocess.run([echo, str(port)], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (1, "echo: address already in use\n")

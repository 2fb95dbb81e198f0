"""Every example program of the reference, as a user would run it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from platforms import local_path
from ports import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def start():
    running = []

    def start(name, *args):
        command = [sys.executable, "-u", str(EXAMPLES / f"{name}.py"), *map(str, args)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def answer(process):
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return out


def served(start, where):
    server = start("echo_server", where)
    assert server.stdout.readline() == "server bound\n"
    return server


def test_the_echo_client_talks_to_the_echo_server(start):
    port = free_port()
    server = served(start, port)
    out = answer(start("echo_client", port))
    assert out.splitlines()[:2] == ["connected to server!", "hello"]
    assert out.splitlines()[-1] == "disconnected from server"
    assert server.stdout.readline() == "client connected\n"
    assert server.stdout.readline() == "client disconnected\n"


def test_the_same_programs_talk_over_a_path(start, tmp_path):
    path = local_path(tmp_path, "echo.sock")
    served(start, path)
    assert "hello" in answer(start("echo_client", path))


def test_a_client_receives_into_a_buffer_of_its_own(start):
    port = free_port()
    served(start, port)
    assert answer(start("onread", port)).rstrip() == "hello"


def test_listening_is_tried_again_while_the_address_is_in_use(start):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        process = start("retry", "127.0.0.1", holder.getsockname()[1])
        assert process.stdout.readline() == "Address in use, retrying...\n"
    assert answer(process).splitlines()[-1] == "listening"


def test_a_silent_connection_is_ended(start):
    port = free_port()
    server = start("idle_timeout", port, 50)
    assert server.stdout.readline() == "server bound\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        assert client.recv(1) == b""
    assert server.stdout.readline() == "socket timeout\n"


def test_a_signal_closes_the_server(start):
    assert answer(start("abort_signal")) == "server closed\n"


def test_a_server_tells_its_address(start):
    out = answer(start("server_address"))
    assert out.startswith("opened server on {'address': '::'")

"""Paths on Windows, which are named pipes there: what differs from paths elsewhere, and the command line over them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import BinaryIO

import pytest
from peers import Upstream, dial, read_exactly
from platforms import local_path, only_on
from processes import netcore

import netcore as net

pytestmark = only_on("win32")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return local_path(tmp_path, "pipe")


def open_pipe(path: str) -> BinaryIO:
    """As a program opens it that knows nothing of netcore."""
    return open(path, "r+b", buffering=0)


def say(pipe: BinaryIO, question: bytes) -> bytes:
    """Sends a question, and answers as many bytes as were sent."""
    pipe.write(question)
    answer = b""
    while len(answer) < len(question):
        answer += pipe.read(len(question) - len(answer))
    return answer


def failure(path: str) -> net.OSError:
    errors: list[net.OSError] = []
    server = net.createServer()
    server.on("error", errors.append)
    server.listen(path)
    net.run()
    (error,) = errors
    return error


# --- listening --------------------------------------------------------------------------------------------------------


def test_what_is_no_pipes_name_is_no_place_to_listen(tmp_path: Path) -> None:
    assert failure(str(tmp_path / "server.sock")).code == "EACCES"


def test_a_name_beyond_windows_limit_is_invalid() -> None:
    assert failure("\\\\.\\pipe\\" + "x" * 256).code == "EINVAL"


def test_connecting_to_a_name_that_nobody_serves_is_told_as_no_entry(path: str) -> None:
    errors: list[net.OSError] = []
    net.connect(path).on("error", errors.append)
    net.run()
    assert [error.code for error in errors] == ["ENOENT"]
    assert str(errors[0]) == f"connect ENOENT {path}"


def test_connecting_to_what_is_no_pipe_leaves_it_as_it_is(tmp_path: Path) -> None:
    errors: list[net.OSError] = []
    file = tmp_path / "file"
    file.write_bytes(b"as it is")
    client = net.connect(str(file)).on("error", errors.append)
    client.write("not here")
    net.run()
    assert [error.code for error in errors] == ["ENOTSOCK"]
    assert file.read_bytes() == b"as it is"


def test_a_pipe_that_can_only_be_written_to_has_nothing_to_read(path: str) -> None:
    import ctypes

    kernel = ctypes.WinDLL("kernel32")
    kernel.CreateNamedPipeW.restype = kernel.CreateFileW.restype = ctypes.c_void_p
    inbound, byte_mode = 1, 0
    pipe = ctypes.c_void_p(kernel.CreateNamedPipeW(path, inbound, byte_mode, 1, 4096, 4096, 0, None))
    events: list[object] = []
    client = net.connect({"path": path, "allowHalfOpen": True})
    client.on("error", events.append)
    client.on("end", lambda: (events.append("end"), client.end("all that there is to say")))
    client.resume()
    net.run()
    room, size = ctypes.create_string_buffer(100), ctypes.c_ulong()
    kernel.ReadFile(pipe, room, 100, ctypes.byref(size), None)
    kernel.CloseHandle(pipe)
    assert events == ["end"]
    assert room.value == b"all that there is to say"


def test_both_spellings_mean_the_same_pipe(path: str) -> None:
    got: list[bytes] = []
    server = net.createServer(lambda peer: (peer.end("here"), server.close()))
    server.listen(path, lambda: net.connect(path.replace("\\\\.\\", "\\\\?\\")).on("data", got.append))
    net.run()
    assert got == [b"here"]


@pytest.mark.parametrize(
    "rights", [{"readableAll": True}, {"writableAll": True}, {"readableAll": True, "writableAll": True}]
)
def test_a_pipe_may_be_opened_to_everybody(rights: dict[str, bool], path: str) -> None:
    got: list[bytes] = []
    server = net.createServer(lambda peer: (peer.end("open"), server.close()))
    server.listen({"path": path, **rights}, lambda: net.connect(path).on("data", got.append))
    net.run()
    assert got == [b"open"]


def test_servers_share_a_pipe(path: str) -> None:
    got: list[bytes] = []
    first = net.createServer().listen(path)
    second = net.createServer(lambda peer: (peer.end("from the second"), second.close())).listen(first)
    first.on("close", lambda: net.connect(path).on("data", got.append))
    first.close()
    net.run()
    assert got == [b"from the second"]


def test_more_clients_than_instances_wait_their_turn(path: str) -> None:
    count = 30
    ended: list[None] = []
    server = net.createServer(lambda peer: peer.pipe(peer))

    def connect_all() -> None:
        for number in range(count):
            client = net.connect(path)
            client.write(b"%d" % number)
            client.on("data", lambda data, client=client: client.end())
            client.on("close", closed)

    def closed() -> None:
        ended.append(None)
        if len(ended) == count:
            server.close()

    server.listen(path, connect_all)
    net.run()
    assert len(ended) == count


# --- the command line -------------------------------------------------------------------------------------------------


def test_echo_on_a_pipe(path: str) -> None:
    with netcore("echo", f"unix:{path}") as echo:
        assert echo.wait_until_listening() == f"unix:{path}"
        with open_pipe(path) as pipe:
            data = os.urandom(1000)
            assert say(pipe, data) == data
        assert echo.stop() == 0


@pytest.mark.parametrize("side", ["listen", "upstream"])
def test_the_proxy_over_pipes_on_either_side(side: str, path: str) -> None:
    with Upstream() as tcp, netcore("echo", f"unix:{path}") as echo:
        echo.wait_until_listening()
        if side == "upstream":
            with netcore("proxy", "127.0.0.1:0", f"unix:{path}") as proxy, dial(proxy.port()) as client:
                client.sendall(b"to a pipe")
                assert read_exactly(client, 9) == b"to a pipe"
        else:
            with netcore("proxy", f"unix:{path}2", tcp.place) as proxy:
                proxy.wait_until_listening()
                with open_pipe(f"{path}2") as pipe:
                    assert say(pipe, b"from a pipe") == b"from a pipe"
                assert proxy.stop() == 0


def test_the_workers_share_a_pipe(path: str) -> None:
    with Upstream() as upstream, netcore("proxy", f"unix:{path}", upstream.place, "--workers", 2) as proxy:
        proxy.wait_until_listening()
        for number in range(20):
            with open_pipe(path) as pipe:
                assert say(pipe, b"%d" % number) == b"%d" % number
        assert proxy.stop() == 0


def test_connect_to_a_pipe(path: str) -> None:
    with netcore("echo", f"unix:{path}") as echo:
        echo.wait_until_listening()
        with netcore("connect", f"unix:{path}", stdin=subprocess.PIPE) as connect:
            assert connect.process.stdin is not None
            connect.process.stdin.write(b"typed\n")
            connect.process.stdin.flush()
            connect.out.find("typed")
            connect.process.stdin.close()
            assert connect.wait() == 0

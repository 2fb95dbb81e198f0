"""`netcore connect`: standard input and output, and a server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest
from peers import Upstream, dial, read_all, saying
from platforms import not_on
from ports import closed_port
from processes import netcore

COMMAND = (sys.executable, "-m", "netcore", "connect")
MIB = 1024 * 1024


def connect(place: str, data: bytes = b"", timeout_s: float = 20) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, place], input=data, capture_output=True, timeout=timeout_s, check=False)


def test_what_a_pipe_says_is_sent_and_what_comes_back_is_written() -> None:
    data = os.urandom(5 * MIB)
    with Upstream() as upstream:
        result = connect(upstream.place, data)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout == data


def test_the_end_of_the_input_ends_that_direction_only() -> None:
    def answer_at_the_end(connection: socket.socket) -> None:
        connection.sendall(b"got " + read_all(connection))

    with Upstream(answer_at_the_end) as upstream:
        assert connect(upstream.place, b"all").stdout == b"got all"


def test_the_end_of_the_connection_ends_the_output_and_not_the_input() -> None:
    received: list[bytes] = []
    over = Event()

    def end_first(connection: socket.socket) -> None:
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)
        received.append(read_all(connection))
        over.set()

    with Upstream(end_first) as upstream:
        process = subprocess.Popen([*COMMAND, upstream.place], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.read() == b"bye"
        process.stdin.write(b"still here")
        process.stdin.close()
        assert over.wait(15)
        assert received == [b"still here"]
        assert process.wait(15) == 0
        process.stdout.close()


@pytest.mark.parametrize("size", [0, 1, 3 * MIB + 1])
def test_a_regular_file_as_input_and_output(size: int, tmp_path: Path) -> None:
    data = os.urandom(size)
    (tmp_path / "in").write_bytes(data)
    with Upstream() as upstream, (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as target:
        result = subprocess.run([*COMMAND, upstream.place], stdin=source, stdout=target, timeout=20, check=False)
    assert result.returncode == 0
    assert (tmp_path / "out").read_bytes() == data


@not_on("win32")
def test_a_terminal_as_input_is_left_as_it_was() -> None:
    import pty  # which not every system has

    ours, theirs = pty.openpty()
    try:
        with Upstream() as upstream:
            process = subprocess.Popen([*COMMAND, upstream.place], stdin=theirs, stdout=subprocess.PIPE)
            assert process.stdout is not None
            os.write(ours, b"typed\n")
            assert process.stdout.readline() == b"typed\n"
            assert os.get_blocking(theirs)
            os.write(ours, b"\x04")
            assert process.wait(15) == 0
            process.stdout.close()
    finally:
        os.close(ours)
        os.close(theirs)


@not_on("win32")  # see test_named_pipes.py
def test_a_path(tmp_path: Path) -> None:
    with Upstream(path=tmp_path / "server") as upstream:
        assert connect(upstream.place, b"x").stdout == b"x"


def test_neither_direction_waits_for_the_other() -> None:
    """Both ends send much before they read anything: the input goes on although nobody takes the output."""
    size = 8 * MIB
    received: list[int] = []

    def send_and_read(connection: socket.socket) -> None:
        sender = Thread(target=connection.sendall, args=(bytes(size),))
        sender.start()
        received.append(len(read_all(connection)))
        sender.join()

    with Upstream(send_and_read) as upstream:
        process = subprocess.Popen([*COMMAND, upstream.place], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(bytes(size))
        process.stdin.close()
        assert len(process.stdout.read()) == size
        assert process.wait(15) == 0
        process.stdout.close()
    assert received == [size]


def test_a_refused_connection_is_one_line_and_status_1() -> None:
    with closed_port() as port:
        place = f"127.0.0.1:{port}"
        result = connect(place)
    assert result.returncode == 1
    assert result.stdout == b""
    assert result.stderr.decode().splitlines() == [f"netcore connect: connect ECONNREFUSED {place}"]


def test_an_output_that_nobody_reads_any_more_ends_it() -> None:
    def talk_on(connection: socket.socket) -> None:
        while True:
            connection.sendall(bytes(65536))

    with Upstream(talk_on) as upstream:
        process = subprocess.Popen(
            [*COMMAND, upstream.place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.wait(15) == 1
        assert process.stderr is not None
        assert b"standard output" in process.stderr.read()


def test_through_a_proxy_to_a_server() -> None:
    with Upstream(saying(b"hello")) as upstream, netcore("proxy", "127.0.0.1:0", upstream.place) as proxy:
        assert connect(proxy.wait_until_listening()).stdout == b"hello"
        with dial(upstream.place) as direct:
            assert read_all(direct) == b"hello"

"""`netcore echo` and `netcore bench`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from peers import ask, dial, read_exactly
from platforms import not_on
from processes import netcore


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_echo_sends_back_what_it_gets_until_it_is_told_to_stop(number: int) -> None:
    data = os.urandom(100_000)
    with netcore("echo", "127.0.0.1:0") as echo:
        port = echo.port()
        assert ask(port, data) == data
        with dial(port) as client:
            client.sendall(b"x")
            read_exactly(client, 1)
            echo.signal(number)
            assert client.recv(1) == b""
        assert echo.wait() == 0


@not_on("win32")  # see test_named_pipes.py
def test_echo_on_a_path(tmp_path: Path) -> None:
    place = f"unix:{tmp_path / 'echo'}"
    with netcore("echo", place) as echo:
        assert echo.wait_until_listening() == place
        assert ask(place) == b"hello"
        assert echo.stop() == 0
    assert list(tmp_path.iterdir()) == []


def test_echo_on_a_port_in_use_is_one_line_and_status_1() -> None:
    with netcore("echo", "127.0.0.1:0") as first, netcore("echo", first.wait_until_listening()) as second:
        assert second.wait() == 1
        lines = second.err.rest()
        assert len(lines) == 1
        assert "EADDRINUSE" in lines[0]


def test_bench_counts_round_trips() -> None:
    with netcore("bench", "--connections", 5, "--size", 100, "--seconds", 0.2) as bench:
        assert bench.wait() == 0
        found = bench.out.find(r"5 connections, 100 B: ([\d,]+) round trips a second")
        assert int(found[1].replace(",", "")) > 100

"""`netcore proxy` with real processes and sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import psutil
import pytest
from peers import Upstream, ask, dial, read_all, read_exactly, reset, saying
from platforms import RESETS_MAY_BE_LOST, not_on
from processes import netcore

MIB = 1024 * 1024


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


# -- bytes and their ends ---------------------------------------------------------------------------------------------


def test_bytes_pass_both_ways_and_nothing_is_lost(upstream: Upstream) -> None:
    data = os.urandom(3 * MIB)
    with netcore("proxy", "127.0.0.1:0", upstream.place) as proxy, dial(proxy.port()) as client:
        received = bytearray()
        sent = 0
        while sent < len(data):
            sent += client.send(data[sent : sent + 65536])
            received += client.recv(65536)
        client.shutdown(socket.SHUT_WR)
        received += read_all(client)
        assert received == data


def test_the_client_may_end_first() -> None:
    def answer_at_the_end(connection: socket.socket) -> None:
        size = len(read_all(connection))
        connection.sendall(b"got %d" % size)

    with Upstream(answer_at_the_end) as upstream, netcore("proxy", "127.0.0.1:0", upstream.place) as proxy:
        assert ask(proxy.port(), b"x" * 200_000) == b"got 200000"


def test_the_upstream_may_end_first() -> None:
    received: list[bytes] = []
    over = Event()

    def end_first(connection: socket.socket) -> None:
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)
        received.append(read_all(connection))
        over.set()

    with (
        Upstream(end_first) as upstream,
        netcore("proxy", "127.0.0.1:0", upstream.place) as proxy,
        dial(proxy.port()) as client,
    ):
        assert read_all(client) == b"bye"
        client.sendall(b"still here")
        client.shutdown(socket.SHUT_WR)
        assert over.wait(15)
        assert received == [b"still here"]


def test_a_reset_of_the_client_reaches_the_upstream_as_a_reset() -> None:
    outcome: list[object] = []
    over = Event()

    def wait_for_it(connection: socket.socket) -> None:
        try:
            connection.sendall(b"hello")
            outcome.append(read_all(connection))
        except OSError as error:
            outcome.append(type(error))
        over.set()

    with Upstream(wait_for_it) as upstream, netcore("proxy", "127.0.0.1:0", upstream.place) as proxy:
        client = dial(proxy.port())
        read_exactly(client, 5)
        reset(client)
        assert over.wait(15)
        assert outcome == [ConnectionResetError] or (RESETS_MAY_BE_LOST and outcome == [b""])


def test_a_reset_of_the_upstream_reaches_the_client_as_a_reset() -> None:
    def reset_when_asked(connection: socket.socket) -> None:
        connection.recv(1)
        reset(connection)

    with (
        Upstream(reset_when_asked) as upstream,
        netcore("proxy", "127.0.0.1:0", upstream.place) as proxy,
        dial(proxy.port()) as client,
    ):
        client.sendall(b"?")
        try:
            assert read_all(client) == b""
            assert RESETS_MAY_BE_LOST
        except ConnectionResetError:
            pass


def test_a_client_that_does_not_read_is_not_buffered_without_limit() -> None:
    filled = Event()

    def flood(connection: socket.socket) -> None:
        connection.settimeout(1)
        try:
            for _ in range(512):
                connection.sendall(bytes(MIB))
        except TimeoutError:
            filled.set()

    with (
        Upstream(flood) as upstream,
        netcore("proxy", "127.0.0.1:0", upstream.place) as proxy,
        dial(proxy.port()) as client,
    ):
        client.recv(1)
        assert filled.wait(15)
        assert psutil.Process(proxy.pid).memory_info().rss < 100 * MIB


@not_on("win32")  # see test_named_pipes.py
@pytest.mark.parametrize("side", ["listen", "upstream", "both"])
def test_unix_sockets_on_either_side(side: str, tmp_path: Path) -> None:
    listen = f"unix:{tmp_path / 'proxy'}" if side != "upstream" else "127.0.0.1:0"
    path = tmp_path / "upstream" if side != "listen" else None
    with Upstream(path=path) as upstream, netcore("proxy", listen, upstream.place) as proxy:
        assert ask(proxy.wait_until_listening(), b"over a path") == b"over a path"
        assert proxy.stop() == 0
        assert not (tmp_path / "proxy").exists()


def test_ipv6_on_both_sides() -> None:
    with Upstream(host="::1") as upstream, netcore("proxy", "[::1]:0", upstream.place) as proxy:
        assert ask(proxy.wait_until_listening()) == b"hello"


def test_without_a_host_it_listens_on_all_addresses(upstream: Upstream) -> None:
    with netcore("proxy", "0", f"localhost:{upstream.port}") as proxy:
        port = proxy.port()
        assert ask(f"127.0.0.1:{port}") == b"hello"
        assert ask(f"[::1]:{port}") == b"hello"


# -- upstreams --------------------------------------------------------------------------------------------------------


def test_upstreams_take_turns() -> None:
    with (
        Upstream(saying(b"a")) as a,
        Upstream(saying(b"b")) as b,
        Upstream(saying(b"c")) as c,
        netcore("proxy", "127.0.0.1:0", a.place, b.place, c.place) as proxy,
    ):
        port = proxy.port()
        assert [ask(port) for _ in range(6)] == [b"a", b"b", b"c"] * 2


def test_a_failed_upstream_is_skipped_and_tried_again_later() -> None:
    with Upstream(saying(b"a")) as a, Upstream(saying(b"b")) as b:
        b.stop_listening()
        with netcore("proxy", "127.0.0.1:0", a.place, b.place) as proxy:
            port = proxy.port()
            assert [ask(port) for _ in range(6)] == [b"a"] * 6
            proxy.err.find(rf"upstream {b.place} failed: .*ECONNREFUSED")
            with Upstream(saying(b"back"), port=b.port):
                answers = set()
                while b"back" not in answers:
                    answers.add(ask(port))
                assert answers == {b"a", b"back"}


def test_an_unreachable_upstream_closes_that_client_only(upstream: Upstream) -> None:
    with netcore("proxy", "127.0.0.1:0", upstream.place) as proxy:
        port = proxy.port()
        with dial(port) as old:
            old.sendall(b"1")
            assert old.recv(1) == b"1"
            upstream.stop_listening()
            with dial(port) as new:
                assert new.recv(1) == b""
            old.sendall(b"2")
            assert old.recv(1) == b"2"


def test_an_upstream_in_a_zone_that_is_not_there_is_skipped() -> None:
    with (
        Upstream(saying(b"a")) as a,
        netcore("proxy", "127.0.0.1:0", "[fe80::1%nowhere]:80", a.place) as proxy,
    ):
        port = proxy.port()
        assert [ask(port) for _ in range(3)] == [b"a"] * 3
        proxy.err.find("nowhere.*failed: connect E")


def test_a_name_that_cannot_be_looked_up_closes_the_client() -> None:
    with netcore("proxy", "127.0.0.1:0", "name.invalid:80") as proxy, dial(proxy.port()) as client:
        assert client.recv(1) == b""


def full_listener() -> tuple[socket.socket, list[socket.socket]]:
    """A listener whose queue is full, so that the system leaves a further connect unanswered."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(3):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        waiting.append(client)
    return listener, waiting


def test_a_connect_that_takes_too_long_is_given_up(upstream: Upstream) -> None:
    listener, waiting = full_listener()
    silent = f"127.0.0.1:{listener.getsockname()[1]}"
    try:
        with netcore("proxy", "127.0.0.1:0", silent, upstream.place, "--connect-timeout", "0.3") as proxy:
            assert ask(proxy.port()) == b"hello"
            proxy.err.find(f"upstream {silent} failed: .*timed out")
    finally:
        for opened in (listener, *waiting):
            opened.close()


# -- limits -----------------------------------------------------------------------------------------------------------


def test_idle_connections_are_closed_and_busy_ones_are_not(upstream: Upstream) -> None:
    with netcore("proxy", "127.0.0.1:0", upstream.place, "--idle-timeout", "0.8") as proxy:
        port = proxy.port()
        with dial(port) as idle, dial(port) as busy:
            idle.setblocking(False)
            closed = False
            while not closed:
                busy.sendall(b"x")
                assert busy.recv(1) == b"x"
                try:
                    closed = idle.recv(1) == b""
                except BlockingIOError:
                    Event().wait(0.05)
            busy.sendall(b"y")
            assert busy.recv(1) == b"y"


@pytest.mark.parametrize("workers", [1, 2])
def test_more_connections_than_allowed_are_refused(workers: int, upstream: Upstream) -> None:
    arguments = ("--max-connections", 2, "--workers", workers, "--stats", 0.05, "--json")
    with netcore("proxy", "127.0.0.1:0", upstream.place, *arguments) as proxy:
        port = proxy.port()
        with dial(port) as one, dial(port) as two:
            for client in (one, two):
                client.sendall(b"x")
                assert client.recv(1) == b"x"
            with dial(port) as three:
                assert three.recv(1) == b""
        proxy.out.find('"open": 0.*"refused": 1')
        assert ask(port) == b"hello"


def test_the_workers_share_the_port(upstream: Upstream) -> None:
    with netcore("proxy", "127.0.0.1:0", upstream.place, "--workers", 3, "--stats", 0.05, "--json") as proxy:
        port = proxy.port()
        for number in range(30):
            question = b"%d" % number
            assert ask(port, question) == question
        # Three loops; the system's resolver may have threads besides.
        assert psutil.Process(proxy.pid).num_threads() >= 3
        proxy.out.find('"connections": 30, "open": 0')
        assert proxy.stop() == 0


@not_on("win32")  # see test_named_pipes.py
def test_the_workers_share_a_path(tmp_path: Path, upstream: Upstream) -> None:
    listen = f"unix:{tmp_path / 'proxy'}"
    with netcore("proxy", listen, upstream.place, "--workers", 2) as proxy:
        proxy.wait_until_listening()
        assert [ask(listen) for _ in range(20)] == [b"hello"] * 20
        assert proxy.stop() == 0
        assert not (tmp_path / "proxy").exists()


# -- the block list ---------------------------------------------------------------------------------------------------


@not_on("win32")  # no such signal
def test_blocked_clients_are_refused_and_the_list_is_read_again_on_sighup(tmp_path: Path, upstream: Upstream) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# nobody yet\n192.0.2.0/24\n")
    with netcore("proxy", "127.0.0.1:0", upstream.place, "--block", path, "--workers", 2) as proxy:
        port = proxy.port()
        assert ask(port) == b"hello"

        path.write_text("127.0.0.0/8\n")
        proxy.signal(signal.SIGHUP)
        proxy.err.find("has been read: 1 rule")
        for _ in range(6):
            with dial(port) as client:
                assert refused(client)

        path.write_text("this is no list\n")
        proxy.signal(signal.SIGHUP)
        proxy.err.find("stays as it was: .*this is no list")
        with dial(port) as client:
            assert refused(client)

        path.write_text("")
        proxy.signal(signal.SIGHUP)
        proxy.err.find("has been read: 0 rules")
        assert ask(port) == b"hello"


def refused(client: socket.socket) -> bool:
    """Whether the connection ends without a byte, however it ends."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_blocked_clients_count_as_refused(tmp_path: Path, upstream: Upstream) -> None:
    path = tmp_path / "list.txt"
    path.write_text("127.0.0.1\n")
    with netcore("proxy", "0", upstream.place, "--block", path, "--stats", 0.05, "--json") as proxy:
        port = proxy.port()
        with dial(f"127.0.0.1:{port}") as client:
            assert refused(client)
        assert ask(f"[::1]:{port}") == b"hello"
        proxy.out.find('"connections": 1, "open": 0, .*"refused": 1')


@not_on("win32")  # no such signal
def test_sighup_without_a_block_list_changes_nothing(upstream: Upstream) -> None:
    with netcore("proxy", "127.0.0.1:0", upstream.place) as proxy:
        port = proxy.port()
        proxy.signal(signal.SIGHUP)
        assert ask(port) == b"hello"
        assert proxy.stop() == 0


# -- the PROXY protocol -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", 0x11), ("[::1]", 0x21)])
def test_the_upstream_is_told_the_tcp_client(host: str, family: int, upstream: Upstream) -> None:
    with netcore("proxy", "0", upstream.place, "--send-proxy") as proxy:
        port = proxy.port()
        with dial(f"{host}:{port}") as client:
            client.sendall(b"payload")
            header = read_exactly(client, 16)
            assert header[12:14] == bytes((0x21, family))
            addresses = read_exactly(client, int.from_bytes(header[14:], "big"))
            size = (len(addresses) - 4) // 2
            assert socket.inet_ntop(client.family, addresses[:size]) == host.strip("[]")
            assert socket.inet_ntop(client.family, addresses[size : 2 * size]) == host.strip("[]")
            assert int.from_bytes(addresses[-4:-2], "big") == client.getsockname()[1]
            assert int.from_bytes(addresses[-2:], "big") == port
            assert read_exactly(client, 7) == b"payload"


@not_on("win32")  # see test_named_pipes.py
def test_the_upstream_is_told_the_path(tmp_path: Path, upstream: Upstream) -> None:
    path = tmp_path / "proxy"
    with netcore("proxy", f"unix:{path}", upstream.place, "--send-proxy") as proxy:
        proxy.wait_until_listening()
        with dial(f"unix:{path}") as client:
            header = read_exactly(client, 16 + 216)
            assert header[12:16] == bytes.fromhex("213100d8")
            assert header[16:124] == bytes(108)
            assert header[124:].rstrip(b"\0") == str(path).encode()


# -- counts -----------------------------------------------------------------------------------------------------------


def test_counts_are_printed_as_json(upstream: Upstream) -> None:
    with netcore("proxy", "127.0.0.1:0", upstream.place, "--stats", 0.05, "--json") as proxy:
        port = proxy.port()
        ask(port, b"x" * 1000)
        with dial(port) as client:
            client.sendall(b"y" * 10)
            read_exactly(client, 10)
            proxy.out.find('"connections": 2, "open": 1, "bytes_up": 1010, "bytes_down": 1010')
            reset(client)
        proxy.out.find('"open": 0.*"errors": [1-9]')
        assert proxy.stop() == 0
        last = json.loads(proxy.out.rest()[-1])
        assert set(last) == {"connections", "open", "bytes_up", "bytes_down", "refused", "errors", "loop_lag_ms"}
        assert last["connections"] == 2
        assert 0 <= last["loop_lag_ms"] < 5000


def test_counts_are_printed_for_people(upstream: Upstream) -> None:
    with netcore("proxy", "127.0.0.1:0", upstream.place, "--stats", 0.05) as proxy:
        ask(proxy.port(), b"x" * 2048)
        proxy.out.find(r"^1 connections, 0 open, 2\.0 KiB up, 2\.0 KiB down, 0 refused, 0 errors, loop lag [\d.]+ ms$")


# -- the end ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_stop_lets_running_connections_finish(number: int, workers: int, upstream: Upstream) -> None:
    with netcore("proxy", "127.0.0.1:0", upstream.place, "--workers", workers, "--stats", 0.05) as proxy:
        port = proxy.port()
        with dial(port) as client:
            client.sendall(b"before")
            assert read_exactly(client, 6) == b"before"
            proxy.signal(number)
            while accepts(port):
                Event().wait(0.02)
            client.sendall(b"after")
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"after"
        assert proxy.wait() == 0


def accepts(port: int) -> bool:
    try:
        with dial(port):
            return True
    except (ConnectionRefusedError, ConnectionResetError):  # reset while the listener is being closed
        return False


def test_after_the_time_of_grace_connections_are_closed(upstream: Upstream) -> None:
    with netcore("proxy", "127.0.0.1:0", upstream.place, "--grace", 0.3) as proxy, dial(proxy.port()) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        proxy.signal(signal.SIGTERM)
        assert client.recv(1) == b""
        assert proxy.wait() == 0


def test_a_second_signal_exits_at_once(upstream: Upstream) -> None:
    with netcore("proxy", "127.0.0.1:0", upstream.place, "--grace", 1000) as proxy:
        port = proxy.port()
        with dial(port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            proxy.signal(signal.SIGTERM)
            while accepts(port):
                Event().wait(0.02)
            proxy.signal(signal.SIGINT)
            assert proxy.wait(5) == 128 + signal.SIGINT


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_in_use_is_one_line_and_status_1(workers: int, upstream: Upstream) -> None:
    with netcore("proxy", upstream.place, upstream.place, "--workers", workers) as proxy:
        assert proxy.wait() == 1
        lines = proxy.err.rest()
        assert len(lines) == 1
        assert "EADDRINUSE" in lines[0]


@not_on("win32")  # which has no such limit
def test_running_out_of_descriptors_costs_the_new_clients_only(upstream: Upstream) -> None:
    with netcore("proxy", "127.0.0.1:0", upstream.place) as proxy:
        port = proxy.port()
        with dial(port) as old:
            old.sendall(b"1")
            assert old.recv(1) == b"1"
            used = psutil.Process(proxy.pid).num_fds()
            psutil.Process(proxy.pid).rlimit(psutil.RLIMIT_NOFILE, (used + 3, used + 3))
            clients = [dial(port) for _ in range(8)]
            old.sendall(b"2")
            assert old.recv(1) == b"2"
            for client in clients:
                client.close()
            old.sendall(b"3")
            assert old.recv(1) == b"3"
            while ask_or_nothing(port) != b"hello":
                Event().wait(0.02)


def ask_or_nothing(port: int) -> bytes:
    try:
        return ask(port)
    except OSError:
        return b""

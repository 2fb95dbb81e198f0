"""Sockets: sending, receiving, ending, properties."""

import contextlib
import copy
import enum
import pickle
import socket as system

import pytest
from platforms import not_on, only_on

import netcore as net


def pair(on_server, on_client, **options):
    """Connects a client to a server, hands both sockets out, and runs until everything is closed."""
    server = net.createServer(options.pop("server", {}))

    def connected(peer):
        server.close()
        on_server(peer)

    server.on("connection", connected)

    def listening():
        on_client(net.connect(port=server.address()["port"], host="127.0.0.1", **options))

    server.listen(0, "127.0.0.1", listening)
    net.run()


def record(log, emitter, *names):
    for name in names:
        emitter.on(name, lambda *args, name=name: log.append((name, *args)))


def test_what_is_written_arrives_and_both_ends_close():
    log = []

    def on_client(client):
        record(log, client, "connect", "ready", "data", "end", "finish", "close")
        client.write("hello")
        client.once("data", lambda _: client.end())

    pair(lambda peer: peer.on("data", peer.write), on_client)
    assert log == [("connect",), ("ready",), ("data", b"hello"), ("finish",), ("end",), ("close", False)]


def test_the_first_queued_write_is_told_between_connect_and_ready():
    log = []

    def on_client(client):
        record(log, client, "connect", "ready", "finish")
        client.write("one", lambda: log.append("one"))
        client.write("two", lambda: log.append("two"))
        client.end("three", lambda: log.append("three"))

    pair(lambda peer: peer.resume(), on_client)
    assert log == [("connect",), "one", ("ready",), "two", "three", ("finish",)]


@pytest.mark.parametrize("nothing", [None, False, 0, ""])
def test_destroying_with_what_is_no_error_in_javascript_is_no_error(nothing):
    log = []
    socket = net.Socket()
    record(log, socket, "error", "close")
    socket.destroy(nothing)
    net.run()
    assert log == [("close",)]
    assert socket.errored is None


def test_an_event_may_be_named_by_a_member_of_a_str_enum():
    names = enum.StrEnum("names", ["DATA"])
    received = []

    def on_client(client):
        client.on(names.DATA, received.append)

    pair(lambda peer: peer.end("here"), on_client)
    assert received == [b"here"]


@pytest.mark.parametrize("size", [0, 1, 4096, 4097, 300_000])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_and_size_arrive_whole(kind, size):
    received = []
    data = bytes(range(256)) * (size // 256 + 1)
    pair(
        lambda peer: peer.on("data", received.append),
        lambda client: client.end(kind(data[:size])),
    )
    assert b"".join(received) == data[:size]


def test_text_is_encoded_as_the_call_or_the_default_says():
    received = []

    def on_client(client):
        client.setDefaultEncoding("hex")
        client.write("6869")
        client.write("é", "latin1")
        client.end("eQ==", "base64")

    pair(lambda peer: peer.on("data", received.append), on_client)
    assert b"".join(received) == b"hi\xe9y"


def test_a_character_split_over_packets_comes_whole():
    received = []

    def on_server(peer):
        peer.setEncoding("utf8")
        peer.on("data", received.append)

    def on_client(client):
        raw = "é€😀".encode()
        client.setNoDelay()
        client.write(raw[:3], lambda: net.setImmediate(client.end, raw[3:]))

    pair(on_server, on_client)
    assert "".join(received) == "é€😀"
    assert all(isinstance(chunk, str) for chunk in received)


def test_write_answers_false_at_the_mark_and_drain_follows():
    answers, drained = [], []

    def on_client(client):
        def connected():
            while client.write(b"x" * 65536):
                answers.append(True)
            client.on("drain", lambda: (drained.append(client.writableLength), client.end()))

        client.on("connect", connected)

    def on_server(peer):
        peer.pause()
        net.setTimeout(peer.resume, 20)

    pair(on_server, on_client)
    assert answers
    assert drained == [0]


def test_a_write_after_end_is_an_error_that_destroys():
    log = []

    def on_client(client):
        record(log, client, "error", "close")

        def connected():
            client.end("x")
            assert client.write("y", lambda error: log.append(("callback", error.code))) is False

        client.on("connect", connected)

    pair(lambda peer: peer.resume().on("error", lambda: None), on_client)
    assert log[0] == ("callback", "ERR_STREAM_WRITE_AFTER_END")
    assert log[1][1].code == "ERR_STREAM_WRITE_AFTER_END"
    assert log[2] == ("close", True)


def test_destroy_right_after_write_still_delivers():
    received = []

    def on_client(client):
        client.on("connect", lambda: (client.write("last words"), client.destroy()))

    pair(lambda peer: peer.on("data", received.append), on_client)
    assert received == [b"last words"]


def test_destroy_with_an_error_tells_it_and_then_closes():
    log = []
    boom = ValueError("boom")

    def on_client(client):
        record(log, client, "error", "close")
        client.on("connect", lambda: client.destroy(boom))

    pair(lambda peer: peer.resume(), on_client)
    assert log == [("error", boom), ("close", True)]


def test_a_reset_is_an_error_of_the_peer():
    log = []

    def on_server(peer):
        record(log, peer, "error", "close")
        peer.resume()

    pair(on_server, lambda client: client.on("connect", lambda: client.resetAndDestroy()))
    error = log[0][1]
    assert isinstance(error, ConnectionResetError)
    assert (error.code, error.syscall, str(error)) == ("ECONNRESET", "read", "read ECONNRESET")
    assert log[1] == ("close", True)


@pytest.mark.parametrize("half_open", [False, True])
def test_the_writable_side_survives_the_peers_end_only_if_half_open(half_open):
    log = []

    def on_server(peer):
        peer.on(
            "end", lambda: net.setImmediate(lambda: (log.append(peer.writable), peer.writable and peer.end("late")))
        )
        peer.resume()

    received = []

    def on_client(client):
        client.on("data", received.append)
        client.end("x")

    pair(on_server, on_client, server={"allowHalfOpen": half_open})
    assert log == [half_open]
    assert received == ([b"late"] if half_open else [])


def test_the_states_of_a_socket_through_its_life():
    states = []

    def note(client):
        states.append((client.readyState, client.pending, client.connecting, client.destroyed, client.closed))

    def on_client(client):
        note(client)
        client.on("connect", lambda: (note(client), client.end(), note(client)))
        client.on("close", lambda: note(client))

    fresh = net.Socket()
    note(fresh)
    pair(lambda peer: peer.resume(), on_client)
    assert states == [
        ("open", True, False, False, False),
        ("opening", True, True, False, False),
        ("open", False, False, False, False),
        ("readOnly", False, False, False, False),
        ("closed", True, False, True, True),
    ]


def test_addresses_and_counts():
    seen = {}

    def on_server(peer):
        peer.resume()
        peer.on("end", lambda: seen.update(read=peer.bytesRead))
        seen.update(peer=(peer.remoteAddress, peer.remotePort, peer.remoteFamily), server=peer.localPort)

    def on_client(client):
        def connected():
            seen.update(client=(client.localAddress, client.localPort, client.localFamily), port=client.remotePort)
            assert client.address() == {"address": "127.0.0.1", "family": "IPv4", "port": client.localPort}
            client.end("12345")
            seen.update(written=client.bytesWritten)

        client.on("connect", connected)
        client.on("close", lambda: seen.update(after=(client.localPort, client.bytesWritten, client.address())))

    pair(on_server, on_client)
    assert seen["peer"] == seen["client"]
    assert seen["server"] == seen["port"]
    assert (seen["read"], seen["written"]) == (5, 5)
    assert seen["after"] == (None, 5, {})


def test_silence_is_told_and_bytes_put_it_off():
    log = []

    def on_server(peer):
        peer.resume()
        peer.setTimeout(250, lambda: (log.append("silent"), peer.end()))

    def on_client(client):
        sent = []

        def again():
            sent.append(client.write("."))
            if len(sent) < 4:
                net.setTimeout(again, 100)  # a busy machine may be late by more than that
            else:
                log.append("quiet")

        client.on("connect", again)
        client.resume()

    pair(on_server, on_client)
    assert log == ["quiet", "silent"]


def test_onread_fills_the_buffer_and_false_holds_reading():
    seen = []
    held = []
    buffer = bytearray(4)

    def callback(size, given):
        assert given is buffer
        seen.append(bytes(given[:size]))
        if len(seen) == 1:
            held.append(True)
            net.setTimeout(lambda: client_of[0].resume(), 10)
            return False
        return None

    client_of = []
    pair(
        lambda peer: peer.end("0123456789"),
        client_of.append,
        onread={"buffer": buffer, "callback": callback},
    )
    assert seen == [b"0123", b"4567", b"89"]


@only_on("win32")
def test_a_descriptor_from_elsewhere_is_refused_where_node_refuses_it():
    ours, theirs = system.socketpair()
    with ours, theirs, pytest.raises(TypeError) as caught:
        net.Socket(fd=ours.fileno())
    assert caught.value.code == "ERR_INVALID_FD_TYPE"


@not_on("win32")
def test_a_descriptor_from_elsewhere_becomes_a_socket():
    ours, theirs = system.socketpair()
    received = []
    socket = net.Socket(fd=ours.detach())
    socket.on("data", received.append)
    socket.write("ping")
    theirs.settimeout(10)
    socket.once("data", lambda: socket.end())
    theirs.sendall(b"pong")
    socket.on("finish", lambda: (theirs.recv(100), theirs.close()))
    net.run()
    assert received == [b"pong"]


def test_a_keyword_that_does_not_exist_is_refused_and_an_unknown_option_ignored():
    with pytest.raises(TypeError):
        net.Socket(nonsense=1)
    with pytest.raises(TypeError):
        net.Socket().connect(port=1, nonsense=1)
    assert net.Socket({"nonsense": 1}).readyState == "open"


@pytest.mark.parametrize(
    ("call", "kind", "code"),
    [
        (lambda s: s.write(None), RuntimeError, "ERR_STREAM_NULL_VALUES"),
        (lambda s: s.write(5), TypeError, "ERR_INVALID_ARG_TYPE"),
        (lambda s: s.write("x", "nope"), ValueError, "ERR_UNKNOWN_ENCODING"),
        (lambda s: s.setTimeout("x"), TypeError, "ERR_INVALID_ARG_TYPE"),
        (lambda s: s.setTimeout(-1), ValueError, "ERR_OUT_OF_RANGE"),
        (lambda s: s.setTypeOfService(256), ValueError, "ERR_OUT_OF_RANGE"),
        (lambda s: s.connect(), TypeError, "ERR_MISSING_ARGS"),
        (lambda s: s.connect(70000), ValueError, "ERR_SOCKET_BAD_PORT"),
        (lambda s: s.connect({"port": 1, "host": "a\0b"}), ValueError, "ERR_INVALID_ARG_VALUE"),
        (lambda s: s.connect({"port": 1, "localAddress": "x"}), ValueError, "ERR_INVALID_IP_ADDRESS"),
        (lambda _: net.Socket(highWaterMark=-1), ValueError, "ERR_INVALID_ARG_VALUE"),
        (lambda _: net.Socket(fd=-1), ValueError, "ERR_OUT_OF_RANGE"),
        (lambda _: net.Socket(signal=1), TypeError, "ERR_INVALID_ARG_TYPE"),
    ],
)
def test_misuse_raises_with_nodes_code(call, kind, code):
    socket = net.Socket()
    with pytest.raises(kind) as caught:
        call(socket)
    assert caught.value.code == code


def test_a_half_built_socket_survives_every_method():
    socket = net.Socket.__new__(net.Socket)
    for name in dir(net.Socket):
        if name.startswith("_") or name in ("connect", "emit"):
            continue
        value = getattr(socket, name)
        if callable(value):
            with contextlib.suppress(TypeError, ValueError, OSError, RuntimeError):
                value()
    socket.on("error", lambda: None)
    net.run()


@pytest.mark.parametrize("kind", [net.Socket, net.Server, net.BoundSocket, net.EventEmitter, net.AbortController])
@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_what_holds_a_descriptor_or_listeners_cannot_be_copied(kind, duplicate):
    with pytest.raises(TypeError, match="cannot pickle .*" + kind.__name__):
        duplicate(kind())


def test_a_chunk_that_is_kept_never_changes_and_has_the_hash_of_its_bytes():
    sent = [bytes([number]) * 1000 for number in range(60)]
    kept = []
    received = []

    def on_server(peer):
        @peer.on("data")
        def data(chunk):
            received.append((len(chunk), hash(chunk) == hash(bytes(bytearray(chunk)))))
            if len(received) % 3 == 0:
                kept.append((chunk, bytes(bytearray(chunk))))
            peer.write("next")

    def on_client(client):
        left = iter(sent)
        client.write(next(left))
        client.on("data", lambda _: client.write(following) if (following := next(left, None)) else client.end())

    pair(on_server, on_client)
    assert received == [(1000, True)] * 60
    assert all(chunk == copy for chunk, copy in kept)
    assert [chunk for chunk, _ in kept] == sent[2::3]


def test_a_coroutine_reads_chunk_by_chunk_until_the_end():
    chunks = []

    async def read_all(peer):
        async for chunk in peer:
            chunks.append(chunk)
        chunks.append("end")

    pair(lambda peer: begin(read_all, peer), lambda client: client.end("data"))
    assert chunks == [b"data", "end"]


def begin(coroutine, peer):
    """Runs a coroutine function as a listener of the socket that it is given."""
    peer.once("begin", coroutine)
    peer.emit("begin", peer)


def test_a_loop_left_early_destroys_the_socket():
    log = []

    async def read_one(peer):
        async for chunk in peer:
            log.append(chunk)
            break
        log.append(peer.destroyed)

    def on_client(client):
        client.on("error", lambda: None)
        client.on("close", lambda: log.append("closed"))
        client.resume()
        client.write("data")

    pair(lambda peer: begin(read_one, peer), on_client)
    assert log == [b"data", True, "closed"]


def test_async_with_connects_sends_and_closes():
    received = []
    server = net.createServer(lambda peer: (server.close(), peer.on("data", received.append)))

    async def main():
        server.listen(0)
        await net.once(server, "listening")
        async with net.connect(server.address()["port"], "127.0.0.1") as client:
            assert client.readyState == "open"
            client.write("x" * 100_000)
        assert client.closed

    net.run(main())
    net.run()
    assert len(b"".join(received)) == 100_000

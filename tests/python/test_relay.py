"""Pipes, and the native relay behind them: the same bytes, whatever happens to the pipe meanwhile."""

import contextlib
import hashlib
import io
import os
import threading

import pytest
from platforms import only_on

import netcore as net

SIZE = 1_500_000
DATA = bytes(range(251)) * (SIZE // 251)


def proxied(on_proxy, payload=DATA):
    """A client that sends `payload` through a proxy to an echo server and back. Returns what came back."""
    received = []
    echo = net.createServer(lambda peer: peer.pipe(peer))
    echo.listen(0, "127.0.0.1")
    client_of = []

    def accepted(client):
        proxy.close()
        upstream = net.connect(echo.address()["port"], "127.0.0.1")
        upstream.on("connect", echo.close)
        on_proxy(client, upstream)

    proxy = net.createServer(accepted)

    def listening():
        client = net.connect(proxy.address()["port"], "127.0.0.1")
        client_of.append(client)
        client.on(
            "data", lambda chunk: (received.append(chunk), sum(map(len, received)) == len(payload) and client.end())
        )
        client.write(payload)

    proxy.listen(0, "127.0.0.1", listening)
    net.run()
    return b"".join(received)


def both(client, upstream):
    client.pipe(upstream)
    upstream.pipe(client)


def same(received):
    assert hashlib.sha256(received).digest() == hashlib.sha256(DATA).digest()


def test_every_byte_goes_through_and_both_ends_close():
    log = []

    def on_proxy(client, upstream):
        both(client, upstream)
        for name, socket in (("client", client), ("upstream", upstream)):
            for event in ("pipe", "unpipe", "end", "finish", "close"):
                socket.on(event, lambda *_, name=name, event=event: log.append((name, event)))

    same(proxied(on_proxy))
    assert log.count(("client", "close")) == log.count(("upstream", "close")) == 1
    assert log.index(("client", "end")) < log.index(("upstream", "finish"))
    assert ("upstream", "unpipe") in log
    assert ("client", "unpipe") in log


def pipes_of_this_process():
    links = []
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the folder's own descriptor
            links.append(os.readlink(f"/proc/self/fd/{fd}"))
    return sum(link.startswith("pipe:") for link in links)


@only_on("linux")
def test_what_comes_in_bulk_goes_through_a_pipe_of_the_kernel():
    seen = []

    def on_proxy(client, upstream):
        both(client, upstream)
        seen.append(pipes_of_this_process())
        upstream.on("end", lambda: seen.append(pipes_of_this_process()))

    # A thread has a loop of its own, whose pipe is not there yet.
    thread = threading.Thread(target=lambda: seen.append(proxied(on_proxy)))
    thread.start()
    thread.join()
    before, after, received = seen
    same(received)
    assert after - before == 2


def test_counts_and_queues_are_those_of_the_bytes():
    seen = []

    def on_proxy(client, upstream):
        both(client, upstream)
        client.on("close", lambda: seen.append((client.bytesRead, client.bytesWritten)))
        upstream.on("close", lambda: seen.append((upstream.bytesRead, upstream.bytesWritten)))

    same(proxied(on_proxy))
    assert seen == [(len(DATA), len(DATA))] * 2


def interferences():
    def listener(client, upstream):
        seen = []
        net.setTimeout(lambda: client.on("data", seen.append), 1)

    def once(client, upstream):
        net.setTimeout(lambda: client.once("data", lambda: None), 1)

    def pause_and_resume(client, upstream):
        def hold():
            client.pause()
            net.setTimeout(client.resume, 3)

        net.setTimeout(hold, 1)
        net.setTimeout(hold, 8)

    def cork(client, upstream):
        def hold():
            upstream.cork()
            net.setTimeout(upstream.uncork, 3)

        net.setTimeout(hold, 1)

    def second_pipe(client, upstream):
        sink = io.BytesIO()
        net.setTimeout(lambda: client.pipe(sink, end=False), 1)
        net.setTimeout(lambda: client.unpipe(sink), 6)

    def unpipe_and_pipe(client, upstream):
        def swap():
            client.unpipe(upstream)
            net.setTimeout(lambda: client.pipe(upstream), 2)

        net.setTimeout(swap, 1)

    def listener_that_leaves(client, upstream):
        def look():
            client.on("data", nothing)
            net.setTimeout(lambda: client.off("data", nothing), 2)

        def nothing(chunk):
            assert chunk

        for ms in (1, 4, 9):
            net.setTimeout(look, ms)

    return [listener, once, pause_and_resume, cork, second_pipe, unpipe_and_pipe, listener_that_leaves]


@pytest.mark.parametrize("interfere", interferences(), ids=lambda function: function.__name__)
def test_no_byte_is_lost_when_somebody_looks(interfere):
    def on_proxy(client, upstream):
        both(client, upstream)
        upstream.on("connect", lambda: interfere(client, upstream))

    same(proxied(on_proxy))


def test_a_listener_from_the_start_sees_all_that_passes():
    seen = []

    def on_proxy(client, upstream):
        client.on("data", seen.append)
        both(client, upstream)

    same(proxied(on_proxy))
    same(b"".join(seen))


def test_what_the_program_writes_goes_between_what_is_piped():
    received = []
    server = net.createServer(
        lambda peer: (
            server.close(),
            peer.write("<"),
            peer.pipe(peer, end=False),
            peer.on("end", lambda: peer.end(">")),
        )
    )

    def listening():
        client = net.connect(server.address()["port"], "127.0.0.1")
        client.on("data", received.append)
        client.end("echo")

    server.listen(0, "127.0.0.1", listening)
    server.allowHalfOpen = True
    net.run()
    assert b"".join(received) == b"<echo>"


def test_without_end_the_destination_stays_open():
    log = []

    def on_proxy(client, upstream):
        client.pipe(upstream, {"end": False})
        upstream.pipe(client)
        client.on("end", lambda: net.setImmediate(lambda: (log.append(upstream.writable), upstream.end())))

    same(proxied(on_proxy))
    assert log == [True]


def test_a_destination_that_breaks_is_unpiped_and_pauses_the_source():
    log = []

    def on_proxy(client, upstream):
        both(client, upstream)

        def broken():
            upstream.on("error", lambda error: log.append(("error", str(error))))
            upstream.on("unpipe", lambda source: log.append(("unpipe", source is client)))
            upstream.on("close", lambda: (log.append(("flowing", client.readableFlowing)), client.destroy()))
            upstream.destroy(ValueError("broken"))

        upstream.on("connect", broken)

    proxied(on_proxy, b"x" * 100)
    assert log == [("unpipe", True), ("error", "broken"), ("flowing", False)]


def test_a_file_receives_what_is_piped_and_is_closed(tmp_path):
    path = tmp_path / "out"
    file = path.open("wb")
    server = net.createServer(lambda peer: (server.close(), peer.pipe(file)))
    server.listen(0, "127.0.0.1", lambda: net.connect(server.address()["port"], "127.0.0.1").end(DATA))
    net.run()
    assert file.closed
    same(path.read_bytes())


def test_any_object_with_write_and_end_is_a_destination():
    class Sink:
        def __init__(self):
            self.chunks = []

        def write(self, chunk):
            self.chunks.append(chunk)

        def end(self):
            self.chunks.append("end")

    sink = Sink()
    server = net.createServer(lambda peer: (server.close(), peer.pipe(sink)))
    server.listen(0, "127.0.0.1", lambda: net.connect(server.address()["port"], "127.0.0.1").end("bytes"))
    net.run()
    assert sink.chunks == [b"bytes", "end"]


def test_a_destination_that_wants_no_more_holds_the_source_until_it_drains():
    class Slow(net.EventEmitter):
        def __init__(self):
            super().__init__()
            self.chunks = []

        def write(self, chunk):
            self.chunks.append(chunk)
            net.setTimeout(lambda: self.emit("drain"), 1)
            return False

        def end(self):
            self.chunks.append(b"")

    slow = Slow()
    flowing = []

    def connected(peer):
        server.close()
        peer.pipe(slow)
        peer.on("pause", lambda: flowing.append(peer.readableFlowing))

    server = net.createServer(connected)
    server.listen(0, "127.0.0.1", lambda: net.connect(server.address()["port"], "127.0.0.1").end(DATA))
    net.run()
    same(b"".join(slow.chunks))
    assert flowing
    assert not any(flowing)


def test_a_pipe_before_the_connection_begins_with_it():
    received = []
    server = net.createServer(lambda peer: (server.close(), peer.end("from afar")))

    def listening():
        sink = type("Sink", (), {"write": lambda _, chunk: received.append(chunk), "end": lambda _: None})()
        net.connect(server.address()["port"], "localhost").pipe(sink)

    server.listen(0, "127.0.0.1", listening)
    net.run()
    assert received == [b"from afar"]


def test_methods_that_a_subclass_has_of_its_own_see_what_is_piped():
    seen = {"written": 0, "data": 0, "ends": 0}

    class Watching(net.Socket):
        def write(self, data, encoding=None, callback=None):
            seen["written"] += len(data)
            return super().write(data, encoding, callback)

        def emit(self, name, *args):
            if name == "data":
                seen["data"] += len(args[0])
            return super().emit(name, *args)

        def end(self, *args):
            seen["ends"] += 1
            return super().end(*args)

    def on_proxy(client, upstream):
        watching = Watching()
        watching.on("connect", lambda: both(client, watching))
        watching.connect(echo.address()["port"], "127.0.0.1")
        upstream.end()

    echo = net.createServer(lambda peer: (echo.close(), peer.pipe(peer)))
    echo.listen(0, "127.0.0.1")
    same(proxied(on_proxy))
    assert seen == {"written": len(DATA), "data": len(DATA), "ends": 1}

"""The duplex stream that a socket is: the two modes of reading, corking, callbacks, high-water marks."""

import pytest

import netcore as net


def given(payload, use, **options):
    """A socket that a server sends `payload` and its end to, for `use(socket)`."""
    server = net.createServer(lambda peer: (server.close(), peer.on("error", lambda: None), peer.end(payload)))

    def listening():
        use(net.connect(port=server.address()["port"], host="127.0.0.1", **options))

    server.listen(0, "127.0.0.1", listening)
    net.run()


def test_readable_and_read_take_what_there_is_and_then_the_end():
    log = []

    def use(socket):
        def readable():
            chunk = socket.read()
            log.append(chunk)

        socket.on("readable", readable)
        socket.on("end", lambda: log.append("end"))

    given("hello", use)
    assert b"".join(chunk for chunk in log if isinstance(chunk, bytes)) == b"hello"
    assert log[-2:] == [None, "end"]


def test_read_takes_exactly_as_much_as_it_is_asked_for():
    log = []

    def use(socket):
        def readable():
            while (chunk := socket.read(4)) is not None:
                log.append(chunk)

        socket.on("readable", readable)

    given("0123456789", use)
    assert log == [b"0123", b"4567", b"89"]


@pytest.mark.parametrize("size", [2**30 + 1, 2**64, 1e300])
def test_no_more_than_a_gibibyte_is_read_at_once(size):
    with pytest.raises(ValueError, match="It must be <= 1GiB") as caught:
        net.Socket().read(size)
    assert caught.value.code == "ERR_OUT_OF_RANGE"


def test_bytes_that_come_after_an_unshifted_end_are_an_error():
    log = []

    def use(socket):
        socket.on("readable", lambda: None)
        socket.on("connect", lambda: log.append(socket.unshift(None)))
        socket.on("error", lambda error: log.append(error.code))
        socket.on("close", log.append)

    given("too late", use)
    assert log == [False, "ERR_STREAM_PUSH_AFTER_EOF", True]


def test_what_is_unshifted_is_read_again():
    log = []

    def use(socket):
        def first(chunk):
            socket.pause()
            socket.unshift(chunk[2:])
            socket.unshift(b"<>")
            socket.on("data", log.append)
            net.setImmediate(socket.resume)

        socket.once("data", first)

    given("0123", use)
    assert b"".join(log) == b"<>23"


def test_a_paused_stream_buffers_to_the_mark_and_no_further():
    seen = []

    def use(socket):
        def first(chunk):
            socket.pause()
            seen.append(len(chunk))
            net.setTimeout(fill, 5)

        def fill():
            net.setTimeout(look, 50) if socket.readableLength >= 65536 else net.setTimeout(fill, 5)

        def look():
            buffered.append(socket.readableLength)
            socket.on("data", lambda chunk: seen.append(len(chunk)))
            socket.resume()

        socket.once("data", first)

    buffered = []
    given(b"x" * 3_000_000, use)
    assert buffered[0] <= 65536 + 256 * 1024
    assert sum(seen) == 3_000_000


def test_flowing_is_undecided_then_on_then_off():
    states = []

    def use(socket):
        states.append(socket.readableFlowing)
        socket.on("data", lambda: None)
        states.append(socket.readableFlowing)
        socket.pause()
        states.append((socket.readableFlowing, socket.isPaused()))
        socket.resume()
        states.append((socket.readableFlowing, socket.isPaused()))

    given("x", use)
    assert states == [None, True, (False, True), (True, False)]


def test_pause_and_resume_are_told_once_each_at_once_and_on_a_tick():
    log = []
    socket = net.Socket()
    socket.on("pause", lambda: log.append("pause"))
    socket.on("resume", lambda: log.append("resume"))
    socket.resume()
    socket.resume()
    log.append("called")
    net.nextTick(lambda: (socket.pause(), socket.pause()))
    net.run()
    assert log == ["called", "resume", "pause"]


def test_corked_writes_leave_together():
    log = []

    def use(socket):
        def connected():
            socket.cork()
            socket.write("a", lambda: log.append("a"))
            socket.write("b", lambda: log.append("b"))
            log.append((socket.writableCorked, socket.writableLength))
            socket.uncork()
            log.append((socket.writableCorked, socket.writableLength))
            socket.end()

        socket.on("connect", connected)
        socket.resume()

    given("", use)
    assert log == [(1, 2), (0, 0), "a", "b"]


def test_the_marks_are_those_of_the_options():
    socket = net.Socket(highWaterMark=10)
    assert (socket.readableHighWaterMark, socket.writableHighWaterMark) == (10, 10)
    assert net.Socket().writableHighWaterMark == 65536
    assert net.createServer(highWaterMark=7).highWaterMark == 7


def test_write_while_connecting_answers_by_the_mark():
    answers = []

    def use(socket):
        answers.append((socket.write("12345"), socket.writableNeedDrain, socket.writableLength))
        answers.append((socket.write("67890"), socket.writableNeedDrain, socket.writableLength))
        socket.on("drain", lambda: answers.append("drain"))
        socket.on("connect", lambda: net.setImmediate(socket.end))
        socket.resume()

    given("", use, highWaterMark=10)
    assert answers == [(True, False, 5), (False, True, 10), "drain"]


def test_callbacks_come_in_order_each_once_on_their_ticks():
    log = []

    def use(socket):
        def connected():
            socket.write("1", lambda: log.append(1))
            net.nextTick(log.append, "tick")
            socket.write("2", lambda: log.append(2))
            log.append("written")
            socket.end()

        socket.on("connect", connected)
        socket.resume()

    given("", use)
    assert log == ["written", 1, "tick", 2]


@pytest.mark.parametrize(
    "method", ["pause", "resume", "end", "destroy", "unref", "write", "setEncoding", "unpipe", "cork", "read"]
)
@pytest.mark.parametrize("event", ["connect", "ready", "data", "end", "finish", "close", "drain", "resume"])
def test_every_method_may_be_called_inside_every_event(event, method):
    called = []

    def use(socket):
        def call():
            called.append(getattr(socket, method)(*(["x"] if method == "write" else [])))
            net.setTimeout(socket.destroy, 5)

        socket.on("error", lambda: None)
        socket.once(event, call)
        socket.on("data", lambda: None)
        socket.write(b"x" * 70_000)
        if event == "finish":
            socket.end()

    given("payload", use)
    assert called


def test_an_exception_in_a_listener_leaves_run_and_the_loop_goes_on():
    received = []

    def use(socket):
        def explode(chunk):
            received.append(chunk)
            raise LookupError("in a listener")

        socket.once("data", explode)
        socket.on("close", lambda: received.append("closed"))

    with pytest.raises(LookupError):
        given("payload", use)
    net.run()
    assert received == [b"payload", "closed"]


def test_the_flags_tell_what_happened():
    socket = net.Socket()
    assert (socket.readable, socket.writable, socket.destroyed, socket.closed, socket.errored) == (
        True,
        True,
        False,
        False,
        None,
    )
    boom = ValueError("boom")
    socket.on("error", lambda: None)
    socket.destroy(boom)
    assert (socket.readable, socket.writable, socket.destroyed, socket.errored) == (False, False, True, boom)
    assert socket.readableAborted
    assert socket.writableAborted
    net.run()

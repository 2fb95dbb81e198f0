"""One loop a thread: what belongs to whom, and what may be called from elsewhere."""

import asyncio
import contextlib
import gc
import hashlib
import os
import pickle
import socket
import struct
import threading
import time
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from platforms import not_on

import netcore as net


@pytest.fixture
def elsewhere():
    """Runs a function on one other thread and answers its result."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda fn, *args: pool.submit(fn, *args).result()


@pytest.fixture
def worker():
    """The loop of a thread that runs it until the test is over."""
    ready = threading.Event()
    failures = []
    loops = []

    def serve():
        loops.append(net.get_loop().ref())
        ready.set()
        try:
            net.run()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait()
    loop = loops[0]
    yield loop
    loop.post(loop.unref)
    thread.join(10)
    assert not thread.is_alive()
    assert failures == []


def ask(loop, fn, *args):
    """Has `fn` called on another thread's loop and waits for what it answers."""
    done = threading.Event()
    answers = []

    def call():
        try:
            answers.append(fn(*args))
        finally:
            done.set()

    loop.post(call)
    assert done.wait(10)
    return answers[0]


def keep_collecting():
    """Collects garbage from time to time for as long as this loop runs. No interval, because all threads stop meanwhile:
    under a sanitizer that takes longer than any pause would last, and no other thread would get on."""
    gc.collect()
    net.setTimeout(keep_collecting, 100).unref()


def test_each_thread_has_a_loop_of_its_own(elsewhere):
    mine = net.get_loop()
    theirs = elsewhere(net.get_loop)
    assert mine is net.get_loop()
    assert theirs is not mine
    assert elsewhere(net.get_loop) is theirs


def test_loops_run_side_by_side(worker):
    seen = []
    for number in range(100):
        worker.post(seen.append, number)
    net.setTimeout(seen.append, 5, "mine")
    net.run()
    ask(worker, lambda: None)
    assert sorted(map(str, seen)) == sorted([*map(str, range(100)), "mine"])
    assert [item for item in seen if item != "mine"] == list(range(100))


def test_posts_of_many_threads_all_arrive_and_each_threads_in_its_order(worker):
    arrived = []

    def post(sender):
        for number in range(500):
            worker.post(arrived.append, (sender, number))

    threads = [threading.Thread(target=post, args=(sender,)) for sender in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ask(worker, lambda: None)
    assert len(arrived) == 2000
    for sender in range(4):
        assert [number for who, number in arrived if who == sender] == list(range(500))


def test_a_wake_up_before_and_during_a_wait_is_harmless(worker):
    for _ in range(100):
        worker.wake()
    assert ask(worker, lambda: "alive") == "alive"
    net.get_loop().wake()
    net.run()


@pytest.mark.parametrize("make", [net.setTimeout, net.setInterval, net.setImmediate])
@pytest.mark.parametrize("name", ["ref", "unref", "hasRef", "refresh", "close"])
def test_a_timer_of_another_thread_is_refused(worker, make, name):
    timer = ask(worker, lambda: make(lambda *_: None, 60_000).unref())
    if hasattr(timer, name):
        with pytest.raises(RuntimeError, match="another thread"):
            getattr(timer, name)()


def test_clearing_across_threads_is_refused(worker):
    held = ask(worker, lambda: net.setTimeout(print, 60_000))
    with pytest.raises(RuntimeError, match="another thread"):
        net.clearTimeout(held)
    ask(worker, held.close)


def test_a_thread_that_ends_gives_everything_back(elsewhere):
    class Callback:
        def __call__(self):
            pass

    def make():
        callback = Callback()
        watched.append(weakref.ref(callback))
        net.setTimeout(callback, 60_000)
        net.setImmediate(callback)
        net.nextTick(callback)
        loops.append(weakref.ref(net.get_loop()))

    watched, loops = [], []
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    gc.collect()
    assert [ref() for ref in watched + loops] == [None, None]


def test_an_object_that_outlives_its_thread_says_so():
    made = []
    thread = threading.Thread(target=lambda: made.append((net.get_loop(), net.setTimeout(print, 60_000))))
    thread.start()
    thread.join()
    loop, timer = made[0]
    with pytest.raises(RuntimeError, match="its thread is over"):
        timer.close()
    with pytest.raises(RuntimeError, match="its thread is over"):
        loop.run()
    loop.post(print, "nobody hears this")
    loop.wake()


def test_a_coroutine_runs_on_a_threads_own_loop(elsewhere):
    async def main():
        return await net.sleep(1, threading.current_thread())

    assert elsewhere(lambda: net.run(main()) is threading.current_thread())


def test_an_exception_of_a_callback_leaves_the_run_of_its_own_thread_only(elsewhere):
    def fail():
        raise ValueError("theirs")

    def run():
        net.setImmediate(fail)
        with pytest.raises(ValueError, match="theirs"):
            net.run()
        return "raised"

    net.setTimeout(lambda: None, 5)
    assert elsewhere(run) == "raised"
    net.run()


# --- sockets ----------------------------------------------------------------------------------------------------------


def listen(on_connection):
    """A server on this thread's loop, and its port."""
    server = net.createServer(on_connection)
    server.listen(0)
    return server, server.address()["port"]


def test_a_connected_socket_moves_to_another_threads_loop_and_goes_on_there(worker):
    seen = []

    def moved(socket):
        seen.append((threading.get_ident(), socket))

    def connection(socket):
        socket.on("data", lambda chunk: (seen.append(threading.get_ident()), socket.write(chunk)))
        socket.on("end", lambda: seen.append("end"))
        assert worker.adopt(socket, moved) is socket
        server.close()

    server, port = listen(connection)
    client = net.connect(port, "127.0.0.1")
    client.on("connect", lambda: client.write("hello"))
    answers = []
    client.on("data", lambda chunk: (answers.append(chunk), client.end()))
    net.run()
    theirs = ask(worker, threading.get_ident)
    assert answers == [b"hello"]
    assert seen[0][0] == theirs
    assert seen[1:] == [theirs, "end"]
    assert ask(worker, lambda: seen[0][1].bytesRead) == 5


def test_no_byte_is_lost_when_a_busy_socket_moves(worker):
    blocks = [bytes([number]) * 65536 for number in range(100)]
    arrived = hashlib.sha256()
    sent = hashlib.sha256(b"".join(blocks)).hexdigest()
    count = 0

    def connection(socket):
        def data(chunk):
            nonlocal count
            arrived.update(chunk)
            count += len(chunk)
            if count > 1_000_000 and not moved:
                moved.append(True)
                worker.adopt(socket)

        socket.on("data", data)
        socket.on("end", lambda: threads.append(threading.get_ident()))
        server.close()

    moved, threads = [], []
    server, port = listen(connection)
    client = net.connect(port, "127.0.0.1")
    for block in blocks:
        client.write(block)
    client.end()
    net.run()
    assert threads == [ask(worker, threading.get_ident)]
    assert (count, arrived.hexdigest()) == (6_553_600, sent)


@pytest.mark.parametrize("event", ["data", "readable"])
def test_a_socket_moves_when_its_first_bytes_have_said_where_to(worker, event):
    answers, over = [], threading.Event()

    def connection(socket):
        def look(data=None):
            first = data or socket.read()
            if first:
                socket.removeListener(event, look)
                worker.adopt(socket, lambda socket: (socket.write(first), socket.on("data", socket.write)))

        socket.on(event, look).on("close", lambda _: over.set())
        server.close()

    server, port = listen(connection)
    client = net.connect(port, "127.0.0.1")
    client.write("first,")
    client.setEncoding("utf8")
    client.on("data", lambda text: (answers.append(text), client.end("second") if text == "first," else None))
    net.run()
    assert over.wait(10)
    assert "".join(answers) == "first,second"


def test_a_socket_moves_there_and_back(worker):
    home = net.get_loop()
    home.ref()
    answers = []

    def there(socket):
        home.adopt(socket, back)

    def back(socket):
        home.unref()
        socket.pipe(socket)

    server, port = listen(lambda socket: (worker.adopt(socket, there), server.close()))
    client = net.connect(port, "127.0.0.1")
    client.write("there and back")
    client.on("data", lambda chunk: (answers.append(chunk), client.end()))
    net.run()
    assert answers == [b"there and back"]


@pytest.mark.parametrize("event", ["connect", "ready"])
def test_a_socket_moves_as_soon_as_it_is_connected(worker, event):
    heard = threading.Event()
    answers = []

    def there(socket):
        socket.on("data", lambda data: (answers.append((bytes(data), threading.get_ident())), socket.end()))
        socket.on("close", lambda _: heard.set())
        socket.write(" and after")

    server, port = listen(lambda socket: (socket.pipe(socket), server.close()))
    client = net.connect({"port": port, "host": "127.0.0.1", "allowHalfOpen": True})
    client.write("before")
    client.on(event, lambda: worker.adopt(client, there))
    net.run()
    assert heard.wait(10)
    assert b"".join(data for data, _ in answers).startswith(b"before")
    assert {thread for _, thread in answers} == {ask(worker, threading.get_ident)}


# What makes a socket emit an event soon. Its peer has sent it five chunks of a byte each that wait to be read, and then
# echoes.
MOVED_IN = {
    "data": lambda socket: socket.resume(),
    "readable": lambda socket: None,
    "resume": lambda socket: socket.resume(),
    "pause": lambda socket: (socket.resume(), socket.pause()),
    "drain": lambda socket: (socket.write(bytes(20_000_000)), socket.resume()),
    "timeout": lambda socket: socket.setTimeout(5),
    "written": lambda socket: (socket.write("x", lambda error: socket.emit("written")), socket.resume()),
}


@pytest.mark.parametrize("event", MOVED_IN)
def test_a_socket_that_moves_in_the_middle_of_its_work_does_the_rest_of_it_where_it_is(worker, event):
    over = threading.Event()
    heard = []

    def move(*_):
        client.removeListener(event, move)
        if event == "timeout":
            client.setTimeout(0)
        for name in {event, "data", "resume", "pause", "drain", "end", "finish", "close"}:
            client.on(name, lambda *_, name=name: heard.append((name, threading.get_ident())))
        client.on("close", lambda _: over.set())
        worker.adopt(client, lambda socket: socket.removeAllListeners("readable").resume().end("last"))

    def connection(socket):
        socket.setNoDelay(True)
        socket.on("end", socket.end).resume()
        server.close()
        for number in range(5):
            net.setTimeout(lambda: socket.write(b"."), 5 * number)

    server, port = listen(connection)
    client = net.connect({"port": port, "host": "127.0.0.1", "allowHalfOpen": True})
    client.pause()

    async def prepare():
        await net.once(client, "connect")
        while client.readableLength < 5:
            client.read(0)
            await net.sleep(1)
        client.on(event, move)
        MOVED_IN[event](client)

    net.run(prepare())
    net.run()
    assert over.wait(10)
    assert {thread for _, thread in heard} == {ask(worker, threading.get_ident)}
    assert [name for name, _ in heard][-1] == "close"


def test_what_was_due_for_a_write_is_done_where_its_socket_has_moved_to(worker):
    told = threading.Event()
    threads = []
    server, port = listen(lambda socket: (socket.pipe(socket), server.close()))
    client = net.connect(port, "127.0.0.1")

    def move():
        client.write("x", lambda _: (threads.append(threading.get_ident()), told.set()))
        assert client.writableLength == 0  # to know that sends what was written
        worker.adopt(client, lambda socket: socket.resume().end())

    client.on("connect", move)
    net.run()
    assert told.wait(10)
    assert threads == [ask(worker, threading.get_ident)]


def test_what_was_due_for_a_socket_is_done_where_it_has_moved_to(worker):
    flows = threading.Event()
    threads = []

    def connection(socket):
        socket.on("resume", lambda: (threads.append(threading.get_ident()), flows.set()))
        socket.resume()
        worker.adopt(socket)
        server.close()

    server, port = listen(connection)
    client = net.connect(port, "127.0.0.1")
    client.on("connect", client.end)
    client.resume()
    net.run()
    assert flows.wait(10)
    assert threads == [ask(worker, threading.get_ident)]


def test_a_server_closes_when_its_last_connection_has_ended_on_another_thread(worker):
    events = []
    server, port = listen(lambda socket: (worker.adopt(socket, lambda socket: socket.resume().end()), server.close()))
    server.on("close", lambda: events.append(threading.get_ident()))
    client = net.connect(port, "127.0.0.1")
    client.resume()
    net.get_loop().ref()
    server.on("close", net.get_loop().unref)
    net.run()
    assert events == [threading.get_ident()]


def test_a_socket_of_another_thread_is_refused(worker):
    kept = []

    def connection(socket):
        worker.adopt(socket, kept.append)
        server.close()

    server, port = listen(connection)
    client = net.connect(port, "127.0.0.1")
    client.on("error", lambda _: None)
    client.resume()

    async def until_moved():
        while not kept:
            await net.sleep(1)

    net.run(until_moved())
    for call in (lambda: kept[0].write("x"), kept[0].destroy, kept[0].pause, lambda: net.get_loop().adopt(kept[0])):
        with pytest.raises(RuntimeError, match="another thread"):
            call()
    ask(worker, kept[0].destroy)
    net.run()


@pytest.mark.parametrize("what", [net.Socket, net.Server, net.EventEmitter])
def test_only_connected_sockets_move(worker, what):
    with pytest.raises((TypeError, RuntimeError)):
        worker.adopt(what())


@pytest.mark.parametrize("event", ["end", "finish", "end callback"])
def test_a_socket_does_not_move_in_the_middle_of_an_end(worker, event):
    """What follows from it is still to come, and one direction may have ended before."""
    heard = []

    def move():
        with pytest.raises(RuntimeError, match="does not move"):
            worker.adopt(client)
        heard.append(event)

    server, port = listen(lambda socket: (socket.resume().end("all"), server.close()))
    client = net.connect({"port": port, "host": "127.0.0.1", "allowHalfOpen": event != "end"})
    client.on(event, move)
    client.on("end", lambda: client.end(move if event == "end callback" else None))
    client.on("close", lambda had_error: heard.append(f"close {had_error}"))
    client.resume()
    net.run()
    assert heard == [event, "close False"]


def test_a_socket_does_not_move_to_a_loop_whose_thread_is_over(elsewhere):
    loops = []
    thread = threading.Thread(target=lambda: loops.append(net.get_loop()))
    thread.start()
    thread.join()
    answers = []

    def connection(socket):
        with pytest.raises(RuntimeError, match="thread is over"):
            loops[0].adopt(socket)
        socket.end("still here")
        server.close()

    server, port = listen(connection)
    client = net.connect(port, "127.0.0.1")
    client.on("data", answers.append)
    net.run()
    assert answers == [b"still here"]


def test_a_thread_that_ends_closes_its_sockets():
    ports, closed = [], []
    ready, go = threading.Event(), threading.Event()

    def serve():
        server, port = listen(lambda socket: (socket.on("close", lambda _: closed.append("close")), stop()))
        stop = server.unref
        ports.append(port)
        ready.set()
        net.setTimeout(lambda: None, 50)

        async def main():
            await net.once(server, "connection")

        net.run(main())
        go.set()

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(10)
    ends = []
    client = net.connect(ports[0], "127.0.0.1")
    client.on("error", ends.append)
    client.on("end", lambda: ends.append("end"))
    client.resume()
    net.run()
    thread.join()
    assert len(ends) == 1
    assert closed == ["close"]


# --- the wrong thread -------------------------------------------------------------------------------------------------

# Flags and numbers that an object answers by itself, and what is of the class.
ANSWERED_TO_ALL = {
    net.Socket: [
        "readable",
        "readableFlowing",
        "readableHighWaterMark",
        "readableEnded",
        "readableAborted",
        "readableObjectMode",
        "isPaused",
        "writable",
        "writableHighWaterMark",
        "writableNeedDrain",
        "writableEnded",
        "writableFinished",
        "writableAborted",
        "writableObjectMode",
        "destroyed",
        "closed",
        "allowHalfOpen",
        "connecting",
        "pending",
        "readyState",
        "defaultMaxListeners",
        "errorMonitor",
    ],
    net.Server: [
        "listening",
        "address",
        "allowHalfOpen",
        "pauseOnConnect",
        "highWaterMark",
        "noDelay",
        "keepAlive",
        "keepAliveInitialDelay",
        "dropMaxConnection",
        "defaultMaxListeners",
        "errorMonitor",
    ],
    type(net.get_loop()): ["post", "wake"],
}
ARGUMENTS = {
    "adopt": (None,),
    "connect": (1, "127.0.0.1"),
    "emit": ("data", b"x"),
    "getConnections": (print,),
    "listenerCount": ("data",),
    "listeners": ("data",),
    "pipe": (None,),
    "post": (print,),
    "rawListeners": ("data",),
    "setDefaultEncoding": ("utf8",),
    "setMaxListeners": (5,),
    "setTimeout": (5,),
    "setTypeOfService": (0,),
    "unshift": (b"x",),
    "write": (b"x",),
    "__aexit__": (None, None, None),
}
ARGUMENTS |= dict.fromkeys(["addListener", "on", "once", "prependListener", "prependOnceListener"], ("data", print))
ARGUMENTS |= dict.fromkeys(["off", "removeListener"], ("data", print))
SETTABLE = {
    net.Socket: ["allowHalfOpen"],
    net.Server: ["allowHalfOpen", "blockList", "maxConnections", "pauseOnConnect"],
}


def public_names(kind):
    names = [name for name in dir(kind) if not name.startswith("_")]
    return names + [name for name in ("__aiter__", "__aenter__", "__aexit__") if hasattr(kind, name)]


def use(thing, name):
    """Reads an attribute, and calls it if it is a method."""
    found = getattr(thing, name)
    return found(*ARGUMENTS.get(name, ())) if callable(getattr(type(thing), name)) else found


def check_that_the_rest_is_refused(thing):
    kind = type(thing)
    for name in public_names(kind):
        if name in ANSWERED_TO_ALL[kind]:
            use(thing, name)
            continue
        with pytest.raises(RuntimeError, match="another thread"):
            use(thing, name)
    for name in SETTABLE.get(kind, ()):
        with pytest.raises(RuntimeError, match="another thread"):
            setattr(thing, name, None)


def test_a_socket_of_another_thread_answers_what_it_knows_and_refuses_the_rest(worker):
    arrived = threading.Event()
    kept = []
    server, port = listen(lambda socket: worker.adopt(socket, lambda socket: (kept.append(socket), arrived.set())))
    client = net.connect(port, "127.0.0.1")
    answers = []
    client.on("data", lambda data: (answers.append(data), client.end(), server.close()))

    async def until_moved():
        while not arrived.is_set():
            await net.sleep(1)

    net.run(until_moved())
    check_that_the_rest_is_refused(kept[0])
    worker.post(lambda: kept[0].pipe(kept[0]))
    client.write("as if nothing had happened")
    net.run()
    assert answers == [b"as if nothing had happened"]


def test_a_server_of_another_thread_answers_what_it_knows_and_refuses_the_rest(worker):
    connected = threading.Event()
    server, port = ask(worker, listen, lambda socket: (socket.end(), server.close(connected.set)))
    check_that_the_rest_is_refused(server)
    assert server.address()["port"] == port
    client = net.connect(port, "127.0.0.1")
    client.resume()
    net.run()
    assert connected.wait(10)
    assert server.address() is None


def test_a_loop_of_another_thread_can_be_posted_to_and_woken_and_refuses_the_rest(worker):
    names = [
        name for name in public_names(type(worker)) if name != "adopt"
    ]  # which is for the thread that a socket leaves
    for name in names:
        if name in ANSWERED_TO_ALL[type(worker)]:
            use(worker, name)
            continue
        with pytest.raises(RuntimeError, match="another thread"):
            use(worker, name)
    assert ask(worker, lambda: "alive") == "alive"


def test_a_bound_socket_is_one_threads_of_all_that_ask_for_it():
    def take():
        taken = 0
        for bound in there:
            everyone.wait()
            with contextlib.suppress(RuntimeError):
                bound.close()
                taken += 1
        return taken

    there = [net.BoundSocket(host="127.0.0.1") for _ in range(50)]
    everyone = threading.Barrier(4)
    assert sum(side_by_side(*[take] * 4)) == 50


# What its new thread may do with a socket as soon as it has it, though its loop has not come to it yet.
FIRST_USES = {
    "write": lambda socket: socket.write("first"),
    "a written text with a callback": lambda socket: socket.write("first", lambda error: None),
    "a large write": lambda socket: socket.write(bytes(100_000)),
    "cork": lambda socket: (socket.cork(), socket.write("first"), socket.uncork()),
    "end": lambda socket: socket.end("first"),
    "destroy": lambda socket: socket.destroy(),
    "resetAndDestroy": lambda socket: socket.resetAndDestroy(),
    "destroySoon": lambda socket: socket.destroySoon(),
    "pipe": lambda socket: socket.pipe(socket),
    "on": lambda socket: socket.on("data", print),
    "read": lambda socket: socket.read(),
    "pause": lambda socket: socket.pause(),
    "resume": lambda socket: socket.resume(),
    "numbers": lambda socket: (socket.bytesRead, socket.bytesWritten, socket.bufferSize, socket.readableDidRead),
    "addresses": lambda socket: (socket.address(), socket.remoteAddress, socket.localPort),
    "setNoDelay": lambda socket: socket.setNoDelay(True),
    "setKeepAlive": lambda socket: socket.setKeepAlive(True, 1000),
    "setTypeOfService": lambda socket: socket.setTypeOfService(8),
    "getTypeOfService": lambda socket: socket.getTypeOfService(),
    "setTimeout": lambda socket: socket.setTimeout(60_000),
    "ref": lambda socket: socket.unref().ref(),
}


@pytest.mark.parametrize(
    "first",
    [
        # Windows sets no type of service.
        pytest.param(use, id=name, marks=[not_on("win32")] if "TypeOfService" in name else [])
        for name, use in FIRST_USES.items()
    ],
)
def test_a_socket_can_be_used_before_its_new_loop_has_come_to_it(worker, first):
    adopted, over = threading.Event(), threading.Event()
    failures, sockets = [], []

    def use_at_once():
        adopted.wait(10)
        socket = sockets[0]
        try:
            first(socket)
            socket.on("close", lambda _: over.set()).resume().end()
        except BaseException as error:
            failures.append(error)
            socket.destroy()

    def connection(socket):
        sockets.append(socket)
        worker.adopt(socket)
        with pytest.raises(RuntimeError, match="another thread"):
            first(socket)
        adopted.set()
        server.close()

    worker.post(use_at_once)
    server, port = listen(connection)
    client = net.connect(port, "127.0.0.1")
    client.on("error", lambda error: None)
    client.resume()
    net.run()
    assert failures == []
    assert over.wait(10)


def test_a_socket_that_was_sent_on_before_it_was_seen_goes_on_where_it_has_come_to(worker):
    home = net.get_loop().ref()
    adopted = threading.Event()
    sockets, skipped, answers = [], [], []

    def send_on():
        adopted.wait(10)
        home.adopt(sockets[0], lambda socket: (home.unref(), socket.pipe(socket)))

    def connection(socket):
        sockets.append(socket)
        worker.adopt(socket, skipped.append)
        adopted.set()
        server.close()

    worker.post(send_on)
    server, port = listen(connection)
    client = net.connect(port, "127.0.0.1")
    client.write("hello")
    client.on("data", lambda chunk: (answers.append(chunk), client.end()))
    net.run()
    assert answers == [b"hello"]
    assert skipped == []


def test_a_loop_that_ends_closes_the_sockets_that_are_on_their_way_to_it():
    loops, closed = [], []
    ready, sent = threading.Event(), threading.Event()

    def end_without_looking():
        loops.append(net.get_loop())
        ready.set()
        sent.wait(10)

    thread = threading.Thread(target=end_without_looking)
    thread.start()
    ready.wait(10)

    def connection(socket):
        socket.on("close", lambda _: closed.append(threading.get_ident()))
        loops[0].adopt(socket)
        sent.set()
        server.close()

    server, port = listen(connection)
    ends = []
    client = net.connect(port, "127.0.0.1")
    client.on("end", lambda: ends.append("end"))
    client.resume()
    net.run()
    thread.join(10)
    assert ends == ["end"]
    assert closed == [thread.ident]


@pytest.mark.parametrize("moment", ["close", "last"])
def test_a_loop_closes_the_sockets_that_come_to_it_while_it_ends(moment):
    """Not even at the last moment, when nothing is called any more, does what is due for a socket keep it alive."""
    ending, sent = threading.Event(), threading.Event()
    loops = []

    class LastToGo:
        def __call__(self):
            pass

        def __del__(self):
            ending.set()
            sent.wait(10)

    def closing():
        if moment == "last":
            net.setImmediate(LastToGo())
        else:
            LastToGo()

    def serve():
        loops.append(net.get_loop())
        net.createServer().on("close", closing).listen(0)
        net.get_loop().close()

    def connection(socket):
        socket.resume()
        thread.start()
        ending.wait(10)
        loops[0].adopt(socket)
        sent.set()
        server.close()

    thread = threading.Thread(target=serve)
    server, port = listen(connection)
    ends = []
    client = net.connect(port, "127.0.0.1")
    client.on("end", lambda: ends.append("end"))
    client.resume()
    keep_collecting()
    client.on("close", lambda _: loops.clear())
    net.setTimeout(loops.clear, 500).unref()
    net.run()
    thread.join(10)
    assert ends == ["end"]


def test_an_iteration_that_is_forgotten_on_another_thread_ends_on_its_own(worker):
    """As when a collection of garbage, which runs on any thread, comes to a coroutine."""
    begun, closed = threading.Event(), threading.Event()
    held = []

    def connection(socket):
        socket.on("close", lambda _: closed.set())
        chunks = aiter(socket)
        anext(chunks)
        held.append(chunks)
        begun.set()
        server.close()

    server, port = ask(worker, listen, connection)
    client = net.connect(port, "127.0.0.1")
    client.resume()
    client.on("connect", lambda: (begun.wait(10), held.clear()))
    # Without the interpreter's lock, the last reference goes when the thread that made the object next runs any Python.
    client.on("connect", lambda: worker.post(lambda: None))
    net.run()
    assert closed.wait(10)


# --- in the middle of something ---------------------------------------------------------------------------------------


class Sink(net.EventEmitter):
    """A destination that is no socket."""

    answer = True

    def __init__(self, written=lambda chunk: None):
        self.written = written

    def write(self, chunk):
        self.written(chunk)
        return self.answer

    def end(self):
        self.emit("ended")


def connected(on_client, on_connection=lambda socket: socket.resume(), **options):
    """Has `on_client(client)` called for a connection of this thread's loop, and runs that."""
    server, port = listen(lambda socket: (on_connection(socket), server.close()))
    client = net.connect({"port": port, "host": "127.0.0.1", **options})
    client.on("connect", lambda: net.setImmediate(on_client, client))
    net.run()


def unpipe_all(client, move):
    client.pipe(Sink())
    client.pipe(Sink())
    client.resume()
    client.on("pause", move)
    client.unpipe()


def unpipe_last(client, move):
    sink = client.pipe(Sink())
    client.resume()
    client.on("pause", move)
    client.unpipe(sink)


def unpipe_all_telling(client, move):
    client.pipe(Sink().on("unpipe", move))
    client.pipe(Sink())
    client.unpipe()


def take_away(client, move):
    client.on("removeListener", move)
    client.on("data", print).off("data", print)


def end_of_a_pipe_to_itself(client, move):
    client.on("unpipe", move)
    client.pipe(client)
    client.end()


# In which listeners a socket stays where it is, because what follows cannot be done elsewhere.
STAYS_IN = {
    "'pause' by unpipe() of several pipes": unpipe_all,
    "'pause' by unpipe() of the last pipe": unpipe_last,
    "'unpipe' by unpipe() of several pipes": unpipe_all_telling,
    "'unpipe' by an end": end_of_a_pipe_to_itself,
    "'pipe'": lambda client, move: client.on("pipe", move).pipe(client),
    "'pipe' of another": lambda client, move: client.pipe(Sink().on("pipe", move)),
    "'newListener'": lambda client, move: client.once("newListener", move).on("data", print),
    "'removeListener'": take_away,
}


@pytest.mark.parametrize("begin", STAYS_IN.values(), ids=STAYS_IN)
def test_a_socket_does_not_move_in_the_middle_of(worker, begin):
    refused, threads = [], []

    def on_client(client):
        def move(*_):
            if not refused:
                with pytest.raises(RuntimeError, match="does not move"):
                    worker.adopt(client)
                refused.append(True)

        client.on("close", lambda _: threads.append(threading.get_ident()))
        begin(client, move)
        client.removeAllListeners("newListener").removeAllListeners("removeListener")
        client.resume().end()

    connected(on_client)
    assert refused
    assert threads == [threading.get_ident()]


def test_a_socket_does_not_move_in_its_onread_callback(worker):
    """There may be more of what has come. A callback that wants no more, and an immediate, move it."""
    pieces, done = [], threading.Event()

    def callback(size, buffer):
        pieces.append((bytes(buffer[:size]), threading.get_ident()))
        if len(pieces) == 1:
            with pytest.raises(RuntimeError, match="does not move"):
                worker.adopt(clients[0])
            net.setImmediate(worker.adopt, clients[0], lambda client: client.resume())
            return False
        if len(pieces) == 3:
            done.set()
        return True

    clients = []
    onread = {"buffer": bytearray(2), "callback": callback}
    connected(clients.append, lambda socket: socket.resume().end("abcdef"), onread=onread)
    assert done.wait(10)
    theirs = ask(worker, threading.get_ident)
    assert pieces == [(b"ab", threading.get_ident()), (b"cd", theirs), (b"ef", theirs)]


def test_a_socket_that_is_piped_to_another_does_not_move(worker):
    over = threading.Event()

    def on_client(client):
        client.pipe(other)
        for end in (client, other):
            with pytest.raises(RuntimeError, match="pipe between"):
                worker.adopt(end)
        client.unpipe(other)
        other.destroy()
        worker.adopt(client, lambda client: client.on("close", lambda _: over.set()).resume().end())

    def begin():
        client = net.connect(port, "127.0.0.1").on("connect", lambda: (on_client(client), server.close()))

    server, port = listen(lambda socket: socket.on("error", lambda error: None).resume())
    other = net.connect(port, "127.0.0.1").on("connect", begin)
    net.run()
    assert over.wait(10)


def test_nothing_is_piped_to_a_socket_of_another_thread(worker):
    def on_client(client):
        worker.adopt(client)
        source = net.Socket()
        before = source.eventNames()
        with pytest.raises(RuntimeError, match="another thread"):
            source.pipe(client)
        assert source.eventNames() == before
        counts.append(ask(worker, lambda: client.listenerCount("unpipe")))
        ask(worker, client.destroy)

    counts = []
    connected(on_client)
    assert counts == [0]


def test_a_socket_moves_in_a_listener_of_drain_while_it_is_piped_to_itself(worker):
    """Its source, which waited for that, goes on where both of them are."""
    echoes, over = [], threading.Event()

    def connection(socket):
        socket.on("data", lambda chunk: socket.end() if b"!" in chunk else None)
        socket.on("error", lambda error: over.set()).pause()
        net.setTimeout(lambda: (socket.write("!"), socket.resume()), 20)

    def on_client(client):
        client.on("data", lambda chunk: echoes.append((bytes(chunk), threading.get_ident())))
        client.write(bytes(20_000_000))
        client.pipe(client)
        client.once("drain", lambda: worker.adopt(client))
        client.on("close", lambda _: over.set())

    connected(on_client, connection)
    assert over.wait(10)
    assert b"".join(chunk for chunk, _ in echoes) == b"!"


@pytest.mark.parametrize("arguments", [(), (1,), (1, 2, 3, 4, 5, 6)])
def test_when_one_of_several_listeners_moves_a_socket_the_others_hear_there(worker, arguments):
    heard, done = [], threading.Event()

    def hear(*given):
        heard.append((given, threading.get_ident()))

    def on_client(client):
        client.on("said", hear).once("said", lambda *_: worker.adopt(client))
        client.once("said", hear).on("said", hear)
        client.on("said", lambda *_: (client.destroy(), done.set()))
        assert client.emit("said", *arguments)

    connected(on_client)
    assert done.wait(10)
    mine, theirs = threading.get_ident(), ask(worker, threading.get_ident)
    assert heard == [(arguments, mine), (arguments, theirs), (arguments, theirs)]


def test_a_coroutine_that_listened_and_fails_after_a_move_is_heard_where_the_socket_is(worker):
    heard, done = [], threading.Event()

    def on_client(client):
        async def listener():
            worker.adopt(client)
            await net.sleep(1)
            raise ValueError("late")

        client.on("error", lambda error: (heard.append((str(error), threading.get_ident())), client.destroy()))
        client.on("close", lambda _: done.set())
        client.on("said", listener)
        client.emit("said")

    connected(on_client)
    assert done.wait(10)
    assert heard == [("late", ask(worker, threading.get_ident))]


def test_a_callback_that_is_due_twice_and_moves_its_socket_is_called_there_for_the_second_time(worker):
    threads, done = [], threading.Event()

    def on_client(client):
        def written(error):
            threads.append((threading.get_ident(), error))
            if len(threads) == 1:
                worker.adopt(client, lambda client: client.write("y", lambda error: (client.destroy(), done.set())))

        client.write("x", written)
        client.write("x", written)

    connected(on_client)
    assert done.wait(10)
    assert threads == [(threading.get_ident(), None), (ask(worker, threading.get_ident), None)]


def test_writes_that_were_sent_before_a_move_are_told_as_sent_and_in_their_order(worker):
    told, done = [], threading.Event()

    def there(client):
        client.write("second", lambda error: (told.append(("second", error)), done.set(), client.destroy()))

    def on_client(client):
        client.write(bytes(1000), lambda error: told.append(("first", error)))
        assert client.writableLength == 0  # to know that sends what was written
        worker.adopt(client, there)

    connected(on_client)
    assert done.wait(10)
    assert told == [("first", None), ("second", None)]


def test_a_socket_that_was_ended_just_before_it_moves_ends_there(worker):
    heard, over = [], threading.Event()

    def on_client(client):
        for name in ("finish", "end", "close"):
            client.on(name, lambda *_, name=name: heard.append((name, threading.get_ident())))
        client.on("close", lambda _: over.set())
        client.resume().end()
        worker.adopt(client)

    connected(on_client)
    assert over.wait(10)
    theirs = ask(worker, threading.get_ident)
    assert heard == [("finish", theirs), ("end", theirs), ("close", theirs)]


def test_the_callback_of_a_second_end_is_called_where_the_socket_has_moved_to(worker):
    threads, done = [], threading.Event()

    def on_client(client):
        client.once("finish", lambda: net.setImmediate(end_again, client)).end()

    def end_again(client):
        client.end(lambda error: (threads.append((error.code, threading.get_ident())), client.destroy(), done.set()))
        worker.adopt(client)

    connected(on_client, lambda socket: socket.resume(), allowHalfOpen=True)
    assert done.wait(10)
    assert threads == [("ERR_STREAM_ALREADY_FINISHED", ask(worker, threading.get_ident))]


def test_a_pipe_from_a_socket_that_has_ended_ends_its_destination_where_the_socket_has_moved_to(worker):
    threads, done = [], threading.Event()

    def on_client(client):
        client.on("end", lambda: net.setImmediate(pipe_late, client)).resume()

    def pipe_late(client):
        client.pipe(Sink().on("ended", lambda: (threads.append(threading.get_ident()), client.destroy(), done.set())))
        worker.adopt(client)

    connected(on_client, lambda socket: socket.resume().end(), allowHalfOpen=True)
    assert done.wait(10)
    assert threads == [ask(worker, threading.get_ident)]


def test_a_socket_that_moves_when_the_end_has_become_readable_ends_there(worker):
    threads, done = [], threading.Event()

    def on_client(client):
        client.once("readable", lambda: worker.adopt(client))
        client.on("end", lambda: threads.append(threading.get_ident())).on("close", lambda _: done.set())

    connected(on_client, lambda socket: socket.resume().end())
    assert done.wait(10)
    assert threads == [ask(worker, threading.get_ident)]


def test_a_destination_that_moves_its_source_and_holds_it_back_lets_it_go_on_from_any_thread(worker):
    heard, held, done = [], threading.Event(), threading.Event()

    def on_client(client):
        def written(chunk):
            heard.append((bytes(chunk), threading.get_ident()))
            if len(heard) == 1:
                worker.adopt(client)
            else:
                sink.on("unpipe", lambda source: (heard.append(("unpipe", threading.get_ident())), client.destroy()))
                over.set()

        sink = Sink(written)
        sink.answer = False
        client.on("close", lambda _: done.set())
        client.on("pause", lambda: (heard.append(("pause", threading.get_ident())), held.set()))
        client.pipe(sink)
        sinks.append(sink)

    def connection(socket):
        socket.resume().on("error", lambda error: None)
        socket.write("a")
        net.setImmediate(go_on, socket)

    def go_on(socket):
        if not held.is_set():
            net.setTimeout(go_on, 1, socket)
            return
        sinks[0].answer = True
        sinks[0].emit("drain")
        socket.write("b", lambda _: (over.wait(10), sinks[0].emit("close")))

    sinks, over = [], threading.Event()
    connected(on_client, connection)
    assert done.wait(10)
    theirs = ask(worker, threading.get_ident)
    assert heard == [
        (b"a", threading.get_ident()),
        ("pause", theirs),
        (b"b", theirs),
        ("pause", theirs),
        ("unpipe", theirs),
    ]


def test_a_signal_that_aborts_on_another_thread_destroys_its_socket_where_that_is(worker):
    heard, done = [], threading.Event()
    controller = net.AbortController()

    def on_client(client):
        client.on("error", lambda error: heard.append((error.code, threading.get_ident())))
        client.on("close", lambda _: done.set())
        worker.adopt(client)
        controller.abort()

    connected(on_client, signal=controller.signal)
    assert done.wait(10)
    assert heard == [("ABORT_ERR", ask(worker, threading.get_ident))]


def test_a_signal_that_aborts_on_another_thread_closes_the_servers_of_every_loop(worker):
    controller = net.AbortController()
    closed = []
    done = threading.Barrier(2)

    def listening():
        server = net.createServer().on("close", lambda: (closed.append(threading.get_ident()), done.wait(10)))
        server.listen(port=0, host="127.0.0.1", signal=controller.signal)

    ask(worker, listening)
    controller.abort()
    done.wait(10)
    assert closed == [ask(worker, threading.get_ident)]


def come_and_go(signal, started):
    """Adds listeners to a signal and to one that depends on it, and takes them away. Answers which of those that stay
    have to be called, what was called, and the dependent signals."""
    stay, heard, dependent = [], [], []
    started.wait()
    for number in range(200):
        either = net.AbortSignal.any([signal, net.AbortController().signal])
        listeners = [lambda _, heard=heard, place=(number, place): heard.append(place) for place in range(3)]
        signal.addEventListener("abort", listeners[0])
        either.addEventListener("abort", listeners[1])
        either.onabort = listeners[2]
        if number % 8 == 0:
            dependent.append(either)
            stay += [] if signal.aborted or either.aborted else [(number, place) for place in range(3)]
            continue
        signal.removeEventListener("abort", listeners[0])
        either.removeEventListener("abort", listeners[1])
        either.onabort = None
    return stay, heard, dependent


def test_threads_listen_to_one_signal_until_one_of_them_aborts_it():
    rounds, threads = 20, 4
    for _ in range(rounds):
        controller = net.AbortController()
        started = threading.Barrier(threads + 1)
        with ThreadPoolExecutor(threads) as pool:
            running = [pool.submit(come_and_go, controller.signal, started) for _ in range(threads)]
            started.wait()
            controller.abort()
        for one in running:
            stay, heard, dependent = one.result()
            assert len(heard) == len(set(heard))
            assert set(stay) <= set(heard)
            assert all(signal.reason is controller.signal.reason for signal in dependent)


async def wait_for_close(moved_to):
    """Waits for the 'close' of a socket that moves meanwhile, and answers whether that came before anything else woke
    this loop."""
    server, port = ask(moved_to, listen, lambda socket: (socket.resume(), server.close()))
    client = net.connect(port, "127.0.0.1")
    await net.once(client, "connect")
    closed = net.once(client, "close")
    moved_to.adopt(client, lambda client: net.setTimeout(client.resume().end, 50))
    timer = net.setTimeout(lambda: None, 5000)
    began = time.monotonic()
    await closed
    timer.close()
    return time.monotonic() - began < 4


@pytest.mark.parametrize("run", [net.run, asyncio.run], ids=["netcore", "asyncio"])
def test_a_coroutine_waits_for_an_event_of_a_socket_that_has_moved(worker, run):
    assert run(wait_for_close(worker))


def test_waiting_for_an_event_of_a_socket_that_has_moved_can_be_given_up(worker):
    done = threading.Event()
    counts = []

    def on_client(client):
        waiting = net.once(client, "never")
        worker.adopt(client)
        waiting.cancel()
        worker.post(lambda: (counts.append(client.listenerCount("never")), client.destroy(), done.set()))

    connected(on_client)
    assert done.wait(10)
    assert counts == [0]


def test_a_socket_that_is_iterated_over_does_not_move_and_is_not_read_elsewhere(worker):
    failures = []

    def on_client(client):
        chunks = aiter(client)
        anext(chunks)
        with pytest.raises(RuntimeError, match="iterates"):
            worker.adopt(client)
        for call in (chunks.__anext__, chunks.aclose):
            with pytest.raises(RuntimeError, match="another thread"):
                call_on(worker, call)
        chunks.aclose()

    connected(on_client, lambda socket: socket.on("error", failures.append).resume())
    assert failures == []


def call_on(loop, fn):
    """Calls a function on another thread, and raises here what it raises there."""

    def call():
        try:
            return None, fn()
        except Exception as error:
            return error, None

    error, answer = ask(loop, call)
    if error is not None:
        raise error
    return answer


@pytest.mark.parametrize("everything", [True, False])
def test_a_look_up_is_answered_on_the_thread_of_its_socket(worker, everything):
    opened = []

    def lookup(host, options, callback):
        with pytest.raises(RuntimeError, match="another thread"):
            call_on(worker, lambda: callback(None, address, 4))
        callback(None, address, 4)

    address = [{"address": "127.0.0.1", "family": 4}] if everything else "127.0.0.1"
    server, port = listen(lambda socket: (socket.resume().end(), server.close()))
    client = net.connect(port=port, host="example.test", lookup=lookup, autoSelectFamily=everything)
    client.on("connect", lambda: opened.append(True)).resume()
    net.run()
    assert opened == [True]


COMES_BACK_IN = {
    "connect": lambda client: client.write("early"),
    "ready": lambda client: client.write("early"),
    "data": lambda client: None,
    "readable": lambda client: None,
    "resume": lambda client: client.once("connect", client.resume),
    "pause": lambda client: client.once("connect", lambda: net.setImmediate(client.resume().pause)),
    "drain": lambda client: (client.write(bytes(20_000_000)), client.resume()),
    "written": lambda client: client.write("early", lambda error: client.emit("written")),
}


@pytest.mark.parametrize("event", COMES_BACK_IN)
def test_a_socket_may_have_come_back_when_its_listener_returns(worker, event):
    home = net.get_loop().ref()
    threads, received = [], []

    def move(*_):
        client.removeListener(event, move)
        back = threading.Event()
        worker.adopt(client, lambda client: (home.adopt(client, go_on), back.set()))
        assert back.wait(10)

    def go_on(client):
        home.unref()
        client.on("close", lambda _: threads.append(threading.get_ident()))
        if event == "readable":
            client.removeAllListeners(event)
        client.resume().end("late")

    def connection(socket):
        socket.on("data", lambda chunk: received.append(bytes(chunk))).on("end", socket.end)
        socket.write("hello")
        server.close()

    server, port = listen(connection)
    client = net.connect({"port": port, "host": "127.0.0.1", "allowHalfOpen": True})
    client.on(event, move)
    COMES_BACK_IN[event](client)
    net.run()
    assert threads == [threading.get_ident()]
    assert b"".join(received).endswith(b"late")


# --- what its old loop has not told yet -------------------------------------------------------------------------------


def two_clients(begin):
    """Two connections of this thread's loop, and the plain sockets at their other ends, for `begin(clients, peers)`."""
    listener = socket.create_server(("127.0.0.1", 0))
    options = {"port": listener.getsockname()[1], "host": "127.0.0.1", "highWaterMark": 1}

    async def main():
        clients, peers = [], []
        for _ in range(2):
            client = net.connect(options)
            await net.once(client, "connect")
            clients.append(client)
            peers.append(listener.accept()[0])
        listener.close()
        begin(clients, peers)

    net.run(main())
    net.run()


def test_what_has_been_sent_and_not_told_when_a_socket_moves_is_told_there(worker):
    """Both have news in one turn of the loop, and the first has the second moved before that has told its own."""
    threads, done = [], threading.Event()

    def begin(clients, peers):
        first, second = clients
        first.once("data", lambda _: (worker.adopt(second), first.destroy(), peers[0].close()))
        second.once("drain", lambda: (threads.append(threading.get_ident()), second.destroy(), done.set()))
        peers[1].setblocking(False)
        while second.write(bytes(65_536)):
            pass
        peers[0].sendall(b"go")
        with contextlib.suppress(BlockingIOError):
            while True:
                peers[1].recv(1 << 20)

    two_clients(begin)
    assert done.wait(10)
    assert threads == [ask(worker, threading.get_ident)]


def test_a_socket_does_not_leave_an_error_behind_that_was_not_told_yet(worker):
    """On its new loop it would look like an end without an error."""
    heard = []

    def begin(clients, peers):
        first, second = clients

        def move(_):
            with pytest.raises(OSError, match="EBUSY"):
                worker.adopt(second)
            first.destroy()
            peers[0].close()

        first.once("data", move)
        second.on("error", lambda error: heard.append(error.code)).resume()
        peers[0].sendall(b"go")
        peers[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peers[1].close()

    two_clients(begin)
    assert heard == ["ECONNRESET"]


def test_a_socket_that_has_failed_does_not_move_before_it_has_said_so(worker):
    codes = []

    def begin(clients, peers):
        first, second = clients
        first.destroy()
        peers[0].close()

        def written(error):
            with pytest.raises(RuntimeError, match="Socket is closed"):
                worker.adopt(second)
            codes.append(error.code)

        second.on("error", lambda error: codes.append(error.code))
        second.pause()
        peers[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peers[1].close()
        second.write("x", written)

    two_clients(begin)
    assert len(codes) == 2
    assert set(codes) <= {"EPIPE", "ECONNRESET", "ECONNABORTED"}


@not_on("win32")  # a descriptor is no number there that could be closed behind a loop's back
def test_a_socket_that_cannot_be_opened_on_its_new_loop_fails_there(worker):
    heard, done = [], threading.Event()
    ours, theirs = socket.socketpair()
    client = net.Socket(fd=ours.fileno())
    client.on("error", lambda error: heard.append((error.code, threading.get_ident())))
    client.on("close", lambda _: done.set())
    closed = threading.Event()
    worker.post(closed.wait)
    worker.adopt(client)
    ours.close()
    closed.set()
    assert done.wait(10)
    theirs.close()
    assert heard == [("EBADF", ask(worker, threading.get_ident))]


# --- at the same time -------------------------------------------------------------------------------------------------


def side_by_side(*works):
    """Has each of the functions called on a thread of its own, all at once, and answers what they answer."""
    gate = threading.Barrier(len(works))

    def begin(work):
        gate.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))


def test_threads_serve_their_own_connections_at_the_same_time():
    def echo():
        answers = []
        server, port = listen(lambda socket: socket.pipe(socket))

        def ask_once(number):
            client = net.connect(port, "127.0.0.1")
            client.setEncoding("utf8")
            client.on("data", lambda text: (answers.append(text), client.end()))
            client.once("close", lambda _: count())
            client.write(f"{number} ")

        def count():
            if len(answers) == 25:
                server.close()

        for number in range(25):
            net.setTimeout(ask_once, number % 3, number)
        net.run()
        return sorted(answers)

    expected = sorted(f"{number} " for number in range(25))
    assert side_by_side(*[echo] * 4) == [expected] * 4


def test_sockets_are_handed_round_by_loops_that_all_run():
    hops = []

    def work():
        loop = net.get_loop().ref()
        loops.append(loop)
        everyone.wait()
        return net.run()

    def hand_on(socket, left):
        hops.append(threading.get_ident())
        if left:
            following = loops[(left + socket.remotePort) % len(loops)]
            following.adopt(socket, lambda socket: hand_on(socket, left - 1))
        else:
            socket.pipe(socket)

    def ask_for_echoes():
        everyone.wait()
        answers = []
        server, port = listen(lambda socket: hand_on(socket, 8))

        def answer(client, data):
            answers.append(bytes(data))
            client.end()
            if len(answers) == 30:
                server.close()
                for loop in loops:
                    loop.post(loop.unref)

        for number in range(30):
            client = net.connect(port, "127.0.0.1")
            client.on("data", lambda data, client=client: answer(client, data))
            client.write(str(number))
        net.run()
        return sorted(answers, key=int)

    loops, everyone = [], threading.Barrier(4)
    answers = side_by_side(work, work, work, ask_for_echoes)[-1]
    assert answers == [str(number).encode() for number in range(30)]
    assert len(hops) == 30 * 9


def test_a_block_list_changes_whole_while_threads_read_it():
    rules = net.BlockList()
    rules.addCIDR("10.0.0.0/8")
    asked = ["10.1.2.3", "192.0.2.1", "2001:db8::1"]
    done = threading.Event()

    def write():
        for number in range(300):
            rules.addSubnet("2001:db8::", 32, "ipv6")
            rules.addRange(f"172.16.{number % 250}.0", "172.31.0.0")
            rules.addAddress(f"198.51.100.{number % 250}")
            rules.removeRange(f"172.16.{number % 250}.0", "172.31.0.0")
            rules.removeSubnet("2001:db8::", 32, "ipv6")
        done.set()
        return set()

    def read():
        wrong = set()
        while not done.is_set():
            always, never, sometimes = rules.check_many(asked)
            if (always, never) != (1, 0) or sometimes not in (0, 1) or not rules.check("10.255.0.1"):
                wrong.add((always, never, sometimes))
            wrong.update(line for line in rules.rules if " " not in line)
            if "192.0.2.7" in rules or len(rules) < 1:
                wrong.add(len(rules))
        return wrong

    assert side_by_side(write, read, read, read) == [set()] * 4
    assert rules.size == 251


def test_numbers_of_timers_are_different_on_all_threads():
    def number_some():
        timers = [net.setTimeout(print, 60_000) for _ in range(200)]
        numbers = [int(timer) for timer in timers]
        for number in numbers[::2]:
            net.clearTimeout(number)
        for timer in timers[1::2]:
            timer.close()
        return numbers

    numbers = [number for some in side_by_side(*[number_some] * 4) for number in some]
    assert len(set(numbers)) == 800


def test_what_is_kept_for_all_threads_is_made_by_many_at_once():
    """The classes of errors, the arity of builtin functions, asyncio's own function, and names of events."""

    def make():
        failures = []
        emitter = net.EventEmitter()
        for number in range(50):
            emitter.on("".join(("event-", str(number))), failures.append)
            emitter.on("many", [].append)
        for number in range(50):
            emitter.emit(f"event-{number}", number)
        for family in (7, "x", None):
            with contextlib.suppress(TypeError, ValueError):
                net.BlockList().addAddress("nowhere", family)
        net.connect("/nonexistent/path").on("error", lambda error: failures.append(error.code))
        net.setDefaultAutoSelectFamily(net.getDefaultAutoSelectFamily())
        net.run(net.sleep(1))
        net.run()
        return failures

    assert side_by_side(*[make] * 6) == [[*range(50), "ENOENT"]] * 6


def test_threads_post_to_and_wake_loops_that_come_and_go():
    present, over = {}, threading.Event()
    heard = []

    def come_and_go():
        for _ in range(60):
            loop = present["loop"] = net.get_loop()
            net.setTimeout(lambda: None, 1)
            net.run()
            loop.close()
        over.set()

    def disturb():
        while not over.is_set():
            loop = present.get("loop")
            if loop is not None:
                loop.post(heard.append, 1)
                loop.wake()

    side_by_side(come_and_go, disturb, disturb, disturb)
    assert heard


def test_sockets_that_are_sent_to_loops_that_end_are_closed_or_refused():
    """Each is closed by the loop that it has come to, or by its own when that has refused it."""
    present, over = {}, threading.Event()
    closed = []

    def come_and_go():
        while not over.is_set():
            present["loop"] = net.get_loop()
            net.setTimeout(lambda: None, 1)
            net.run()
            net.get_loop().close()

    def connection(socket):
        socket.on("close", lambda _: closed.append(threading.get_ident())).resume()
        try:
            present["loop"].adopt(socket, lambda socket: socket.end())
        except RuntimeError:  # its thread is over
            socket.destroy()

    def send():
        while not present:
            over.wait(0.001)
        server, port = listen(connection)
        left = 60

        def next_one(*_):
            nonlocal left
            left -= 1
            if left:
                net.connect(port, "127.0.0.1").on("close", next_one).on("error", lambda error: None).resume()
            else:
                server.close()
                over.set()

        next_one()
        # A loop may end just before a socket comes to it, which then goes with the last reference to it.
        keep_collecting()
        net.run()
        return left

    assert side_by_side(send, come_and_go)[0] == 0
    assert len(closed) > 10


def test_four_threads_do_everything_with_one_block_list(tmp_path):
    rules = net.BlockList()
    rules.addSubnet("10.0.0.0", 8)
    file = tmp_path / "list"
    file.write_text("".join(f"192.0.2.{number}\n" for number in range(50)))
    everything = [net.SocketAddress(address="10.1.2.3"), "10.1.2.3", "8.8.8.8", "2001:db8::1"]
    count = iter(range(4)).__next__

    def work():
        own = f"172.16.{count()}.1"
        for number in range(40):
            rules.addAddress(own)
            assert rules.check(own)
            rules.load(file)
            rules.addCIDRs(["198.18.0.0/15", "2001:db8::/32"])
            rules.addRange("203.0.113.1", f"203.0.113.{number + 1}")
            assert rules.check_many(everything)[:3] == b"\1\1\0"
            assert rules.check_many(iter(everything))[:2] == b"\1\1"
            assert rules.check_many(bytes([10, 1, 2, 3, 8, 8, 8, 8])) == b"\1\0"
            assert "Subnet: IPv4 10.0.0.0/8" in rules.rules
            assert own in pickle.loads(pickle.dumps(rules))
            assert rules.memory()[0] > 0
            assert len(repr(rules)) > 10
            rules.removeRange("203.0.113.1", f"203.0.113.{number + 1}")
            rules.removeCIDR("198.18.0.0/15")
            rules.removeAddress(own)
            assert not rules.check(own)
        return True

    assert all(side_by_side(*[work] * 4))
    assert rules.check("10.0.0.1")
    assert not rules.check("203.0.113.1")


def test_four_threads_ask_one_address_for_everything():
    address = net.SocketAddress(address="fe80::1", family="ipv6", port=80, flowlabel=7)
    as_made = address.toJSON()

    def ask_all():
        for _ in range(200):
            assert address.toJSON() == as_made
            assert {address: 1}[pickle.loads(pickle.dumps(address))] == 1
            assert address < net.SocketAddress.parse("[fe80::2]:80")
            assert repr(address).startswith("SocketAddress { address: 'fe80::1', port: 80")
            assert net.isIP(address.address) == 6
        return True

    assert all(side_by_side(*[ask_all] * 4))


def test_a_server_tells_its_address_to_all_while_it_listens_and_closes():
    over = threading.Event()
    server = net.createServer()

    def open_and_close():
        for _ in range(100):
            server.listen(0, "127.0.0.1")
            net.run(net.sleep(0))
            server.close()
            net.run()
        over.set()

    def look():
        seen = set()
        while not over.is_set():
            address = server.address()
            if address is not None:
                seen.add(address["address"])
        return seen

    _, *seen = side_by_side(open_and_close, look, look, look)
    assert set().union(*seen) == {"127.0.0.1"}


def test_garbage_is_collected_by_any_thread():
    """Sockets in cycles with their listeners, and emitters, timers and iterations; the collections run on one thread."""
    alive = []

    def make():
        server, port = listen(lambda socket: socket.pipe(socket))
        left = 12

        def one():
            nonlocal left
            left -= 1
            if not left:
                server.close()
                return
            client = net.connect(port, "127.0.0.1")
            client.itself = client
            alive.append(weakref.ref(client))
            client.on("data", lambda _: client.end())
            client.on("close", lambda _: one())
            client.write("x")
            aiter(net.Socket())
            net.Socket().on("data", client.write)
            net.clearTimeout(net.setTimeout(client.destroy, 60_000))

        one()
        net.run()
        return left

    def collect():
        for _ in range(10):
            gc.collect()
        return 0

    assert side_by_side(make, make, make, collect) == [0] * 4
    gc.collect()
    assert [ref for ref in alive if ref() is not None] == []


def test_settings_and_tables_of_the_module_are_for_all_threads():
    def work():
        for number in range(60):
            net.setDefaultAutoSelectFamily(number % 2 == 0)
            net.setDefaultAutoSelectFamilyAttemptTimeout(10 + number)
            assert 10 <= net.getDefaultAutoSelectFamilyAttemptTimeout() < 70
            assert net.getDefaultAutoSelectFamily() in (True, False)
            assert net.isIPv4("127.0.0.1")
            assert not net.isIPv6("::zz")
            with pytest.raises(ValueError, match="port"):
                net.SocketAddress(port=number + 70_000)
            controller = net.AbortController()
            either = net.AbortSignal.any([controller.signal, net.AbortSignal.timeout(60_000)])
            controller.abort()
            assert either.aborted
            names = []
            net.lookup("127.0.0.1", lambda error, address, family, names=names: names.append(address))
            net.run()
            assert names == ["127.0.0.1"]
        return True

    before = net.getDefaultAutoSelectFamily(), net.getDefaultAutoSelectFamilyAttemptTimeout()
    try:
        assert all(side_by_side(*[work] * 4))
    finally:
        net.setDefaultAutoSelectFamily(before[0])
        net.setDefaultAutoSelectFamilyAttemptTimeout(before[1])


def test_names_are_looked_up_by_many_threads_at_once():
    def look_up():
        found = []
        for _ in range(20):
            net.lookup("localhost", lambda error, address, family: found.append(net.isIP(address) == family))
        net.run()
        return found

    assert side_by_side(*[look_up] * 4) == [[True] * 20] * 4


@not_on("win32")  # no fork
def test_a_fork_beside_threads_that_make_loops_leaves_the_child_able_to():
    over = threading.Event()

    def make_loops():
        while not over.is_set():
            thread = threading.Thread(target=net.get_loop)
            thread.start()
            thread.join()

    makers = [threading.Thread(target=make_loops) for _ in range(3)]
    for maker in makers:
        maker.start()
    statuses = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer interpreters advise against it
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                net.get_loop()
                net.run()
                os._exit(7)
            statuses.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    over.set()
    for maker in makers:
        maker.join(10)
    assert statuses == [7] * 20

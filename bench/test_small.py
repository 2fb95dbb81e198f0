"""The small things, in nanoseconds: `pytest bench/test_small.py`. Each group begins with what it is compared to."""

import asyncio
import functools

import pytest

import netcore as net
from netcore._core.encoding import Decoder, byteLength, encode

CHUNK = bytes(1024)


def listener(chunk):
    pass


class Handler:
    def method(self, chunk):
        pass


class PlainEmitter:
    """What people write by hand."""

    def __init__(self):
        self.listeners = {}

    def on(self, name, listener):
        self.listeners.setdefault(name, []).append(listener)

    def emit(self, name, *args):
        for listener in list(self.listeners.get(name, ())):
            listener(*args)


def with_listeners(*listeners):
    emitter = net.EventEmitter()
    for one in listeners:
        emitter.on("data", one)
    return emitter


def hand_written():
    emitter = PlainEmitter()
    emitter.on("data", listener)
    return emitter


@pytest.mark.benchmark(group="emit")
@pytest.mark.parametrize(
    ("call", "args"),
    [
        pytest.param(listener, (CHUNK,), id="the listener itself"),
        pytest.param(hand_written().emit, ("data", CHUNK), id="an emitter in Python"),
        pytest.param(net.EventEmitter().emit, ("data", CHUNK), id="nobody listens"),
        pytest.param(with_listeners(listener).emit, ("data", CHUNK), id="a function"),
        pytest.param(with_listeners(Handler().method).emit, ("data", CHUNK), id="a method"),
        pytest.param(with_listeners(lambda: None).emit, ("data", CHUNK), id="a function without parameters"),
        pytest.param(with_listeners(functools.partial(listener)).emit, ("data", CHUNK), id="a partial"),
        pytest.param(with_listeners(listener, listener).emit, ("data", CHUNK), id="two functions"),
    ],
)
def test_emit(benchmark, call, args):
    benchmark(call, *args)


def add_four():
    net.EventEmitter().on("data", listener).on("end", listener).on("error", listener).on("close", listener)


def add_and_fire_once():
    net.EventEmitter().once("connect", listener).emit("connect", None)


def add_and_remove_a_builtin(emitter, method):
    emitter.on("end", method).off("end", method)


@pytest.mark.benchmark(group="listeners")
@pytest.mark.parametrize(
    ("call", "args"),
    [
        pytest.param(net.EventEmitter, (), id="a new emitter"),
        pytest.param(add_four, (), id="four listeners on a new emitter"),
        pytest.param(add_and_fire_once, (), id="once on a new emitter"),
        pytest.param(
            add_and_remove_a_builtin,
            (net.EventEmitter(), net.EventEmitter().eventNames),
            id="a compiled method on and off",
        ),
    ],
)
def test_listeners(benchmark, call, args):
    benchmark(call, *args)


@pytest.mark.benchmark(group="text")
@pytest.mark.parametrize(
    ("call", "args"),
    [
        pytest.param(CHUNK.decode, (), id="bytes.decode of 1 KiB"),
        pytest.param(Decoder("utf8").write, (CHUNK,), id="Decoder.write of 1 KiB"),
        pytest.param("text".encode, (), id="str.encode"),
        pytest.param(encode, ("text",), id="encode"),
        pytest.param(byteLength, ("text", "utf8"), id="byteLength"),
    ],
)
def test_text(benchmark, call, args):
    benchmark(call, *args)


def arm_and_disarm():
    net.clearTimeout(net.setTimeout(listener, 60_000))


def arm_and_disarm_asyncio(loop):
    loop.call_later(60, listener).cancel()


def test_timer_of_netcore(benchmark):
    benchmark.group = "a timer set and cleared"
    benchmark(arm_and_disarm)


def test_timer_of_asyncio(benchmark):
    benchmark.group = "a timer set and cleared"
    loop = asyncio.new_event_loop()
    benchmark(arm_and_disarm_asyncio, loop)
    loop.close()


def wake_netcore(loop):
    """A call posted from outside and the turn that makes it."""
    loop.ref()
    loop.post(loop.unref)
    net.run()


def wake_asyncio(loop):
    loop.call_soon_threadsafe(loop.stop)
    loop.run_forever()


def test_wake_up_of_netcore(benchmark):
    benchmark.group = "a wake-up"
    benchmark(wake_netcore, net.get_loop())


def test_wake_up_of_asyncio(benchmark):
    benchmark.group = "a wake-up"
    loop = asyncio.new_event_loop()
    benchmark(wake_asyncio, loop)
    loop.close()


ROUND_TRIPS = 200


def round_trips_of_netcore():
    """One connection to an echo server on the same loop: four system calls a round trip, and what lies between."""
    left = [ROUND_TRIPS]

    def answered(chunk):
        left[0] -= 1
        if left[0]:
            client.write(chunk)
        else:
            client.end()
            server.close()

    server = net.createServer(lambda c: c.on("data", c.write))
    server.listen(0, "127.0.0.1", lambda: client.connect(server.address()["port"], "127.0.0.1"))
    client = net.Socket()
    client.on("connect", lambda: client.write(CHUNK)).on("data", answered)
    net.run()


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Pinger(Echo):
    def __init__(self, done):
        self.left, self.done = ROUND_TRIPS, done

    def connection_made(self, transport):
        self.transport = transport
        transport.write(CHUNK)

    def data_received(self, data):
        self.left -= 1
        if self.left:
            self.transport.write(data)
        else:
            self.transport.close()
            self.done.set_result(None)


async def round_trips_of_asyncio():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    done = loop.create_future()
    await loop.create_connection(lambda: Pinger(done), *server.sockets[0].getsockname())
    await done
    server.close()


def test_written_and_answered_by_netcore(benchmark):
    benchmark.group = f"{ROUND_TRIPS} writes of 1 KiB and their answers"
    benchmark(round_trips_of_netcore)


def test_written_and_answered_by_asyncio(benchmark):
    benchmark.group = f"{ROUND_TRIPS} writes of 1 KiB and their answers"
    with asyncio.Runner() as runner:
        benchmark(lambda: runner.run(round_trips_of_asyncio()))

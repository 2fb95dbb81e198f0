"""The small things, in nanoseconds: `pytest bench/test_small.py`. Each group begins with what it is to be compared to."""

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

"""What netcore's API has and Node's has not: one short test a row, so that the table of proofs has no gap."""

import asyncio
import pickle

import pytest
from ports import closed_port

import netcore as net


def serve(listener, options=None):
    """A server on a free port of 127.0.0.1, and the port."""
    server = net.createServer(options or {}, listener)
    server.listen(0)
    return server, server.address()["port"]


def test_net_is_also_a_name_inside_the_package():
    from netcore import net as inner

    assert inner.createServer is net.createServer


def test_keywords_are_options_and_win_over_the_mapping():
    socket = net.Socket({"allowHalfOpen": False}, allowHalfOpen=True)
    assert socket.allowHalfOpen is True


def test_a_keyword_that_does_not_exist_is_a_type_error():
    for call in (net.Socket, net.createServer, net.connect):
        with pytest.raises(TypeError):
            call(noSuchOption=1)


def test_an_unknown_option_in_a_mapping_is_ignored():
    assert net.Socket({"noSuchOption": 1}).allowHalfOpen is False


def test_a_listener_takes_as_many_arguments_as_it_can():
    emitter = net.EventEmitter()
    heard = []
    emitter.on("x", lambda: heard.append(0))
    emitter.on("x", lambda a: heard.append(a))
    emitter.on("x", lambda *all_of_them: heard.append(all_of_them))
    emitter.emit("x", 1, 2)
    assert heard == [0, 1, (1, 2)]


def test_on_without_a_listener_is_a_decorator():
    emitter = net.EventEmitter()
    heard = []

    @emitter.on("x")
    def hear(value):
        heard.append(value)

    emitter.emit("x", 5)
    assert heard == [5]
    assert callable(hear)


def test_too_many_listeners_are_a_resource_warning():
    emitter = net.EventEmitter()
    emitter.setMaxListeners(1)
    emitter.on("x", lambda: None)
    with pytest.warns(ResourceWarning):
        emitter.on("x", lambda: None)


def test_any_object_with_the_buffer_protocol_can_be_written():
    received = []
    server, port = serve(lambda socket: (socket.on("data", received.append), socket.on("end", server_close)))

    def server_close():
        server.close()

    client = net.connect(port, "127.0.0.1")
    client.write(b"a")
    client.write(bytearray(b"b"))
    client.end(memoryview(b"xcx")[1:2])
    net.run()
    assert b"".join(received) == b"abc"


def test_a_refused_connection_is_a_connection_refused_error():
    errors = []
    with closed_port() as port:
        client = net.connect(port, "127.0.0.1")
        client.on("error", errors.append)
        net.run()
    assert isinstance(errors[0], ConnectionRefusedError)
    assert str(errors[0]) == f"connect ECONNREFUSED 127.0.0.1:{port}"


def test_check_many_answers_a_mask():
    rules = net.BlockList()
    rules.addAddress("10.0.0.1")
    assert [bool(hit) for hit in rules.check_many(["10.0.0.1", "10.0.0.2"])] == [True, False]


def test_a_block_list_loads_what_people_download():
    rules = net.BlockList()
    rules.load(["# a comment", "", "10.0.0.1", "192.168.0.0/16", "1.0.0.1-1.0.0.9"])
    assert rules.check("192.168.3.4")
    assert "10.0.0.1" in rules
    with pytest.raises(ValueError, match="2"):
        rules.load(["10.0.0.2", "not an address"])


def test_a_block_list_has_a_length_and_is_pickled():
    rules = net.BlockList()
    rules.addAddress("10.0.0.1")
    again = pickle.loads(pickle.dumps(rules))
    assert len(again) == len(rules) == 1
    assert again.check("10.0.0.1")


def test_a_socket_address_is_a_value():
    one, two = (net.SocketAddress({"address": "1.2.3.4", "port": 80}) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(AttributeError):
        one.port = 81


def test_a_server_is_an_async_context_and_iterates_over_its_connections():
    async def main():
        async with net.createServer() as server:
            server.listen(0)
            client = net.connect(server.address()["port"], "127.0.0.1")
            client.end("hello")
            async for socket in server:
                chunks = [chunk async for chunk in socket]
                break
        assert not server.listening
        return b"".join(chunks)

    assert net.run(main()) == b"hello"


def test_a_socket_is_an_async_context():
    server, port = serve(lambda socket: socket.end("bye"))

    async def main():
        async with net.connect(port, "127.0.0.1") as client:
            data = b"".join([chunk async for chunk in client])
        assert client.destroyed
        server.close()
        return data

    assert net.run(main()) == b"bye"


def test_a_socket_pipes_into_a_binary_file(tmp_path):
    server, port = serve(lambda socket: socket.end("to the file"))
    with open(tmp_path / "out", "wb") as target:
        client = net.connect(port, "127.0.0.1")
        client.pipe(target)
        client.on("close", lambda: server.close())
        net.run()
    assert (tmp_path / "out").read_bytes() == b"to the file"


def test_a_socket_pipes_into_any_object_with_write_and_end():
    class Sink:
        def __init__(self):
            self.chunks, self.ended = [], False

        def write(self, chunk):
            self.chunks.append(bytes(chunk))
            return True

        def end(self):
            self.ended = True

    sink = Sink()
    server, port = serve(lambda socket: socket.end("to the sink"))
    client = net.connect(port, "127.0.0.1")
    client.pipe(sink)
    client.on("close", lambda: server.close())
    net.run()
    assert (b"".join(sink.chunks), sink.ended) == (b"to the sink", True)


def test_writable_aborted_tells_of_a_socket_destroyed_before_it_finished():
    socket = net.Socket()
    assert socket.writableAborted is False
    socket.destroy()
    assert socket.writableAborted is True


def test_a_bound_socket_is_a_context_manager():
    with net.BoundSocket({"host": "127.0.0.1"}) as bound:
        assert bound.address()["port"] > 0
    with pytest.raises(RuntimeError) as caught:
        bound.address()
    assert caught.value.code == "ERR_SOCKET_HANDLE_ADOPTED"


def test_run_returns_when_nothing_is_left_and_may_be_called_again():
    order = []
    net.setTimeout(order.append, 1, "timer")
    net.run()
    net.setImmediate(order.append, "immediate")
    net.run()
    assert order == ["timer", "immediate"]


def test_an_unrefd_server_does_not_hold_the_loop():
    server, _ = serve(lambda socket: None)
    server.unref()
    net.run()
    server.close()
    net.run()


def test_an_exception_leaves_run_and_the_loop_still_works():
    def fail():
        raise LookupError("from a callback")

    order = []
    net.setImmediate(fail)
    net.setImmediate(order.append, "after")
    with pytest.raises(LookupError):
        net.run()
    net.run()
    assert order == ["after"]


def test_the_same_objects_work_inside_asyncio():
    async def main():
        server, port = serve(lambda socket: socket.end("hosted"))
        client = net.connect(port, "127.0.0.1")
        data = b"".join([chunk async for chunk in client])
        server.close()
        return data

    assert asyncio.run(main()) == b"hosted"


def test_a_coroutine_function_may_be_a_listener():
    heard = []

    async def on_connection(socket):
        async for chunk in socket:
            heard.append(chunk)
        server.close()

    server, port = serve(on_connection)
    net.connect(port, "127.0.0.1").end("to a coroutine")
    net.run()
    assert heard == [b"to a coroutine"]

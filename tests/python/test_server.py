"""Servers: the forms of listen(), limits, block lists, closing."""

import os
import socket as system

import pytest
from platforms import local_path, not_on, only_on

import netcore as net


def served(server, *args, **options):
    """Listens and runs; the listener closes the server."""
    log = []
    server.on("listening", lambda: (log.append(server.address()), server.close()))
    server.on("error", log.append)
    server.listen(*args, **options)
    net.run()
    return log


@pytest.mark.parametrize(
    "args",
    [(), (0,), (None,), ("0",), ({"port": 0},), ({"port": None},), (0, 5)],
    ids=str,
)
def test_without_a_host_any_free_port_of_all_addresses_is_taken(args):
    (address,) = served(net.createServer(), *args)
    assert address["address"] == "::"
    assert address["family"] == "IPv6"
    assert address["port"] > 0


def test_options_may_be_keywords_and_keywords_win():
    (address,) = served(net.createServer(), {"port": 1, "host": "::1"}, port=0, host="127.0.0.1")
    assert address["address"] == "127.0.0.1"


def test_listening_comes_on_a_tick_and_the_address_is_there_at_once():
    log = []
    server = net.createServer()
    server.listen(0, lambda: (log.append("listening"), server.close()))
    assert server.listening
    assert server.address()["port"] > 0
    net.nextTick(log.append, "tick")
    net.run()
    assert log == ["listening", "tick"]
    assert not server.listening
    assert server.address() is None


def test_a_port_in_use_is_an_error_event_and_listening_may_be_tried_again():
    with system.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        (error,) = served(net.createServer(), port, "127.0.0.1")
    assert isinstance(error, OSError)
    assert (error.code, error.syscall, error.address, error.port) == ("EADDRINUSE", "listen", "127.0.0.1", port)
    assert str(error) == f"listen EADDRINUSE: address already in use 127.0.0.1:{port}"


def test_listening_twice_raises():
    server = net.createServer().listen(0)
    with pytest.raises(RuntimeError) as caught:
        server.listen(0)
    assert caught.value.code == "ERR_SERVER_ALREADY_LISTEN"
    server.close()
    net.run()


@pytest.mark.parametrize(
    ("args", "kind", "code"),
    [
        ((65536,), ValueError, "ERR_SOCKET_BAD_PORT"),
        (({"port": "x"},), ValueError, "ERR_SOCKET_BAD_PORT"),
        (({},), ValueError, "ERR_INVALID_ARG_VALUE"),
        (({"port": 0, "signal": 5},), TypeError, "ERR_INVALID_ARG_TYPE"),
        (({"path": "\0x", "readableAll": True},), ValueError, "ERR_INVALID_ARG_VALUE"),
    ],
)
def test_wrong_arguments_raise_with_nodes_code(args, kind, code):
    with pytest.raises(kind) as caught:
        net.createServer().listen(*args)
    assert caught.value.code == code


@not_on("win32")  # see test_named_pipes.py
def test_a_path_is_served_and_unlinked_when_the_server_closes(tmp_path):
    path = str(tmp_path / "server.sock")
    log = []
    server = net.createServer(lambda peer: (peer.end("over unix"), server.close()))

    def listening():
        log.append(os.path.exists(path))
        net.connect(path).on("data", log.append)

    server.listen(path, listening)
    assert server.address() == path
    net.run()
    assert log == [True, b"over unix"]
    assert not os.path.exists(path)


@not_on("win32")  # see test_named_pipes.py
def test_a_path_that_a_live_server_holds_is_in_use_and_not_unlinked(tmp_path):
    path = str(tmp_path / "server.sock")
    with system.socket(system.AF_UNIX) as holder:
        holder.bind(path)
        holder.listen()
        (error,) = served(net.createServer(), path)
        assert error.code == "EADDRINUSE"
        assert os.path.exists(path)


@not_on("win32")  # see test_named_pipes.py
def test_a_file_that_took_the_path_over_is_left_alone(tmp_path):
    path = tmp_path / "server.sock"
    server = net.createServer()

    def replace():
        path.unlink()
        path.write_text("mine")
        server.close()

    server.listen(str(path), replace)
    net.run()
    assert path.read_text() == "mine"


def test_a_path_is_served_and_free_again_when_the_server_has_closed(tmp_path):
    path = local_path(tmp_path, "server")
    log = []

    def serve_once(then):
        server = net.createServer(lambda peer: (peer.end("over a path"), server.close()))
        server.on("error", log.append)
        server.on("close", then)
        server.listen(path, lambda: net.connect(path).on("data", log.append))
        return server

    assert serve_once(lambda: serve_once(lambda: None)).address() == path
    net.run()
    assert log == [b"over a path"] * 2


def test_a_path_that_is_served_is_in_use(tmp_path):
    path = local_path(tmp_path, "server")
    holder = net.createServer().listen(path)
    (error,) = served(net.createServer().on("error", lambda: holder.close()), path)
    assert error.code == "EADDRINUSE"


def test_servers_share_what_one_of_them_listens_on():
    got = []
    first = net.createServer().listen(0)
    port = first.address()["port"]
    second = net.createServer(lambda peer: (peer.end("from the second"), second.close())).listen(first)
    first.on("close", lambda: net.connect(port).on("data", got.append))
    first.close()
    net.run()
    assert got == [b"from the second"]


@not_on("linux")
def test_without_abstract_names_they_are_refused():
    (error,) = served(net.createServer(), f"\0netcore-{os.getpid()}")
    assert error.code == "EINVAL"


@only_on("linux")
def test_an_abstract_name_has_no_file():
    name = f"\0netcore-{os.getpid()}"
    server = net.createServer(lambda peer: (peer.end(), server.close()))
    server.listen(name, lambda: net.connect(name).resume())
    net.run()
    assert not os.path.exists(name[1:])


def test_a_path_that_is_too_long_is_an_error_event():
    (error,) = served(net.createServer(), "/" + "x" * 300)
    assert error.code == "EINVAL"


def test_close_waits_for_connections_and_getConnections_counts_them():
    log = []

    def connected(peer):
        server.getConnections(lambda error, count: log.append((error, count)))
        server.close(lambda: log.append("closed"))
        net.setImmediate(lambda: (log.append("ending"), peer.end()))

    server = net.createServer(connected)
    server.listen(0, lambda: net.connect(server.address()["port"]).resume())
    net.run()
    assert log == [(None, 1), "ending", "closed"]


def test_closing_a_server_that_does_not_listen_is_told_to_the_callback():
    log = []
    net.createServer().close(lambda error=None: log.append(error.code))
    net.run()
    assert log == ["ERR_SERVER_NOT_RUNNING"]


def test_connections_beyond_the_limit_are_dropped_with_their_addresses():
    drops = []
    server = net.createServer()
    server.maxConnections = 0
    server.on("drop", lambda data: (drops.append(data), server.close()))
    clients = []

    def listening():
        client = net.connect(server.address()["port"], "127.0.0.1")
        client.on("error", lambda: None)
        client.on("connect", lambda: clients.append((client.localPort, client.remotePort)))
        client.resume()

    server.listen(0, "127.0.0.1", listening)
    net.run()
    (data,) = drops
    assert (data["remotePort"], data["localPort"]) == clients[0]
    assert data["remoteAddress"] == data["localAddress"] == "127.0.0.1"
    assert data["remoteFamily"] == data["localFamily"] == "IPv4"


def test_a_blocked_peer_never_becomes_a_connection():
    blocked = net.BlockList()
    blocked.addAddress("127.0.0.1")
    connections = []
    server = net.createServer({"blockList": blocked}, connections.append)

    def listening():
        client = net.connect(server.address()["port"], "127.0.0.1")
        client.on("error", lambda: None)
        client.on("close", lambda: server.close())
        client.resume()

    server.listen(0, "127.0.0.1", listening)
    net.run()
    assert connections == []


def test_a_paused_connection_is_not_read_before_resume():
    log = []

    def connected(peer):
        server.close()
        peer.on("data", log.append)
        log.append(peer.isPaused())
        net.setTimeout(lambda: (log.append(peer.bytesRead), peer.resume()), 20)

    server = net.createServer(connected, pauseOnConnect=True)
    server.listen(0, lambda: net.connect(server.address()["port"]).end("x"))
    net.run()
    assert log == [True, 0, b"x"]


def test_a_bound_socket_is_adopted_once():
    bound = net.BoundSocket(host="127.0.0.1")
    address = bound.address()
    server = net.createServer(lambda peer: (peer.end(), server.close()))
    server.listen(bound, lambda: net.connect(address["port"], "127.0.0.1").resume())
    assert server.address() == address
    for call in (bound.address, bound.fd, bound.close):
        with pytest.raises(RuntimeError) as caught:
            call()
        assert caught.value.code == "ERR_SOCKET_HANDLE_ADOPTED"
    net.run()


def test_a_bound_socket_connects_from_its_address():
    log = []
    server = net.createServer(lambda peer: (log.append(peer.remotePort), peer.end(), server.close()))

    def listening():
        with net.BoundSocket(host="127.0.0.1") as bound:
            port = bound.address()["port"]
            client = net.Socket(handle=bound)
        client.connect(server.address()["port"], "127.0.0.1").resume()
        log.append(port)

    server.listen(0, listening)
    net.run()
    assert log[0] == log[1]


@only_on("win32")
def test_no_descriptor_is_listened_on_where_node_refuses_them():
    with system.create_server(("127.0.0.1", 0)) as holder:
        (error,) = served(net.createServer(), fd=holder.fileno())
    assert error.code == "EINVAL"


@not_on("win32")
def test_a_descriptor_is_listened_on():
    holder = system.create_server(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    (address,) = served(net.createServer(), fd=holder.detach())
    assert address["port"] == port


def test_a_signal_closes_the_server():
    controller = net.AbortController()
    server = net.createServer()
    closed = []
    server.on("close", lambda: closed.append(True))
    server.listen(port=0, signal=controller.signal)
    server.on("listening", controller.abort)
    net.run()
    assert closed == [True]


def test_unref_lets_the_loop_end():
    server = net.createServer().listen(0).unref()
    net.run()
    assert server.listening
    server.close()
    net.run()


@pytest.mark.parametrize("where", [(0,), (0, "127.0.0.1"), (0, "localhost")])
def test_async_with_waits_until_the_server_listens(where):
    async def main():
        async with net.createServer().listen(*where) as server:
            return server.address()["port"]

    assert net.run(main()) > 0


def test_async_with_raises_why_the_server_cannot_listen():
    async def main():
        async with net.createServer().listen(0, "192.0.2.1"):
            pass

    with pytest.raises(OSError, match="EADDRNOTAVAIL"):
        net.run(main())


def test_async_with_closes_and_async_for_gives_the_connections():
    seen = []

    async def main():
        async with net.createServer() as server:
            server.listen(0)
            await net.once(server, "listening")
            for _ in range(2):
                net.connect(server.address()["port"]).resume()
            async for peer in server:
                seen.append(peer)
                peer.end()
                if len(seen) == 2:
                    break
        assert not server.listening

    net.run(main())
    assert len(seen) == 2

"""Getting connected: forms, look-ups, racing, errors, reconnecting."""

import contextlib
import inspect
import socket as system

import pytest
from ports import closed_port, free_port

import netcore as net

ATTEMPTS = (
    "lookup",
    "connectionAttempt",
    "connectionAttemptFailed",
    "connectionAttemptTimeout",
    "connect",
    "error",
    "close",
)


@pytest.fixture
def closed():
    with closed_port() as port:
        yield port


@pytest.fixture
def port():
    """The port of a server that accepts in the kernel, and says nothing."""
    with system.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


def record(socket, *names):
    log = []
    for name in names:
        socket.on(name, lambda *args, name=name: log.append((name, *args)))
    socket.on("connect", socket.destroy)
    return log


def found(*addresses):
    """A `lookup` that finds these addresses, as (text, family)."""

    def lookup(host, options, callback):
        if options.get("all"):
            net.nextTick(callback, None, [{"address": address, "family": family} for address, family in addresses])
        else:
            net.nextTick(callback, None, *addresses[0])

    return lookup


@pytest.mark.parametrize(
    ("listened", "connected", "reached"),
    [
        ("127.0.0.1", "0.0.0.0", "127.0.0.1"),
        ("::1", "::", "::1"),
        ("127.0.0.1", "::ffff:127.0.0.1", "::ffff:127.0.0.1"),
        ("127.0.0.1", "::ffff:0.0.0.0", "::ffff:127.0.0.1"),
    ],
)
def test_addresses_that_mean_ones_own_machine_reach_it(listened, connected, reached):
    """Windows by itself takes neither nobody's address nor, on its sockets for IPv6, one of IPv4."""
    log = []
    server = net.createServer(lambda peer: (peer.end(), server.close()))

    def listening():
        client = net.connect(server.address()["port"], connected)
        client.on("connect", lambda: log.append(client.remoteAddress))
        client.resume()

    server.listen(0, listened, listening)
    net.run()
    assert log == [reached]


@pytest.mark.parametrize("form", [lambda port, host: (port, host), lambda port, host: ({"port": port, "host": host},)])
def test_a_zone_that_is_not_there_counts_for_nothing(form):
    server = net.createServer(lambda peer: peer.end())
    log = []

    def listening():
        log.append(server.address()["address"])
        client = net.connect(*form(server.address()["port"], "::1%nowhere"))
        client.on("connect", lambda: log.append(client.remoteAddress))
        client.on("close", lambda had_error: server.close())
        client.resume().end()

    server.listen(0, "::1%nowhere", listening)
    net.run()
    assert log == ["::1", "::1"]


@pytest.mark.parametrize("form", ["port and host", "options", "keywords", "text"])
def test_every_form_connects(form, port):
    listened = []
    listener = lambda: listened.append(True)  # noqa: E731
    if form == "port and host":
        socket = net.connect(port, "127.0.0.1", listener)
    elif form == "options":
        socket = net.connect({"port": port, "host": "127.0.0.1"}, listener)
    elif form == "keywords":
        socket = net.connect(port=port, host="127.0.0.1")
        socket.on("connect", listener)
    else:
        socket = net.connect(str(port), "127.0.0.1", listener)
    log = record(socket, "connectionAttempt", "connect", "close")
    net.run()
    assert listened == [True]
    assert log == [("connectionAttempt", "127.0.0.1", port, 4), ("connect",), ("close", False)]


def test_nothing_is_emitted_before_connect_returns(port):
    socket = net.Socket()
    log = record(socket, "connectionAttempt")
    socket.connect(port, "127.0.0.1")
    assert log == []
    assert socket.connecting
    net.run()
    assert len(log) == 1


def test_a_name_is_looked_up(port):
    socket = net.connect(port, "localhost")
    log = record(socket, *ATTEMPTS)
    net.run()
    assert ("lookup", None, "127.0.0.1", 4, "localhost") in log
    assert log[-2:] == [("connect",), ("close", False)]


def test_a_refused_connection_tells_what_node_tells(closed):
    socket = net.connect(closed, "127.0.0.1")
    log = record(socket, "connectionAttempt", "connectionAttemptFailed", "error", "close")
    net.run()
    assert [event[0] for event in log] == ["connectionAttempt", "connectionAttemptFailed", "error", "close"]
    error = log[2][1]
    assert isinstance(error, ConnectionRefusedError)
    assert (error.code, error.syscall, error.address, error.port) == ("ECONNREFUSED", "connect", "127.0.0.1", closed)
    assert str(error) == f"connect ECONNREFUSED 127.0.0.1:{closed}"
    assert log[1] == ("connectionAttemptFailed", "127.0.0.1", closed, 4, error)
    assert log[3] == ("close", True)


def test_a_path_that_is_not_there_is_an_error():
    socket = net.Socket()
    log = record(socket, "connectionAttempt", "error")
    socket.connect("/nowhere/at/all")
    net.run()
    assert log[0] == ("connectionAttempt", "/nowhere/at/all", None, None)
    assert (log[1][1].code, str(log[1][1])) == ("ENOENT", "connect ENOENT /nowhere/at/all")


def test_writes_that_never_left_are_told_after_close(closed):
    log = []
    socket = net.connect(closed, "127.0.0.1")
    socket.on("error", lambda error: log.append(error.code))
    socket.on("close", lambda: log.append("close"))
    socket.write("x", lambda error: log.append(("write", error.code)))
    net.run()
    assert log == ["ECONNREFUSED", "close", ("write", "ERR_SOCKET_CLOSED_BEFORE_CONNECTION")]


def test_the_next_address_is_tried_when_one_refuses(port):
    socket = net.connect({"port": port, "host": "two.example", "lookup": found(("::1", 6), ("127.0.0.1", 4))})
    log = record(socket, *ATTEMPTS)
    net.run()
    assert [event[0] for event in log] == [
        "lookup",
        "lookup",
        "connectionAttempt",
        "connectionAttemptFailed",
        "connectionAttempt",
        "connect",
        "close",
    ]
    assert socket.autoSelectFamilyAttemptedAddresses == [f"::1:{port}", f"127.0.0.1:{port}"]


@contextlib.contextmanager
def connecting_past_a_silent_address(port, attempt_timeout):
    """A socket that is connecting to a name of two addresses, of which the first does not answer."""
    with system.socket() as silent:
        silent.bind(("127.0.0.2", port))
        silent.listen(0)
        fillers = [fill(("127.0.0.2", port)) for _ in range(3)]
        yield net.connect(
            {
                "port": port,
                "host": "slow.example",
                "lookup": found(("127.0.0.2", 4), ("127.0.0.1", 4)),
                "autoSelectFamilyAttemptTimeout": attempt_timeout,
            }
        )
        for filler in fillers:
            filler.close()


def fill(address):
    """A connection that takes up room in a backlog."""
    filler = system.socket()
    filler.setblocking(False)
    filler.connect_ex(address)
    return filler


def test_the_next_address_is_tried_when_one_is_silent(port):
    with connecting_past_a_silent_address(port, attempt_timeout=30) as socket:
        log = record(socket, "connectionAttemptTimeout", "connect", "close")
        net.run()
    assert log == [("connectionAttemptTimeout", "127.0.0.2", port, 4), ("connect",), ("close", False)]


def test_destroy_during_a_race_stops_it(port):
    with connecting_past_a_silent_address(port, attempt_timeout=5000) as socket:
        log = record(socket, "connectionAttempt", "connectionAttemptFailed", "connect", "close")
        net.setTimeout(socket.destroy, 20)
        net.run()
    assert [event[0] for event in log] == ["connectionAttempt", "connectionAttemptFailed", "close"]
    assert log[1][4].code == "ECANCELED"


def test_all_failed_attempts_come_as_one_group(closed):
    socket = net.connect({"port": closed, "host": "none.example", "lookup": found(("127.0.0.1", 4), ("127.0.0.2", 4))})
    log = record(socket, "error")
    net.run()
    error = log[0][1]
    assert isinstance(error, ExceptionGroup)
    assert error.code == "ECONNREFUSED"
    assert [one.address for one in error.errors] == ["127.0.0.1", "127.0.0.2"]


def test_one_family_asks_for_one_address(port):
    asked = []

    def lookup(host, options, callback):
        asked.append((host, options["family"], options.get("all")))
        net.nextTick(callback, None, "127.0.0.1", 4)

    socket = net.connect({"port": port, "host": "four.example", "family": 4, "lookup": lookup})
    log = record(socket, "lookup", "connect")
    net.run()
    assert asked == [("four.example", 4, None)]
    assert log == [("lookup", None, "127.0.0.1", 4, "four.example"), ("connect",)]


@pytest.mark.parametrize(
    ("answer", "code"),
    [(("nonsense", 4), "ERR_INVALID_IP_ADDRESS"), (("127.0.0.1", 5), "ERR_INVALID_ADDRESS_FAMILY")],
)
def test_an_answer_that_is_no_address_is_an_error(answer, code):
    socket = net.connect({"port": 1, "host": "bad.example", "family": 4, "lookup": found(answer)})
    log = record(socket, "error")
    net.run()
    assert log[0][1].code == code


def test_a_blocked_address_is_not_connected_to(port):
    blocked = net.BlockList()
    blocked.addAddress("127.0.0.1")
    socket = net.connect({"port": port, "host": "127.0.0.1", "blockList": blocked})
    log = record(socket, "connect", "error", "close")
    net.run()
    assert log[0][1].code == "ERR_IP_BLOCKED"
    assert log[1] == ("close", True)


def test_the_local_end_is_chosen(port):
    near = free_port()
    socket = net.connect({"port": port, "host": "127.0.0.1", "localAddress": "127.0.0.3", "localPort": near})
    seen = []
    socket.on("connect", lambda: seen.append((socket.localAddress, socket.localPort)))
    record(socket)
    net.run()
    assert seen == [("127.0.0.3", near)]


def test_a_local_port_in_use_fails_to_bind(port):
    with system.create_server(("127.0.0.1", 0)) as holder:
        taken = holder.getsockname()[1]
        socket = net.connect({"port": port, "host": "127.0.0.1", "localAddress": "127.0.0.1", "localPort": taken})
        log = record(socket, "error")
        net.run()
    assert (log[0][1].syscall, log[0][1].code) == ("bind", "EADDRINUSE")


@pytest.mark.parametrize("near", [70000, 1.5, 2**64, 1e300, float("inf"), float("-inf")])
def test_a_local_port_that_is_none_fails_to_bind(port, near):
    socket = net.connect({"port": port, "host": "127.0.0.1", "localPort": near})
    log = record(socket, "error")
    net.run()
    assert (log[0][1].syscall, log[0][1].code, log[0][1].port) == ("bind", "EADDRINUSE", near)


def test_a_closed_socket_connects_again(port):
    socket = net.Socket()
    log = []
    socket.on("connect", lambda: (log.append(socket.readyState), socket.destroy()))
    socket.once("close", lambda: socket.connect(port, "127.0.0.1"))
    socket.connect(port, "127.0.0.1")
    net.run()
    assert log == ["open", "open"]


def test_destroying_while_the_name_is_looked_up_ends_quietly():
    socket = net.connect(1, "localhost")
    log = record(socket, *ATTEMPTS)
    socket.destroy()
    net.run()
    assert log == [("close", False)]


def test_a_signal_destroys_the_socket(port):
    controller = net.AbortController()
    socket = net.connect(port=port, host="127.0.0.1", signal=controller.signal)
    log = []
    socket.on("error", lambda error: log.append(error.code))
    socket.on("close", lambda: log.append("close"))
    socket.on("connect", controller.abort)
    net.run()
    assert log == ["ABORT_ERR", "close"]


def test_a_signal_destroys_a_socket_without_inspecting_anything(monkeypatch):
    inspected = []
    signature = inspect.signature
    monkeypatch.setattr(inspect, "signature", lambda callback: (inspected.append(callback), signature(callback))[1])
    controller = net.AbortController()
    socket = net.Socket(signal=controller.signal)
    socket.on("error", lambda error: None)
    controller.abort()
    net.run()
    assert socket.destroyed
    assert inspected == []


def test_a_signal_that_was_aborted_before_destroys_a_new_socket():
    controller = net.AbortController()
    controller.abort("why")
    socket = net.Socket(signal=controller.signal)
    log = []
    socket.on("error", log.append)
    socket.on("close", lambda: log.append("close"))
    net.run()
    assert (log[0].code, log[0].cause, log[1]) == ("ABORT_ERR", "why", "close")


def test_settings_made_before_the_connection_hold_after_it(port):
    socket = net.connect(port, "127.0.0.1")
    with pytest.raises(OSError, match="setTypeOfService EBADF"):
        socket.setNoDelay().setKeepAlive(True, 5000).setTypeOfService(16)  # no descriptor yet, but it is remembered
    seen = []

    def connected():
        seen.append(socket.getTypeOfService())
        socket.destroy()

    socket.on("connect", connected)
    net.run()
    assert seen == [16]


def test_the_defaults_of_racing_can_be_changed():
    assert net.getDefaultAutoSelectFamily() is True
    assert net.getDefaultAutoSelectFamilyAttemptTimeout() == 250
    try:
        net.setDefaultAutoSelectFamily(False)
        net.setDefaultAutoSelectFamilyAttemptTimeout(5)
        assert net.getDefaultAutoSelectFamily() is False
        assert net.getDefaultAutoSelectFamilyAttemptTimeout() == 10
    finally:
        net.setDefaultAutoSelectFamily(True)
        net.setDefaultAutoSelectFamilyAttemptTimeout(250)
    with pytest.raises(TypeError):
        net.setDefaultAutoSelectFamily(1)


def test_a_socket_whose_connect_refused_its_arguments_can_be_destroyed():
    log = []
    socket = net.Socket()
    socket.on("close", lambda: log.append("close"))
    with pytest.raises(ValueError, match="null bytes"):
        socket.connect(80, "local\0host")
    socket.destroy()
    net.run()
    assert log == ["close"]


@pytest.mark.parametrize("answer", [[], (), "", {}])
def test_a_look_up_that_answers_no_address_is_told_so(answer):
    def lookup(host, options, callback):
        with pytest.raises(TypeError, match="no address"):
            callback(None, answer)
        told.append(True)

    told = []
    net.connect(port=1, host="example.test", lookup=lookup).destroy()
    net.run()
    assert told == [True]


class Text(str):
    """Text of a class of its own, such as enumerations and templates have."""

    def __str__(self):
        return "not this"


def test_text_of_any_class_is_taken_for_what_it_says():
    received = []

    def lookup(host, options, callback):
        callback(None, Text("127.0.0.1"), 4)

    def connection(socket):
        socket.on("data", received.append).on("end", server.close).setEncoding("utf8")

    def connect():
        port = server.address()["port"]
        client = net.connect(
            port=port, host=Text("example.test"), lookup=lookup, localAddress=Text("127.0.0.1"), family=4
        )
        client.write(Text("written,"))
        client.end(Text("ended"))

    server = net.createServer(connection).listen(0, Text("127.0.0.1"), connect)
    net.run()
    assert "".join(received) == "written,ended"
    assert net.BoundSocket(host=Text("127.0.0.1")).address()["address"] == "127.0.0.1"
    socket = net.Socket()
    socket.unshift(Text("back"))
    assert socket.read() == b"back"
    net.lookup(Text("127.0.0.1"), lambda error, address, family: received.append(address))
    net.run()
    assert received[-1] == "127.0.0.1"


@pytest.mark.parametrize(
    "call",
    [
        lambda: net.Socket(typeOfService=float("inf")),
        lambda: net.Socket().setTypeOfService(float("inf")),
        lambda: net.Socket(fd=float("inf")),
        lambda: net.connect(port=1, host="127.0.0.1", autoSelectFamilyAttemptTimeout=float("inf")),
        lambda: net.setDefaultAutoSelectFamilyAttemptTimeout(float("-inf")),
    ],
)
def test_an_infinite_number_is_no_integer(call):
    with pytest.raises(ValueError, match="It must be an integer"):
        call()


@pytest.mark.parametrize("number", [float("inf"), 2**31, 2**64, 2**2000])
def test_a_number_beyond_all_use_is_taken_as_node_takes_it(number):
    net.Socket(keepAliveInitialDelay=number).destroy()
    assert net.Server(keepAliveInitialDelay=number).keepAliveInitialDelay >= 0
    assert net.Server(highWaterMark=number).highWaterMark == 0x7FFFFFFF
    net.createServer().listen(port=0, host="127.0.0.1", backlog=number).close()
    net.createServer().listen(port=0, backlog=number).close()
    net.run()

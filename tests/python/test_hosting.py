"""netcore inside a running asyncio or uvloop loop: the same objects, the same order, no call to set it up."""

import asyncio
import contextlib
import time
from importlib.util import find_spec

import pytest

import netcore as net

HOSTS = {"asyncio": asyncio.new_event_loop}
if find_spec("uvloop"):  # which there is none of for Windows and for interpreters without a lock
    import uvloop

    HOSTS["uvloop"] = uvloop.new_event_loop


@pytest.fixture(params=HOSTS.values(), ids=HOSTS)
def run(request):
    """Runs a coroutine in the host, as asyncio.run does; exceptions that nobody handled are in `run.unhandled`."""

    def run(coroutine):
        async def main():
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: run.unhandled.append(context))
            return await asyncio.wait_for(coroutine, 20)

        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(main())

    run.unhandled = []
    yield run
    assert run.unhandled == []


async def until(condition):
    """Lets the host go on until the condition holds."""
    while not condition():
        await asyncio.sleep(0.001)


def busy(ms):
    end = time.monotonic() + ms / 1000
    while time.monotonic() < end:
        pass


def test_timers_immediates_and_ticks_run_in_the_host(run):
    seen = []

    async def main():
        net.setTimeout(seen.append, 2, "timer")
        net.setImmediate(seen.append, "immediate")
        net.nextTick(seen.append, "tick")
        await until(lambda: len(seen) == 3)

    run(main())
    assert seen == ["tick", "immediate", "timer"]


def test_the_order_in_the_host_is_nodes(run):
    seen = []

    def with_tick(name):
        seen.append(name)
        net.nextTick(seen.append, f"tick of {name}")

    async def main():
        net.setImmediate(with_tick, "immediate 1")
        net.setImmediate(with_tick, "immediate 2")
        net.setTimeout(with_tick, 1, "timer 1")
        net.setTimeout(with_tick, 1, "timer 2")
        await until(lambda: len(seen) == 8)

    run(main())
    assert len(seen) == 8
    for index in range(0, 8, 2):
        assert seen[index + 1] == f"tick of {seen[index]}"
    assert [name for name in seen if name.startswith("timer")] == ["timer 1", "timer 2"]


def test_an_interval_runs_in_the_host_until_it_is_cleared(run):
    times = []

    def beat():
        times.append(time.perf_counter())
        if len(times) == 5:
            net.clearInterval(timer)

    async def main():
        nonlocal timer
        timer = net.setInterval(beat, 5)
        await until(lambda: len(times) == 5)
        await asyncio.sleep(0.03)

    timer = None
    run(main())
    assert len(times) == 5
    assert times[-1] - times[0] > 0.015


def test_an_earlier_timer_comes_before_a_later_one_that_was_started_first(run):
    seen = []

    async def main():
        late = net.setTimeout(seen.append, 60_000, "late")
        await asyncio.sleep(0.01)
        net.setTimeout(seen.append, 5, "early")
        begin = time.monotonic()
        await until(lambda: seen)
        assert time.monotonic() - begin < 5
        late.close()

    run(main())
    assert seen == ["early"]


def test_an_await_of_netcores_works_in_a_task_of_the_host(run):
    async def main():
        assert await net.sleep(1, "slept") == "slept"
        assert await asyncio.gather(net.sleep(2, "a"), net.sleep(1, "b")) == ["a", "b"]
        emitter = net.EventEmitter()
        net.setTimeout(emitter.emit, 1, "event", 7)
        assert tuple(await net.once(emitter, "event")) == (7,)
        return "done"

    assert run(main()) == "done"


def test_waiting_can_be_timed_out_and_cancelled_in_the_host(run):
    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(net.sleep(60_000), 0.01)
        task = asyncio.create_task(sleeper())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def sleeper():
        await net.sleep(60_000)

    run(main())
    assert not net.get_loop().alive


def test_run_is_refused_inside_the_host(run):
    async def main():
        with pytest.raises(RuntimeError, match="inside a running asyncio loop"):
            net.run()
        with pytest.raises(RuntimeError, match="inside a running asyncio loop"):
            net.run(net.sleep(1))

    run(main())


def test_an_exception_goes_to_the_hosts_handler_and_the_rest_goes_on(run):
    seen = []

    def fail():
        raise ValueError("mine")

    async def main():
        net.setImmediate(fail)
        net.setImmediate(seen.append, "after")
        net.setTimeout(fail, 1)
        net.setTimeout(seen.append, 1, "timer after")
        await until(lambda: len(seen) == 2)

    run(main())
    assert seen == ["after", "timer after"]
    assert [str(context["exception"]) for context in run.unhandled] == ["mine", "mine"]
    run.unhandled.clear()


def test_a_coroutine_callback_is_a_task_of_the_host(run):
    seen = []

    async def callback():
        seen.append(asyncio.current_task() is not None)
        await asyncio.sleep(0.001)
        seen.append("slept")

    async def fail():
        await net.sleep(1)
        raise ValueError("in a task")

    async def main():
        net.setTimeout(callback, 1)
        net.setImmediate(fail)
        await until(lambda: len(seen) == 2 and run.unhandled)

    run(main())
    assert seen == [True, "slept"]
    assert [str(context["exception"]) for context in run.unhandled] == ["in a task"]
    run.unhandled.clear()


def test_what_was_made_before_goes_on_in_the_host_and_after_it(run):
    seen = []
    net.setTimeout(seen.append, 1, "made before")
    net.setImmediate(seen.append, "immediate before")

    async def main():
        net.nextTick(seen.append, "first use")
        await until(lambda: len(seen) == 3)
        net.setTimeout(seen.append, 300, "left over")

    run(main())
    assert sorted(seen) == ["first use", "immediate before", "made before"]
    net.run()
    assert seen[3:] == ["left over"]


def test_host_after_host_and_our_own_loop_between_them(run):
    seen = []

    async def main(name):
        net.setTimeout(seen.append, 1, name)
        await net.sleep(2)

    for round_number in range(3):
        run(main(f"hosted {round_number}"))
        net.setTimeout(seen.append, 1, f"own {round_number}")
        net.run()
    assert seen == [f"{kind} {number}" for number in range(3) for kind in ("hosted", "own")]


def test_a_connection_goes_on_in_our_own_loop_as_soon_as_the_host_is_gone(run):
    server = net.createServer(lambda peer: peer.pipe(peer))
    clients, answers = [], []

    async def main():
        clients.append(net.connect(await served(server), "127.0.0.1"))
        await net.once(clients[0], "connect")

    def answered(data):
        answers.append(data)
        if len(answers) < 100:
            clients[0].write("and on")
        else:
            clients[0].end()
            server.close()

    run(main())
    clients[0].on("data", answered).write("on")
    begin = time.monotonic()
    net.run()
    assert len(answers) == 100
    assert time.monotonic() - begin < 10


def test_a_host_that_was_stopped_amid_a_turn_asked_for_does_not_block_the_next(run):
    seen = []

    async def ask():
        net.setImmediate(seen.append, "immediate")  # the host ends before this turn comes

    async def wait():
        net.nextTick(seen.append, "tick")
        await until(lambda: len(seen) == 2)

    run(ask())
    run(wait())
    assert sorted(seen) == ["immediate", "tick"]


def test_two_open_hosts_of_one_thread_take_turns():
    seen = []
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def wait(name):
        net.setTimeout(seen.append, 1, name)
        await net.sleep(2)

    with contextlib.closing(first), contextlib.closing(second):
        first.run_until_complete(wait("first"))
        second.run_until_complete(wait("second"))
        first.run_until_complete(wait("first again"))
    assert seen == ["first", "second", "first again"]


def test_a_post_from_another_thread_reaches_the_host(run):
    async def main():
        loop = net.get_loop()
        net.nextTick(lambda: None)
        arrived = asyncio.Event()
        await asyncio.to_thread(loop.post, arrived.set)
        await arrived.wait()

    run(main())


def test_a_look_up_ends_in_the_host(run):
    async def main():
        answers = []
        net.lookup("localhost", {"family": 4}, lambda *answer: answers.append(answer))
        await until(lambda: answers)
        return answers

    assert run(main()) == [(None, "127.0.0.1", 4)]


def test_an_idle_loop_costs_the_host_nothing(run):
    async def main():
        net.setTimeout(print, 60_000).unref()
        await asyncio.sleep(0.05)
        begin = time.process_time()
        await asyncio.sleep(0.3)
        return time.process_time() - begin

    assert run(main()) < 0.1


def test_the_hosts_own_callbacks_go_on_while_ticks_never_end(run):
    """Immediates that make immediates without end share the thread with the host."""
    count = 0

    def again():
        nonlocal count
        count += 1
        if not stop:
            net.setImmediate(again)

    stop = False

    async def main():
        nonlocal stop
        again()
        for _ in range(10):
            await asyncio.sleep(0.001)
        stop = True
        assert count > 10
        await net.sleep(1)

    run(main())


# --- sockets ----------------------------------------------------------------------------------------------------------


async def served(server):
    """Listens, and answers the port."""
    server.listen(0)
    await net.once(server, "listening")
    return server.address()["port"]


async def closed(*emitters):
    await asyncio.gather(*(net.once(emitter, "close") for emitter in emitters))


@pytest.mark.parametrize("size", [1, 1000, 1_000_000])
@pytest.mark.parametrize("how", ["data", "pipe"])
def test_an_echo_server_and_its_client_run_in_the_host(run, size, how):
    def connection(socket):
        server.close()
        if how == "pipe":
            socket.pipe(socket)
        else:
            socket.on("data", socket.write)
            socket.on("end", socket.end)

    async def main():
        client = net.connect(await served(server), "127.0.0.1")
        chunks = []
        client.on("data", chunks.append)
        client.end(bytes(range(256)) * (size // 256 + 1))
        await closed(server, client)
        return b"".join(chunks)

    server = net.createServer({"allowHalfOpen": True}, connection)
    assert run(main()) == bytes(range(256)) * (size // 256 + 1)


def test_a_write_from_a_task_of_the_host_is_sent(run):
    """Outside of any turn of netcore's, nothing but the write itself can ask for one."""

    async def main():
        server = net.createServer(lambda socket: socket.pipe(socket))
        client = net.connect(await served(server), "127.0.0.1")
        await net.once(client, "connect")
        for number in range(5):
            await asyncio.sleep(0.002)
            client.write(str(number))
            assert await net.once(client, "data") is not None
        client.end()
        server.close()
        await closed(server)

    run(main())


def test_many_connections_at_once_in_the_host(run):
    async def talk(port, number):
        client = net.connect(port, "127.0.0.1")
        client.setEncoding("utf8")
        got = []
        client.on("data", got.append)
        client.end(f"client {number}" * 1000)
        await net.once(client, "close")
        return "".join(got) == f"client {number}" * 1000

    async def main():
        server = net.createServer({"allowHalfOpen": True}, lambda socket: socket.pipe(socket))
        port = await served(server)
        answers = await asyncio.gather(*(talk(port, number) for number in range(50)))
        server.close()
        return answers

    assert all(run(main()))


def test_async_iteration_and_context_managers_work_in_the_host(run):
    async def main():
        async with net.createServer() as server:
            port = await served(server)

            async def answer():
                async for socket in server:
                    async for chunk in socket:
                        socket.write(chunk.upper())
                    socket.end()
                    return

            task = asyncio.create_task(answer())
            async with net.connect(port, "127.0.0.1") as client:
                client.write("quiet")
                async for chunk in client:
                    assert chunk == b"QUIET"
                    break
            await task

    run(main())


def test_a_listener_that_raises_goes_to_the_hosts_handler_and_the_connection_lives(run):
    async def main():
        def data(chunk):
            socket_chunks.append(chunk)
            if len(socket_chunks) == 1:
                raise ValueError("listener")

        def connection(socket):
            socket.on("data", data)

        socket_chunks = []
        server = net.createServer(connection)
        client = net.connect(await served(server), "127.0.0.1")
        client.write("first")
        await until(lambda: socket_chunks)
        client.end("second")
        await until(lambda: len(socket_chunks) == 2)
        server.close()
        await closed(server)

    run(main())
    assert [str(context["exception"]) for context in run.unhandled] == ["listener"]
    run.unhandled.clear()


def test_a_server_made_before_the_host_serves_in_it(run):
    server = net.createServer(lambda socket: socket.end("hello"))
    server.listen(0)

    async def main():
        client = net.connect(server.address()["port"], "127.0.0.1")
        chunks = []
        client.on("data", chunks.append)
        await closed(client)
        server.close()
        await closed(server)
        return chunks

    assert run(main()) == [b"hello"]


def test_netcore_and_the_hosts_own_streams_talk_to_each_other(run):
    async def main():
        server = net.createServer(lambda socket: socket.pipe(socket))
        reader, writer = await asyncio.open_connection("127.0.0.1", await served(server))
        writer.write(b"x" * 100_000)
        writer.write_eof()
        data = await reader.read()
        writer.close()
        server.close()
        return len(data)

    assert run(main()) == 100_000

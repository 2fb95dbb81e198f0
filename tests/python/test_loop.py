"""The loop: what runs when, what keeps it alive, and what becomes of exceptions. The orders are those of Node 26."""

import gc
import math
import os
import signal
import subprocess
import threading
import time
import weakref

import pytest
from platforms import not_on
from signalled import Signalled

import netcore as net
from netcore._core.task import start


def busy(ms):
    end = time.monotonic() + ms / 1000
    while time.monotonic() < end:
        pass


def microtask(fn):
    async def call():
        fn()

    start(call())


class Log(list):
    def __call__(self, *words):
        self.append(" ".join(map(str, words)))


@pytest.fixture
def log():
    return Log()


@pytest.fixture(autouse=True)
def _a_loop_with_nothing_to_do():
    yield
    assert not net.get_loop().alive, "the test left something on the loop"


# --- order ------------------------------------------------------------------------------------------------------------


def test_ticks_run_before_microtasks_and_both_until_none_is_left(log):
    def first():
        log("tick 1")
        net.nextTick(log, "tick of tick 1")
        microtask(lambda: log("microtask of tick 1"))

    def micro():
        log("microtask")
        net.nextTick(log, "tick of microtask")
        microtask(lambda: log("microtask of microtask"))

    net.nextTick(first)
    net.nextTick(log, "tick 2")
    microtask(micro)
    log("main")
    net.run()
    assert log == [
        "main",
        "tick 1",
        "tick 2",
        "tick of tick 1",
        "microtask",
        "microtask of tick 1",
        "microtask of microtask",
        "tick of microtask",
    ]


def test_ticks_run_after_each_timer_and_each_immediate(log):
    def with_tick(name):
        log(name)
        net.nextTick(log, f"tick of {name}")

    for name in ("timer 1", "timer 2"):
        net.setTimeout(with_tick, 1, name)
    for name in ("immediate 1", "immediate 2"):
        net.setImmediate(with_tick, name)
    busy(3)
    net.run()
    names = ("timer 1", "timer 2", "immediate 1", "immediate 2")
    assert log == [line for name in names for line in (name, f"tick of {name}")]


def test_an_immediate_made_by_an_immediate_waits_for_the_next_turn(log):
    def first():
        log("first")
        net.setImmediate(log, "made by first")
        net.setTimeout(log, 1, "timer")
        busy(3)

    net.setImmediate(first)
    net.setImmediate(log, "second")
    net.run()
    assert log == ["first", "second", "timer", "made by first"]


def test_an_immediate_of_a_timer_runs_before_the_next_timers(log):
    def slow():
        log("slow timer")
        busy(100)
        net.setTimeout(log, 1, "child")
        net.setImmediate(log, "immediate")

    net.setTimeout(slow, 1)
    net.setTimeout(log, 80, "at 80")
    net.setTimeout(log, 90, "at 90")
    net.run()
    assert log == ["slow timer", "immediate", "at 80", "at 90", "child"]


def test_timers_fire_by_time_and_then_by_start(log):
    for ms in (60, 20, 40, 20):
        net.setTimeout(log, ms, ms)
    net.setTimeout(log, 20, "20 again")
    net.run()
    assert log == ["20", "20", "20 again", "40", "60"]


def test_due_timers_run_before_the_immediates_of_the_first_turn(log):
    net.setImmediate(log, "immediate")
    net.setTimeout(log, 1, "timer")
    busy(3)
    net.run()
    assert log == ["timer", "immediate"]


# --- timers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [net.setTimeout, net.setInterval, net.setImmediate, net.nextTick])
@pytest.mark.parametrize("callback", [None, "x", 5])
def test_a_callback_that_cannot_be_called_is_refused(make, callback):
    with pytest.raises(TypeError, match='The "callback" argument must be of type function') as caught:
        make(callback)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


def test_arguments_reach_the_callback(log):
    net.setTimeout(log, 1, "timeout", 1, 2)
    net.setImmediate(log, "immediate", 3)
    net.nextTick(log, "tick", 4)
    net.run()
    assert sorted(log) == ["immediate 3", "tick 4", "timeout 1 2"]


@pytest.mark.parametrize("delay", [0, None, 0.5, False, True, "1"])
def test_the_shortest_delay_is_a_millisecond(log, delay):
    begin = time.monotonic()
    net.setTimeout(log, delay, "fired")
    net.run()
    assert log == ["fired"]
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize(
    ("delay", "words"),
    [
        (-5, "is a negative number"),
        (math.nan, "is not a number"),
        ("x", "is not a number"),
        ({}, "is not a number"),
        (2**31, "does not fit into a 32-bit signed integer"),
        (math.inf, "does not fit into a 32-bit signed integer"),
        (10**400, "does not fit into a 32-bit signed integer"),
    ],
)
def test_a_delay_out_of_range_is_a_millisecond_with_a_warning(log, delay, words):
    with pytest.warns(RuntimeWarning, match=words):
        net.setTimeout(log, delay, "fired")
    net.run()
    assert log == ["fired"]


def test_a_timer_never_fires_early():
    took = []

    def later(ms, begin):
        took.append((time.perf_counter() - begin) * 1000 - ms)

    def start():
        busy(7)  # the loop's clock is behind by now
        for ms in (5, 10, 15):
            net.setTimeout(later, ms, ms, time.perf_counter())  # Windows' monotonic() goes in steps of 16 ms

    net.setTimeout(start, 1)
    net.setImmediate(start)
    net.run()
    assert len(took) == 6
    assert min(took) > -1.01  # whole milliseconds


def test_a_timer_started_by_a_slow_timer_is_not_early_by_a_whole_millisecond():
    took = []

    def later(begin):
        took.append((time.perf_counter() - begin) * 1000 - 2)

    def start(ms):
        busy(ms)
        net.setTimeout(later, 2, time.perf_counter())

    def turn():
        """Keeps the loop from sleeping, which makes timers late, and has it look at them in the middle of milliseconds."""
        busy(0.7)
        if len(took) < 20:
            net.setImmediate(turn)

    for tenth in range(20):
        net.setTimeout(start, 5 * tenth, 1 + tenth / 10)
    turn()
    net.run()
    assert min(took) > -1.01


def test_an_interval_counts_from_the_start_of_its_callback(log):
    def beat():
        log("beat")
        if len(log) > 1:
            net.clearInterval(timer)
            return
        busy(30)  # the next beat is due by now
        net.setTimeout(log, 15, "timer")

    timer = net.setInterval(beat, 20)
    net.run()
    assert log == ["beat", "beat", "timer"]


@pytest.mark.parametrize("clear", [net.clearTimeout, net.clearInterval])
@pytest.mark.parametrize("form", [lambda t: t, int, lambda t: str(int(t))])
def test_a_timer_is_cleared_by_itself_its_number_and_its_text(log, clear, form):
    clear(form(net.setTimeout(log, 1, "timeout")))
    clear(form(net.setInterval(log, 1, "interval")))
    net.run()
    assert log == []


@pytest.mark.parametrize("junk", [None, 0, 10**9, "x", "12", {}, object(), 1.5])
def test_clearing_anything_else_does_nothing(junk):
    net.clearTimeout(junk)
    net.clearInterval(junk)
    net.clearImmediate(junk)


def test_timers_and_immediates_are_not_cleared_by_each_others_functions(log):
    net.clearImmediate(net.setTimeout(log, 1, "timeout"))
    net.clearTimeout(net.setImmediate(log, "immediate"))
    net.run()
    assert sorted(log) == ["immediate", "timeout"]


def test_a_timer_cleared_by_an_earlier_one_of_the_same_moment_does_not_fire(log):
    def first():
        log("first")
        net.clearTimeout(second)
        net.clearImmediate(immediate)

    net.setTimeout(first, 1)
    second = net.setTimeout(log, 1, "second")
    busy(3)
    immediate = net.setImmediate(log, "immediate")
    net.run()
    assert log == ["first"]


def test_a_timer_answers_itself_and_tells_its_ref(log):
    timer = net.setTimeout(log, 5)
    assert timer.hasRef()
    assert timer.unref() is timer
    assert not timer.hasRef()
    assert timer.ref() is timer
    assert timer.hasRef()
    assert timer.refresh() is timer
    assert timer.close() is timer
    assert timer.hasRef()
    assert isinstance(timer, net.Timeout)


def test_an_immediate_answers_itself_and_tells_its_ref(log):
    immediate = net.setImmediate(log)
    assert immediate.hasRef()
    assert immediate.unref() is immediate
    assert not immediate.hasRef()
    assert immediate.ref() is immediate
    assert immediate.hasRef()
    net.clearImmediate(immediate)
    assert isinstance(immediate, net.Immediate)


def test_refresh_starts_the_delay_anew(log):
    timer = net.setTimeout(log, 60, "fired")
    time.sleep(0.03)  # not a timer, which would come too late if both were due at once on a busy machine
    begin = time.perf_counter()
    timer.refresh()
    net.run()
    assert log == ["fired"]
    assert time.perf_counter() - begin > 0.058


def test_refresh_wakes_a_timer_that_has_fired_but_not_a_cleared_one(log):
    timer = net.setTimeout(log, 1, "fired")
    cleared = net.setTimeout(log, 1, "never")
    net.clearTimeout(cleared)
    net.run()
    timer.refresh()
    cleared.refresh()
    assert net.get_loop().alive
    net.run()
    assert log == ["fired", "fired"]


def test_a_timer_closed_in_its_own_callback_stays_closed(log):
    def beat():
        log("beat")
        timer.close()
        timer.refresh()

    timer = net.setInterval(beat, 1)
    net.run()
    assert log == ["beat"]


def test_a_half_built_timer_is_an_error_not_a_crash():
    for cls in (net.Timeout, net.Immediate):
        broken = cls.__new__(cls)
        for name in ("ref", "unref", "hasRef", "refresh", "close", "__int__"):
            if hasattr(broken, name):
                with pytest.raises(TypeError):
                    getattr(broken, name)()


def test_timers_are_given_back():
    class Callback:
        def __call__(self):
            pass

    fired, cleared, unreached = Callback(), Callback(), Callback()
    watch = [weakref.ref(callback) for callback in (fired, cleared, unreached)]
    net.setTimeout(fired, 1)
    net.clearTimeout(net.setTimeout(cleared, 1000))
    late = net.setTimeout(unreached, 60_000).unref()
    net.run()
    net.clearTimeout(late)
    del fired, cleared, unreached, late
    gc.collect()
    assert [ref() for ref in watch] == [None, None, None]


# --- life -------------------------------------------------------------------------------------------------------------


def test_run_returns_at_once_when_there_is_nothing_to_do():
    begin = time.monotonic()
    net.run()
    net.run()
    assert time.monotonic() - begin < 5


def test_what_is_unrefd_does_not_keep_run(log):
    timer = net.setTimeout(log, 60_000, "never").unref()
    net.setImmediate(log, "not now").unref()
    begin = time.monotonic()
    net.run()
    assert time.monotonic() - begin < 5
    assert log == []
    timer.close()
    net.setTimeout(log, 1, "timer")
    net.run()
    assert sorted(log) == ["not now", "timer"]  # in either order, as the timer is due or not when the loop starts


def test_an_immediate_that_keeps_nothing_alive_runs_after_the_last_timer_that_was_due(log):
    net.setImmediate(log, "immediate").unref()
    net.setTimeout(log, 1, "timer")
    time.sleep(0.02)
    net.run()
    assert log == ["timer", "immediate"]


def test_run_may_be_called_again(log):
    for name in ("first", "second"):
        net.setTimeout(log, 1, name)
        net.run()
    assert log == ["first", "second"]


def test_run_inside_run_is_an_error():
    def nested():
        with pytest.raises(RuntimeError, match="already running"):
            net.run()
        with pytest.raises(RuntimeError, match="already running"):
            net.run(net.sleep(1))
        assert net.get_loop().running

    net.setImmediate(nested)
    net.run()
    assert not net.get_loop().running


def test_an_exception_leaves_run_with_its_traceback_and_the_rest_runs_next_time(log):
    def fail(where):
        raise ValueError(where)

    net.nextTick(fail, "tick")
    net.nextTick(log, "tick after")
    net.setImmediate(fail, "immediate")
    net.setImmediate(log, "immediate after")
    net.setTimeout(fail, 1, "timer")
    net.setTimeout(log, 1, "timer after")
    busy(3)
    for where in ("tick", "timer", "immediate"):
        with pytest.raises(ValueError, match=where) as caught:
            net.run()
        assert any(entry.name == "fail" for entry in caught.traceback)
    net.run()
    assert log == ["tick after", "timer after", "immediate after"]


def test_an_interval_that_raises_goes_on(log):
    def beat():
        log("beat")
        if len(log) == 3:
            net.clearInterval(timer)
        raise ValueError("beat")

    timer = net.setInterval(beat, 1)
    for _ in range(3):
        with pytest.raises(ValueError, match="beat"):
            net.run()
    net.run()
    assert len(log) == 3


def test_a_callback_may_be_a_coroutine_function(log):
    async def later(name):
        log(name, "begins")
        await net.sleep(2)
        log(name, "ends")

    net.setTimeout(later, 1, "timer")
    net.run()
    assert log == ["timer begins", "timer ends"]
    net.nextTick(later, "tick")
    net.setImmediate(later, "immediate")
    net.run()
    assert log[2:] == ["tick begins", "immediate begins", "tick ends", "immediate ends"]


def test_a_coroutine_callback_that_fails_leaves_run():
    async def fail():
        await net.sleep(1)
        raise ValueError("late")

    net.setImmediate(fail)
    with pytest.raises(ValueError, match="late"):
        net.run()


# --- coroutines -------------------------------------------------------------------------------------------------------


def test_run_answers_what_the_coroutine_returns():
    async def main():
        return await net.sleep(1, "slept")

    assert net.run(main()) == "slept"
    assert net.run(net.sleep(1, 5)) == 5


def test_run_raises_what_the_coroutine_raises():
    async def main():
        await net.sleep(1)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        net.run(main())


def test_run_returns_when_the_coroutine_is_done_whatever_else_is_there(log):
    timer = net.setTimeout(log, 60_000)

    async def main():
        await net.sleep(1)

    net.run(main())
    assert net.get_loop().alive
    timer.close()


@pytest.mark.parametrize("main", [5, "x", print, lambda: None])
def test_run_refuses_what_cannot_be_awaited(main):
    with pytest.raises(TypeError, match="run\\(\\) takes a coroutine"):
        net.run(main)


def test_a_coroutine_that_waits_for_nothing_is_told(log):
    async def main():
        try:
            await net.once(net.EventEmitter(), "never")
        finally:
            log("cleaned up")

    with pytest.raises(RuntimeError, match="nothing is left on the loop"):
        net.run(main())
    assert log == ["cleaned up"]


def test_when_a_callback_raises_the_coroutine_cleans_up_and_the_exception_leaves(log):
    def fail():
        raise ValueError("callback")

    async def main():
        net.setTimeout(fail, 1)
        try:
            await net.sleep(60_000)
        finally:
            log("cleaning up")
            await net.sleep(1)
            log("clean")

    with pytest.raises(ValueError, match="callback"):
        net.run(main())
    assert log == ["cleaning up", "clean"]


def test_coroutines_give_way_with_a_bare_yield(log):
    class Yield:
        def __await__(self):
            yield

    async def count(name):
        for step in range(3):
            log(name, step)
            await Yield()

    net.setImmediate(count, "a")
    net.setImmediate(count, "b")
    net.run()
    assert log == ["a 0", "b 0", "a 1", "b 1", "a 2", "b 2"]


def test_awaiting_something_foreign_is_an_error():
    class Foreign:
        def __await__(self):
            yield 42

    async def main():
        await Foreign()

    with pytest.raises(RuntimeError, match="cannot await 42"):
        net.run(main())


def test_many_may_wait_for_one_promise(log):
    promise = net.sleep(2, "value")

    async def wait(name):
        log(name, await promise)

    for name in "abc":
        net.setImmediate(wait, name)
    net.run()
    assert log == ["a value", "b value", "c value"]


# --- posting ----------------------------------------------------------------------------------------------------------


def test_a_posted_call_runs_on_the_loops_thread(log):
    loop = net.get_loop()
    loop.ref()

    def arrived(name):
        log(name, threading.current_thread() is threading.main_thread())
        loop.unref()

    poster = threading.Thread(target=loop.post, args=(arrived, "posted"))
    net.setImmediate(poster.start)
    net.run()
    poster.join()
    assert log == ["posted True"]


def test_a_call_posted_before_run_is_run_and_may_fail(log):
    def fail():
        raise ValueError("posted")

    net.get_loop().post(fail)
    net.get_loop().post(log, "after")
    with pytest.raises(ValueError, match="posted"):
        net.run()
    net.run()
    assert log == ["after"]
    with pytest.raises(TypeError):
        net.get_loop().post("not callable")


def test_ref_and_unref_are_counted():
    loop = net.get_loop()
    assert not loop.alive
    loop.ref().ref()
    assert loop.alive
    loop.unref()
    assert loop.alive
    loop.unref()
    assert not loop.alive
    loop.unref()
    assert not loop.alive


def test_a_closed_loop_forgets_all_and_the_next_use_makes_a_new_one(log):
    loop = net.get_loop()
    timer = net.setTimeout(log, 1, "timer")
    net.setImmediate(log, "immediate")
    net.nextTick(log, "tick")
    server = net.createServer()
    server.listen(0)
    server.on("close", lambda: log("closed"))
    loop.ref()
    loop.close()
    assert net.get_loop() is not loop
    net.run()
    with pytest.raises(RuntimeError, match="it was closed"):
        timer.refresh()
    with pytest.raises(RuntimeError, match="it was closed"):
        loop.close()
    assert log == ["closed"]


def test_listeners_that_raise_do_not_keep_a_loop_from_being_closed(log):
    for number in (1, 2):
        server = net.createServer()
        server.listen(0)
        server.on("close", lambda number=number: (log(number), 1 // 0))
    loop = net.get_loop()
    with pytest.raises(ZeroDivisionError):
        loop.close()
    assert sorted(log) == ["1", "2"]
    assert net.get_loop() is not loop
    net.setImmediate(log, 3)
    net.run()
    assert log[2:] == ["3"]


def test_a_running_loop_is_not_closed():
    def close():
        with pytest.raises(RuntimeError, match="running loop"):
            net.get_loop().close()

    net.setImmediate(close)
    net.run()


def test_a_loop_is_not_made_by_hand():
    with pytest.raises(TypeError, match="get_loop"):
        net.Loop()


# --- signals ----------------------------------------------------------------------------------------------------------

INTERRUPTED = """
import os, signal, sys, threading, time
import netcore as net
{before}
net.get_loop().ref()
net.setImmediate(lambda: print("ready", flush=True))
try:
    net.run({main})
except KeyboardInterrupt:
    print("interrupted", flush=True)
{after}
"""


def interrupt(before="", main="", after=""):
    program = INTERRUPTED.format(before=before, main=main, after=after)
    with Signalled(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05)  # so that it is likely to be waiting
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
        assert time.monotonic() - begin < 15
    return process.returncode, output


def test_control_c_ends_a_wait_at_once():
    assert interrupt() == (0, "interrupted\n")


def test_control_c_lets_the_coroutine_clean_up():
    before = """
async def main():
    try:
        await net.sleep(60_000)
    finally:
        await net.sleep(1)
        print("clean")
"""
    assert interrupt(before, "main()") == (0, "clean\ninterrupted\n")


def test_the_loop_works_after_control_c():
    after = """
net.get_loop().unref()
net.setTimeout(print, 1, "still works")
net.run()
"""
    assert interrupt(after=after) == (0, "interrupted\nstill works\n")


def test_a_signal_handler_runs_during_a_wait_and_the_wake_up_descriptor_is_put_back():
    before = """
signal.signal(signal.SIGINT, lambda *_: (print("handled"), net.get_loop().unref()))
"""
    after = "print(signal.set_wakeup_fd(-1))"
    assert interrupt(before, after=after) == (0, "handled\n-1\n")


def test_somebody_elses_wake_up_descriptor_stays_and_signals_are_seen_all_the_same():
    before = """
import socket
reader, writer = socket.socketpair()
writer.setblocking(False)
signal.set_wakeup_fd(writer.fileno())
"""
    after = "print(signal.set_wakeup_fd(-1) == writer.fileno(), reader.recv(1) == bytes([signal.SIGINT]))"
    assert interrupt(before, after=after) == (0, "interrupted\nTrue True\n")


def test_control_c_ends_a_loop_that_only_relays():
    before = """
import socket
server = net.createServer(lambda c: c.pipe(c))
server.listen(0)
port = server.address()["port"]
def pump():
    peer = socket.create_connection(("127.0.0.1", port))
    try:
        while True:
            peer.sendall(bytes(65536))
            peer.recv(262144)
    except OSError:
        pass
threading.Thread(target=pump, daemon=True).start()
"""
    assert interrupt(before) == (0, "interrupted\n")


# --- forks ------------------------------------------------------------------------------------------------------------


def in_child(fn):
    """Runs `fn` in a fork and answers what it returns, as text."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        text = "it did not return"
        try:
            text = str(fn())
        except BaseException as error:
            text = repr(error)
        finally:
            os.write(writer, text.encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return text


@not_on("win32")  # no fork
def test_a_forked_child_has_a_loop_of_its_own(log):
    parent = net.get_loop()
    timer = net.setTimeout(log, 1, "parent")

    def child():
        calls = Log()
        assert net.get_loop() is not parent
        net.setTimeout(calls, 1, "child")
        net.run()
        return calls

    assert in_child(child) == "['child']"
    net.run()
    assert log == ["parent"]
    assert timer.hasRef()


@not_on("win32")  # no fork
def test_what_a_child_inherited_says_so():
    timer = net.setTimeout(print, 60_000)

    def child():
        with pytest.raises(RuntimeError, match="before a fork"):
            timer.close()
        return "told"

    assert in_child(child) == "told"
    timer.close()


@not_on("win32")  # no fork
def test_a_fork_inside_a_callback_leaves_both_sides_working(log):
    seen = []

    def fork():
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            child["writer"] = writer
            return
        os.close(writer)
        with os.fdopen(reader) as pipe:
            seen.append(pipe.read())
        os.waitpid(pid, 0)

    child = {}
    net.setTimeout(fork, 1)
    net.setTimeout(log, 2, "after")
    busy(4)
    try:
        net.run()  # in the child this returns without the timer after it
    finally:
        if child:
            os.write(child["writer"], repr(list(log)).encode())
            os._exit(0)
    assert log == ["after"]
    assert seen == ["[]"]


@not_on("win32")  # no fork
def test_a_childs_end_does_not_disturb_the_parents_connections():
    got = []

    def connection(socket):
        def child():
            del socket_list[:]
            gc.collect()
            net.setTimeout(lambda: None, 1)
            net.run()
            return "done"

        socket_list = [socket, client, server]
        assert in_child(child) == "done"
        socket.write("after the fork")
        socket.end()
        server.close()

    server = net.createServer(connection)
    server.listen(0)
    client = net.connect(server.address()["port"], "127.0.0.1")
    client.on("data", got.append)
    net.run()
    assert got == [b"after the fork"]


# --- look-ups ---------------------------------------------------------------------------------------------------------


def look_up(*args):
    answers = []
    net.lookup(*args, lambda *answer: answers.append(answer))
    assert answers == []
    net.run()
    assert len(answers) == 1
    return answers[0]


def test_localhost_is_looked_up():
    error, address, family = look_up("localhost")
    assert error is None
    assert (address, family) in (("127.0.0.1", 4), ("::1", 6))


@pytest.mark.parametrize("family", [4, "IPv4"])
def test_a_family_can_be_asked_for(family):
    assert look_up("localhost", {"family": family}) == (None, "127.0.0.1", 4)
    if family == 4:
        assert look_up("localhost", 4) == (None, "127.0.0.1", 4)


def test_all_addresses_come_as_a_list():
    error, addresses = look_up("localhost", {"all": True, "order": "ipv4first"})
    assert error is None
    assert addresses[0] == {"address": "127.0.0.1", "family": 4}


@pytest.mark.parametrize(("literal", "family"), [("10.1.2.3", 4), ("::1", 6)])
def test_an_address_is_its_own_answer(literal, family):
    assert look_up(literal) == (None, literal, family)
    assert look_up(literal, {"all": True}) == (None, [{"address": literal, "family": family}])


def test_a_name_that_does_not_exist_is_an_error_with_nodes_fields():
    (error,) = look_up("does-not-exist.invalid")
    assert isinstance(error, OSError)
    assert error.code in ("ENOTFOUND", "EAI_AGAIN")
    assert error.syscall == "getaddrinfo"
    assert error.hostname == "does-not-exist.invalid"
    assert str(error) == f"getaddrinfo {error.code} does-not-exist.invalid"


@pytest.mark.parametrize("name", ["b\u00fccher.invalid", "\ud800", "x" * 300, "a..b", "." * 70 + "\u00fc"])
def test_odd_names_are_looked_up_without_an_exception(name):
    (error,) = look_up(name)
    assert error.syscall == "getaddrinfo"


@pytest.mark.parametrize(
    ("args", "cls", "code"),
    [
        ((5, print), TypeError, "ERR_INVALID_ARG_TYPE"),
        (("x\0y", print), ValueError, "ERR_INVALID_ARG_VALUE"),
        (("", print), ValueError, "ERR_INVALID_ARG_VALUE"),
        ((None, print), ValueError, "ERR_INVALID_ARG_VALUE"),
        (("localhost", None), TypeError, "ERR_INVALID_ARG_TYPE"),
        (("localhost", 5, print), ValueError, "ERR_INVALID_ARG_VALUE"),
        (("localhost", "x", print), TypeError, "ERR_INVALID_ARG_TYPE"),
        (("localhost", {"family": 5}, print), ValueError, "ERR_INVALID_ARG_VALUE"),
        (("localhost", {"family": "4"}, print), ValueError, "ERR_INVALID_ARG_VALUE"),
        (("localhost", {"hints": 1}, print), ValueError, "ERR_INVALID_ARG_VALUE"),
        (("localhost", {"hints": "x"}, print), TypeError, "ERR_INVALID_ARG_TYPE"),
        (("localhost", {"all": 1}, print), TypeError, "ERR_INVALID_ARG_TYPE"),
        (("localhost", {"verbatim": 1}, print), TypeError, "ERR_INVALID_ARG_TYPE"),
        (("localhost", {"order": "x"}, print), ValueError, "ERR_INVALID_ARG_VALUE"),
    ],
)
def test_wrong_arguments_of_lookup_are_refused(args, cls, code):
    with pytest.raises(cls) as caught:
        net.lookup(*args)
    assert caught.value.code == code


def test_hints_are_taken():
    from netcore._core import lookup

    hints = lookup.ADDRCONFIG | lookup.V4MAPPED | lookup.ALL
    error, *_ = look_up("localhost", {"hints": hints, "family": 4})
    assert error is None


def test_a_socket_knows_that_its_loop_has_closed_it():
    """In its listeners of 'close', in those of others, and when all is over."""
    seen = []

    def look(_=None):
        for socket in sockets:
            seen.append((socket.bytesRead, socket.writableLength, socket.localPort, socket.timeout)[1])

    async def connect():
        server = net.createServer(sockets.append).listen(0)
        client = net.connect(server.address()["port"], "127.0.0.1")
        sockets.extend([client, net.Socket().setTimeout(60_000)])
        await net.once(server, "connection")

    sockets = []
    net.run(connect())
    for socket in sockets:
        socket.on("close", look)
    net.get_loop().close()
    look()
    assert set(seen) == {0}
    assert [socket.destroyed for socket in sockets] == [True, True, True]
    assert [socket.readyState for socket in sockets] == ["closed"] * 3
    assert [socket.destroy() for socket in sockets] == sockets


def test_a_loop_that_is_being_closed_opens_nothing_more():
    """Who connects again whenever a connection has closed does not keep it from ending."""
    refused = []

    def connect():
        net.connect(port, "127.0.0.1").on("close", again).on("error", lambda error: None)

    def again(_):
        for open_one in (connect, lambda: net.createServer().listen(0), lambda: net.connect(path="nowhere")):
            with pytest.raises(RuntimeError, match="being closed"):
                open_one()
        refused.append(True)

    server = net.createServer(lambda socket: None).listen(0)
    port = server.address()["port"]
    connect()
    net.run(net.once(server, "connection"))
    net.get_loop().close()
    assert refused == [True]

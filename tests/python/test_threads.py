"""One loop a thread: what belongs to whom, and what may be called from elsewhere."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

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


@pytest.mark.parametrize("name", ["ref", "unref", "run"])
def test_the_methods_of_another_threads_loop_are_refused(worker, name):
    with pytest.raises(RuntimeError, match="another thread"):
        getattr(worker, name)()


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

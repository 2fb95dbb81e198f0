"""Coroutines on netcore's own loop.

A task steps its coroutine until that yields something with `add_done_callback` (a `Promise`, or whatever else is like a
future), and steps it again, as a microtask, when the callback has come. A bare `yield` gives way for one iteration of
the loop. Inside asyncio there are no tasks of ours: its own ones run the coroutines.
"""

cimport cython
from cpython.pythread cimport PyThread_get_thread_ident

from netcore._core.listener cimport set_scheduler
from netcore._core.loop cimport Loop, current_loop, refuse_nesting, set_spawner
from netcore._core.promise cimport Promise, running_asyncio_loop
from netcore._core.timers import setTimeout

cdef extern from "Python.h":
    bint PyCoro_CheckExact(object)


@cython.final
cdef class Task(Promise):
    """A coroutine that runs on netcore's own loop, and the promise of its result."""

    cdef int step(self) except -1:
        error = self.thrown
        self.thrown = None
        self.waits_for = None
        try:
            awaited = self.coroutine.send(None) if error is None else self.coroutine.throw(error)
        except StopIteration as stop:
            self.resolve(stop.value)
            return 0
        except BaseException as failure:
            return self.fail(failure)
        return self.wait_for(awaited)

    cdef int fail(self, object error) except -1:
        """A failure that nobody could hear of, and one that is to end the program, leaves run()."""
        if not self.unheard and not isinstance(error, (KeyboardInterrupt, SystemExit)):
            self.reject(error)
            return 0
        self.reject(error)
        raise error

    cdef int wait_for(self, object awaited) except -1:
        if awaited is None:
            self.loop.immediates_held += 1
            return self.loop.immediate_c(step_after_yield, self)
        try:
            register = awaited.add_done_callback
            if getattr(awaited, "_asyncio_future_blocking", False):
                awaited._asyncio_future_blocking = False
        except AttributeError:
            self.thrown = RuntimeError(f"a coroutine on netcore's loop cannot await {awaited!r}")
            return self.loop.microtask_c(step_task, self)
        self.waits_for = awaited
        register(self._wake)
        return 0

    def _wake(self, awaited):
        if self.loop.thread == PyThread_get_thread_ident():
            self.loop.microtask_c(step_task, self)
        else: # such as by an event of a socket that has moved
            self.loop.post(self._wake, awaited)

    def cancel(self, msg=None):
        """Throws `asyncio.CancelledError` into the coroutine where it waits. Answers whether it was still running."""
        from asyncio import CancelledError

        if self.done():
            return False
        if self.waits_for is not None and hasattr(self.waits_for, "cancel") and self.waits_for.cancel():
            return True
        self.thrown = CancelledError() if msg is None else CancelledError(msg)
        return True


cdef int step_task(object task) except -1:
    return (<Task>task).step()


cdef int step_after_yield(object task) except -1:
    (<Task>task).loop.immediates_held -= 1
    return (<Task>task).step()


cdef Task start_task(Loop loop, object coroutine, bint unheard):
    cdef Task task = Task.__new__(Task)
    task.loop = loop
    task.coroutine = coroutine
    task.unheard = unheard
    loop.microtask_c(step_task, task)
    return task


cdef int spawn(Loop loop, object coroutine) except -1:
    """Runs what a coroutine function answered that was called as a callback."""
    if loop.foreign is not None and loop.foreign is running_asyncio_loop():
        loop.host.spawn(coroutine)
    else:
        start_task(loop, coroutine, True)
    return 0


def start(coroutine):
    """Starts a coroutine on this thread's loop, or on the asyncio loop that is running. Answers a future of its result."""
    foreign = running_asyncio_loop()
    return start_task(current_loop(), coroutine, False) if foreign is None else foreign.create_task(coroutine)


def launch(coroutine):
    """Starts what a listener that is a coroutine function answered. Outside of asyncio: there, it is asyncio's task."""
    start_task(current_loop(), coroutine, True)


set_spawner(spawn)
set_scheduler(launch)


async def awaiting(awaitable):
    return await awaitable


def run(main=None):
    """Runs this thread's loop, as a program of Node's lives.

    Without an argument: until nothing that is ref'd remains. It may be called again. With a coroutine (or anything else
    that can be awaited): until that is done, whatever else remains on the loop, and answers its result; if it waits for
    something while nothing that is ref'd remains, that is a `RuntimeError`.

    An exception that a callback raises leaves `run()`, and the loop can go on with another call. Then `main` is
    cancelled first, and gets the time to clean up. Raises `RuntimeError` inside another `run()` and inside a running
    asyncio loop, where netcore's objects work by themselves.
    """
    cdef Loop loop = current_loop()
    cdef Task task
    if main is None:
        loop.check_thread()
        loop.run_until_stopped()
        return None
    if not PyCoro_CheckExact(main):
        if not hasattr(main, "__await__"):
            raise TypeError(f"run() takes a coroutine, not {main!r}")
        main = awaiting(main)
    try:
        refuse_nesting(loop)
    except RuntimeError:
        main.close()
        raise
    task = start_task(loop, main, False)
    try:
        run_task(loop, task)
    except BaseException:
        give_up(loop, task)
        raise
    if not task.done():
        raise give_up_waiting(loop, task)
    return task.result()


cdef int run_task(Loop loop, Task task) except -1:
    if not task.done():
        task.add_done_callback(lambda task: stop(loop))
        loop.run_until_stopped()
    return 0


cdef int stop(Loop loop) except -1:
    loop.stopped = True
    return 0


cdef int give_up(Loop loop, Task task) except -1:
    """An exception is on its way out of run(): the coroutine may clean up, but no longer decides anything."""
    if task.cancel():
        run_task(loop, task)
    if not task.done():
        task.coroutine.close()
    return 0


cdef object give_up_waiting(Loop loop, Task task):
    waits_for = task.waits_for
    give_up(loop, task)
    return RuntimeError(f"nothing is left on the loop that could end what the coroutine waits for: {waits_for!r}")


def sleep(ms, value=None):
    """A promise that is resolved with `value` after `ms` milliseconds. Cancelling it clears the timer."""
    cdef object promise = Promise()
    timeout = setTimeout(promise.resolve, ms, value)
    promise.on_cancel = timeout.close
    return promise

"""netcore's objects inside a running asyncio or uvloop loop.

Nothing is to be called: an object that is used while an asyncio loop runs on its thread attaches this thread's netcore
loop to it. The asyncio loop then watches the netcore loop's descriptor, calls it when its next deadline comes, and
gives it a turn soon after anything was written, started or scheduled outside of one. A turn never waits. An exception
that a callback raises goes to asyncio's exception handler, as with its own callbacks.

A netcore loop that has been used before, with `net.run()` or in another asyncio loop, moves with all it has.
"""

from __future__ import annotations

from netcore._core.loop import Loop, set_host_maker

# Neither asyncio nor typing is imported by a program that does not use them.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task, TimerHandle
    from collections.abc import Coroutine
    from typing import Any


class Waiter:
    """Waits in a thread of its own where the system has no descriptor that could be watched (Windows)."""

    def __init__(self, loop: Loop, foreign: AbstractEventLoop) -> None:
        from threading import Thread

        self.loop = loop
        self.foreign = foreign
        self.stopped: bool = False
        self.thread: Thread = Thread(target=self.run, name="netcore-wait", daemon=True)
        self.thread.start()

    def run(self) -> None:
        """Asks for a turn after each wait; a loop that was closed without a word is noticed within a second."""
        while not self.stopped and not self.foreign.is_closed():
            self.loop._wait(1000)
            try:
                self.foreign.call_soon_threadsafe(self.loop._turn)
            except RuntimeError:
                return  # it has been closed meanwhile

    def stop(self) -> None:
        self.stopped = True
        self.loop._wake()


class Host:
    """What runs a netcore loop as part of an asyncio one."""

    def __init__(self, loop: Loop, foreign: AbstractEventLoop, descriptor: int) -> None:
        self.loop = loop
        self.foreign = foreign
        self.descriptor = descriptor
        self.timer: TimerHandle | None = None
        self.tasks: set[Task[Any]] = set()
        self.waiter: Waiter | None = None
        if descriptor == -1:
            self.waiter = Waiter(loop, foreign)
        else:
            foreign.add_reader(descriptor, loop._turn)

    def soon(self) -> None:
        """Asks for a turn after the callback that is running."""
        self.foreign.call_soon(self.loop._turn)

    def later(self, ms: int) -> None:
        """Asks for a turn in `ms` milliseconds, in place of what was asked for before."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = self.foreign.call_later(ms / 1000, self.loop._deadline)

    def spawn(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Runs what a coroutine function returned that was called as a callback."""
        task = self.foreign.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task: Task[Any]) -> None:
        """Tells asyncio's exception handler of a callback that failed."""
        self.tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        context = {"message": "Unhandled exception in a coroutine callback", "exception": error, "task": task}
        self.foreign.call_exception_handler(context)

    def detach(self) -> None:
        """Leaves the asyncio loop, which may have been closed by now."""
        if self.timer is not None:
            self.timer.cancel()
        if self.waiter is not None:
            self.waiter.stop()
        elif not self.foreign.is_closed():
            self.foreign.remove_reader(self.descriptor)


set_host_maker(Host)

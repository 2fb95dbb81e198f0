"""A value that will be known later, for coroutines on any loop.

asyncio accepts an object that is not its own Future if that has the attribute `_asyncio_future_blocking` and the
methods of a future; uvloop does the same. What a coroutine that awaits a `Promise` yields is the promise itself, so a
plain runner needs no more than `add_done_callback`: it sends `None` into the coroutine once that callback came.

Inside asyncio, callbacks run on a later turn (a task must not be stepped from within another one). Elsewhere they run
at once, in the call that settles the promise.
"""

import sys

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

from netcore._core.errors cimport misuse
from netcore._core.shared cimport shared_object

cdef enum:
    PENDING
    RESOLVED
    REJECTED
    CANCELLED


# asyncio's own function, once somebody else has imported asyncio. It is held to the end of the process.
cdef shared_object _get_running_loop


cdef object running_asyncio_loop():
    global _get_running_loop
    cdef PyObject *found = _get_running_loop
    if found == NULL:
        function = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
        if function is None:
            return None
        Py_INCREF(function)
        found = _get_running_loop = <PyObject *>function
    return (<object>found)()


cdef object _cancelled_error():
    from asyncio import CancelledError

    return CancelledError


cdef class Promise:
    """An awaitable that is resolved or rejected once; what comes later is ignored.

    It has the methods of `asyncio.Future`, so `asyncio.wait_for`, `gather` and cancelling work on it.
    """

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        # Nothing is kept between steps, so that any number of coroutines may wait for the same promise.
        if self._state == PENDING:
            self._asyncio_future_blocking = True
            return self
        raise StopIteration(self.result())

    def resolve(self, value=None):
        """Makes `value` the result. Answers whether it was still open."""
        return bool(self._settle(RESOLVED, value))

    def reject(self, error):
        """Makes `error` the exception that awaiting the promise raises. Answers whether it was still open."""
        return bool(self._settle(REJECTED, error))

    def cancel(self, msg=None):
        """Gives up waiting: whoever awaits gets `asyncio.CancelledError`. Answers whether it was still open."""
        if self._state != PENDING:
            return False
        undo = self.on_cancel
        if not self._settle(CANCELLED, _cancelled_error()() if msg is None else _cancelled_error()(msg)):
            return False
        if undo is not None:
            undo()
        return True

    cdef int _settle(self, int state, object value) except -1:
        """Answers whether it was still open. It may be another thread that waits."""
        cdef bint was_open
        with cython.critical_section(self):
            was_open = self._state == PENDING
            if was_open:
                callbacks = self._callbacks
                loop = self._loop
                self._value = value
                self._state = state
                self._callbacks = None
                self.on_cancel = None
        if was_open and callbacks is not None:
            for callback, context in callbacks:
                self._tell(loop, callback, context)
        return was_open

    cdef int _tell(self, object loop, object callback, object context) except -1:
        if loop is None:
            callback(self)
        elif loop is running_asyncio_loop():
            loop.call_soon(callback, self, context=context)
        else: # such as by an event of a socket that has moved to another thread
            loop.call_soon_threadsafe(callback, self, context=context)
        return 0

    def done(self):
        """Whether it was resolved, rejected or cancelled."""
        return self._state != PENDING

    def cancelled(self):
        """Whether it was cancelled."""
        return self._state == CANCELLED

    def result(self):
        """What it was resolved with. Raises what it was rejected with; `ERR_INVALID_STATE` while it is open."""
        if self._state == RESOLVED:
            return self._value
        if self._state == PENDING:
            raise misuse("ERR_INVALID_STATE", "the promise is pending")
        raise self._value

    def exception(self):
        """What it was rejected with, or None. Raises if it was cancelled or is still open."""
        if self._state == REJECTED:
            return self._value
        self.result()
        return None

    def add_done_callback(self, callback, *, context=None):
        """Calls `callback(promise)` when it is settled: on a later turn in asyncio, else at once."""
        cdef bint is_open
        loop = running_asyncio_loop()
        with cython.critical_section(self):
            if self._loop is None:
                self._loop = loop
            loop = self._loop
            is_open = self._state == PENDING
            if is_open and self._callbacks is None:
                self._callbacks = []
            if is_open:
                self._callbacks.append((callback, context))
        if not is_open:
            self._tell(loop, callback, context)

    def remove_done_callback(self, callback):
        """Takes back all `add_done_callback(callback)`; answers how many."""
        removed = 0
        with cython.critical_section(self):
            if self._callbacks is not None:
                kept = [entry for entry in self._callbacks if entry[0] != callback]
                removed = len(self._callbacks) - len(kept)
                self._callbacks = kept
        return removed

    def get_loop(self):
        """The asyncio loop that the promise is awaited on."""
        loop = running_asyncio_loop()
        with cython.critical_section(self):
            if self._loop is None:
                self._loop = loop
            loop = self._loop
        if loop is None:
            raise RuntimeError("no running event loop")
        return loop

"""The loop: Node's life cycle on one thread's C reactor.

One iteration is one turn of the C loop, without the interpreter lock, and then everything that turn collected, in
Node's order: I/O events, immediates, close events, timers. After each call into user code the tick queue runs until it
is empty, and after it the microtasks (the steps of coroutines), until both are empty.

Nothing is lost when a callback raises: the exception leaves run(), and all that is still due stays where it was, as
bits on the C handles or in the queues, for the next run().
"""

import os
from _collections import deque
from _signal import set_wakeup_fd
from _thread import allocate_lock
from _weakrefset import WeakSet

cimport cython
from cpython.dict cimport PyDict_GetItem
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from cpython.pythread cimport PyThread_get_thread_ident
from libc.stdint cimport int64_t, uint64_t

from netcore._core.buffers cimport Buffers
from netcore._core.capi cimport nc_sink, nc_sink_of
from netcore._core.emitter cimport EventEmitter
from netcore._core.errors cimport errno_error
from netcore._core.nc cimport (
    NC_EVENT_CLOSED, NC_EVENT_LOOKUP, NC_EVENT_TIMER, NC_PHASE_CLOSE, NC_PHASE_IO, NC_PHASE_TIMERS, nc_event, nc_loop,
    nc_loop_alive, nc_loop_close_all, nc_loop_fd, nc_loop_flush, nc_loop_forget, nc_loop_free, nc_loop_lag, nc_loop_new,
    nc_loop_next, nc_loop_next_unpinned, nc_loop_now, nc_loop_timeout, nc_loop_turn, nc_loop_update_time, nc_loop_wait,
    nc_loop_wake, nc_loop_wake_fd, nc_phase, nc_socket_close, nc_timer_free, nc_timer_new, nc_timer_start, nc_timer_stop,
)

from netcore._core.promise cimport running_asyncio_loop

cdef extern from *:
    """
    #if PY_VERSION_HEX >= 0x030D0000
    #define nc_binding_is_finalizing() Py_IsFinalizing()
    #else
    #define nc_binding_is_finalizing() _Py_IsFinalizing()
    #endif
    """
    bint nc_binding_is_finalizing()

cdef extern from "Python.h":
    PyObject *PyThreadState_GetDict()
    bint PyCoro_CheckExact(object)
    bint PyTuple_CheckExact(object)
    PyObject *PyTuple_GET_ITEM(object, Py_ssize_t)

# As long as a C timer can wait; whoever keeps the loop alive with it starts it again.
cdef int64_t FOREVER_MS = 0x7FFFFFFF


# --- queues -----------------------------------------------------------------------------------------------------------

cdef int grow(TickQueue *queue) except -1:
    cdef size_t capacity = queue.capacity * 2 if queue.capacity else 16
    cdef size_t index
    cdef Tick *items = <Tick *>PyMem_Malloc(capacity * sizeof(Tick))
    if items == NULL:
        raise MemoryError()
    for index in range(queue.count):
        items[index] = queue.items[(queue.head + index) & (queue.capacity - 1)]
    PyMem_Free(queue.items)
    queue.items = items
    queue.head = 0
    queue.capacity = capacity
    return 0


cdef inline int push(TickQueue *queue, tick_fn fn, PyObject *target, PyObject *args) except -1:
    """Adds an entry, which from now on holds a reference to both objects."""
    cdef Tick *slot
    if queue.count == queue.capacity:
        grow(queue)
    slot = &queue.items[(queue.head + queue.count) & (queue.capacity - 1)]
    slot.fn = fn
    slot.target = target
    slot.args = args
    Py_INCREF(<object>target)
    if args != NULL:
        Py_INCREF(<object>args)
    queue.count += 1
    return 0


cdef inline Tick take(TickQueue *queue) noexcept:
    """Removes the oldest entry, whose references are then the caller's."""
    cdef Tick tick = queue.items[queue.head]
    queue.head = (queue.head + 1) & (queue.capacity - 1)
    queue.count -= 1
    return tick


cdef int put(TickQueue *queue, Tick *tick) except -1:
    """Adds an entry that was taken from a queue, with its references."""
    if queue.count == queue.capacity:
        grow(queue)
    queue.items[(queue.head + queue.count) & (queue.capacity - 1)] = tick[0]
    queue.count += 1
    return 0


cdef bint is_for(const Tick *tick, PyObject *target) noexcept:
    """Whether an entry is about `target`, alone or with more that goes with it."""
    if tick.target == target:
        return True
    found = <object>tick.target
    if isinstance(found, _Errand):
        return <PyObject *>(<_Errand>found).handle == target
    return PyTuple_CheckExact(found) and len(<tuple>found) > 0 and PyTuple_GET_ITEM(found, 0) == target


@cython.final
cdef class _Due:
    """An entry that has been taken out of a queue."""

    cdef tick_fn fn
    cdef object target
    cdef object args


cdef _Due due_of(Tick *tick):
    """The entry as an object, which has the entry's references."""
    cdef _Due due = _Due.__new__(_Due)
    due.fn = tick.fn
    due.target = <object>tick.target
    Py_DECREF(due.target)
    if tick.args != NULL:
        due.args = <object>tick.args
        Py_DECREF(due.args)
    return due


cdef int move_ticks(TickQueue *queue, PyObject *target, list to) except -1:
    """Moves what is due for `target`; all else stays in its order."""
    cdef size_t _left
    cdef Tick tick
    for _left in range(queue.count):
        tick = take(queue)
        if is_for(&tick, target):
            to.append(due_of(&tick))
        else:
            put(queue, &tick)
    return 0


cdef void clear_queue(TickQueue *queue) noexcept:
    cdef Tick tick
    while queue.count:
        tick = take(queue)
        Py_DECREF(<object>tick.target)
        Py_XDECREF(tick.args)


cdef void free_queue(TickQueue *queue) noexcept:
    clear_queue(queue)
    PyMem_Free(queue.items)
    queue.items = NULL
    queue.capacity = 0


cdef int call_tick(Loop loop, Tick *tick) except -1:
    """Runs one entry and gives back its references, also when it raises."""
    cdef object target = <object>tick.target
    cdef tuple args = None
    Py_DECREF(target)
    if tick.fn != NULL:
        return tick.fn(target)
    if tick.args != NULL:
        args = <tuple>tick.args
        Py_DECREF(args)
    return call_user(loop, target, args)


cdef int call_user(Loop loop, object callback, tuple args) except -1:
    result = callback(*args) if args else callback()
    if PyCoro_CheckExact(result):
        spawner(loop, result)
    return 0


# --- the loop ---------------------------------------------------------------------------------------------------------

# Not cleared by the garbage collector, because its end needs its parts.
@cython.no_gc_clear
@cython.final
cdef class Loop:
    """One thread's event loop. Do not make one: `get_loop()` answers the calling thread's, and everything in netcore
    finds it by itself. Only `post()`, `wake()` and `adopt()` may be called from another thread."""

    def __cinit__(self):
        cdef int status = nc_loop_new(&self.c)
        if status != 0:
            raise errno_error(status, "loop")
        self.thread = PyThread_get_thread_ident()
        self.buffers = Buffers.__new__(Buffers)
        self.buffers.c = self.c
        self._posted = deque()
        with _loops_lock:
            _loops.add(self)

    def __init__(self):
        raise TypeError("a thread has one loop, made on first use: netcore.get_loop() answers it")

    def __dealloc__(self):
        free_queue(&self.ticks)
        free_queue(&self.microtasks)
        free_queue(&self.immediates)
        if self.c == NULL:
            return
        nc_timer_free(self.keeper)
        if self.thread != 0:
            nc_loop_close_all(self.c)
        unpin_all(self.c)
        self.buffers.close()
        nc_loop_free(self.c)

    cdef int check_thread(self) except -1:
        if self.thread == PyThread_get_thread_ident():
            return 0
        if self.thread == 0:
            raise RuntimeError("this object's loop ended: it was closed, its thread is over, or it was made before a fork")
        raise RuntimeError("this object belongs to another thread's loop; use loop.post() to call from here")

    cdef int check_opening(self) except -1:
        self.check_thread()
        if self.ending:
            raise RuntimeError("this thread's loop is being closed")
        return 0

    cdef int check_caller(self) except -1:
        return 0 if self.thread == 0 else self.check_thread()

    cdef int touch(self) except -1:
        if self.in_turn:
            return 0
        return ask_host(self)

    # What to do, and when.

    cdef int tick0(self, object fn) except -1:
        push(&self.ticks, NULL, <PyObject *>fn, NULL)
        return self.touch()

    cdef int tick(self, object fn, tuple args) except -1:
        push(&self.ticks, NULL, <PyObject *>fn, <PyObject *>args if args else NULL)
        return self.touch()

    cdef int tick_c(self, tick_fn fn, object arg) except -1:
        push(&self.ticks, fn, <PyObject *>arg, NULL)
        return self.touch()

    cdef int microtask(self, object fn, tuple args) except -1:
        push(&self.microtasks, NULL, <PyObject *>fn, <PyObject *>args if args else NULL)
        return self.touch()

    cdef int microtask_c(self, tick_fn fn, object arg) except -1:
        push(&self.microtasks, fn, <PyObject *>arg, NULL)
        return self.touch()

    cdef int immediate_c(self, tick_fn fn, object arg) except -1:
        push(&self.immediates, fn, <PyObject *>arg, NULL)
        return self.touch()

    def post(self, fn, *args):
        """Has `fn(*args)` called soon on the loop's own thread. Thread-safe.

        A posted call does not by itself keep a loop alive that has nothing else to do: see `ref()`."""
        if not callable(fn):
            raise TypeError("fn must be callable")
        self._posted.append((fn, args))
        self.wake()

    def wake(self):
        """Ends the loop's present wait, or else its next one. Thread-safe."""
        if self.thread != 0:
            nc_loop_wake(self.c)

    def adopt(self, Handle handle not None, callback=None):
        """Moves a connected socket from the calling thread's loop to this one, and answers the socket.

        It is this loop's at once, with all its listeners: the calling thread may not touch it any more, and this loop's
        may. Events go on when this loop has its next turn; `callback(socket)` is called before them, on this loop's
        thread. A loop that ends before closes the socket. No byte is lost.

        Listeners of the socket may do it: what they interrupt goes on there, and so do the listeners after them. But a
        socket stays while what runs cannot go on elsewhere: its listeners of 'end', 'prefinish', 'finish', 'newListener'
        and 'removeListener', its `onread` callback, and listeners that `pipe()` or `unpipe()` calls; while there is a
        pipe between it and another socket; and while a coroutine iterates over it. That, and a socket that is not the
        calling thread's, or not connected, is a `RuntimeError`. `OSError` (`EBUSY`): bytes that were written wait to be
        sent, or an error waits to be told."""
        cdef Loop old = handle.loop_of()
        cdef Luggage luggage
        old.check_thread()
        if self.thread == 0:
            raise RuntimeError("this loop's thread is over")
        if old is self:
            if callback is not None:
                self.post(callback, handle)
            return handle
        luggage = handle.leave()
        move_ticks(&old.ticks, <PyObject *>handle, luggage.due)
        move_ticks(&old.microtasks, <PyObject *>handle, luggage.due)
        old.touch()
        handle._loop = self # from here on it is the other thread's
        self.post(arrive, handle, callback)
        return handle

    def ref(self):
        """Keeps the loop alive until `unref()` is called as often: for a thread that waits for `post()`."""
        self.check_thread()
        if self.keeper == NULL:
            check_status(nc_timer_new(self.c, NULL, &self.keeper))
        if self.holds == 0:
            check_status(nc_timer_start(self.keeper, FOREVER_MS))
        self.holds += 1
        return self

    def unref(self):
        """Undoes one `ref()`."""
        self.check_thread()
        if self.holds == 0:
            return self
        self.holds -= 1
        if self.holds == 0:
            nc_timer_stop(self.keeper)
        return self

    def now(self):
        """The loop's clock in milliseconds, taken once a turn. Its zero means nothing."""
        self.check_caller()
        return nc_loop_now(self.c)

    @property
    def alive(self):
        """Whether `run()` would find anything that is ref'd."""
        self.check_thread()
        return self.is_alive()

    @property
    def running(self):
        """Whether the loop is running, by `run()` or as part of another loop."""
        self.check_caller()
        return self.in_turn

    def run(self):
        """Runs until nothing that is ref'd remains, and may be called again. An exception of a callback leaves it; what
        was due is then done by the next call."""
        self.check_thread()
        self.run_until_stopped()

    def close(self):
        """Ends the loop: its sockets and servers are closed and hear of it, its timers and all else are forgotten. The
        end of a thread does the same. The next use of netcore on this thread makes a new loop. `RuntimeError` from
        inside a callback."""
        self.check_thread()
        if self.in_turn:
            raise RuntimeError("a running loop cannot be closed")
        self.abandon()

    # The turn.

    cdef bint has_work_now(self) noexcept:
        return self.immediates.count or self.ticks.count or self.microtasks.count or len(self._posted)

    cdef bint is_alive(self) noexcept:
        if self.thread == 0:
            return False
        return (self.immediates_held or self.ticks.count or self.microtasks.count or len(self._posted)
                or nc_loop_alive(self.c))

    cdef int run_ticks(self) except -1:
        cdef Tick tick
        while self.ticks.count or self.microtasks.count:
            while self.ticks.count:
                tick = take(&self.ticks)
                call_tick(self, &tick)
            while self.microtasks.count:
                tick = take(&self.microtasks)
                call_tick(self, &tick)
        return 0

    cdef int drain(self, nc_phase phase) except -1:
        cdef nc_event event
        while self.thread != 0 and nc_loop_next(self.c, phase, &event):
            self.dispatched += 1
            self.dispatch(&event)
            if self.ticks.count or self.microtasks.count:
                self.run_ticks()
        return 0

    cdef int dispatch(self, nc_event *event) except -1:
        # The locals hold a reference while the handler runs: it may give back the last other one.
        cdef Handle handle
        cdef Source source
        cdef nc_sink *sink = nc_sink_of(event.owner)
        if sink != NULL:
            return self.tell(sink, event)
        if event.owner == NULL:
            return self.keep_waiting()
        if event.type == NC_EVENT_TIMER or event.type == NC_EVENT_LOOKUP:
            source = <Source>event.owner
            return source.on_event(event)
        handle = <Handle>event.owner
        return handle.on_event(event)

    cdef int tell(self, nc_sink *sink, nc_event *event) except -1:
        """Hands an event to the embedder whose handle it is of. A large buffer of ours that the bytes came in is kept
        until then, and is ours again."""
        cdef bytes _kept = self.buffers.chunk_of(event) if event.token != NULL else None
        return sink.on_event(sink, event)

    cdef int keep_waiting(self) except -1:
        return check_status(nc_timer_start(self.keeper, FOREVER_MS)) if self.holds else 0

    cdef int run_immediates(self) except -1:
        """Runs the immediates that were there at the start of the phase. What was written before them is sent first,
        and its events are told, because Node's writes would have been made by now."""
        cdef size_t count = self.immediates.count
        cdef Tick tick
        if count == 0:
            return 0
        with nogil:
            nc_loop_flush(self.c)
        self.drain(NC_PHASE_IO)
        while count and self.immediates.count:
            count -= 1
            tick = take(&self.immediates)
            call_tick(self, &tick)
            self.run_ticks()
        return 0

    cdef int run_posted(self) except -1:
        cdef Py_ssize_t count = len(self._posted)
        while count and self._posted:
            count -= 1
            fn, args = self._posted.popleft()
            call_user(self, fn, args)
            self.run_ticks()
        return 0

    cdef int run_due_timers(self) except -1:
        """Runs what is due by now. The loop's clock stands still meanwhile, so that a slow callback does not make timers
        of a later time part of this phase: Node runs its immediates and its I/O before them."""
        cdef nc_event event
        nc_loop_update_time(self.c)
        while self.thread != 0 and nc_loop_next(self.c, NC_PHASE_TIMERS, &event):
            self.in_timers = True
            self.dispatch(&event)
            self.run_ticks()
        self.in_timers = False
        return 0

    cdef int64_t start_clock(self) except -1:
        """Brings the clock from which a new timer counts up to date: the milliseconds to be added to its delay."""
        if self.in_timers:
            return <int64_t>nc_loop_lag(self.c)
        nc_loop_update_time(self.c)
        return 0

    cdef int iterate(self, int64_t max_wait) except -1:
        self.buffers.top_up()
        with nogil:
            nc_loop_turn(self.c, max_wait)
        PyErr_CheckSignals()
        if self._posted:
            self.run_posted()
        self.drain(NC_PHASE_IO)
        self.run_immediates()
        self.drain(NC_PHASE_CLOSE)
        self.run_due_timers()
        unpin_all(self.c)
        return 0

    cdef int run_until_stopped(self) except -1:
        cdef int64_t max_wait = -1
        cdef bint alive
        refuse_nesting(self)
        self.leave_closed_host()
        self.watching = watch_signals(self.c, &max_wait)
        self.in_turn = True
        self.stopped = False
        try:
            self.run_ticks()
            # Before the timers, as in Node: immediates that keep nothing alive run after the last timer that was due.
            alive = self.is_alive()
            self.run_due_timers()
            while alive and not self.stopped:
                self.iterate(0 if self.has_work_now() else max_wait)
                alive = self.is_alive()
        finally:
            self.in_turn = False
            self.in_timers = False
            self.unwatch_signals()
        return 0

    cdef int unwatch_signals(self) except -1:
        if self.watching:
            self.watching = False
            set_wakeup_fd(-1)
        return 0

    # As part of another loop: see netcore.aio.

    def _turn(self):
        """Does all there is to do without waiting: what the host calls when the loop's descriptor is readable, its
        deadline has come, or a turn was asked for."""
        cdef int rounds = HOSTED_ROUNDS
        self.turn_scheduled = False
        if self.in_turn or self.thread == 0:
            return
        self.in_turn = True
        try:
            self.run_ticks()
            while rounds:
                rounds -= 1
                self.dispatched = 0
                self.iterate(0)
                if not self.is_due() and self.dispatched < BUSY_EVENTS:
                    break
        finally:
            self.in_turn = False
            self.in_timers = False
            self.rearm()

    def _wait(self, int64_t ms):
        """Waits until a turn would find something, in a thread beside the loop's own: for hosts without a descriptor."""
        with nogil:
            nc_loop_wait(self.c, ms)

    def _wake(self):
        """Ends a `_wait()`."""
        nc_loop_wake(self.c)

    def _deadline(self):
        """The host's timer for this loop has fired."""
        self.armed_until = 0
        self._turn()

    cdef int leave_closed_host(self) except -1:
        if self.host is not None and self.foreign.is_closed():
            self.host = self.foreign = None
        return 0

    cdef bint is_due(self) except -1:
        """Sends what was written; whether there is something to do now that the descriptor does not tell of."""
        if self.thread == 0:
            return False
        with nogil:
            nc_loop_flush(self.c)
        return self.has_work_now() or nc_loop_timeout(self.c) == 0

    cdef int rearm(self) except -1:
        """Asks the host for the next turn, as far as the descriptor alone does not bring it."""
        cdef int64_t wait
        cdef uint64_t until
        if self.thread == 0 or self.host is None:
            return 0
        wait = 0 if self.has_work_now() else nc_loop_timeout(self.c)
        if wait == 0:
            return self.ask_for_turn()
        if wait < 0:
            return 0
        until = nc_loop_now(self.c) + <uint64_t>wait
        if self.armed_until == 0 or until < self.armed_until:
            self.armed_until = until
            self.host.later(wait)
        return 0

    cdef int ask_for_turn(self) except -1:
        if not self.turn_scheduled:
            self.turn_scheduled = True
            self.host.soon()
        return 0

    cdef int attach(self, object foreign) except -1:
        """From now on this loop's turns are run by `foreign`, the loop that is running on this thread."""
        if self.host is not None:
            self.host.detach()
        self.turn_scheduled = False
        self.armed_until = 0
        self.host = None
        self.foreign = foreign
        self.host = _make_host(self, foreign, nc_loop_fd(self.c))
        return 0

    # The end.

    cdef int abandon(self) except -1:
        """What is open is closed and hears of it, what was to be called later is not. Of what listeners raise, the first
        exception is raised when all is over."""
        cdef object failure = None
        self.in_turn = self.ending = True
        if self.host is not None:
            self.host.detach()
            self.host = self.foreign = None
        try:
            self.receive()
        except BaseException as error:
            failure = error
        self.drop_all()
        nc_loop_close_all(self.c)
        while nc_loop_alive(self.c):
            nc_loop_turn(self.c, 0)
            try:
                self.drain(NC_PHASE_IO)
                self.drain(NC_PHASE_CLOSE)
                if self._posted:
                    self.receive()
            except BaseException as error:
                if failure is None:
                    failure = error
            nc_loop_close_all(self.c) # what has come since, such as the last connections of a server
            unpin_all(self.c)
        self.drop_all()
        self.thread = 0
        if failure is not None:
            raise failure
        return 0

    cdef int receive(self) except -1:
        """Takes in the sockets that are on their way to this loop, which ends: they are closed with the others."""
        while self._posted:
            fn, args = self._posted.popleft()
            if fn is arrive and (<Handle>args[0])._loop is self:
                (<Handle>args[0]).arrive()
        return 0

    cdef void forget(self) noexcept:
        """In the child of a fork: leaves the parent's connections alone."""
        self.thread = 0
        nc_loop_forget(self.c)
        self.drop_all()

    cdef void drop_all(self) noexcept:
        clear_queue(&self.ticks)
        clear_queue(&self.microtasks)
        clear_queue(&self.immediates)
        self.immediates_held = 0
        self._posted.clear()
        while self.sources != NULL:
            (<Source>self.sources).drop()
        if self.keeper != NULL:
            nc_timer_stop(self.keeper)
            self.holds = 0


cdef int check_status(int status) except -1:
    if status != 0:
        raise errno_error(status, "loop")
    return 0


cdef void unpin_all(nc_loop *c) noexcept:
    """Gives back the objects whose bytes have been sent."""
    cdef void *pin = nc_loop_next_unpinned(c)
    while pin != NULL:
        Py_DECREF(<object>pin)
        pin = nc_loop_next_unpinned(c)


# --- hosting ----------------------------------------------------------------------------------------------------------

# So many turns are made at most before the host's other work has its turn again.
cdef int HOSTED_ROUNDS = 16
# A turn with fewer events than this was not busy: what comes next can wait for the host's own poll, because one more of
# ours would find nothing.
cdef unsigned BUSY_EVENTS = 4
cdef object _make_host = None


def set_host_maker(maker):
    """`maker(loop, foreign, fd)` answers the object that runs `loop` as part of `foreign`: see netcore.aio."""
    global _make_host
    _make_host = maker


cdef int ask_host(Loop loop) except -1:
    foreign = running_asyncio_loop()
    if foreign is None:
        return 0
    if foreign is not loop.foreign:
        loop.attach(foreign)
    return loop.ask_for_turn()


cdef int refuse_nesting(Loop loop) except -1:
    if loop.in_turn:
        raise RuntimeError("this thread's loop is already running")
    if running_asyncio_loop() is not None:
        raise RuntimeError("run() cannot be called inside a running asyncio loop, where netcore's objects work by themselves")
    return 0


# --- signals ----------------------------------------------------------------------------------------------------------

# How long a wait may last where a signal could come unnoticed: just before a wait, with somebody else's wake-up
# descriptor in place, or with a port that has none.
cdef int64_t WATCHFUL_MS = 500


cdef bint watch_signals(nc_loop *c, int64_t *max_wait) except -1:
    """On the main thread, has signals end the loop's waits. True if set_wakeup_fd() is to be undone."""
    try:
        previous = set_wakeup_fd(nc_loop_wake_fd(c), warn_on_full_buffer=False)
    except ValueError:
        return False
    if previous == -1 and nc_loop_wake_fd(c) != -1:
        return True
    max_wait[0] = WATCHFUL_MS
    set_wakeup_fd(previous)
    return False


# --- threads and forks ------------------------------------------------------------------------------------------------

cdef object _loops = WeakSet()
cdef object _loops_lock = allocate_lock()
cdef object _key = object()


@cython.no_gc
cdef class ThreadSlot:
    """Holds a thread's loop in the thread's own dictionary, and so learns of the thread's end."""
    cdef Loop loop

    def __dealloc__(self):
        if nc_binding_is_finalizing() or self.loop is None:
            return
        if self.loop.thread == PyThread_get_thread_ident():
            self.loop.abandon()
        elif self.loop.thread != 0: # a thread that a fork did not copy
            self.loop.forget()


cdef Loop current_loop():
    cdef dict state = <dict>PyThreadState_GetDict() # borrowed
    cdef PyObject *found = PyDict_GetItem(state, _key)
    cdef ThreadSlot slot
    if found != NULL:
        slot = <ThreadSlot>found
        if slot.loop.thread != 0:
            return slot.loop
    slot = ThreadSlot.__new__(ThreadSlot)
    slot.loop = Loop.__new__(Loop)
    state[_key] = slot
    return slot.loop


def get_loop():
    """The calling thread's loop, made on first use."""
    return current_loop()


def _forget_loops():
    cdef Loop loop
    _loops_lock.release()
    for loop in list(_loops):
        if loop.thread != 0:
            loop.unwatch_signals()
            loop.forget()


if hasattr(os, "register_at_fork"): # Windows has no fork
    # Nobody is within the set while its memory is copied.
    os.register_at_fork(
        before=_loops_lock.acquire, after_in_parent=_loops_lock.release, after_in_child=_forget_loops
    )


# --- what events are for ----------------------------------------------------------------------------------------------

cdef class Source:
    """What a C timer or lookup belongs to."""

    cdef int on_event(self, nc_event *event) except -1:
        return 0

    cdef void drop(self) noexcept:
        self.delist()

    cdef void enlist(self) noexcept:
        if self.listed:
            return
        Py_INCREF(self)
        self.listed = True
        self.previous = NULL
        self.following = self.loop.sources
        if self.following != NULL:
            (<Source>self.following).previous = <PyObject *>self
        self.loop.sources = <PyObject *>self

    cdef void delist(self) noexcept:
        if not self.listed:
            return
        self.listed = False
        if self.previous == NULL:
            self.loop.sources = self.following
        else:
            (<Source>self.previous).following = self.following
        if self.following != NULL:
            (<Source>self.following).previous = self.previous
        Py_DECREF(self)


cdef class Handle(EventEmitter):
    """What a C stream or server belongs to: an emitter that the loop keeps alive while its C handle is open."""

    cdef Loop loop_of(self):
        if self._loop is None:
            self._loop = current_loop()
        return self._loop

    cdef int on_event(self, nc_event *event) except -1:
        if event.type == NC_EVENT_CLOSED:
            self.close_reference()
        return 0

    cdef int check_caller(self) except -1:
        return 0 if self._loop is None else self._loop.check_caller()

    cdef object elsewhere(self):
        cdef Loop loop = self._loop
        if loop is None or loop.thread == 0 or loop.thread == PyThread_get_thread_ident():
            return None
        return loop

    cdef Luggage leave(self):
        raise TypeError("only a connected socket can move to another loop")

    cdef int arrive(self) except -1:
        return 0

    cdef void open_reference(self) noexcept:
        Py_INCREF(self)

    cdef void close_reference(self) noexcept:
        Py_DECREF(self)


cdef class _Errand:
    pass


@cython.final
cdef class Luggage:
    def __cinit__(self):
        self.descriptor = -1
        self.due = []

    def __dealloc__(self):
        if self.descriptor != -1: # the loop that it was meant for ended before
            nc_socket_close(self.descriptor)

    cdef int unpack(self, Loop loop) except -1:
        """Has `loop` do what was due."""
        cdef _Due due
        for due in self.due:
            push(&loop.ticks, due.fn, <PyObject *>due.target, NULL if due.args is None else <PyObject *>due.args)
        return loop.touch()


def arrive(Handle handle, callback):
    if handle._loop is not current_loop():
        return None # somebody was quicker, and has sent it on
    handle.arrive()
    return None if callback is None else callback(handle)


cdef spawn_fn spawner = NULL


cdef void set_spawner(spawn_fn spawn) noexcept:
    global spawner
    spawner = spawn

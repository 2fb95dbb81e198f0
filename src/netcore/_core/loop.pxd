from cpython.object cimport PyObject
from libc.stdint cimport int64_t, intptr_t, uint64_t

from netcore._core.buffers cimport Buffers
from netcore._core.capi cimport nc_sink
from netcore._core.emitter cimport EventEmitter
from netcore._core.nc cimport nc_event, nc_loop, nc_phase, nc_timer
from netcore._core.shared cimport shared_ulong

# What an internal tick runs: cheaper than a Python callable, and it needs no argument tuple.
ctypedef int (*tick_fn)(object) except -1


cdef struct Tick:
    tick_fn fn      # NULL: call `target(*args)`
    PyObject *target
    PyObject *args  # a tuple or NULL


cdef struct TickQueue:
    Tick *items
    size_t head
    size_t count
    size_t capacity # a power of two, or 0 before the first push


cdef class Loop:
    cdef nc_loop *c
    cdef Buffers buffers      # of large receives: `loop.buffers.chunk_of(event)` is the chunk of a DATA event
    cdef shared_ulong thread  # of the owner; 0 when the thread is over or a fork has left the loop behind
    cdef bint in_turn         # inside run() or a hosted turn, so nobody needs to ask for one
    cdef bint watching        # signals write to the wake-up descriptor
    cdef bint ending          # everything is being closed, for good: nothing is opened any more
    cdef bint stopped         # run() is to return after this iteration
    cdef bint in_timers       # whether their phase is running, in which the clock stands still
    cdef unsigned dispatched  # events handed out, since a hosted turn last looked
    cdef TickQueue ticks
    cdef TickQueue microtasks
    cdef TickQueue immediates
    cdef size_t immediates_held # those of the immediates that keep the loop alive
    cdef PyObject *sources      # the timers and look-ups under way, linked
    cdef size_t holds           # ref() calls not yet undone
    cdef nc_timer *keeper       # keeps a held loop alive
    cdef object _posted         # (fn, args) from any thread
    cdef object host            # what runs this loop inside another one, or None
    cdef object foreign         # that other loop
    cdef bint turn_scheduled    # the host has been asked for a turn
    cdef uint64_t armed_until   # the host's timer fires then, by the loop's clock; 0: it is not armed
    cdef object __weakref__

    # Raises RuntimeError unless the calling thread is the loop's.
    cdef int check_thread(self) except -1
    # The same before something is opened, which is refused while the loop is being closed.
    cdef int check_opening(self) except -1
    # The same as the first, but after the loop's end anybody may ask.
    cdef int check_caller(self) except -1
    # To be called after any operation that gives the C loop work: inside another loop it asks for a turn. What is
    # queued by the methods below asks by itself.
    cdef int touch(self) except -1

    # process.nextTick: the tick queue runs to its end after each callback. `tick_c` calls fn(arg).
    cdef int tick0(self, object fn) except -1
    cdef int tick(self, object fn, tuple args) except -1
    cdef int tick_c(self, tick_fn fn, object arg) except -1
    # Microtasks run whenever the tick queue is empty: the steps of coroutines.
    cdef int microtask(self, object fn, tuple args) except -1
    cdef int microtask_c(self, tick_fn fn, object arg) except -1
    # setImmediate: after the I/O of this turn. The caller counts `immediates_held`.
    cdef int immediate_c(self, tick_fn fn, object arg) except -1

    cdef bint has_work_now(self) noexcept
    cdef bint is_alive(self) noexcept
    cdef int run_ticks(self) except -1
    cdef int drain(self, nc_phase phase) except -1
    cdef int dispatch(self, nc_event *event) except -1
    cdef int tell(self, nc_sink *sink, nc_event *event) except -1
    cdef int keep_waiting(self) except -1
    cdef int run_immediates(self) except -1
    cdef int run_posted(self) except -1
    cdef int run_due_timers(self) except -1
    cdef int64_t start_clock(self) except -1
    cdef int iterate(self, int64_t max_wait) except -1
    cdef int run_until_stopped(self) except -1
    cdef bint is_due(self) except -1
    cdef int leave_closed_host(self) except -1
    cdef int rearm(self) except -1
    cdef int ask_for_turn(self) except -1
    cdef int attach(self, object foreign) except -1
    cdef int unwatch_signals(self) except -1
    cdef int abandon(self) except -1
    cdef void forget(self) noexcept
    cdef int receive(self) except -1
    cdef void drop_all(self) noexcept


# This thread's loop, made on first use.
cdef Loop current_loop()

# Calls a callback of the user's, with `args` or (None) without. A coroutine that it answers is run by the loop or its
# host; a failure of that leaves run() as if the callback had raised it.
cdef int call_user(Loop loop, object callback, tuple args) except -1

# How such a coroutine is run: the module `task` knows.
ctypedef int (*spawn_fn)(Loop loop, object coroutine) except -1
cdef void set_spawner(spawn_fn spawn) noexcept

# Raises RuntimeError where run() cannot be called: inside itself and inside a running asyncio loop.
cdef int refuse_nesting(Loop loop) except -1


# What the owner pointer of a C timer or lookup points at. While something is under way, it is in its loop's list, which
# keeps it alive.
cdef class Source:
    cdef Loop loop
    cdef PyObject *previous
    cdef PyObject *following
    cdef bint listed
    cdef int on_event(self, nc_event *event) except -1
    cdef void enlist(self) noexcept
    cdef void delist(self) noexcept
    # Gives up what is under way: the loop is at its end.
    cdef void drop(self) noexcept


# What the owner pointer of a C stream or server points at. The C handle holds one reference to its owner, from
# open_reference() until the CLOSED event, in which on_event() must call close_reference().
cdef class Handle(EventEmitter):
    cdef readonly Loop _loop # None until loop_of() is first asked
    cdef Loop loop_of(self)
    cdef int on_event(self, nc_event *event) except -1
    # Moving to another thread's loop (Loop.adopt()). leave() runs on the old loop's thread: it takes the descriptor out
    # of the C stream, which is then closed. arrive() runs on the new loop's thread, with `_loop` set already: when the
    # loop comes to it, or before that at the first call of any method. It does nothing the second time.
    cdef Luggage leave(self)
    cdef int arrive(self) except -1
    cdef void open_reference(self) noexcept
    cdef void close_reference(self) noexcept


# What a tick of a handle is called with if it needs more than the handle.
cdef class _Errand:
    cdef Handle handle


# What a socket takes along from one loop to the next: its descriptor, and what was due for it.
cdef class Luggage:
    cdef intptr_t descriptor
    cdef list due # entries of the tick queue, as objects: a collection of garbage has to see whom they refer to
    cdef int unpack(self, Loop loop) except -1

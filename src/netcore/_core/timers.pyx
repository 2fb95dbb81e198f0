"""Timers, immediates and ticks, as Node has them: `setTimeout` and its kin.

They belong to the loop of the thread that calls them. Delays are in milliseconds. A coroutine function is a fine
callback: what it returns is run, and a failure of it leaves run() as one of a plain callback does.
"""

cimport cython
from libc.stdint cimport uint64_t

import math
import warnings
from _thread import allocate_lock
from itertools import count

from netcore._core.abort import set_timer
from netcore._core.errors cimport errno_error, invalid_arg_type
from netcore._core.loop cimport Loop, Source, call_user, current_loop
from netcore._core.nc cimport (
    nc_event, nc_timer_free, nc_timer_has_ref, nc_timer_new, nc_timer_ref, nc_timer_start, nc_timer_stop, nc_timer_unref,
)

cdef enum:
    DELAY_MAX = 0x7FFFFFFF

# Timers that somebody asked for a number of, by that number, for as long as they are armed.
cdef dict _numbered = {}
cdef object _numbers = count(1)
cdef object _numbers_lock = allocate_lock()


cdef int check_callback(object callback) except -1:
    if not callable(callback):
        raise invalid_arg_type("callback", "function", callback)
    return 0


cdef uint64_t delay_of(object delay) except? 0:
    """The whole milliseconds that Node would wait: 1 for what is no number, is less than 1 or does not fit 31 bits."""
    cdef double ms
    if type(delay) is int and 1 <= delay <= DELAY_MAX:
        return delay
    if delay is None:
        return 1
    try:
        ms = float(delay)
    except (TypeError, ValueError):
        ms = math.nan
    except OverflowError:
        ms = math.inf if delay > 0 else -math.inf
    if 1 <= ms <= DELAY_MAX:
        return <uint64_t>ms
    warn_of_delay(delay, ms)
    return 1


cdef int warn_of_delay(object delay, double ms) except -1:
    if ms > DELAY_MAX:
        what = "does not fit into a 32-bit signed integer"
    elif ms < 0:
        what = "is a negative number"
    elif ms != ms:
        what = "is not a number"
    else:
        return 0
    warnings.warn(f"{delay} {what}. Timeout duration was set to 1.", RuntimeWarning, stacklevel=2)
    return 0


# Not cleared by the garbage collector, because the C timer must be freed before the loop goes.
@cython.no_gc_clear
@cython.final
cdef class Timeout(Source):
    """What `setTimeout` and `setInterval` answer. `int(timeout)` is a number that the `clear` functions take as well."""

    def __dealloc__(self):
        nc_timer_free(self.c)

    cdef int arm(self) except -1:
        cdef int status = nc_timer_start(self.c, self.ms + self.loop.start_clock())
        if status != 0:
            raise errno_error(status, "setTimeout")
        self.enlist()
        return self.loop.touch()

    cdef void fired(self) noexcept:
        """It is not armed any more."""
        if self.number is not None:
            _numbered.pop(self.number, None)
            self.number = None
        self.delist()

    cdef void drop(self) noexcept:
        nc_timer_stop(self.c)
        self.callback = None
        self.args = None
        self.repeat = False
        self.fired()

    cdef int on_event(self, nc_event *event) except -1:
        # An interval counts from the start of its callback, and stays armed if that raises.
        if self.repeat:
            self.arm()
        else:
            self.fired()
        return call_user(self.loop, self.callback, self.args)

    cdef int check(self) except -1:
        if self.loop is None:
            raise TypeError("a timer is made by setTimeout() or setInterval()")
        return self.loop.check_thread()

    def ref(self):
        """Has the timer keep the loop alive while it is armed, as it does from the start. Returns the timer."""
        self.check()
        nc_timer_ref(self.c)
        return self

    def unref(self):
        """Lets `run()` return although the timer is armed. Returns the timer."""
        self.check()
        nc_timer_unref(self.c)
        return self

    def hasRef(self):
        """Whether the timer keeps the loop alive while it is armed."""
        self.check()
        return nc_timer_has_ref(self.c)

    def refresh(self):
        """Starts the delay anew, also of a timer that has fired; not of one that was cleared. Returns the timer."""
        self.check()
        if self.callback is not None:
            self.arm()
        return self

    def close(self):
        """Clears the timer. Returns it."""
        self.check()
        self.drop()
        return self

    def __int__(self):
        self.check()
        number = next_number() if self.number is None else self.number
        if self.listed:
            self.number = number
            _numbered[number] = self
        return number


cdef object next_number():
    # Without the interpreter's lock, two threads may be given the same number by a counter.
    with _numbers_lock:
        return next(_numbers)


cdef Timeout start(object callback, object delay, tuple args, bint repeat):
    cdef Timeout timeout
    cdef int status
    check_callback(callback)
    timeout = Timeout.__new__(Timeout)
    timeout.loop = current_loop()
    timeout.callback = callback
    timeout.args = args
    timeout.ms = delay_of(delay)
    timeout.repeat = repeat
    status = nc_timer_new(timeout.loop.c, <void *>timeout, &timeout.c)
    if status != 0:
        raise errno_error(status, "setTimeout")
    timeout.arm()
    return timeout


def setTimeout(callback, delay=None, *args):
    """Calls `callback(*args)` once, `delay` milliseconds from now (1 at least, whole ones).

    Raises `TypeError` (`ERR_INVALID_ARG_TYPE`) if `callback` is not callable."""
    return start(callback, delay, args, False)


def setInterval(callback, delay=None, *args):
    """Calls `callback(*args)` every `delay` milliseconds, counted from the start of the call before.

    Raises `TypeError` (`ERR_INVALID_ARG_TYPE`) if `callback` is not callable."""
    return start(callback, delay, args, True)


def clearTimeout(timeout=None):
    """Clears what `setTimeout` or `setInterval` answered, or its number. Anything else is ignored."""
    if isinstance(timeout, (int, str)):
        timeout = _numbered.get(number_in(timeout))
    if isinstance(timeout, Timeout):
        timeout.close()


cdef object number_in(object text):
    return int(text) if isinstance(text, int) or text.isdecimal() else None


clearInterval = clearTimeout


@cython.final
cdef class Immediate:
    """What `setImmediate` answers."""

    cdef int let_go(self) except -1:
        if self.held:
            self.held = False
            self.loop.immediates_held -= 1
        return 0

    cdef int check(self) except -1:
        if self.loop is None:
            raise TypeError("an immediate is made by setImmediate()")
        return self.loop.check_thread()

    def ref(self):
        """Has the immediate keep the loop alive, as it does from the start. Returns the immediate."""
        self.check()
        if not self.held and self.callback is not None:
            self.held = True
            self.loop.immediates_held += 1
        return self

    def unref(self):
        """Lets `run()` return although the immediate has not run. Returns the immediate."""
        self.check()
        self.let_go()
        return self

    def hasRef(self):
        """Whether the immediate keeps the loop alive."""
        self.check()
        return self.held


cdef int run_immediate(object arg) except -1:
    cdef Immediate immediate = <Immediate>arg
    callback = immediate.callback
    if callback is None:
        return 0
    immediate.let_go()
    immediate.callback = None
    return call_user(immediate.loop, callback, immediate.args)


def setImmediate(callback, *args):
    """Calls `callback(*args)` after the I/O of this turn of the loop and before the next.

    Raises `TypeError` (`ERR_INVALID_ARG_TYPE`) if `callback` is not callable."""
    cdef Immediate immediate
    check_callback(callback)
    immediate = Immediate.__new__(Immediate)
    immediate.loop = current_loop()
    immediate.callback = callback
    immediate.args = args
    immediate.loop.immediate_c(run_immediate, immediate)
    immediate.ref()
    return immediate


def clearImmediate(immediate=None):
    """Clears what `setImmediate` answered. Anything else is ignored."""
    cdef Immediate it
    if isinstance(immediate, Immediate):
        it = immediate
        it.unref()
        it.callback = None
        it.args = None


def nextTick(callback, *args):
    """Calls `callback(*args)` as soon as the callback that is running has returned: before any I/O, timer or immediate.

    Raises `TypeError` (`ERR_INVALID_ARG_TYPE`) if `callback` is not callable."""
    cdef Loop loop
    check_callback(callback)
    loop = current_loop()
    loop.tick(callback, args)


def _time_out(ms, callback):
    """What `AbortSignal.timeout` waits with."""
    start(callback, min(ms, DELAY_MAX), (), False).unref()


set_timer(_time_out)

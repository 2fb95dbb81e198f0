"""The stream with both its sides: Node's writable state machine, on top of the readable one.

A chunk that is written to a healthy socket goes straight to the core's queue. Everything else (corking, callbacks of
writes, waiting for the connection, the ways to end) follows Node's streams step by step.

The core sends what is queued at the start of the next turn of the loop. Node sends inside `write()`. A program can
tell the two apart only by what it looks at, so whatever looks sends first: the tick of a write's callback, the
answer of a `write()` that reaches the high-water mark, `writableLength`, `destroy()`.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint64_t

from netcore._core.arguments cimport check_string, memory_of
from netcore._core.emitter cimport may_override
from netcore._core.encoding cimport Encoding, encode_as, encoding_of, plain_text
from netcore._core.errors cimport errno_error, invalid_arg_type, misuse
from netcore._core.listener cimport call1
from netcore._core.nc cimport (
    NC_EPIPE,
    nc_status,
    nc_stream,
    nc_stream_bytes_queued,
    nc_stream_bytes_sent,
    nc_stream_flush,
    nc_stream_notify_at,
    nc_stream_write,
)
from netcore._core.readable cimport Readable
from netcore._core.stream cimport DEFAULT_MARK, Link, go_on_there, has_left
from netcore._core.stream_state cimport *

cdef extern from *:
    """
    #define NC_COPY_LIMIT 4096
    """
    const Py_ssize_t NC_COPY_LIMIT # chunks up to this size are copied into the queue, larger ones are lent to it

# A write goes straight to the core when of all these bits ST_HANDLE alone is set.
cdef uint64_t WRITE_BITS = (
    ST_HANDLE | ST_CONNECTING | ST_DESTROYED | ST_ERRORED | ST_MOVING | WR_ENDING | WR_HELD | WR_DISABLED
)


cdef class Waiting:
    pass


cdef class Writes:
    def __cinit__(self):
        self.held = []
        self.waiting = []


cdef class Pin:
    """Keeps the memory of a buffer alive and in place while the core sends from it."""

    cdef Py_buffer view

    def __cinit__(self, object source):
        PyObject_GetBuffer(source, &self.view, PyBUF_SIMPLE)

    def __dealloc__(self):
        PyBuffer_Release(&self.view)


# -- ticks -----------------------------------------------------------------------------------------------------------

cdef inline bint can_write(Duplex stream):
    return not stream.state & (WR_DISABLED | WR_ENDING | WR_ENDED | ST_DESTROYED | ST_ERRORED)


cdef int end_writable_tick(object stream) except -1:
    cdef Duplex self = stream
    if can_write(self):
        return self.do_end()
    return 0


cdef int write_tick(object item) except -1:
    cdef Waiting waiting = item
    cdef Duplex self = waiting.handle
    self.flush()
    return self.settle(waiting)


cdef int settle_tick(object stream) except -1:
    cdef Duplex self = stream
    self.writes.settled = False
    self.flush()
    return self.settle(None)


cdef int settle_there(object stream) except -1:
    return (<Duplex>stream).settle(None)


cdef int drain_told(object stream) except -1:
    cdef Duplex self = stream
    if self.rare is not None and self.rare.sources:
        for link in self.rare.sources:
            (<Link>link).drained()
    return 0


cdef int callback_tick(object item) except -1:
    _, callback, error = item
    return call1(callback, error)


def _written(Waiting waiting not None):
    """Calls back as often as it was asked for; from the call on that moves the stream, where that has gone to."""
    while waiting.count > 0:
        there = waiting.handle.elsewhere()
        if there is not None:
            there.post(_written, waiting)
            break
        waiting.count -= 1
        call1(waiting.callback, None)


cdef int finish_tick(object stream) except -1:
    cdef Duplex self = stream
    self.state |= WR_FINISHED
    self._staying += 1
    try:
        call_finished(self, None)
        self.emit0("finish")
        if self.rare is not None and self.rare.sources:
            for link in self.rare.sources:
                (<Link>link).finished()
    finally:
        self._staying -= 1
    if self.state & (RD_END_EMITTED | RD_DISABLED):
        return self.tear_down(None)
    return 0


cdef int fail_tick(object stream) except -1:
    """After destroy(): the writes that never began are told so."""
    cdef Duplex self = stream
    if self.state & ST_IN_FLIGHT:
        return 0 # the write in progress is told first, when the handle is closed
    return self.fail_writes(None)


cdef int call_finished(Duplex self, object error) except -1:
    if self.writes is None or self.writes.on_finish is None:
        return 0
    callbacks = self.writes.on_finish
    self.writes.on_finish = None
    for callback in callbacks:
        call1(callback, error)
    return 0


cdef int failed_write_tick(object call) except -1:
    """A write that failed at once: its callback, then those of the writes behind it, then 'error'."""
    stream, error, callback = call
    cdef Duplex self = stream
    if callback is not None:
        call1(callback, error)
    self.fail_writes(error)
    return self.tear_down(error)


# -- the stream ------------------------------------------------------------------------------------------------------

cdef class Duplex(Readable):
    """A stream that can be read and written, with the behaviour of Node's `stream.Duplex`."""

    def __cinit__(self):
        self.write_mark = DEFAULT_MARK
        if may_override(self) and type(self).write is not Duplex.write:
            self.state |= WR_OVERRIDDEN

    cdef int final(self) except -1:
        return self.finalled()

    cdef int reading_ended(self) except -1:
        if can_write(self) and not self.state & ST_HALF_OPEN:
            self.enter()
            return self._loop.tick_c(end_writable_tick, self)
        if self.state & (WR_FINISHED | WR_DISABLED):
            return self.tear_down(None)
        return 0

    def write(self, data, encoding=None, callback=None):
        """Sends `data`: bytes, anything with the buffer protocol, or str in `encoding`. `callback(error)` is called
        when the kernel has taken it. False means that the queue has reached the high-water mark: 'drain' tells when
        it is empty. What is given as a large buffer must not change until the callback."""
        cdef Py_ssize_t size
        cdef nc_status status
        if (
            type(data) is bytes
            and encoding is None
            and callback is None
            and (self.state & WRITE_BITS) == ST_HANDLE
            and self._loop.in_turn
        ):
            size = PyBytes_GET_SIZE(data)
            self._loop.check_thread()
            if size <= NC_COPY_LIMIT:
                status = nc_stream_write(self.c, PyBytes_AS_STRING(data), size, NULL)
            else:
                Py_INCREF(data)
                status = nc_stream_write(self.c, PyBytes_AS_STRING(data), size, <void *>data)
                if status != 0:
                    Py_DECREF(data)
            if status != 0:
                return self.refuse_raw(status, None)
            if nc_stream_bytes_queued(self.c) < self.write_mark:
                return True
            return not self.over_mark()
        return self.write_slowly(data, encoding, callback) is True

    cdef object write_slowly(self, object chunk, object encoding, object callback):
        """True or False as write() answers, or the exception that says why nothing was written."""
        self.check_caller()
        if callback is None and encoding is not None and callable(encoding):
            callback, encoding = encoding, None
        if not callable(callback):
            callback = None
        if (self.state & (WR_PEER_ENDED | WR_ENDING)) == WR_PEER_ENDED | WR_ENDING:
            error = errno_error(<nc_status>NC_EPIPE, None)
            error.args = (error.args[0], "This socket has been ended by the other party")
            error.errno = None
            if callback is not None:
                self.loop_of().tick_c(callback_tick, (self, callback, error))
            self.tear_down(error)
            return False
        return self.write_checked(chunk, encoding, callback)

    cdef object write_checked(self, object chunk, object encoding, object callback):
        cdef Encoding form
        if chunk is None:
            raise misuse("ERR_STREAM_NULL_VALUES")
        if encoding is None and self.writes is not None:
            encoding = self.writes.encoding
        form = encoding_of(encoding)
        if isinstance(chunk, str):
            chunk = encode_as(plain_text(chunk), form)
        elif not PyObject_CheckBuffer(chunk):
            raise invalid_arg_type("chunk", ("string", "Buffer", "TypedArray", "DataView"), chunk)
        else:
            chunk = memory_of(chunk)
            self.check_caller() # the chunk may have moved the socket
        if self.state & (WR_ENDING | ST_DESTROYED):
            if self.state & WR_ENDING:
                error = misuse("ERR_STREAM_WRITE_AFTER_END")
            else:
                error = misuse("ERR_STREAM_DESTROYED", "write")
            return self.refuse_write(error, callback)
        return self.submit(chunk, callback)

    cdef object refuse_write(self, object error, object callback):
        if callback is not None:
            self.loop_of().tick_c(callback_tick, (self, callback, error))
        self.tear_down(error)
        return error

    cdef object refuse_raw(self, nc_status status, object callback):
        return self.refuse_now(errno_error(status, "write"), callback)

    cdef object refuse_now(self, object error, object callback):
        """A write that the socket below refuses at once: it counts as an error now and is told on a tick."""
        self.note_error(error)
        self.loop_of().tick_c(failed_write_tick, (self, error, callback))
        return False

    cdef object submit(self, object data, object callback):
        cdef nc_status status
        cdef Writes writes
        self.enter()
        if self.state & (WR_HELD | ST_CONNECTING | ST_ERRORED):
            writes = self.need_writes()
            writes.held.append((data, callback))
            writes.held_size += memory_size(data)
            self.state |= WR_HELD
            return self.below_mark() and not self.state & (ST_DESTROYED | ST_ERRORED)
        if not self.state & ST_HANDLE:
            return self.refuse_now(misuse("ERR_SOCKET_CLOSED"), callback)
        status = self.write_raw(data)
        if status != 0:
            return self.refuse_raw(status, callback)
        if callback is not None:
            self.await_write(callback, True)
        if nc_stream_bytes_queued(self.c) < self.write_mark:
            return True
        return not self.over_mark()

    cdef Writes need_writes(self):
        if self.writes is None:
            self.writes = Writes.__new__(Writes)
        return self.writes

    cdef int write_raw(self, object data) except -1:
        """Hands a chunk to the core. The answer is minus the status, which is never positive."""
        cdef nc_status status
        cdef Pin pin
        cdef Py_buffer view
        if type(data) is bytes and PyBytes_GET_SIZE(data) > NC_COPY_LIMIT:
            Py_INCREF(data)
            status = nc_stream_write(self.c, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), <void *>data)
            if status != 0:
                Py_DECREF(data)
            return status
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            if view.len == 0:
                return 0
            if view.len <= NC_COPY_LIMIT:
                return nc_stream_write(self.c, view.buf, view.len, NULL)
        finally:
            PyBuffer_Release(&view)
        pin = Pin.__new__(Pin, data)
        Py_INCREF(pin)
        status = nc_stream_write(self.c, pin.view.buf, pin.view.len, <void *>pin)
        if status != 0:
            Py_DECREF(pin)
        return status

    cdef int await_write(self, object callback, bint tick) except -1:
        """Promises `callback` for when what is queued now has been sent."""
        cdef Writes writes = self.need_writes()
        cdef uint64_t end = nc_stream_bytes_sent(self.c) + nc_stream_bytes_queued(self.c)
        cdef Waiting last
        if writes.waiting:
            last = writes.waiting[len(writes.waiting) - 1]
            if last.callback is callback and not last.deferred:
                last.count += 1
                last.end = end
                return 0
        last = Waiting.__new__(Waiting)
        last.handle = self
        last.callback = callback
        last.end = end
        last.count = 1
        last.deferred = not tick
        writes.waiting.append(last)
        if tick:
            self._loop.tick_c(write_tick, last)
        return 0

    cdef bint below_mark(self):
        """What write() answers, of what is queued on both sides of the border."""
        cdef size_t length = self.queued()
        if length == 0 or length < self.write_mark:
            return True
        self.state |= WR_NEED_DRAIN
        return False

    cdef bint over_mark(self) except -1:
        """The queue has reached the mark: sends what the kernel takes. True if it still stands above the mark."""
        self.flush()
        if self.below_mark():
            return False
        self.await_sent()
        return True

    cdef size_t queued(self):
        cdef size_t length = 0
        if self.writes is not None:
            length = self.writes.held_size
        if self.c != NULL:
            length += nc_stream_bytes_queued(self.c)
        return length

    cdef bint needs_drain(self):
        return (self.state & (ST_DESTROYED | WR_ENDING | WR_NEED_DRAIN)) == WR_NEED_DRAIN

    cdef uint64_t sent(self):
        if self.c != NULL:
            return nc_stream_bytes_sent(self.c)
        return self.sent_at_close

    cdef int flush(self) except -1:
        cdef nc_stream *c = self.c
        if c != NULL and not self.state & ST_CONNECTING and nc_stream_bytes_queued(c) > 0:
            with nogil:
                nc_stream_flush(c)
        return 0

    cdef int hand_over(self) except -1:
        """Gives the core what was held back here. One tick tells all the callbacks, as Node sends it all at once."""
        cdef Writes writes = self.writes
        cdef nc_status status
        cdef Waiting last
        held = writes.held
        writes.held = []
        writes.held_size = 0
        self.state &= ~WR_HELD
        last = None
        for data, callback in held:
            status = self.write_raw(data)
            if status != 0:
                self.refuse_raw(status, callback)
                return 0
            if callback is not None:
                self.await_write(callback, False)
                last = writes.waiting[len(writes.waiting) - 1]
        if last is not None:
            last.deferred = False
            self._loop.tick_c(write_tick, last)
        elif self.state & WR_NEED_DRAIN and not writes.settled:
            writes.settled = True
            self._loop.tick_c(settle_tick, self)
        return self.maybe_finish()

    cdef int settle(self, Waiting upto) except -1:
        """Calls back what has been sent: 'drain' first, then the callbacks in the order of the writes."""
        cdef Writes writes = self.writes
        cdef Waiting first
        cdef uint64_t sent = self.sent()
        if upto is not None:
            upto.deferred = True
            if upto.end > sent:
                return self.await_sent()
        here = self._loop
        self.drain_now()
        while not has_left(self, here) and writes is not None and writes.waiting:
            first = writes.waiting[0]
            if not first.deferred or first.end > sent:
                break
            del writes.waiting[0]
            _written(first)
        return go_on_there(self, settle_there) if has_left(self, here) else self.await_sent()

    cdef int drain_now(self) except -1:
        """Emits 'drain' if it is due."""
        if (self.state & (WR_NEED_DRAIN | WR_ENDING | ST_DESTROYED)) != WR_NEED_DRAIN or self.queued() > 0:
            return 0
        self.state &= ~WR_NEED_DRAIN
        here = self._loop
        self.emit0("drain")
        return go_on_there(self, drain_told) if has_left(self, here) else drain_told(self)

    cdef int await_sent(self) except -1:
        """Asks the core to tell when the next thing that somebody waits for has been sent."""
        cdef Waiting first
        if self.c == NULL:
            return 0
        if self.writes is not None and self.writes.waiting:
            first = self.writes.waiting[0]
            if first.deferred:
                nc_stream_notify_at(self.c, first.end)
                return 0
        if self.state & WR_NEED_DRAIN and nc_stream_bytes_queued(self.c) > 0:
            nc_stream_notify_at(self.c, nc_stream_bytes_sent(self.c) + nc_stream_bytes_queued(self.c))
        return 0

    cdef int maybe_finish(self) except -1:
        if not self.state & WR_ENDING or self.state & (
            ST_DESTROYED | ST_ERRORED | ST_ERROR_EMITTED | ST_CLOSE_EMITTED | WR_FINISHED | WR_HELD
            | WR_PREFINISHED | WR_FINAL_CALLED
        ):
            return 0
        self.state |= WR_FINAL_CALLED
        return self.final()

    cdef int finalled(self) except -1:
        """The half-close has been done."""
        if self.state & (WR_PREFINISHED | ST_DESTROYED | ST_ERRORED | WR_FINISHED) or not self.state & WR_ENDING:
            return 0
        self.state |= WR_PREFINISHED
        self._staying += 1
        try:
            self.emit0("prefinish")
        finally:
            self._staying -= 1
        return self.loop_of().tick_c(finish_tick, self)

    cdef int write_failed(self, object error) except -1:
        """Sending failed. The write in progress is told, then those behind it, then the stream ends with the error."""
        self.note_error(error)
        try:
            self.fail_writes(error)
        finally:
            self.tear_down(error)
        return 0

    cdef int fail_writes(self, object error) except -1:
        """Tells every write that is not done, the first with `error`, and the callbacks of end()."""
        cdef Writes writes = self.writes
        cdef Waiting waiting
        if writes is None:
            return 0
        calls = []
        for waiting in writes.waiting:
            calls += [waiting.callback] * waiting.count
            waiting.count = 0
        calls += [callback for _, callback in writes.held if callback is not None]
        writes.waiting = []
        writes.held = []
        writes.held_size = 0
        self.state &= ~WR_HELD
        if calls and error is not None:
            call1(calls.pop(0), error)
        if self.state & ST_ERRORED:
            error = self.rare.errored
        for callback in calls:
            call1(callback, error if error is not None else misuse("ERR_STREAM_DESTROYED", "write"))
        call_finished(self, error if error is not None else misuse("ERR_STREAM_DESTROYED", "end"))
        return 0

    def end(self, data=None, encoding=None, callback=None):
        """Ends the writable side: sends `data`, if given, then half-closes. `callback(error)` is called at 'finish', or
        when it will never come."""
        self.check_caller()
        if data is not None and callable(data):
            data, encoding, callback = None, None, data
        elif encoding is not None and callable(encoding):
            encoding, callback = None, encoding
        error = None
        if data is not None:
            result = self.write_checked(data, encoding, None)
            if isinstance(result, BaseException):
                error = result
        if self.writes is not None and self.writes.corked:
            self.writes.corked = 1
            self.do_uncork()
        if error is None:
            error = self.begin_end()
        if callable(callback):
            self.promise_finish(callback, error)
        return self

    cdef int drop_writes(self) except -1:
        if self.writes is not None and (self.writes.held or self.writes.on_finish is not None):
            self._loop.tick_c(fail_tick, self)
        return 0

    cdef object begin_end(self):
        if not self.state & (WR_ENDING | ST_ERRORED):
            self.writing_changed()
            self.state |= WR_ENDING
            self.enter()
            self.maybe_finish()
            self.state |= WR_ENDED
            return None
        if self.state & WR_FINISHED:
            return misuse("ERR_STREAM_ALREADY_FINISHED", "end")
        if self.state & ST_DESTROYED:
            return misuse("ERR_STREAM_DESTROYED", "end")
        return None

    cdef int promise_finish(self, object callback, object error) except -1:
        cdef Writes writes
        if error is None and self.state & ST_ERRORED:
            error = self.rare.errored
        if error is not None or self.state & WR_FINISHED:
            return self.loop_of().tick_c(callback_tick, (self, callback, error))
        writes = self.need_writes()
        if writes.on_finish is None:
            writes.on_finish = []
        writes.on_finish.append(callback)
        return 0

    cdef int do_end(self) except -1:
        self.end()
        return 0

    def cork(self):
        """Holds writes back until `uncork()` has been called as often as this."""
        self.check_caller()
        cdef Writes writes = self.need_writes()
        self.writing_changed()
        writes.corked += 1
        self.state |= WR_HELD

    def uncork(self):
        """Sends what was written since `cork()`."""
        self.check_caller()
        self.do_uncork()

    cdef int do_uncork(self) except -1:
        cdef Writes writes = self.writes
        if writes is None or not writes.corked:
            return 0
        writes.corked -= 1
        if writes.corked:
            return 0
        if not writes.held:
            self.state &= ~WR_HELD
            return 0
        if self.state & (ST_CONNECTING | ST_DESTROYED):
            return 0
        self.enter()
        if not self.state & ST_HANDLE:
            _, callback = writes.held.pop(0)
            self.refuse_now(misuse("ERR_SOCKET_CLOSED"), callback)
            return 0
        return self.hand_over()

    def setDefaultEncoding(self, encoding):
        """Sets the encoding of strings given to `write` and `end` without one. `ERR_UNKNOWN_ENCODING`."""
        self.check_caller()
        name = check_string(encoding, "encoding")
        encoding_of(name)
        self.need_writes().encoding = name
        return self

    @property
    def writable(self):
        """Whether data may still be written: not ended, not destroyed, no error."""
        return can_write(self)

    @property
    def writableLength(self):
        """Bytes written and not taken by the kernel yet."""
        self.check_caller()
        self.flush()
        return self.queued()

    @property
    def writableHighWaterMark(self):
        """From how many queued bytes on `write()` answers False. Bytes; 65536 unless the option says otherwise."""
        return self.write_mark

    @property
    def writableNeedDrain(self):
        """Whether `write()` has answered False and 'drain' is still to come."""
        return self.needs_drain()

    @property
    def writableEnded(self):
        """Whether `end()` has been called."""
        return bool(self.state & WR_ENDING)

    @property
    def writableFinished(self):
        """Whether everything was sent and the half-close is done ('finish')."""
        return bool(self.state & WR_FINISHED)

    @property
    def writableAborted(self):
        """Whether the stream was destroyed, or failed, before 'finish'."""
        return bool(not self.state & (WR_DISABLED | WR_FINISHED) and self.state & (ST_DESTROYED | ST_ERRORED))

    @property
    def writableCorked(self):
        """How many `uncork()` calls are needed to uncork."""
        self.check_caller()
        return 0 if self.writes is None else self.writes.corked

    @property
    def writableObjectMode(self):
        """Always False: sockets carry bytes."""
        return False

    @property
    def allowHalfOpen(self):
        """Whether the writable side stays open when the other party ends."""
        return bool(self.state & ST_HALF_OPEN)

    @allowHalfOpen.setter
    def allowHalfOpen(self, value):
        self.check_caller()
        if value:
            self.state |= ST_HALF_OPEN
        else:
            self.state &= ~ST_HALF_OPEN


cdef Py_ssize_t memory_size(object data) except -1:
    if type(data) is bytes:
        return PyBytes_GET_SIZE(data)
    return memoryview(data).nbytes

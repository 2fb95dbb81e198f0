"""The duplex stream: Node's readable and writable state machines, over a stream of the core.

What runs for each message is short: a chunk that arrives while somebody listens for 'data' goes straight to the
listener, and a chunk that is written to a healthy socket goes straight to the core's queue. Everything else (buffered
reading, decoding, corking, callbacks of writes, the ways to end) follows Node's streams step by step, because the
order in which events come, and on which tick, is what programs written for Node rely on.

The core sends what is queued at the start of the next turn of the loop. Node sends inside `write()`. A program can
tell the two apart only by what it looks at, so whatever looks sends first: the tick of a write's callback, the
answer of a `write()` that reaches the high-water mark, `writableLength`, `destroy()`.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint32_t, uint64_t

from netcore._core.arguments cimport check_string, is_truthy
from netcore._core.emitter cimport EventEmitter, may_override
from netcore._core.encoding cimport Decoder, Encoding, encode_as, encoding_of
from netcore._core.errors cimport errno_error, invalid_arg_type, misuse, out_of_range
from netcore._core.listener cimport call1
from netcore._core.loop cimport Handle, Loop
from netcore._core.nc cimport (
    NC_EPIPE,
    nc_status,
    nc_stream,
    nc_stream_bytes_queued,
    nc_stream_bytes_received,
    nc_stream_bytes_sent,
    nc_stream_flush,
    nc_stream_notify_at,
    nc_stream_write,
)

cdef extern from *:
    """
    #define NC_COPY_LIMIT 4096
    """
    const Py_ssize_t NC_COPY_LIMIT # chunks up to this size are copied into the queue, larger ones are lent to it

cdef Py_ssize_t EVERYTHING = -1
cdef Py_ssize_t LARGEST_MARK = 0x40000000
cdef uint32_t DEFAULT_MARK = 64 * 1024

# A write goes straight to the core when of all these bits ST_HANDLE alone is set.
cdef uint64_t WRITE_BITS = (
    ST_HANDLE | ST_CONNECTING | ST_DESTROYED | ST_ERRORED | WR_ENDING | WR_HELD | WR_DISABLED
)

# A chunk goes straight to the 'data' listeners when of all these bits exactly these two are set.
cdef uint64_t DATA_BITS = (
    RD_FLOWING | RD_DATA_LISTENING | RD_BUFFERED | RD_DECODING | RD_ONREAD | RD_SYNC | RD_ENDED | ST_DESTROYED | ST_ERRORED
)
cdef uint64_t DATA_FLOWS = RD_FLOWING | RD_DATA_LISTENING


# -- chunks waiting to be read ---------------------------------------------------------------------------------------

cdef class Chunks:
    def __cinit__(self):
        self.items = []

    cdef int append(self, object chunk) except -1:
        self.items.append(chunk)
        self.length += len(chunk)
        return 0

    cdef int push_front(self, object chunk) except -1:
        if self.head:
            self.head -= 1
            self.items[self.head] = chunk
        else:
            self.items.insert(0, chunk)
        self.length += len(chunk)
        return 0

    cdef object take_first(self):
        """The first chunk as it came."""
        chunk = self.items[self.head]
        self.items[self.head] = None
        self.head += 1
        self.length -= len(chunk)
        if self.head == len(self.items):
            self.items.clear()
            self.head = 0
        elif self.head > 1024:
            del self.items[: self.head]
            self.head = 0
        return chunk

    cdef object take(self, Py_ssize_t n):
        """The first `n` bytes or characters, of the `length` there are, in one piece."""
        cdef list parts = []
        cdef Py_ssize_t size
        while n > 0:
            chunk = self.take_first()
            size = len(chunk)
            if size > n:
                self.push_front(chunk[n:])
                chunk = chunk[:n]
                size = n
            parts.append(chunk)
            n -= size
        if len(parts) == 1:
            return parts[0]
        return "".join(parts) if self.decoder is not None else b"".join(parts)


cdef class Waiting:
    pass


cdef class Writes:
    def __cinit__(self):
        self.held = []
        self.waiting = []


@cython.freelist(64)
cdef class Rare:
    def __cinit__(self):
        self.tos = -1
        self.pipes = ()
        self.sources = ()


cdef class Pin:
    """Keeps the memory of a buffer alive and in place while the core sends from it."""

    cdef Py_buffer view

    def __cinit__(self, object source):
        PyObject_GetBuffer(source, &self.view, PyBUF_SIMPLE)

    def __dealloc__(self):
        PyBuffer_Release(&self.view)


cdef class Link:
    cdef object listener_at(self, Duplex stream, object name):
        return None

    cdef int source_flows(self) except -1:
        return 0

    cdef int source_ended(self) except -1:
        return 0

    cdef int fall_back(self) except -1:
        return 0

    cdef int relay_ended(self) except -1:
        return 0

    cdef int drained(self) except -1:
        return 0

    cdef int finished(self) except -1:
        return 0

    cdef int closed(self) except -1:
        return 0

    cdef int failed(self) except -1:
        return 0


# -- ticks -----------------------------------------------------------------------------------------------------------

cdef int resume_tick(object stream) except -1:
    cdef Duplex self = stream
    if not self.state & RD_READING:
        self.take(0)
    self.state &= ~RD_RESUME_SCHEDULED
    self.emit0("resume")
    self.source_flows()
    self.flow()
    if (self.state & (RD_FLOWING | RD_READING)) == RD_FLOWING:
        self.take(0)
    return self.source_flows()


cdef int readable_tick(object stream) except -1:
    return (<Duplex>stream).readable_now()


cdef int read_nothing_tick(object stream) except -1:
    (<Duplex>stream).take(0)
    return 0


cdef int read_more_tick(object stream) except -1:
    cdef Duplex self = stream
    cdef Py_ssize_t length
    while True:
        length = self.chunks.length if self.chunks is not None else 0
        if self.state & (RD_READING | RD_ENDED):
            break
        if length >= self.read_mark and not (self.state & RD_FLOWING and length == 0):
            break
        self.take(0)
        if length == (self.chunks.length if self.chunks is not None else 0):
            break
    self.state &= ~RD_READING_MORE
    return 0


cdef inline bint can_write(Duplex stream):
    return not stream.state & (WR_DISABLED | WR_ENDING | WR_ENDED | ST_DESTROYED | ST_ERRORED)


cdef int end_tick(object stream) except -1:
    cdef Duplex self = stream
    self.state &= ~RD_END_SCHEDULED
    if self.state & (ST_ERRORED | ST_CLOSE_EMITTED | RD_END_EMITTED | RD_BUFFERED):
        return 0
    self.state |= RD_END_EMITTED
    if not self.state & (ST_HALF_OPEN | ST_END_UNHEARD):
        self.state |= WR_PEER_ENDED
    self.emit0("end")
    if self.rare is not None and self.rare.pipes:
        for link in self.rare.pipes:
            (<Link>link).source_ended()
    if can_write(self) and not self.state & ST_HALF_OPEN:
        self.enter()
        return (<Loop>self._loop).tick_c(end_writable_tick, self)
    if self.state & (WR_FINISHED | WR_DISABLED):
        return self.tear_down(None)
    return 0


cdef int end_writable_tick(object stream) except -1:
    cdef Duplex self = stream
    if can_write(self):
        return self.do_end()
    return 0


cdef int listening_tick(object stream) except -1:
    """After a 'readable' listener has gone: back to flowing, if that is what remains to be done."""
    cdef Duplex self = stream
    if self.has("readable"):
        self.state |= RD_READABLE_LISTENING
    else:
        self.state &= ~RD_READABLE_LISTENING
    if (self.state & (RD_PAUSE_KNOWN | RD_PAUSED | RD_RESUME_SCHEDULED)) == RD_PAUSE_KNOWN | RD_RESUME_SCHEDULED:
        self.state |= RD_FLOW_KNOWN | RD_FLOWING
    elif self.state & RD_DATA_LISTENING:
        self.do_resume()
    elif not self.state & RD_READABLE_LISTENING:
        self.state &= ~(RD_FLOW_KNOWN | RD_FLOWING)
    return 0


cdef int write_tick(object item) except -1:
    cdef Waiting waiting = item
    waiting.stream.flush()
    return waiting.stream.settle(waiting)


cdef int settle_tick(object stream) except -1:
    cdef Duplex self = stream
    self.writes.settled = False
    self.flush()
    return self.settle(None)


cdef int finish_tick(object stream) except -1:
    cdef Duplex self = stream
    self.state |= WR_FINISHED
    call_finished(self, None)
    self.emit0("finish")
    if self.rare is not None and self.rare.sources:
        for link in self.rare.sources:
            (<Link>link).finished()
    if self.state & (RD_END_EMITTED | RD_DISABLED):
        return self.tear_down(None)
    return 0


cdef int fail_tick(object stream) except -1:
    """After destroy(): the writes that never began are told so."""
    cdef Duplex self = stream
    if self.state & ST_IN_FLIGHT:
        return 0 # the write in progress is told first, when the handle is closed
    return self.fail_writes(None)


cdef int close_tick(object stream) except -1:
    (<Duplex>stream).state |= ST_CLOSE_EMITTED
    return 0


cdef int error_close_tick(object stream) except -1:
    cdef Duplex self = stream
    if self.state & ST_ERROR_EMITTED:
        self.state |= ST_CLOSE_EMITTED
        return 0
    self.state |= ST_ERROR_EMITTED
    try:
        if self.rare.sources:
            for link in self.rare.sources:
                (<Link>link).failed()
        self.emit1("error", self.rare.failure)
    finally:
        self.state |= ST_CLOSE_EMITTED
    return 0


cdef int call_finished(Duplex self, object error) except -1:
    if self.writes is None or self.writes.on_finish is None:
        return 0
    callbacks = self.writes.on_finish
    self.writes.on_finish = None
    for callback in callbacks:
        call1(callback, error)
    return 0


cdef object failed_write_tick(tuple call):
    """A write that failed at once: its callback, then those of the writes behind it, then 'error'."""
    stream, error, callback = call
    cdef Duplex self = stream
    if callback is not None:
        call1(callback, error)
    self.fail_writes(error)
    self.tear_down(error)


cdef int failed_write_tick_c(object call) except -1:
    failed_write_tick(call)
    return 0


# -- the listeners that a stream has by itself -------------------------------------------------------------------------

def _on_end():
    """Every stream listens to its own 'end', as in Node; what is to be done then is done where 'end' is emitted."""


cdef object own_end = _on_end
cdef tuple FRESH_TABLE = ("end", own_end)

# The events that come first in eventNames(), in this order, whenever they got their listeners.
cdef tuple PIPE_EVENTS = ("data", "end", "unpipe", "drain", "error", "close", "finish")
cdef tuple RESERVED_EVENTS = ("close", "error", "prefinish", "finish", "drain", "data", "end", "readable")


# -- the stream ------------------------------------------------------------------------------------------------------

cdef class Duplex(Handle):
    """A stream that can be read and written, with the behaviour of Node's `stream.Duplex`."""

    def __cinit__(self):
        self.read_mark = DEFAULT_MARK
        self.write_mark = DEFAULT_MARK
        self._table = FRESH_TABLE
        if may_override(self) and type(self).write is not Duplex.write:
            self.state |= WR_OVERRIDDEN

    cdef Rare rarely(self):
        if self.rare is None:
            self.rare = Rare.__new__(Rare)
        return self.rare

    cdef int enter(self) except -1:
        """Makes sure that the loop is known, that this is its thread, and that it will look at what was done."""
        cdef Loop loop = self._loop
        if loop is None:
            loop = self.loop_of()
        loop.check_thread()
        if not loop.in_turn:
            loop.touch()
        return 0

    cdef int check_owner(self) except -1:
        """Refuses the call if the stream is of another thread's loop."""
        return 0 if self._loop is None else self._loop.check_thread()

    # What a socket puts below the stream.

    cdef int read_more(self) except -1:
        return 0

    cdef int final(self) except -1:
        return self.finalled()

    cdef int close_handle(self, object error) except -1:
        return 0

    cdef int emit_close(self, bint told) except -1:
        """Emits 'close', with whether there was an error if there ever was a socket to have one."""
        try:
            if told:
                self.emit1("close", bool(self.state & ST_HAD_ERROR))
            else:
                self.emit0("close")
        finally:
            if self.rare is not None and self.rare.sources:
                for link in self.rare.sources:
                    (<Link>link).closed()
        return 0

    # What the pipes at this stream are to know.

    cdef int source_flows(self) except -1:
        if self.rare is not None and self.rare.pipes:
            for link in self.rare.pipes:
                (<Link>link).source_flows()
        return 0

    cdef int want_bytes(self) except -1:
        """Somebody asks to see the bytes that arrive: they are no longer relayed in the core."""
        if self.state & RD_RELAYING:
            (<Link>self.rare.pipes[0]).fall_back()
        return 0

    cdef int writing_changed(self) except -1:
        """What is written here is to go through write() from now on: nothing is relayed to this stream any more."""
        if self.state & WR_RELAYED_TO:
            for link in self.rare.sources:
                (<Link>link).fall_back()
        return 0

    # -- reading -----------------------------------------------------------------------------------------------------

    cdef int deliver(self, object chunk) except -1:
        """A chunk has arrived. The answer is 0 when nobody wants more for now."""
        if (self.state & DATA_BITS) == DATA_FLOWS:
            self.state |= RD_DATA_EMITTED
            self.emit1("data", chunk)
            return 1
        return self.push(chunk)

    cdef int push(self, object chunk) except -1:
        if self.state & (ST_DESTROYED | ST_ERRORED | RD_ENDED):
            return 0
        self.state &= ~RD_READING
        if self.state & RD_DECODING:
            chunk = (<Decoder>self.chunks.decoder).write(chunk)
            if len(chunk) == 0:
                self.maybe_read_more()
                return self.takes_more()
        self.add_chunk(chunk, False)
        return self.takes_more()

    cdef int add_chunk(self, object chunk, bint in_front) except -1:
        if (self.state & (RD_FLOWING | RD_SYNC | RD_DATA_LISTENING | RD_BUFFERED)) == DATA_FLOWS:
            self.forget_awaited()
            self.state |= RD_DATA_EMITTED
            here = self._loop
            self.emit1("data", chunk)
            if self._loop is not here:
                return 0
        else:
            if self.chunks is None:
                self.chunks = Chunks.__new__(Chunks)
            if in_front:
                self.chunks.push_front(chunk)
            else:
                self.chunks.append(chunk)
            self.state |= RD_BUFFERED
            if self.state & RD_NEED_READABLE:
                self.emit_readable()
        return self.maybe_read_more()

    cdef bint takes_more(self):
        if self.state & RD_ENDED:
            return False
        return not self.state & RD_BUFFERED or self.chunks.length < self.read_mark

    cdef int forget_awaited(self) except -1:
        if self.rare is not None and self.rare.awaiting is not None:
            if isinstance(self.rare.awaiting, set):
                self.rare.awaiting.clear()
            else:
                self.rare.awaiting = None
        return 0

    cdef int push_eof(self) except -1:
        self.state &= ~RD_READING
        if self.state & RD_ENDED:
            return 0
        if self.state & RD_DECODING:
            rest = (<Decoder>self.chunks.decoder).end()
            if rest:
                self.chunks.append(rest)
                self.state |= RD_BUFFERED
        self.state |= RD_ENDED
        if self.state & RD_SYNC:
            if self.state & (RD_FLOWING | RD_NEED_READABLE) or self.has("readable"):
                return self.emit_readable()
            self.state |= RD_EOF_PENDING
            return 0
        self.state &= ~RD_NEED_READABLE
        self.state |= RD_EMITTED_READABLE
        return self.readable_now()

    cdef int emit_readable(self) except -1:
        self.state &= ~RD_NEED_READABLE
        if not self.state & RD_EMITTED_READABLE:
            self.state |= RD_EMITTED_READABLE
            self.loop_of().tick_c(readable_tick, self)
        return 0

    cdef int readable_now(self) except -1:
        if not self.state & (ST_DESTROYED | ST_ERRORED) and self.state & (RD_BUFFERED | RD_ENDED):
            self.emit0("readable")
            self.state &= ~RD_EMITTED_READABLE
        if not self.state & (RD_FLOWING | RD_ENDED):
            if self.chunks is None or self.chunks.length <= self.read_mark:
                self.state |= RD_NEED_READABLE
        return self.flow()

    cdef int flow(self) except -1:
        while self.state & RD_FLOWING:
            if self.take(EVERYTHING) is None:
                break
        return 0

    cdef int maybe_read_more(self) except -1:
        if not self.state & (RD_READING_MORE | RD_READING):
            self.state |= RD_READING_MORE
            self.loop_of().tick_c(read_more_tick, self)
        return 0

    cdef int end_readable(self) except -1:
        if not self.state & (RD_END_EMITTED | RD_END_SCHEDULED):
            self.state |= RD_ENDED | RD_END_SCHEDULED
            self.loop_of().tick_c(end_tick, self)
        return 0

    cdef Py_ssize_t how_much(self, Py_ssize_t n):
        cdef Py_ssize_t length = self.chunks.length if self.chunks is not None else 0
        if n == 0 or length == 0 and self.state & RD_ENDED:
            return 0
        if n == EVERYTHING:
            if length and (not self.state & RD_DECODING or self.state & RD_FLOWING):
                return len(self.chunks.items[self.chunks.head])
            return length
        if n <= length:
            return n
        return length if self.state & RD_ENDED else 0

    cdef object take(self, Py_ssize_t n):
        """Reads `n` bytes or characters, or what there is (EVERYTHING), or only keeps the flow going (0)."""
        cdef Py_ssize_t wanted = n
        cdef Py_ssize_t length = self.chunks.length if self.chunks is not None else 0
        cdef bint more
        if n != 0:
            self.state &= ~(RD_EMITTED_READABLE | RD_EOF_PENDING)
        elif self.state & RD_NEED_READABLE:
            if self.state & RD_ENDED or (length >= self.read_mark if self.read_mark else length > 0):
                if length == 0 and self.state & RD_ENDED:
                    self.end_readable()
                else:
                    self.emit_readable()
                return None
        n = self.how_much(n)
        if n == 0 and self.state & RD_ENDED:
            if length == 0:
                self.end_readable()
            return None
        more = self.state & RD_NEED_READABLE or length == 0 or length - n < self.read_mark
        if more and not self.state & (RD_READING | RD_ENDED | ST_DESTROYED | ST_ERRORED):
            self.state |= RD_READING | RD_SYNC
            if length == 0:
                self.state |= RD_NEED_READABLE
            try:
                self.read_more()
            finally:
                self.state &= ~RD_SYNC
        return self.taken(n, wanted)

    cdef object taken(self, Py_ssize_t n, Py_ssize_t wanted):
        chunk = None
        if n > 0:
            if n == len(self.chunks.items[self.chunks.head]):
                chunk = self.chunks.take_first()
            else:
                chunk = self.chunks.take(n)
            self.forget_awaited()
            if self.chunks.length == 0:
                self.state &= ~RD_BUFFERED
        elif self.chunks is None or self.chunks.length <= self.read_mark:
            self.state |= RD_NEED_READABLE
        if not self.state & RD_BUFFERED:
            if not self.state & RD_ENDED:
                self.state |= RD_NEED_READABLE
            elif wanted != n:
                self.end_readable()
        if chunk is not None and not self.state & (ST_ERROR_EMITTED | ST_CLOSE_EMITTED):
            self.state |= RD_DATA_EMITTED
            self.emit1("data", chunk)
        return chunk

    cdef int do_resume(self) except -1:
        if self.state & ST_DESTROYED:
            return 0
        if not self.state & RD_FLOWING:
            self.state |= RD_FLOW_KNOWN
            if not self.state & RD_READABLE_LISTENING:
                self.state |= RD_FLOWING
            if not self.state & RD_RESUME_SCHEDULED:
                self.state |= RD_RESUME_SCHEDULED
                self.enter()
                self._loop.tick_c(resume_tick, self)
        self.state |= RD_PAUSE_KNOWN
        self.state &= ~RD_PAUSED
        return 0

    cdef int do_pause(self) except -1:
        if self.state & ST_DESTROYED:
            return 0
        if (self.state & (RD_FLOW_KNOWN | RD_FLOWING)) != RD_FLOW_KNOWN:
            self.state |= RD_FLOW_KNOWN
            self.state &= ~RD_FLOWING
            self.want_bytes()
            self.emit0("pause")
        self.state |= RD_PAUSE_KNOWN | RD_PAUSED
        return 0

    cdef int listened(self, object name) except -1:
        if name is "data":
            self.state |= RD_DATA_LISTENING
            self.want_bytes()
            if self.has("readable"):
                self.state |= RD_READABLE_LISTENING
            if (self.state & (RD_FLOW_KNOWN | RD_FLOWING)) != RD_FLOW_KNOWN:
                self.do_resume()
        elif name is "readable" and not self.state & (RD_END_EMITTED | RD_READABLE_LISTENING):
            self.want_bytes()
            self.state |= RD_READABLE_LISTENING | RD_NEED_READABLE | RD_FLOW_KNOWN
            self.state &= ~(RD_FLOWING | RD_EMITTED_READABLE)
            self.enter()
            if self.state & RD_BUFFERED:
                self.emit_readable()
                return 0
            if self.state & RD_EOF_PENDING:
                self.state &= ~RD_EOF_PENDING
                self.emit_readable()
            if not self.state & RD_READING:
                self._loop.tick_c(read_nothing_tick, self)
        return 0

    cdef int unlistened(self, object name) except -1:
        if name is "readable":
            self.loop_of().tick_c(listening_tick, self)
        elif name is "data" and not self.has("data"):
            self.state &= ~RD_DATA_LISTENING
        elif name is "end" and not EventEmitter.listenerCount(self, "end", own_end):
            self.state |= ST_END_UNHEARD
        return 0

    cdef int cleared(self, object name) except -1:
        """As in Node, data goes on flowing, to nobody, when `removeAllListeners` has taken the last who listened."""
        if name is None or name is "readable":
            self.loop_of().tick_c(listening_tick, self)
        if name is None or name is "end":
            self.state |= ST_END_UNHEARD
        return 0

    cdef list pipe_listeners(self, object name):
        """What the pipes at this stream listen to without being in the table of listeners."""
        found = []
        if self.rare is None:
            return found
        for link in self.rare.pipes + self.rare.sources:
            listener = (<Link>link).listener_at(self, name)
            if listener is not None:
                found.append(listener)
        return found

    def listeners(self, name):
        """The listeners of an event, as they were given to `on` and `once`, and those that pipes have: a list of its
        own."""
        return EventEmitter.listeners(self, name) + self.pipe_listeners(name)

    def rawListeners(self, name):
        """The same, with wrappers in place of those added by `once`: `.listener` is the listener, and calling the
        wrapper uses it up."""
        return EventEmitter.rawListeners(self, name) + self.pipe_listeners(name)

    def listenerCount(self, name, listener=None):
        """How many listeners the event has, or how often it has this one."""
        return EventEmitter.listenerCount(self, name, listener) + (
            len(self.pipe_listeners(name)) if listener is None else 0
        )

    def eventNames(self):
        """The names of the events that have listeners: those that every stream has come first, in Node's order."""
        names = EventEmitter.eventNames(self)
        if self.rare is not None and (self.rare.pipes or self.rare.sources):
            names += [name for name in PIPE_EVENTS if name not in names and self.pipe_listeners(name)]
        return [name for name in RESERVED_EVENTS if name in names] + [
            name for name in names if name not in RESERVED_EVENTS
        ]

    def read(self, size=None):
        """Takes `size` bytes (or characters, after `setEncoding`) out of what has been received; None if there are
        not that many yet. Without `size`, takes what there is."""
        cdef Py_ssize_t n = EVERYTHING
        self.want_bytes()
        if size is not None:
            n = max(int(size), 0)
            if n > <Py_ssize_t>self.read_mark:
                if n > LARGEST_MARK:
                    raise out_of_range("size", "<= 1GiB", size)
                self.read_mark = 1 << (n - 1).bit_length()
        self.enter()
        return self.take(n)

    def unshift(self, chunk, encoding=None):
        """Puts a chunk back in front of what has been received. Errors come as 'error' events."""
        self.want_bytes()
        if chunk is None:
            self.push_eof()
            return False
        if isinstance(chunk, str):
            if not self.state & RD_DECODING:
                chunk = encode_as(chunk, encoding_of(encoding))
            elif encoding is not None and encoding_of(encoding) != encoding_of(self.chunks.encoding):
                chunk = (<Decoder>Decoder(self.chunks.encoding)).write(encode_as(chunk, encoding_of(encoding)))
        elif PyObject_CheckBuffer(chunk):
            chunk = bytes(chunk).decode("utf-8", "replace") if self.state & RD_DECODING else bytes(chunk)
        else:
            self.tear_down(invalid_arg_type("chunk", ("string", "Buffer", "TypedArray", "DataView"), chunk))
            return False
        if len(chunk) > 0:
            if self.state & RD_END_EMITTED:
                self.tear_down(misuse("ERR_STREAM_UNSHIFT_AFTER_END_EVENT"))
            elif self.state & (ST_DESTROYED | ST_ERRORED):
                return False
            else:
                self.add_chunk(chunk, True)
        return self.takes_more()

    def pause(self):
        """Stops the flow of 'data' events. What arrives meanwhile is buffered up to the high-water mark."""
        self.check_owner()
        self.do_pause()
        return self

    def resume(self):
        """Lets 'data' events flow, on the next tick."""
        self.check_owner()
        self.do_resume()
        return self

    def isPaused(self):
        """Whether `pause()` is in force."""
        return bool(self.state & RD_PAUSED or (self.state & (RD_FLOW_KNOWN | RD_FLOWING)) == RD_FLOW_KNOWN)

    def setEncoding(self, encoding=None):
        """Makes chunks come as str, decoded from `encoding` (None: `'utf8'`); a character split over two packets
        comes whole. Unknown encodings are `ERR_UNKNOWN_ENCODING`."""
        decoder = Decoder("utf8" if encoding is None else encoding)
        self.want_bytes()
        if self.chunks is None:
            self.chunks = Chunks.__new__(Chunks)
        chunks = self.chunks
        old = chunks.items[chunks.head:]
        # What has been decoded already stays as it is.
        text = "".join([chunk if isinstance(chunk, str) else decoder.write(chunk) for chunk in old])
        if self.state & RD_ENDED:
            text += decoder.end()
        chunks.items = [text] if text else []
        chunks.head = 0
        chunks.length = len(text)
        chunks.decoder = decoder
        chunks.encoding = decoder.encoding
        self.state |= RD_DECODING
        if text:
            self.state |= RD_BUFFERED
        else:
            self.state &= ~RD_BUFFERED
        return self

    @property
    def readable(self):
        """Whether data may still be read: not destroyed, no error, no 'end' yet."""
        return not self.state & (RD_DISABLED | ST_DESTROYED | ST_ERROR_EMITTED | RD_END_EMITTED)

    @property
    def readableFlowing(self):
        """True while data flows, False when it was stopped, None before anybody decided."""
        if not self.state & RD_FLOW_KNOWN:
            return None
        return bool(self.state & RD_FLOWING)

    @property
    def readableLength(self):
        """Bytes (characters, after `setEncoding`) received and not read."""
        return 0 if self.chunks is None else self.chunks.length

    @property
    def readableHighWaterMark(self):
        """How many bytes may wait to be read before receiving stops. Bytes; 65536 unless the option says otherwise."""
        return self.read_mark

    @property
    def readableEncoding(self):
        """The encoding set with `setEncoding`, in its normal spelling; None without one."""
        return None if self.chunks is None else self.chunks.encoding

    @property
    def readableEnded(self):
        """Whether 'end' has been emitted."""
        return bool(self.state & RD_END_EMITTED)

    @property
    def readableAborted(self):
        """Whether the stream was destroyed, or failed, before 'end'."""
        return bool(not self.state & (RD_DISABLED | RD_END_EMITTED) and self.state & (ST_DESTROYED | ST_ERRORED))

    @property
    def readableDidRead(self):
        """Whether any 'data' has been emitted, or relayed by a pipe."""
        if self.state & RD_RELAYING and self.c != NULL and nc_stream_bytes_received(self.c) > 0:
            return True
        return bool(self.state & RD_DATA_EMITTED)

    @property
    def readableObjectMode(self):
        """Always False: sockets carry bytes."""
        return False

    # -- writing -----------------------------------------------------------------------------------------------------

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
        if callback is None and encoding is not None and callable(encoding):
            callback, encoding = encoding, None
        if not callable(callback):
            callback = None
        if (self.state & (WR_PEER_ENDED | WR_ENDING)) == WR_PEER_ENDED | WR_ENDING:
            error = errno_error(<nc_status>NC_EPIPE, None)
            error.args = (error.args[0], "This socket has been ended by the other party")
            error.errno = None
            if callback is not None:
                self.loop_of().tick(callback_with, (callback, error))
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
            chunk = encode_as(chunk, form)
        elif not PyObject_CheckBuffer(chunk):
            raise invalid_arg_type("chunk", ("string", "Buffer", "TypedArray", "DataView"), chunk)
        if self.state & (WR_ENDING | ST_DESTROYED):
            if self.state & WR_ENDING:
                error = misuse("ERR_STREAM_WRITE_AFTER_END")
            else:
                error = misuse("ERR_STREAM_DESTROYED", "write")
            return self.refuse_write(error, callback)
        return self.submit(chunk, callback)

    cdef object refuse_write(self, object error, object callback):
        if callback is not None:
            self.loop_of().tick(callback_with, (callback, error))
        self.tear_down(error)
        return error

    cdef object refuse_raw(self, nc_status status, object callback):
        return self.refuse_now(errno_error(status, "write"), callback)

    cdef object refuse_now(self, object error, object callback):
        """A write that the socket below refuses at once: it counts as an error now and is told on a tick."""
        if not self.state & ST_ERRORED:
            self.state |= ST_ERRORED
            self.rarely().errored = error
        self.loop_of().tick_c(failed_write_tick_c, (self, error, callback))
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
        last.stream = self
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
        self.drain_now()
        while writes is not None and writes.waiting:
            first = writes.waiting[0]
            if not first.deferred or first.end > sent:
                break
            del writes.waiting[0]
            while first.count > 0:
                first.count -= 1
                call1(first.callback, None)
        return self.await_sent()

    cdef int drain_now(self) except -1:
        """Emits 'drain' if it is due."""
        if (self.state & (WR_NEED_DRAIN | WR_ENDING | ST_DESTROYED)) != WR_NEED_DRAIN or self.queued() > 0:
            return 0
        self.state &= ~WR_NEED_DRAIN
        self.emit0("drain")
        if self.rare is not None and self.rare.sources:
            for link in self.rare.sources:
                (<Link>link).drained()
        return 0

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
        self.emit0("prefinish")
        return self.loop_of().tick_c(finish_tick, self)

    cdef int write_failed(self, object error) except -1:
        """Sending failed. The write in progress is told, then those behind it, then the stream ends with the error."""
        if not self.state & ST_ERRORED:
            self.state |= ST_ERRORED
            self.rarely().errored = error
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
            return self.loop_of().tick(callback_with, (callback, error))
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
        cdef Writes writes = self.need_writes()
        self.writing_changed()
        writes.corked += 1
        self.state |= WR_HELD

    def uncork(self):
        """Sends what was written since `cork()`."""
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
        encoding_of(check_string(encoding, "encoding"))
        self.need_writes().encoding = encoding
        return self

    @property
    def writable(self):
        """Whether data may still be written: not ended, not destroyed, no error."""
        return can_write(self)

    @property
    def writableLength(self):
        """Bytes written and not taken by the kernel yet."""
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
        return 0 if self.writes is None else self.writes.corked

    @property
    def writableObjectMode(self):
        """Always False: sockets carry bytes."""
        return False

    # -- ending ------------------------------------------------------------------------------------------------------

    cdef int tear_down(self, object error) except -1:
        cdef Loop loop
        if self.state & ST_DESTROYED:
            return 0
        self.enter()
        loop = self._loop
        if error is not None:
            self.rarely().failure = error
            if not self.state & ST_ERRORED:
                self.state |= ST_ERRORED
                self.rare.errored = error
        self.want_bytes()
        self.writing_changed()
        self.state |= ST_DESTROYED
        if self.state & ST_CONNECTING:
            self.state |= ST_WAS_PENDING
        if self.writes is not None and (self.writes.held or self.writes.on_finish is not None):
            loop.tick_c(fail_tick, self)
        return self.close_handle(error)

    def destroy(self, error=None):
        """Ends the stream at once, in both directions. `error`, if given and not False, is emitted as 'error'; 'close'
        follows."""
        self.check_owner()
        self.tear_down(error if is_truthy(error) else None)
        return self

    @property
    def destroyed(self):
        """Whether the stream has been destroyed, by `destroy()` or because both sides ended."""
        return bool(self.state & ST_DESTROYED)

    @property
    def closed(self):
        """Whether the stream's resources have been given back."""
        return bool(self.state & ST_CLOSED)

    @property
    def errored(self):
        """The exception that ended the stream, or None."""
        return self.rare.errored if self.state & ST_ERRORED else None

    @property
    def allowHalfOpen(self):
        """Whether the writable side stays open when the other party ends."""
        return bool(self.state & ST_HALF_OPEN)

    @allowHalfOpen.setter
    def allowHalfOpen(self, value):
        if value:
            self.state |= ST_HALF_OPEN
        else:
            self.state &= ~ST_HALF_OPEN


def callback_with(callback, error):
    call1(callback, error)


cdef Py_ssize_t memory_size(object data) except -1:
    if type(data) is bytes:
        return PyBytes_GET_SIZE(data)
    return memoryview(data).nbytes

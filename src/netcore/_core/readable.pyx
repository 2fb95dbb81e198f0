"""The side of a stream that is read: Node's readable state machine.

A chunk that arrives while somebody listens for 'data' goes straight to the listener. Everything else (buffered reading,
decoding, pausing, the end) follows Node's streams step by step, because the order in which events come, and on which
tick, is what programs written for Node rely on.
"""

from cpython.buffer cimport PyObject_CheckBuffer
from libc.stdint cimport uint64_t

from netcore._core.emitter cimport EventEmitter
from netcore._core.encoding cimport Decoder, encode_as, encoding_of, plain_text
from netcore._core.errors cimport invalid_arg_type, misuse, out_of_range
from netcore._core.nc cimport nc_stream_bytes_received
from netcore._core.stream cimport DEFAULT_MARK, Link, Stream, go_on_there, has_left
from netcore._core.stream_state cimport *

cdef Py_ssize_t EVERYTHING = -1
cdef Py_ssize_t LARGEST_MARK = 0x40000000

# A chunk goes straight to the 'data' listeners when of all these bits exactly these two are set.
cdef uint64_t DATA_BITS = (
    RD_FLOWING | RD_DATA_LISTENING | RD_BUFFERED | RD_DECODING | RD_ONREAD | RD_SYNC | RD_ENDED | ST_DESTROYED | ST_ERRORED
)
cdef uint64_t DATA_FLOWS = RD_FLOWING | RD_DATA_LISTENING


cdef object asked_for(object size):
    """What `read` was asked for: a whole number, or EVERYTHING for what is none, as in Node."""
    if size is None or isinstance(size, bool):
        return EVERYTHING
    try:
        return max(int(size), 0)
    except (TypeError, ValueError, OverflowError):
        return EVERYTHING


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


# -- ticks -----------------------------------------------------------------------------------------------------------

cdef int resume_tick(object stream) except -1:
    cdef Readable self = stream
    if not self.state & RD_READING:
        self.take(0)
    self.state &= ~RD_RESUME_SCHEDULED
    here = self._loop
    self.emit0("resume")
    return go_on_there(self, flow_on) if has_left(self, here) else flow_on(self)


cdef int flow_on(object stream) except -1:
    cdef Readable self = stream
    here = self._loop
    self.source_flows()
    self.flow()
    if has_left(self, here):
        return 0
    if (self.state & (RD_FLOWING | RD_READING)) == RD_FLOWING:
        self.take(0)
    return self.source_flows()


cdef int readable_tick(object stream) except -1:
    return (<Readable>stream).readable_now()


cdef int readable_told(object stream) except -1:
    cdef Readable self = stream
    self.state &= ~RD_EMITTED_READABLE
    return self.look_on()


cdef int pause_told(object stream) except -1:
    cdef Readable self = stream
    if not self.state & RD_FLOWING:
        self.state |= RD_PAUSE_KNOWN | RD_PAUSED
    return 0


cdef int read_nothing_tick(object stream) except -1:
    (<Readable>stream).take(0)
    return 0


cdef int read_more_tick(object stream) except -1:
    cdef Readable self = stream
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


cdef int end_tick(object stream) except -1:
    cdef Readable self = stream
    self.state &= ~RD_END_SCHEDULED
    if self.state & (ST_ERRORED | ST_CLOSE_EMITTED | RD_END_EMITTED | RD_BUFFERED):
        return 0
    self.state |= RD_END_EMITTED
    if not self.state & (ST_HALF_OPEN | ST_END_UNHEARD):
        self.state |= WR_PEER_ENDED
    self._staying += 1
    try:
        self.emit0("end")
        if self.rare is not None and self.rare.pipes:
            for link in self.rare.pipes:
                (<Link>link).source_ended()
    finally:
        self._staying -= 1
    return self.reading_ended()


cdef int listening_tick(object stream) except -1:
    """After a 'readable' listener has gone: back to flowing, if that is what remains to be done."""
    cdef Readable self = stream
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


# -- the listeners that a stream has by itself -------------------------------------------------------------------------

def _on_end():
    """Every stream listens to its own 'end', as in Node; what is to be done then is done where 'end' is emitted."""


cdef object own_end = _on_end
cdef tuple FRESH_TABLE = ("end", own_end)


# -- the stream ------------------------------------------------------------------------------------------------------

cdef class Readable(Stream):
    """A stream that can be read, with the behaviour of Node's `stream.Readable`."""

    def __cinit__(self):
        self.read_mark = DEFAULT_MARK
        self._table = FRESH_TABLE

    cdef int read_more(self) except -1:
        return 0

    cdef int read_no_more(self) except -1:
        return 0

    cdef int reading_ended(self) except -1:
        """'end' has been emitted."""
        return 0

    cdef int deliver(self, object chunk) except -1:
        """A chunk has arrived. The answer is 0 when nobody wants more for now."""
        if (self.state & DATA_BITS) == DATA_FLOWS:
            self.state |= RD_DATA_EMITTED
            self.emit1("data", chunk)
            return 1
        return self.push(chunk)

    cdef int push(self, object chunk) except -1:
        if self.state & (ST_DESTROYED | ST_ERRORED):
            return 0
        if self.state & RD_ENDED: # by unshift(None)
            return self.tear_down(misuse("ERR_STREAM_PUSH_AFTER_EOF"))
        self.state &= ~RD_READING
        if self.state & RD_DECODING:
            chunk = (<Decoder>self.chunks.decoder).write(chunk)
            if len(chunk) == 0:
                self.maybe_read_more()
                return self.takes_more()
        here = self._loop
        self.add_chunk(chunk, False)
        return not has_left(self, here) and self.takes_more()

    cdef int add_chunk(self, object chunk, bint in_front) except -1:
        if (self.state & (RD_FLOWING | RD_SYNC | RD_DATA_LISTENING | RD_BUFFERED)) == DATA_FLOWS:
            self.forget_awaited()
            self.state |= RD_DATA_EMITTED
            here = self._loop
            self.emit1("data", chunk)
            if has_left(self, here):
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
            here = self.loop_of()
            self.emit0("readable")
            return go_on_there(self, readable_told) if has_left(self, here) else readable_told(self)
        return self.look_on()

    cdef int look_on(self) except -1:
        """What follows after 'readable'."""
        if not self.state & (RD_FLOWING | RD_ENDED):
            if self.chunks is None or self.chunks.length <= self.read_mark:
                self.state |= RD_NEED_READABLE
        return self.flow()

    cdef int flow(self) except -1:
        here = self._loop
        while self.state & RD_FLOWING:
            if self.take(EVERYTHING) is None:
                break
            if has_left(self, here):
                return go_on_there(self, flow_on)
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
            here = self.loop_of()
            self.emit0("pause")
            if has_left(self, here):
                return go_on_there(self, pause_told)
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

    def read(self, size=None):
        """Takes `size` bytes (or characters, after `setEncoding`) out of what has been received; None if there are
        not that many yet. Without `size`, takes what there is."""
        self.check_caller()
        self.want_bytes()
        wanted = asked_for(size)
        if wanted > self.read_mark:
            if wanted > LARGEST_MARK:
                raise out_of_range("size", "<= 1GiB", size)
            self.read_mark = 1 << (wanted - 1).bit_length()
        self.enter()
        return self.take(wanted)

    def unshift(self, chunk, encoding=None):
        """Puts a chunk back in front of what has been received. Errors come as 'error' events."""
        self.check_caller()
        self.want_bytes()
        if chunk is None:
            self.push_eof()
            return False
        if isinstance(chunk, str):
            chunk = plain_text(chunk)
            if not self.state & RD_DECODING:
                chunk = encode_as(chunk, encoding_of(encoding))
            elif encoding is not None and encoding_of(encoding) != encoding_of(self.chunks.encoding):
                chunk = (<Decoder>Decoder(self.chunks.encoding)).write(encode_as(chunk, encoding_of(encoding)))
        elif PyObject_CheckBuffer(chunk):
            chunk = bytes(chunk)
            self.check_caller() # the chunk may have moved the socket
            if self.state & RD_DECODING:
                chunk = chunk.decode("utf-8", "replace")
        else:
            self.tear_down(invalid_arg_type("chunk", ("string", "Buffer", "TypedArray", "DataView"), chunk))
            return False
        if len(chunk) > 0:
            if self.state & RD_END_EMITTED:
                self.tear_down(misuse("ERR_STREAM_UNSHIFT_AFTER_END_EVENT"))
            elif self.state & (ST_DESTROYED | ST_ERRORED):
                return False
            else:
                here = self.loop_of()
                self.add_chunk(chunk, True)
                if has_left(self, here):
                    return True
        return self.takes_more()

    def pause(self):
        """Stops the flow of 'data' events. What arrives meanwhile is buffered up to the high-water mark."""
        self.check_caller()
        self.do_pause()
        return self

    def resume(self):
        """Lets 'data' events flow, on the next tick."""
        self.check_caller()
        self.do_resume()
        return self

    def isPaused(self):
        """Whether `pause()` is in force."""
        return bool(self.state & RD_PAUSED or (self.state & (RD_FLOW_KNOWN | RD_FLOWING)) == RD_FLOW_KNOWN)

    def setEncoding(self, encoding=None):
        """Makes chunks come as str, decoded from `encoding` (None: `'utf8'`); a character split over two packets
        comes whole. Unknown encodings are `ERR_UNKNOWN_ENCODING`."""
        self.check_caller()
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
        self.check_caller()
        return 0 if self.chunks is None else self.chunks.length

    @property
    def readableHighWaterMark(self):
        """How many bytes may wait to be read before receiving stops. Bytes; 65536 unless the option says otherwise."""
        return self.read_mark

    @property
    def readableEncoding(self):
        """The encoding set with `setEncoding`, in its normal spelling; None without one."""
        self.check_caller()
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
        self.check_caller()
        if self.state & RD_RELAYING and self.c != NULL and nc_stream_bytes_received(self.c) > 0:
            return True
        return bool(self.state & RD_DATA_EMITTED)

    @property
    def readableObjectMode(self):
        """Always False: sockets carry bytes."""
        return False

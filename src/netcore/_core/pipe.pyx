# cython: nonecheck=True
"""Pipes: what one stream receives is written to another object, which may hold it back.

Between two sockets a pipe is a native relay whenever it can be: the core moves the bytes from socket to socket, and
Python hears of the end and of errors only. While one of the two is still being connected the relay waits, and nothing
is read. It can be as long as nobody looks at the bytes. A 'data' or 'readable'
listener, a decoder, read(), pause(), a second pipe, and cork() or end() of the destination make it an ordinary pipe,
which is a 'data' listener that writes; the core hands over what it holds, so no byte is lost or overtaken. When
the source flows freely again, so does the relay.
"""

import io
import sys

from netcore._core.nc cimport nc_relay_start, nc_relay_stop, nc_stream_read_stop
from netcore._core.stream cimport Link, Rare, Stream
from netcore._core.stream_state cimport *

# A relay needs a source that flows and has nothing of its own, ...
cdef uint64_t SOURCE_BITS = (
    ST_HANDLE | RD_FLOWING | ST_DESTROYED | ST_ERRORED | RD_BUFFERED | RD_DECODING | RD_ONREAD | RD_ENDED
    | RD_READABLE_LISTENING | RD_DISABLED
)
cdef uint64_t SOURCE_FLOWS = ST_HANDLE | RD_FLOWING
# ... and a destination that takes what is written to it.
cdef uint64_t TARGET_BITS = ST_HANDLE | ST_DESTROYED | ST_ERRORED | WR_ENDING | WR_HELD | WR_DISABLED | WR_OVERRIDDEN


cdef int ended_tick(object item) except -1:
    _, pipe = item
    return (<Pipe>pipe).source_ended()


cdef int open_pipe(Duplex source, object dest, bint end) except -1:
    cdef Pipe pipe = Pipe.__new__(Pipe)
    pipe.source = source
    pipe.dest = dest
    pipe.target = dest if isinstance(dest, Duplex) else None
    pipe.end = end
    if pipe.target is not None:
        pipe.target.check_caller()
    source._staying += 1
    try:
        return pipe.open()
    finally:
        source._staying -= 1


cdef int close_pipe(Duplex source, object dest) except -1:
    """Ends the pipe to `dest`, or all pipes if it is None."""
    cdef Pipe pipe
    if source.rare is None or not source.rare.pipes:
        return 0
    if dest is None:
        source._staying += 1
        try:
            return close_all(source)
        finally:
            source._staying -= 1
    for link in source.rare.pipes:
        pipe = link
        if pipe.dest is dest:
            return pipe.unpipe()
    return 0


cdef int close_all(Duplex source) except -1:
    cdef Pipe pipe
    pipes = source.rare.pipes
    source.want_bytes()
    source.rare.pipes = ()
    source.do_pause()
    for link in pipes:
        pipe = link
        pipe.clean_up()
        tell(pipe, False)
    return 0


cdef int tell(Pipe pipe, bint begins) except -1:
    """Emits 'pipe' or 'unpipe' on the destination."""
    if pipe.target is not None:
        if begins:
            pipe.target.emit1("pipe", pipe.source)
        elif pipe.target.hears("unpipe"):
            pipe.target.emit2("unpipe", pipe.source, {"hasUnpiped": False})
    elif hasattr(pipe.dest, "emit"):
        pipe.dest.emit("pipe" if begins else "unpipe", pipe.source)
    return 0


cdef tuple without(tuple pipes, Pipe pipe):
    if len(pipes) == 1:
        return ()
    return tuple([other for other in pipes if other is not pipe])


cdef class Pipe(Link):
    """One pipe, seen from both of its ends."""

    cdef int open(self) except -1:
        cdef Duplex source = self.source
        cdef Rare rare = source.rarely()
        if rare.pipes:
            source.want_bytes()
            if not isinstance(rare.awaiting, set):
                rare.awaiting = set() if rare.awaiting is None else {rare.awaiting}
        rare.pipes += (self,)
        source.enter()
        if source.state & RD_END_EMITTED:
            source._loop.tick_c(ended_tick, (source, self))
        self.watch_dest()
        source.state |= RD_DATA_LISTENING
        if source.state & (RD_FLOWING | RD_READABLE_LISTENING) or len(rare.pipes) > 1:
            self.source_flows()
        tell(self, True)
        if self.dest_is_full():
            self.attach()
            return self.hold_source()
        if not source.state & RD_FLOWING:
            source.do_resume()
        return 0

    cdef int watch_dest(self) except -1:
        cdef Rare rare
        if self.target is not None:
            rare = self.target.rarely()
            rare.sources += (self,)
        elif hasattr(self.dest, "on"):
            add_first = getattr(self.dest, "prependListener", self.dest.on)
            add_first("error", self.on_error)
            self.dest.on("close", self.on_close)
            self.dest.on("finish", self.on_finish)
            self.dest.on("drain", self.on_drain)
        return 0

    cdef object listener_at(self, Stream stream, object name):
        if self.over:
            return None
        if stream is self.source and name == "data" and not self.attached:
            return self.write_chunk
        if stream is self.source and name == "end":
            return self.on_source_end
        if stream is not self.target:
            return None
        if name == "drain" and not self.awaited():
            return None
        return {
            "unpipe": self.on_unpipe, "drain": self.on_drain, "error": self.on_error, "close": self.on_close,
            "finish": self.on_finish,
        }.get(name)

    cdef bint awaited(self):
        awaiting = self.source.rare.awaiting
        return awaiting is self.dest or isinstance(awaiting, set) and self.dest in awaiting

    def on_source_end(self):
        self.source_ended()

    def on_unpipe(self):
        self.unpipe()

    cdef bint dest_is_full(self) except -1:
        if self.target is not None:
            return self.target.needs_drain()
        return getattr(self.dest, "writableNeedDrain", False) is True

    def on_error(self, error=None):
        self.failed()
        listeners = getattr(self.dest, "listenerCount", None)
        if listeners is not None and listeners("error") == 0:
            self.dest.emit("error", error)

    def on_close(self):
        self.closed()

    def on_finish(self):
        self.finished()

    def on_drain(self):
        self.drained()

    def on_full(self):
        self.hold_source()

    # -- the two ways of the bytes -----------------------------------------------------------------------------------

    cdef int source_flows(self) except -1:
        """The source flows: natively if it can, else through a listener."""
        if self.waiting:
            return self.begin()
        if self.native or self.over or self.go_native():
            return 0
        return self.attach()

    cdef bint go_native(self) except -1:
        cdef Duplex source = self.source
        cdef Duplex target = self.target
        if (source.state & SOURCE_BITS) != SOURCE_FLOWS or target is None:
            return False
        if (target.state & TARGET_BITS) != ST_HANDLE or target._loop is not source._loop:
            return False
        if len(source.rare.pipes) != 1 or source._overridden:
            return False
        if self.attached:
            self.detach()
        if source.has("data"):
            return False
        if (source.state | target.state) & ST_CONNECTING:
            self.waiting = True
            if source.state & RD_STARTED:
                nc_stream_read_stop(source.c)
        elif nc_relay_start(source.c, target.c, False) != 0:
            return False
        self.native = True
        source.state |= RD_RELAYING | RD_STARTED | RD_READING | RD_DATA_LISTENING
        target.state |= WR_RELAYED_TO
        source.enter()
        return True

    cdef int begin(self) except -1:
        """The relay that waited begins, if both ends are connected now."""
        if (self.source.state | self.target.state) & ST_CONNECTING:
            return 0
        self.waiting = False
        if nc_relay_start(self.source.c, self.target.c, False) != 0:
            return self.fall_back()
        return self.source.enter()

    cdef int relay_ended(self) except -1:
        """The relay has come to its end in the core, or is to."""
        cdef Duplex target = self.target
        self.native = False
        self.waiting = False
        if self.source.readableDidRead:
            self.source.state |= RD_DATA_EMITTED
        self.source.state &= ~(RD_RELAYING | RD_STARTED | RD_READING)
        target.state &= ~WR_RELAYED_TO
        for link in target.rare.sources:
            if (<Pipe>link).native:
                target.state |= WR_RELAYED_TO
        return 0

    cdef int fall_back(self) except -1:
        cdef Duplex source = self.source
        if not self.native:
            return 0
        self.relay_ended()
        if source.c != NULL:
            nc_relay_stop(source.c)
        self.attach()
        if source.c != NULL and not source.state & (RD_ENDED | ST_DESTROYED):
            source.state |= RD_READING
            return source.read_more()
        return 0

    cdef int attach(self) except -1:
        if self.attached:
            return 0
        self.attached = True
        if self.listener is None:
            self.listener = self.write_chunk
        self.source.listen_to("data", self.listener, False)
        return 0

    cdef int detach(self) except -1:
        if not self.attached:
            return 0
        self.attached = False
        self.source.forget("data", self.listener)
        return 0

    def write_chunk(self, chunk):
        """Hears the source's 'data'."""
        try:
            self.write_out(chunk)
        except Exception as error:
            destroy = getattr(self.dest, "destroy", None)
            if destroy is None:
                self.unpipe()
                raise
            destroy(error)

    cdef int write_out(self, object chunk) except -1:
        answer = self.dest.write(chunk)
        if answer is False:
            return self.hold_source()
        if self.target is None and isinstance(self.dest, io.RawIOBase):
            rest = memoryview(chunk)[answer or 0:]
            while rest:
                rest = rest[self.dest.write(rest) or 0:]
        return 0

    # -- holding back ------------------------------------------------------------------------------------------------

    cdef int hold_source(self) except -1:
        """The destination wants no more for now: the source pauses until its 'drain'."""
        cdef Rare rare = self.source.rare
        there = self.source.elsewhere() # by what write() did
        if there is not None:
            there.post(self.on_full)
            return 0
        if self.over:
            return 0
        if len(rare.pipes) == 1:
            rare.awaiting = self.dest
        else:
            if not isinstance(rare.awaiting, set):
                rare.awaiting = set()
            rare.awaiting.add(self.dest)
        return self.source.do_pause()

    cdef int drained(self) except -1:
        cdef Rare rare = self.source.rare
        there = self.source.elsewhere() # of a destination that is no socket, and on any thread
        if there is not None:
            there.post(self.on_drain)
            return 0
        if rare.awaiting is None:
            return 0
        if rare.awaiting is self.dest:
            rare.awaiting = None
        elif isinstance(rare.awaiting, set):
            rare.awaiting.discard(self.dest)
        if not rare.awaiting and self.source.state & RD_DATA_LISTENING:
            return self.source.do_resume()
        return 0

    # -- the end -----------------------------------------------------------------------------------------------------

    cdef int source_ended(self) except -1:
        if self.over:
            return 0
        if not self.end:
            return self.unpipe()
        if self.target is not None:
            return self.target.do_end()
        end = getattr(self.dest, "end", None)
        if end is None and self.dest not in (sys.stdout, sys.stderr, sys.stdout.buffer, sys.stderr.buffer):
            end = getattr(self.dest, "close", None)
        if end is not None:
            end()
        return 0

    cdef int finished(self) except -1:
        return self.unpipe()

    cdef int closed(self) except -1:
        return self.unpipe()

    cdef int failed(self) except -1:
        return self.unpipe()

    cdef int unpipe(self) except -1:
        cdef Duplex source = self.source
        cdef Rare rare = source.rare
        there = source.elsewhere()
        if there is not None:
            there.post(self.on_unpipe)
            return 0
        if self.over or self not in rare.pipes:
            return 0
        source._staying += 1
        try:
            self.fall_back()
            rare.pipes = without(rare.pipes, self)
            if not rare.pipes:
                source.do_pause()
            self.clean_up()
        finally:
            source._staying -= 1
        return tell(self, False)

    cdef int clean_up(self) except -1:
        """Takes the pipe off both its ends."""
        self.over = True
        self.detach()
        self.listener = None
        if self.target is not None:
            self.target.rare.sources = without(self.target.rare.sources, self)
        elif hasattr(self.dest, "removeListener"):
            for event, listener in (
                ("error", self.on_error), ("close", self.on_close), ("finish", self.on_finish), ("drain", self.on_drain)
            ):
                self.dest.removeListener(event, listener)
        if not self.source.rare.pipes and not self.source.has("data"):
            self.source.state &= ~RD_DATA_LISTENING
        return self.drained()

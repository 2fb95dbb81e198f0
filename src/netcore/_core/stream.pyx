"""What both sides of a stream share: its state, its pipes as they are seen from it, and how it ends.

`stream_state.pxd` lists the state, bit by bit. `Readable` and, on top of it, `Duplex` are the two sides.
"""

cimport cython

from netcore._core.arguments cimport is_truthy
from netcore._core.emitter cimport EventEmitter
from netcore._core.loop cimport Handle, Loop, current_loop, tick_fn
from netcore._core.stream_state cimport *

# The events that come first in eventNames(), in this order, whenever they got their listeners.
cdef tuple PIPE_EVENTS = ("data", "end", "unpipe", "drain", "error", "close", "finish")
cdef tuple RESERVED_EVENTS = ("close", "error", "prefinish", "finish", "drain", "data", "end", "readable")


@cython.freelist(64)
cdef class Rare:
    def __cinit__(self):
        self.tos = -1
        self.pipes = ()
        self.sources = ()


cdef class Link:
    cdef object listener_at(self, Stream stream, object name):
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


# -- ticks -------------------------------------------------------------------------------------------------------------

cdef int close_tick(object stream) except -1:
    (<Stream>stream).state |= ST_CLOSE_EMITTED
    return 0


cdef int error_close_tick(object stream) except -1:
    cdef Stream self = stream
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


# -- to another thread's loop ------------------------------------------------------------------------------------------

@cython.final
cdef class _Step:
    """What is to be done where a stream has moved to, or has been sent on to since."""

    cdef tick_fn fn

    def __call__(self, Stream stream not None):
        if stream._loop is current_loop():
            self.fn(stream)
        else:
            go_on_there(stream, self.fn)


cdef int go_on_there(Stream stream, tick_fn fn) except -1:
    cdef _Step step = _Step.__new__(_Step)
    step.fn = fn
    stream._loop.post(step, stream)
    return 0


# -- the stream --------------------------------------------------------------------------------------------------------

cdef class Stream(Handle):
    """What both sides of a stream share."""

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
        if self.state & ST_MOVING:
            self.arrive()
        if not loop.in_turn:
            loop.touch()
        return 0

    cdef int check_caller(self) except -1:
        """Refuses the call if the stream is of another thread's loop. One that has just come to this thread arrives."""
        if self._loop is None:
            return 0
        self._loop.check_caller()
        return self.arrive() if self.state & ST_MOVING else 0

    # -- pipes ---------------------------------------------------------------------------------------------------------

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

    # -- the end -------------------------------------------------------------------------------------------------------

    cdef int tear_down(self, object error) except -1:
        if self.state & ST_DESTROYED:
            return 0
        self.enter()
        if error is not None:
            self.rarely().failure = error
            self.note_error(error)
        self.want_bytes()
        self.writing_changed()
        self.state |= ST_DESTROYED
        if self.state & ST_CONNECTING:
            self.state |= ST_WAS_PENDING
        self.drop_writes()
        return self.close_handle(error)

    cdef int note_error(self, object error) except -1:
        """The stream has failed. The first error is the one that it tells."""
        if not self.state & ST_ERRORED:
            self.state |= ST_ERRORED
            self.rarely().errored = error
        return 0

    cdef int close_handle(self, object error) except -1:
        return 0

    cdef int drop_writes(self) except -1:
        """What has been written and not handed to the core will never be sent."""
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

    def destroy(self, error=None):
        """Ends the stream at once, in both directions. `error`, if given and not False, is emitted as 'error'; 'close'
        follows."""
        self.check_caller()
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
        self.check_caller()
        return self.rare.errored if self.state & ST_ERRORED else None

# cython: nonecheck=True
"""Streams and servers in coroutines: `async for` and `async with`."""

from collections import deque

from cpython.pythread cimport PyThread_get_thread_ident

from netcore._core.errors cimport abort_error, misuse
from netcore._core.loop cimport Handle, Loop
from netcore._core.promise cimport Promise
from netcore._core.duplex cimport Duplex
from netcore._core.stream cimport Rare
from netcore._core.stream_state cimport *


cdef Promise settled(object value):
    cdef Promise promise = Promise.__new__(Promise)
    promise.resolve(value)
    return promise


cdef Promise stopped():
    cdef Promise promise = Promise.__new__(Promise)
    promise.reject(StopAsyncIteration())
    return promise


cdef int let_go(Handle source, object close) except -1:
    """Ends an iteration that nobody holds any more, on the thread of its loop. This one may be any: the last reference
    goes where it goes, and a collection of garbage runs wherever it is due."""
    cdef Loop loop = source._loop
    if loop is None or loop.thread == 0 or loop.thread == PyThread_get_thread_ident():
        close()
    else:
        loop.post(close)
    return 0


# -- chunks ----------------------------------------------------------------------------------------------------------

cdef int iterated_tick(object stream) except -1:
    """After the iteration: destroys the stream, with an error if it could still be written to."""
    cdef Duplex self = stream
    return self.tear_down(abort_error() if self.writable else None)


cdef class ChunkIterator:
    """The chunks of a stream, one after the other, until its end; an error of the stream is raised.

    A loop that is left early destroys the stream, as in Node: nobody would read what it still has.
    """

    cdef Duplex stream
    cdef Promise waiting
    cdef object error
    cdef bint started, over

    def __aiter__(self):
        return self

    def __anext__(self):
        self.stream.check_caller()
        if self.over:
            return stopped()
        if not self.started:
            self.start()
        if self.waiting is not None and not self.waiting.done():
            raise RuntimeError("two coroutines cannot wait for the same stream's next chunk")
        waiting = self.waiting = Promise.__new__(Promise)
        self.look()
        return waiting

    def aclose(self):
        """Ends the iteration, and the stream if it has not ended by itself."""
        self.stream.check_caller()
        self.leave()
        return settled(None)

    def __del__(self):
        if self.started and not self.over:
            let_go(self.stream, self.aclose)

    cdef int start(self) except -1:
        cdef Rare rare = self.stream.rarely()
        self.started = True
        rare.iterations += 1
        self.stream.listen_to("readable", self.look_again, False)
        self.stream.listen_to("end", self.look_again, False)
        self.stream.listen_to("close", self.look_again, False)
        self.stream.listen_to("error", self.failed, False)
        return 0

    def look_again(self):
        self.look()

    def failed(self, error):
        self.error = error
        self.look()

    cdef int look(self) except -1:
        """Settles the promise that is waited for, if there is something to settle it with."""
        cdef Duplex stream = self.stream
        cdef Promise waiting = self.waiting
        if waiting is None or waiting.done():
            return 0
        chunk = None if stream.state & ST_DESTROYED else stream.take(-1)
        if chunk is not None:
            waiting.resolve(chunk)
        elif stream.state & ST_ERRORED:
            self.finish()
            waiting.reject(stream.rare.errored)
        elif stream.state & RD_END_EMITTED:
            self.finish()
            waiting.reject(StopAsyncIteration())
            # After the ticks, among which the stream ends its writable side, and after the coroutine has gone on.
            stream._loop.microtask_c(iterated_tick, stream)
        elif stream.state & ST_CLOSED:
            self.finish()
            waiting.reject(misuse("ERR_STREAM_PREMATURE_CLOSE"))
        return 0

    cdef int finish(self) except -1:
        """No more chunks. 'error' stays heard, because whoever iterates is told of it by other means, and 'readable', so
        that the stream, which is about to be destroyed, does not begin to flow."""
        self.over = True
        self.waiting = None
        self.stream.rare.iterations -= 1
        self.stream.forget("end", self.look_again)
        self.stream.forget("close", self.look_again)
        return 0

    cdef int leave(self) except -1:
        if self.over or not self.started:
            return 0
        self.finish()
        if not self.stream.state & ST_DESTROYED:
            self.stream.listen_to("error", unheard, False)
            self.stream.tear_down(abort_error())
        return 0


def unheard(error):
    """Hears an error that has been told already."""


cdef object chunks_of(Duplex stream):
    cdef ChunkIterator chunks = ChunkIterator.__new__(ChunkIterator)
    chunks.stream = stream
    return Listening(chunks, stream)


cdef class Listening:
    """What a coroutine holds of an iteration. The stream's listeners hold the iterator; when nobody holds this, the loop
    over it has been left."""

    cdef object inner
    cdef Handle source

    def __cinit__(self, inner, Handle source not None):
        self.inner = inner
        self.source = source

    def __aiter__(self):
        return self

    def __anext__(self):
        return self.inner.__anext__()

    def aclose(self):
        """Ends the iteration."""
        return self.inner.aclose()

    def __del__(self):
        if self.inner is not None:
            let_go(self.source, self.inner.aclose)


# -- connections -----------------------------------------------------------------------------------------------------

cdef class ConnectionIterator:
    """The connections of a server, one after the other, until it closes."""

    cdef Handle server
    cdef object ready
    cdef Promise waiting
    cdef bint over

    def __anext__(self):
        if self.ready:
            return settled(self.ready.popleft())
        if self.over:
            return stopped()
        self.waiting = Promise.__new__(Promise)
        return self.waiting

    def aclose(self):
        """Ends the iteration; the server goes on."""
        self.finish()
        return settled(None)

    def connected(self, socket):
        waiting, self.waiting = self.waiting, None
        if waiting is None or not waiting.resolve(socket):
            self.ready.append(socket)

    def closed(self):
        self.finish()
        waiting, self.waiting = self.waiting, None
        if waiting is not None:
            waiting.reject(StopAsyncIteration())

    cdef int finish(self) except -1:
        if not self.over:
            self.over = True
            self.server.forget("connection", self.connected)
            self.server.forget("close", self.closed)
        return 0


cdef object connections_of(Handle server):
    cdef ConnectionIterator connections = ConnectionIterator.__new__(ConnectionIterator)
    connections.server = server
    connections.ready = deque()
    server.listen_to("connection", connections.connected, False)
    server.listen_to("close", connections.closed, False)
    return Listening(connections, server)


# -- async with ------------------------------------------------------------------------------------------------------

cdef Promise closing_of(Duplex stream, bint failed):
    cdef Promise promise = Promise.__new__(Promise)
    if stream.state & ST_CLOSE_EMITTED:
        promise.resolve()
        return promise
    stream.listen_to("error", unheard, False)
    stream.listen_to("close", lambda: promise.resolve(), True)
    if failed or stream.state & ST_CONNECTING:
        stream.tear_down(None)
    else:
        stream.destroySoon()
    return promise


cdef Promise opening_of(Duplex stream):
    # Untyped, so that `promise.reject` is the bound method and not the C function.
    cdef object promise
    if not stream.state & ST_CONNECTING:
        return settled(stream)
    promise = Promise.__new__(Promise)

    def failed(error):
        promise.reject(error)

    def connected():
        stream.forget("error", failed)
        promise.resolve(stream)

    stream.listen_to("connect", connected, True)
    stream.listen_to("error", failed, True)
    return promise

"""The option `onread`: what arrives is put into buffers of the user's and handed to a callback, past the stream."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

from netcore._core.arguments cimport memory_of
from netcore._core.errors cimport invalid_arg_value
from netcore._core.stream_state cimport *


cdef OnRead onread_of(object option):
    cdef OnRead made
    if option is None or not hasattr(option, "get"):
        return None
    buffer, callback = option.get("buffer"), option.get("callback")
    if not callable(callback):
        return None
    made = OnRead.__new__(OnRead)
    made.callback = callback
    if callable(buffer) and not PyObject_CheckBuffer(buffer):
        made.make = buffer
        buffer = buffer()
    elif not PyObject_CheckBuffer(buffer):
        return None
    made.use(buffer)
    return made


cdef int rest_tick(object stream) except -1:
    cdef Duplex self = stream
    cdef OnRead onread = self.rare.onread
    rest = onread.rest
    if rest is None or not self.state & RD_STARTED:
        return 0
    onread.rest = None
    return onread.feed(self, PyBytes_AS_STRING(rest), PyBytes_GET_SIZE(rest))


cdef class OnRead:
    cdef int use(self, object buffer) except -1:
        self.memory = memory_of(buffer) if PyObject_CheckBuffer(buffer) else buffer
        self.buffer = buffer
        return 0

    cdef int feed(self, Duplex stream, const char *data, Py_ssize_t size) except -1:
        cdef Py_buffer view
        cdef Py_ssize_t done = 0
        cdef Py_ssize_t part
        while done < size and not stream.state & ST_DESTROYED:
            buffer = self.buffer
            PyObject_GetBuffer(self.memory, &view, PyBUF_SIMPLE | PyBUF_WRITABLE)
            part = min(view.len, size - done)
            memcpy(view.buf, data + done, part)
            PyBuffer_Release(&view)
            if part == 0:
                raise invalid_arg_value("onread.buffer", buffer, "must not be empty")
            if done == 0 and part < size:
                # What is left has to outlast the callback, which may do anything to the stream.
                whole = PyBytes_FromStringAndSize(data, size)
                data = PyBytes_AS_STRING(whole)
            done += part
            try:
                wants_more = self.call(stream, part, buffer)
            except BaseException:
                if self.keep(stream, data + done, size - done):
                    stream._loop.tick_c(rest_tick, stream)
                raise
            if not wants_more:
                self.keep(stream, data + done, size - done)
                stream.read_no_more()
                break
        if stream.state & ST_DESTROYED:
            stream.received_at_close -= size - done # Node has not read what nobody was given
        return 0

    cdef bint call(self, Duplex stream, Py_ssize_t size, object buffer) except -1:
        """Whether the callback wants more."""
        stream._staying += 1 # there may be more of what has come
        try:
            answer = self.callback(size, buffer)
            following = None if self.make is None else self.make()
        finally:
            stream._staying -= 1
        if PyObject_CheckBuffer(following):
            self.use(following)
        return answer is not False and bool(stream.state & RD_STARTED)

    cdef int keep(self, Duplex stream, const char *data, Py_ssize_t size) except -1:
        """Keeps what is left over for later, if there is any and there is to be a later."""
        if size == 0 or stream.state & ST_DESTROYED:
            return False
        self.rest = PyBytes_FromStringAndSize(data, size)
        return True

    cdef int restart(self, Duplex stream) except -1:
        if stream.state & (ST_CONNECTING | RD_STARTED) or not stream.state & ST_HANDLE:
            return 0
        stream.read_more()
        if self.rest is not None:
            stream._loop.tick_c(rest_tick, stream)
        return 0

from libc.stdint cimport uint64_t

from netcore._core.loop cimport Handle, Luggage, tick_fn
from netcore._core.nc cimport nc_stream
from netcore._core.stream_state cimport ST_MOVING


# Members that few streams use.
cdef class Rare:
    cdef object errored
    cdef object failure      # what destroy() was given
    cdef tuple pipes         # where this stream's data goes; replaced, never changed
    cdef tuple sources       # the pipes that lead here, likewise
    cdef object awaiting     # None, a destination, or a set of them whose 'drain' is awaited
    cdef object peer         # remote address, remembered from its first use
    cdef object dialer       # the connection being made
    cdef object onread       # what takes the bytes in place of the stream, see onread.pyx
    cdef object block_list
    cdef list attempted
    cdef object canceled     # the attempt that destroy() has stopped
    cdef dict bound          # the local end of an adopted bound socket
    cdef object timeout
    cdef object signal       # what waits for the signal of the options
    cdef object reason_of    # that signal
    cdef object path         # the bound path of an adopted pipe
    cdef int tos             # -1: never set
    cdef unsigned keep_alive_delay
    cdef uint64_t received_before # by the streams of other loops, before the socket moved here
    cdef uint64_t sent_before
    cdef int iterations      # iterations under way, which a coroutine of this thread has
    cdef Luggage luggage     # of a socket that is on its way to another loop


# A pipe, as the streams at its two ends see it. See pipe.pyx.
cdef class Link:
    # The listener that the pipe stands for among those of `name` at `stream`, one of its ends; None if there is none.
    cdef object listener_at(self, Stream stream, object name)
    cdef int source_flows(self) except -1
    cdef int source_ended(self) except -1
    cdef int fall_back(self) except -1
    cdef int relay_ended(self) except -1
    cdef int drained(self) except -1
    cdef int finished(self) except -1
    cdef int closed(self) except -1
    cdef int failed(self) except -1


cdef enum:
    DEFAULT_MARK = 64 * 1024 # the high-water mark of either side, in bytes


cdef class Stream(Handle):
    cdef nc_stream *c   # NULL without a socket
    cdef uint64_t state # the bits of stream_state.pxd
    cdef uint64_t received_at_close # what the core had counted when the stream was destroyed
    cdef uint64_t sent_at_close
    cdef Rare rare
    cdef dict __dict__

    cdef Rare rarely(self)
    cdef int enter(self) except -1

    # Of the pipes at this stream.
    cdef int source_flows(self) except -1
    cdef int want_bytes(self) except -1
    cdef int writing_changed(self) except -1
    cdef list pipe_listeners(self, object name)

    # Ending. What is below the stream does the second, and the side that is written to the third.
    cdef int tear_down(self, object error) except -1
    cdef int close_handle(self, object error) except -1
    cdef int drop_writes(self) except -1
    cdef int emit_close(self, bint told) except -1
    cdef int note_error(self, object error) except -1


# Whether a listener has moved the stream away from `here`, its loop before that. Whoever calls listeners of a stream that
# may be open has to ask, and then may not touch the stream any more; or has to count in `_staying`, so that it stays. A
# stream may even have come back already, but has not arrived then.
cdef inline bint has_left(Stream stream, object here) noexcept:
    return <object>stream._loop is not here or (stream.state & ST_MOVING) != 0


# What to do then: has `fn(stream)` called where the stream is, after it has arrived.
cdef int go_on_there(Stream stream, tick_fn fn) except -1


# Ticks that a socket below sets off.
cdef int close_tick(object stream) except -1
cdef int error_close_tick(object stream) except -1

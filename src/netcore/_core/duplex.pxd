from libc.stdint cimport uint32_t, uint64_t

from netcore._core.loop cimport _Errand
from netcore._core.nc cimport nc_status
from netcore._core.readable cimport Readable


# One write that somebody wants to hear of: `callback` is due when the core has sent `end` bytes in all.
cdef class Waiting(_Errand):
    cdef object callback
    cdef uint64_t end
    cdef int count     # how often to call, when the same callback was given several times in a row
    cdef bint deferred # its tick has passed and the bytes had not gone


# What a stream needs for writing beyond the core's queue; most streams never have one.
cdef class Writes:
    cdef list held          # (bytes-like, callback) not handed to the core yet: corked, or not connected
    cdef Py_ssize_t held_size
    cdef list waiting       # Waiting, in the order of the writes
    cdef list on_finish     # callbacks of end()
    cdef int corked
    cdef bint settled       # a tick is on its way that looks at 'drain'
    cdef str encoding       # the default encoding


cdef class Duplex(Readable):
    cdef uint32_t write_mark
    cdef Writes writes

    # What is below the stream has to do this.
    cdef int final(self) except -1

    cdef object write_slowly(self, object chunk, object encoding, object callback)
    cdef object submit(self, object data, object callback)
    cdef bint over_mark(self) except -1
    cdef object write_checked(self, object chunk, object encoding, object callback)
    cdef object refuse_write(self, object error, object callback)
    cdef object refuse_raw(self, nc_status status, object callback)
    cdef object refuse_now(self, object error, object callback)
    cdef int write_raw(self, object data) except -1
    cdef Writes need_writes(self)
    cdef int await_write(self, object callback, bint tick) except -1
    cdef bint below_mark(self)
    cdef object begin_end(self)
    cdef int promise_finish(self, object callback, object error) except -1
    cdef int hand_over(self) except -1
    cdef int settle(self, Waiting upto) except -1
    cdef int drain_now(self) except -1
    cdef int await_sent(self) except -1
    cdef bint needs_drain(self)
    cdef uint64_t sent(self)
    cdef size_t queued(self)
    cdef int flush(self) except -1
    cdef int maybe_finish(self) except -1
    cdef int finalled(self) except -1
    cdef int write_failed(self, object error) except -1
    cdef int fail_writes(self, object error) except -1
    cdef int do_end(self) except -1
    cdef int do_uncork(self) except -1


# Tells what has been sent; also the tick of a stream that has come from another loop.
cdef int settle_there(object stream) except -1

cdef Py_ssize_t memory_size(object data) except -1

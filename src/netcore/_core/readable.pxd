from libc.stdint cimport uint32_t

from netcore._core.stream cimport Stream


# Chunks that have been received and not read: bytes, or str when the stream decodes.
cdef class Chunks:
    cdef list items
    cdef Py_ssize_t head
    cdef Py_ssize_t length # bytes, or characters
    cdef object decoder
    cdef str encoding
    cdef int append(self, object chunk) except -1
    cdef int push_front(self, object chunk) except -1
    cdef object take(self, Py_ssize_t n)
    cdef object take_first(self)


cdef class Readable(Stream):
    cdef uint32_t read_mark
    cdef Chunks chunks

    # What is below the stream has to do the first two, and the side that is written to the third.
    cdef int read_more(self) except -1
    cdef int read_no_more(self) except -1
    cdef int reading_ended(self) except -1

    cdef int deliver(self, object chunk) except -1
    cdef int push(self, object chunk) except -1
    cdef int add_chunk(self, object chunk, bint in_front) except -1
    cdef bint takes_more(self)
    cdef int push_eof(self) except -1
    cdef Py_ssize_t how_much(self, Py_ssize_t n)
    cdef object take(self, Py_ssize_t n)
    cdef object taken(self, Py_ssize_t n, Py_ssize_t wanted)
    cdef int forget_awaited(self) except -1
    cdef int flow(self) except -1
    cdef int emit_readable(self) except -1
    cdef int readable_now(self) except -1
    cdef int look_on(self) except -1
    cdef int maybe_read_more(self) except -1
    cdef int end_readable(self) except -1
    cdef int do_pause(self) except -1
    cdef int do_resume(self) except -1

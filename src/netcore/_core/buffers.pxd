from cpython.object cimport PyObject

from netcore._core.nc cimport nc_event, nc_loop

cdef enum:
    BUFFERS_MAX = 16


# Whether the bytes of a DATA event lie in the core and are so few that no buffers are worth while.
cdef bint is_small(nc_event *event) noexcept


# The buffers of one loop for large receives. See buffers.pyx.
cdef class Buffers:
    cdef nc_loop *c
    cdef PyObject *held[BUFFERS_MAX] # bytes objects, one reference each
    cdef bint offered[BUFFERS_MAX]   # the core may write into it
    cdef int count
    cdef int wanted
    cdef int used                    # offers taken since the last top_up()

    # The chunk of a DATA event: without a copy, where the core has received into an offered buffer.
    cdef bytes latest # the chunk that was copied last
    cdef bytes chunk_of(self, nc_event *event)
    # To be called before a turn.
    cdef int top_up(self) except -1
    # Takes everything back. To be called before the loop is freed.
    cdef void close(self) noexcept

    cdef bytes copied(self, const char *data, Py_ssize_t size)
    cdef bytes taken(self, PyObject *buffer, size_t size)
    cdef int offer(self, int index) except -1
    cdef int replace_used(self, int missing) except -1

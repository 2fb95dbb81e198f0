"""Buffers for large receives, which become the chunks that users get without having been copied.

The core receives small amounts into slices of its own, from which a chunk is copied: that costs less than what it takes
to look after a buffer. For large ones it is offered bytes objects of `CAPACITY`, whose length is set to what was
received when they are handed out. The memory behind the end stays unused, and that is why a chunk that fills less than
a fifth of its buffer is copied after all.

A fresh object for each large chunk would be dear, because the allocator gives memory of that size back to the system and
gets it again, with all its page faults. So a loop keeps a reference to the buffers that it has handed out; one that
nobody else refers to any more (its bytes were looked at, or have been sent) is offered again. An object to which there
is one reference is nobody's but ours, so nobody sees it change. A buffer that is still in use when others run out is
left to its users.

In the same way the latest of the copied chunks is kept for the next one of its size, since messages often have one size:
above half a kibibyte, a bytes object costs more to allocate than to fill.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memcpy

from netcore._core.nc cimport nc_event, nc_loop_offer, nc_loop_withdraw

cdef extern from *:
    """
    /* Sets the length of a bytes object that only we know, within its allocation; forgets its hash. */
    static void nc_binding_set_length(PyObject *bytes, Py_ssize_t length) {
        Py_SET_SIZE((PyVarObject *)bytes, length);
        PyBytes_AS_STRING(bytes)[length] = 0;
    #if defined(__GNUC__)
    #pragma GCC diagnostic push
    #pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    #elif defined(_MSC_VER)
    #pragma warning(push)
    #pragma warning(disable : 4996)
    #endif
        ((PyBytesObject *)bytes)->ob_shash = -1;
    #if defined(__GNUC__)
    #pragma GCC diagnostic pop
    #elif defined(_MSC_VER)
    #pragma warning(pop)
    #endif
    }

    /* Reference counts of a free-threaded interpreter are in two parts and may lag behind. */
    #ifdef Py_GIL_DISABLED
    #define nc_binding_is_ours(object) 0
    #else
    #define nc_binding_is_ours(object) (Py_REFCNT(object) == 1)
    #endif
    """
    void nc_binding_set_length(PyObject *bytes, Py_ssize_t length) noexcept
    bint nc_binding_is_ours(PyObject *object) noexcept

cdef enum:
    # With the object's header it stays below a quarter of a mebibyte.
    CAPACITY = 256 * 1024 - 64
    # What is smaller is copied.
    LARGE = 50 * 1024
    # What is smaller comes from Python's own allocator, which is quick.
    WORTH_KEEPING = 480


cdef bint is_small(nc_event *event) noexcept:
    return event.token == NULL and event.size < LARGE


cdef class Buffers:
    """The receive buffers of one loop."""

    cdef bytes chunk_of(self, nc_event *event):
        if event.token != NULL:
            return self.taken(<PyObject *>event.token, event.size)
        if event.size >= LARGE and self.used >= self.count and self.wanted < BUFFERS_MAX:
            self.wanted += 2
        if event.size < WORTH_KEEPING or event.size >= LARGE:
            return PyBytes_FromStringAndSize(<const char *>event.data, event.size)
        return self.copied(<const char *>event.data, event.size)

    cdef bytes copied(self, const char *data, Py_ssize_t size):
        cdef PyObject *latest = <PyObject *>self.latest
        if self.latest is None or PyBytes_GET_SIZE(self.latest) != size or not nc_binding_is_ours(latest):
            self.latest = PyBytes_FromStringAndSize(data, size)
            return self.latest
        memcpy(PyBytes_AS_STRING(self.latest), data, size)
        nc_binding_set_length(latest, size)
        return self.latest

    cdef bytes taken(self, PyObject *buffer, size_t size):
        cdef int index = 0
        while self.held[index] != buffer:
            index += 1
        self.offered[index] = False
        self.used += 1
        if size < LARGE:
            return PyBytes_FromStringAndSize(PyBytes_AS_STRING(<bytes>buffer), size)
        nc_binding_set_length(buffer, size)
        return <bytes>buffer

    cdef int top_up(self) except -1:
        cdef int index
        cdef int ready = 0
        if self.used == 0 and self.count == self.wanted:
            return 0
        self.used = 0
        for index in range(self.count):
            if not self.offered[index] and nc_binding_is_ours(self.held[index]):
                self.offer(index)
            ready += self.offered[index]
        while self.count < self.wanted:
            self.held[self.count] = fresh()
            self.count += 1
            ready += 1
            self.offer(self.count - 1)
        return self.replace_used(2 - ready)

    cdef int replace_used(self, int missing) except -1:
        """Leaves buffers that are in use to their users, for as many fresh ones."""
        cdef int index
        cdef PyObject *buffer
        for index in range(self.count):
            if missing <= 0:
                break
            if self.offered[index]:
                continue
            buffer = fresh()
            Py_DECREF(<object>self.held[index])
            self.held[index] = buffer
            self.offer(index)
            missing -= 1
        return 0

    cdef int offer(self, int index) except -1:
        cdef PyObject *buffer = self.held[index]
        nc_binding_set_length(buffer, CAPACITY)
        self.offered[index] = nc_loop_offer(self.c, PyBytes_AS_STRING(<bytes>buffer), CAPACITY, buffer) == 0
        return 0

    cdef void close(self) noexcept:
        cdef int index
        if self.c != NULL:
            while nc_loop_withdraw(self.c) != NULL:
                pass
        for index in range(self.count):
            Py_DECREF(<object>self.held[index])
        self.count = 0
        self.wanted = 0


cdef PyObject *fresh() except NULL:
    """A new buffer, with a reference for whoever asked."""
    cdef bytes buffer = PyBytes_FromStringAndSize(NULL, CAPACITY)
    Py_INCREF(buffer)
    return <PyObject *>buffer

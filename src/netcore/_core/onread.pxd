from netcore._core.duplex cimport Duplex


cdef class OnRead:
    cdef object buffer   # what is filled next
    cdef object memory   # and where that is
    cdef object make     # makes the following buffer, or None
    cdef object callback
    cdef bytes rest      # received and not handed out, because the callback wanted no more or raised

    cdef int use(self, object buffer) except -1
    # Hands what has arrived to the callback, in as many pieces as its buffers make of it.
    cdef int feed(self, Duplex stream, const char *data, Py_ssize_t size) except -1
    # Reads on, beginning with what was left over.
    cdef int restart(self, Duplex stream) except -1
    cdef bint call(self, Duplex stream, Py_ssize_t size, object buffer) except -1
    cdef int keep(self, Duplex stream, const char *data, Py_ssize_t size) except -1


# What the option asks for; None if it cannot be used, which is no error in Node.
cdef OnRead onread_of(object option)

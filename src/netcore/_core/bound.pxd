from libc.stdint cimport intptr_t


cdef class BoundSocket:
    cdef intptr_t descriptor # -1: adopted or closed
    cdef readonly str path   # None for TCP
    cdef dict name
    cdef intptr_t consume(self) except -1
    cdef int bind_address(self, dict options) except -1
    cdef int bind_path(self, dict options) except -1

from libc.stdint cimport intptr_t

from netcore._core.shared cimport shared_intptr


cdef class BoundSocket:
    cdef shared_intptr descriptor # -1: adopted or closed
    cdef readonly str path   # None for TCP
    cdef dict name
    cdef intptr_t consume(self) except -1
    cdef int bind_address(self, dict options) except -1
    cdef int bind_path(self, dict options) except -1

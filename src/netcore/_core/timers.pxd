from libc.stdint cimport uint64_t

from netcore._core.loop cimport Loop, Source
from netcore._core.nc cimport nc_timer


cdef class Timeout(Source):
    cdef nc_timer *c
    cdef object callback # None once cleared
    cdef tuple args
    cdef uint64_t ms
    cdef bint repeat
    cdef object number   # what `int(timeout)` has answered while it was armed, or None
    cdef int arm(self) except -1
    cdef void fired(self) noexcept
    cdef int check(self) except -1


cdef class Immediate:
    cdef Loop loop
    cdef object callback # None once run or cleared
    cdef tuple args
    cdef bint held       # keeps the loop alive
    cdef int let_go(self) except -1
    cdef int check(self) except -1

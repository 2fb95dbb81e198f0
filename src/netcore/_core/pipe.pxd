from netcore._core.duplex cimport Duplex
from netcore._core.stream cimport Link


cdef class Pipe(Link):
    cdef Duplex source
    cdef object dest
    cdef Duplex target   # the destination, if it is one of our streams
    cdef object listener # what hears the source's 'data' while the bytes go through Python
    cdef bint end        # the end of the source ends the destination
    cdef bint attached
    cdef bint native     # the bytes are relayed by the core, ...
    cdef bint waiting    # ... or will be when both ends are connected
    cdef bint over
    cdef int open(self) except -1
    cdef bint awaited(self)
    cdef int watch_dest(self) except -1
    cdef int attach(self) except -1
    cdef int detach(self) except -1
    cdef bint go_native(self) except -1
    cdef int begin(self) except -1
    cdef bint dest_is_full(self) except -1
    cdef int hold_source(self) except -1
    cdef int unpipe(self) except -1
    cdef int clean_up(self) except -1
    cdef int write_out(self, object chunk) except -1


cdef int open_pipe(Duplex source, object dest, bint end) except -1
cdef int close_pipe(Duplex source, object dest) except -1

from netcore._core.loop cimport Handle, Source
from netcore._core.nc cimport nc_addr, nc_stream, nc_timer
from netcore._core.shared cimport shared_int
from netcore._core.duplex cimport Duplex


# The defaults of `autoSelectFamily`.
cdef struct Racing:
    shared_int on
    shared_int timeout

cdef Racing racing


# Where a socket is going: made by connect(), gone when the connection is there or has failed.
cdef class Route:
    cdef nc_addr peer
    cdef str host       # the address, or the path
    cdef int port
    cdef int family     # 4, 6, or 0 for a path
    cdef str local_address
    cdef object local_port  # the option as it was given; None: the system picks one
    cdef str name       # the host name that was looked up, or None
    cdef object target  # the `host` and `port` options as they were given


# One address after the other, until one of them answers.
cdef class Race(Source):
    cdef Dialer socket
    cdef list addresses
    cdef Py_ssize_t current
    cdef list errors
    cdef Route route
    cdef Attempt attempt
    cdef nc_timer *timer
    cdef int timeout
    cdef int next(self, bint canceled) except -1
    cdef Route aim(self, Attempt attempt)
    cdef int start_timer(self) except -1
    cdef int failed(self, Attempt attempt, object error) except -1
    cdef int ended(self, Attempt attempt, int status) except -1
    cdef int timed_out(self) except -1
    cdef int stop(self) except -1


# One stream that is being connected, and after that whatever stream there is to close quietly.
cdef class Attempt(Handle):
    cdef nc_stream *c
    cdef Race race
    cdef str host
    cdef int port
    cdef int family
    cdef int close(self) except -1


# The route of the short way: to a literal address, and a port that needs no check. None if they are not.
cdef Route literal_route(object port, object host)


cdef class Dialer(Duplex):
    cdef int open_handle(self) except -1
    cdef int revive(self) except -1
    cdef int connect_with(self, dict options, object listener) except -1
    cdef int connect_address(self, Route route, object listener) except -1
    cdef int connect_path(self, object path) except -1
    cdef int connect_host(self, dict options) except -1
    cdef int read_local_end(self, dict options, Route route) except -1
    cdef int look_up(self, dict options, Route route, object auto_select, object attempt_timeout) except -1
    cdef int start(self) except -1
    cdef object bind_error(self, nc_stream *c, Route route)
    cdef int attempt_ended(self, int status) except -1
    cdef str local_end(self)
    cdef int race_over(self) except -1
    cdef int tell_canceled(self) except -1
    cdef int connected(self) except -1
    cdef int handle_made(self) except -1

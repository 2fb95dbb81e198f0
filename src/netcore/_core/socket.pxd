from netcore._core.bound cimport BoundSocket
from netcore._core.dialer cimport Dialer
from netcore._core.nc cimport nc_event, nc_stream


cdef class Socket(Dialer):
    cdef object _server # the server that accepted it, or None

    cdef int data_arrived(self, nc_event *event) except -1
    cdef int idle(self) except -1
    cdef int drop_idle_handle(self) except -1
    cdef int fail_pending(self, bint never_connected) except -1
    cdef int is_connected(self) except -1
    cdef int is_ready(self) except -1
    cdef int after_connect(self) except -1
    cdef int lose_writes(self) except -1
    cdef int apply_options(self) except -1
    cdef int relays_again(self) except -1
    cdef int close_socket(self, object error, bint connecting) except -1
    cdef int set_up_handle(self, dict options) except -1
    cdef int adopt_bound(self, BoundSocket bound) except -1
    cdef int begin_reading(self, dict options) except -1
    cdef int follow(self, object signal) except -1
    cdef int inherit(self, bint no_delay, bint keep_alive, unsigned delay) except -1
    cdef int eof_arrived(self) except -1
    cdef int handle_closed(self) except -1
    cdef int set_up(self, dict options) except -1
    cdef int set_up_plainly(self, dict options) except -1
    cdef int adopt_descriptor(self, object fd) except -1
    cdef object name_of(self, bint peer)
    cdef int refuse_to_leave(self) except -1
    cdef int lose_handle(self) except -1


# A connection that a server has accepted; from now on the stream is the socket's.
cdef Socket accepted(object server, object loop, nc_stream *stream, bint half_open, bint paused, unsigned mark)

# Of milliseconds; 0 for what is no number of seconds that fits.
cdef unsigned number_of_seconds(object ms)

# What a server is told when a connection of its is destroyed.
ctypedef int (*gone_fn)(object server) except -1
cdef void set_gone(gone_fn gone) noexcept

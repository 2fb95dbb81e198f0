from libc.stdint cimport intptr_t
from netcore._core.loop cimport Handle
from netcore._core.bound cimport BoundSocket
from netcore._core.nc cimport nc_event, nc_server, nc_status, nc_stream


cdef class Server(Handle):
    cdef nc_server *c
    cdef bint half_open
    cdef bint paused
    cdef bint unrefed
    cdef bint local          # it listens on a Unix-domain socket
    cdef int handles         # C servers that are not gone yet
    cdef int closing         # C servers that were closed while connections were still to be handed out
    cdef unsigned mark
    cdef readonly bint noDelay
    cdef readonly bint keepAlive
    cdef readonly unsigned keepAliveInitialDelay # seconds
    cdef Py_ssize_t connections
    cdef object limit
    cdef object block_list
    cdef unsigned long long blocked # by block lists, before the last close()
    cdef str path
    cdef unsigned looking    # the attempt whose look-up has not answered yet
    cdef unsigned attempt    # of listening: a look-up that answers to an earlier one is ignored
    cdef public object dropMaxConnection
    cdef object watch        # what the signal of listen() would do
    cdef dict __dict__

    cdef int set_up(self, dict options) except -1
    cdef int listen_with(self, dict options, object backlog) except -1
    cdef int listen_on_address(self, object host, int port, int family, int backlog, unsigned flags) except -1
    cdef int listen_on_path(self, dict options, int backlog) except -1
    cdef int listen_on_copy(self, intptr_t fd, int backlog) except -1
    cdef int listen_on_descriptor(self, object fd, int backlog) except -1
    cdef nc_status adopt(self, intptr_t fd, int backlog) except 1
    cdef nc_status open_server(self, intptr_t fd, int backlog) except 1
    cdef int listen_on_port(self, dict options, int port, int backlog, unsigned flags) except -1
    cdef int listen_on_bound(self, BoundSocket bound, int backlog) except -1
    cdef int start(self) except -1
    cdef int fail(self, object error) except -1
    cdef int apply_limits(self) except -1
    cdef int set_block_list(self, object block_list, str name) except -1
    cdef int apply_block_list(self) except -1
    cdef int accept(self, nc_stream *stream) except -1
    cdef int dropped(self, nc_event *event) except -1
    cdef int close_if_drained(self) except -1
    cdef int gone(self) except -1
    cdef int lost_one(self) except -1

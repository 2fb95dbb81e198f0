# The C declarations of netcore/capi.h: the table through which other extensions use a loop of Python's.
#
#     from netcore._core.capi cimport NC_CAPI_NAME, nc_capi
#     cdef const nc_capi *nc = <const nc_capi *>PyCapsule_Import(NC_CAPI_NAME, 0)

from cpython.object cimport PyObject
from libc.stdint cimport int64_t, intptr_t, uint64_t

from netcore._core.nc cimport (
    nc_addr, nc_blocklist, nc_event, nc_loop, nc_server, nc_status, nc_stream, nc_timer,
)


cdef extern from "netcore/capi.h":
    const char *NC_CAPI_NAME

    ctypedef struct nc_sink:
        int (*on_event)(nc_sink *sink, const nc_event *event) except -1

    void *nc_sink_owner(nc_sink *sink) noexcept nogil
    nc_sink *nc_sink_of(void *owner) noexcept nogil

    ctypedef struct nc_capi:
        size_t size
        PyObject *(*current_loop)() except NULL
        nc_loop *(*loop_of)(PyObject *loop) except NULL
        int (*touch)(PyObject *loop) except -1
        const char *(*status_name)(nc_status status) noexcept nogil
        const char *(*status_string)(nc_status status) noexcept nogil
        nc_status (*addr_parse)(const char *text, size_t len, nc_addr *out) noexcept nogil
        size_t (*addr_format)(const nc_addr *addr, char *out, size_t cap) noexcept nogil
        uint64_t (*loop_now)(const nc_loop *loop) noexcept nogil
        void (*loop_update_time)(nc_loop *loop) noexcept nogil
        void (*loop_wake)(nc_loop *loop) noexcept nogil
        nc_status (*timer_new)(nc_loop *loop, void *owner, nc_timer **out) noexcept nogil
        nc_status (*timer_start)(nc_timer *timer, uint64_t ms) noexcept nogil
        void (*timer_stop)(nc_timer *timer) noexcept nogil
        bint (*timer_is_active)(const nc_timer *timer) noexcept nogil
        void (*timer_ref)(nc_timer *timer) noexcept nogil
        void (*timer_unref)(nc_timer *timer) noexcept nogil
        void (*timer_free)(nc_timer *timer) noexcept nogil
        nc_status (*stream_new)(nc_loop *loop, void *owner, nc_stream **out) noexcept nogil
        void (*stream_set_owner)(nc_stream *stream, void *owner) noexcept nogil
        nc_status (*stream_connect)(nc_stream *stream, const nc_addr *peer, const nc_addr *local) noexcept nogil
        nc_status (*stream_connect_path)(nc_stream *stream, const char *path, size_t length) noexcept nogil
        nc_status (*stream_adopt)(nc_stream *stream, intptr_t fd) noexcept nogil
        nc_status (*stream_release)(nc_stream *stream, intptr_t *fd) noexcept nogil
        void (*stream_read_start)(nc_stream *stream) noexcept nogil
        void (*stream_read_stop)(nc_stream *stream) noexcept nogil
        nc_status (*stream_write)(nc_stream *stream, const void *data, size_t size, void *pin) noexcept nogil
        void (*stream_flush)(nc_stream *stream) noexcept nogil
        void (*stream_notify_at)(nc_stream *stream, uint64_t offset) noexcept nogil
        void (*stream_shutdown)(nc_stream *stream) noexcept nogil
        void (*stream_close)(nc_stream *stream) noexcept nogil
        void (*stream_reset)(nc_stream *stream) noexcept nogil
        nc_status (*stream_set_timeout)(nc_stream *stream, uint64_t ms) noexcept nogil
        void (*stream_ref)(nc_stream *stream) noexcept nogil
        void (*stream_unref)(nc_stream *stream) noexcept nogil
        uint64_t (*stream_bytes_received)(const nc_stream *stream) noexcept nogil
        uint64_t (*stream_bytes_sent)(const nc_stream *stream) noexcept nogil
        size_t (*stream_bytes_queued)(const nc_stream *stream) noexcept nogil
        bint (*stream_is_open)(const nc_stream *stream) noexcept nogil
        intptr_t (*stream_fd)(const nc_stream *stream) noexcept nogil
        nc_status (*stream_local_address)(const nc_stream *stream, nc_addr *out) noexcept nogil
        nc_status (*stream_peer_address)(const nc_stream *stream, nc_addr *out) noexcept nogil
        nc_status (*stream_set_no_delay)(nc_stream *stream, bint on) noexcept nogil
        nc_status (*stream_set_keep_alive)(nc_stream *stream, bint on, unsigned idle_s) noexcept nogil
        nc_status (*relay_start)(nc_stream *source, nc_stream *to, bint end_too) noexcept nogil
        void (*relay_stop)(nc_stream *source) noexcept nogil
        nc_status (*bind)(const nc_addr *local, unsigned flags, intptr_t *fd) noexcept nogil
        nc_status (*bind_path)(const char *path, size_t length, unsigned flags, intptr_t *fd) noexcept nogil
        nc_status (*socket_name)(intptr_t fd, nc_addr *out, char *path, size_t cap, size_t *length) noexcept nogil
        void (*socket_close)(intptr_t fd) noexcept nogil
        nc_status (*server_new)(nc_loop *loop, void *owner, intptr_t fd, int backlog, nc_server **out) noexcept nogil
        void (*server_set_limit)(nc_server *server, int64_t limit) noexcept nogil
        void (*server_set_blocklist)(nc_server *server, nc_blocklist *list) noexcept nogil
        void (*server_set_options)(nc_server *server, bint no_delay, bint keep_alive, unsigned idle_s) noexcept nogil
        size_t (*server_connections)(const nc_server *server) noexcept nogil
        intptr_t (*server_fd)(const nc_server *server) noexcept nogil
        void (*server_ref)(nc_server *server) noexcept nogil
        void (*server_unref)(nc_server *server) noexcept nogil
        void (*server_close)(nc_server *server) noexcept nogil
        nc_status (*server_own_path)(nc_server *server, const char *path, size_t length) noexcept nogil
        bint (*blocklist_check)(const nc_blocklist *list, const nc_addr *addr) noexcept nogil

    void nc_capi_fill(nc_capi *table) noexcept nogil

# The C declarations of the public headers of csrc/include/netcore, and nothing else.

cdef extern from "netcore/status.h" nogil:
    ctypedef int nc_status
    enum:
        NC_OK
        NC_EINVAL
        NC_ENOENT
        NC_ENOMEM
        NC_ENOTFOUND
        NC_EADDRINUSE
        NC_ECANCELED
        NC_ECONNREFUSED
        NC_ENAMETOOLONG
        NC_EPIPE
        NC_ETIMEDOUT
    const char *nc_status_name(nc_status status)
    const char *nc_status_string(nc_status status)
    int nc_status_count()

cdef extern from "<stdbool.h>" nogil:
    ctypedef bint cbool "bool"

from libc.stdint cimport int64_t, intptr_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef extern from "netcore/address.h" nogil:
    ctypedef struct nc_addr:
        uint8_t ip[16]
        uint32_t scope
        uint32_t flowinfo
        uint16_t port
        uint8_t family

    enum:
        NC_ADDR_TEXT_MAX

    ctypedef struct nc_zone:
        const char *name
        size_t len

    int nc_is_ip(const char *text, size_t len)
    nc_status nc_addr_parse(const char *text, size_t len, nc_addr *out)
    nc_status nc_addr_parse_zoned(const char *text, size_t len, nc_addr *out, nc_zone *zone)
    nc_status nc_addr_parse_url(const char *text, size_t len, nc_addr *out)
    size_t nc_addr_format(const nc_addr *addr, char *out, size_t cap)


cdef extern from "netcore/loop.h" nogil:
    ctypedef struct nc_loop
    ctypedef struct nc_stream
    ctypedef struct nc_server
    ctypedef struct nc_timer
    ctypedef struct nc_lookup

    ctypedef enum nc_event_type:
        NC_EVENT_NONE
        NC_EVENT_CONNECT
        NC_EVENT_DATA
        NC_EVENT_WROTE
        NC_EVENT_FINISH
        NC_EVENT_SEND_ERROR
        NC_EVENT_EOF
        NC_EVENT_RECV_ERROR
        NC_EVENT_IDLE
        NC_EVENT_CONNECTION
        NC_EVENT_DROP
        NC_EVENT_ACCEPT_ERROR
        NC_EVENT_TIMER
        NC_EVENT_LOOKUP
        NC_EVENT_CLOSED

    ctypedef struct nc_event:
        nc_event_type type
        nc_status status
        void *owner
        const void *data
        size_t size
        void *token
        nc_stream *stream

    ctypedef enum nc_phase:
        NC_PHASE_IO
        NC_PHASE_CLOSE
        NC_PHASE_TIMERS

    enum:
        NC_TURN_EVENTS
        NC_TURN_TIMERS
        NC_TURN_WOKEN
        NC_TURN_INTERRUPTED
        NC_TURN_IDLE

    nc_status nc_loop_new(nc_loop **out)
    void nc_loop_free(nc_loop *loop)
    void nc_loop_close_all(nc_loop *loop)
    void nc_loop_forget(nc_loop *loop)
    unsigned nc_loop_turn(nc_loop *loop, int64_t max_wait_ms)
    bint nc_loop_next(nc_loop *loop, nc_phase phase, nc_event *event)
    void *nc_loop_next_unpinned(nc_loop *loop)
    nc_status nc_loop_offer(nc_loop *loop, void *data, size_t size, void *token)
    void *nc_loop_withdraw(nc_loop *loop)
    void nc_loop_flush(nc_loop *loop)
    void nc_loop_wake(nc_loop *loop)
    intptr_t nc_loop_wake_fd(const nc_loop *loop)
    nc_status nc_loop_wait(nc_loop *loop, int64_t ms) nogil
    intptr_t nc_loop_fd(const nc_loop *loop)
    int64_t nc_loop_timeout(nc_loop *loop)
    bint nc_loop_alive(const nc_loop *loop)
    uint64_t nc_loop_now(const nc_loop *loop)
    void nc_loop_update_time(nc_loop *loop)
    uint64_t nc_loop_lag(const nc_loop *loop)


cdef extern from "netcore/stream.h" nogil:
    nc_status nc_stream_new(nc_loop *loop, void *owner, nc_stream **out)
    void nc_stream_set_owner(nc_stream *stream, void *owner)
    nc_status nc_stream_connect(nc_stream *stream, const nc_addr *peer, const nc_addr *local)
    nc_status nc_stream_connect_path(nc_stream *stream, const char *path, size_t length)
    nc_status nc_stream_adopt(nc_stream *stream, intptr_t fd)
    nc_status nc_stream_adopt_bound(nc_stream *stream, intptr_t fd)
    nc_status nc_stream_release(nc_stream *stream, intptr_t *fd)
    void nc_stream_read_start(nc_stream *stream)
    void nc_stream_read_stop(nc_stream *stream)
    nc_status nc_stream_write(nc_stream *stream, const void *data, size_t size, void *pin)
    void nc_stream_flush(nc_stream *stream)
    void nc_stream_notify_at(nc_stream *stream, uint64_t offset)
    void nc_stream_shutdown(nc_stream *stream)
    void nc_stream_close(nc_stream *stream)
    void nc_stream_reset(nc_stream *stream)
    nc_status nc_stream_set_timeout(nc_stream *stream, uint64_t ms)
    void nc_stream_touch(nc_stream *stream)
    void nc_stream_ref(nc_stream *stream)
    void nc_stream_unref(nc_stream *stream)
    bint nc_stream_has_ref(const nc_stream *stream)
    uint64_t nc_stream_bytes_received(const nc_stream *stream)
    uint64_t nc_stream_bytes_sent(const nc_stream *stream)
    size_t nc_stream_bytes_queued(const nc_stream *stream)
    bint nc_stream_is_open(const nc_stream *stream)
    bint nc_stream_is_local(const nc_stream *stream)
    intptr_t nc_stream_fd(const nc_stream *stream)
    nc_status nc_stream_local_address(const nc_stream *stream, nc_addr *out)
    nc_status nc_stream_peer_address(const nc_stream *stream, nc_addr *out)
    nc_status nc_stream_set_no_delay(nc_stream *stream, bint on)
    nc_status nc_stream_set_keep_alive(nc_stream *stream, bint on, unsigned idle_s)
    nc_status nc_stream_set_type_of_service(nc_stream *stream, unsigned tos)
    nc_status nc_stream_get_type_of_service(const nc_stream *stream, unsigned *tos)


cdef extern from "netcore/relay.h" nogil:
    nc_status nc_relay_start(nc_stream *source, nc_stream *to, bint end_too)
    void nc_relay_stop(nc_stream *source)
    nc_stream *nc_relay_target(const nc_stream *source)


cdef extern from "netcore/blocklist.h" nogil:
    ctypedef struct nc_blocklist

    enum:
        NC_RULE_ADDRESS
        NC_RULE_SUBNET
        NC_RULE_RANGE
        NC_RULE_TEXT_MAX
        NC_NOT_AN_ADDRESS

    ctypedef struct nc_rule:
        nc_addr first
        nc_addr last
        uint8_t prefix
        uint8_t kind

    ctypedef struct nc_text:
        const char *at
        size_t len

    ctypedef cbool (*nc_bad_line)(void *context, size_t line, const char *text, size_t len) noexcept nogil

    nc_status nc_blocklist_new(nc_blocklist **out)
    nc_blocklist *nc_blocklist_retain(nc_blocklist *list)
    void nc_blocklist_release(nc_blocklist *list)
    nc_status nc_blocklist_add(nc_blocklist *list, const nc_rule *rule)
    nc_status nc_blocklist_remove(nc_blocklist *list, const nc_rule *rule)
    nc_status nc_blocklist_clear(nc_blocklist *list)
    size_t nc_blocklist_size(const nc_blocklist *list)
    bint nc_blocklist_check(const nc_blocklist *list, const nc_addr *addr)
    void nc_blocklist_check_packed(
        const nc_blocklist *list, const uint8_t *packed, size_t width, size_t count, uint8_t *mask)
    int nc_blocklist_check_text(const nc_blocklist *list, nc_text text, int family)
    void nc_blocklist_check_texts(
        const nc_blocklist *list, const nc_text *texts, size_t count, int family, uint8_t *answers)
    size_t nc_blocklist_rules(const nc_blocklist *list, nc_rule *out, size_t cap)
    void nc_blocklist_memory(const nc_blocklist *list, size_t *set, size_t *log)
    size_t nc_rule_format(const nc_rule *rule, char *out, size_t cap)
    nc_status nc_rule_parse(const char *text, size_t len, nc_rule *out)
    nc_status nc_rule_parse_line(const char *line, size_t len, nc_rule *out)
    nc_status nc_blocklist_load(
        nc_blocklist *list, const char *text, size_t len, nc_bad_line bad, void *context, size_t *added)


cdef extern from "netcore/server.h" nogil:
    enum:
        NC_BIND_V6ONLY
        NC_BIND_REUSEPORT
        NC_BIND_READABLE_ALL
        NC_BIND_WRITABLE_ALL

    ctypedef struct nc_dropped:
        nc_addr local
        nc_addr peer

    nc_status nc_bind(const nc_addr *local, unsigned flags, intptr_t *fd)
    nc_status nc_bind_path(const char *path, size_t length, unsigned flags, intptr_t *fd)
    nc_status nc_socket_name(intptr_t fd, nc_addr *out, char *path, size_t cap, size_t *length)
    void nc_socket_close(intptr_t fd)
    nc_status nc_socket_duplicate(intptr_t fd, intptr_t *out)
    nc_status nc_server_new(nc_loop *loop, void *owner, intptr_t fd, int backlog, nc_server **out)
    void nc_server_set_limit(nc_server *server, int64_t limit)
    void nc_server_set_blocklist(nc_server *server, nc_blocklist *list)
    void nc_server_set_options(nc_server *server, bint no_delay, bint keep_alive, unsigned idle_s)
    size_t nc_server_connections(const nc_server *server)
    uint64_t nc_server_blocked(const nc_server *server)
    intptr_t nc_server_fd(const nc_server *server)
    void nc_server_ref(nc_server *server)
    void nc_server_unref(nc_server *server)
    void nc_server_close(nc_server *server)
    bint nc_server_has_waiting(const nc_server *server)
    nc_status nc_server_own_path(nc_server *server, const char *path, size_t length)


cdef extern from "netcore/timer.h" nogil:
    nc_status nc_timer_new(nc_loop *loop, void *owner, nc_timer **out)
    nc_status nc_timer_start(nc_timer *timer, uint64_t ms)
    void nc_timer_stop(nc_timer *timer)
    bint nc_timer_is_active(const nc_timer *timer)
    void nc_timer_ref(nc_timer *timer)
    void nc_timer_unref(nc_timer *timer)
    bint nc_timer_has_ref(const nc_timer *timer)
    void nc_timer_free(nc_timer *timer)


cdef extern from "netcore/resolve.h" nogil:
    enum:
        NC_LOOKUP_ADDRCONFIG
        NC_LOOKUP_V4MAPPED
        NC_LOOKUP_ALL

    nc_status nc_lookup_start(nc_loop *loop, void *owner, const char *host, size_t length, int family, unsigned flags,
                              nc_lookup **out)
    const nc_addr *nc_lookup_results(const nc_lookup *lookup, size_t *count)
    void nc_lookup_free(nc_lookup *lookup)

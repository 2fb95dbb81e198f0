/* Sharing a running loop: how an extension module of Python's puts handles of its own on the loop that netcore's objects
 * live on, without linking netcore. (A program in C that has a loop of its own needs none of this: it links the library
 * and calls the functions of the other headers.)
 *
 * The extension finds the functions in a table, which it imports once:
 *
 *     const nc_capi *nc = PyCapsule_Import(NC_CAPI_NAME, 0);
 *
 * It makes its handles with the same functions as everybody, and says who hears of them: not an owner of its own, but
 * nc_sink_owner() of an nc_sink. Python's loop then runs the turns, and calls the sink.
 *
 * Everything here is called with the interpreter's lock held, on the thread of the loop; loop_wake() from anywhere. */
#ifndef NETCORE_CAPI_H
#define NETCORE_CAPI_H

#include "netcore/relay.h"
#include "netcore/server.h"
#include "netcore/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the capsule is called. */
#define NC_CAPI_NAME "netcore._core._native.capi"

struct _object; /* Python's PyObject */

/* Who hears of the events of a handle. It belongs to the extension, and lives at least until the handle's
 * NC_EVENT_CLOSED, or until its timer is stopped. */
typedef struct nc_sink nc_sink;
struct nc_sink {
    /* Hears of an event, in which `owner` means nothing; `data` is valid during the call. Answers 0, or -1 with a
     * Python exception set, which then leaves run() or goes to asyncio's exception handler. It may call everything. */
    int (*on_event)(nc_sink *sink, const nc_event *event);
};

/* The owner to name for a handle whose events `sink` hears of. NULL stays NULL. */
static inline void *nc_sink_owner(nc_sink *sink) {
    return sink ? (char *)sink + 1 : NULL;
}

/* The sink behind the owner of a handle; NULL if there is another owner. Python's own owners are objects, whose addresses
 * are even, as a sink's is. */
static inline nc_sink *nc_sink_of(void *owner) {
    return (uintptr_t)owner & 1 ? (nc_sink *)(void *)((char *)owner - 1) : NULL;
}

/* The functions of the core that an extension may call, each with the contract that the header named here gives to the
 * function `nc_` plus this name. Two things are special where the loop is Python's:
 *  - The `pin` of stream_write() is an object of Python's (PyObject *) that owns the bytes, with one reference, which is
 *    given back when they are sent.
 *  - A call that gives the loop work is followed by touch(), except inside on_event(). timer_start() counts from the
 *    clock of the loop: outside of on_event() loop_update_time() brings that up to date first.
 * The list grows at its end only. */
/* clang-format off */
#define NC_CAPI_CORE(X) \
    /* status.h, address.h */ \
    X(const char *, status_name, (nc_status status)) \
    X(const char *, status_string, (nc_status status)) \
    X(nc_status, addr_parse, (const char *text, size_t len, nc_addr *out)) \
    X(size_t, addr_format, (const nc_addr *addr, char *out, size_t cap)) \
    /* loop.h */ \
    X(uint64_t, loop_now, (const nc_loop *loop)) \
    X(void, loop_update_time, (nc_loop *loop)) \
    X(void, loop_wake, (nc_loop *loop)) \
    /* timer.h */ \
    X(nc_status, timer_new, (nc_loop *loop, void *owner, nc_timer **out)) \
    X(nc_status, timer_start, (nc_timer *timer, uint64_t ms)) \
    X(void, timer_stop, (nc_timer *timer)) \
    X(bool, timer_is_active, (const nc_timer *timer)) \
    X(void, timer_ref, (nc_timer *timer)) \
    X(void, timer_unref, (nc_timer *timer)) \
    X(void, timer_free, (nc_timer *timer)) \
    /* stream.h */ \
    X(nc_status, stream_new, (nc_loop *loop, void *owner, nc_stream **out)) \
    X(void, stream_set_owner, (nc_stream *stream, void *owner)) \
    X(nc_status, stream_connect, (nc_stream *stream, const nc_addr *peer, const nc_addr *local)) \
    X(nc_status, stream_connect_path, (nc_stream *stream, const char *path, size_t length)) \
    X(nc_status, stream_adopt, (nc_stream *stream, intptr_t fd)) \
    X(nc_status, stream_release, (nc_stream *stream, intptr_t *fd)) \
    X(void, stream_read_start, (nc_stream *stream)) \
    X(void, stream_read_stop, (nc_stream *stream)) \
    X(nc_status, stream_write, (nc_stream *stream, const void *data, size_t size, void *pin)) \
    X(void, stream_flush, (nc_stream *stream)) \
    X(void, stream_notify_at, (nc_stream *stream, uint64_t offset)) \
    X(void, stream_shutdown, (nc_stream *stream)) \
    X(void, stream_close, (nc_stream *stream)) \
    X(void, stream_reset, (nc_stream *stream)) \
    X(nc_status, stream_set_timeout, (nc_stream *stream, uint64_t ms)) \
    X(void, stream_ref, (nc_stream *stream)) \
    X(void, stream_unref, (nc_stream *stream)) \
    X(uint64_t, stream_bytes_received, (const nc_stream *stream)) \
    X(uint64_t, stream_bytes_sent, (const nc_stream *stream)) \
    X(size_t, stream_bytes_queued, (const nc_stream *stream)) \
    X(bool, stream_is_open, (const nc_stream *stream)) \
    X(intptr_t, stream_fd, (const nc_stream *stream)) \
    X(nc_status, stream_local_address, (const nc_stream *stream, nc_addr *out)) \
    X(nc_status, stream_peer_address, (const nc_stream *stream, nc_addr *out)) \
    X(nc_status, stream_set_no_delay, (nc_stream *stream, bool on)) \
    X(nc_status, stream_set_keep_alive, (nc_stream *stream, bool on, unsigned idle_s)) \
    /* relay.h */ \
    X(nc_status, relay_start, (nc_stream *from, nc_stream *to, bool end_too)) \
    X(void, relay_stop, (nc_stream *from)) \
    /* server.h */ \
    X(nc_status, bind, (const nc_addr *local, unsigned flags, intptr_t *fd)) \
    X(nc_status, bind_path, (const char *path, size_t length, unsigned flags, intptr_t *fd)) \
    X(nc_status, socket_name, (intptr_t fd, nc_addr *out, char *path, size_t cap, size_t *length)) \
    X(void, socket_close, (intptr_t fd)) \
    X(nc_status, server_new, (nc_loop *loop, void *owner, intptr_t fd, int backlog, nc_server **out)) \
    X(void, server_set_limit, (nc_server *server, int64_t limit)) \
    X(void, server_set_blocklist, (nc_server *server, nc_blocklist *list)) \
    X(void, server_set_options, (nc_server *server, bool no_delay, bool keep_alive, unsigned idle_s)) \
    X(size_t, server_connections, (const nc_server *server)) \
    X(intptr_t, server_fd, (const nc_server *server)) \
    X(void, server_ref, (nc_server *server)) \
    X(void, server_unref, (nc_server *server)) \
    X(void, server_close, (nc_server *server)) \
    X(nc_status, server_own_path, (nc_server *server, const char *path, size_t length)) \
    /* blocklist.h */ \
    X(bool, blocklist_check, (const nc_blocklist *list, const nc_addr *addr))
/* clang-format on */

/* The table. A newer netcore has more at its end: an extension that uses what its oldest netcore may lack asks
 * `nc->size > offsetof(nc_capi, name)` first. */
typedef struct nc_capi {
    size_t size; /* of the table that is there */

    /* The calling thread's `netcore.Loop`, made on first use: a new reference, or NULL with an exception set. */
    struct _object *(*current_loop)(void);

    /* The C loop of a `netcore.Loop`, or NULL with an exception set: TypeError, or RuntimeError where it is another
     * thread's or at its end. It is valid as long as the extension holds a reference to the object, which it keeps until
     * it has freed its timers. When that loop ends (its thread is over, or loop.close()), all streams and servers are
     * closed and their sinks hear of it, and timers are stopped. A child of fork hears of nothing. */
    nc_loop *(*loop_of)(struct _object *loop);

    /* Sees to it that the loop has a turn soon, in asyncio as well. 0, or -1 with an exception set. */
    int (*touch)(struct _object *loop);

#define NC_CAPI_MEMBER(result, name, arguments) result(*name) arguments;
    NC_CAPI_CORE(NC_CAPI_MEMBER)
#undef NC_CAPI_MEMBER
} nc_capi;

/* Fills in all but the three members that need Python. For netcore's own binding. */
void nc_capi_fill(nc_capi *table);

#ifdef __cplusplus
}
#endif

#endif

#ifndef NC_CORE_STREAM_INT_H
#define NC_CORE_STREAM_INT_H

#include "core/handle_int.h"
#include "core/loop_int.h"
#include "core/writeq_int.h"
#include "netcore/stream.h"
#include "port/port.h"

typedef struct nc_idle nc_idle;
typedef struct nc_relay nc_relay;

/* What the embedder has yet to hear: `pending` of a stream. The lower bit goes first. */
enum {
    NC__GOT_CONNECT = 1,
    NC__GOT_WROTE = 2,
    NC__GOT_FINISH = 4,
    NC__GOT_SEND_ERROR = 8,
    NC__GOT_DATA = 16,
    NC__GOT_LATER = 4, /* so far to the left stands what became of the output when input was there before it */
    NC__GOT_EOF = 256,
    NC__GOT_RECV_ERROR = 512,
    NC__GOT_INPUT = NC__GOT_DATA | NC__GOT_EOF | NC__GOT_RECV_ERROR,
    NC__GOT_ERROR = NC__GOT_RECV_ERROR | NC__GOT_SEND_ERROR | NC__GOT_SEND_ERROR << NC__GOT_LATER,
    NC__GOT_OUTPUT = NC__GOT_WROTE | NC__GOT_FINISH | NC__GOT_SEND_ERROR
};

/* `state` of a stream. */
enum {
    NC__OPEN = 1, /* it has a descriptor */
    NC__CONNECTING = 2,
    NC__CONNECT_FAILED = 4,
    NC__READING = 8,      /* the embedder wants input */
    NC__INPUT_ENDED = 16, /* by EOF or an error */
    NC__SEND_PENDING = 32,
    NC__SEND_FAILED = 64,
    NC__SHUT_ASKED = 128,
    NC__SHUT = 256,
    NC__LOCAL = 512, /* not TCP */
    NC__BOUND = 1024 /* the descriptor waits to be connected */
};

struct nc_stream {
    nc_handle handle;
    nc_sock sock;
    nc_list dirty;
    nc_writeq queue;
    nc_slice slice; /* received, and not handed out or still lent */
    uint64_t received, sent;
    uint64_t notify_at; /* UINT64_MAX: never */
    uint64_t moved_at;  /* when a byte moved last */
    nc_idle *idle;      /* NULL without an idle timeout */
    nc_relay *relay;    /* to another stream */
    nc_list sources;    /* relays into this one */
    nc_server *server;  /* which counts this stream, or NULL */
    uint32_t state;
    uint16_t pending;
    int8_t connect_status, finish_status, send_status, receive_status;
};

static inline nc_stream *nc__stream_of(nc_handle *handle) {
    return nc_container(handle, nc_stream, handle);
}

/* A stream over a descriptor that a server accepted. On failure the descriptor stays the caller's. */
nc_status nc__stream_accept(nc_loop *loop, nc_server *server, intptr_t fd, nc_sock_kind kind, nc_stream **out);

bool nc__stream_next_event(nc_stream *stream, nc_event *event);
void nc__stream_raise(nc_stream *stream, unsigned what);
void nc__stream_update_active(nc_stream *stream);
/* Asks the port for input if that is wanted and there is room for it. */
void nc__stream_receive(nc_stream *stream);
/* The stream is open from now on: what waited for that starts. */
void nc__stream_opened(nc_stream *stream, nc_sock_kind kind);
void nc__stream_take_back_slice(nc_stream *stream);
/* Frees a closed stream. */
void nc__stream_free(nc_stream *stream);
/* After fork in the child. */
void nc__stream_forget(nc_stream *stream);

/* stream_send.c */
void nc__stream_mark_dirty(nc_stream *stream);
void nc__stream_sent(nc_sock *sock, nc_status status, size_t size);
/* Whether bytes may be queued: NC_ENOTCONN, NC_EPIPE. */
nc_status nc__stream_check_writable(const nc_stream *stream);
/* Whether bytes may be offered to the kernel now, past the queue, which is empty. */
bool nc__stream_sends_at_once(const nc_stream *stream);
/* Sends a slice behind what waits, and queues what the kernel does not take; the slice is used up. */
void nc__stream_send_slice(nc_stream *stream, nc_slice *slice);
/* The port has sent bytes that never were in the queue; what is left of them is sent or queued. */
void nc__stream_sent_past(nc_stream *stream, const nc_passed *passed);
void nc__stream_last_try(nc_stream *stream);

/* stream_idle.c */
void nc__idle_restart(nc_stream *stream);
void nc__idle_free(nc_stream *stream);
static inline void nc__stream_moved(nc_stream *stream) {
    stream->moved_at = stream->handle.loop->now;
    if (stream->idle) nc__idle_restart(stream);
}

/* connect.c */
void nc__stream_connected(nc_sock *sock, nc_status status);

/* linger.c: takes the descriptor over, if there is a reason to. */
bool nc__linger(nc_stream *stream);
/* Closes them all, and frees those that the port has done with; whether none is left. */
bool nc__lingers_end(nc_loop *loop);
void nc__lingers_forget(nc_loop *loop); /* after fork, in the child */

/* server.c */
void nc__server_left(nc_server *server);

/* relay.c */
bool nc__relay_is_ready(const nc_relay *relay); /* its target has room */
void nc__relay_pass(nc_stream *from, nc_slice *slice);
/* The socket that the relay may move bytes to past us, or NULL; and what came of it. */
nc_sock *nc__relay_onward(const nc_relay *relay);
void nc__relay_passed(nc_stream *from, const nc_passed *passed);
void nc__relay_end(nc_stream *from);
void nc__relay_resume(nc_stream *to);
void nc__relay_leave(nc_stream *stream); /* stops all relays from and to a stream that closes */

#endif

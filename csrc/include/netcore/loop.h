/* The loop: one thread's reactor, and the events it has for whoever embeds it.
 *
 * A loop never calls its embedder. nc_loop_turn() does I/O and collects; nc_loop_next() then hands out what happened,
 * one event at a time, so that whatever the embedder does in between (pausing a stream, closing another) takes effect
 * on the events still to come: they live as bits on the handles and are made when asked for.
 *
 *     for (;;) {
 *         nc_loop_turn(loop, -1);                               // may block; holds no lock of the embedder's
 *         while (nc_loop_next(loop, NC_PHASE_IO, &event)) ...
 *         while (nc_loop_next(loop, NC_PHASE_CLOSE, &event)) ...
 *         while (nc_loop_next(loop, NC_PHASE_TIMERS, &event)) ...
 *         while ((pin = nc_loop_next_unpinned(loop))) ...
 *     }
 *
 * A loop and all its handles belong to the thread that turns it. Only nc_loop_wake() may be called from elsewhere.
 */
#ifndef NETCORE_LOOP_H
#define NETCORE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netcore/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nc_loop nc_loop;
typedef struct nc_stream nc_stream;
typedef struct nc_server nc_server;
typedef struct nc_timer nc_timer;
typedef struct nc_lookup nc_lookup;

typedef enum nc_event_type {
    NC_EVENT_NONE,
    /* of a stream, in the order in which they are handed out when several are due: */
    NC_EVENT_CONNECT,    /* the connect ended with `status` */
    NC_EVENT_DATA,       /* `size` bytes at `data`, valid until the next call of nc_loop_next() or nc_loop_turn() */
    NC_EVENT_WROTE,      /* nc_stream_bytes_sent() has reached what nc_stream_notify_at() asked for */
    NC_EVENT_FINISH,     /* the shutdown asked for ended with `status` */
    NC_EVENT_SEND_ERROR, /* sending failed with `status`; the queue has been dropped */
    NC_EVENT_EOF,        /* the peer has sent all it will */
    NC_EVENT_RECV_ERROR, /* receiving failed with `status` */
    NC_EVENT_IDLE,       /* the idle timeout passed without a byte either way (phase: timers) */
    /* of a server: */
    NC_EVENT_CONNECTION,   /* `stream` is a new connection without an owner; it is the receiver's to close */
    NC_EVENT_DROP,         /* a connection was refused by the limit; `data` is a const nc_dropped */
    NC_EVENT_ACCEPT_ERROR, /* accepting failed with `status`; the server goes on listening */
    /* of a timer (phase: timers) and a lookup: */
    NC_EVENT_TIMER,
    NC_EVENT_LOOKUP, /* ended with `status`; see nc_lookup_results() */
    /* of a stream or server (phase: close): the handle is gone and its memory with it; `stream` is where a stream was */
    NC_EVENT_CLOSED
} nc_event_type;

typedef struct nc_event {
    nc_event_type type;
    nc_status status;
    void *owner; /* what the handle's maker named as its owner */
    const void *data;
    size_t size;
    void *token; /* of NC_EVENT_DATA in a buffer that was offered: it is the embedder's again, see nc_loop_offer() */
    nc_stream *stream;
} nc_event;

typedef enum nc_phase { NC_PHASE_IO, NC_PHASE_CLOSE, NC_PHASE_TIMERS } nc_phase;

/* What ended a turn; several may hold. */
enum {
    NC_TURN_EVENTS = 1,      /* phase IO or CLOSE has events */
    NC_TURN_TIMERS = 2,      /* phase TIMERS has events */
    NC_TURN_WOKEN = 4,       /* nc_loop_wake() was called */
    NC_TURN_INTERRUPTED = 8, /* a signal came while it waited; one that comes while it works must wake it */
    NC_TURN_IDLE = 16        /* nothing that is ref'd is left to wait for */
};

/* Makes a loop. Errors: NC_ENOMEM, NC_EMFILE and the like. */
nc_status nc_loop_new(nc_loop **out);

/* Closes every handle of the loop without events and gives back all memory, lookups included; timers must have been
 * freed. Pins are not handed back: take them with nc_loop_next_unpinned() after nc_loop_close_all(). Does not wait for
 * lookups in progress. NULL is allowed. */
void nc_loop_free(nc_loop *loop);

/* Closes every open handle of the loop: each gets its NC_EVENT_CLOSED. Timers are stopped. Used before nc_loop_free(). */
void nc_loop_close_all(nc_loop *loop);

/* After fork, in the child: closes the descriptors the child inherited without any word to the peers (no shutdown, no
 * change of the poller that the parent shares) and makes every handle of the loop closed. The loop is then good for
 * nc_loop_free() only. */
void nc_loop_forget(nc_loop *loop);

/* One turn: flushes the streams that were written to, waits at most `max_wait_ms` (negative: without limit) for I/O,
 * does it, runs relays, and goes on by itself until there is something for the embedder. Returns NC_TURN_ bits.
 * This is the only function that blocks. */
unsigned nc_loop_turn(nc_loop *loop, int64_t max_wait_ms);

/* The next event of a phase; false when there is none. Giving out NC_EVENT_DATA lends the stream's slice until the
 * next call. */
bool nc_loop_next(nc_loop *loop, nc_phase phase, nc_event *event);

/* A pin (see nc_stream_write()) whose bytes are no longer needed, or NULL. */
void *nc_loop_next_unpinned(nc_loop *loop);

/* Offers a buffer of `size` bytes (64 KiB or more are worth it) for large receives, so that their bytes need not be copied. When it is
 * used, the NC_EVENT_DATA carries `token` (not NULL), and the buffer is the embedder's again, for good. NC_ENOMEM: the
 * offer was not taken. */
nc_status nc_loop_offer(nc_loop *loop, void *data, size_t size, void *token);
/* Takes back an offer that was not used: its token, or NULL when there is none left. */
void *nc_loop_withdraw(nc_loop *loop);

/* Sends what has been queued on the loop's streams now, as the next turn would. Does not block. */
void nc_loop_flush(nc_loop *loop);

/* Makes a turn in progress (or else the next one) end with NC_TURN_WOKEN. From any thread; async-signal-safe. */
void nc_loop_wake(nc_loop *loop);

/* The descriptor to which a signal handler may write a byte, with the effect of nc_loop_wake(); -1 where the port has
 * none. Non-blocking. An embedder whose handlers do not write to it should limit the wait of its turns: a turn full of
 * relays does not end by itself. */
intptr_t nc_loop_wake_fd(const nc_loop *loop);

/* The descriptor that becomes readable when a turn would find something, for hosting in another loop; -1 if none.
 * Timers and flushes are not seen through it: see nc_loop_timeout(). */
intptr_t nc_loop_fd(const nc_loop *loop);

/* Where nc_loop_fd() is -1: waits at most `ms` milliseconds (negative: without limit) until a turn would find something,
 * or nc_loop_wake(). From another thread, at any time until nc_loop_free(); the turn is still to be made by the loop's
 * own. NC_ENOTSUP where there is a descriptor. */
nc_status nc_loop_wait(nc_loop *loop, int64_t ms);

/* Milliseconds until a turn has something to do by itself: 0 when it has now, -1 when only I/O can give it work. */
int64_t nc_loop_timeout(nc_loop *loop);

/* Whether anything ref'd remains: a reading or writing stream, a listening server, a timer, a lookup, a handle whose
 * close event is still to come, an event that is still to be handed out. */
bool nc_loop_alive(const nc_loop *loop);

/* The loop's clock: milliseconds, monotonic, taken once a turn; nc_loop_update_time() takes it anew. */
uint64_t nc_loop_now(const nc_loop *loop);
void nc_loop_update_time(nc_loop *loop);

/* How many milliseconds the loop's clock is behind: 0 right after nc_loop_update_time(). */
uint64_t nc_loop_lag(const nc_loop *loop);

#ifdef __cplusplus
}
#endif

#endif

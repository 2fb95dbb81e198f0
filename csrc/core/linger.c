/* Closing a TCP connection while received bytes are unread makes the kernel reset it at once, and a reset takes along
 * what was sent and has not arrived yet: the peer loses the answer it was waiting for. And a peer that sent to a proxy
 * whose upstream cannot be reached is to see an end, not an error. So if bytes are unread, the descriptor outlives its
 * stream: it is half-closed, and what still arrives is thrown away, until the peer ends, a second has passed or more has
 * come than an honest peer sends. */
#include <stdlib.h>

#include "core/stream_int.h"

enum { LINGER_MS = 1000, LINGER_BYTES = 1024 * 1024 };

typedef struct nc_linger {
    nc_sock sock;
    nc_deadline deadline;
    nc_list link; /* in the loop's lingers */
    nc_loop *loop;
    size_t left;
    bool closing, closed;
} nc_linger;

/* The deadline is in the heap from the first to the last, so that moving it needs no memory and cannot fail. */
static void move_deadline(nc_linger *linger, uint64_t time) {
    nc_status status = nc__deadline_start(linger->loop, &linger->deadline, time);
    (void)status;
}

static void finish(nc_linger *linger) {
    linger->closing = true;
    move_deadline(linger, UINT64_MAX);
    nc_port_close(linger->loop->port, &linger->sock, false);
}

/* The memory goes with the next look at the heap, since nothing may be freed from within a poll. */
static void linger_closed(nc_sock *sock) {
    nc_linger *linger = nc_container(sock, nc_linger, sock);
    linger->closed = true;
    move_deadline(linger, 0);
}

static void linger_received(nc_sock *sock, nc_status status, nc_slice slice) {
    nc_linger *linger = nc_container(sock, nc_linger, sock);
    bool over = status != NC_OK || slice.size > linger->left;
    linger->left -= over ? 0 : slice.size;
    nc__slice_release(&linger->loop->slices, &slice);
    if (over) {
        finish(linger);
    } else {
        nc_port_receive(linger->loop->port, sock);
    }
}

static void linger_sent(nc_sock *sock, nc_status status, size_t size) {
    (void)sock, (void)status, (void)size; /* nothing is sent any more */
}

static const nc_sock_events linger_events = {.received = linger_received, .sent = linger_sent, .closed = linger_closed};

static void free_linger(nc_linger *linger) {
    nc__deadline_stop(linger->loop, &linger->deadline);
    nc__list_remove(&linger->link);
    linger->loop->active--;
    free(linger);
}

static bool reap(nc_loop *loop, nc_deadline *deadline) {
    nc_linger *linger = nc_container(deadline, nc_linger, deadline);
    (void)loop;
    if (linger->closed) {
        free_linger(linger);
    } else {
        finish(linger);
    }
    return false;
}

static bool is_needed(const nc_stream *stream) {
    if (!nc_stream_is_open(stream)) return false;
    if (stream->state & (NC__INPUT_ENDED | NC__SEND_FAILED | NC__CONNECTING | NC__LOCAL)) return false;
    return nc_port_has_unread(&stream->sock);
}

static bool take_over(nc_linger *linger, nc_stream *stream) {
    nc_loop *loop = linger->loop;
    if (nc__deadline_start(loop, &linger->deadline, loop->now + LINGER_MS) != NC_OK) return false;
    if (nc_port_hand_over(loop->port, &stream->sock, &linger->sock) != NC_OK) {
        nc__deadline_stop(loop, &linger->deadline);
        return false;
    }
    nc__list_append(&loop->lingers, &linger->link);
    loop->active++;
    return true;
}

static nc_linger *new_linger(nc_loop *loop) {
    nc_linger *linger = calloc(1, sizeof *linger);
    if (!linger) return NULL;
    linger->loop = loop;
    linger->left = LINGER_BYTES;
    linger->deadline.expire = reap;
    nc_sock_init(&linger->sock, &linger_events);
    nc__list_init(&linger->link);
    return linger;
}

bool nc__linger(nc_stream *stream) {
    if (!is_needed(stream)) return false;
    nc_linger *linger = new_linger(stream->handle.loop);
    if (!linger) return false;
    if (!take_over(linger, stream)) {
        free(linger);
        return false;
    }
    if (nc_port_shutdown(linger->loop->port, &linger->sock) == NC_OK) {
        nc_port_receive(linger->loop->port, &linger->sock);
    } else {
        finish(linger);
    }
    return true;
}

bool nc__lingers_end(nc_loop *loop) {
    nc_list *next;
    for (nc_list *link = loop->lingers.next; link != &loop->lingers; link = next) {
        nc_linger *linger = nc_container(link, nc_linger, link);
        next = link->next;
        if (!linger->closing) finish(linger);
        if (linger->closed) free_linger(linger);
    }
    return nc__list_is_empty(&loop->lingers);
}

void nc__lingers_forget(nc_loop *loop) {
    while (!nc__list_is_empty(&loop->lingers)) {
        nc_linger *linger = nc_container(loop->lingers.next, nc_linger, link);
        nc_port_abandon(&linger->sock);
        free_linger(linger);
    }
}

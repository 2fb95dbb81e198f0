/* Turns readiness (epoll, kqueue) into the completions of port.h.
 *
 * What a kernel tells is kept as flags on the socket: READABLE stays until a receive has shown that nothing is left,
 * so that with edges each arrival costs one receive and no second one to meet EAGAIN: a read that comes up short has
 * emptied the buffer. Two things break that rule, and both are seen: an end or error waiting behind the data (HUP; then
 * the socket stays readable until it is met), and out-of-band data or passed descriptors, which end a read early (EXACT: from
 * then on only EAGAIN counts).
 *
 * A poll works in two steps. First every event of the kernel is noted on its socket, and the socket is queued; nobody
 * is called. Then the queue is worked off. So a socket that is closed by what happens to another is simply no longer
 * in the queue, and no stale event can reach freed memory. A socket that is still readable when it is asked to receive
 * again goes to the end of the queue, behind its neighbours: that is all of our fairness.
 *
 * A listener is watched level-triggered. One accept an event suits a trickle (no call that finds EAGAIN); when the
 * listener is ready again at once, the number doubles.
 */
#include <stdlib.h>

#include "port/intake.h"
#include "port/poller.h"
#include "port/os.h"
#include "port/queue.h"
#include "port/socket.h"
#include "port/splice.h"

enum {
    READABLE = 1,
    WANT_IN = 2,
    WANT_OUT = 4,
    CONNECTING = 8,
    HUP = 16,
    EXACT = 32,
    BIG = 64,       /* the last read filled its room: offer more */
    WRITABLE = 128, /* news for WANT_OUT or CONNECTING */
    WATCHES_OUT = 256,
    LISTENER = 512,
    WANT_ACCEPT = 1024,
    WATCHED = 2048,
    RESTING = 4096, /* a listener out of the poller because accepting failed for want of resources */
    KIND_SHIFT = 16,
    BURST_SHIFT = 20 /* a listener's accepts per event */
};

enum { BURST_MAX = 64, REST_MS = 50 };

struct nc_port {
    nc_poller poller;
    nc_splice splice;
    nc_slices *slices;
    nc_list queue;
    nc_list resting; /* listeners; the time they rest until is the same for all */
    uint64_t rest_until;
};

static nc_sock_kind kind_of(const nc_sock *sock) {
    return (nc_sock_kind)((sock->flags >> KIND_SHIFT) & 3);
}

nc_status nc_port_new(nc_slices *slices, nc_port **out) {
    nc_port *port = malloc(sizeof *port);
    if (!port) return NC_ENOMEM;
    nc_status status = nc__poller_open(&port->poller);
    if (status != NC_OK) {
        free(port);
        return status;
    }
    nc__splice_init(&port->splice);
    port->slices = slices;
    port->rest_until = 0;
    nc__list_init(&port->queue);
    nc__list_init(&port->resting);
    *out = port;
    return NC_OK;
}

void nc_port_free(nc_port *port) {
    nc__splice_close(&port->splice);
    nc__poller_close(&port->poller);
    free(port);
}

void nc_port_forget(nc_port *port) {
    nc__splice_close(&port->splice);
    nc__poller_forget(&port->poller);
}

void nc_port_wake(nc_port *port) {
    nc__poller_wake(&port->poller);
}

intptr_t nc_port_wake_fd(const nc_port *port) {
    return port->poller.wake_write;
}

intptr_t nc_port_fd(const nc_port *port) {
    return port->poller.fd;
}

int64_t nc_port_timeout(const nc_port *port) {
    if (!nc__list_is_empty(&port->queue)) return 0;
    int64_t poller = nc__poller_timeout(&port->poller);
    if (nc__list_is_empty(&port->resting)) return poller;
    uint64_t now = nc__os_now_ms();
    int64_t rest = now < port->rest_until ? (int64_t)(port->rest_until - now) : 0;
    return poller >= 0 && poller < rest ? poller : rest;
}

bool nc_port_holds_buffers(void) {
    return false;
}

void nc_sock_init(nc_sock *sock, const nc_sock_events *events) {
    sock->events = events;
    nc__list_init(&sock->link);
    sock->os = NULL;
    sock->fd = NC_SOCK_NONE;
    sock->flags = 0;
    sock->waiting = 0;
}

static void enqueue(nc_port *port, nc_sock *sock) {
    if (nc__list_is_empty(&sock->link)) nc__list_append(&port->queue, &sock->link);
}

/* The error that the kernel told of with an event. It counts where the socket itself knows of none any more: a library
 * that imitates kqueue has asked it, and asking is forgetting. */
static nc_status told(const nc_sock *sock) {
    return (nc_status)(intptr_t)sock->os;
}

static nc_status watch(nc_port *port, nc_sock *sock, nc_poller_mode mode) {
    sock->os = NULL;
    nc_status status = nc__poller_add(&port->poller, sock, mode);
    if (status != NC_OK) return status;
    sock->flags |= WATCHED | (mode == NC_POLLER_STREAM_IN_OUT ? WATCHES_OUT : 0);
    return NC_OK;
}

nc_status nc_port_attach(nc_port *port, nc_sock *sock, intptr_t fd, nc_sock_kind kind) {
    sock->fd = fd;
    sock->flags = (uint32_t)kind << KIND_SHIFT;
    nc_status status = watch(port, sock, NC_POLLER_STREAM_IN);
    if (status != NC_OK) sock->fd = NC_SOCK_NONE;
    return status;
}

nc_status nc_port_attach_listener(nc_port *port, nc_sock *sock, intptr_t fd, nc_sock_kind kind) {
    (void)port;
    sock->fd = fd;
    sock->flags = LISTENER | (uint32_t)kind << KIND_SHIFT | 1u << BURST_SHIFT;
    return NC_OK;
}

static void unwatch(nc_port *port, nc_sock *sock) {
    if (sock->flags & WATCHED) nc__poller_remove(&port->poller, sock);
    sock->flags &= ~(uint32_t)(WATCHED | WATCHES_OUT);
    nc__list_remove(&sock->link);
}

nc_status nc_port_detach(nc_port *port, nc_sock *sock, intptr_t *fd) {
    unwatch(port, sock);
    *fd = sock->fd;
    sock->fd = NC_SOCK_NONE;
    sock->flags = 0;
    return NC_OK;
}

nc_status nc_port_hand_over(nc_port *port, nc_sock *from, nc_sock *to) {
    nc_sock_kind kind = kind_of(from);
    intptr_t fd;
    nc_status status = nc_port_detach(port, from, &fd);
    if (status != NC_OK) return status;
    status = nc_port_attach(port, to, fd, kind);
    if (status != NC_OK) from->fd = fd;
    return status;
}

/* After a connect that was started: watch the socket, for the outcome too if that is still open. */
static nc_status watch_connect(nc_port *port, nc_sock *sock, intptr_t fd, nc_sock_kind kind, nc_status started) {
    if (started != NC_OK && started != NC_EAGAIN) return started;
    sock->fd = fd;
    sock->flags = (uint32_t)kind << KIND_SHIFT;
    nc_status status = watch(port, sock, started == NC_OK ? NC_POLLER_STREAM_IN : NC_POLLER_STREAM_IN_OUT);
    if (status != NC_OK) {
        sock->fd = NC_SOCK_NONE;
        return status;
    }
    if (started == NC_EAGAIN) sock->flags |= CONNECTING;
    return started;
}

nc_status nc_port_connect(nc_port *port, nc_sock *sock, intptr_t fd, const nc_addr *peer) {
    return watch_connect(port, sock, fd, NC_SOCK_TCP, nc__socket_connect(fd, peer));
}

nc_status nc_port_connect_path(nc_port *port, nc_sock *sock, intptr_t fd, const char *path, size_t length) {
    nc_status started = nc__socket_connect_path(fd, path, length);
    if (started == NC_EAGAIN) {
        /* Not under way: a local connect that cannot be queued has failed. */
        return NC_ECONNREFUSED;
    }
    return watch_connect(port, sock, fd, NC_SOCK_LOCAL, started);
}

void nc_port_receive(nc_port *port, nc_sock *sock) {
    sock->flags |= WANT_IN;
    if (sock->flags & READABLE) enqueue(port, sock);
}

void nc_port_receive_stop(nc_port *port, nc_sock *sock) {
    (void)port;
    sock->flags &= ~(uint32_t)WANT_IN;
}

bool nc_port_has_unread(const nc_sock *sock) {
    return kind_of(sock) == NC_SOCK_TCP && nc__socket_unread(sock->fd) > 0;
}

/* The kernel tells the present state when the interest changes, so that nothing is missed in between. */
static nc_status want_out(nc_port *port, nc_sock *sock) {
    if (!(sock->flags & WATCHES_OUT)) {
        nc_status status = nc__poller_change(&port->poller, sock, NC_POLLER_STREAM_IN_OUT);
        if (status != NC_OK) return status;
    }
    sock->flags |= WATCHES_OUT | WANT_OUT;
    return NC_EAGAIN;
}

static size_t total(const nc_buf *bufs, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += bufs[i].size;
    return size;
}

nc_status nc_port_send(nc_port *port, nc_sock *sock, const nc_buf *bufs, size_t count, size_t *size) {
    *size = 0;
    nc_status status = nc__socket_send(sock->fd, kind_of(sock), bufs, count, size);
    bool all = status == NC_OK && *size == total(bufs, count);
    return all || (status != NC_OK && status != NC_EAGAIN) ? status : want_out(port, sock);
}

nc_status nc_port_shutdown(nc_port *port, nc_sock *sock) {
    (void)port;
    return kind_of(sock) == NC_SOCK_PLAIN ? NC_OK : nc__socket_shutdown(sock->fd);
}

void nc_port_close(nc_port *port, nc_sock *sock, bool reset) {
    unwatch(port, sock);
    if (reset) nc__socket_reset_on_close(sock->fd);
    nc__socket_close(sock->fd);
    sock->fd = NC_SOCK_NONE;
    sock->flags = 0;
    sock->events->closed(sock);
}

void nc_port_abandon(nc_sock *sock) {
    if (sock->fd != NC_SOCK_NONE) nc__socket_close(sock->fd);
    sock->fd = NC_SOCK_NONE;
    sock->flags = 0;
}

static void deliver_connect(nc_sock *sock) {
    sock->flags &= ~(uint32_t)(CONNECTING | WRITABLE);
    nc_status status = nc__socket_error(sock->fd);
    sock->events->connected(sock, status == NC_OK ? told(sock) : status);
}

static void deliver_writable(nc_sock *sock) {
    sock->flags &= ~(uint32_t)(WANT_OUT | WRITABLE);
    sock->events->sent(sock, NC_OK, 0);
}

/* What a read has shown about the next one. */
static void note_read(nc_sock *sock, const nc_intake *read) {
    size_t size = read->slice.size;
    sock->waiting -= sock->waiting < size ? sock->waiting : (uint32_t)size;
    if (read->more) sock->flags |= EXACT;
    if (!read->filled && !sock->waiting && !(sock->flags & (HUP | EXACT))) sock->flags &= ~(uint32_t)READABLE;
    sock->flags = nc__intake_is_big(read, sock->flags & BIG) ? sock->flags | BIG : sock->flags & ~(uint32_t)BIG;
}

/* A receive that gave no bytes: there are none for now, or never again. */
static void deliver_none(nc_sock *sock, nc_status status) {
    static const nc_slice none = {NULL, 0, NULL};
    if (status == NC_EAGAIN) {
        sock->flags &= ~(uint32_t)(READABLE | HUP);
        sock->waiting = 0;
        return;
    }
    /* EPIPE is for who writes: Linux says it of a peer that reset after its end, which stays an end for who reads. */
    if (status == NC_EOF && told(sock) != NC_OK && told(sock) != NC_EPIPE) status = told(sock);
    sock->flags &= ~(uint32_t)WANT_IN;
    sock->events->received(sock, status, none);
}

/* Where input may go without being seen. Only TCP: local sockets may carry descriptors, and an end behind the data or
 * urgent data need the reader's whole attention. */
static nc_sock *goes_to(nc_sock *sock) {
    if ((sock->flags & (BIG | HUP | EXACT)) != BIG || kind_of(sock) != NC_SOCK_TCP || !sock->events->onward)
        return NULL;
    nc_sock *to = sock->events->onward(sock);
    return to && kind_of(to) == NC_SOCK_TCP ? to : NULL;
}

/* The pipe may have been full before the socket was empty, so that the latter shows by EAGAIN only. */
static size_t deliver_passed(nc_sock *sock, const nc_passed *passed) {
    size_t size = passed->size + passed->rest.size;
    sock->flags &= ~(uint32_t)WANT_IN;
    sock->waiting = 0;
    if (!nc__intake_is_worth_big(size)) sock->flags &= ~(uint32_t)BIG;
    sock->events->passed(sock, passed);
    return size;
}

/* One receive; gives the bytes read. */
static size_t deliver_in(nc_port *port, nc_sock *sock) {
    nc_intake read;
    nc_passed passed;
    nc_sock *to = goes_to(sock);
    nc_status status = to ? nc__splice(&port->splice, port->slices, sock->fd, to->fd, &passed) : NC_ENOTSUP;
    if (status == NC_OK) return deliver_passed(sock, &passed);
    if (status == NC_ENOTSUP) status = nc__intake(port->slices, sock->fd, kind_of(sock), sock->flags & BIG, &read);
    if (status != NC_OK) {
        deliver_none(sock, status);
        return 0;
    }
    sock->flags &= ~(uint32_t)WANT_IN;
    note_read(sock, &read);
    sock->events->received(sock, NC_OK, read.slice);
    return read.slice.size;
}

/* Accepting fails for want of descriptors or memory: the connections stay in the kernel's queue, and a listener that
 * is watched by levels would turn the loop without end. It leaves the poller and is tried again after a rest. */
static void rest(nc_port *port, nc_sock *sock, nc_status status) {
    unwatch(port, sock);
    sock->flags = (sock->flags & ~(uint32_t)READABLE) | RESTING;
    nc__list_append(&port->resting, &sock->link);
    port->rest_until = nc__os_now_ms() + REST_MS;
    sock->events->accepted(sock, status, NC_SOCK_NONE, NULL);
}

static uint32_t with_burst(uint32_t flags, uint32_t burst) {
    return (flags & ((1u << BURST_SHIFT) - 1)) | burst << BURST_SHIFT;
}

static void deliver_accepts(nc_port *port, nc_sock *sock) {
    uint32_t burst = sock->flags >> BURST_SHIFT, got = 0;
    nc_status status = NC_OK;
    sock->flags &= ~(uint32_t)READABLE;
    while (got < burst && (sock->flags & WANT_ACCEPT)) {
        nc_addr peer;
        intptr_t fd;
        status = nc__socket_accept(sock->fd, &fd, &peer);
        if (status != NC_OK) break;
        got++;
        sock->events->accepted(sock, NC_OK, fd, &peer);
    }
    if (!(sock->flags & WANT_ACCEPT)) return;
    uint32_t next = got == burst ? burst * 2 : got;
    sock->flags = with_burst(sock->flags, next < 1 ? 1 : next > BURST_MAX ? BURST_MAX : next);
    if (status != NC_OK && status != NC_EAGAIN) rest(port, sock, status);
}

void nc_port_accept(nc_port *port, nc_sock *sock) {
    sock->flags |= WANT_ACCEPT;
    if (sock->flags & (WATCHED | RESTING)) return;
    nc_status status = watch(port, sock, NC_POLLER_LISTENER);
    if (status != NC_OK) rest(port, sock, status);
}

void nc_port_accept_stop(nc_port *port, nc_sock *sock) {
    sock->flags &= ~(uint32_t)(WANT_ACCEPT | RESTING | READABLE);
    unwatch(port, sock);
}

void nc_port_accept_rest(nc_port *port, nc_sock *sock, int limit) {
    (void)port;
    nc_addr peer;
    intptr_t fd;
    for (int i = 0; i < limit && nc__socket_accept(sock->fd, &fd, &peer) == NC_OK; i++) {
        sock->events->accepted(sock, NC_OK, fd, &peer);
    }
}

static void wake_rested(nc_port *port) {
    if (nc__list_is_empty(&port->resting) || nc__os_now_ms() < port->rest_until) return;
    nc_list rested;
    nc__list_init(&rested);
    nc__list_append_all(&rested, &port->resting);
    for (nc_list *link; (link = nc__list_shift(&rested));) {
        nc_sock *sock = nc_container(link, nc_sock, link);
        sock->flags &= ~(uint32_t)RESTING;
        nc_port_accept(port, sock);
    }
}

nc_status nc_port_wait(nc_port *port, int64_t ms) {
    (void)port;
    (void)ms;
    return NC_ENOTSUP;
}

/* What is noted on a socket, worked off in the order: outcome of a connect, room to send, data. Each call may close the
 * socket, which then has no flags. */
static size_t deliver(nc_port *port, nc_sock *sock) {
    if (sock->flags & LISTENER) {
        deliver_accepts(port, sock);
        return 0;
    }
    if ((sock->flags & (CONNECTING | WRITABLE)) == (CONNECTING | WRITABLE)) deliver_connect(sock);
    if ((sock->flags & (WANT_OUT | WRITABLE)) == (WANT_OUT | WRITABLE)) deliver_writable(sock);
    if ((sock->flags & (WANT_IN | READABLE)) == (WANT_IN | READABLE)) return deliver_in(port, sock);
    return 0;
}

static void note(nc_port *port, const nc_poller_event *event) {
    nc_sock *sock = event->sock;
    if (event->what & NC_POLL_IN) {
        sock->flags |= READABLE;
        sock->waiting = event->waiting;
    }
    if (event->what & NC_POLL_HUP) sock->flags |= HUP;
    if (event->error != NC_OK) sock->os = (void *)(intptr_t)event->error;
    if (event->what & NC_POLL_URGENT) sock->flags |= EXACT;
    if ((event->what & NC_POLL_OUT) && (sock->flags & (WANT_OUT | CONNECTING))) sock->flags |= WRITABLE;
    if (sock->flags & (WANT_IN | WRITABLE | WANT_ACCEPT)) enqueue(port, sock);
}

static int64_t limit_wait(const nc_port *port, int64_t ms) {
    if (!nc__list_is_empty(&port->queue)) return 0;
    if (nc__list_is_empty(&port->resting)) return ms;
    return ms < 0 || ms > REST_MS ? REST_MS : ms;
}

nc_status nc_port_poll(nc_port *port, int64_t ms, bool *woken) {
    nc_poller_event events[NC_POLLER_EVENTS_MAX];
    int count;
    *woken = false;
    nc_status status = nc__poller_wait(&port->poller, limit_wait(port, ms), events, &count);
    for (int i = 0; i < count; i++) {
        if (events[i].sock) {
            note(port, &events[i]);
        } else {
            nc__poller_clear_wake(&port->poller);
            *woken = true;
        }
    }
    wake_rested(port);
    nc__queue_work_off(&port->queue, port, deliver);
    return status;
}

#include "sim_port.h"

#include <stdlib.h>
#include <string.h>

#include "port/os.h"
#include "port/socket.h"

enum { FDS = 512, CAPACITY = 40000, QUEUE = 64 };

enum {
    WANT_IN = 1,
    WANT_OUT = 2,
    CONNECTING = 4,
    WANT_ACCEPT = 8,
    LISTENER = 16,
    CLOSING = 32,
    DEAD = 64,
    STOPPING = 128
};

typedef enum fd_kind { FD_FREE, FD_PLAIN, FD_END, FD_LISTENER } fd_kind;

typedef struct fd_entry {
    fd_kind kind;
    sim_end *end;
    sim_end *waiting[QUEUE]; /* a listener's */
    int waiting_count;
} fd_entry;

struct nc_port {
    nc_slices *slices;
    nc_list socks;
    bool woken;
};

/* What a send in the background still refers to. */
typedef struct sim_send {
    nc_buf bufs[NC_PORT_BUFS_MAX];
    size_t count;
} sim_send;

static struct {
    sim_options options;
    uint64_t random;
    uint64_t now;
    fd_entry fds[FDS];
    sim_end **ends;
    size_t end_count;
    sim_end *answer;
    bool calm;
    unsigned chances, fail_at;
} sim;

/* xorshift64* */
uint32_t sim_random(uint32_t below) {
    sim.random ^= sim.random >> 12;
    sim.random ^= sim.random << 25;
    sim.random ^= sim.random >> 27;
    return (uint32_t)((sim.random * 2685821657736338717ULL) >> 32) % below;
}

static bool late(void) {
    return !sim.calm && sim_random(256) < sim.options.late;
}

static bool faulty(void) {
    if (++sim.chances == sim.fail_at) return true;
    return !sim.calm && sim_random(4096) < sim.options.faults;
}

void sim_fail_at(unsigned nth) {
    sim.fail_at = nth ? sim.chances + nth : 0;
}

unsigned sim_chances(void) {
    return sim.chances;
}

void sim_calm(void) {
    sim.calm = true;
}

void sim_reset(const sim_options *options) {
    memset(&sim, 0, sizeof sim);
    sim.options = *options;
    sim.random = options->seed * 0x9E3779B97F4A7C15ULL + 1;
    sim.now = 1000;
}

void sim_advance(uint64_t ms) {
    sim.now += ms;
}

uint64_t nc__os_now_ms(void) {
    return sim.now;
}

static sim_end *new_end(void) {
    sim_end *end = calloc(1, sizeof *end);
    end->fd = -1;
    end->open = true;
    sim.ends = realloc(sim.ends, (sim.end_count + 1) * sizeof *sim.ends);
    sim.ends[sim.end_count++] = end;
    return end;
}

static void join(sim_end *a, sim_end *b) {
    a->peer = b;
    b->peer = a;
}

size_t sim_end_all(void) {
    size_t left = 0;
    for (int fd = 0; fd < FDS; fd++) left += sim.fds[fd].kind != FD_FREE;
    for (size_t i = 0; i < sim.end_count; i++) {
        free(sim.ends[i]->in.bytes);
        free(sim.ends[i]);
    }
    free(sim.ends);
    sim.ends = NULL;
    sim.end_count = 0;
    return left;
}

static void put(sim_pipe *pipe, const uint8_t *data, size_t size) {
    if (size == 0) return;
    if (pipe->size + size > pipe->room) {
        pipe->room = (pipe->size + size) * 2;
        pipe->bytes = realloc(pipe->bytes, pipe->room);
    }
    memcpy(pipe->bytes + pipe->size, data, size);
    pipe->size += size;
}

static size_t take(sim_pipe *pipe, uint8_t *data, size_t size) {
    if (size > pipe->size) size = pipe->size;
    if (size == 0) return 0;
    memcpy(data, pipe->bytes, size);
    memmove(pipe->bytes, pipe->bytes + size, pipe->size - size);
    pipe->size -= size;
    return size;
}

/* The test's side */

sim_end *sim_dial(int listener) {
    fd_entry *entry = &sim.fds[listener];
    if (entry->kind != FD_LISTENER || entry->waiting_count == QUEUE) return NULL;
    sim_end *ours = new_end(), *theirs = new_end();
    join(ours, theirs);
    entry->waiting[entry->waiting_count++] = theirs;
    return ours;
}

sim_end *sim_answer(void) {
    sim_end *end = sim.answer;
    sim.answer = NULL;
    return end;
}

sim_end *sim_peer(int fd) {
    return sim.fds[fd].end->peer;
}

void sim_write(sim_end *end, const uint8_t *data, size_t size) {
    if (end->peer && end->peer->open) put(&end->peer->in, data, size);
}

size_t sim_read(sim_end *end, uint8_t *data, size_t room) {
    return take(&end->in, data, room);
}

void sim_fin(sim_end *end) {
    if (end->peer) end->peer->in.fin = true;
}

void sim_abort(sim_end *end) {
    if (!end->peer) return;
    end->peer->in.reset = true;
    end->peer->in.size = 0;
}

void sim_drop(sim_end *end) {
    if (end->peer && end->in.size > 0) sim_abort(end);
    sim_fin(end);
    end->open = false;
}

bool sim_saw_fin(const sim_end *end) {
    return end->in.fin && end->in.size == 0;
}

bool sim_saw_reset(const sim_end *end) {
    return end->in.reset;
}

/* socket.h, as far as the core calls it */

static int new_fd(fd_kind kind) {
    for (int fd = 3; fd < FDS; fd++) {
        if (sim.fds[fd].kind != FD_FREE) continue;
        memset(&sim.fds[fd], 0, sizeof sim.fds[fd]);
        sim.fds[fd].kind = kind;
        return fd;
    }
    return -1;
}

nc_status nc__socket_open(int family, intptr_t *fd) {
    (void)family;
    if (faulty()) return NC_EMFILE;
    *fd = new_fd(FD_PLAIN);
    return *fd < 0 ? NC_EMFILE : NC_OK;
}

static void close_end(sim_end *end, bool reset) {
    if (end->peer && (reset || end->in.size > 0)) sim_abort(end);
    sim_fin(end);
    end->open = false;
    end->fd = -1;
}

static void close_fd(int fd, bool reset) {
    fd_entry *entry = &sim.fds[fd];
    for (int i = 0; i < entry->waiting_count; i++) close_end(entry->waiting[i], true);
    if (entry->kind == FD_END) close_end(entry->end, reset);
    entry->kind = FD_FREE;
}

void nc__socket_close(intptr_t fd) {
    close_fd((int)fd, false);
}

/* Nothing here shares a listener. */
nc_status nc__socket_duplicate(intptr_t fd, intptr_t *out) {
    (void)fd;
    (void)out;
    return NC_ENOTSUP;
}

nc_status nc__socket_adopt(intptr_t fd, nc_sock_kind *kind) {
    (void)fd;
    *kind = NC_SOCK_TCP;
    return NC_OK;
}

nc_status nc__socket_bind(intptr_t fd, const nc_addr *addr) {
    (void)fd, (void)addr;
    return faulty() ? NC_EADDRINUSE : NC_OK;
}

nc_status nc__socket_bind_path(intptr_t fd, const char *path, size_t length) {
    (void)fd, (void)path, (void)length;
    return NC_OK;
}

nc_status nc__socket_listen(intptr_t fd, int backlog) {
    (void)backlog;
    sim.fds[fd].kind = FD_LISTENER;
    return NC_OK;
}

nc_status nc__socket_name(intptr_t fd, nc_addr *addr) {
    (void)fd;
    memset(addr, 0, sizeof *addr);
    addr->family = 4;
    return NC_OK;
}

nc_status nc__socket_peer(intptr_t fd, nc_addr *addr) {
    return nc__socket_name(fd, addr);
}

nc_status nc__socket_path(intptr_t fd, char *path, size_t cap, size_t *length) {
    (void)fd, (void)path, (void)cap;
    *length = 0;
    return NC_OK;
}

nc_status nc__socket_set_v6_only(intptr_t fd, bool on) {
    (void)fd, (void)on;
    return NC_OK;
}

nc_status nc__socket_set_reuse_port(intptr_t fd) {
    (void)fd;
    return NC_OK;
}

nc_status nc__socket_set_no_delay(intptr_t fd, bool on) {
    (void)fd, (void)on;
    return NC_OK;
}

nc_status nc__socket_set_keep_alive(intptr_t fd, bool on, unsigned idle_s) {
    (void)fd, (void)on, (void)idle_s;
    return NC_OK;
}

nc_status nc__socket_set_tos(intptr_t fd, unsigned tos) {
    (void)fd, (void)tos;
    return NC_OK;
}

nc_status nc__socket_get_tos(intptr_t fd, unsigned *tos) {
    (void)fd;
    *tos = 0;
    return NC_OK;
}

nc_status nc__socket_open_path_to_all(intptr_t fd, const char *path, bool readable, bool writable) {
    (void)fd, (void)path, (void)readable, (void)writable;
    return NC_OK;
}

/* port.h */

nc_status nc_port_new(nc_slices *slices, nc_port **out) {
    nc_port *port = calloc(1, sizeof *port);
    port->slices = slices;
    nc__list_init(&port->socks);
    *out = port;
    return NC_OK;
}

void nc_port_free(nc_port *port) {
    free(port);
}

void nc_port_forget(nc_port *port) {
    (void)port;
}

nc_status nc_port_wait(nc_port *port, int64_t ms) {
    (void)port, (void)ms;
    return NC_OK;
}

void nc_port_wake(nc_port *port) {
    port->woken = true;
}

intptr_t nc_port_wake_fd(const nc_port *port) {
    (void)port;
    return -1;
}

intptr_t nc_port_fd(const nc_port *port) {
    (void)port;
    return -1;
}

int64_t nc_port_timeout(const nc_port *port) {
    (void)port;
    return -1;
}

bool nc_port_holds_buffers(void) {
    return sim.options.holds_buffers;
}

void nc_sock_init(nc_sock *sock, const nc_sock_events *events) {
    sock->events = events;
    nc__list_init(&sock->link);
    sock->os = NULL;
    sock->fd = NC_SOCK_NONE;
    sock->flags = 0;
}

static sim_end *end_of(const nc_sock *sock) {
    return sim.fds[sock->fd].end;
}

nc_status nc_port_attach(nc_port *port, nc_sock *sock, intptr_t fd, nc_sock_kind kind) {
    (void)kind;
    if (faulty()) return NC_ENOMEM;
    sock->fd = fd;
    nc__list_append(&port->socks, &sock->link);
    return NC_OK;
}

nc_status nc_port_attach_listener(nc_port *port, nc_sock *sock, intptr_t fd, nc_sock_kind kind) {
    sock->flags |= LISTENER;
    return nc_port_attach(port, sock, fd, kind);
}

nc_status nc_port_detach(nc_port *port, nc_sock *sock, intptr_t *fd) {
    (void)port;
    if (sock->flags & (WANT_OUT | STOPPING)) return NC_EBUSY;
    nc__list_remove(&sock->link);
    *fd = sock->fd;
    sock->fd = NC_SOCK_NONE;
    sock->flags = 0;
    return NC_OK;
}

nc_status nc_port_hand_over(nc_port *port, nc_sock *from, nc_sock *to) {
    intptr_t fd;
    nc_status status = nc_port_detach(port, from, &fd);
    if (status != NC_OK) return status;
    status = nc_port_attach(port, to, fd, NC_SOCK_TCP);
    if (status != NC_OK) {
        from->fd = fd;
        nc__list_append(&port->socks, &from->link);
    }
    return status;
}

static nc_status make_connection(nc_port *port, nc_sock *sock, intptr_t fd) {
    if (faulty()) return NC_ENETUNREACH;
    sim_end *ours = new_end();
    ours->fd = (int)fd;
    sim.fds[fd].kind = FD_END;
    sim.fds[fd].end = ours;
    nc_status status = nc_port_attach(port, sock, fd, NC_SOCK_TCP);
    if (status != NC_OK) return status;
    if (faulty()) { /* refused, later */
        sock->flags |= CONNECTING;
        return NC_EAGAIN;
    }
    sim.answer = new_end();
    join(ours, sim.answer);
    if (!late()) return NC_OK;
    sock->flags |= CONNECTING;
    return NC_EAGAIN;
}

nc_status nc_port_connect(nc_port *port, nc_sock *sock, intptr_t fd, const nc_addr *peer) {
    (void)peer;
    return make_connection(port, sock, fd);
}

nc_status nc_port_connect_path(nc_port *port, nc_sock *sock, intptr_t fd, const char *path, size_t length) {
    (void)path, (void)length;
    return make_connection(port, sock, fd);
}

void nc_port_receive(nc_port *port, nc_sock *sock) {
    (void)port;
    sock->flags = (sock->flags | WANT_IN) & ~(uint32_t)STOPPING;
}

/* A port that works in the background may be too late to withdraw a receive. */
void nc_port_receive_stop(nc_port *port, nc_sock *sock) {
    (void)port;
    if ((sock->flags & WANT_IN) && sim.options.holds_buffers && late()) return;
    sock->flags &= ~(uint32_t)WANT_IN;
}

bool nc_port_has_unread(const nc_sock *sock) {
    return sim.fds[sock->fd].kind == FD_END && end_of(sock)->in.size > 0;
}

/* What the peer's buffer takes of the buffers now: at random less than it could. */
static size_t move_out(nc_sock *sock, const nc_buf *bufs, size_t count) {
    sim_end *peer = end_of(sock)->peer;
    size_t moved = 0, room = peer->in.size < CAPACITY ? CAPACITY - peer->in.size : 0;
    if (!sim.calm && room > 1 && sim_random(3) == 0) room = 1 + sim_random((uint32_t)room);
    for (size_t i = 0; i < count && room > 0; i++) {
        size_t part = bufs[i].size < room ? bufs[i].size : room;
        if (peer->open) put(&peer->in, bufs[i].base, part);
        moved += part;
        room -= part;
    }
    return moved;
}

static nc_status send_status(const nc_sock *sock) {
    const sim_end *end = end_of(sock);
    if (end->in.reset) return NC_ECONNRESET;
    if (!end->peer) return NC_EPIPE;
    return faulty() ? NC_EPIPE : NC_OK;
}

static size_t total(const nc_buf *bufs, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += bufs[i].size;
    return size;
}

/* The rest is sent in the background, from the buffers as they lie. */
static void keep_send(nc_sock *sock, const nc_buf *bufs, size_t count, size_t gone) {
    sim_send *send = calloc(1, sizeof *send);
    for (size_t i = 0; i < count; i++) {
        size_t skip = gone < bufs[i].size ? gone : bufs[i].size;
        gone -= skip;
        if (skip == bufs[i].size) continue;
        send->bufs[send->count++] = (nc_buf){(const uint8_t *)bufs[i].base + skip, bufs[i].size - skip};
    }
    sock->os = send;
}

nc_status nc_port_send(nc_port *port, nc_sock *sock, const nc_buf *bufs, size_t count, size_t *size) {
    (void)port;
    *size = 0;
    nc_status status = send_status(sock);
    if (status != NC_OK) return status;
    if (!late()) *size = move_out(sock, bufs, count);
    if (*size == total(bufs, count)) return NC_OK;
    sock->flags |= WANT_OUT;
    if (sim.options.holds_buffers) keep_send(sock, bufs, count, *size);
    return NC_EAGAIN;
}

nc_status nc_port_shutdown(nc_port *port, nc_sock *sock) {
    (void)port;
    if (faulty()) return NC_ENOTCONN;
    sim_fin(end_of(sock));
    return NC_OK;
}

void nc_port_accept(nc_port *port, nc_sock *sock) {
    (void)port;
    sock->flags |= WANT_ACCEPT;
}

void nc_port_accept_stop(nc_port *port, nc_sock *sock) {
    (void)port;
    sock->flags &= ~(uint32_t)WANT_ACCEPT;
}

static void accept_one(nc_sock *sock) {
    static const nc_addr peer = {.family = 4, .port = 1};
    fd_entry *entry = &sim.fds[sock->fd];
    if (faulty()) {
        sock->events->accepted(sock, NC_EMFILE, NC_SOCK_NONE, NULL);
        return;
    }
    int fd = new_fd(FD_END);
    if (fd < 0) return;
    sim_end *end = entry->waiting[0];
    memmove(entry->waiting, entry->waiting + 1, (size_t)--entry->waiting_count * sizeof *entry->waiting);
    sim.fds[fd].end = end;
    end->fd = fd;
    sock->events->accepted(sock, NC_OK, fd, &peer);
}

void nc_port_accept_rest(nc_port *port, nc_sock *sock, int limit) {
    (void)port;
    while (limit-- > 0 && sim.fds[sock->fd].waiting_count > 0) accept_one(sock);
}

static void finish_close(nc_sock *sock) {
    nc__list_remove(&sock->link);
    free(sock->os);
    sock->os = NULL;
    sock->flags = DEAD;
    sock->events->closed(sock);
}

void nc_port_close(nc_port *port, nc_sock *sock, bool reset) {
    (void)port;
    close_fd((int)sock->fd, reset);
    sock->fd = NC_SOCK_NONE;
    if (sim.options.holds_buffers) {
        sock->flags = CLOSING;
    } else {
        finish_close(sock);
    }
}

void nc_port_abandon(nc_sock *sock) {
    if (sock->fd == NC_SOCK_NONE) return;
    nc__list_remove(&sock->link);
    close_fd((int)sock->fd, false);
    free(sock->os);
    sock->os = NULL;
    sock->fd = NC_SOCK_NONE;
}

static void end_connect(nc_sock *sock) {
    sock->flags &= ~(uint32_t)CONNECTING;
    sock->events->connected(sock, end_of(sock)->peer ? NC_OK : NC_ECONNREFUSED);
}

static void end_send(nc_sock *sock) {
    sim_send *send = sock->os;
    nc_status status = send_status(sock);
    size_t size = status == NC_OK && send ? move_out(sock, send->bufs, send->count) : 0;
    if (status == NC_OK && send && size == 0) return;
    sock->flags &= ~(uint32_t)WANT_OUT;
    sock->os = NULL;
    free(send);
    sock->events->sent(sock, status, size);
}

/* Moves what was taken on to another socket, as a kernel that splices does: at random less than all of it. */
static void pass_on(nc_port *port, nc_sock *sock, nc_sock *to, size_t size) {
    nc_slice slice = nc__slices_commit(port->slices, size);
    nc_buf buf = {slice.data, slice.size};
    nc_passed passed = {.status = send_status(to)};
    if (passed.status == NC_OK && !late()) passed.size = move_out(to, &buf, 1);
    if (passed.size < size) {
        passed.rest = (nc_slice){slice.data + passed.size, size - passed.size, slice.slab};
    } else {
        nc__slice_release(port->slices, &slice);
    }
    sock->events->passed(sock, &passed);
}

static void give(nc_port *port, nc_sock *sock, size_t size) {
    bool asks = !sim.options.holds_buffers && sock->events->onward && sim_random(2);
    nc_sock *to = asks ? sock->events->onward(sock) : NULL;
    if (to) {
        pass_on(port, sock, to, size);
    } else {
        sock->events->received(sock, NC_OK, nc__slices_commit(port->slices, size));
    }
}

static void end_receive(nc_port *port, nc_sock *sock) {
    static const nc_slice none = {NULL, 0, NULL};
    sim_end *end = end_of(sock);
    bool fault = faulty();
    if (end->in.size == 0 && !end->in.fin && !end->in.reset && !fault) return;
    sock->flags &= ~(uint32_t)WANT_IN;
    if (end->in.reset || fault) {
        end->in.reset = true;
        sock->events->received(sock, NC_ECONNRESET, none);
        return;
    }
    size_t room;
    uint8_t *data = nc__slices_reserve(port->slices, 16384, 65536, &room);
    if (!sim.calm && sim_random(3) == 0) room = 1 + sim_random((uint32_t)room);
    size_t size = take(&end->in, data, room);
    if (size > 0) {
        give(port, sock, size);
    } else {
        sock->events->received(sock, NC_EOF, none);
    }
}

/* One of the things that a socket waits for, in the order in which kernels may have them ready. */
static void work(nc_port *port, nc_sock *sock) {
    if (late()) return;
    if (sock->flags & CLOSING) {
        finish_close(sock);
        return;
    }
    if ((sock->flags & (LISTENER | WANT_ACCEPT)) == (LISTENER | WANT_ACCEPT)) {
        for (int i = 0; i < 4 && (sock->flags & WANT_ACCEPT) && sim.fds[sock->fd].waiting_count > 0; i++)
            accept_one(sock);
        return;
    }
    if (sock->flags & CONNECTING) end_connect(sock);
    if ((sock->flags & WANT_OUT) && !(sock->flags & CONNECTING) && sim_random(2)) end_send(sock);
    if ((sock->flags & WANT_IN) && !(sock->flags & CONNECTING)) end_receive(port, sock);
    if (sock->flags & WANT_OUT) end_send(sock);
}

nc_status nc_port_poll(nc_port *port, int64_t ms, bool *woken) {
    nc_list batch;
    *woken = port->woken;
    port->woken = false;
    nc__list_init(&batch);
    nc__list_append_all(&batch, &port->socks);
    while (!nc__list_is_empty(&batch)) {
        /* At random from either end: what ended is not told in the order of asking. */
        nc_list *link = sim_random(2) ? batch.next : batch.prev;
        nc__list_remove(link);
        nc__list_append(&port->socks, link);
        work(port, nc_container(link, nc_sock, link));
    }
    if (ms > 0) sim.now += (uint64_t)ms;
    return sim.options.late && sim_random(64) == 0 ? NC_EINTR : NC_OK;
}

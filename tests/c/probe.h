/* A socket of the port under test that records what it is told. */
#ifndef TESTS_PROBE_H
#define TESTS_PROBE_H

#include "check.h"
#include "peer.h"
#include "port/os.h"
#include "port/port.h"
#include "port/socket.h"

typedef struct fixture {
    nc_slices slices;
    nc_port *port;
} fixture;

typedef struct probe {
    nc_sock sock;
    fixture *fix;
    int connected, received, sent, accepted, accept_errors, closed;
    nc_status connect_status, receive_status, send_status, accept_status;
    bool keep_reading, ended;
    uint8_t *data; /* all that was received */
    size_t size, room, largest, sent_size;
    intptr_t fds[512];
    nc_addr peer;
    nc_sock *onward;              /* where the port may move bytes by itself, until some are left */
    size_t passed, before_passed; /* bytes that went there, and those received before */
    void (*on_received)(struct probe *);
    void (*on_accepted)(struct probe *);
} probe;

static inline probe *probe_of(nc_sock *sock) {
    return nc_container(sock, probe, sock);
}

static inline void probe_connected(nc_sock *sock, nc_status status) {
    probe *self = probe_of(sock);
    CHECK_EQUAL(self->closed, 0);
    self->connected++;
    self->connect_status = status;
}

static inline void probe_keep(probe *self, const uint8_t *data, size_t size) {
    if (self->size + size > self->room) {
        self->room = (self->size + size) * 2;
        self->data = realloc(self->data, self->room);
        CHECK(self->data);
    }
    memcpy(self->data + self->size, data, size);
    self->size += size;
    if (size > self->largest) self->largest = size;
}

static inline void probe_received(nc_sock *sock, nc_status status, nc_slice slice) {
    probe *self = probe_of(sock);
    CHECK_EQUAL(self->closed, 0);
    CHECK(!self->ended);
    self->received++;
    self->receive_status = status;
    if (status == NC_OK) {
        CHECK(slice.size > 0);
        probe_keep(self, slice.data, slice.size);
        nc__slice_release(&self->fix->slices, &slice);
        if (self->keep_reading) nc_port_receive(self->fix->port, sock);
    } else {
        self->ended = true;
    }
    if (self->on_received) self->on_received(self);
}

static inline nc_sock *probe_onward(nc_sock *sock) {
    return probe_of(sock)->onward;
}

static inline void probe_passed(nc_sock *sock, const nc_passed *passed) {
    probe *self = probe_of(sock);
    nc_slice rest = passed->rest;
    CHECK(self->onward);
    CHECK_EQUAL(passed->status, NC_OK);
    if (self->passed == 0) self->before_passed = self->size;
    self->passed += passed->size;
    if (rest.slab) {
        probe_keep(self, rest.data, rest.size);
        nc__slice_release(&self->fix->slices, &rest);
        self->onward = NULL;
    } else {
        nc_port_receive(self->fix->port, sock);
    }
}

static inline void probe_sent(nc_sock *sock, nc_status status, size_t size) {
    probe *self = probe_of(sock);
    CHECK_EQUAL(self->closed, 0);
    self->sent++;
    self->send_status = status;
    self->sent_size += size;
}

static inline void probe_accepted(nc_sock *sock, nc_status status, intptr_t fd, const nc_addr *peer) {
    probe *self = probe_of(sock);
    CHECK_EQUAL(self->closed, 0);
    self->accept_status = status;
    if (status != NC_OK) {
        self->accept_errors++;
        return;
    }
    CHECK(self->accepted < 512);
    self->fds[self->accepted++] = fd;
    self->peer = *peer;
    if (self->on_accepted) self->on_accepted(self);
}

static inline void probe_closed(nc_sock *sock) {
    probe_of(sock)->closed++;
}

static const nc_sock_events probe_events = {
    .connected = probe_connected,
    .received = probe_received,
    .onward = probe_onward,
    .passed = probe_passed,
    .sent = probe_sent,
    .accepted = probe_accepted,
    .closed = probe_closed,
};

static inline void fixture_open(fixture *fix) {
    memset(fix, 0, sizeof *fix);
    CHECK_EQUAL(nc_port_new(&fix->slices, &fix->port), NC_OK);
}

static inline void fixture_close(fixture *fix) {
    nc_port_free(fix->port);
    nc__slices_free(&fix->slices);
}

static inline void probe_init(probe *self, fixture *fix) {
    memset(self, 0, sizeof *self);
    self->fix = fix;
    nc_sock_init(&self->sock, &probe_events);
}

static inline bool fixture_poll(fixture *fix, int64_t ms) {
    bool woken;
    nc_status status = nc_port_poll(fix->port, ms, &woken);
    CHECK(status == NC_OK || status == NC_EINTR);
    return woken;
}

/* Polls until `condition` holds; ten seconds are too long. */
#define UNTIL(fix, condition)                                                                                          \
    do {                                                                                                               \
        uint64_t until_end = nc__os_now_ms() + 10000;                                                                  \
        while (!(condition)) {                                                                                         \
            if (nc__os_now_ms() > until_end) {                                                                         \
                fprintf(stderr, "%s:%d: never: %s\n", __FILE__, __LINE__, #condition);                                 \
                exit(1);                                                                                               \
            }                                                                                                          \
            fixture_poll(fix, 100);                                                                                    \
        }                                                                                                              \
    } while (0)

/* Polls for a while in which nothing should happen. */
static inline void fixture_idle(fixture *fix, uint64_t ms) {
    uint64_t end = nc__os_now_ms() + ms;
    while (nc__os_now_ms() < end) fixture_poll(fix, 10);
}

static inline void probe_close(probe *self) {
    nc_port_close(self->fix->port, &self->sock, false);
    UNTIL(self->fix, self->closed);
    CHECK_EQUAL(self->closed, 1);
    free(self->data);
    self->data = NULL;
}

/* A listener on a free port of the loopback address. */
static inline uint16_t probe_listen(probe *self, fixture *fix, int backlog) {
    nc_addr addr;
    intptr_t fd;
    probe_init(self, fix);
    CHECK_EQUAL(nc_addr_parse("127.0.0.1", 9, &addr), NC_OK);
    CHECK_EQUAL(nc__socket_open(4, &fd), NC_OK);
    CHECK_EQUAL(nc__socket_bind(fd, &addr), NC_OK);
    CHECK_EQUAL(nc__socket_listen(fd, backlog), NC_OK);
    CHECK_EQUAL(nc__socket_name(fd, &addr), NC_OK);
    CHECK_EQUAL(nc_port_attach_listener(fix->port, &self->sock, fd, NC_SOCK_TCP), NC_OK);
    return addr.port;
}

/* A connected pair: a probe on this side, a plain socket on the other. */
static inline peer_fd probe_pair(probe *self, fixture *fix) {
    probe listener;
    uint16_t port = probe_listen(&listener, fix, 8);
    nc_port_accept(fix->port, &listener.sock);
    peer_fd peer = peer_connect(port);
    UNTIL(fix, listener.accepted);
    probe_close(&listener);
    probe_init(self, fix);
    CHECK_EQUAL(nc_port_attach(fix->port, &self->sock, listener.fds[0], NC_SOCK_TCP), NC_OK);
    return peer;
}

static inline bool has(const probe *self, const char *text) {
    return self->size == strlen(text) && memcmp(self->data, text, self->size) == 0;
}

static inline void probe_read(probe *self) {
    self->keep_reading = true;
    nc_port_receive(self->fix->port, &self->sock);
}

/* Sends all of it, as the core would. */
static inline nc_status probe_send_all(probe *self, const uint8_t *data, size_t size) {
    for (;;) {
        nc_buf buf = {data, size};
        size_t gone = 0;
        int before = self->sent;
        self->sent_size = 0;
        nc_status status = nc_port_send(self->fix->port, &self->sock, &buf, 1, &gone);
        if (status == NC_OK) CHECK_EQUAL(gone, size);
        if (status != NC_EAGAIN) return status;
        UNTIL(self->fix, self->sent > before);
        CHECK_EQUAL(self->sent, before + 1);
        if (self->send_status != NC_OK) return self->send_status;
        gone += self->sent_size;
        CHECK(gone <= size);
        if (gone == size) return NC_OK;
        data += gone;
        size -= gone;
    }
}

#endif

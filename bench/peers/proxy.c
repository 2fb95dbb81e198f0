/* The practical limit of a proxy that copies: level-triggered epoll, one 256 KiB buffer, one receive and one send a chunk.
 *
 *   proxy PORT UPSTREAM_PORT
 *
 * A client is accepted, the upstream connected, and from then on each end is read while the other has nothing left to
 * send. Only bytes that the kernel would not take are kept. Both half-closes are passed on. */
#define _GNU_SOURCE
#include "listen.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, EVENTS = 512 };

struct pair;

struct end {
    int fd;
    bool ended; /* nothing more will be read from here */
    bool shut;  /* nothing more will be sent here */
    uint32_t interest;
    char *rest; /* what is still to be sent here, or NULL */
    size_t length;
    size_t done;
    struct end *other;
    struct pair *pair;
};

struct pair {
    struct end client;
    struct end upstream;
    bool connected;
    bool dead;
    struct pair *next_dead; /* freed after the wave: a later event of it may still name this pair */
};

static int epoll;
static struct pair *dead;

static void watch(struct end *e, uint32_t interest, int how) {
    struct epoll_event event = {.events = interest, .data.ptr = e};
    if (how == EPOLL_CTL_MOD && e->interest == interest) return;
    if (epoll_ctl(epoll, how, e->fd, &event)) fatal("epoll_ctl");
    e->interest = interest;
}

static void update(struct end *e) {
    bool read = !e->ended && !e->other->rest;
    watch(e, (read ? EPOLLIN : 0U) | (e->rest ? EPOLLOUT : 0U), EPOLL_CTL_MOD);
}

static void drop(struct pair *p) {
    if (p->dead) return;
    close(p->client.fd);
    close(p->upstream.fd);
    free(p->client.rest);
    free(p->upstream.rest);
    p->dead = true;
    p->next_dead = dead;
    dead = p;
}

static void bury(void) {
    for (struct pair *p; (p = dead);) {
        dead = p->next_dead;
        free(p);
    }
}

static void no_delay(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void begin(int client, const struct sockaddr_in *to) {
    struct pair *p = calloc(1, sizeof *p);
    if (!p) fatal("calloc");
    p->client = (struct end){.fd = client, .other = &p->upstream, .pair = p};
    p->upstream = (struct end){.other = &p->client, .pair = p};
    p->upstream.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    no_delay(p->client.fd);
    no_delay(p->upstream.fd);
    if (connect(p->upstream.fd, (const struct sockaddr *)to, sizeof *to) && errno != EINPROGRESS) return drop(p);
    watch(&p->upstream, EPOLLOUT, EPOLL_CTL_ADD);
}

static void accept_all(int listener, const struct sockaddr_in *to) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) begin(fd, to);
}

static void on_connected(struct pair *p) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(p->upstream.fd, SOL_SOCKET, SO_ERROR, &error, &length) || error) return drop(p);
    p->connected = true;
    watch(&p->upstream, EPOLLIN, EPOLL_CTL_MOD);
    watch(&p->client, EPOLLIN, EPOLL_CTL_ADD);
}

static void shut(struct end *to) {
    if (to->shut || to->rest || !to->other->ended) return;
    to->shut = true;
    shutdown(to->fd, SHUT_WR);
    if (to->ended && to->other->shut) drop(to->pair);
}

static void keep(struct end *to, const char *bytes, size_t length) {
    to->rest = malloc(length);
    if (!to->rest) fatal("malloc");
    memcpy(to->rest, bytes, length);
    to->length = length;
    to->done = 0;
    update(to);
    update(to->other);
}

static void on_end(struct end *from) {
    from->ended = true;
    update(from);
    shut(from->other);
}

static void on_readable(struct end *from, char *buffer) {
    ssize_t got = recv(from->fd, buffer, BUFFER, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) return drop(from->pair);
    if (!got) return on_end(from);
    ssize_t sent = send(from->other->fd, buffer, (size_t)got, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return drop(from->pair);
    if (sent < 0) sent = 0;
    if (sent < got) keep(from->other, buffer + sent, (size_t)(got - sent));
}

static void on_writable(struct end *to) {
    ssize_t sent = send(to->fd, to->rest + to->done, to->length - to->done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return drop(to->pair);
    to->done += (size_t)sent;
    if (to->done < to->length) return;
    free(to->rest);
    to->rest = NULL;
    update(to);
    update(to->other);
    shut(to);
}

static void on_event(struct end *e, uint32_t events, char *buffer) {
    if (e->pair->dead) return;
    if (!e->pair->connected) return on_connected(e->pair);
    if (e->rest && events & (EPOLLOUT | EPOLLERR)) on_writable(e);
    if (!e->pair->dead && !e->ended && !e->other->rest && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(e, buffer);
}

int main(int argc, char **argv) {
    static char buffer[BUFFER];
    struct epoll_event events[EVENTS];
    if (argc != 3) return 2;
    struct sockaddr_in upstream = loopback(argv[2]);
    int listener = listen_on(argc, argv);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct end self = {.fd = listener};
    watch(&self, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct end *e = events[i].data.ptr;
            if (e == &self)
                accept_all(listener, &upstream);
            else
                on_event(e, events[i].events, buffer);
        }
        bury();
    }
}

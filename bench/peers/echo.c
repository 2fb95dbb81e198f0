/* The practical limit of an echo server: level-triggered epoll, one receive and one send a message, nothing else.
 *
 *   echo PORT
 *
 * One 64 KiB buffer serves every connection. Only bytes that the kernel would not take are kept, and only then does the
 * interest change. */
#define _GNU_SOURCE
#include "listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024, EVENTS = 512 };

struct client {
    int fd;
    char *rest; /* what could not be sent yet, or NULL */
    size_t length;
    size_t done;
};

static int epoll;

static void watch(struct client *c, uint32_t interest, int how) {
    struct epoll_event e = {.events = interest, .data.ptr = c};
    if (epoll_ctl(epoll, how, c->fd, &e)) fatal("epoll_ctl");
}

static void drop(struct client *c) {
    close(c->fd);
    free(c->rest);
    free(c);
}

static void accept_all(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct client *c = calloc(1, sizeof *c);
        if (!c) fatal("calloc");
        c->fd = fd;
        watch(c, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void keep(struct client *c, const char *bytes, size_t length) {
    c->rest = malloc(length);
    if (!c->rest) fatal("malloc");
    memcpy(c->rest, bytes, length);
    c->length = length;
    c->done = 0;
    watch(c, EPOLLOUT, EPOLL_CTL_MOD);
}

static void on_readable(struct client *c, char *buffer) {
    ssize_t got = recv(c->fd, buffer, BUFFER, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return drop(c);
    ssize_t sent = send(c->fd, buffer, (size_t)got, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return drop(c);
    if (sent < 0) sent = 0;
    if (sent < got) keep(c, buffer + sent, (size_t)(got - sent));
}

static void on_writable(struct client *c) {
    ssize_t sent = send(c->fd, c->rest + c->done, c->length - c->done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return drop(c);
    c->done += (size_t)sent;
    if (c->done < c->length) return;
    free(c->rest);
    c->rest = NULL;
    watch(c, EPOLLIN, EPOLL_CTL_MOD);
}

int main(int argc, char **argv) {
    static char buffer[BUFFER];
    struct epoll_event events[EVENTS];
    int listener = listen_on(argc, argv);
    struct client self = {.fd = listener};
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(&self, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (c == &self)
                accept_all(listener);
            else if (c->rest)
                on_writable(c);
            else
                on_readable(c, buffer);
        }
    }
}

/* epoll. Streams are watched edge-triggered, once for their whole life: no interest ever changes while they are read and
 * written, and a stream without news costs nothing in a wait. EPOLLOUT is asked for only when a send or a connect first has
 * to wait, since asking at once would wake the loop for every new connection. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "port/poller.h"
#include "port/posix_errno.h"

static uint32_t interest(nc_poller_mode mode) {
    if (mode == NC_POLLER_LISTENER) return EPOLLIN;
    uint32_t in = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    return mode == NC_POLLER_STREAM_IN ? in : in | EPOLLOUT;
}

static nc_status control(nc_poller *poller, int operation, int fd, nc_sock *sock, uint32_t events) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = events;
    event.data.ptr = sock;
    return epoll_ctl((int)poller->fd, operation, fd, &event) == 0 ? NC_OK : nc__posix_status(errno);
}

static nc_status open_wake(nc_poller *poller) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nc__posix_status(errno);
    poller->wake_read = ends[0];
    poller->wake_write = ends[1];
    return control(poller, EPOLL_CTL_ADD, ends[0], NULL, EPOLLIN);
}

nc_status nc__poller_open(nc_poller *poller) {
    *poller = (nc_poller){-1, -1, -1, NULL};
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->fd < 0) return nc__posix_status(errno);
    nc_status status = open_wake(poller);
    if (status != NC_OK) nc__poller_close(poller);
    return status;
}

void nc__poller_close(nc_poller *poller) {
    if (poller->fd >= 0) close((int)poller->fd);
    if (poller->wake_read >= 0) close((int)poller->wake_read);
    if (poller->wake_write >= 0) close((int)poller->wake_write);
    *poller = (nc_poller){-1, -1, -1, NULL};
}

void nc__poller_forget(nc_poller *poller) {
    nc__poller_close(poller);
}

int64_t nc__poller_timeout(const nc_poller *poller) {
    (void)poller;
    return -1;
}

nc_status nc__poller_add(nc_poller *poller, nc_sock *sock, nc_poller_mode mode) {
    return control(poller, EPOLL_CTL_ADD, (int)sock->fd, sock, interest(mode));
}

nc_status nc__poller_change(nc_poller *poller, nc_sock *sock, nc_poller_mode mode) {
    return control(poller, EPOLL_CTL_MOD, (int)sock->fd, sock, interest(mode));
}

/* Closing a descriptor takes it out by itself, unless a child process still has it open: then events would arrive for
 * a socket that is no more. Hence always explicitly. */
void nc__poller_remove(nc_poller *poller, nc_sock *sock) {
    if (control(poller, EPOLL_CTL_DEL, (int)sock->fd, sock, 0) != NC_OK) return; /* it was not in, which is as good */
}

static unsigned what(uint32_t events) {
    unsigned news = 0;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) news |= NC_POLL_IN;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) news |= NC_POLL_OUT;
    if (events & EPOLLPRI) news |= NC_POLL_URGENT;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) news |= NC_POLL_HUP;
    return news;
}

nc_status nc__poller_wait(nc_poller *poller, int64_t ms, nc_poller_event *events, int *count) {
    struct epoll_event kernel[NC_POLLER_EVENTS_MAX];
    int timeout = ms < 0 ? -1 : ms > INT_MAX ? INT_MAX : (int)ms;
    *count = 0;
    int n = epoll_wait((int)poller->fd, kernel, NC_POLLER_EVENTS_MAX, timeout);
    if (n < 0) return nc__posix_status(errno);
    for (int i = 0; i < n; i++) events[i] = (nc_poller_event){kernel[i].data.ptr, what(kernel[i].events), 0, NC_OK};
    *count = n;
    return NC_OK;
}

void nc__poller_wake(nc_poller *poller) {
    int saved = errno;
    /* A full pipe already holds a wake-up, so that a failure is as good as success. */
    ssize_t written = write((int)poller->wake_write, "", 1);
    (void)written;
    errno = saved;
}

void nc__poller_clear_wake(nc_poller *poller) {
    char bytes[256];
    while (read((int)poller->wake_read, bytes, sizeof bytes) == (ssize_t)sizeof bytes) continue;
}

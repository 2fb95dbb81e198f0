/* kqueue's behaviour, as its manual pages have it, over epoll: one kqueue of few descriptors, for tests.
 *
 * The filters of a descriptor share one registration. Where epoll cannot tell what kqueue does, it errs on the side that
 * a kqueue program must bear anyway: adding one filter may tell of the other anew. */
#include <sys/event.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS = 20000, WAIT_MAX = 64, URGENT = 1 << 20 };

typedef struct filter {
    int kq;
    bool on, clear;
    void *udata;
} filter;

static filter readers[FDS], writers[FDS];
static int user_events[FDS]; /* by kqueue: the eventfd of its user event, plus one */

int kqueue(void) {
    int kq = epoll_create1(EPOLL_CLOEXEC);
    if (kq >= FDS) return close(kq), errno = EMFILE, -1;
    if (kq >= 0) user_events[kq] = 0;
    return kq;
}

/* A closed descriptor has no filters; its number may be in use again. */
static bool is_on(const filter *one, int kq) {
    return one->on && one->kq == kq;
}

static int submit(int kq, int fd) {
    struct epoll_event event;
    const filter *in = &readers[fd], *out = &writers[fd];
    memset(&event, 0, sizeof event);
    if (is_on(in, kq)) event.events |= EPOLLIN | EPOLLRDHUP | EPOLLPRI;
    if (is_on(out, kq)) event.events |= EPOLLOUT;
    if ((is_on(in, kq) && in->clear) || (is_on(out, kq) && out->clear)) event.events |= EPOLLET;
    event.data.fd = fd;
    if (!is_on(in, kq) && !is_on(out, kq)) return epoll_ctl(kq, EPOLL_CTL_DEL, fd, &event);
    if (epoll_ctl(kq, EPOLL_CTL_MOD, fd, &event) == 0 || errno != ENOENT) return 0;
    return epoll_ctl(kq, EPOLL_CTL_ADD, fd, &event);
}

static int change_user(int kq, const struct kevent *change) {
    if (change->flags & EV_ADD) {
        int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        struct epoll_event event;
        if (fd < 0) return -1;
        memset(&event, 0, sizeof event);
        event.events = EPOLLIN | EPOLLET;
        event.data.fd = -1;
        user_events[kq] = fd + 1;
        return epoll_ctl(kq, EPOLL_CTL_ADD, fd, &event);
    }
    uint64_t one = 1;
    if (!user_events[kq]) return errno = ENOENT, -1;
    return write(user_events[kq] - 1, &one, sizeof one) == sizeof one ? 0 : -1;
}

static int change_one(int kq, const struct kevent *change) {
    if (change->filter == EVFILT_USER) return change_user(kq, change);
    int fd = (int)change->ident;
    filter *one = change->filter == EVFILT_READ ? &readers[fd] : &writers[fd];
    if ((change->flags & EV_DELETE) && !is_on(one, kq)) return errno = ENOENT, -1;
    *one = (filter){kq, change->flags & EV_ADD, change->flags & EV_CLEAR, change->udata};
    int result = submit(kq, fd);
    if (result != 0) one->on = false;
    return result;
}

/* BSD kernels count all that is buffered, Linux up to the urgent mark only. */
static int64_t waiting(int fd, uint32_t news) {
    int size = 0;
    if (ioctl(fd, FIONREAD, &size) != 0) return 1;
    return news & EPOLLPRI ? size + URGENT : size;
}

/* A kqueue says a socket's error with the event. Asking for it here takes it from the socket, as a library must that has no
 * other way to know. */
static unsigned error_of(int fd, uint32_t news) {
    int error = 0;
    socklen_t size = sizeof error;
    if (!(news & EPOLLERR) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return 0;
    return (unsigned)error;
}

static int translate(int kq, const struct epoll_event *from, struct kevent *to) {
    int fd = from->data.fd, count = 0;
    uint32_t ended = from->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    unsigned short flags = ended ? EV_EOF : 0;
    unsigned error;
    if (fd < 0) {
        EV_SET(to, 0, EVFILT_USER, 0, 0, 0, NULL);
        return 1;
    }
    error = error_of(fd, from->events);
    if (is_on(&readers[fd], kq) && ((from->events & (EPOLLIN | EPOLLPRI)) || ended)) {
        EV_SET(&to[count], (uintptr_t)fd, EVFILT_READ, flags, error, waiting(fd, from->events), readers[fd].udata);
        count++;
    }
    if (is_on(&writers[fd], kq) && (from->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
        flags = from->events & (EPOLLHUP | EPOLLERR) ? EV_EOF : 0;
        EV_SET(&to[count], (uintptr_t)fd, EVFILT_WRITE, flags, error, 0, writers[fd].udata);
        count++;
    }
    return count;
}

int kevent(int kq, const struct kevent *changes, int change_count, struct kevent *events, int room,
           const struct timespec *timeout) {
    struct epoll_event kernel[WAIT_MAX];
    int count = 0;
    for (int i = 0; i < change_count; i++) {
        if (change_one(kq, &changes[i]) == 0) continue;
        if (count == room) return -1;
        events[count] = changes[i];
        events[count].flags = EV_ERROR;
        events[count++].data = errno;
    }
    if (count || room < 2) return count;
    int most = room / 2 < WAIT_MAX ? room / 2 : WAIT_MAX;
    int ms = timeout ? (int)(timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000) : -1;
    int n = epoll_wait(kq, kernel, most, ms);
    if (n < 0) return -1;
    for (int i = 0; i < n; i++) count += translate(kq, &kernel[i], &events[count]);
    return count;
}

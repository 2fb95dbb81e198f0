/* kqueue's behaviour over epoll, for tests: one kqueue a descriptor. Where kernels differ, or epoll cannot tell what
 * kqueue does, it takes the side that is harder to bear:
 *
 *   - adding one filter of a descriptor may tell of the other anew, and both come in either order;
 *   - terminals and other devices are not watched (macOS: EINVAL), waits of years are refused (macOS, NetBSD);
 *   - the flags of a filter come back with its events.
 *
 * With AS_A_LIBRARY it does what libkqueue, the library that makes a kqueue of epoll, does in one version or another:
 *
 *   - a filter that cannot be added is EFAULT, whatever the reason, and after telling so it waits nevertheless;
 *   - a filter that is there already is not added anew, and keeps its `udata`, even if its descriptor was closed meanwhile;
 *   - what a socket's error is, is asked, and so forgotten, by the read filter, while the write filter calls it 1;
 *   - a stream without anything to read is EV_EOF, be it at its end or not;
 *   - of more than 512 changes the rest is ignored; a wait's milliseconds are counted in an int;
 *   - the kqueue is the end of a pipe, which is never readable;
 *   - nobody else may be in a call on the same kqueue: it would wait for a lock, for ever in a signal handler. */
#define _GNU_SOURCE 1
#include <sys/event.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FDS = 20000, WAIT_MAX = 64, CHANGES_MAX = 512, URGENT = 1 << 20, YEARS_S = 100000000 };

#if defined(AS_A_LIBRARY)
enum { IS_LIBRARY = true };
#else
enum { IS_LIBRARY = false };
#endif

typedef struct filter {
    int kq;
    bool on, clear;
    void *udata;
} filter;

typedef struct queue {
    int epoll, pipe_end, user_event; /* each plus one */
    atomic_bool busy;
} queue;

static filter readers[FDS], writers[FDS];
static queue queues[FDS];

static void drop(int *fd_plus_one) {
    if (*fd_plus_one) close(*fd_plus_one - 1);
    *fd_plus_one = 0;
}

/* What an earlier kqueue of this number left behind. */
static void forget(int kq) {
    if (IS_LIBRARY) drop(&queues[kq].epoll), drop(&queues[kq].pipe_end);
    drop(&queues[kq].user_event);
    for (int fd = 0; fd < FDS; fd++) {
        if (readers[fd].kq == kq) readers[fd].on = false;
        if (writers[fd].kq == kq) writers[fd].on = false;
    }
}

int kqueue(void) {
    int epoll = epoll_create1(EPOLL_CLOEXEC), ends[2] = {epoll, -1};
    if (epoll < 0) return -1;
    if (IS_LIBRARY && pipe2(ends, O_CLOEXEC) != 0) return close(epoll), -1;
    int kq = ends[0];
    if (kq >= FDS) return close(kq), errno = EMFILE, -1;
    forget(kq);
    queues[kq].epoll = epoll + 1;
    queues[kq].pipe_end = ends[1] + 1;
    return kq;
}

static int epoll_of(int kq) {
    return queues[kq].epoll - 1;
}

/* A closed descriptor has no filters; its number may be in use again. */
static bool is_on(const filter *one, int kq) {
    return one->on && one->kq == kq;
}

static int submit(int kq, int fd) {
    struct epoll_event event;
    const filter *in = &readers[fd], *out = &writers[fd];
    memset(&event, 0, sizeof event);
    if (is_on(in, kq)) event.events |= EPOLLIN | EPOLLRDHUP | (IS_LIBRARY ? 0 : EPOLLPRI);
    if (is_on(out, kq)) event.events |= EPOLLOUT;
    if ((is_on(in, kq) && in->clear) || (is_on(out, kq) && out->clear)) event.events |= EPOLLET;
    event.data.fd = fd;
    if (!is_on(in, kq) && !is_on(out, kq)) return epoll_ctl(epoll_of(kq), EPOLL_CTL_DEL, fd, &event);
    if (epoll_ctl(epoll_of(kq), EPOLL_CTL_MOD, fd, &event) == 0 || errno != ENOENT) return 0;
    return epoll_ctl(epoll_of(kq), EPOLL_CTL_ADD, fd, &event);
}

static int change_user(int kq, const struct kevent *change) {
    if (change->flags & EV_ADD) {
        int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        struct epoll_event event;
        if (fd < 0) return -1;
        memset(&event, 0, sizeof event);
        event.events = EPOLLIN | EPOLLET;
        event.data.fd = -1;
        queues[kq].user_event = fd + 1;
        return epoll_ctl(epoll_of(kq), EPOLL_CTL_ADD, fd, &event);
    }
    uint64_t one = 1;
    if (!queues[kq].user_event) return errno = ENOENT, -1;
    if (!(change->fflags & NOTE_TRIGGER)) return 0;
    return write(queues[kq].user_event - 1, &one, sizeof one) == sizeof one ? 0 : -1;
}

static bool is_device(int fd) {
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISCHR(info.st_mode);
}

static int change_one(int kq, const struct kevent *change) {
    if (change->filter == EVFILT_USER) return change_user(kq, change);
    int fd = (int)change->ident;
    filter *one = change->filter == EVFILT_READ ? &readers[fd] : &writers[fd];
    if ((change->flags & EV_DELETE) && !is_on(one, kq)) return errno = ENOENT, -1;
    if (IS_LIBRARY && (change->flags & EV_ADD) && is_on(one, kq)) return 0;
    if (!IS_LIBRARY && (change->flags & EV_ADD) && is_device(fd)) return errno = EINVAL, -1;
    *one = (filter){kq, change->flags & EV_ADD, change->flags & EV_CLEAR, change->udata};
    int result = submit(kq, fd);
    if (result != 0) one->on = false;
    if (result != 0 && IS_LIBRARY) errno = EFAULT;
    return result;
}

/* BSD kernels count all that is buffered, Linux up to the urgent mark only. */
static int64_t waiting(int fd, uint32_t news) {
    int size = 0;
    if (ioctl(fd, FIONREAD, &size) != 0) return IS_LIBRARY ? 0 : 1;
    return news & EPOLLPRI ? size + URGENT : size;
}

static unsigned error_of(int fd, uint32_t news) {
    int error = 0;
    socklen_t size = sizeof error;
    if (!(news & EPOLLERR) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return 0;
    return (unsigned)error;
}

static unsigned short flags_of(const filter *one, bool ended) {
    return (unsigned short)((one->clear ? EV_CLEAR : 0) | (IS_LIBRARY ? EV_ADD : 0) | (ended ? EV_EOF : 0));
}

static int tell_reader(int kq, int fd, uint32_t news, struct kevent *to) {
    const filter *one = &readers[fd];
    bool ended = news & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    if (!is_on(one, kq) || !(ended || (news & (EPOLLIN | EPOLLPRI)))) return 0;
    int64_t size = waiting(fd, news);
    if (IS_LIBRARY && size == 0) ended = true;
    EV_SET(to, (uintptr_t)fd, EVFILT_READ, flags_of(one, ended), error_of(fd, news), size, one->udata);
    return 1;
}

static int tell_writer(int kq, int fd, uint32_t news, struct kevent *to) {
    const filter *one = &writers[fd];
    bool ended = news & (EPOLLHUP | EPOLLERR);
    if (!is_on(one, kq) || !(ended || (news & EPOLLOUT))) return 0;
    unsigned error = !IS_LIBRARY ? error_of(fd, news) : news & EPOLLERR ? 1 : 0;
    EV_SET(to, (uintptr_t)fd, EVFILT_WRITE, flags_of(one, ended), error, 0, one->udata);
    return 1;
}

static int translate(int kq, const struct epoll_event *from, struct kevent *to) {
    int fd = from->data.fd, count;
    if (fd < 0) {
        uint64_t triggers;
        EV_SET(to, 0, EVFILT_USER, EV_CLEAR, 0, 0, NULL);
        return read(queues[kq].user_event - 1, &triggers, sizeof triggers) == sizeof triggers;
    }
    if (IS_LIBRARY) {
        count = tell_reader(kq, fd, from->events, to);
        return count + tell_writer(kq, fd, from->events, to + count);
    }
    count = tell_writer(kq, fd, from->events, to);
    return count + tell_reader(kq, fd, from->events, to + count);
}

static int change_all(int kq, const struct kevent *changes, int change_count, struct kevent *events, int room) {
    int count = 0;
    for (int i = 0; i < change_count; i++) {
        if (change_one(kq, &changes[i]) == 0) continue;
        if (count == room) return -1;
        events[count] = changes[i];
        events[count].flags |= EV_ERROR;
        events[count++].data = errno;
    }
    return count;
}

static int wait_for(int kq, struct kevent *events, int room, const struct timespec *timeout) {
    struct epoll_event kernel[WAIT_MAX];
    int most = room / 2 < WAIT_MAX ? room / 2 : WAIT_MAX, count = 0;
    if (most < 1) return 0;
    if (!IS_LIBRARY && timeout && timeout->tv_sec > YEARS_S) return errno = EINVAL, -1;
    int ms = timeout ? (int)(timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000) : -1;
    int n = epoll_wait(epoll_of(kq), kernel, most, ms);
    if (n < 0) return -1;
    for (int i = 0; i < n; i++) count += translate(kq, &kernel[i], &events[count]);
    return count;
}

static int call(int kq, const struct kevent *changes, int change_count, struct kevent *events, int room,
                const struct timespec *timeout) {
    if (IS_LIBRARY && change_count > CHANGES_MAX) change_count = CHANGES_MAX;
    int refused = change_all(kq, changes, change_count, events, room);
    if (refused < 0 || (refused > 0 && !IS_LIBRARY) || room == refused) return refused;
    int told = wait_for(kq, events + refused, room - refused, timeout);
    return told < 0 ? told : refused + told;
}

int kevent(int kq, const struct kevent *changes, int change_count, struct kevent *events, int room,
           const struct timespec *timeout) {
    if (kq < 0 || kq >= FDS || !queues[kq].epoll) return errno = EBADF, -1;
    if (IS_LIBRARY && atomic_exchange(&queues[kq].busy, true)) abort();
    int result = call(kq, changes, change_count, events, room, timeout);
    if (IS_LIBRARY) atomic_store(&queues[kq].busy, false);
    return result;
}

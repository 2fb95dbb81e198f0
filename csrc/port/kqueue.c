/* kqueue (macOS and the BSDs), also through a library that offers it elsewhere.
 *
 * Streams are watched with EV_CLEAR: a filter tells of each arrival once, so that, as with epoll's edges, a stream costs
 * nothing while it is quiet and its interest never changes. Listeners are told of as long as connections wait.
 *
 * A kernel's word on how many bytes wait is passed on with each event. It is what makes "a short read has emptied the
 * buffer" true here too: out-of-band marks and passed descriptors end a read early, and the BSDs have no event for that.
 *
 * New filters are not submitted at once but with the next wait, which is a system call less for each connection. Until
 * then they can be taken back without the kernel's having heard of them. Whoever waits on the kqueue's own descriptor
 * instead of in nc__poller_wait() must ask nc__poller_timeout() first.
 *
 * A filter may be refused. macOS watches few devices: not /dev/tty, say, which people open to ask for a password. Such a
 * descriptor is taken for ready, and the call made on it tells how it is; and the filter is tried again after a rest,
 * so that it is taken for ready as often as that. Where it was refused for want of memory it may be added then.
 *
 * On Linux there is no kqueue but what a library makes of epoll. Its kevent() takes locks, so that no signal handler may
 * call it, nor a thread that must not wait for another's call; and it cannot tell all that a kernel can. */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE 1
#elif defined(__NetBSD__)
#define _NETBSD_SOURCE 1
#elif defined(__linux__)
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

/* After those whose types it uses without saying so. */
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

#include "port/os.h"
#include "port/poller.h"
#include "port/posix_errno.h"

#if defined(__linux__) && !defined(EV_IS_OF_A_KERNEL)
#define IS_A_LIBRARY 1
#endif

/* Two ways to be woken: a user event for other threads, which costs no descriptor and nothing to read back, and a pipe
 * for those who can only write to a descriptor, such as Python's signal handler, or may not call a library. */
#if defined(EVFILT_USER) && !defined(IS_A_LIBRARY)
#define HAS_USER_EVENT 1
#endif

typedef struct kevent nc_kevent;

#if defined(__NetBSD__)
typedef size_t nc_kevent_count;
#else
typedef int nc_kevent_count;
#endif

/* Filters to be added: those that were refused, and rest, before those that are new. */
struct nc_poller_changes {
    nc_kevent *list;
    int resting, count, room;
    uint64_t rest_until;
};

enum { WAKE_IDENT = 1, REFUSED_REST_MS = 50 };

static void fill(nc_kevent *event, intptr_t ident, int filter, int flags, void *udata) {
    memset(event, 0, sizeof *event);
    EV_SET(event, (uintptr_t)ident, (short)filter, (unsigned short)flags, 0, 0, udata);
}

static nc_status submit_now(nc_poller *poller, nc_kevent *changes, int count) {
    static const struct timespec at_once = {0, 0};
    int n = kevent((int)poller->fd, changes, (nc_kevent_count)count, NULL, 0, &at_once);
    return n >= 0 ? NC_OK : nc__posix_status(errno);
}

static nc_status set_flags(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return nc__posix_status(errno);
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? NC_OK : nc__posix_status(errno);
}

static nc_status open_wake(nc_poller *poller) {
    int ends[2], count = 1;
    nc_kevent changes[2];
    if (pipe(ends) != 0) return nc__posix_status(errno);
    poller->wake_read = ends[0];
    poller->wake_write = ends[1];
    for (int i = 0; i < 2; i++) {
        nc_status status = set_flags(ends[i]);
        if (status != NC_OK) return status;
    }
    fill(&changes[0], ends[0], EVFILT_READ, EV_ADD, NULL);
#if defined(HAS_USER_EVENT)
    fill(&changes[count++], WAKE_IDENT, EVFILT_USER, EV_ADD | EV_CLEAR, NULL);
#endif
    return submit_now(poller, changes, count);
}

nc_status nc__poller_open(nc_poller *poller) {
    *poller = (nc_poller){-1, -1, -1, NULL};
    poller->changes = calloc(1, sizeof *poller->changes);
    if (!poller->changes) return NC_ENOMEM;
    poller->fd = kqueue();
    nc_status status = poller->fd < 0 ? nc__posix_status(errno) : NC_OK;
    if (status == NC_OK && fcntl((int)poller->fd, F_SETFD, FD_CLOEXEC) != 0) status = nc__posix_status(errno);
    if (status == NC_OK) status = open_wake(poller);
    if (status != NC_OK) nc__poller_close(poller);
    return status;
}

void nc__poller_close(nc_poller *poller) {
    if (poller->fd >= 0) close((int)poller->fd);
    nc__poller_forget(poller);
    if (poller->changes) free(poller->changes->list);
    free(poller->changes);
    poller->changes = NULL;
}

/* A kqueue is not inherited: in the child its number is free, or somebody else's by now. */
void nc__poller_forget(nc_poller *poller) {
    if (poller->wake_read >= 0) close((int)poller->wake_read);
    if (poller->wake_write >= 0) close((int)poller->wake_write);
    poller->fd = poller->wake_read = poller->wake_write = -1;
    if (poller->changes) poller->changes->resting = poller->changes->count = 0;
}

static nc_status make_room(struct nc_poller_changes *changes) {
    if (changes->count < changes->room) return NC_OK;
    int room = changes->room ? changes->room * 2 : 64;
    nc_kevent *list = realloc(changes->list, (size_t)room * sizeof *list);
    if (!list) return NC_ENOMEM;
    changes->list = list;
    changes->room = room;
    return NC_OK;
}

static nc_status submit_later(nc_poller *poller, nc_sock *sock, int filter, int flags) {
    struct nc_poller_changes *changes = poller->changes;
    nc_status status = make_room(changes);
    if (status == NC_OK) fill(&changes->list[changes->count++], sock->fd, filter, flags, sock);
    return status;
}

/* The place of a filter among the changes from `first` on; -1: it is not there. */
static int place_of(const struct nc_poller_changes *changes, int first, const void *sock, int filter) {
    for (int i = changes->count - 1; i >= first; i--) {
        if (changes->list[i].udata == sock && (int)changes->list[i].filter == filter) return i;
    }
    return -1;
}

static bool take_back(nc_poller *poller, const nc_sock *sock, int filter) {
    struct nc_poller_changes *changes = poller->changes;
    int place = place_of(changes, 0, sock, filter);
    if (place < 0) return false;
    if (place < changes->resting) {
        changes->list[place] = changes->list[--changes->resting];
        place = changes->resting;
    }
    changes->list[place] = changes->list[--changes->count];
    return true;
}

nc_status nc__poller_add(nc_poller *poller, nc_sock *sock, nc_poller_mode mode) {
    int flags = mode == NC_POLLER_LISTENER ? EV_ADD : EV_ADD | EV_CLEAR;
    nc_status status = submit_later(poller, sock, EVFILT_READ, flags);
    if (status != NC_OK || mode != NC_POLLER_STREAM_IN_OUT) return status;
    status = submit_later(poller, sock, EVFILT_WRITE, flags);
    if (status != NC_OK) take_back(poller, sock, EVFILT_READ);
    return status;
}

/* The only change there is: from now on its sending is watched too. */
nc_status nc__poller_change(nc_poller *poller, nc_sock *sock, nc_poller_mode mode) {
    return mode == NC_POLLER_STREAM_IN_OUT ? submit_later(poller, sock, EVFILT_WRITE, EV_ADD | EV_CLEAR) : NC_OK;
}

static void remove_filter(nc_poller *poller, const nc_sock *sock, int filter) {
    if (take_back(poller, sock, filter)) return;
    nc_kevent change;
    fill(&change, sock->fd, filter, EV_DELETE, NULL);
    if (submit_now(poller, &change, 1) != NC_OK) return; /* it was not in, which is as good */
}

void nc__poller_remove(nc_poller *poller, nc_sock *sock) {
    remove_filter(poller, sock, EVFILT_READ);
    remove_filter(poller, sock, EVFILT_WRITE);
}

int64_t nc__poller_timeout(const nc_poller *poller) {
    const struct nc_poller_changes *changes = poller->changes;
    if (!changes || changes->count == 0) return -1;
    uint64_t now = nc__os_now_ms();
    if (changes->count > changes->resting || now >= changes->rest_until) return 0;
    return (int64_t)(changes->rest_until - now);
}

/* Linux counts what waits up to an urgent mark only, and so does a library over it. Old versions of libkqueue say 1, which
 * is EPERM, of every error, and leave it to the socket. */
#if defined(IS_A_LIBRARY)
enum { NEWS_IN = NC_POLL_IN | NC_POLL_URGENT, SOME_ERROR = 1 };
#else
enum { NEWS_IN = NC_POLL_IN, SOME_ERROR = 0 };
#endif

static unsigned what(const nc_kevent *event) {
    unsigned news = (int)event->filter == (int)EVFILT_WRITE ? NC_POLL_OUT : NEWS_IN;
    return event->flags & EV_EOF ? news | NC_POLL_HUP : news;
}

static nc_poller_event translate(const nc_kevent *event) {
    nc_poller_event news = {event->udata, what(event), 0, NC_OK};
    if ((event->flags & EV_EOF) && event->fflags > SOME_ERROR) news.error = nc__posix_status((int)event->fflags);
    if ((int)event->filter == (int)EVFILT_READ && event->data > 0) {
        news.waiting = event->data < INT32_MAX ? (uint32_t)event->data : (uint32_t)INT32_MAX;
    }
    return news;
}

/* Puts a filter that was refused, and is among those behind `changes->resting`, to those that rest. */
static void let_rest(struct nc_poller_changes *changes, const nc_kevent *refusal) {
    int place = place_of(changes, changes->resting, refusal->udata, (int)refusal->filter);
    if (place < 0) return;
    nc_kevent change = changes->list[place];
    changes->list[place] = changes->list[changes->resting];
    changes->list[changes->resting++] = change;
    changes->rest_until = nc__os_now_ms() + REFUSED_REST_MS;
}

/* Of the changes that do not rest, the first `submitted` have been made, but for those that were refused. */
static void collect(nc_poller *poller, nc_kevent *kernel, int n, int submitted, nc_poller_event *events, int *count) {
    struct nc_poller_changes *changes = poller->changes;
    int end = changes->resting + submitted;
    for (int i = 0; i < n; i++) {
        if (kernel[i].flags & EV_ERROR) {
            let_rest(changes, &kernel[i]);
            if (kernel[i].data == ENOMEM) continue;
            kernel[i].flags |= EV_EOF;
            kernel[i].fflags = 0;
            kernel[i].data = 0;
        }
        events[(*count)++] = translate(&kernel[i]);
    }
    int rest = changes->count - end;
    if (rest > 0) memmove(changes->list + changes->resting, changes->list + end, (size_t)rest * sizeof *changes->list);
    changes->count = changes->resting + rest;
}

/* How long to wait, at most: not at all if changes are left for the next call, not past the end of a rest, nor longer than
 * some kernels bear. */
static int64_t limit_wait_to(const struct nc_poller_changes *changes, int submitted, int64_t ms) {
    if (changes->count > changes->resting + submitted) return 0;
    if (changes->resting > 0 && (ms < 0 || ms > REFUSED_REST_MS)) return REFUSED_REST_MS;
    return ms < INT32_MAX ? ms : INT32_MAX;
}

/* One call takes as many changes as it has room to refuse: a kernel that has no room left for a refusal forgets those
 * it has told of. */
nc_status nc__poller_wait(nc_poller *poller, int64_t ms, nc_poller_event *events, int *count) {
    nc_kevent kernel[NC_POLLER_EVENTS_MAX];
    struct nc_poller_changes *changes = poller->changes;
    *count = 0;
    if (changes->resting > 0 && nc__os_now_ms() >= changes->rest_until) changes->resting = 0;
    int fresh = changes->count - changes->resting;
    int submitted = fresh < NC_POLLER_EVENTS_MAX ? fresh : NC_POLLER_EVENTS_MAX;
    ms = limit_wait_to(changes, submitted, ms);
    struct timespec limit = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    const nc_kevent *list = submitted ? changes->list + changes->resting : NULL;
    int n =
        kevent((int)poller->fd, list, (nc_kevent_count)submitted, kernel, NC_POLLER_EVENTS_MAX, ms < 0 ? NULL : &limit);
    if (n < 0 && errno != EINTR) return nc__posix_status(errno);
    /* A signal, too, comes after the changes have been made. */
    collect(poller, kernel, n < 0 ? 0 : n, submitted, events, count);
    return n < 0 ? NC_EINTR : NC_OK;
}

void nc__poller_wake(nc_poller *poller) {
    int saved = errno;
#if defined(HAS_USER_EVENT)
    nc_kevent trigger;
    fill(&trigger, WAKE_IDENT, EVFILT_USER, 0, NULL);
    trigger.fflags = NOTE_TRIGGER;
    nc_status status = submit_now(poller, &trigger, 1);
    (void)status;
#else
    /* A full pipe already holds a wake-up, so that a failure is as good as success. */
    ssize_t written = write((int)poller->wake_write, "", 1);
    (void)written;
#endif
    errno = saved;
}

void nc__poller_clear_wake(nc_poller *poller) {
    char bytes[256];
    while (read((int)poller->wake_read, bytes, sizeof bytes) == (ssize_t)sizeof bytes) continue;
}

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
 * instead of in nc__poller_wait() must ask nc__poller_is_behind() first. */
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

#include "port/poller.h"
#include "port/posix_errno.h"

typedef struct kevent nc_kevent;

/* Filters to be added by the next wait. */
struct nc_poller_changes {
    nc_kevent *list;
    int count, room;
};

enum { WAKE_IDENT = 1 };

static void fill(nc_kevent *event, intptr_t ident, int filter, int flags, void *udata) {
    memset(event, 0, sizeof *event);
    EV_SET(event, (uintptr_t)ident, (short)filter, (unsigned short)flags, 0, 0, udata);
}

static nc_status submit_now(nc_poller *poller, nc_kevent *changes, int count) {
    static const struct timespec at_once = {0, 0};
    return kevent((int)poller->fd, changes, count, NULL, 0, &at_once) >= 0 ? NC_OK : nc__posix_status(errno);
}

static nc_status set_flags(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return nc__posix_status(errno);
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? NC_OK : nc__posix_status(errno);
}

/* Two ways to be woken: a user event for other threads, which costs no descriptor and nothing to read back, and a pipe
 * for those who can only write to a descriptor, such as Python's signal handler. */
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
#if defined(EVFILT_USER)
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
    if (poller->changes) poller->changes->count = 0;
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

static bool take_back(nc_poller *poller, const nc_sock *sock, int filter) {
    struct nc_poller_changes *changes = poller->changes;
    for (int i = changes->count - 1; i >= 0; i--) {
        if (changes->list[i].udata != sock || changes->list[i].filter != filter) continue;
        changes->list[i] = changes->list[--changes->count];
        return true;
    }
    return false;
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

bool nc__poller_is_behind(const nc_poller *poller) {
    return poller->changes && poller->changes->count > 0;
}

/* Linux counts what waits up to an urgent mark only, and so does a library over it. */
#if defined(__linux__) && !defined(EV_COUNTS_PAST_MARKS)
enum { NEWS_IN = NC_POLL_IN | NC_POLL_URGENT };
#else
enum { NEWS_IN = NC_POLL_IN };
#endif

static unsigned what(const nc_kevent *event) {
    unsigned news = event->filter == EVFILT_WRITE ? NC_POLL_OUT : NEWS_IN;
    return event->flags & EV_EOF ? news | NC_POLL_HUP : news;
}

static nc_poller_event translate(const nc_kevent *event) {
    nc_poller_event news = {event->udata, what(event), 0, NC_OK};
    if ((event->flags & EV_EOF) && event->fflags) news.error = nc__posix_status((int)event->fflags);
    if (event->filter == EVFILT_READ && event->data > 0) {
        news.waiting = event->data < INT32_MAX ? (uint32_t)event->data : (uint32_t)INT32_MAX;
    }
    return news;
}

/* A filter that could not be added. Want of memory passes, so that it stays among the changes and is tried again.
 * Anything else means that this descriptor cannot be watched in that way, as some devices cannot: then it is taken for
 * ready, and the call made on it will tell. */
static bool is_to_be_retried(struct nc_poller_changes *changes, int submitted, const nc_kevent *refusal) {
    if (refusal->data != ENOMEM) return false;
    for (int i = changes->count; i < submitted; i++) {
        nc_kevent change = changes->list[i];
        if (change.udata != refusal->udata || change.filter != refusal->filter) continue;
        changes->list[i] = changes->list[changes->count];
        changes->list[changes->count++] = change;
        return true;
    }
    return false;
}

static void collect(nc_poller *poller, nc_kevent *kernel, int n, nc_poller_event *events, int *count) {
    int submitted = poller->changes->count;
    poller->changes->count = 0;
    for (int i = 0; i < n; i++) {
        if (kernel[i].flags & EV_ERROR) {
            if (is_to_be_retried(poller->changes, submitted, &kernel[i])) continue;
            kernel[i].flags |= EV_EOF;
            kernel[i].fflags = 0;
            kernel[i].data = 0;
        }
        events[(*count)++] = translate(&kernel[i]);
    }
}

nc_status nc__poller_wait(nc_poller *poller, int64_t ms, nc_poller_event *events, int *count) {
    nc_kevent kernel[NC_POLLER_EVENTS_MAX];
    struct nc_poller_changes *changes = poller->changes;
    struct timespec limit = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    *count = 0;
    int n =
        kevent((int)poller->fd, changes->list, changes->count, kernel, NC_POLLER_EVENTS_MAX, ms < 0 ? NULL : &limit);
    if (n < 0 && errno != EINTR) return nc__posix_status(errno);
    /* A signal, too, comes after the changes have been made. */
    collect(poller, kernel, n < 0 ? 0 : n, events, count);
    return n < 0 ? NC_EINTR : NC_OK;
}

void nc__poller_wake(nc_poller *poller) {
    int saved = errno;
#if defined(EVFILT_USER)
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

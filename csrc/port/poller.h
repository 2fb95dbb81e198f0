/* What a readiness interface of a kernel (epoll, kqueue) must do for readiness.c. */
#ifndef NC_PORT_POLLER_H
#define NC_PORT_POLLER_H

#include "port/port.h"

enum { NC_POLLER_EVENTS_MAX = 256 };

enum {
    NC_POLL_IN = 1,
    NC_POLL_OUT = 2,
    NC_POLL_URGENT = 4, /* out-of-band data is about: a short read no longer means an empty buffer */
    NC_POLL_HUP = 8     /* the end, or an error, is in the queue behind the data */
};

typedef struct nc_poller_event {
    nc_sock *sock; /* NULL: the wake-up */
    unsigned what;
    uint32_t waiting; /* bytes to be read, if the kernel says how many; else 0 */
    nc_status error;  /* the socket's, if the kernel says it; else NC_OK */
} nc_poller_event;

typedef struct nc_poller {
    intptr_t fd;
    intptr_t wake_read, wake_write;
    struct nc_poller_changes *changes; /* what the kernel will be told with the next wait; NULL if never anything */
} nc_poller;

/* How a descriptor is watched: a stream's news are told once (edges); a listener is told of as long as it is ready. */
typedef enum nc_poller_mode { NC_POLLER_STREAM_IN, NC_POLLER_STREAM_IN_OUT, NC_POLLER_LISTENER } nc_poller_mode;

nc_status nc__poller_open(nc_poller *poller);
void nc__poller_close(nc_poller *poller);
/* After fork in the child: closes what the child inherited, without a word to what the parent shares. */
void nc__poller_forget(nc_poller *poller);

nc_status nc__poller_add(nc_poller *poller, nc_sock *sock, nc_poller_mode mode);
nc_status nc__poller_change(nc_poller *poller, nc_sock *sock, nc_poller_mode mode);
void nc__poller_remove(nc_poller *poller, nc_sock *sock);

/* Milliseconds until the kernel is to be told of changes, which only a wait does: whoever waits for its descriptor must not
 * do so for longer. 0: now. -1: there are none. */
int64_t nc__poller_timeout(const nc_poller *poller);

/* Fills `events`, `*count` of them. NC_EINTR if a signal came first. */
nc_status nc__poller_wait(nc_poller *poller, int64_t ms, nc_poller_event *events, int *count);

void nc__poller_wake(nc_poller *poller);
/* Forgets the wake-ups so far. */
void nc__poller_clear_wake(nc_poller *poller);

#endif

/* Name look-up. The system's resolver blocks, so a few threads of the loop's own call it. They and the loop share one
 * record, which the last of them to leave frees: a loop that ends does not wait for a name server that does not
 * answer. A lookup that is freed while a thread works on it becomes that thread's to free. */
#include "netcore/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "core/loop_int.h"
#include "core/resolve_int.h"
#include "port/os.h"

enum { THREADS_MAX = 4 };

typedef enum nc_lookup_state { QUEUED, RUNNING, DONE, TOLD } nc_lookup_state;

struct nc_lookup {
    nc_handle handle; /* first */
    nc_list link;     /* in the resolver's `queue` or `done` */
    nc_lookup_state state;
    bool abandoned;
    nc_status status;
    int family;
    unsigned flags;
    nc_addr *addrs;
    size_t count;
    char host[];
};

struct nc_resolver {
    nc_monitor *monitor; /* guards everything below, and the state of the lookups */
    nc_list queue, done;
    nc_port *port; /* NULL once the loop is gone */
    unsigned threads, waiting;
};

static void free_lookup(nc_lookup *lookup) {
    free(lookup->addrs);
    free(lookup);
}

static void free_resolver(nc_resolver *resolver) {
    nc__os_monitor_free(resolver->monitor);
    free(resolver);
}

/* Within the monitor: waits for a lookup; NULL when the loop is gone. */
static nc_lookup *next_lookup(nc_resolver *resolver) {
    nc_list *link = NULL;
    while (resolver->port && !(link = nc__list_shift(&resolver->queue))) {
        resolver->waiting++;
        nc__os_monitor_wait(resolver->monitor);
        resolver->waiting--;
    }
    if (!link) return NULL;
    nc_lookup *lookup = nc_container(link, nc_lookup, link);
    lookup->state = RUNNING;
    return lookup;
}

/* Within the monitor. */
static void hand_over(nc_resolver *resolver, nc_lookup *lookup) {
    if (lookup->abandoned) {
        free_lookup(lookup);
        return;
    }
    lookup->state = DONE;
    nc__list_append(&resolver->done, &lookup->link);
    if (resolver->port) nc_port_wake(resolver->port);
}

static void work(void *arg) {
    nc_resolver *resolver = arg;
    nc_lookup *lookup;
    nc__os_monitor_enter(resolver->monitor);
    while ((lookup = next_lookup(resolver))) {
        nc__os_monitor_leave(resolver->monitor);
        lookup->status = nc__os_resolve(lookup->host, lookup->family, lookup->flags, &lookup->addrs, &lookup->count);
        nc__os_monitor_enter(resolver->monitor);
        hand_over(resolver, lookup);
    }
    bool last = --resolver->threads == 0;
    nc__os_monitor_leave(resolver->monitor);
    if (last) free_resolver(resolver);
}

static nc_status need_resolver(nc_loop *loop) {
    if (loop->resolver) return NC_OK;
    nc_resolver *resolver = calloc(1, sizeof *resolver);
    if (!resolver) return NC_ENOMEM;
    resolver->monitor = nc__os_monitor_new();
    if (!resolver->monitor) {
        free(resolver);
        return NC_ENOMEM;
    }
    nc__list_init(&resolver->queue);
    nc__list_init(&resolver->done);
    resolver->port = loop->port;
    loop->resolver = resolver;
    return NC_OK;
}

/* Within the monitor: one more thread if all are busy. Failing is an error only if there is none at all. */
static nc_status need_thread(nc_resolver *resolver) {
    if (resolver->waiting > 0 || resolver->threads >= THREADS_MAX) return NC_OK;
    resolver->threads++;
    nc_status status = nc__os_thread_start(work, resolver);
    if (status == NC_OK) return NC_OK;
    resolver->threads--;
    return resolver->threads > 0 ? NC_OK : status;
}

static nc_status enqueue(nc_resolver *resolver, nc_lookup *lookup) {
    nc__os_monitor_enter(resolver->monitor);
    nc_status status = need_thread(resolver);
    if (status == NC_OK) {
        nc__list_append(&resolver->queue, &lookup->link);
        nc__os_monitor_notify(resolver->monitor);
    }
    nc__os_monitor_leave(resolver->monitor);
    return status;
}

static nc_lookup *new_lookup(const char *host, size_t length, int family, unsigned flags) {
    if (length > SIZE_MAX - sizeof(nc_lookup) - 1) return NULL;
    nc_lookup *lookup = calloc(1, sizeof *lookup + length + 1);
    if (!lookup) return NULL;
    nc__list_init(&lookup->link);
    memcpy(lookup->host, host, length);
    lookup->family = family;
    lookup->flags = flags;
    return lookup;
}

nc_status nc_lookup_start(nc_loop *loop, void *owner, const char *host, size_t length, int family, unsigned flags,
                          nc_lookup **out) {
    if (memchr(host, '\0', length)) return NC_EINVAL;
    nc_status status = need_resolver(loop);
    if (status != NC_OK) return status;
    nc_lookup *lookup = new_lookup(host, length, family, flags);
    if (!lookup) return NC_ENOMEM;
    nc__handle_init(&lookup->handle, loop, NC__LOOKUP, owner);
    nc__handle_set_active(&lookup->handle, true);
    status = enqueue(loop->resolver, lookup);
    if (status != NC_OK) {
        nc_lookup_free(lookup);
        return status;
    }
    *out = lookup;
    return NC_OK;
}

const nc_addr *nc_lookup_results(const nc_lookup *lookup, size_t *count) {
    *count = lookup->count;
    return lookup->addrs;
}

void nc_lookup_free(nc_lookup *lookup) {
    if (!lookup) return;
    nc_resolver *resolver = lookup->handle.loop->resolver;
    nc__handle_fini(&lookup->handle);
    if (!resolver) { /* after fork, in the child: no thread works on it */
        free_lookup(lookup);
        return;
    }
    nc__os_monitor_enter(resolver->monitor);
    bool running = lookup->state == RUNNING;
    lookup->abandoned = running;
    if (!running) nc__list_remove(&lookup->link);
    nc__os_monitor_leave(resolver->monitor);
    if (!running) free_lookup(lookup);
}

void nc__resolver_collect(nc_loop *loop) {
    nc_resolver *resolver = loop->resolver;
    if (!resolver) return;
    nc__os_monitor_enter(resolver->monitor);
    for (nc_list *link; (link = nc__list_shift(&resolver->done));) {
        nc__handle_raise(&nc_container(link, nc_lookup, link)->handle);
    }
    nc__os_monitor_leave(resolver->monitor);
}

bool nc__lookup_next_event(nc_handle *handle, nc_event *event) {
    nc_lookup *lookup = nc__lookup_of(handle);
    nc__list_remove(&handle->ready);
    nc__handle_set_active(handle, false);
    lookup->state = TOLD;
    event->type = NC_EVENT_LOOKUP;
    event->status = lookup->status;
    event->owner = handle->owner;
    return true;
}

void nc__resolver_free(nc_loop *loop) {
    nc_resolver *resolver = loop->resolver;
    if (!resolver) return;
    loop->resolver = NULL;
    nc__os_monitor_enter(resolver->monitor);
    resolver->port = NULL;
    bool last = resolver->threads == 0;
    nc__os_monitor_notify(resolver->monitor);
    nc__os_monitor_leave(resolver->monitor);
    if (last) free_resolver(resolver);
}

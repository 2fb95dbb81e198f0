#ifndef NC_CORE_RESOLVE_INT_H
#define NC_CORE_RESOLVE_INT_H

#include "core/handle_int.h"
#include "netcore/resolve.h"

/* Raises the lookups that have ended since. */
void nc__resolver_collect(nc_loop *loop);
/* Lets the threads go; does not wait for them. */
void nc__resolver_free(nc_loop *loop);
static inline nc_lookup *nc__lookup_of(nc_handle *handle) {
    return (nc_lookup *)(void *)handle; /* a lookup begins with its handle */
}

bool nc__lookup_next_event(nc_handle *handle, nc_event *event);

#endif

/* What streams, servers and lookups have in common: an owner, a place among the loop's lists, and a say in whether the
 * loop is alive. */
#ifndef NC_CORE_HANDLE_INT_H
#define NC_CORE_HANDLE_INT_H

#include "base/list.h"
#include "netcore/loop.h"

typedef enum nc_handle_kind { NC__STREAM, NC__SERVER, NC__LOOKUP } nc_handle_kind;

typedef struct nc_handle {
    nc_list all;   /* in the loop's list of handles */
    nc_list ready; /* in the loop's list of handles that have events, or of those that are closed */
    nc_loop *loop;
    void *owner;
    uint8_t kind;
    bool ref;
    bool active; /* something is under way that the loop should wait for */
    bool closing;
} nc_handle;

void nc__handle_init(nc_handle *handle, nc_loop *loop, nc_handle_kind kind, void *owner);
void nc__handle_set_active(nc_handle *handle, bool active);
void nc__handle_set_ref(nc_handle *handle, bool ref);

/* Lets the next drain ask this handle for its events. */
void nc__handle_raise(nc_handle *handle);

/* The handle closes: it is inactive from now on, but keeps the loop alive until its closed event is handed out. */
void nc__handle_closing(nc_handle *handle);
/* Nothing refers to the handle's memory any more: its closed event may be handed out. */
void nc__handle_closed(nc_handle *handle);
/* Takes the handle out of the loop; its memory may be freed. */
void nc__handle_fini(nc_handle *handle);

#endif

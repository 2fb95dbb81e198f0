#ifndef NC_CORE_SERVER_INT_H
#define NC_CORE_SERVER_INT_H

#include "core/handle_int.h"
#include "netcore/server.h"

static inline nc_server *nc__server_of(nc_handle *handle) {
    return (nc_server *)(void *)handle; /* a server begins with its handle */
}

bool nc__server_next_event(nc_server *server, nc_event *event);
void nc__server_forget(nc_server *server);
void nc__server_free(nc_server *server);

#endif

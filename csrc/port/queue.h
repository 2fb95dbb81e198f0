/* The queue of sockets that a poll must look at, worked off alike by every port. */
#ifndef NC_PORT_QUEUE_H
#define NC_PORT_QUEUE_H

#include "port/port.h"

/* Calls for the sockets that are in the queue now, until NC_PORT_TURN_BYTES are handed out; `deliver` gives the bytes it
 * handed out. What is queued meanwhile waits for the next poll, behind what was left. Inline, so that `deliver` is a
 * direct call in the innermost loop of all. */
static inline void nc__queue_work_off(nc_list *queue, nc_port *port, size_t (*deliver)(nc_port *, nc_sock *)) {
    nc_list batch;
    size_t bytes = 0;
    nc__list_init(&batch);
    nc__list_append_all(&batch, queue);
    while (bytes < NC_PORT_TURN_BYTES) {
        nc_list *link = nc__list_shift(&batch);
        if (!link) return;
        bytes += deliver(port, nc_container(link, nc_sock, link));
    }
    nc__list_append_all(&batch, queue);
    nc__list_append_all(queue, &batch);
}

#endif

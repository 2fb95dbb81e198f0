#ifndef NC_CORE_LOOP_INT_H
#define NC_CORE_LOOP_INT_H

#include "base/heap.h"
#include "base/list.h"
#include "base/slab.h"
#include "core/handle_int.h"
#include "netcore/loop.h"
#include "port/port.h"

typedef struct nc_chunk nc_chunk;
typedef struct nc_deadline nc_deadline;
typedef struct nc_resolver nc_resolver;

/* An entry of the loop's heap. `expire` is called in the turn when the time has come: it removes or moves the entry
 * and answers false, or answers true to have an event handed out. NULL: there always is an event. */
struct nc_deadline {
    nc_heap_node node;
    bool (*expire)(nc_loop *loop, nc_deadline *deadline);
    void (*event)(nc_loop *loop, nc_deadline *deadline, nc_event *event);
};

struct nc_loop {
    nc_port *port;
    nc_slices slices;
    uint64_t now;

    nc_list handles;  /* all of them */
    nc_list incoming; /* handles that got events in this turn; the next turn hands them to `ready` */
    nc_list ready;    /* handles whose events are being handed out */
    nc_list closed;
    nc_list dirty;   /* streams that were written to since the last flush */
    nc_list lingers; /* connections that outlive their streams for a while, see linger.c */
    nc_stream *lent; /* the stream whose slice the last event lent out */

    size_t active;  /* ref'd handles and timers that have something under way */
    size_t closing; /* handles whose closed event is still to come */

    nc_heap deadlines;
    uint64_t order; /* of the next deadline */

    nc_chunk *spare_chunks;
    size_t spare_chunk_count;
    nc_chunk *unpinned; /* whose pins are to be handed back */

    nc_resolver *resolver; /* NULL until the first look-up */
};

nc_status nc__deadline_start(nc_loop *loop, nc_deadline *deadline, uint64_t time);
static inline void nc__deadline_stop(nc_loop *loop, nc_deadline *deadline) {
    nc__heap_remove(&loop->deadlines, &deadline->node);
}
static inline bool nc__deadline_is_set(const nc_deadline *deadline) {
    return deadline->node.place != 0;
}

/* The first deadline whose time has come and that has an event; NULL if there is none. */
nc_deadline *nc__deadline_due(nc_loop *loop);

/* Stops the timers of the embedder's. */
void nc__timers_stop(nc_loop *loop);

#endif

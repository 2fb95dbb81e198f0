/* A stream's queue of bytes to send. A chunk's bytes are a slice of the loop's slabs, or pinned by the embedder, or in a
 * block of their own. */
#ifndef NC_CORE_WRITEQ_INT_H
#define NC_CORE_WRITEQ_INT_H

#include "base/slab.h"
#include "core/loop_int.h"
#include "port/port.h"

typedef struct nc_writeq {
    nc_chunk *head, *tail;
    size_t bytes;
} nc_writeq;

/* Each of these takes all or, with NC_ENOMEM, nothing. */
nc_status nc__writeq_copy(nc_loop *loop, nc_writeq *queue, const void *data, size_t size);
nc_status nc__writeq_pin(nc_loop *loop, nc_writeq *queue, const void *data, size_t size, void *pin);
/* Takes the slice over, if it succeeds. */
nc_status nc__writeq_slice(nc_loop *loop, nc_writeq *queue, nc_slice *slice);

/* The bytes at the front, in at most NC_PORT_BUFS_MAX buffers. */
size_t nc__writeq_gather(const nc_writeq *queue, nc_buf *bufs);
void nc__writeq_advance(nc_loop *loop, nc_writeq *queue, size_t size);
void nc__writeq_drop(nc_loop *loop, nc_writeq *queue);

/* The queue must wait. Small pieces of slabs move into blocks of their own, since each would keep a whole slab from
 * being used again. */
void nc__writeq_settle(nc_loop *loop, nc_writeq *queue);

void nc__chunks_free(nc_loop *loop);

#endif

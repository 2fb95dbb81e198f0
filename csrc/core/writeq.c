#include "core/writeq_int.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE_CHUNKS_MAX = 256, BLOCK_SIZE = 4096 };

/* Slices smaller than this are not worth keeping a slab for. */
#define SETTLE_BELOW (NC_SLAB_SIZE / 8)

typedef enum nc_hold { HOLD_SLICE, HOLD_PIN, HOLD_BLOCK } nc_hold;

struct nc_chunk {
    nc_chunk *next;
    const uint8_t *data;
    size_t size;
    nc_hold hold;
    size_t room;  /* behind the bytes of a block */
    void *holder; /* the slab, the pin or the block */
};

static nc_chunk *new_chunk(nc_loop *loop) {
    nc_chunk *chunk = loop->spare_chunks;
    if (!chunk) return malloc(sizeof *chunk);
    loop->spare_chunks = chunk->next;
    loop->spare_chunk_count--;
    return chunk;
}

static void free_chunk(nc_loop *loop, nc_chunk *chunk) {
    if (loop->spare_chunk_count >= SPARE_CHUNKS_MAX) {
        free(chunk);
        return;
    }
    chunk->next = loop->spare_chunks;
    loop->spare_chunks = chunk;
    loop->spare_chunk_count++;
}

void nc__chunks_free(nc_loop *loop) {
    for (nc_chunk *chunk = loop->spare_chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    loop->spare_chunks = NULL;
    loop->spare_chunk_count = 0;
}

static void release_slab(nc_loop *loop, nc_slab *slab) {
    nc_slice slice = {NULL, 0, slab};
    nc__slice_release(&loop->slices, &slice);
}

static void release_chunk(nc_loop *loop, nc_chunk *chunk) {
    if (chunk->hold == HOLD_PIN) {
        chunk->next = loop->unpinned;
        loop->unpinned = chunk;
        return;
    }
    if (chunk->hold == HOLD_SLICE) {
        release_slab(loop, chunk->holder);
    } else {
        free(chunk->holder);
    }
    free_chunk(loop, chunk);
}

void *nc_loop_next_unpinned(nc_loop *loop) {
    nc_chunk *chunk = loop->unpinned;
    if (!chunk) return NULL;
    void *pin = chunk->holder;
    loop->unpinned = chunk->next;
    free_chunk(loop, chunk);
    return pin;
}

static nc_status push(nc_loop *loop, nc_writeq *queue, nc_hold hold, const uint8_t *data, size_t size, void *holder) {
    nc_chunk *chunk = new_chunk(loop);
    if (!chunk) return NC_ENOMEM;
    *chunk = (nc_chunk){NULL, data, size, hold, 0, holder};
    if (queue->tail) {
        queue->tail->next = chunk;
    } else {
        queue->head = chunk;
    }
    queue->tail = chunk;
    queue->bytes += size;
    return NC_OK;
}

nc_status nc__writeq_pin(nc_loop *loop, nc_writeq *queue, const void *data, size_t size, void *pin) {
    return push(loop, queue, HOLD_PIN, data, size, pin);
}

nc_status nc__writeq_slice(nc_loop *loop, nc_writeq *queue, nc_slice *slice) {
    nc_status status = push(loop, queue, HOLD_SLICE, slice->data, slice->size, slice->slab);
    if (status == NC_OK) slice->slab = NULL;
    return status;
}

/* A queue that already waits will go on waiting, so what is added to it goes into blocks; consecutive small writes
 * share one. */
static nc_status copy_to_block(nc_loop *loop, nc_writeq *queue, const void *data, size_t size) {
    nc_chunk *tail = queue->tail;
    if (tail && tail->hold == HOLD_BLOCK && tail->room >= size) {
        size_t used = (size_t)(tail->data - (uint8_t *)tail->holder) + tail->size;
        memcpy((uint8_t *)tail->holder + used, data, size);
        tail->size += size;
        tail->room -= size;
        queue->bytes += size;
        return NC_OK;
    }
    size_t room = size < BLOCK_SIZE ? BLOCK_SIZE : size;
    uint8_t *block = malloc(room);
    if (!block) return NC_ENOMEM;
    memcpy(block, data, size);
    nc_status status = push(loop, queue, HOLD_BLOCK, block, size, block);
    if (status != NC_OK) {
        free(block);
        return status;
    }
    queue->tail->room = room - size;
    return NC_OK;
}

/* Consecutive small writes lie side by side in the slab, and so leave in one buffer. */
static nc_status copy_to_slab(nc_loop *loop, nc_writeq *queue, const void *data, size_t size) {
    size_t room;
    uint8_t *place = nc__slices_reserve(&loop->slices, size, size, &room);
    if (!place) return NC_ENOMEM;
    memcpy(place, data, size);
    nc_chunk *tail = queue->tail;
    if (tail && tail->hold == HOLD_SLICE && tail->data + tail->size == place && tail->holder == loop->slices.current) {
        nc__slices_extend(&loop->slices, size);
        tail->size += size;
        queue->bytes += size;
        return NC_OK;
    }
    nc_slice slice = nc__slices_commit(&loop->slices, size);
    nc_status status = nc__writeq_slice(loop, queue, &slice);
    nc__slice_release(&loop->slices, &slice);
    return status;
}

nc_status nc__writeq_copy(nc_loop *loop, nc_writeq *queue, const void *data, size_t size) {
    bool waits = queue->tail && queue->tail->hold == HOLD_BLOCK;
    return waits || size > SETTLE_BELOW ? copy_to_block(loop, queue, data, size)
                                        : copy_to_slab(loop, queue, data, size);
}

size_t nc__writeq_gather(const nc_writeq *queue, nc_buf *bufs) {
    size_t count = 0;
    for (const nc_chunk *chunk = queue->head; chunk && count < NC_PORT_BUFS_MAX; chunk = chunk->next) {
        bufs[count++] = (nc_buf){chunk->data, chunk->size};
    }
    return count;
}

static void drop_head(nc_loop *loop, nc_writeq *queue) {
    nc_chunk *chunk = queue->head;
    queue->head = chunk->next;
    if (!queue->head) queue->tail = NULL;
    release_chunk(loop, chunk);
}

void nc__writeq_advance(nc_loop *loop, nc_writeq *queue, size_t size) {
    queue->bytes -= size;
    while (queue->head && size >= queue->head->size) {
        size -= queue->head->size;
        drop_head(loop, queue);
    }
    if (size == 0) return;
    queue->head->data += size;
    queue->head->size -= size;
}

void nc__writeq_drop(nc_loop *loop, nc_writeq *queue) {
    while (queue->head) drop_head(loop, queue);
    queue->bytes = 0;
}

/* Without memory for a copy the slab stays in use: slower, not wrong. */
void nc__writeq_settle(nc_loop *loop, nc_writeq *queue) {
    for (nc_chunk *chunk = queue->head; chunk; chunk = chunk->next) {
        if (chunk->hold != HOLD_SLICE || chunk->size >= SETTLE_BELOW) continue;
        uint8_t *block = malloc(chunk->size);
        if (!block) return;
        memcpy(block, chunk->data, chunk->size);
        release_slab(loop, chunk->holder);
        chunk->data = chunk->holder = block;
        chunk->hold = HOLD_BLOCK;
        chunk->room = 0;
    }
}

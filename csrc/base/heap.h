/* A binary heap of deadlines. A node knows its place, so that any node can be taken out or moved in O(log n). */
#ifndef NC_BASE_HEAP_H
#define NC_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "netcore/status.h"

typedef struct nc_heap_node {
    uint64_t time;
    uint64_t order; /* breaks ties: the smaller first */
    size_t place;   /* index + 1; 0 while in no heap */
} nc_heap_node;

typedef struct nc_heap {
    nc_heap_node **nodes;
    size_t count, room;
} nc_heap;

/* Puts a node into the heap, or moves it to the place of its new time. NC_ENOMEM leaves it out (if it was not in). */
nc_status nc__heap_put(nc_heap *heap, nc_heap_node *node);
void nc__heap_remove(nc_heap *heap, nc_heap_node *node);
void nc__heap_free(nc_heap *heap);

static inline nc_heap_node *nc__heap_first(const nc_heap *heap) {
    return heap->count ? heap->nodes[0] : NULL;
}

#endif

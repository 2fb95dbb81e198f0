#include "base/heap.h"

#include <stdbool.h>
#include <stdlib.h>

static bool before(const nc_heap_node *a, const nc_heap_node *b) {
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void set(nc_heap *heap, size_t index, nc_heap_node *node) {
    heap->nodes[index] = node;
    node->place = index + 1;
}

static void sift_up(nc_heap *heap, size_t index, nc_heap_node *node) {
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!before(node, heap->nodes[parent])) break;
        set(heap, index, heap->nodes[parent]);
        index = parent;
    }
    set(heap, index, node);
}

static void sift_down(nc_heap *heap, size_t index, nc_heap_node *node) {
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= heap->count) break;
        if (child + 1 < heap->count && before(heap->nodes[child + 1], heap->nodes[child])) child++;
        if (!before(heap->nodes[child], node)) break;
        set(heap, index, heap->nodes[child]);
        index = child;
    }
    set(heap, index, node);
}

static void settle(nc_heap *heap, size_t index, nc_heap_node *node) {
    if (index > 0 && before(node, heap->nodes[(index - 1) / 2])) {
        sift_up(heap, index, node);
    } else {
        sift_down(heap, index, node);
    }
}

static nc_status grow(nc_heap *heap) {
    size_t room = heap->room ? heap->room * 2 : 16;
    if (room > SIZE_MAX / sizeof *heap->nodes) return NC_ENOMEM;
    nc_heap_node **nodes = realloc(heap->nodes, room * sizeof *nodes);
    if (!nodes) return NC_ENOMEM;
    heap->nodes = nodes;
    heap->room = room;
    return NC_OK;
}

nc_status nc__heap_put(nc_heap *heap, nc_heap_node *node) {
    if (node->place) {
        settle(heap, node->place - 1, node);
        return NC_OK;
    }
    if (heap->count == heap->room) {
        nc_status status = grow(heap);
        if (status != NC_OK) return status;
    }
    heap->count++;
    sift_up(heap, heap->count - 1, node);
    return NC_OK;
}

void nc__heap_remove(nc_heap *heap, nc_heap_node *node) {
    if (!node->place) return;
    size_t index = node->place - 1;
    node->place = 0;
    nc_heap_node *last = heap->nodes[--heap->count];
    if (last != node) settle(heap, index, last);
}

void nc__heap_free(nc_heap *heap) {
    free(heap->nodes);
    heap->nodes = NULL;
    heap->count = heap->room = 0;
}

/* The memory of a block list's set, which readers walk without a lock.
 *
 * A block that readers can reach is never changed, except for single atomic words in it; a change builds new blocks
 * beside the old ones, publishes them with one atomic store, and retires the old ones. A reader may still be in a retired
 * block, so it is not used again at once; and it is never unmapped before the list is destroyed, so that walking it late
 * cannot fault. Before retired blocks are used again the generation goes up, and a reader that finds another generation
 * than it began with throws its walk away and starts anew. Two rules follow for readers:
 *
 *   - load the generation first, and check it with nc__pool_still after the last load; and
 *   - check it as well before a loaded value serves as an address or a length.
 *
 * Retired blocks are collected by the hundred, so a reader starts anew only if that many changes happened within its few
 * nanoseconds, and a writer that stops in the middle of a change holds up nobody. */
#ifndef NC_BLOCKLIST_MEMORY_H
#define NC_BLOCKLIST_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NC__POOL_GRAIN = 16, /* every block is a multiple of this, and aligned to it */
    NC__POOL_CLASSES = 24,
    NC__POOL_RETIRED = 128
};

typedef struct nc__retired {
    void *block;
    size_t size;
} nc__retired;

typedef struct nc__pool {
    _Atomic(uint64_t) generation;
    struct nc__chunk *chunks;
    char *free_at;
    size_t free_left;
    size_t total; /* bytes of all chunks */
    void *recycled[NC__POOL_CLASSES];
    nc__retired retired[NC__POOL_RETIRED];
    unsigned retired_count;
} nc__pool;

void nc__pool_init(nc__pool *pool);
void nc__pool_destroy(nc__pool *pool);

/* A reader's first step. */
static inline uint64_t nc__pool_enter(const nc__pool *pool) {
    return atomic_load_explicit(&((nc__pool *)pool)->generation, memory_order_acquire);
}

/* Whether everything that was loaded since `generation` was read can be trusted. */
static inline bool nc__pool_still(const nc__pool *pool, uint64_t generation) {
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&((nc__pool *)pool)->generation, memory_order_relaxed) == generation;
}

typedef struct nc__blocks {
    nc__retired *items;
    size_t count;
    size_t cap;
    nc__retired few[8];
} nc__blocks;

/* A change under way: the blocks it made, those it replaces, and the one word in each set (of which there are two) that
 * will put the ones in the place of the others. Either all of it happens or nothing. */
typedef struct nc__change {
    nc__pool *pool;
    nc__blocks fresh;
    nc__blocks stale;
    struct {
        _Atomic(uint64_t) *at;
        uint64_t value;
    } words[2];
    unsigned word_count;
    bool failed; /* memory ran out; nothing may be published */
} nc__change;

void nc__change_begin(nc__change *change, nc__pool *pool);

/* A new block, or NULL (then the change has failed). At most 32 KiB. */
void *nc__change_alloc(nc__change *change, size_t size);

/* Says that a published block will no longer be reachable once the change is published. */
void nc__change_retire(nc__change *change, void *block, size_t size);

/* Says which word the change is to become visible by. Once for each set. */
void nc__change_publish(nc__change *change, _Atomic(uint64_t) *at, uint64_t value);

/* Ends the change. False after a failure: its new blocks are taken back and nothing has changed. Else it is published, and
 * the blocks it replaced are retired. */
bool nc__change_end(nc__change *change);

#endif

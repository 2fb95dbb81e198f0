#include "core/blocklist_memory.h"

#include <stdlib.h>
#include <string.h>

struct nc__chunk {
    struct nc__chunk *next;
    void *align;
};

enum { CHUNK_MIN = 4096, CHUNK_MAX = 256 * 1024, BLOCK_MAX = 32 * 1024 };

void nc__pool_init(nc__pool *pool) {
    memset(pool, 0, sizeof *pool);
    atomic_init(&pool->generation, 0);
}

void nc__pool_destroy(nc__pool *pool) {
    while (pool->chunks != NULL) {
        struct nc__chunk *chunk = pool->chunks;
        pool->chunks = chunk->next;
        free(chunk);
    }
}

/* The class of a size, and the size that blocks of the class have. There are few classes (16, 32, 48, 64, 96, 128, 192...),
 * so that a leaf that grows leaves blocks behind that the next one can use. */
static unsigned class_of(size_t size, size_t *rounded) {
    unsigned class = 1;
    size_t base = 32;
    *rounded = NC__POOL_GRAIN;
    if (size <= NC__POOL_GRAIN) return 0;
    while (size > base + base / 2) {
        base *= 2;
        class += 2;
    }
    bool fits = size <= base;
    *rounded = fits ? base : base + base / 2;
    return fits ? class : class + 1;
}

/* Free blocks are chained through their first word. A late reader may be looking at that word, hence the atomic store. */
static void recycle(nc__pool *pool, void *block, size_t size) {
    size_t rounded;
    void **head = &pool->recycled[class_of(size, &rounded)];
    atomic_store_explicit((_Atomic(uintptr_t) *)block, (uintptr_t)*head, memory_order_relaxed);
    *head = block;
}

/* The generation is seen after the words that took the blocks out of reach (the release), or a reader who begins with it
 * could still find a way to one of them; and before anything else is in the blocks (the fence). Processors that keep
 * stores in order need neither. */
static void recycle_retired(nc__pool *pool) {
    uint64_t generation = atomic_load_explicit(&pool->generation, memory_order_relaxed);
    atomic_store_explicit(&pool->generation, generation + 1, memory_order_release);
    atomic_thread_fence(memory_order_release);
    for (unsigned i = 0; i < pool->retired_count; i++) recycle(pool, pool->retired[i].block, pool->retired[i].size);
    pool->retired_count = 0;
}

static void retire(nc__pool *pool, void *block, size_t size) {
    if (pool->retired_count == NC__POOL_RETIRED) recycle_retired(pool);
    pool->retired[pool->retired_count++] = (nc__retired){block, size};
}

/* The chunks grow with the list, so that a list of ten rules holds little and one of a million asks seldom. */
static bool grow(nc__pool *pool, size_t need) {
    size_t size = pool->total / 2;
    if (size < CHUNK_MIN) size = CHUNK_MIN;
    if (size > CHUNK_MAX) size = CHUNK_MAX;
    if (size < need + sizeof(struct nc__chunk)) size = need + sizeof(struct nc__chunk);
    struct nc__chunk *chunk = malloc(size);
    if (chunk == NULL) return false;
    while (pool->free_left >= NC__POOL_GRAIN) {
        size_t piece = 512;
        while (piece > pool->free_left) piece /= 2;
        recycle(pool, pool->free_at, piece);
        pool->free_at += piece;
        pool->free_left -= piece;
    }
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->total += size;
    pool->free_at = (char *)chunk + sizeof *chunk;
    pool->free_left = (size - sizeof *chunk) / NC__POOL_GRAIN * NC__POOL_GRAIN;
    return true;
}

static void *allocate(nc__pool *pool, size_t size) {
    size_t rounded;
    void **head = &pool->recycled[class_of(size, &rounded)];
    if (*head != NULL) {
        void *block = *head;
        *head = (void *)atomic_load_explicit((_Atomic(uintptr_t) *)block, memory_order_relaxed);
        return block;
    }
    if (pool->free_left < rounded && !grow(pool, rounded)) return NULL;
    void *block = pool->free_at;
    pool->free_at += rounded;
    pool->free_left -= rounded;
    return block;
}

static bool push(nc__blocks *blocks, void *block, size_t size) {
    if (blocks->count == blocks->cap) {
        size_t cap = blocks->cap * 2;
        bool inside = blocks->items == blocks->few;
        nc__retired *items = realloc(inside ? NULL : blocks->items, cap * sizeof *items);
        if (items == NULL) return false;
        if (inside) memcpy(items, blocks->few, sizeof blocks->few);
        blocks->items = items;
        blocks->cap = cap;
    }
    blocks->items[blocks->count++] = (nc__retired){block, size};
    return true;
}

static void blocks_begin(nc__blocks *blocks) {
    blocks->items = blocks->few;
    blocks->count = 0;
    blocks->cap = sizeof blocks->few / sizeof blocks->few[0];
}

static void blocks_end(nc__blocks *blocks) {
    if (blocks->items != blocks->few) free(blocks->items);
}

void nc__change_begin(nc__change *change, nc__pool *pool) {
    change->pool = pool;
    change->failed = false;
    change->word_count = 0;
    blocks_begin(&change->fresh);
    blocks_begin(&change->stale);
}

void *nc__change_alloc(nc__change *change, size_t size) {
    void *block = size > BLOCK_MAX ? NULL : allocate(change->pool, size);
    if (block != NULL && push(&change->fresh, block, size)) return block;
    if (block != NULL) recycle(change->pool, block, size);
    change->failed = true;
    return NULL;
}

void nc__change_retire(nc__change *change, void *block, size_t size) {
    if (!push(&change->stale, block, size)) change->failed = true;
}

void nc__change_publish(nc__change *change, _Atomic(uint64_t) *at, uint64_t value) {
    change->words[change->word_count].at = at;
    change->words[change->word_count].value = value;
    change->word_count++;
}

bool nc__change_end(nc__change *change) {
    bool done = !change->failed;
    for (unsigned i = 0; done && i < change->word_count; i++)
        atomic_store_explicit(change->words[i].at, change->words[i].value, memory_order_release);
    for (size_t i = 0; done && i < change->stale.count; i++)
        retire(change->pool, change->stale.items[i].block, change->stale.items[i].size);
    for (size_t i = 0; !done && i < change->fresh.count; i++)
        recycle(change->pool, change->fresh.items[i].block, change->fresh.items[i].size);
    blocks_end(&change->fresh);
    blocks_end(&change->stale);
    return done;
}

#include "base/slab.h"

#include <stdlib.h>

enum { SPARES_MAX = 8 };

static nc_slab *take_spare(nc_slices *pool) {
    nc_slab *slab = pool->spares;
    if (slab) {
        pool->spares = slab->next;
        pool->spare_count--;
        return slab;
    }
    slab = malloc(sizeof *slab + NC_SLAB_SIZE);
    if (slab) *slab = (nc_slab){.data = (uint8_t *)(slab + 1), .size = NC_SLAB_SIZE};
    return slab;
}

static void give_back(nc_slices *pool, nc_slab *slab) {
    if (slab->token) {
        slab->next = pool->offers;
        pool->offers = slab;
        return;
    }
    if (pool->spare_count >= SPARES_MAX) {
        free(slab);
        return;
    }
    slab->used = 0;
    slab->next = pool->spares;
    pool->spares = slab;
    pool->spare_count++;
}

uint8_t *nc__slices_reserve(nc_slices *pool, size_t least, size_t most, size_t *room) {
    nc_slab *slab = pool->current;
    if (!slab || NC_SLAB_SIZE - slab->used < least) {
        nc_slab *fresh = take_spare(pool);
        if (!fresh) return NULL;
        pool->current = slab = fresh;
    }
    size_t rest = NC_SLAB_SIZE - slab->used;
    *room = rest < most ? rest : most;
    return slab->data + slab->used;
}

nc_slice nc__slices_commit(nc_slices *pool, size_t size) {
    nc_slab *slab = pool->current;
    nc_slice slice = {slab->data + slab->used, size, slab};
    slab->used += size;
    slab->slices++;
    return slice;
}

void nc__slice_release(nc_slices *pool, nc_slice *slice) {
    nc_slab *slab = slice->slab;
    if (!slab) return;
    slice->slab = NULL;
    if (--slab->slices > 0) return;
    if (slab == pool->current) {
        slab->used = 0;
    } else {
        give_back(pool, slab);
    }
}

nc_status nc__slices_offer(nc_slices *pool, void *data, size_t size, void *token) {
    nc_slab *slab = malloc(sizeof *slab);
    if (!slab) return NC_ENOMEM;
    *slab = (nc_slab){.next = pool->offers, .data = data, .size = size, .token = token};
    pool->offers = slab;
    return NC_OK;
}

void *nc__slices_withdraw(nc_slices *pool) {
    nc_slab *slab = pool->offers;
    if (!slab) return NULL;
    void *token = slab->token;
    pool->offers = slab->next;
    free(slab);
    return token;
}

uint8_t *nc__slices_reserve_offer(nc_slices *pool, size_t *room) {
    if (!pool->offers) return NULL;
    *room = pool->offers->size;
    return pool->offers->data;
}

nc_slice nc__slices_commit_offer(nc_slices *pool, size_t size) {
    nc_slab *slab = pool->offers;
    pool->offers = slab->next;
    slab->slices = 1;
    return (nc_slice){slab->data, size, slab};
}

void *nc__slice_token(nc_slice *slice) {
    if (!slice->slab || !slice->slab->token) return NULL;
    void *token = slice->slab->token;
    free(slice->slab);
    slice->slab = NULL;
    return token;
}

void nc__slices_free(nc_slices *pool) {
    free(pool->current);
    pool->current = NULL;
    while (nc__slices_withdraw(pool)) continue;
    while (pool->spares) free(take_spare(pool));
}

/* Slices: pieces of large blocks (slabs) that the loop reads into and copies small writes into.
 *
 * A pool hands out room at the end of its current slab: nc__slices_reserve() says where one may write and how much,
 * nc__slices_commit() makes a slice of what was written. A slab counts its slices. When the last one of the current
 * slab is released, the slab begins anew at its front, so that a quiet loop keeps using the same few kilobytes of
 * cache; a slab that filled up while slices were out returns to the pool with its last slice.
 *
 *        slab  | slice | slice |   room ...        |
 *              0               used             NC_SLAB_SIZE
 *
 * For large receives the embedder may offer buffers of its own. One is a slab with a single slice, and a token by which
 * its owner knows it: the buffer goes back to him with the bytes in it, uncopied.
 */
#ifndef NC_BASE_SLAB_H
#define NC_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "netcore/status.h"

#define NC_SLAB_SIZE ((size_t)256 * 1024)

typedef struct nc_slab {
    struct nc_slab *next; /* among the spares, or the offers */
    uint8_t *data;
    size_t size, used;
    size_t slices;
    void *token; /* NULL: the pool's own */
} nc_slab;

typedef struct nc_slice {
    uint8_t *data;
    size_t size;
    nc_slab *slab; /* NULL: no slice */
} nc_slice;

typedef struct nc_slices {
    nc_slab *current;
    nc_slab *spares;
    size_t spare_count;
    nc_slab *offers;
} nc_slices;

/* Room for at least `least` (at most NC_SLAB_SIZE) and at most `most` bytes; `*room` tells how much it is. NULL when
 * there is no memory. Stays the pool's until committed; another reserve may give the same room. */
uint8_t *nc__slices_reserve(nc_slices *pool, size_t least, size_t most, size_t *room);

/* Makes a slice of the first `size` bytes of the room reserved last. */
nc_slice nc__slices_commit(nc_slices *pool, size_t size);

/* Offers a buffer, and takes an offer back: its token, or NULL when there is none left. */
nc_status nc__slices_offer(nc_slices *pool, void *data, size_t size, void *token);
void *nc__slices_withdraw(nc_slices *pool);

/* The same as reserving and committing, in a buffer on offer; NULL when there is none. */
uint8_t *nc__slices_reserve_offer(nc_slices *pool, size_t *room);
nc_slice nc__slices_commit_offer(nc_slices *pool, size_t size);

/* Ends a slice whose buffer was offered, and gives the token; NULL (and nothing ends) if it was not. */
void *nc__slice_token(nc_slice *slice);

/* Gives a slice back; does nothing for an empty one. */
void nc__slice_release(nc_slices *pool, nc_slice *slice);

void nc__slices_free(nc_slices *pool);

/* Lengthens the slice that ends at the end of what is used; the caller has reserved the room. */
static inline void nc__slices_extend(nc_slices *pool, size_t size) {
    pool->current->used += size;
}

#endif

/* The set of blocked IPv4 addresses. */
#ifndef NC_BLOCKLIST_V4_H
#define NC_BLOCKLIST_V4_H

#include "core/blocklist_memory.h"

typedef struct nc__set4 {
    _Atomic(uint64_t) root; /* the table of the 256 first octets, or 0 for the empty set */
    nc__pool *pool;         /* shared with the IPv6 set */
} nc__set4;

typedef struct nc__interval4 {
    uint32_t first;
    uint32_t last;
} nc__interval4;

/* Makes the addresses from `first` to `last` be exactly those of the `count` intervals, which are sorted, disjoint and
 * within that range, once `change` is published; all others stay as they are. Writers only. */
void nc__set4_replace(nc__set4 *set, nc__change *change, uint32_t first, uint32_t last, const nc__interval4 *intervals,
                      size_t count);

/* Readers only, in any number. */
int nc__set4_has(const nc__set4 *set, uint32_t ip);
void nc__set4_has_many(const nc__set4 *set, const uint32_t *ips, size_t count, uint8_t *mask);

#endif

/* The set of blocked IPv6 addresses. */
#ifndef NC_BLOCKLIST_V6_H
#define NC_BLOCKLIST_V6_H

#include "core/blocklist_key.h"
#include "core/blocklist_memory.h"

typedef struct nc__set6 {
    _Atomic(uint64_t) root; /* what the whole address space is; 0 for the empty set */
    nc__pool *pool;         /* shared with the IPv4 set */
} nc__set6;

/* Makes the addresses of `where` be exactly those of the `count` spans, which are sorted, disjoint and within it, once
 * `change` is published; all others stay as they are. Writers only. */
void nc__set6_replace(nc__set6 *set, nc__change *change, nc__span where, const nc__span *spans, size_t count);

/* Readers only, in any number. */
int nc__set6_has(const nc__set6 *set, nc__key key);

#endif

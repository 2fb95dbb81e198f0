/* A point of the address space as a number, and stretches of such points. */
#ifndef NC_BLOCKLIST_KEY_H
#define NC_BLOCKLIST_KEY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct nc__key {
    uint64_t high;
    uint64_t low;
} nc__key;

/* Both ends belong to it. */
typedef struct nc__span {
    nc__key first;
    nc__key last;
} nc__span;

static inline bool nc__key_less(nc__key a, nc__key b) {
    return (a.high < b.high) | ((a.high == b.high) & (a.low < b.low));
}

static inline bool nc__key_equal(nc__key a, nc__key b) {
    return a.high == b.high && a.low == b.low;
}

static inline nc__key nc__key_next(nc__key a) {
    return (nc__key){a.high + (a.low == UINT64_MAX), a.low + 1};
}

static inline nc__key nc__key_before(nc__key a) {
    return (nc__key){a.high - (a.low == 0), a.low - 1};
}

static inline nc__key nc__key_min(nc__key a, nc__key b) {
    return nc__key_less(b, a) ? b : a;
}

static inline nc__key nc__key_max(nc__key a, nc__key b) {
    return nc__key_less(a, b) ? b : a;
}

static inline uint64_t nc__read_be64(const uint8_t *at) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | at[i];
    return value;
}

static inline nc__key nc__key_of(const uint8_t ip[16]) {
    return (nc__key){nc__read_be64(ip), nc__read_be64(ip + 8)};
}

#endif

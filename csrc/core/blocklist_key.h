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

/* A search is hardly more than this, and compilers see only in a wide number that it is one subtraction. */
static inline bool nc__key_less(nc__key a, nc__key b) {
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 wide;
    return ((wide)a.high << 64 | a.low) < ((wide)b.high << 64 | b.low);
#else
    return (a.high < b.high) | ((a.high == b.high) & (a.low < b.low));
#endif
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

static inline bool nc__span_has(nc__span span, nc__key key) {
    return ((unsigned)nc__key_less(key, span.first) | (unsigned)nc__key_less(span.last, key)) == 0;
}

/* All keys whose first `prefix` bits, 0 to 128, are those of `at`. */
static inline nc__span nc__span_of_prefix(nc__key at, unsigned prefix) {
    uint64_t high = prefix >= 64 ? 0 : UINT64_MAX >> prefix;
    uint64_t low = prefix >= 128 ? 0 : prefix <= 64 ? UINT64_MAX : UINT64_MAX >> (prefix - 64);
    return (nc__span){{at.high & ~high, at.low & ~low}, {at.high | high, at.low | low}};
}

static inline uint64_t nc__read_be64(const uint8_t *at) {
    return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 | (uint64_t)at[3] << 32 |
           (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 | (uint64_t)at[6] << 8 | at[7];
}

static inline nc__key nc__key_of(const uint8_t ip[16]) {
    return (nc__key){nc__read_be64(ip), nc__read_be64(ip + 8)};
}

#endif

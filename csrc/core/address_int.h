/* The parsers beneath netcore/address.h, for the core's own use. */
#ifndef NC_ADDRESS_INT_H
#define NC_ADDRESS_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A strict dotted quad, as a number; -1 if the text is none. */
int64_t nc__parse_ipv4(const char *text, size_t len);

/* Writes such a number in network order. */
static inline void nc__write_be32(uint8_t out[4], uint32_t value) {
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

static inline void nc__write_be64(uint8_t out[8], uint64_t value) {
    nc__write_be32(out, (uint32_t)(value >> 32));
    nc__write_be32(out + 4, (uint32_t)value);
}

/* An IPv6 address without a zone; `out` is written only where the answer is yes. */
bool nc__parse_ipv6(const char *text, size_t len, uint8_t out[16]);

#endif

/* The parsers beneath netcore/address.h, for the core's own use. */
#ifndef NC_ADDRESS_INT_H
#define NC_ADDRESS_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A strict dotted quad. `out` may be written even where the answer is no. */
bool nc__parse_ipv4(const char *text, size_t len, uint8_t out[4]);

/* An IPv6 address without a zone; `out` is written only where the answer is yes. */
bool nc__parse_ipv6(const char *text, size_t len, uint8_t out[16]);

#endif

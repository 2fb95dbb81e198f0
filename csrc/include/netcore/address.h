/* Addresses: the text of IPv4 and IPv6 addresses and the form the rest of netcore carries them in. */
#ifndef NETCORE_ADDRESS_H
#define NETCORE_ADDRESS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An IP address with a port. There is one address space: an IPv4 address is held in its IPv4-mapped form
 * (::ffff:a.b.c.d), so `ip` alone identifies an address, and `family` only says how it is written. All numbers are
 * in the machine's byte order, `ip` in that of the network. */
typedef struct nc_addr {
    uint8_t ip[16];
    uint32_t scope;    /* interface index of a link-local IPv6 address, else 0 */
    uint32_t flowinfo; /* IPv6 flow label, else 0 */
    uint16_t port;
    uint8_t family; /* 4 or 6; 0 where there is no IP address (a Unix-domain socket, an unbound one) */
} nc_addr;

#ifdef __cplusplus
}
#endif

#endif

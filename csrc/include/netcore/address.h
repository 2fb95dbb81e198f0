/* Addresses: the text of IPv4 and IPv6 addresses and the form the rest of netcore carries them in. Nothing here asks the
 * operating system, allocates or blocks. */
#ifndef NETCORE_ADDRESS_H
#define NETCORE_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#include "netcore/status.h"

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

/* Room for any text that nc_addr_format writes, with its NUL. */
#define NC_ADDR_TEXT_MAX 46

/* A zone id within the text of an address, the part after '%': not NUL-terminated, and owned by whoever owns the text. */
typedef struct nc_zone {
    const char *name; /* NULL where the address has no zone */
    size_t len;
} nc_zone;

/* Which IP address `text` is: 4, 6, or 0 for none. The rules are those of Node's `net.isIP`: a strict dotted quad without
 * leading zeros, or any IPv6 form of RFC 4291 with an optional zone of letters, digits, '-', '.' and ':'. The whole of
 * the `len` bytes must be the address, so a NUL byte anywhere makes it none. */
int nc_is_ip(const char *text, size_t len);

/* Reads an address with an optional zone into `out`; its port and flow label become 0. The parser knows no interfaces: a
 * zone that is a decimal number below 2^32 becomes `out->scope`; every zone, number or name, is also handed out in `zone`,
 * and where `zone->name` is set while `out->scope` is 0, the caller resolves the name through its port or refuses it.
 * NC_EINVAL for text that is no address; then `out` and `zone` are untouched. */
nc_status nc_addr_parse_zoned(const char *text, size_t len, nc_addr *out, nc_zone *zone);

/* nc_addr_parse_zoned for callers that cannot resolve interface names: NC_EINVAL for a zone that is a name, too. */
nc_status nc_addr_parse(const char *text, size_t len, nc_addr *out);

/* Writes the address alone, without port and zone, as RFC 5952 and Node write it, and a NUL: "10.0.0.1" for family 4,
 * "::ffff:10.0.0.1" for the same address of family 6. Returns the length without the NUL; 0, with nothing written, where
 * `cap` is too small or `family` is 0. A `cap` of NC_ADDR_TEXT_MAX is always enough. */
size_t nc_addr_format(const nc_addr *addr, char *out, size_t cap);

/* Reads what Node's SocketAddress.parse reads: an address with an optional port as a URL has them between "http://" and the
 * first of "/?#\\". So "[::1]:80", "1.2.3.4:80", and the older number forms ("127.1", "0x7f.1", "010.1.1.1") that only
 * URLs still accept. The port is kept as it stands, 80 included; it is 0 where there is none. NC_EINVAL for anything else,
 * for a NUL byte anywhere, for a host that is not written in ASCII, and for one of more than 255 characters. */
nc_status nc_addr_parse_url(const char *text, size_t len, nc_addr *out);

#ifdef __cplusplus
}
#endif

#endif

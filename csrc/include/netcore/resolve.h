/* Name look-up with the system's resolver, on a few threads of the loop's own. */
#ifndef NETCORE_RESOLVE_H
#define NETCORE_RESOLVE_H

#include "netcore/address.h"
#include "netcore/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of a lookup, the same on every system. */
enum { NC_LOOKUP_ADDRCONFIG = 1, NC_LOOKUP_V4MAPPED = 2, NC_LOOKUP_ALL = 4 };

/* Starts to look up `host` (of `length` bytes, without NUL: NC_EINVAL) in `family` 4, 6 or 0 for both. NC_EVENT_LOOKUP
 * comes once. The lookup is the caller's: nc_lookup_free(). Errors: NC_ENOMEM, NC_EAGAIN (no thread to be had). */
nc_status nc_lookup_start(nc_loop *loop, void *owner, const char *host, size_t length, int family, unsigned flags,
                          nc_lookup **out);

/* The addresses found, in the resolver's order, port 0; valid until nc_lookup_free(). */
const nc_addr *nc_lookup_results(const nc_lookup *lookup, size_t *count);

/* Frees a lookup; one in progress is abandoned and has no event. NULL is allowed. */
void nc_lookup_free(nc_lookup *lookup);

#ifdef __cplusplus
}
#endif

#endif

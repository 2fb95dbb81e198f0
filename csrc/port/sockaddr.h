/* nc_addr to and from the BSD socket addresses. */
#ifndef NC_PORT_SOCKADDR_H
#define NC_PORT_SOCKADDR_H

#if defined(_WIN32)
#include "port/win.h"
#else
#include <sys/socket.h>
#endif

#include "netcore/address.h"

/* `family` 0 for what is neither IPv4 nor IPv6. */
void nc__from_sockaddr(const struct sockaddr *from, nc_addr *to);
socklen_t nc__to_sockaddr(const nc_addr *from, struct sockaddr_storage *to);

#endif

#ifndef NC_PORT_WIN_SOCKET_H
#define NC_PORT_WIN_SOCKET_H

#include "port/port.h"
#include "port/win.h"

/* The most that is given to the kernel at once. It takes a send whole or not at all: from a non-blocking one it copies all of
 * it as soon as the buffer has room for a byte, so that a large one would fill memory that is not paged or fail for want of
 * it (WSAENOBUFS), and nobody would learn that the peer is slow. A send that waits has its bytes locked in memory. */
#define NC__WIN_SEND_MAX ((size_t)1024 * 1024)

/* Fills `parts` (NC_PORT_BUFS_MAX) with so much of the buffers, the first `skip` bytes left out; the number of parts. */
DWORD nc__wsabufs(const nc_buf *bufs, size_t count, size_t skip, WSABUF *parts);

#endif

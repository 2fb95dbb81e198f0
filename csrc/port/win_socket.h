#ifndef NC_PORT_WIN_SOCKET_H
#define NC_PORT_WIN_SOCKET_H

#include "port/port.h"
#include "port/win.h"

/* Fills `parts` (NC_PORT_BUFS_MAX) with at most `most` bytes of the buffers, the first `skip` left out; their number. */
DWORD nc__wsabufs(const nc_buf *bufs, size_t count, size_t skip, size_t most, WSABUF *parts);

#endif

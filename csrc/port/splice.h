/* Bytes moved from one TCP socket to another inside the kernel, without being copied through the process. */
#ifndef NC_PORT_SPLICE_H
#define NC_PORT_SPLICE_H

#include "port/port.h"

/* The pipe that a kernel moves them through: it is empty before and after each call. */
typedef struct nc_splice {
    intptr_t in, out; /* NC_SOCK_NONE: not opened yet */
} nc_splice;

void nc__splice_init(nc_splice *splice);
void nc__splice_close(nc_splice *splice);

/* Moves what `from` has, at most NC_SLAB_SIZE bytes, to `to`, which must have room for some of it or say that it has not.
 * NC_OK: `out` tells what became of it. NC_EOF, NC_EAGAIN and errors are those of receiving. NC_ENOTSUP: it cannot be
 * done here and now, and nothing was moved. */
nc_status nc__splice(nc_splice *splice, nc_slices *slices, intptr_t from, intptr_t to, nc_passed *out);

#endif

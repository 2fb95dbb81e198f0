/* One receive into the room that suits it. */
#ifndef NC_PORT_INTAKE_H
#define NC_PORT_INTAKE_H

#include "port/port.h"

typedef struct nc_intake {
    nc_slice slice;
    bool filled; /* all the room there was: there is likely more */
    bool more;   /* more may be waiting although the room was not filled */
} nc_intake;

/* nc__socket_receive() into a slice of the pool; in much room if `big`. Its statuses are passed on. */
nc_status nc__intake(nc_slices *slices, intptr_t fd, nc_sock_kind kind, bool big, nc_intake *out);

/* Whether so many bytes at once keep a stream of many bytes one. */
bool nc__intake_is_worth_big(size_t size);

/* Whether the next read should be offered much room. */
bool nc__intake_is_big(const nc_intake *last, bool big);

#endif

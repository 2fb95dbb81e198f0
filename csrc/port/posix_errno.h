#ifndef NC_PORT_POSIX_ERRNO_H
#define NC_PORT_POSIX_ERRNO_H

#include "netcore/status.h"

/* The status for an errno value. */
nc_status nc__posix_status(int number);

#endif

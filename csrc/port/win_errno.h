#ifndef NC_PORT_WIN_ERRNO_H
#define NC_PORT_WIN_ERRNO_H

#include "netcore/status.h"
#include "port/win.h"

/* The status for an error of Windows or of its sockets: WSAGetLastError() and GetLastError() share one space. */
nc_status nc__win_status(DWORD error);

#endif

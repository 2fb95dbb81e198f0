/* What Windows' own headers declare and Wine 8's do not: included before everything else by tools/msvc.py. */
#ifndef TOOLS_WINE_LACKS_H
#define TOOLS_WINE_LACKS_H

#include "port/win.h"

#ifndef FILE_SKIP_COMPLETION_PORT_ON_SUCCESS
#define FILE_SKIP_COMPLETION_PORT_ON_SUCCESS 1
#define FILE_SKIP_SET_EVENT_ON_HANDLE 2
#endif

#ifndef SIO_TCP_INITIAL_RTO
#define SIO_TCP_INITIAL_RTO _WSAIOW(IOC_VENDOR, 17)
#define TCP_INITIAL_RTO_UNSPECIFIED_RTT ((USHORT)-1)
typedef struct _TCP_INITIAL_RTO_PARAMETERS {
    USHORT Rtt;
    UCHAR MaxSynRetransmissions;
} TCP_INITIAL_RTO_PARAMETERS;
#endif

#endif

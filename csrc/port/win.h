/* The headers of Windows, in the one order in which they work. */
#ifndef NC_PORT_WIN_H
#define NC_PORT_WIN_H

#if !defined(WIN32_LEAN_AND_MEAN)
#define WIN32_LEAN_AND_MEAN
#endif
#if !defined(_WIN32_WINNT) || _WIN32_WINNT < 0x0A00
#undef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <mswsock.h>
#include <windows.h>

/* Older headers do not know it. */
#if !defined(TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS)
#define TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS ((UCHAR)-2)
#endif

#endif

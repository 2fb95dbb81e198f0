/* Name look-up: getaddrinfo, which every system has. */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE 1
#elif defined(__linux__)
#define _GNU_SOURCE 1
#endif
#include <stdlib.h>
#include <string.h>

#include "netcore/resolve.h"
#include "port/os.h"
#include "port/sockaddr.h"
#if !defined(_WIN32)
#include <errno.h>
#include <netdb.h>

#include "port/posix_errno.h"
#endif

static nc_status resolve_status(int code) {
    switch (code) {
        case EAI_AGAIN: return NC_EAI_AGAIN;
        case EAI_FAIL: return NC_EAI_FAIL;
        case EAI_FAMILY: return NC_EAI_FAMILY;
        case EAI_MEMORY: return NC_EAI_MEMORY;
        case EAI_NONAME: return NC_ENOTFOUND;
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
        case EAI_NODATA: return NC_ENOTFOUND;
#elif defined(_WIN32)
        case WSANO_DATA: return NC_ENOTFOUND; /* which its getaddrinfo answers, whatever its headers call it */
#endif
            /* FreeBSD's word for a name that has addresses, but none of the family. */
#if defined(EAI_ADDRFAMILY) && EAI_ADDRFAMILY != EAI_FAMILY
        case EAI_ADDRFAMILY: return NC_ENOTFOUND;
#endif
        case EAI_SERVICE: return NC_EAI_SERVICE;
        case EAI_SOCKTYPE: return NC_EAI_SOCKTYPE;
#if defined(EAI_SYSTEM)
        case EAI_SYSTEM: return nc__posix_status(errno);
#endif
        default: return NC_UNKNOWN;
    }
}

static int resolve_flags(unsigned flags) {
    int ai = 0;
    if (flags & NC_LOOKUP_ADDRCONFIG) ai |= AI_ADDRCONFIG;
#if defined(AI_V4MAPPED)
    if (flags & NC_LOOKUP_V4MAPPED) ai |= AI_V4MAPPED;
#endif
#if defined(AI_ALL)
    if (flags & NC_LOOKUP_ALL) ai |= AI_ALL;
#endif
    return ai;
}

static nc_status copy_results(const struct addrinfo *list, nc_addr **addrs, size_t *count) {
    size_t n = 0;
    for (const struct addrinfo *info = list; info; info = info->ai_next) n++;
    nc_addr *copy = calloc(n ? n : 1, sizeof *copy);
    if (!copy) return NC_EAI_MEMORY;
    *count = 0;
    for (const struct addrinfo *info = list; info; info = info->ai_next) {
        nc__from_sockaddr(info->ai_addr, &copy[*count]);
        if (copy[*count].family) (*count)++;
    }
    *addrs = copy;
    return NC_OK;
}

nc_status nc__os_resolve(const char *host, int family, unsigned flags, nc_addr **addrs, size_t *count) {
    struct addrinfo hints, *list = NULL;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = resolve_flags(flags);
    int code = getaddrinfo(host, NULL, &hints, &list);
    if (code != 0) return resolve_status(code);
    nc_status status = copy_results(list, addrs, count);
    freeaddrinfo(list);
    return status;
}

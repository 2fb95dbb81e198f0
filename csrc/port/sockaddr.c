#include "port/sockaddr.h"

#include <string.h>
#if !defined(_WIN32)
#include <netinet/in.h>
#endif

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void nc__from_sockaddr(const struct sockaddr *from, nc_addr *to) {
    memset(to, 0, sizeof *to);
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        to->family = 4;
        to->port = ntohs(in.sin_port);
        memcpy(to->ip, mapped_prefix, 12);
        memcpy(to->ip + 12, &in.sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, from, sizeof in);
        to->family = 6;
        to->port = ntohs(in.sin6_port);
        to->flowinfo = ntohl(in.sin6_flowinfo);
        to->scope = in.sin6_scope_id;
        memcpy(to->ip, &in.sin6_addr, 16);
    }
}

socklen_t nc__to_sockaddr(const nc_addr *from, struct sockaddr_storage *to) {
    memset(to, 0, sizeof *to);
    if (from->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)to;
        in->sin_family = AF_INET;
        in->sin_port = htons(from->port);
        memcpy(&in->sin_addr, from->ip + 12, 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)to;
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(from->port);
    in->sin6_flowinfo = htonl(from->flowinfo);
    in->sin6_scope_id = from->scope;
    memcpy(&in->sin6_addr, from->ip, 16);
    return sizeof *in;
}

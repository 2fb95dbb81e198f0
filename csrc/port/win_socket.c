/* The calls on sockets that answer at once, for Windows: its sockets for TCP, named pipes for paths. */
#include "port/socket.h"

#include <limits.h>
#include <string.h>

#include "port/sockaddr.h"
#include "port/win_errno.h"
#include "port/win_pipe.h"
#include "port/win_socket.h"

static nc_status last_status(void) {
    return nc__win_status((DWORD)WSAGetLastError());
}

static nc_status status_of(int result) {
    return result == 0 ? NC_OK : last_status();
}

static nc_status set_int(intptr_t fd, int level, int name, int value) {
    if (nc__is_pipe(fd)) return NC_ENOTSOCK;
    return status_of(setsockopt((SOCKET)fd, level, name, (const char *)&value, sizeof value));
}

static nc_status set_non_blocking(intptr_t fd) {
    u_long on = 1;
    return status_of(ioctlsocket((SOCKET)fd, (long)FIONBIO, &on));
}

static SOCKET open_socket(int domain) {
    return WSASocketW(domain, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

/* Windows wants its sockets started once a process, and counts. Whoever opens one before there is a loop starts them. */
static SOCKET open_socket_started(int domain) {
    SOCKET fd = open_socket(domain);
    WSADATA data;
    if (fd != INVALID_SOCKET || WSAGetLastError() != WSANOTINITIALISED) return fd;
    return WSAStartup(MAKEWORD(2, 2), &data) == 0 ? open_socket(domain) : INVALID_SOCKET;
}

nc_status nc__socket_open(int family, intptr_t *out) {
    if (family == 0) return nc__pipe_new(out);
    SOCKET fd = open_socket_started(family == 4 ? AF_INET : AF_INET6);
    if (fd == INVALID_SOCKET) return last_status();
    nc_status status = set_non_blocking((intptr_t)fd);
    if (status != NC_OK) {
        closesocket(fd);
        return status;
    }
    *out = (intptr_t)fd;
    return NC_OK;
}

void nc__socket_close(intptr_t fd) {
    if (nc__is_pipe(fd)) {
        nc__pipe_free(nc__pipe_of(fd));
    } else if (fd != NC_SOCK_NONE) {
        closesocket((SOCKET)fd);
    }
}

nc_status nc__socket_duplicate(intptr_t fd, intptr_t *out) {
    WSAPROTOCOL_INFOW info;
    if (nc__is_pipe(fd)) return nc__pipe_duplicate(nc__pipe_of(fd), out);
    if (WSADuplicateSocketW((SOCKET)fd, GetCurrentProcessId(), &info) != 0) return last_status();
    DWORD how = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
    SOCKET copy = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, how);
    if (copy == INVALID_SOCKET) return last_status();
    *out = (intptr_t)copy;
    return NC_OK;
}

void nc__socket_reset_on_close(intptr_t fd) {
    struct linger linger = {1, 0};
    if (nc__is_pipe(fd)) return;
    /* It fails for what is no TCP socket: then there is nothing to reset. */
    if (setsockopt((SOCKET)fd, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof linger) != 0) return;
}

/* The family of a socket, bound or not. */
static nc_status family_of(intptr_t fd, int *family) {
    WSAPROTOCOL_INFOW info;
    int size = sizeof info;
    if (getsockopt((SOCKET)fd, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &size) != 0) return last_status();
    *family = info.iAddressFamily;
    return NC_OK;
}

nc_status nc__socket_adopt(intptr_t fd, nc_sock_kind *kind) {
    int type = 0, size = sizeof type, family = 0;
    if (nc__is_pipe(fd)) {
        *kind = NC_SOCK_LOCAL;
        return NC_OK;
    }
    if (getsockopt((SOCKET)fd, SOL_SOCKET, SO_TYPE, (char *)&type, &size) != 0) return last_status();
    nc_status status = family_of(fd, &family);
    if (status != NC_OK) return status;
    if (type != SOCK_STREAM || (family != AF_INET && family != AF_INET6)) return NC_ENOTSUP;
    *kind = NC_SOCK_TCP;
    return set_non_blocking(fd);
}

/* Without SO_REUSEADDR, which on Windows would let anybody take over a port in use. */
nc_status nc__socket_bind(intptr_t fd, const nc_addr *addr) {
    struct sockaddr_storage name;
    socklen_t size = nc__to_sockaddr(addr, &name);
    if (nc__is_pipe(fd)) return NC_ENOTSOCK;
    return status_of(bind((SOCKET)fd, (struct sockaddr *)&name, size));
}

nc_status nc__socket_bind_path(intptr_t fd, const char *path, size_t length) {
    return nc__is_pipe(fd) ? nc__pipe_bind(nc__pipe_of(fd), path, length) : NC_EINVAL;
}

nc_status nc__socket_listen(intptr_t fd, int backlog) {
    if (nc__is_pipe(fd)) return nc__pipe_of(fd)->name ? NC_OK : NC_EINVAL;
    return status_of(listen((SOCKET)fd, backlog));
}

nc_status nc__socket_connect(intptr_t fd, const nc_addr *peer) {
    struct sockaddr_storage name;
    socklen_t size = nc__to_sockaddr(peer, &name);
    if (connect((SOCKET)fd, (struct sockaddr *)&name, size) == 0) return NC_OK;
    return last_status();
}

nc_status nc__socket_connect_path(intptr_t fd, const char *path, size_t length) {
    if (!nc__is_pipe(fd)) return NC_EINVAL;
    nc_status status = nc__pipe_name(nc__pipe_of(fd), path, length);
    return status == NC_OK ? nc__pipe_connect(nc__pipe_of(fd)) : status;
}

nc_status nc__socket_error(intptr_t fd) {
    int error = 0, size = sizeof error;
    if (nc__is_pipe(fd)) return NC_OK;
    if (getsockopt((SOCKET)fd, SOL_SOCKET, SO_ERROR, (char *)&error, &size) != 0) return last_status();
    return nc__win_status((DWORD)error);
}

/* Of an unbound socket Windows says so with an error (NC_EINVAL). */
nc_status nc__socket_name(intptr_t fd, nc_addr *addr) {
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    memset(addr, 0, sizeof *addr);
    if (nc__is_pipe(fd)) return NC_OK;
    if (getsockname((SOCKET)fd, (struct sockaddr *)&name, &size) != 0) return last_status();
    nc__from_sockaddr((struct sockaddr *)&name, addr);
    return NC_OK;
}

nc_status nc__socket_peer(intptr_t fd, nc_addr *addr) {
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    memset(addr, 0, sizeof *addr);
    if (nc__is_pipe(fd)) return NC_OK;
    if (getpeername((SOCKET)fd, (struct sockaddr *)&name, &size) != 0) return last_status();
    nc__from_sockaddr((struct sockaddr *)&name, addr);
    return NC_OK;
}

nc_status nc__socket_path(intptr_t fd, char *path, size_t cap, size_t *length) {
    if (!nc__is_pipe(fd)) return NC_EINVAL;
    const nc_pipe *pipe = nc__pipe_of(fd);
    if (pipe->length > cap) return NC_ENAMETOOLONG;
    if (pipe->length) memcpy(path, pipe->path, pipe->length);
    *length = pipe->length;
    return NC_OK;
}

nc_status nc__socket_accept(intptr_t listener, intptr_t *out, nc_addr *peer) {
    if (nc__is_pipe(listener)) return NC_EAGAIN;
    for (;;) {
        struct sockaddr_storage name;
        socklen_t size = sizeof name;
        name.ss_family = AF_UNSPEC;
        SOCKET fd = accept((SOCKET)listener, (struct sockaddr *)&name, &size);
        if (fd != INVALID_SOCKET) {
            SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT, 0); /* what fails here lets a child hold a copy */
            nc__from_sockaddr((struct sockaddr *)&name, peer);
            *out = (intptr_t)fd;
            return NC_OK;
        }
        if (WSAGetLastError() != WSAECONNRESET) return last_status(); /* else it died in the queue */
    }
}

nc_status nc__socket_receive(intptr_t fd, nc_sock_kind kind, void *data, size_t room, size_t *size, bool *more) {
    if (kind == NC_SOCK_LOCAL) return nc__pipe_receive(nc__pipe_of(fd), data, room, size, more);
    *more = false;
    int got = recv((SOCKET)fd, data, room < INT_MAX ? (int)room : INT_MAX, 0);
    if (got < 0) return last_status();
    *size = (size_t)got;
    return got ? NC_OK : NC_EOF;
}

DWORD nc__wsabufs(const nc_buf *bufs, size_t count, size_t skip, WSABUF *parts) {
    DWORD n = 0;
    size_t room = NC__WIN_SEND_MAX;
    for (size_t i = 0; i < count && room > 0; i++) {
        size_t at = skip < bufs[i].size ? skip : bufs[i].size, size = bufs[i].size - at;
        skip -= at;
        if (size == 0) continue;
        if (size > room) size = room;
        memcpy(&parts[n].buf, &bufs[i].base, sizeof parts[n].buf);
        parts[n].buf += at;
        parts[n++].len = (ULONG)size;
        room -= size;
    }
    return n;
}

/* Pipes send through the port: they have no send that ends at once or not at all. */
nc_status nc__socket_send(intptr_t fd, nc_sock_kind kind, const nc_buf *bufs, size_t count, size_t *size) {
    WSABUF parts[NC_PORT_BUFS_MAX];
    DWORD gone;
    if (kind != NC_SOCK_TCP) return NC_ENOTSUP;
    DWORD n = nc__wsabufs(bufs, count, 0, parts);
    if (n == 0) return NC_OK; /* Windows takes a send of no buffers for a mistake */
    if (WSASend((SOCKET)fd, parts, n, &gone, 0, NULL, NULL) != 0) return last_status();
    *size = gone;
    return NC_OK;
}

nc_status nc__socket_shutdown(intptr_t fd) {
    return nc__is_pipe(fd) ? NC_OK : status_of(shutdown((SOCKET)fd, SD_SEND));
}

size_t nc__socket_unread(intptr_t fd) {
    u_long size = 0;
    if (nc__is_pipe(fd)) return 0;
    return ioctlsocket((SOCKET)fd, FIONREAD, &size) == 0 ? size : 0;
}

nc_status nc__socket_set_v6_only(intptr_t fd, bool on) {
    return set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, on);
}

nc_status nc__socket_set_reuse_port(intptr_t fd) {
    (void)fd;
    return NC_ENOTSUP;
}

nc_status nc__socket_set_no_delay(intptr_t fd, bool on) {
    return set_int(fd, IPPROTO_TCP, TCP_NODELAY, on);
}

/* All three values in the one call that every Windows knows. */
nc_status nc__socket_set_keep_alive(intptr_t fd, bool on, unsigned idle_s) {
    ULONG idle_ms = idle_s < ULONG_MAX / 1000 ? (ULONG)idle_s * 1000 : ULONG_MAX;
    struct tcp_keepalive values = {on, idle_ms, 1000};
    DWORD size;
    if (nc__is_pipe(fd)) return NC_ENOTSOCK;
    if (!on || idle_s == 0) return set_int(fd, SOL_SOCKET, SO_KEEPALIVE, on);
    return status_of(WSAIoctl((SOCKET)fd, SIO_KEEPALIVE_VALS, &values, sizeof values, NULL, 0, &size, NULL, NULL));
}

nc_status nc__socket_set_tos(intptr_t fd, unsigned tos) {
    nc_addr name;
    nc_status status = nc__socket_name(fd, &name);
    if (status != NC_OK) return status;
    if (name.family == 6) return set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, (int)tos);
    return set_int(fd, IPPROTO_IP, IP_TOS, (int)tos);
}

nc_status nc__socket_get_tos(intptr_t fd, unsigned *tos) {
    nc_addr name;
    int value = 0, size = sizeof value;
    nc_status status = nc__socket_name(fd, &name);
    if (status != NC_OK) return status;
    int result = name.family == 6 ? getsockopt((SOCKET)fd, IPPROTO_IPV6, IPV6_TCLASS, (char *)&value, &size)
                                  : getsockopt((SOCKET)fd, IPPROTO_IP, IP_TOS, (char *)&value, &size);
    if (result != 0) return last_status();
    *tos = (unsigned)value & 0xff;
    return NC_OK;
}

nc_status nc__socket_open_path_to_all(intptr_t fd, const char *path, bool readable, bool writable) {
    (void)path;
    return nc__is_pipe(fd) ? nc__pipe_open_to_all(nc__pipe_of(fd), readable, writable) : NC_EINVAL;
}

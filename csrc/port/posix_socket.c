/* BSD sockets. The systems differ in small ways: Linux opens and accepts sockets non-blocking in one call, macOS needs
 * SO_NOSIGPIPE where the others have MSG_NOSIGNAL, and the keep-alive options bear different names. */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE 1
#else
#define _GNU_SOURCE 1
#endif
#include "port/socket.h"

/* First, because FreeBSD's network headers use its types without saying so. */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "port/posix_errno.h"
#include "port/sockaddr.h"

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0
#endif

static nc_status last_status(void) {
    return nc__posix_status(errno);
}

static nc_status status_of(int result) {
    return result == 0 ? NC_OK : last_status();
}

static nc_status set_int(intptr_t fd, int level, int name, int value) {
    return status_of(setsockopt((int)fd, level, name, &value, sizeof value));
}

static nc_status set_non_blocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return last_status();
    if (flags & O_NONBLOCK) return NC_OK;
    return status_of(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

#if !defined(SOCK_CLOEXEC) || defined(__APPLE__)
static nc_status prepare(int fd) {
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return last_status();
    return set_non_blocking(fd);
}
#endif

/* Where a write to a closed connection would raise SIGPIPE and no flag of the call prevents it. */
static void no_signals(int fd) {
#if defined(SO_NOSIGPIPE)
    int on = 1;
    /* macOS refuses every option of a connection that has ended. One that was accepted has its listener's by then. */
    if (setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) != 0) return;
#else
    (void)fd;
#endif
}

nc_status nc__socket_open(int family, intptr_t *out) {
    int domain = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNIX;
#if defined(SOCK_CLOEXEC) && !defined(__APPLE__)
    int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return last_status();
#else
    int fd = socket(domain, SOCK_STREAM, 0);
    if (fd < 0) return last_status();
    nc_status status = prepare(fd);
    if (status != NC_OK) {
        close(fd);
        return status;
    }
#endif
    no_signals(fd);
    *out = fd;
    return NC_OK;
}

void nc__socket_close(intptr_t fd) {
    /* EINTR included, the descriptor is gone after close on every system we know. */
    if (close((int)fd) != 0) return;
}

nc_status nc__socket_duplicate(intptr_t fd, intptr_t *out) {
    int copy = fcntl((int)fd, F_DUPFD_CLOEXEC, 0);
    *out = copy;
    return copy >= 0 ? NC_OK : last_status();
}

void nc__socket_reset_on_close(intptr_t fd) {
    struct linger linger = {1, 0};
    /* It fails for what is no TCP socket: then there is nothing to reset. */
    if (setsockopt((int)fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) != 0) return;
}

static nc_status socket_kind(int fd, nc_sock_kind *kind) {
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0) return last_status();
    *kind = name.ss_family == AF_INET || name.ss_family == AF_INET6 ? NC_SOCK_TCP : NC_SOCK_LOCAL;
    return NC_OK;
}

nc_status nc__socket_adopt(intptr_t fd, nc_sock_kind *kind) {
    int type = 0;
    socklen_t size = sizeof type;
    struct stat info;
    if (getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0) {
        if (type != SOCK_STREAM) return NC_ENOTSUP;
        nc_status status = socket_kind((int)fd, kind);
        if (status != NC_OK) return status;
        no_signals((int)fd);
    } else {
        if (errno != ENOTSOCK) return last_status();
        if (fstat((int)fd, &info) != 0) return last_status();
        if (!S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode)) return NC_ENOTSUP;
        *kind = NC_SOCK_PLAIN;
    }
    return set_non_blocking((int)fd);
}

nc_status nc__socket_bind(intptr_t fd, const nc_addr *addr) {
    struct sockaddr_storage name;
    socklen_t size = nc__to_sockaddr(addr, &name);
    nc_status status = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (status != NC_OK) return status;
    return status_of(bind((int)fd, (struct sockaddr *)&name, size));
}

/* Linux alone has abstract names. The BSDs give a socket without a name a path of NUL bytes. */
static bool may_be_abstract(const char *path) {
#if defined(__linux__)
    return path[0] == '\0';
#else
    (void)path;
    return false;
#endif
}

/* An abstract name (a first NUL byte) is as long as it is; a path of the file system ends with a NUL byte. */
static nc_status path_name(const char *path, size_t length, struct sockaddr_un *name, socklen_t *size) {
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    bool abstract = length > 0 && may_be_abstract(path);
    if (length == 0 || (!abstract && memchr(path, '\0', length))) return NC_EINVAL;
    if (length + (abstract ? 0 : 1) > sizeof name->sun_path) return NC_ENAMETOOLONG;
    memcpy(name->sun_path, path, length);
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (abstract ? 0 : 1));
    return NC_OK;
}

nc_status nc__socket_bind_path(intptr_t fd, const char *path, size_t length) {
    struct sockaddr_un name;
    socklen_t size;
    nc_status status = path_name(path, length, &name, &size);
    if (status != NC_OK) return status;
    status = status_of(bind((int)fd, (struct sockaddr *)&name, size));
    /* Node, whose users' error handlers we keep, says EACCES for a path in a folder that does not exist. */
    return status == NC_ENOENT ? NC_EACCES : status;
}

nc_status nc__socket_listen(intptr_t fd, int backlog) {
    return status_of(listen((int)fd, backlog));
}

static nc_status connect_status(int result) {
    if (result == 0) return NC_OK;
    return errno == EINPROGRESS || errno == EINTR ? NC_EAGAIN : last_status();
}

nc_status nc__socket_connect(intptr_t fd, const nc_addr *peer) {
    struct sockaddr_storage name;
    socklen_t size = nc__to_sockaddr(peer, &name);
    return connect_status(connect((int)fd, (struct sockaddr *)&name, size));
}

nc_status nc__socket_connect_path(intptr_t fd, const char *path, size_t length) {
    struct sockaddr_un name;
    socklen_t size;
    nc_status status = path_name(path, length, &name, &size);
    if (status != NC_OK) return status;
    /* EAGAIN of a local connect means that the listener's queue is full: a failure, not a connect under way. */
    return connect_status(connect((int)fd, (struct sockaddr *)&name, size));
}

nc_status nc__socket_error(intptr_t fd) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt((int)fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return last_status();
    return error ? nc__posix_status(error) : NC_OK;
}

nc_status nc__socket_name(intptr_t fd, nc_addr *addr) {
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    if (getsockname((int)fd, (struct sockaddr *)&name, &size) != 0) return last_status();
    nc__from_sockaddr((struct sockaddr *)&name, addr);
    return NC_OK;
}

nc_status nc__socket_peer(intptr_t fd, nc_addr *addr) {
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    if (getpeername((int)fd, (struct sockaddr *)&name, &size) != 0) return last_status();
    nc__from_sockaddr((struct sockaddr *)&name, addr);
    return NC_OK;
}

nc_status nc__socket_path(intptr_t fd, char *path, size_t cap, size_t *length) {
    struct sockaddr_un name;
    socklen_t size = sizeof name;
    memset(&name, 0, sizeof name);
    if (getsockname((int)fd, (struct sockaddr *)&name, &size) != 0) return last_status();
    if (name.sun_family != AF_UNIX) return NC_EINVAL;
    size_t used = size > offsetof(struct sockaddr_un, sun_path) ? size - offsetof(struct sockaddr_un, sun_path) : 0;
    /* Systems tell of more than they give: a NUL byte behind the longest of paths, or a longer one of somebody else's. */
    if (used > sizeof name.sun_path) used = sizeof name.sun_path;
    if (!may_be_abstract(name.sun_path)) used = strnlen(name.sun_path, used);
    if (used > cap) return NC_ENAMETOOLONG;
    memcpy(path, name.sun_path, used);
    *length = used;
    return NC_OK;
}

static int accept_one(int listener, struct sockaddr *name, socklen_t *size) {
#if defined(SOCK_CLOEXEC) && !defined(__APPLE__)
    return accept4(listener, name, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    int fd = accept(listener, name, size);
    if (fd >= 0 && prepare(fd) != NC_OK) {
        close(fd);
        errno = ECONNABORTED;
        return -1;
    }
    return fd;
#endif
}

nc_status nc__socket_accept(intptr_t listener, intptr_t *out, nc_addr *peer) {
    for (;;) {
        struct sockaddr_storage name;
        socklen_t size = sizeof name;
        name.ss_family = AF_UNSPEC;
        int fd = accept_one((int)listener, (struct sockaddr *)&name, &size);
        /* macOS gives out a connection that died in the queue, too, but one that has no peer. */
        if (fd >= 0 && size == 0) {
            close(fd);
            continue;
        }
        if (fd >= 0) {
            no_signals(fd);
            nc__from_sockaddr((struct sockaddr *)&name, peer);
            *out = fd;
            return NC_OK;
        }
        /* Linux passes on the errors of a connection that died in the queue; they are not the listener's. */
        bool passed_on = errno == EINTR || errno == ECONNABORTED || errno == EPROTO || errno == ENETDOWN ||
                         errno == ENOPROTOOPT || errno == EHOSTDOWN || errno == EHOSTUNREACH || errno == ENETUNREACH;
        if (!passed_on) return last_status();
    }
}

/* A Unix-domain receive ends early at a message that carried descriptors; MSG_CTRUNC tells that some were thrown away,
 * so that bytes may be waiting behind them. */
static ssize_t receive_local(int fd, void *data, size_t room, bool *more) {
    struct iovec buffer = {data, room};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    ssize_t size = recvmsg(fd, &message, 0);
    *more = size > 0 && (message.msg_flags & MSG_CTRUNC);
    return size;
}

nc_status nc__socket_receive(intptr_t fd, nc_sock_kind kind, void *data, size_t room, size_t *size, bool *more) {
    *more = false;
    for (;;) {
        ssize_t got;
        if (kind == NC_SOCK_TCP) {
            got = recv((int)fd, data, room, 0);
        } else if (kind == NC_SOCK_LOCAL) {
            got = receive_local((int)fd, data, room, more);
        } else {
            got = read((int)fd, data, room);
            *more = got > 0;
        }
        if (got > 0) {
            *size = (size_t)got;
            return NC_OK;
        }
        if (got == 0) return NC_EOF;
        /* A terminal whose other side is gone answers EIO: that is its end. */
        if (kind == NC_SOCK_PLAIN && errno == EIO) return NC_EOF;
        if (errno != EINTR) return last_status();
    }
}

/* Where others take of a large send what they can, macOS refuses more than INT_MAX bytes at once. */
enum { SEND_MAX = 1 << 30 };

static size_t part_of(size_t size, size_t room) {
#if defined(__APPLE__)
    return size < room ? size : room;
#else
    (void)room;
    return size;
#endif
}

static ssize_t send_buffers(int fd, nc_sock_kind kind, const nc_buf *bufs, size_t count) {
    if (count == 1) {
        size_t size = part_of(bufs->size, SEND_MAX);
        return kind == NC_SOCK_PLAIN ? write(fd, bufs->base, size) : send(fd, bufs->base, size, MSG_NOSIGNAL);
    }
    struct iovec parts[NC_PORT_BUFS_MAX];
    size_t room = SEND_MAX;
    for (size_t i = 0; i < count; i++) {
        memcpy(&parts[i].iov_base, &bufs[i].base, sizeof parts[i].iov_base);
        parts[i].iov_len = part_of(bufs[i].size, room);
        room -= parts[i].iov_len;
    }
    if (kind == NC_SOCK_PLAIN) return writev(fd, parts, (int)count);
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = parts;
    message.msg_iovlen = (unsigned short)count; /* NC_PORT_BUFS_MAX at most; the member's type differs */
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

nc_status nc__socket_send(intptr_t fd, nc_sock_kind kind, const nc_buf *bufs, size_t count, size_t *size) {
    for (;;) {
        ssize_t gone = send_buffers((int)fd, kind, bufs, count);
        if (gone >= 0) {
            *size = (size_t)gone;
            return NC_OK;
        }
#if defined(__APPLE__)
        /* So macOS says that the connection was reset in the middle of the call. */
        if (errno == EPROTOTYPE) return NC_EPIPE;
#endif
        if (errno != EINTR) return last_status();
    }
}

nc_status nc__socket_shutdown(intptr_t fd) {
    return status_of(shutdown((int)fd, SHUT_WR));
}

size_t nc__socket_unread(intptr_t fd) {
    int size = 0;
    return ioctl((int)fd, FIONREAD, &size) == 0 && size > 0 ? (size_t)size : 0;
}

nc_status nc__socket_set_v6_only(intptr_t fd, bool on) {
    return set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, on);
}

nc_status nc__socket_set_reuse_port(intptr_t fd) {
#if defined(SO_REUSEPORT_LB)
    return set_int(fd, SOL_SOCKET, SO_REUSEPORT_LB, 1);
#elif defined(__linux__)
    return set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#else
    /* Elsewhere the option exists but does not share the load, so that offering it would mislead. */
    (void)fd;
    return NC_ENOTSUP;
#endif
}

nc_status nc__socket_set_no_delay(intptr_t fd, bool on) {
    return set_int(fd, IPPROTO_TCP, TCP_NODELAY, on);
}

nc_status nc__socket_set_keep_alive(intptr_t fd, bool on, unsigned idle_s) {
    nc_status status = set_int(fd, SOL_SOCKET, SO_KEEPALIVE, on);
    if (status != NC_OK || !on || idle_s == 0) return status;
#if defined(TCP_KEEPIDLE)
    status = set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)idle_s);
#elif defined(TCP_KEEPALIVE)
    status = set_int(fd, IPPROTO_TCP, TCP_KEEPALIVE, (int)idle_s);
#endif
#if defined(TCP_KEEPINTVL)
    if (status == NC_OK) status = set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
#endif
#if defined(TCP_KEEPCNT)
    if (status == NC_OK) status = set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 10);
#endif
    return status;
}

/* An IPv6 socket has a traffic class; one that speaks IPv4 (mapped) obeys the IPv4 option, so both are set. */
nc_status nc__socket_set_tos(intptr_t fd, unsigned tos) {
    nc_addr name;
    nc_status status = nc__socket_name(fd, &name);
    if (status != NC_OK) return status;
    if (name.family != 6) return set_int(fd, IPPROTO_IP, IP_TOS, (int)tos);
    status = set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, (int)tos);
    if (set_int(fd, IPPROTO_IP, IP_TOS, (int)tos) != NC_OK) return status; /* not every system lets one */
    return status;
}

nc_status nc__socket_get_tos(intptr_t fd, unsigned *tos) {
    nc_addr name;
    int value = 0;
    socklen_t size = sizeof value;
    nc_status status = nc__socket_name(fd, &name);
    if (status != NC_OK) return status;
    int result = name.family == 6 ? getsockopt((int)fd, IPPROTO_IPV6, IPV6_TCLASS, &value, &size)
                                  : getsockopt((int)fd, IPPROTO_IP, IP_TOS, &value, &size);
    if (result != 0) return last_status();
    *tos = (unsigned)value & 0xff;
    return NC_OK;
}

nc_status nc__socket_open_path_to_all(intptr_t fd, const char *path, bool readable, bool writable) {
    struct stat info;
    (void)fd;
    if (stat(path, &info) != 0) return last_status();
    mode_t mode = info.st_mode & 07777;
    if (readable) mode |= S_IRUSR | S_IRGRP | S_IROTH;
    if (writable) mode |= S_IWUSR | S_IWGRP | S_IWOTH;
    return status_of(chmod(path, mode));
}

/* Status codes. Every fallible function of netcore returns one: zero for success, a negative number for a failure.
 * The names are those that Node gives the same failures; the texts are libuv's wording, which Node's users know. An
 * operating system's own error number is translated once, in the port, and never travels further up. */
#ifndef NETCORE_STATUS_H
#define NETCORE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
#define NC_STATUS_TABLE(X) \
    X(OK, "success") \
    X(E2BIG, "argument list too long") \
    X(EACCES, "permission denied") \
    X(EADDRINUSE, "address already in use") \
    X(EADDRNOTAVAIL, "address not available") \
    X(EAFNOSUPPORT, "address family not supported") \
    X(EAGAIN, "resource temporarily unavailable") \
    X(EALREADY, "connection already in progress") \
    X(EBADF, "bad file descriptor") \
    X(EBUSY, "resource busy or locked") \
    X(ECANCELED, "operation canceled") \
    X(ECONNABORTED, "software caused connection abort") \
    X(ECONNREFUSED, "connection refused") \
    X(ECONNRESET, "connection reset by peer") \
    X(EDESTADDRREQ, "destination address required") \
    X(EEXIST, "file already exists") \
    X(EFAULT, "bad address in system call argument") \
    X(EHOSTDOWN, "host is down") \
    X(EHOSTUNREACH, "host is unreachable") \
    X(EINTR, "interrupted system call") \
    X(EINVAL, "invalid argument") \
    X(EIO, "i/o error") \
    X(EISCONN, "socket is already connected") \
    X(ELOOP, "too many symbolic links encountered") \
    X(EMFILE, "too many open files") \
    X(EMSGSIZE, "message too long") \
    X(ENAMETOOLONG, "name too long") \
    X(ENETDOWN, "network is down") \
    X(ENETUNREACH, "network is unreachable") \
    X(ENFILE, "file table overflow") \
    X(ENOBUFS, "no buffer space available") \
    X(ENOENT, "no such file or directory") \
    X(ENOMEM, "not enough memory") \
    X(ENOPROTOOPT, "protocol not available") \
    X(ENOSYS, "function not implemented") \
    X(ENOTCONN, "socket is not connected") \
    X(ENOTDIR, "not a directory") \
    X(ENOTSOCK, "socket operation on non-socket") \
    X(ENOTSUP, "operation not supported on socket") \
    X(EPERM, "operation not permitted") \
    X(EPIPE, "broken pipe") \
    X(EPROTO, "protocol error") \
    X(EPROTONOSUPPORT, "protocol not supported") \
    X(EPROTOTYPE, "protocol wrong type for socket") \
    X(EROFS, "read-only file system") \
    X(ESHUTDOWN, "cannot send after transport endpoint shutdown") \
    X(ETIMEDOUT, "connection timed out") \
    X(EOF, "end of file") \
    X(EAI_AGAIN, "temporary failure") \
    X(EAI_FAIL, "permanent failure") \
    X(EAI_FAMILY, "ai_family not supported") \
    X(EAI_MEMORY, "out of memory") \
    X(EAI_NODATA, "no address") \
    X(ENOTFOUND, "unknown node or service") \
    X(EAI_SERVICE, "service not available for socket type") \
    X(EAI_SOCKTYPE, "socket type not supported") \
    X(UNKNOWN, "unknown error")
/* clang-format on */

enum nc__status_index {
#define ROW(name, text) NC__STATUS_##name,
    NC_STATUS_TABLE(ROW)
#undef ROW
        NC__STATUS_COUNT
};

typedef enum nc_status {
#define ROW(name, text) NC_##name = -NC__STATUS_##name,
    NC_STATUS_TABLE(ROW)
#undef ROW
} nc_status;

/* The name of a status, `"ECONNREFUSED"`; `"UNKNOWN"` for a number that is none. Static storage. Never blocks. */
const char *nc_status_name(nc_status status);

/* One lower-case sentence fragment that says what a status means, as libuv words it. Static storage. */
const char *nc_status_string(nc_status status);

/* How many statuses there are: they are the numbers 0 to 1 - nc_status_count(). */
int nc_status_count(void);

#ifdef __cplusplus
}
#endif

#endif

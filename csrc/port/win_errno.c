#include "port/win_errno.h"

/* clang-format off */
nc_status nc__win_status(DWORD error) {
    switch (error) {
        case ERROR_SUCCESS: return NC_OK;
        case WSAEACCES: return NC_EACCES;
        case ERROR_ADDRESS_ALREADY_ASSOCIATED: case WSAEADDRINUSE: return NC_EADDRINUSE;
        case WSAEADDRNOTAVAIL: return NC_EADDRNOTAVAIL;
        case WSAEAFNOSUPPORT: return NC_EAFNOSUPPORT;
        case WSAEWOULDBLOCK: return NC_EAGAIN;
        case WSAEALREADY: return NC_EALREADY;
        case ERROR_INVALID_HANDLE: case WSAEBADF: return NC_EBADF;
        case ERROR_LOCK_VIOLATION: case ERROR_PIPE_BUSY: case ERROR_SHARING_VIOLATION: return NC_EBUSY;
        case ERROR_OPERATION_ABORTED: return NC_ECANCELED; /* WSA_OPERATION_ABORTED is the same number */
        case ERROR_CONNECTION_ABORTED: case WSAECONNABORTED: return NC_ECONNABORTED;
        case ERROR_CONNECTION_REFUSED: case WSAECONNREFUSED: return NC_ECONNREFUSED;
        case ERROR_NETNAME_DELETED: case WSAECONNRESET: return NC_ECONNRESET;
        case WSAEDESTADDRREQ: return NC_EDESTADDRREQ;
        case ERROR_ALREADY_EXISTS: case ERROR_FILE_EXISTS: return NC_EEXIST;
        case ERROR_NOACCESS: case WSAEFAULT: return NC_EFAULT;
        case WSAEHOSTDOWN: return NC_EHOSTDOWN;
        case ERROR_HOST_UNREACHABLE: case WSAEHOSTUNREACH: return NC_EHOSTUNREACH;
        case WSAEINTR: return NC_EINTR;
        case ERROR_INVALID_DATA: case ERROR_INVALID_PARAMETER: case WSAEINVAL: return NC_EINVAL;
        case WSAEISCONN: return NC_EISCONN;
        case WSAELOOP: return NC_ELOOP;
        case ERROR_TOO_MANY_OPEN_FILES: case WSAEMFILE: return NC_EMFILE;
        case WSAEMSGSIZE: return NC_EMSGSIZE;
        case ERROR_BUFFER_OVERFLOW: case ERROR_FILENAME_EXCED_RANGE: case WSAENAMETOOLONG: return NC_ENAMETOOLONG;
        case WSAENETDOWN: return NC_ENETDOWN;
        case ERROR_NETWORK_UNREACHABLE: case WSAENETUNREACH: return NC_ENETUNREACH;
        case WSAENOBUFS: return NC_ENOBUFS;
        case ERROR_BAD_PATHNAME: case ERROR_DIRECTORY: case ERROR_FILE_NOT_FOUND: case ERROR_INVALID_NAME:
        case ERROR_PATH_NOT_FOUND: return NC_ENOENT;
        case ERROR_NOT_ENOUGH_MEMORY: case ERROR_OUTOFMEMORY: case ERROR_NO_SYSTEM_RESOURCES:
        case ERROR_WORKING_SET_QUOTA: case ERROR_NOT_ENOUGH_QUOTA: return NC_ENOMEM;
        case WSAENOPROTOOPT: return NC_ENOPROTOOPT;
        case ERROR_NOT_CONNECTED: case WSAENOTCONN: return NC_ENOTCONN;
        case WSAENOTSOCK: return NC_ENOTSOCK;
        case ERROR_NOT_SUPPORTED: case WSAEOPNOTSUPP: return NC_ENOTSUP;
        case ERROR_ACCESS_DENIED: case ERROR_PRIVILEGE_NOT_HELD: return NC_EPERM; /* as Node has it */
        /* A pipe or connection whose other end is gone; for a receive that is its end (nc__pipe_receive()). */
        case ERROR_BROKEN_PIPE: case ERROR_BAD_PIPE: case ERROR_NO_DATA: case ERROR_PIPE_NOT_CONNECTED:
        case WSAESHUTDOWN: return NC_EPIPE;
        case WSAEPROTONOSUPPORT: return NC_EPROTONOSUPPORT;
        case WSAEPROTOTYPE: return NC_EPROTOTYPE;
        case ERROR_WRITE_PROTECT: return NC_EROFS;
        case ERROR_SEM_TIMEOUT: case WSAETIMEDOUT:
        case WSAENETRESET: return NC_ETIMEDOUT; /* the latter: no answer to what keeps the connection alive */
        default: return NC_UNKNOWN;
    }
}
/* clang-format on */

/* Servers: listening sockets that decide about limits and block lists before anybody else hears of a connection. */
#ifndef NETCORE_SERVER_H
#define NETCORE_SERVER_H

#include "netcore/blocklist.h"
#include "netcore/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NC_BIND_V6ONLY = 1, NC_BIND_REUSEPORT = 2, NC_BIND_READABLE_ALL = 4, NC_BIND_WRITABLE_ALL = 8 };

/* The data of NC_EVENT_DROP. */
typedef struct nc_dropped {
    nc_addr local, peer; /* family 0 for Unix-domain sockets */
} nc_dropped;

/* Binds a new socket that does not listen yet, and gives its descriptor to the caller. The address that was bound is
 * told by nc_socket_name(). Errors: NC_EADDRINUSE, NC_EADDRNOTAVAIL, NC_EACCES, NC_EAFNOSUPPORT, NC_EINVAL... */
nc_status nc_bind(const nc_addr *local, unsigned flags, intptr_t *fd);
/* The same for a Unix-domain path (a first NUL byte: an abstract name). NC_EADDRINUSE if the path exists. */
nc_status nc_bind_path(const char *path, size_t length, unsigned flags, intptr_t *fd);
/* The local address of a descriptor; family 0 for a Unix-domain socket, whose path of at most `cap` bytes is written
 * to `path` (not terminated) and its length to `length`. */
nc_status nc_socket_name(intptr_t fd, nc_addr *out, char *path, size_t cap, size_t *length);
/* Closes a descriptor that nc_bind() gave. */
void nc_socket_close(intptr_t fd);
/* Another descriptor of the same bound or listening socket, for a server of another loop to accept with; the caller's.
 * Errors: NC_EMFILE, NC_ENOMEM, NC_EBADF. */
nc_status nc_socket_duplicate(intptr_t fd, intptr_t *out);

/* Makes a server over a bound (or already listening) descriptor, which it owns from then on, and lets it listen.
 * Without success the descriptor stays the caller's. Errors: NC_ENOMEM, NC_EADDRINUSE, NC_EINVAL, NC_ENOTSOCK. */
nc_status nc_server_new(nc_loop *loop, void *owner, intptr_t fd, int backlog, nc_server **out);

/* Refuses connections beyond `limit` live ones with NC_EVENT_DROP; negative: no limit. */
void nc_server_set_limit(nc_server *server, int64_t limit);

/* Closes connections from blocked peers without an event. The list is retained; NULL: none. */
void nc_server_set_blocklist(nc_server *server, nc_blocklist *list);

/* Options given to every connection. `idle_s` as in nc_stream_set_keep_alive(). */
void nc_server_set_options(nc_server *server, bool no_delay, bool keep_alive, unsigned idle_s);

/* Connections that came from this server and are not closed yet; closed because blocked, so far. */
size_t nc_server_connections(const nc_server *server);
uint64_t nc_server_blocked(const nc_server *server);

/* The listening descriptor, which remains the server's; and whether the server keeps the loop alive: at first it does. */
intptr_t nc_server_fd(const nc_server *server);
void nc_server_ref(nc_server *server);
void nc_server_unref(nc_server *server);

/* Stops listening. Connections that the kernel had already completed are accepted and handed out first, because
 * closing would reset them; NC_EVENT_CLOSED comes after them. A Unix-domain path is unlinked if it is still the file
 * this server made (nc_server_own_path()). */
void nc_server_close(nc_server *server);

/* Whether connections were accepted that no event has handed out yet. May be asked right after nc_server_close(). */
bool nc_server_has_waiting(const nc_server *server);

/* Tells the server that it made the file at `path`, so that closing unlinks it. */
nc_status nc_server_own_path(nc_server *server, const char *path, size_t length);

#ifdef __cplusplus
}
#endif

#endif

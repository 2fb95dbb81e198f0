/* The calls on sockets that answer at once, for every port that uses BSD sockets. */
#ifndef NC_PORT_SOCKET_H
#define NC_PORT_SOCKET_H

#include "port/port.h"

/* A new non-blocking, non-inherited stream socket of family 4, 6 or 0 (Unix-domain). */
nc_status nc__socket_open(int family, intptr_t *fd);
void nc__socket_close(intptr_t fd);
/* Another descriptor of the same bound or listening socket. */
nc_status nc__socket_duplicate(intptr_t fd, intptr_t *out);
/* Makes the next close reset the connection. */
void nc__socket_reset_on_close(intptr_t fd);

/* What kind of stream `fd` is; also makes it non-blocking. NC_ENOTSUP if it cannot be used as one. */
nc_status nc__socket_adopt(intptr_t fd, nc_sock_kind *kind);

nc_status nc__socket_bind(intptr_t fd, const nc_addr *addr);
nc_status nc__socket_bind_path(intptr_t fd, const char *path, size_t length);
nc_status nc__socket_listen(intptr_t fd, int backlog);

/* Starts to connect. NC_EAGAIN: under way. */
nc_status nc__socket_connect(intptr_t fd, const nc_addr *peer);
nc_status nc__socket_connect_path(intptr_t fd, const char *path, size_t length);
/* How a connect that was under way ended. */
nc_status nc__socket_error(intptr_t fd);

nc_status nc__socket_name(intptr_t fd, nc_addr *addr);
nc_status nc__socket_peer(intptr_t fd, nc_addr *addr);
nc_status nc__socket_path(intptr_t fd, char *path, size_t cap, size_t *length);

/* NC_OK with `*fd`, NC_EAGAIN when there is none, or the error. Connections that died in the queue are passed over. */
nc_status nc__socket_accept(intptr_t listener, intptr_t *fd, nc_addr *peer);

/* One receive. The end is NC_EOF. `*more`: more may be waiting although the room was not filled. */
nc_status nc__socket_receive(intptr_t fd, nc_sock_kind kind, void *data, size_t room, size_t *size, bool *more);
nc_status nc__socket_send(intptr_t fd, nc_sock_kind kind, const nc_buf *bufs, size_t count, size_t *size);
nc_status nc__socket_shutdown(intptr_t fd);
size_t nc__socket_unread(intptr_t fd);

nc_status nc__socket_set_v6_only(intptr_t fd, bool on);
nc_status nc__socket_set_reuse_port(intptr_t fd);
nc_status nc__socket_set_no_delay(intptr_t fd, bool on);
nc_status nc__socket_set_keep_alive(intptr_t fd, bool on, unsigned idle_s);
nc_status nc__socket_set_tos(intptr_t fd, unsigned tos);
nc_status nc__socket_get_tos(intptr_t fd, unsigned *tos);
/* Lets everybody read or write the socket `fd` that was bound to `path`. */
nc_status nc__socket_open_path_to_all(intptr_t fd, const char *path, bool readable, bool writable);

#endif

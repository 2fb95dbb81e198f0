/* THE contract between the core and an operating system's way of doing I/O.
 *
 * It is completion-shaped: the core asks a socket for an operation and later hears, through the socket's table of
 * functions, how it ended. IOCP and io_uring work that way by themselves; epoll and kqueue are turned into it by
 * readiness.c, over the few functions of poller.h.
 *
 * Rules for a port
 *  - At most one receive, one send (or connect) and one accept are asked for at a time, per socket.
 *  - A function of the table is called from within nc_port_poll() only, with two exceptions: `closed` may also be
 *    called from within nc_port_close(), and, as `accepted`, from within nc_port_accept_rest(). What ends at once is
 *    told by the result of the call that asked for it.
 *  - A receive is asked for without a buffer. The port takes a slice from the loop's pool when there is data, so that
 *    a waiting socket holds none.
 *  - One poll hands out at most one slice a socket and about NC_PORT_TURN_BYTES in all; what is left is handed out by
 *    the next poll, in turn, which then does not wait.
 *  - After nc_port_close() nothing is called for that socket but `closed`, once, as soon as the kernel holds no
 *    reference to the socket or to bytes being sent. The socket's memory must stay until then, and is never freed from
 *    within nc_port_poll().
 *  - Everything here is called by the loop's thread, but for nc_port_wake() and nc_port_wait().
 *
 * Every OS error is translated once, here, to an nc_status.
 */
#ifndef NC_PORT_PORT_H
#define NC_PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slab.h"
#include "netcore/address.h"
#include "netcore/status.h"

/* Little enough that what was received is still in the second-level cache when it is sent on. */
#define NC_PORT_TURN_BYTES ((size_t)256 * 1024)

/* The most buffers one send takes. */
enum { NC_PORT_BUFS_MAX = 64 };

typedef struct nc_port nc_port;
typedef struct nc_sock nc_sock;

typedef struct nc_buf {
    const void *base;
    size_t size;
} nc_buf;

/* What a port has moved from one socket to another by itself. */
typedef struct nc_passed {
    size_t size;      /* bytes that went */
    nc_slice rest;    /* what was taken and did not go; it belongs to the receiver, who sends it first */
    nc_status status; /* NC_OK, or why the target takes nothing more */
} nc_passed;

typedef struct nc_sock_events {
    void (*connected)(nc_sock *sock, nc_status status);
    /* NC_OK: `slice` has bytes and belongs to the receiver. NC_EOF or an error: the last receive of this socket. */
    void (*received)(nc_sock *sock, nc_status status, nc_slice slice);
    /* Asked when there is much to receive: the socket of the same port that all of it may go to unseen, at this moment,
     * and that has nothing else to send; or NULL. A port that cannot move bytes by itself does not ask, and the function may
     * be missing. `passed` is then called instead of `received`. */
    nc_sock *(*onward)(nc_sock *sock);
    void (*passed)(nc_sock *sock, const nc_passed *passed);
    /* A send that was pending ended after `size` bytes, possibly fewer than given, possibly none: give the rest anew. */
    void (*sent)(nc_sock *sock, nc_status status, size_t size);
    /* A connection (NC_OK: `fd` belongs to the receiver, `peer` is valid during the call), or an error that accepting
     * met; after the latter the port rests a while, and goes on by itself. */
    void (*accepted)(nc_sock *sock, nc_status status, intptr_t fd, const nc_addr *peer);
    void (*closed)(nc_sock *sock);
} nc_sock_events;

/* A socket as the core embeds it in its streams and servers. All members but `events` are the port's. */
struct nc_sock {
    const nc_sock_events *events;
    nc_list link; /* in the port's queue of sockets that a poll must look at though the kernel will not say so again */
    void *os;     /* the backend's own record, if it needs one */
    intptr_t fd;  /* -1: none */
    uint32_t flags;
    uint32_t waiting; /* bytes that the kernel said were there and that were not read since; 0 if it does not say */
};

enum { NC_SOCK_NONE = -1 };

/* What kind of descriptor is attached. */
typedef enum nc_sock_kind {
    NC_SOCK_TCP,
    NC_SOCK_LOCAL,
    NC_SOCK_PLAIN /* a pipe or terminal: no socket at all */
} nc_sock_kind;

/* Makes a port that takes its slices from `slices`, which must outlive it. */
nc_status nc_port_new(nc_slices *slices, nc_port **out);
void nc_port_free(nc_port *port);

/* Waits at most `ms` milliseconds (negative: without limit, 0: not at all) and tells what ended. Does not wait while
 * sockets are queued. `*woken`: nc_port_wake() was called. NC_EINTR: a signal came first. */
nc_status nc_port_poll(nc_port *port, int64_t ms, bool *woken);
/* Milliseconds until a poll has something to do that the kernel will not tell of: 0 now (sockets are queued), -1 never. Whoever
 * waits for nc_port_fd() must poll by then. */
int64_t nc_port_timeout(const nc_port *port);

/* Ends a poll, this one or the next. From any thread and from signal handlers; never blocks, never fails. */
void nc_port_wake(nc_port *port);
/* The descriptor to write a byte to with the same effect, and the one to watch in another loop; -1: none. Without one,
 * another thread may wait in nc_port_wait(), at any time; the next nc_port_poll() tells what came. */
intptr_t nc_port_wake_fd(const nc_port *port);
intptr_t nc_port_fd(const nc_port *port);
nc_status nc_port_wait(nc_port *port, int64_t ms);

/* After fork in the child: closes the port's own descriptors, changing nothing that the parent shares. */
void nc_port_forget(nc_port *port);

void nc_sock_init(nc_sock *sock, const nc_sock_events *events);

/* Takes over a connected descriptor. On failure it stays the caller's. */
nc_status nc_port_attach(nc_port *port, nc_sock *sock, intptr_t fd, nc_sock_kind kind);
/* Takes over a listening one. */
nc_status nc_port_attach_listener(nc_port *port, nc_sock *sock, intptr_t fd, nc_sock_kind kind);
/* Gives the descriptor back without closing it. NC_EBUSY while an operation is under way that cannot be withdrawn. */
nc_status nc_port_detach(nc_port *port, nc_sock *sock, intptr_t *fd);

/* Gives what `from` is attached to to `to`, which must be free, on the same port; a receive asked for is withdrawn. NC_EBUSY
 * as above; another failure leaves `from` with the descriptor, but detached. */
nc_status nc_port_hand_over(nc_port *port, nc_sock *from, nc_sock *to);

/* Takes over an unconnected descriptor and connects it. NC_OK: it is connected already. NC_EAGAIN: `connected` will
 * tell. Another status: it failed at once, and the descriptor stays the caller's. */
nc_status nc_port_connect(nc_port *port, nc_sock *sock, intptr_t fd, const nc_addr *peer);
nc_status nc_port_connect_path(nc_port *port, nc_sock *sock, intptr_t fd, const char *path, size_t length);

/* Asks for one `received`. */
void nc_port_receive(nc_port *port, nc_sock *sock);
/* Withdraws that; if a port cannot, the `received` still comes, once. */
void nc_port_receive_stop(nc_port *port, nc_sock *sock);
/* Whether the kernel holds received bytes that were not taken. */
bool nc_port_has_unread(const nc_sock *sock);

/* Sends the buffers, and says in `*size` how much went at once. NC_OK: all of it. NC_EAGAIN: only so much, or nothing;
 * `sent` will tell when the rest is worth another try, or how much has gone meanwhile. Until then the buffers must
 * stay where they are if nc_port_holds_buffers(). */
nc_status nc_port_send(nc_port *port, nc_sock *sock, const nc_buf *bufs, size_t count, size_t *size);
bool nc_port_holds_buffers(void);

/* Half-closes. */
nc_status nc_port_shutdown(nc_port *port, nc_sock *sock);

/* Asks for connections until told to stop. */
void nc_port_accept(nc_port *port, nc_sock *sock);
void nc_port_accept_stop(nc_port *port, nc_sock *sock);
/* Calls `accepted` now, for at most `limit` connections that are complete. */
void nc_port_accept_rest(nc_port *port, nc_sock *sock, int limit);

/* Cancels what is under way and closes, with a reset if `reset`. */
void nc_port_close(nc_port *port, nc_sock *sock, bool reset);
/* After fork in the child: closes the descriptor and nothing else. `closed` is not called. */
void nc_port_abandon(nc_sock *sock);

#endif

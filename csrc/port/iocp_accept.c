/* Listeners under IOCP: some accepts are always with the kernel, each with its own socket (or instance of a pipe), and a
 * connection that arrives takes one of them. */
#include <stdlib.h>
#include <string.h>

#include "port/iocp_int.h"
#include "port/os.h"
#include "port/sockaddr.h"
#include "port/socket.h"

enum { SLOTS = 16, PIPE_SLOTS = 4, REST_MS = 50, ADDRESS_ROOM = sizeof(struct sockaddr_storage) + 16 };
enum { GATHER_MS = 10, GONE_MS = 200 };

struct nc_accept {
    nc_op op;        /* first */
    intptr_t fd;     /* of the connection to be; NC_SOCK_NONE: none */
    HANDLE instance; /* the same of a pipe; INVALID_HANDLE_VALUE: none */
    bool asked;      /* the kernel has it */
    nc_status status;
    nc_list link; /* among the done */
    char addresses[2 * ADDRESS_ROOM];
};

static size_t slots_of(const nc_chan *chan) {
    return nc__kind_of(chan->sock) == NC_SOCK_TCP ? SLOTS : PIPE_SLOTS;
}

nc_status nc__accepts_new(nc_chan *chan) {
    chan->accepts = calloc(SLOTS, sizeof *chan->accepts);
    if (!chan->accepts) return NC_ENOMEM;
    for (size_t i = 0; i < SLOTS; i++) {
        nc_accept *slot = &chan->accepts[i];
        slot->fd = NC_SOCK_NONE;
        slot->instance = INVALID_HANDLE_VALUE;
        nc__list_init(&slot->link);
        nc_status status = nc__op_init(&slot->op, chan, OP_ACCEPT);
        if (status != NC_OK) return status;
    }
    return NC_OK;
}

static void drop(nc_accept *slot) {
    if (slot->fd != NC_SOCK_NONE) nc__socket_close(slot->fd);
    if (slot->instance != INVALID_HANDLE_VALUE) CloseHandle(slot->instance);
    slot->fd = NC_SOCK_NONE;
    slot->instance = INVALID_HANDLE_VALUE;
}

void nc__accepts_free(nc_chan *chan) {
    for (size_t i = 0; chan->accepts && i < SLOTS; i++) {
        drop(&chan->accepts[i]);
        nc__op_free(&chan->accepts[i].op);
    }
    free(chan->accepts);
}

static void finish(nc_accept *slot, nc_status status) {
    slot->status = status;
    nc__list_append(&slot->op.chan->done, &slot->link);
}

static nc_status ask_socket(nc_chan *chan, nc_accept *slot) {
    nc_addr local;
    nc_status status = nc__socket_name((intptr_t)chan->handle, &local);
    if (status == NC_OK) status = nc__socket_open(local.family, &slot->fd);
    if (status != NC_OK) return status;
    DWORD got;
    BOOL at_once = chan->port->accept_ex((SOCKET)chan->handle, (SOCKET)slot->fd, slot->addresses, 0, ADDRESS_ROOM,
                                         ADDRESS_ROOM, &got, &slot->op.over);
    return nc__op_started(&slot->op, at_once, at_once ? 0 : (DWORD)WSAGetLastError());
}

/* The first instance is the one that was bound. */
static nc_status take_instance(nc_chan *chan, nc_accept *slot) {
    nc_pipe *pipe = nc__pipe_of(chan->sock->fd);
    nc_status status = NC_OK;
    if (pipe->handle != INVALID_HANDLE_VALUE) {
        slot->instance = pipe->handle;
        pipe->handle = INVALID_HANDLE_VALUE;
    } else {
        status = nc__pipe_instance(pipe, &slot->instance);
    }
    if (status == NC_OK && !CreateIoCompletionPort(slot->instance, chan->port->iocp, 0, 0))
        status = nc__win_status(GetLastError());
    return status;
}

static nc_status ask_pipe(nc_chan *chan, nc_accept *slot) {
    nc_status status = take_instance(chan, slot);
    if (status != NC_OK) return status;
    BOOL at_once = ConnectNamedPipe(slot->instance, &slot->op.over);
    DWORD error = at_once ? 0 : GetLastError();
    /* Somebody was faster; or so fast that he has gone again, and left behind what he wrote. */
    if (error == ERROR_PIPE_CONNECTED || error == ERROR_NO_DATA) return NC_OK;
    return nc__op_started(&slot->op, at_once, error);
}

/* AcceptEx fails with a reset for a connection that its peer has left in the queue; that is no fault of the listener. */
static nc_status ask(nc_chan *chan, nc_accept *slot) {
    nc__op_start(&slot->op);
    nc_status status = nc__kind_of(chan->sock) == NC_SOCK_TCP ? ask_socket(chan, slot) : ask_pipe(chan, slot);
    slot->asked = status == NC_EAGAIN;
    if (slot->asked) return NC_OK;
    if (status == NC_OK || status == NC_ECONNRESET) {
        finish(slot, status);
        return NC_OK;
    }
    drop(slot);
    return status;
}

static bool is_free(const nc_accept *slot) {
    return !slot->asked && nc__list_is_empty(&slot->link);
}

/* Without descriptors or memory the connections stay in the kernel's queue, and are asked for after a rest. The owner is
 * told in the next poll only, since nobody may be called from here. */
void nc__accepts_ask(nc_port *port, nc_sock *sock) {
    nc_chan *chan = sock->os;
    if (!(sock->flags & WANT_ACCEPT)) return;
    for (size_t i = 0; i < slots_of(chan); i++) {
        if (!is_free(&chan->accepts[i])) continue;
        nc_status status = ask(chan, &chan->accepts[i]);
        if (status == NC_OK) continue;
        nc__iocp_at(chan, nc__os_now_ms() + REST_MS);
        chan->out_status = status;
        break;
    }
    if (chan->out_status != NC_OK || !nc__list_is_empty(&chan->done)) nc__iocp_enqueue(port, sock);
}

static nc_status result_of(const nc_chan *chan, nc_accept *slot) {
    DWORD size, flags;
    if (nc__kind_of(chan->sock) != NC_SOCK_TCP) {
        return GetOverlappedResult(slot->instance, &slot->op.over, &size, FALSE) ? NC_OK
                                                                                 : nc__win_status(GetLastError());
    }
    if (WSAGetOverlappedResult((SOCKET)chan->handle, &slot->op.over, &size, FALSE, &flags)) return NC_OK;
    return nc__win_status((DWORD)WSAGetLastError());
}

void nc__accept_ended(nc_op *op) {
    nc_accept *slot = (nc_accept *)(void *)op;
    slot->asked = false;
    if (op->chan->sock) {
        finish(slot, result_of(op->chan, slot));
    } else {
        drop(slot);
    }
}

/* Makes the accepted socket like any other: until then it answers hardly any call. */
static nc_status claim_socket(nc_chan *chan, nc_accept *slot, nc_addr *peer) {
    struct sockaddr *local = NULL, *remote = NULL;
    int local_size, remote_size;
    SOCKET listener = (SOCKET)chan->handle;
    chan->port->get_addresses(slot->addresses, 0, ADDRESS_ROOM, ADDRESS_ROOM, &local, &local_size, &remote,
                              &remote_size);
    nc__from_sockaddr(remote, peer);
    int result =
        setsockopt((SOCKET)slot->fd, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&listener, sizeof listener);
    return result == 0 ? NC_OK : nc__win_status((DWORD)WSAGetLastError());
}

static nc_status claim_pipe(nc_chan *chan, nc_accept *slot, nc_addr *peer) {
    memset(peer, 0, sizeof *peer);
    nc_status status = nc__pipe_from(slot->instance, chan->port->iocp, &slot->fd);
    if (status == NC_OK) slot->instance = INVALID_HANDLE_VALUE;
    return status;
}

/* What a finished accept has brought: NC_OK with a connection, NC_EAGAIN with nothing (it died in the queue, or was
 * cancelled), or an error of the listener. */
static nc_status claim(nc_chan *chan, nc_accept *slot, intptr_t *fd, nc_addr *peer) {
    nc_status status = slot->status;
    if (status == NC_OK) {
        status = nc__kind_of(chan->sock) == NC_SOCK_TCP ? claim_socket(chan, slot, peer) : claim_pipe(chan, slot, peer);
    }
    if (status == NC_OK) {
        *fd = slot->fd;
        slot->fd = NC_SOCK_NONE;
        return NC_OK;
    }
    drop(slot);
    return status == NC_EMFILE || status == NC_ENOMEM || status == NC_ENOBUFS ? status : NC_EAGAIN;
}

/* Calls for what is done; false if the listener was closed by that. */
static bool give(nc_sock *sock, nc_accept *slot) {
    nc_chan *chan = sock->os;
    intptr_t fd = NC_SOCK_NONE;
    nc_addr peer;
    nc_status status = claim(chan, slot, &fd, &peer);
    if (status != NC_EAGAIN) sock->events->accepted(sock, status, fd, status == NC_OK ? &peer : NULL);
    return sock->os == chan;
}

static bool give_error(nc_sock *sock) {
    nc_chan *chan = sock->os;
    nc_status status = chan->out_status;
    chan->out_status = NC_OK;
    if (status != NC_OK) sock->events->accepted(sock, status, NC_SOCK_NONE, NULL);
    return sock->os == chan;
}

void nc__accepts_deliver(nc_port *port, nc_sock *sock) {
    nc_chan *chan = sock->os;
    for (size_t i = 0; i < SLOTS && (sock->flags & WANT_ACCEPT); i++) {
        nc_list *link = nc__list_shift(&chan->done);
        if (!link) break;
        if (!give(sock, nc_container(link, nc_accept, link))) return;
    }
    if (!give_error(sock)) return;
    /* A rest under way is not cut short. */
    if (nc__list_is_empty(&chan->link)) nc__accepts_ask(port, sock);
}

static void cancel(nc_chan *chan) {
    for (size_t i = 0; i < SLOTS; i++) {
        nc_accept *slot = &chan->accepts[i];
        HANDLE handle = nc__kind_of(chan->sock) == NC_SOCK_TCP ? chan->handle : slot->instance;
        if (slot->asked) CancelIoEx(handle, &slot->op.over);
    }
}

/* The sockets may be closed at once, their memory stays until the packets have come. */
void nc__accepts_cancel(nc_chan *chan) {
    cancel(chan);
    for (size_t i = 0; i < SLOTS; i++) {
        drop(&chan->accepts[i]);
        nc__list_remove(&chan->accepts[i].link);
    }
}

static bool any_asked(const nc_chan *chan) {
    for (size_t i = 0; i < SLOTS; i++) {
        if (chan->accepts[i].asked) return true;
    }
    return false;
}

/* An accept that is withdrawn may have succeeded in that moment; its connection is one of the rest. Only its packet tells:
 * before that is taken, Windows need not have written into our memory how the operation ended. */
static void collect(nc_chan *chan) {
    bool woken = false;
    uint64_t end = nc__os_now_ms() + GONE_MS;
    cancel(chan);
    while (any_asked(chan) && nc__os_now_ms() < end) {
        if (nc__iocp_gather(chan->port, GATHER_MS, &woken) != NC_OK) break;
    }
    if (woken) nc_port_wake(chan->port);
}

void nc_port_accept_rest(nc_port *port, nc_sock *sock, int limit) {
    nc_chan *chan = sock->os;
    nc_addr peer;
    intptr_t fd;
    (void)port;
    collect(chan);
    for (nc_list *link; (link = nc__list_shift(&chan->done));) {
        if (!give(sock, nc_container(link, nc_accept, link))) return;
        limit--;
    }
    for (; limit > 0 && nc__socket_accept((intptr_t)sock->fd, &fd, &peer) == NC_OK; limit--) {
        sock->events->accepted(sock, NC_OK, fd, &peer);
        if (sock->os != chan) return;
    }
}

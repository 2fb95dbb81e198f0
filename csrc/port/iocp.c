/* IOCP: Windows' own completions.
 *
 * Receiving is asked for with a receive of no bytes, which ends when there is something to receive; only then is there a
 * slice, and the bytes are taken by a plain non-blocking call. Where such a receive ends at once it says so at once,
 * without a packet (skips), as far as the provider of the socket can be trusted with that. Sending tries the plain
 * non-blocking call first, and gives the kernel what it did not take, which is how a send ever comes to wait.
 *
 * An operation in the kernel's hands writes into our memory when it ends, cancelled or not. It is a member of a record
 * (nc_chan) that outlives the socket for that reason: closing cancels and closes, and the record is freed when the last
 * packet has come. Only when bytes of the owner are being sent does `closed` wait for that.
 *
 * A handle tells of its operations at the one completion port that it was first joined to, for ever. One that comes
 * from another port (or another process) keeps us informed by events instead: the lowest bit of an event's handle asks
 * the kernel to leave its port alone, and a waiting thread of the system posts the packet to ours.
 *
 * As in readiness.c, a poll first notes everything the kernel told, and then calls. */
#include <stdlib.h>
#include <string.h>

#include "port/intake.h"
#include "port/iocp_int.h"
#include "port/os.h"
#include "port/queue.h"
#include "port/sockaddr.h"
#include "port/socket.h"
#include "port/win_socket.h"

enum { KEY_OP, KEY_WAKE, KEY_WAKE_SOCKET };

static nc_status load(SOCKET fd, GUID id, void *function, DWORD size) {
    DWORD got;
    int result = WSAIoctl(fd, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, function, size, &got, NULL, NULL);
    return result == 0 ? NC_OK : nc__win_status((DWORD)WSAGetLastError());
}

static nc_status load_extensions(nc_port *port) {
    GUID accept_ex = WSAID_ACCEPTEX, connect_ex = WSAID_CONNECTEX, addresses = WSAID_GETACCEPTEXSOCKADDRS;
    intptr_t fd;
    nc_status status = nc__socket_open(4, &fd);
    if (status != NC_OK) return status;
    SOCKET s = (SOCKET)fd;
    status = load(s, accept_ex, &port->accept_ex, sizeof port->accept_ex);
    if (status == NC_OK) status = load(s, connect_ex, &port->connect_ex, sizeof port->connect_ex);
    if (status == NC_OK) status = load(s, addresses, &port->get_addresses, sizeof port->get_addresses);
    nc__socket_close(fd);
    return status;
}

static nc_status ask_wake_socket(nc_port *port) {
    WSABUF room = {sizeof port->wake_bytes, port->wake_bytes};
    DWORD got, flags = 0;
    memset(&port->wake_over, 0, sizeof port->wake_over);
    int result = WSARecv(port->wake_socket, &room, 1, &got, &flags, &port->wake_over, NULL);
    int error = result == 0 ? WSA_IO_PENDING : WSAGetLastError();
    port->wake_asked = error == WSA_IO_PENDING;
    return port->wake_asked ? NC_OK : nc__win_status((DWORD)error);
}

/* For those who can only write to a descriptor, as Python's signal handler: a datagram socket connected to itself. */
static nc_status open_wake_socket(nc_port *port) {
    struct sockaddr_in name;
    int size = sizeof name;
    u_long on = 1;
    memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SOCKET fd = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    port->wake_socket = fd;
    if (fd == INVALID_SOCKET || bind(fd, (struct sockaddr *)&name, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&name, &size) != 0 || connect(fd, (struct sockaddr *)&name, size) != 0 ||
        ioctlsocket(fd, (long)FIONBIO, &on) != 0) {
        return nc__win_status((DWORD)WSAGetLastError());
    }
    if (!CreateIoCompletionPort((HANDLE)fd, port->iocp, KEY_WAKE_SOCKET, 0)) return nc__win_status(GetLastError());
    return ask_wake_socket(port);
}

/* From version 1709 of Windows 10 on; to an older one the number that stands for "never again" is a number of times. The
 * system's own function is asked, since the others answer what the program's manifest says. */
static bool can_ask_once(void) {
    OSVERSIONINFOW version;
    LONG(WINAPI * get_version)(OSVERSIONINFOW *);
    HMODULE system = GetModuleHandleW(L"ntdll.dll");
    FARPROC found = system ? GetProcAddress(system, "RtlGetVersion") : NULL;
    if (!found) return false;
    memcpy(&get_version, &found, sizeof get_version);
    memset(&version, 0, sizeof version);
    version.dwOSVersionInfoSize = sizeof version;
    return get_version(&version) == 0 && version.dwBuildNumber >= 16299;
}

static nc_status open_port(nc_port *port) {
    port->asks_once = can_ask_once();
    port->iocp = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (!port->iocp) return nc__win_status(GetLastError());
    nc_status status = load_extensions(port);
    return status == NC_OK ? open_wake_socket(port) : status;
}

/* Windows' sockets are started and never stopped: the last to stop them would close those that have no port now. */
nc_status nc_port_new(nc_slices *slices, nc_port **out) {
    WSADATA data;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) return NC_ENETDOWN;
    nc_port *port = calloc(1, sizeof *port);
    if (!port) return NC_ENOMEM;
    port->slices = slices;
    port->wake_socket = INVALID_SOCKET;
    nc__list_init(&port->queue);
    nc__list_init(&port->timed);
    InitializeSRWLock(&port->lock);
    InitializeConditionVariable(&port->room);
    nc_status status = open_port(port);
    if (status != NC_OK) {
        nc_port_free(port);
        return status;
    }
    *out = port;
    return NC_OK;
}

static bool has_found(const nc_port *port) {
    SRWLOCK *lock = (SRWLOCK *)&port->lock;
    AcquireSRWLockShared(lock);
    bool any = port->found_count > 0;
    ReleaseSRWLockShared(lock);
    return any;
}

int64_t nc_port_timeout(const nc_port *port) {
    if (!nc__list_is_empty(&port->queue) || has_found(port)) return 0;
    if (nc__list_is_empty(&port->timed)) return -1;
    uint64_t now = nc__os_now_ms(), first = UINT64_MAX;
    for (const nc_list *link = port->timed.next; link != &port->timed; link = link->next) {
        uint64_t due = nc_container(link, const nc_chan, link)->due;
        if (due < first) first = due;
    }
    return first > now ? (int64_t)(first - now) : 0;
}

bool nc_port_holds_buffers(void) {
    return true;
}

/* A wake-up that was posted and not yet met is as good as two. One for which there was no memory is the next one's again. */
void nc_port_wake(nc_port *port) {
    if (InterlockedExchange(&port->woken, 1) != 0) return;
    if (!PostQueuedCompletionStatus(port->iocp, 0, KEY_WAKE, NULL)) InterlockedExchange(&port->woken, 0);
}

intptr_t nc_port_wake_fd(const nc_port *port) {
    return (intptr_t)port->wake_socket;
}

intptr_t nc_port_fd(const nc_port *port) {
    (void)port;
    return -1;
}

/* There is no fork. */
void nc_port_forget(nc_port *port) {
    (void)port;
}

void nc_sock_init(nc_sock *sock, const nc_sock_events *events) {
    sock->events = events;
    nc__list_init(&sock->link);
    sock->os = NULL;
    sock->fd = NC_SOCK_NONE;
    sock->flags = 0;
    sock->waiting = 0;
}

void nc__iocp_enqueue(nc_port *port, nc_sock *sock) {
    if (nc__list_is_empty(&sock->link)) nc__list_append(&port->queue, &sock->link);
}

void nc__iocp_at(nc_chan *chan, uint64_t due) {
    chan->due = due;
    if (nc__list_is_empty(&chan->link)) nc__list_append(&chan->port->timed, &chan->link);
}

static void CALLBACK post_event(void *arg, BOOLEAN timed_out) {
    nc_op *op = arg;
    (void)timed_out;
    PostQueuedCompletionStatus(op->chan->port->iocp, 0, KEY_OP, &op->over);
}

nc_status nc__op_init(nc_op *op, nc_chan *chan, nc_op_kind kind) {
    op->chan = chan;
    op->kind = kind;
    if (!chan->apart) return NC_OK;
    op->event = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (!op->event) return nc__win_status(GetLastError());
    if (RegisterWaitForSingleObject(&op->wait, op->event, post_event, op, INFINITE, WT_EXECUTEINWAITTHREAD))
        return NC_OK;
    op->wait = NULL;
    return nc__win_status(GetLastError());
}

void nc__op_free(nc_op *op) {
    if (op->wait) UnregisterWaitEx(op->wait, INVALID_HANDLE_VALUE); /* waits for a call in progress */
    if (op->event) CloseHandle(op->event);
    op->wait = op->event = NULL;
}

void nc__op_start(nc_op *op) {
    memset(&op->over, 0, sizeof op->over);
    if (op->event) op->over.hEvent = (HANDLE)((ULONG_PTR)op->event | 1);
}

nc_status nc__op_started(nc_op *op, bool at_once, DWORD error) {
    if (at_once && op->chan->skips) return NC_OK;
    if (!at_once && error != ERROR_IO_PENDING) return nc__win_status(error);
    op->chan->pending++;
    return NC_EAGAIN;
}

nc_status nc__chan_new(nc_port *port, nc_sock *sock, HANDLE handle, nc_chan **out) {
    nc_chan *chan = calloc(1, sizeof *chan);
    if (!chan) return NC_ENOMEM;
    chan->port = port;
    chan->sock = sock;
    chan->handle = handle;
    nc__list_init(&chan->done);
    nc__list_init(&chan->link);
    port->chans++;
    *out = chan;
    return NC_OK;
}

void nc__chan_settle(nc_chan *chan) {
    if (chan->sock || chan->pending) return;
    nc__list_remove(&chan->link);
    nc__accepts_free(chan);
    nc__op_free(&chan->in);
    nc__op_free(&chan->out);
    chan->port->chans--;
    free(chan);
}

/* Whether what ends at once may go without a packet: not if something is layered over the system's own sockets. */
static bool may_skip(const nc_chan *chan) {
    WSAPROTOCOL_INFOW info;
    int size = sizeof info;
    if (nc__kind_of(chan->sock) != NC_SOCK_TCP) return true;
    if (getsockopt((SOCKET)chan->handle, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &size) != 0) return false;
    return info.dwServiceFlags1 & XP1_IFS_HANDLES;
}

nc_status nc__chan_join(nc_chan *chan, HANDLE joined) {
    UCHAR modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
    if (joined != chan->port->iocp) {
        if (joined || !CreateIoCompletionPort(chan->handle, chan->port->iocp, KEY_OP, 0)) {
            DWORD error = joined ? ERROR_INVALID_PARAMETER : GetLastError();
            if (error != ERROR_INVALID_PARAMETER) return nc__win_status(error);
            chan->apart = true;
        }
    }
    if (!chan->apart && !(chan->sock->flags & LISTENER) && may_skip(chan)) {
        chan->skips = SetFileCompletionNotificationModes(chan->handle, modes);
    }
    nc_status status = nc__op_init(&chan->in, chan, OP_RECEIVE);
    return status == NC_OK ? nc__op_init(&chan->out, chan, OP_SEND) : status;
}

static void leave(nc_sock *sock) {
    nc__list_remove(&sock->link);
    sock->os = NULL;
    sock->fd = NC_SOCK_NONE;
    sock->flags = 0;
}

/* Parts a socket from its record. */
static void part(nc_sock *sock) {
    nc_chan *chan = sock->os;
    leave(sock);
    if (!chan) return;
    nc__list_remove(&chan->link);
    chan->sock = NULL;
    nc__chan_settle(chan);
}

static nc_status take(nc_port *port, nc_sock *sock, intptr_t fd, nc_sock_kind kind, uint32_t flags) {
    nc_chan *chan;
    HANDLE handle = nc__is_pipe(fd) ? nc__pipe_of(fd)->handle : (HANDLE)fd;
    nc_status status = nc__chan_new(port, sock, handle, &chan);
    if (status != NC_OK) return status;
    sock->fd = fd;
    sock->os = chan;
    sock->flags = (uint32_t)kind << KIND_SHIFT | flags;
    return NC_OK;
}

static nc_status join(nc_sock *sock) {
    nc_chan *chan = sock->os;
    nc_pipe *pipe = nc__is_pipe(sock->fd) ? nc__pipe_of(sock->fd) : NULL;
    nc_status status = nc__chan_join(chan, pipe ? pipe->joined : NULL);
    if (status == NC_OK && pipe && !pipe->joined) pipe->joined = chan->port->iocp;
    return status;
}

nc_status nc_port_attach(nc_port *port, nc_sock *sock, intptr_t fd, nc_sock_kind kind) {
    nc_status status = kind == NC_SOCK_PLAIN ? NC_ENOTSUP : take(port, sock, fd, kind, 0);
    if (status != NC_OK) return status;
    status = join(sock);
    if (status != NC_OK) part(sock);
    return status;
}

nc_status nc_port_attach_listener(nc_port *port, nc_sock *sock, intptr_t fd, nc_sock_kind kind) {
    nc_status status = take(port, sock, fd, kind, LISTENER);
    if (status != NC_OK) return status;
    if (kind == NC_SOCK_TCP) status = join(sock); /* a pipe's instances are joined one by one */
    if (status == NC_OK) status = nc__accepts_new(sock->os);
    if (status != NC_OK) part(sock);
    return status;
}

static nc_status withdraw(nc_sock *sock) {
    nc_chan *chan = sock->os;
    if (sock->flags & (SENDING | SENT | CONNECTING | CONNECTED | LISTENER)) return NC_EBUSY;
    if (chan && chan->pending) CancelIoEx(chan->handle, &chan->in.over);
    return NC_OK;
}

nc_status nc_port_detach(nc_port *port, nc_sock *sock, intptr_t *fd) {
    (void)port;
    nc_status status = withdraw(sock);
    if (status != NC_OK) return status;
    *fd = sock->fd;
    part(sock);
    return NC_OK;
}

nc_status nc_port_hand_over(nc_port *port, nc_sock *from, nc_sock *to) {
    (void)port;
    if (from->flags & (SENDING | SENT | CONNECTING | CONNECTED | LISTENER)) return NC_EBUSY;
    nc_chan *chan = from->os;
    to->fd = from->fd;
    to->os = chan;
    to->flags = from->flags & ~(uint32_t)WANT_IN;
    chan->sock = to;
    leave(from);
    return NC_OK;
}

/* ConnectEx wants a bound socket. One for IPv6 alone, as Windows makes them, would reach no mapped address; one that is bound
 * already stays what it is, and where there is no IPv4 nothing is lost. */
static nc_status bind_any(intptr_t fd, uint8_t family) {
    nc_addr any;
    memset(&any, 0, sizeof any);
    any.family = family;
    if (family == 6) nc__socket_set_v6_only(fd, false);
    nc_status status = nc__socket_bind(fd, &any);
    return status == NC_EINVAL ? NC_OK : status; /* it is bound */
}

/* Windows asks three times, for two seconds, before it believes that nobody listens; on one's own machine once will do. */
static void believe_refusals(SOCKET fd, const nc_addr *peer) {
    static const uint8_t ipv4_loopback[13] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127},
                         ipv6_loopback[16] = {[15] = 1};
    TCP_INITIAL_RTO_PARAMETERS once = {TCP_INITIAL_RTO_UNSPECIFIED_RTT, TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS};
    DWORD size;
    if (memcmp(peer->ip, ipv4_loopback, 13) != 0 && memcmp(peer->ip, ipv6_loopback, 16) != 0) return;
    if (WSAIoctl(fd, SIO_TCP_INITIAL_RTO, &once, sizeof once, NULL, 0, &size, NULL, NULL) != 0)
        return; /* it takes longer */
}

/* Elsewhere, and in Node, who connects to no address in particular connects to his own machine; to Windows it is an invalid
 * one (WSAEADDRNOTAVAIL). */
static nc_addr reachable(const nc_addr *peer) {
    static const uint8_t any4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, any6[16] = {0};
    nc_addr there = *peer;
    bool is_any4 = memcmp(there.ip, any4, 16) == 0;
    if (is_any4) there.ip[12] = 127;
    if (is_any4 || memcmp(there.ip, any6, 16) == 0) there.ip[15] = 1;
    return there;
}

static nc_status start_connect(nc_chan *chan, const nc_addr *wanted) {
    struct sockaddr_storage name;
    nc_addr peer = reachable(wanted);
    socklen_t size = nc__to_sockaddr(&peer, &name);
    SOCKET fd = (SOCKET)chan->handle;
    nc_status status = bind_any((intptr_t)fd, peer.family);
    if (status != NC_OK) return status;
    if (chan->port->asks_once) believe_refusals(fd, &peer);
    chan->out.kind = OP_CONNECT;
    nc__op_start(&chan->out);
    BOOL at_once = chan->port->connect_ex(fd, (struct sockaddr *)&name, size, NULL, 0, NULL, &chan->out.over);
    return nc__op_started(&chan->out, at_once, at_once ? 0 : (DWORD)WSAGetLastError());
}

/* Lets calls other than receive and send work on the socket. */
static nc_status finish_connect(nc_chan *chan) {
    int result = setsockopt((SOCKET)chan->handle, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0);
    return result == 0 ? NC_OK : nc__win_status((DWORD)WSAGetLastError());
}

nc_status nc_port_connect(nc_port *port, nc_sock *sock, intptr_t fd, const nc_addr *peer) {
    nc_status status = take(port, sock, fd, NC_SOCK_TCP, 0);
    if (status != NC_OK) return status;
    nc_chan *chan = sock->os;
    status = join(sock);
    if (status == NC_OK) status = start_connect(chan, peer);
    if (status == NC_OK) status = finish_connect(chan);
    if (status == NC_EAGAIN) sock->flags |= CONNECTING;
    if (status != NC_OK && status != NC_EAGAIN) part(sock);
    return status;
}

nc_status nc_port_connect_path(nc_port *port, nc_sock *sock, intptr_t fd, const char *path, size_t length) {
    if (!nc__is_pipe(fd)) return NC_EINVAL;
    nc_status status = nc__pipe_name(nc__pipe_of(fd), path, length);
    if (status == NC_OK) status = take(port, sock, fd, NC_SOCK_LOCAL, 0);
    if (status != NC_OK) return status;
    status = nc__iocp_pipe_connect(sock->os);
    if (status == NC_EAGAIN) sock->flags |= CONNECTING;
    if (status != NC_OK && status != NC_EAGAIN) part(sock);
    return status;
}

static nc_status ask_socket(nc_chan *chan) {
    WSABUF none = {0, NULL};
    DWORD got, flags = 0;
    nc__op_start(&chan->in);
    int result = WSARecv((SOCKET)chan->handle, &none, 1, &got, &flags, &chan->in.over, NULL);
    return nc__op_started(&chan->in, result == 0, result == 0 ? 0 : (DWORD)WSAGetLastError());
}

/* Asks the kernel to say when there is something to receive. */
static void ask(nc_port *port, nc_sock *sock) {
    nc_chan *chan = sock->os;
    nc_status status = nc__kind_of(sock) == NC_SOCK_TCP ? ask_socket(chan) : nc__iocp_pipe_receive(chan);
    if (status == NC_EAGAIN) {
        sock->flags |= RECEIVING;
        return;
    }
    chan->in_status = status;
    sock->flags |= READABLE;
    nc__iocp_enqueue(port, sock);
}

static void want_in(nc_port *port, nc_sock *sock) {
    if (sock->flags & READABLE) {
        nc__iocp_enqueue(port, sock);
    } else if (!(sock->flags & (RECEIVING | CONNECTING | CONNECTED))) {
        ask(port, sock);
    }
}

void nc_port_receive(nc_port *port, nc_sock *sock) {
    sock->flags |= WANT_IN;
    want_in(port, sock);
}

void nc_port_receive_stop(nc_port *port, nc_sock *sock) {
    (void)port;
    sock->flags &= ~(uint32_t)WANT_IN;
}

bool nc_port_has_unread(const nc_sock *sock) {
    return nc__kind_of(sock) == NC_SOCK_TCP && nc__socket_unread(sock->fd) > 0;
}

static size_t total(const nc_buf *bufs, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += bufs[i].size;
    return size;
}

static nc_status hold(nc_chan *chan, const nc_buf *bufs, size_t count, size_t *size) {
    WSABUF parts[NC_PORT_BUFS_MAX];
    DWORD gone = 0, n = nc__wsabufs(bufs, count, *size, parts);
    nc__op_start(&chan->out);
    int result = WSASend((SOCKET)chan->handle, parts, n, &gone, 0, &chan->out.over, NULL);
    nc_status status = nc__op_started(&chan->out, result == 0, result == 0 ? 0 : (DWORD)WSAGetLastError());
    if (status == NC_OK) *size += gone;
    return status;
}

static nc_status send_socket(nc_chan *chan, const nc_buf *bufs, size_t count, size_t *size) {
    size_t all = total(bufs, count);
    nc_status status = nc__socket_send((intptr_t)chan->handle, NC_SOCK_TCP, bufs, count, size);
    if (status == NC_EAGAIN) status = NC_OK; /* what finds no room now waits for it in the kernel's hands */
    while (status == NC_OK && *size < all) status = hold(chan, bufs, count, size);
    return status;
}

nc_status nc_port_send(nc_port *port, nc_sock *sock, const nc_buf *bufs, size_t count, size_t *size) {
    nc_chan *chan = sock->os;
    (void)port;
    *size = 0;
    chan->out.kind = OP_SEND;
    nc_status status = nc__kind_of(sock) == NC_SOCK_TCP ? send_socket(chan, bufs, count, size)
                                                        : nc__iocp_pipe_send(chan, bufs, count, size);
    if (status == NC_EAGAIN) sock->flags |= SENDING;
    return status;
}

nc_status nc_port_shutdown(nc_port *port, nc_sock *sock) {
    (void)port;
    if (nc__kind_of(sock) == NC_SOCK_TCP) return nc__socket_shutdown(sock->fd);
    nc__iocp_pipe_shutdown(sock->os);
    return NC_OK;
}

void nc_port_accept(nc_port *port, nc_sock *sock) {
    sock->flags |= WANT_ACCEPT;
    nc__accepts_ask(port, sock);
    nc_chan *chan = sock->os;
    if (!nc__list_is_empty(&chan->done)) nc__iocp_enqueue(port, sock);
}

void nc_port_accept_stop(nc_port *port, nc_sock *sock) {
    (void)port;
    sock->flags &= ~(uint32_t)WANT_ACCEPT;
}

/* Cancelling says nothing that matters: what it does not find has ended. */
static void close_handle(nc_chan *chan, intptr_t fd) {
    if (chan && chan->pending && !chan->accepts) CancelIoEx(chan->handle, NULL);
    if (chan && chan->accepts) nc__accepts_cancel(chan);
    nc__socket_close(fd);
}

void nc_port_close(nc_port *port, nc_sock *sock, bool reset) {
    nc_chan *chan = sock->os;
    (void)port;
    if (reset) nc__socket_reset_on_close(sock->fd);
    bool held = (sock->flags & (SENDING | SENT)) == SENDING;
    close_handle(chan, sock->fd);
    if (held) {
        leave(sock);
        nc__list_remove(&chan->link);
        chan->closing = true;
        return;
    }
    part(sock);
    sock->events->closed(sock);
}

void nc_port_abandon(nc_sock *sock) {
    if (sock->fd != NC_SOCK_NONE) nc__socket_close(sock->fd);
    part(sock);
}

/* How an operation of an open channel ended. */
static nc_status result_of(const nc_chan *chan, nc_op *op, DWORD *size) {
    DWORD flags;
    *size = 0;
    if (nc__kind_of(chan->sock) != NC_SOCK_TCP) {
        return GetOverlappedResult(chan->handle, &op->over, size, FALSE) ? NC_OK : nc__win_status(GetLastError());
    }
    if (WSAGetOverlappedResult((SOCKET)chan->handle, &op->over, size, FALSE, &flags)) return NC_OK;
    return nc__win_status((DWORD)WSAGetLastError());
}

static void end_closed(nc_op *op) {
    nc_chan *chan = op->chan;
    if (op->kind == OP_ACCEPT) nc__accept_ended(op);
    if (chan->closing && op == &chan->out) {
        nc_sock *sock = chan->sock;
        chan->closing = false;
        chan->sock = NULL;
        sock->events->closed(sock);
    }
    nc__chan_settle(chan);
}

/* What went wrong may be told here only, and not once more by the receive that follows. */
static void end_receive(nc_chan *chan) {
    DWORD size;
    nc_sock *sock = chan->sock;
    chan->in_status = nc__kind_of(sock) == NC_SOCK_TCP ? result_of(chan, &chan->in, &size) : NC_OK;
    sock->flags = (sock->flags & ~(uint32_t)RECEIVING) | READABLE;
}

static void end_send(nc_chan *chan) {
    DWORD size;
    chan->out_status = result_of(chan, &chan->out, &size);
    chan->out_size = size;
    chan->sock->flags |= SENT;
}

static void end_connect(nc_chan *chan) {
    DWORD size;
    nc_status status = result_of(chan, &chan->out, &size);
    chan->out_status = status == NC_OK ? finish_connect(chan) : status;
    chan->sock->flags |= CONNECTED;
}

static void end_op(nc_port *port, nc_op *op) {
    nc_chan *chan = op->chan;
    chan->pending--;
    if (!chan->sock || chan->closing) {
        end_closed(op);
        return;
    }
    nc_sock *sock = chan->sock;
    switch (op->kind) {
        case OP_RECEIVE: end_receive(chan); break;
        case OP_SEND: end_send(chan); break;
        case OP_CONNECT: end_connect(chan); break;
        case OP_ACCEPT: nc__accept_ended(op); break;
    }
    if (sock->flags & (WANT_IN | SENT | CONNECTED | WANT_ACCEPT)) nc__iocp_enqueue(port, sock);
}

static void deliver_connect(nc_port *port, nc_sock *sock) {
    nc_chan *chan = sock->os;
    sock->flags &= ~(uint32_t)(CONNECTING | CONNECTED);
    sock->events->connected(sock, chan->out_status);
    if (sock->flags & WANT_IN) want_in(port, sock);
}

static void deliver_sent(nc_sock *sock) {
    nc_chan *chan = sock->os;
    sock->flags &= ~(uint32_t)(SENDING | SENT);
    sock->events->sent(sock, chan->out_status, chan->out_size);
}

/* One receive; gives the bytes read. */
static size_t deliver_in(nc_port *port, nc_sock *sock) {
    static const nc_slice none = {NULL, 0, NULL};
    nc_chan *chan = sock->os;
    nc_intake read;
    nc_status status = nc__intake(port->slices, sock->fd, nc__kind_of(sock), sock->flags & BIG, &read);
    if ((status == NC_EAGAIN || status == NC_EOF) && chan->in_status != NC_OK) status = chan->in_status;
    if (status == NC_ECONNABORTED) status = NC_ECONNRESET; /* it broke here; Node tells that as elsewhere */
    if (status == NC_EAGAIN) {
        sock->flags &= ~(uint32_t)READABLE;
        want_in(port, sock);
        return 0;
    }
    sock->flags &= ~(uint32_t)WANT_IN;
    if (status != NC_OK) {
        sock->events->received(sock, status, none);
        return 0;
    }
    if (!read.filled) sock->flags &= ~(uint32_t)READABLE;
    sock->flags = nc__intake_is_big(&read, sock->flags & BIG) ? sock->flags | BIG : sock->flags & ~(uint32_t)BIG;
    sock->events->received(sock, NC_OK, read.slice);
    return read.slice.size;
}

/* Each call may close the socket, which then has no flags. */
static size_t deliver(nc_port *port, nc_sock *sock) {
    if (sock->flags & LISTENER) {
        nc__accepts_deliver(port, sock);
        return 0;
    }
    if (sock->flags & CONNECTED) deliver_connect(port, sock);
    if (sock->flags & SENT) deliver_sent(sock);
    return (sock->flags & (WANT_IN | READABLE)) == (WANT_IN | READABLE) ? deliver_in(port, sock) : 0;
}

/* What time alone brings about. */
static void run_due(nc_port *port) {
    if (nc__list_is_empty(&port->timed)) return;
    uint64_t now = nc__os_now_ms();
    nc_list all;
    nc__list_init(&all);
    nc__list_append_all(&all, &port->timed);
    for (nc_list *link; (link = nc__list_shift(&all));) {
        nc_chan *chan = nc_container(link, nc_chan, link);
        if (chan->due > now) {
            nc__list_append(&port->timed, link);
        } else if (chan->sock->flags & LISTENER) {
            nc__accepts_ask(port, chan->sock);
        } else {
            nc__iocp_pipe_due(chan);
        }
    }
}

static int64_t limit_wait(const nc_port *port, int64_t ms) {
    int64_t own = nc_port_timeout(port);
    return own >= 0 && (ms < 0 || own < ms) ? own : ms;
}

static DWORD limit_of(int64_t ms) {
    return ms < 0 ? INFINITE : ms > INT32_MAX ? INT32_MAX : (DWORD)ms;
}

static nc_status take_packets(nc_port *port, int64_t ms, OVERLAPPED_ENTRY *entries, ULONG *count) {
    *count = 0;
    if (GetQueuedCompletionStatusEx(port->iocp, entries, ENTRIES, count, limit_of(ms), FALSE)) return NC_OK;
    DWORD error = GetLastError();
    *count = 0;
    return error == WAIT_TIMEOUT ? NC_OK : nc__win_status(error);
}

/* Under the lock: the loop's thread may be waiting in a poll itself (its host is gone, and the thread beside it has yet to
 * notice). A packet of its own ends that, since a wake-up may be among those that were taken. */
static void tell_poll(nc_port *port) {
    if (port->polling) PostQueuedCompletionStatus(port->iocp, 0, KEY_WAKE, NULL);
}

static bool await_room(nc_port *port, int64_t ms) {
    DWORD limit = limit_of(ms);
    AcquireSRWLockExclusive(&port->lock);
    while (port->found_count && SleepConditionVariableSRW(&port->room, &port->lock, limit, 0)) continue;
    bool is_empty = port->found_count == 0;
    ReleaseSRWLockExclusive(&port->lock);
    return is_empty;
}

/* For a thread beside the loop's own: takes packets, and keeps them for the next poll. It takes no more before that, since the
 * one that is to end a poll would be among them. */
nc_status nc_port_wait(nc_port *port, int64_t ms) {
    OVERLAPPED_ENTRY entries[ENTRIES];
    ULONG count;
    if (!await_room(port, ms)) return NC_OK;
    nc_status status = take_packets(port, ms, entries, &count);
    if (count == 0) return status;
    AcquireSRWLockExclusive(&port->lock);
    while (port->found_count) { /* of another thread that waits, too */
        tell_poll(port);
        SleepConditionVariableSRW(&port->room, &port->lock, INFINITE, 0);
    }
    memcpy(port->found, entries, count * sizeof entries[0]);
    port->found_count = count;
    tell_poll(port);
    ReleaseSRWLockExclusive(&port->lock);
    return status;
}

static ULONG take_found(nc_port *port, OVERLAPPED_ENTRY *entries, bool polling) {
    AcquireSRWLockExclusive(&port->lock);
    ULONG count = port->found_count;
    memcpy(entries, port->found, count * sizeof entries[0]);
    port->found_count = 0;
    port->polling = polling;
    ReleaseSRWLockExclusive(&port->lock);
    if (count) WakeAllConditionVariable(&port->room);
    return count;
}

static void note(nc_port *port, const OVERLAPPED_ENTRY *entry, bool *woken) {
    if (entry->lpCompletionKey == KEY_WAKE) {
        InterlockedExchange(&port->woken, 0);
        *woken = true;
    } else if (entry->lpCompletionKey == KEY_WAKE_SOCKET) {
        *woken = true;
        port->wake_asked = false;
        if (port->wake_socket == INVALID_SOCKET) return;
        if (ask_wake_socket(port) != NC_OK) return; /* then signals are seen when something else wakes */
    } else {
        end_op(port, (nc_op *)(void *)entry->lpOverlapped);
    }
}

static void note_all(nc_port *port, const OVERLAPPED_ENTRY *entries, ULONG count, bool *woken) {
    for (ULONG i = 0; i < count; i++) note(port, &entries[i], woken);
}

nc_status nc__iocp_gather(nc_port *port, int64_t ms, bool *woken) {
    OVERLAPPED_ENTRY entries[ENTRIES];
    ULONG count = take_found(port, entries, ms != 0);
    int64_t limit = count ? 0 : ms;
    note_all(port, entries, count, woken);
    nc_status status = take_packets(port, limit, entries, &count);
    note_all(port, entries, count, woken);
    return status;
}

nc_status nc_port_poll(nc_port *port, int64_t ms, bool *woken) {
    *woken = false;
    nc_status status = nc__iocp_gather(port, limit_wait(port, ms), woken);
    run_due(port);
    nc__queue_work_off(&port->queue, port, deliver);
    return status;
}

/* The kernel may still have operations of sockets that are closed. Their records go when it is done with them, which
 * after a cancellation is soon; what it never gives back is better lost than freed. */
void nc_port_free(nc_port *port) {
    OVERLAPPED_ENTRY entries[ENTRIES];
    ULONG count = take_found(port, entries, false);
    bool woken;
    uint64_t end = nc__os_now_ms() + 1000;
    if (port->wake_socket != INVALID_SOCKET) closesocket(port->wake_socket);
    port->wake_socket = INVALID_SOCKET;
    while ((port->chans || port->wake_asked) && nc__os_now_ms() < end) {
        note_all(port, entries, count, &woken);
        if (take_packets(port, 100, entries, &count) != NC_OK) break;
    }
    if (port->iocp) CloseHandle(port->iocp);
    if (!port->chans && !port->wake_asked) free(port);
}

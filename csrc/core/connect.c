/* How a stream gets its descriptor. */
#include "core/stream_int.h"
#include "port/socket.h"

static nc_status check_unopened(const nc_stream *stream) {
    if (stream->handle.closing) return NC_EBADF;
    if (stream->state & NC__CONNECTING) return NC_EALREADY;
    return stream->state & (NC__OPEN | NC__CONNECT_FAILED) ? NC_EISCONN : NC_OK;
}

/* The descriptor to connect: one that was adopted bound, or a new one. */
static nc_status take_descriptor(nc_stream *stream, int family, intptr_t *fd) {
    if (!(stream->state & NC__BOUND)) return nc__socket_open(family, fd);
    *fd = stream->sock.fd;
    stream->sock.fd = NC_SOCK_NONE;
    stream->state &= ~(uint32_t)NC__BOUND;
    return NC_OK;
}

static void tell(nc_stream *stream, nc_status status) {
    stream->connect_status = (int8_t)status;
    if (status != NC_OK) stream->state |= NC__CONNECT_FAILED;
    nc__stream_raise(stream, NC__GOT_CONNECT);
}

/* After the port was asked to connect. A refusal that is known at once is still told as an event, since for the caller it
 * is no different from one that took a while. */
static nc_status started(nc_stream *stream, intptr_t fd, nc_sock_kind kind, nc_status status, bool tell_all) {
    if (status != NC_OK && status != NC_EAGAIN) {
        nc__socket_close(fd);
        if (!tell_all && status != NC_ECONNREFUSED) return status;
        tell(stream, status);
        return NC_OK;
    }
    stream->state |= status == NC_EAGAIN ? NC__CONNECTING : 0;
    nc__stream_opened(stream, kind);
    if (status == NC_OK) tell(stream, NC_OK);
    return NC_OK;
}

nc_status nc_stream_connect(nc_stream *stream, const nc_addr *peer, const nc_addr *local) {
    intptr_t fd = NC_SOCK_NONE;
    nc_status status = check_unopened(stream);
    if (status == NC_OK) status = take_descriptor(stream, peer->family, &fd);
    if (status != NC_OK) return status;
    if (local) status = nc__socket_bind(fd, local);
    if (status != NC_OK) {
        nc__socket_close(fd);
        return status;
    }
    status = nc_port_connect(stream->handle.loop->port, &stream->sock, fd, peer);
    return started(stream, fd, NC_SOCK_TCP, status, false);
}

nc_status nc_stream_connect_path(nc_stream *stream, const char *path, size_t length) {
    intptr_t fd = NC_SOCK_NONE;
    nc_status status = check_unopened(stream);
    if (status == NC_OK) status = take_descriptor(stream, 0, &fd);
    if (status != NC_OK) return status;
    status = nc_port_connect_path(stream->handle.loop->port, &stream->sock, fd, path, length);
    return started(stream, fd, NC_SOCK_LOCAL, status, status != NC_EINVAL && status != NC_ENAMETOOLONG);
}

void nc__stream_connected(nc_sock *sock, nc_status status) {
    nc_stream *stream = nc_container(sock, nc_stream, sock);
    stream->state &= ~(uint32_t)NC__CONNECTING;
    tell(stream, status);
    if (status == NC_OK) {
        nc__stream_moved(stream);
        nc__stream_receive(stream);
        nc__stream_mark_dirty(stream);
    } else {
        nc__writeq_drop(stream->handle.loop, &stream->queue);
    }
    nc__stream_update_active(stream);
}

nc_status nc_stream_adopt(nc_stream *stream, intptr_t fd) {
    nc_sock_kind kind;
    nc_status status = check_unopened(stream);
    if (status == NC_OK) status = nc__socket_adopt(fd, &kind);
    if (status == NC_OK) status = nc_port_attach(stream->handle.loop->port, &stream->sock, fd, kind);
    if (status == NC_OK) nc__stream_opened(stream, kind);
    return status;
}

nc_status nc_stream_adopt_bound(nc_stream *stream, intptr_t fd) {
    nc_sock_kind kind;
    nc_status status = check_unopened(stream);
    if (status == NC_OK) status = nc__socket_adopt(fd, &kind);
    if (status != NC_OK) return status;
    stream->sock.fd = fd;
    stream->state |= NC__BOUND;
    return NC_OK;
}

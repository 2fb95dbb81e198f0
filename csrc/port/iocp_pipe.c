/* Named pipes under IOCP.
 *
 * A pipe cannot be half-closed: its other end learns of an end when the handle is closed. Node, and so its users'
 * protocols, live with that as follows, and so do we: one's own end, once it was shut down and has been quiet for a
 * while, takes the other for ended too. Then both close. */
#include "port/iocp_int.h"
#include "port/os.h"
#include "port/win_socket.h"

enum { BUSY_MS = 10, BUSY_MS_MAX = 30 * 1000, END_MS = 50 };

nc_status nc__iocp_pipe_receive(nc_chan *chan) {
    char none;
    DWORD got;
    if (chan->sock->flags & ENDING) nc__iocp_at(chan, nc__os_now_ms() + END_MS);
    nc__op_start(&chan->in);
    BOOL at_once = ReadFile(chan->handle, &none, 0, &got, &chan->in.over);
    nc_status status = nc__op_started(&chan->in, at_once, at_once ? 0 : GetLastError());
    return status == NC_EPIPE || status == NC_EPERM ? NC_EOF : status; /* as nc__pipe_receive() */
}

static nc_status write_one(nc_chan *chan, const nc_buf *buf, size_t *size) {
    DWORD gone, some = (DWORD)(buf->size < NC__WIN_SEND_MAX ? buf->size : NC__WIN_SEND_MAX);
    nc__op_start(&chan->out);
    BOOL at_once = WriteFile(chan->handle, buf->base, some, &gone, &chan->out.over);
    nc_status status = nc__op_started(&chan->out, at_once, at_once ? 0 : GetLastError());
    if (status == NC_OK) *size += some;
    return status;
}

nc_status nc__iocp_pipe_send(nc_chan *chan, const nc_buf *bufs, size_t count, size_t *size) {
    for (size_t i = 0; i < count; i++) {
        nc_buf rest = bufs[i];
        while (rest.size > 0) {
            size_t gone = 0;
            nc_status status = write_one(chan, &rest, &gone);
            if (status != NC_OK) return status;
            rest.base = (const char *)rest.base + gone;
            rest.size -= gone;
            *size += gone;
        }
    }
    return NC_OK;
}

static nc_status try_connect(nc_chan *chan) {
    nc_pipe *pipe = nc__pipe_of(chan->sock->fd);
    nc_status status = nc__pipe_connect(pipe);
    if (status != NC_OK) return status;
    chan->handle = pipe->handle;
    status = nc__chan_join(chan, NULL);
    if (status == NC_OK) pipe->joined = chan->port->iocp;
    return status;
}

nc_status nc__iocp_pipe_connect(nc_chan *chan) {
    nc_status status = try_connect(chan);
    if (status != NC_EBUSY) return status;
    uint64_t now = nc__os_now_ms();
    chan->give_up = now + BUSY_MS_MAX;
    nc__iocp_at(chan, now + BUSY_MS);
    return NC_EAGAIN;
}

static void connect_again(nc_chan *chan) {
    uint64_t now = nc__os_now_ms();
    nc_status status = try_connect(chan);
    if (status == NC_EBUSY && now < chan->give_up) {
        nc__iocp_at(chan, now + BUSY_MS);
        return;
    }
    chan->out_status = status == NC_EBUSY ? NC_ETIMEDOUT : status;
    chan->sock->flags |= CONNECTED;
    nc__iocp_enqueue(chan->port, chan->sock);
}

void nc__iocp_pipe_due(nc_chan *chan) {
    nc_sock *sock = chan->sock;
    if (sock->flags & CONNECTING) {
        connect_again(chan);
    } else if (sock->flags & WANT_IN) {
        chan->in_status = NC_EOF; /* unless there is something to receive after all */
        sock->flags |= READABLE;
        nc__iocp_enqueue(chan->port, sock);
    }
}

void nc__iocp_pipe_shutdown(nc_chan *chan) {
    chan->sock->flags |= ENDING;
    nc__iocp_at(chan, nc__os_now_ms() + END_MS);
}

/* Streams: their life, and what comes in.
 *
 * Input is handed out one slice at a time: only when the embedder has had a slice (or a relay has passed it on) is the port
 * asked for the next. What has come and was not handed out yet stays as bits in `pending`, and the slice, on the stream
 * itself; so stopping to read merely leaves them there, and closing forgets them.
 */
#include <stdlib.h>

#include "core/stream_int.h"
#include "port/socket.h"

static void received(nc_sock *sock, nc_status status, nc_slice slice);
static nc_sock *onward(nc_sock *sock);
static void passed(nc_sock *sock, const nc_passed *what);
static void closed(nc_sock *sock);

static const nc_sock_events stream_events = {
    .connected = nc__stream_connected,
    .received = received,
    .onward = onward,
    .passed = passed,
    .sent = nc__stream_sent,
    .accepted = NULL,
    .closed = closed,
};

nc_status nc_stream_new(nc_loop *loop, void *owner, nc_stream **out) {
    nc_stream *stream = calloc(1, sizeof *stream);
    if (!stream) return NC_ENOMEM;
    nc__handle_init(&stream->handle, loop, NC__STREAM, owner);
    nc_sock_init(&stream->sock, &stream_events);
    nc__list_init(&stream->dirty);
    nc__list_init(&stream->sources);
    stream->notify_at = UINT64_MAX;
    *out = stream;
    return NC_OK;
}

void nc__stream_free(nc_stream *stream) {
    nc__idle_free(stream);
    nc__handle_fini(&stream->handle);
    free(stream);
}

void nc_stream_set_owner(nc_stream *stream, void *owner) {
    stream->handle.owner = owner;
}

static bool wants_input(const nc_stream *stream) {
    return (stream->state & (NC__READING | NC__INPUT_ENDED)) == NC__READING && !stream->handle.closing;
}

/* Reading, connecting and sending are what a loop waits for; a stream at rest does not keep it alive. */
void nc__stream_update_active(nc_stream *stream) {
    bool busy = (stream->state & NC__CONNECTING) || stream->queue.bytes > 0 ||
                (stream->state & (NC__SHUT_ASKED | NC__SHUT)) == NC__SHUT_ASKED;
    bool open = (stream->state & NC__OPEN) && !stream->handle.closing;
    nc__handle_set_active(&stream->handle, open && (busy || wants_input(stream)));
}

static unsigned deliverable(const nc_stream *stream) {
    unsigned pending = stream->pending;
    return stream->state & NC__READING ? pending : pending & ~(unsigned)NC__GOT_INPUT;
}

void nc__stream_raise(nc_stream *stream, unsigned what) {
    stream->pending |= (uint16_t)what;
    if (deliverable(stream)) nc__handle_raise(&stream->handle);
}

void nc__stream_receive(nc_stream *stream) {
    if (!wants_input(stream) || (stream->state & (NC__OPEN | NC__CONNECTING)) != NC__OPEN || stream->slice.slab) return;
    if (stream->relay && !nc__relay_is_ready(stream->relay)) return;
    nc_port_receive(stream->handle.loop->port, &stream->sock);
}

void nc_stream_read_start(nc_stream *stream) {
    if (stream->handle.closing) return;
    stream->state |= NC__READING;
    if (deliverable(stream)) nc__handle_raise(&stream->handle);
    nc__stream_receive(stream);
    nc__stream_update_active(stream);
}

void nc_stream_read_stop(nc_stream *stream) {
    stream->state &= ~(uint32_t)NC__READING;
    if (stream->state & NC__OPEN) nc_port_receive_stop(stream->handle.loop->port, &stream->sock);
    nc__stream_update_active(stream);
}

static void end_input(nc_stream *stream, nc_status status) {
    stream->state |= NC__INPUT_ENDED;
    stream->receive_status = (int8_t)status;
    nc__stream_raise(stream, status == NC_EOF ? NC__GOT_EOF : NC__GOT_RECV_ERROR);
    nc__stream_update_active(stream);
    if (status == NC_EOF && stream->relay) nc__relay_end(stream);
}

static void received(nc_sock *sock, nc_status status, nc_slice slice) {
    nc_stream *stream = nc_container(sock, nc_stream, sock);
    if (status != NC_OK) {
        end_input(stream, status);
        return;
    }
    stream->received += slice.size;
    nc__stream_moved(stream);
    if (stream->relay) {
        nc__relay_pass(stream, &slice);
        return;
    }
    stream->slice = slice;
    nc__stream_raise(stream, NC__GOT_DATA);
}

static nc_sock *onward(nc_sock *sock) {
    const nc_stream *stream = nc_container(sock, nc_stream, sock);
    return stream->relay ? nc__relay_onward(stream->relay) : NULL;
}

static void passed(nc_sock *sock, const nc_passed *what) {
    nc_stream *stream = nc_container(sock, nc_stream, sock);
    stream->received += what->size + what->rest.size;
    nc__stream_moved(stream);
    nc__relay_passed(stream, what);
}

void nc__stream_take_back_slice(nc_stream *stream) {
    nc__slice_release(&stream->handle.loop->slices, &stream->slice);
    stream->pending &= (uint16_t)~NC__GOT_DATA;
    if (stream->handle.loop->lent == stream) stream->handle.loop->lent = NULL;
}

static void fill_data(nc_stream *stream, nc_event *event) {
    event->type = NC_EVENT_DATA;
    event->data = stream->slice.data;
    event->size = stream->slice.size;
    event->token = nc__slice_token(&stream->slice);
    stream->handle.loop->lent = stream;
}

static void fill_event(nc_stream *stream, unsigned what, nc_event *event) {
    if (what >> NC__GOT_LATER & NC__GOT_OUTPUT) what >>= NC__GOT_LATER;
    switch (what) {
        case NC__GOT_CONNECT:
            event->type = NC_EVENT_CONNECT;
            event->status = (nc_status)stream->connect_status;
            return;
        case NC__GOT_DATA: fill_data(stream, event); return;
        case NC__GOT_WROTE: event->type = NC_EVENT_WROTE; return;
        case NC__GOT_FINISH:
            event->type = NC_EVENT_FINISH;
            event->status = (nc_status)stream->finish_status;
            return;
        case NC__GOT_SEND_ERROR:
            event->type = NC_EVENT_SEND_ERROR;
            event->status = (nc_status)stream->send_status;
            return;
        case NC__GOT_EOF: event->type = NC_EVENT_EOF; return;
        default:
            event->type = NC_EVENT_RECV_ERROR;
            event->status = (nc_status)stream->receive_status;
            return;
    }
}

bool nc__stream_next_event(nc_stream *stream, nc_event *event) {
    unsigned due = deliverable(stream);
    if (due == 0) return false;
    unsigned what = due & (~due + 1);
    stream->pending &= (uint16_t)~what;
    event->owner = stream->handle.owner;
    event->stream = stream;
    fill_event(stream, what, event);
    if (due == what) nc__list_remove(&stream->handle.ready);
    return true;
}

void nc__stream_opened(nc_stream *stream, nc_sock_kind kind) {
    stream->state |= NC__OPEN | (kind == NC_SOCK_TCP ? 0 : NC__LOCAL);
    stream->moved_at = stream->handle.loop->now;
    nc__stream_receive(stream);
    nc__stream_update_active(stream);
}

nc_status nc__stream_accept(nc_loop *loop, nc_server *server, intptr_t fd, nc_sock_kind kind, nc_stream **out) {
    nc_stream *stream;
    nc_status status = nc_stream_new(loop, NULL, &stream);
    if (status != NC_OK) return status;
    status = nc_port_attach(loop->port, &stream->sock, fd, kind);
    if (status != NC_OK) {
        nc__stream_free(stream);
        return status;
    }
    stream->server = server;
    nc__stream_opened(stream, kind);
    *out = stream;
    return NC_OK;
}

static void closed(nc_sock *sock) {
    nc_stream *stream = nc_container(sock, nc_stream, sock);
    nc__writeq_drop(stream->handle.loop, &stream->queue);
    nc__handle_closed(&stream->handle);
}

/* What closing has to undo before the descriptor goes. Bytes that the kernel still reads stay until it is closed. */
static void let_go(nc_stream *stream) {
    nc_loop *loop = stream->handle.loop;
    nc__relay_leave(stream);
    nc__list_remove(&stream->dirty);
    nc__list_remove(&stream->handle.ready);
    nc__stream_take_back_slice(stream);
    nc__idle_free(stream);
    stream->pending = 0;
    stream->notify_at = UINT64_MAX;
    if (!nc_port_holds_buffers() || !(stream->state & NC__SEND_PENDING)) nc__writeq_drop(loop, &stream->queue);
    if (stream->server) nc__server_left(stream->server);
    stream->server = NULL;
}

static void close_stream(nc_stream *stream, bool reset) {
    if (stream->handle.closing) return;
    if (!reset) nc__stream_last_try(stream);
    bool lingers = !reset && nc__linger(stream);
    nc__handle_closing(&stream->handle);
    let_go(stream);
    if (lingers || !(stream->state & NC__OPEN)) {
        stream->state &= ~(uint32_t)NC__OPEN;
        nc__handle_closed(&stream->handle);
        return;
    }
    stream->state &= ~(uint32_t)NC__OPEN;
    nc_port_close(stream->handle.loop->port, &stream->sock, reset);
}

void nc_stream_close(nc_stream *stream) {
    close_stream(stream, false);
}

void nc_stream_reset(nc_stream *stream) {
    close_stream(stream, true);
}

void nc__stream_forget(nc_stream *stream) {
    nc_port_abandon(&stream->sock);
    stream->state &= ~(uint32_t)(NC__OPEN | NC__CONNECTING);
    if (stream->handle.closing) return;
    nc__handle_closing(&stream->handle);
    let_go(stream);
    nc__handle_closed(&stream->handle);
}

nc_status nc_stream_release(nc_stream *stream, intptr_t *fd) {
    if (!(stream->state & NC__OPEN) || stream->handle.closing) return NC_EBADF;
    /* What the embedder is looking at it has had. */
    bool keeps_input = stream->slice.slab && stream->handle.loop->lent != stream;
    bool keeps_error = (stream->pending & NC__GOT_ERROR) != 0; /* the kernel tells it only once */
    if (stream->queue.bytes > 0 || keeps_input || keeps_error) return NC_EBUSY;
    nc_status status = nc_port_detach(stream->handle.loop->port, &stream->sock, fd);
    if (status != NC_OK) return status;
    stream->state &= ~(uint32_t)NC__OPEN;
    close_stream(stream, true);
    return NC_OK;
}

void nc_stream_ref(nc_stream *stream) {
    nc__handle_set_ref(&stream->handle, true);
}

void nc_stream_unref(nc_stream *stream) {
    nc__handle_set_ref(&stream->handle, false);
}

bool nc_stream_has_ref(const nc_stream *stream) {
    return stream->handle.ref;
}

uint64_t nc_stream_bytes_received(const nc_stream *stream) {
    return stream->received;
}

uint64_t nc_stream_bytes_sent(const nc_stream *stream) {
    return stream->sent;
}

size_t nc_stream_bytes_queued(const nc_stream *stream) {
    return stream->queue.bytes;
}

bool nc_stream_is_open(const nc_stream *stream) {
    return (stream->state & NC__OPEN) && !stream->handle.closing;
}

bool nc_stream_is_local(const nc_stream *stream) {
    return (stream->state & NC__LOCAL) != 0;
}

intptr_t nc_stream_fd(const nc_stream *stream) {
    return stream->sock.fd;
}

static nc_status check_open(const nc_stream *stream) {
    return nc_stream_is_open(stream) ? NC_OK : NC_EBADF;
}

nc_status nc_stream_local_address(const nc_stream *stream, nc_addr *out) {
    nc_status status = check_open(stream);
    return status != NC_OK ? status : nc__socket_name(stream->sock.fd, out);
}

nc_status nc_stream_peer_address(const nc_stream *stream, nc_addr *out) {
    nc_status status = check_open(stream);
    return status != NC_OK ? status : nc__socket_peer(stream->sock.fd, out);
}

nc_status nc_stream_set_no_delay(nc_stream *stream, bool on) {
    nc_status status = check_open(stream);
    return status != NC_OK ? status : nc__socket_set_no_delay(stream->sock.fd, on);
}

nc_status nc_stream_set_keep_alive(nc_stream *stream, bool on, unsigned idle_s) {
    nc_status status = check_open(stream);
    return status != NC_OK ? status : nc__socket_set_keep_alive(stream->sock.fd, on, idle_s);
}

nc_status nc_stream_set_type_of_service(nc_stream *stream, unsigned tos) {
    nc_status status = check_open(stream);
    return status != NC_OK ? status : nc__socket_set_tos(stream->sock.fd, tos);
}

nc_status nc_stream_get_type_of_service(const nc_stream *stream, unsigned *tos) {
    nc_status status = check_open(stream);
    return status != NC_OK ? status : nc__socket_get_tos(stream->sock.fd, tos);
}

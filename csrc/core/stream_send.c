/* What goes out of a stream. Writing only queues; once a turn, a stream that was written to sends its queue in one call,
 * and goes on when the kernel has room again. */
#include "core/stream_int.h"

enum { UNSENDABLE = NC__CONNECTING | NC__SEND_PENDING | NC__SEND_FAILED };

void nc__stream_mark_dirty(nc_stream *stream) {
    if (nc__list_is_empty(&stream->dirty)) nc__list_append(&stream->handle.loop->dirty, &stream->dirty);
}

nc_status nc__stream_check_writable(const nc_stream *stream) {
    if (!nc_stream_is_open(stream)) return NC_ENOTCONN;
    if (stream->state & (NC__SHUT_ASKED | NC__SEND_FAILED | NC__CONNECT_FAILED)) return NC_EPIPE;
    return NC_OK;
}

nc_status nc_stream_write(nc_stream *stream, const void *data, size_t size, void *pin) {
    nc_status status = nc__stream_check_writable(stream);
    if (status != NC_OK) return status;
    if (size == 0 && !pin) return NC_OK;
    nc_loop *loop = stream->handle.loop;
    status =
        pin ? nc__writeq_pin(loop, &stream->queue, data, size, pin) : nc__writeq_copy(loop, &stream->queue, data, size);
    if (status != NC_OK) return status;
    nc__stream_mark_dirty(stream);
    nc__stream_update_active(stream);
    return NC_OK;
}

/* What was sent before a wait is told before what came in during it, and the other way about. */
static void raise_output(nc_stream *stream, unsigned what) {
    nc__stream_raise(stream, stream->pending & NC__GOT_INPUT ? what << NC__GOT_LATER : what);
}

static void fail(nc_stream *stream, nc_status status) {
    stream->state |= NC__SEND_FAILED;
    stream->send_status = (int8_t)status;
    nc__writeq_drop(stream->handle.loop, &stream->queue);
    raise_output(stream, NC__GOT_SEND_ERROR);
    nc__stream_update_active(stream);
}

static void note_sent(nc_stream *stream, size_t size) {
    stream->sent += size;
    if (size > 0) nc__stream_moved(stream);
    if (stream->sent < stream->notify_at) return;
    stream->notify_at = UINT64_MAX;
    raise_output(stream, NC__GOT_WROTE);
}

static void note_queue_sent(nc_stream *stream, size_t size) {
    nc__writeq_advance(stream->handle.loop, &stream->queue, size);
    note_sent(stream, size);
}

void nc_stream_notify_at(nc_stream *stream, uint64_t offset) {
    stream->pending &= (uint16_t) ~(NC__GOT_WROTE | NC__GOT_WROTE << NC__GOT_LATER);
    stream->notify_at = offset;
    if (stream->sent < offset) return;
    stream->notify_at = UINT64_MAX;
    raise_output(stream, NC__GOT_WROTE);
}

static void shut(nc_stream *stream) {
    stream->state |= NC__SHUT;
    stream->finish_status = (int8_t)nc_port_shutdown(stream->handle.loop->port, &stream->sock);
    raise_output(stream, NC__GOT_FINISH);
}

/* The queue is empty: what waited for that may go on. */
static void queue_emptied(nc_stream *stream) {
    if ((stream->state & (NC__SHUT_ASKED | NC__SHUT)) == NC__SHUT_ASKED) shut(stream);
    if (!nc__list_is_empty(&stream->sources)) nc__relay_resume(stream);
    nc__stream_update_active(stream);
}

/* One send. NC_EAGAIN: the rest waits for nc__stream_sent(). */
static nc_status send_some(nc_stream *stream) {
    nc_buf bufs[NC_PORT_BUFS_MAX];
    size_t size, count = nc__writeq_gather(&stream->queue, bufs);
    nc_status status = nc_port_send(stream->handle.loop->port, &stream->sock, bufs, count, &size);
    if (status == NC_OK || status == NC_EAGAIN) note_queue_sent(stream, size);
    return status;
}

static void wait_for_room(nc_stream *stream) {
    stream->state |= NC__SEND_PENDING;
    if (!nc_port_holds_buffers()) nc__writeq_settle(stream->handle.loop, &stream->queue);
}

void nc_stream_flush(nc_stream *stream) {
    nc__list_remove(&stream->dirty);
    if (!nc_stream_is_open(stream) || (stream->state & UNSENDABLE)) return;
    if (stream->queue.head) {
        nc_status status = send_some(stream);
        if (status == NC_EAGAIN) {
            wait_for_room(stream);
            return;
        }
        if (status != NC_OK) {
            fail(stream, status);
            return;
        }
    }
    if (stream->queue.head) {
        nc__stream_mark_dirty(stream); /* more buffers than one send takes */
    } else {
        queue_emptied(stream);
    }
}

void nc__stream_sent(nc_sock *sock, nc_status status, size_t size) {
    nc_stream *stream = nc_container(sock, nc_stream, sock);
    stream->state &= ~(uint32_t)NC__SEND_PENDING;
    if (status != NC_OK) {
        fail(stream, status);
        return;
    }
    note_queue_sent(stream, size);
    nc_stream_flush(stream);
}

bool nc__stream_sends_at_once(const nc_stream *stream) {
    return !nc_port_holds_buffers() && !stream->queue.head && !(stream->state & UNSENDABLE);
}

/* Sends what of a slice the kernel takes now; the slice is what is left. */
static nc_status send_slice(nc_stream *stream, nc_slice *slice) {
    nc_buf buf = {slice->data, slice->size};
    size_t size;
    nc_status status = nc_port_send(stream->handle.loop->port, &stream->sock, &buf, 1, &size);
    if (status != NC_OK && status != NC_EAGAIN) return status;
    slice->data += size;
    slice->size -= size;
    note_sent(stream, size);
    return status;
}

static void queue_slice(nc_stream *stream, nc_slice *slice, bool is_blocked) {
    nc_loop *loop = stream->handle.loop;
    nc_status status = nc__writeq_slice(loop, &stream->queue, slice);
    if (status != NC_OK) {
        nc__slice_release(&loop->slices, slice);
        fail(stream, status);
        return;
    }
    if (is_blocked) {
        wait_for_room(stream);
    } else {
        nc_stream_flush(stream);
    }
    nc__stream_update_active(stream);
}

/* A slice that need not wait for others, and that the kernel takes whole, never sees the queue. A port that reads the
 * bytes after the call needs to find them there. */
void nc__stream_send_slice(nc_stream *stream, nc_slice *slice) {
    bool waits = !nc__stream_sends_at_once(stream);
    nc_status status = waits ? NC_OK : send_slice(stream, slice);
    if (waits || status == NC_EAGAIN) {
        queue_slice(stream, slice, !waits);
        return;
    }
    nc__slice_release(&stream->handle.loop->slices, slice);
    if (status != NC_OK) fail(stream, status);
}

void nc__stream_sent_past(nc_stream *stream, const nc_passed *passed) {
    nc_slice rest = passed->rest;
    note_sent(stream, passed->size);
    if (passed->status != NC_OK) {
        nc__slice_release(&stream->handle.loop->slices, &rest);
        fail(stream, passed->status);
    } else if (rest.slab) {
        nc__stream_send_slice(stream, &rest);
    }
}

void nc_loop_flush(nc_loop *loop) {
    nc_list batch;
    nc__list_init(&batch);
    nc__list_append_all(&batch, &loop->dirty);
    for (nc_list *link; (link = nc__list_shift(&batch));) nc_stream_flush(nc_container(link, nc_stream, dirty));
    nc__list_append_all(&loop->ready,
                        &loop->incoming); /* what came of it can be handed out now, not in the next turn only */
}

void nc_stream_shutdown(nc_stream *stream) {
    if (!nc_stream_is_open(stream) || (stream->state & NC__SHUT_ASKED)) return;
    stream->state |= NC__SHUT_ASKED;
    nc__stream_mark_dirty(stream);
    nc__stream_update_active(stream);
}

/* A closing stream sends what the kernel takes at once: who wrote and then closed has, in Node, sent. */
void nc__stream_last_try(nc_stream *stream) {
    if (!nc_stream_is_open(stream) || (stream->state & UNSENDABLE) || !stream->queue.head) return;
    nc_status status = send_some(stream);
    if (status != NC_OK) stream->state |= NC__SEND_FAILED;
}

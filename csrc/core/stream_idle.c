/* Idle timeouts. While bytes flow only `moved_at` is written; the deadline stays where it was and, when its time
 * comes, is moved to where the last byte would have put it. After it has fired it is out of the heap, and the next
 * byte puts it back. */
#include <stdlib.h>

#include "core/stream_int.h"

struct nc_idle {
    nc_deadline deadline;
    nc_stream *stream;
    uint64_t ms;
};

static uint64_t due_at(const nc_idle *idle) {
    uint64_t from = idle->stream->moved_at;
    return idle->ms > UINT64_MAX - from ? UINT64_MAX : from + idle->ms;
}

/* Moving an entry that is in the heap needs no memory, so it cannot fail. */
static bool expire(nc_loop *loop, nc_deadline *deadline) {
    uint64_t due = due_at(nc_container(deadline, nc_idle, deadline));
    return due <= loop->now || nc__deadline_start(loop, deadline, due) != NC_OK;
}

static void idle_event(nc_loop *loop, nc_deadline *deadline, nc_event *event) {
    nc_stream *stream = nc_container(deadline, nc_idle, deadline)->stream;
    nc__deadline_stop(loop, deadline);
    event->type = NC_EVENT_IDLE;
    event->owner = stream->handle.owner;
    event->stream = stream;
}

void nc__idle_restart(nc_stream *stream) {
    nc_idle *idle = stream->idle;
    if (nc__deadline_is_set(&idle->deadline)) return;
    /* Without memory the timeout does not come again: the loss of a notice, not of bytes. */
    if (nc__deadline_start(stream->handle.loop, &idle->deadline, due_at(idle)) != NC_OK) return;
}

void nc__idle_free(nc_stream *stream) {
    if (!stream->idle) return;
    nc__deadline_stop(stream->handle.loop, &stream->idle->deadline);
    free(stream->idle);
    stream->idle = NULL;
}

nc_status nc_stream_set_timeout(nc_stream *stream, uint64_t ms) {
    nc__idle_free(stream);
    if (ms == 0 || stream->handle.closing) return NC_OK;
    nc_idle *idle = calloc(1, sizeof *idle);
    if (!idle) return NC_ENOMEM;
    idle->deadline.expire = expire;
    idle->deadline.event = idle_event;
    idle->stream = stream;
    idle->ms = ms;
    stream->idle = idle;
    stream->moved_at = stream->handle.loop->now;
    return nc__deadline_start(stream->handle.loop, &idle->deadline, due_at(idle));
}

void nc_stream_touch(nc_stream *stream) {
    nc__stream_moved(stream);
}

/* The native relay. A slice goes from the stream that received it to the target and is sent at once; as a rule it is
 * gone before the next socket is looked at, so that the next receive reuses the same memory. While the
 * target's queue is not empty its sources are not asked to receive: at most one slice waits for each. */
#include "netcore/relay.h"

#include <stdlib.h>

#include "core/stream_int.h"

struct nc_relay {
    nc_list link; /* among the target's sources */
    nc_stream *from, *to;
    bool end_too;
};

bool nc__relay_is_ready(const nc_relay *relay) {
    return relay->to->queue.bytes == 0 && !(relay->to->state & (NC__CONNECTING | NC__SEND_FAILED));
}

/* If the target takes no more bytes (its own event says why), these are lost, as they would be in flight. */
void nc__relay_pass(nc_stream *from, nc_slice *slice) {
    nc_stream *to = from->relay->to;
    if (nc__stream_check_writable(to) != NC_OK) {
        nc__slice_release(&from->handle.loop->slices, slice);
        return;
    }
    nc__stream_send_slice(to, slice);
    nc__stream_receive(from);
}

/* An echo is copied, since its one peer is what it waits for: pages that have changed hands are cold where they are read. */
nc_sock *nc__relay_onward(const nc_relay *relay) {
    nc_stream *to = relay->to;
    bool at_once = nc__stream_sends_at_once(to) && nc__stream_check_writable(to) == NC_OK;
    return at_once && to != relay->from ? &to->sock : NULL;
}

void nc__relay_passed(nc_stream *from, const nc_passed *passed) {
    nc__stream_sent_past(from->relay->to, passed);
    nc__stream_receive(from);
}

void nc__relay_end(nc_stream *from) {
    if (from->relay->end_too) nc_stream_shutdown(from->relay->to);
}

void nc__relay_resume(nc_stream *to) {
    for (nc_list *link = to->sources.next; link != &to->sources; link = link->next) {
        nc__stream_receive(nc_container(link, nc_relay, link)->from);
    }
}

static void drop(nc_relay *relay) {
    relay->from->relay = NULL;
    nc__list_remove(&relay->link);
    free(relay);
}

void nc__relay_leave(nc_stream *stream) {
    if (stream->relay) drop(stream->relay);
    for (nc_list *link; (link = nc__list_shift(&stream->sources));) {
        nc_relay *relay = nc_container(link, nc_relay, link);
        nc_stream *from = relay->from;
        drop(relay);
        nc_stream_read_stop(from);
    }
}

/* What `from` had received before the relay began, and an end it had met. */
static void pass_earlier(nc_stream *from) {
    if (from->pending & NC__GOT_DATA) {
        nc_slice slice = from->slice;
        from->slice.slab = NULL;
        from->pending &= (uint16_t)~NC__GOT_DATA;
        nc__relay_pass(from, &slice);
    }
    if ((from->state & NC__INPUT_ENDED) && from->receive_status == NC_EOF) nc__relay_end(from);
}

nc_status nc_relay_start(nc_stream *from, nc_stream *to, bool end_too) {
    if (!nc_stream_is_open(from) || !nc_stream_is_open(to) || from->handle.loop != to->handle.loop) return NC_EINVAL;
    if (from->relay || from->handle.loop->lent == from) return NC_EBUSY;
    if (to->state & (NC__SHUT_ASKED | NC__SEND_FAILED)) return NC_EPIPE;
    nc_relay *relay = malloc(sizeof *relay);
    if (!relay) return NC_ENOMEM;
    *relay = (nc_relay){.from = from, .to = to, .end_too = end_too};
    nc__list_init(&relay->link);
    nc__list_append(&to->sources, &relay->link);
    from->relay = relay;
    pass_earlier(from);
    nc_stream_read_start(from);
    return NC_OK;
}

void nc_relay_stop(nc_stream *from) {
    if (!from->relay) return;
    drop(from->relay);
    nc_stream_read_stop(from);
}

nc_stream *nc_relay_target(const nc_stream *from) {
    return from->relay ? from->relay->to : NULL;
}

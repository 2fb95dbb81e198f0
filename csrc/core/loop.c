/* The turn, and the handing out of events. See netcore/loop.h for how the two alternate. */
#include "netcore/loop.h"

#include <stdlib.h>

#include "core/loop_int.h"
#include "core/resolve_int.h"
#include "core/server_int.h"
#include "core/stream_int.h"
#include "port/os.h"

nc_status nc_loop_new(nc_loop **out) {
    nc_loop *loop = calloc(1, sizeof *loop);
    if (!loop) return NC_ENOMEM;
    nc__list_init(&loop->handles);
    nc__list_init(&loop->incoming);
    nc__list_init(&loop->ready);
    nc__list_init(&loop->closed);
    nc__list_init(&loop->dirty);
    nc__list_init(&loop->lingers);
    loop->now = nc__os_now_ms();
    nc_status status = nc_port_new(&loop->slices, &loop->port);
    if (status != NC_OK) {
        free(loop);
        return status;
    }
    *out = loop;
    return NC_OK;
}

void nc_loop_close_all(nc_loop *loop) {
    for (nc_list *link = loop->handles.next; link != &loop->handles; link = link->next) {
        nc_handle *handle = nc_container(link, nc_handle, all);
        if (handle->kind == NC__STREAM) nc_stream_close(nc__stream_of(handle));
        if (handle->kind == NC__SERVER) nc_server_close(nc__server_of(handle));
    }
    nc__timers_stop(loop);
}

static void free_handle(nc_handle *handle) {
    switch ((nc_handle_kind)handle->kind) {
        case NC__STREAM: nc__stream_free(nc__stream_of(handle)); return;
        case NC__SERVER: nc__server_free(nc__server_of(handle)); return;
        case NC__LOOKUP: nc_lookup_free(nc__lookup_of(handle)); return;
    }
}

/* Connections that were accepted and never handed out are nobody's to close but ours. */
static void drop_events(nc_loop *loop) {
    nc_event event;
    nc__list_append_all(&loop->ready, &loop->incoming);
    while (nc_loop_next(loop, NC_PHASE_IO, &event)) {
        if (event.type == NC_EVENT_CONNECTION) nc_stream_close(event.stream);
    }
    while (nc_loop_next(loop, NC_PHASE_CLOSE, &event)) continue;
}

/* Backends that complete what they cancel need polls until the last descriptor is closed. */
static void wait_for_closed(nc_loop *loop) {
    bool woken;
    for (;;) {
        drop_events(loop);
        bool lingers = !nc__lingers_end(loop);
        if (loop->closing == 0 && !lingers) return;
        if (nc_port_poll(loop->port, 10, &woken) == NC_ENOMEM) return;
    }
}

static void free_parts(nc_loop *loop) {
    while (!nc__list_is_empty(&loop->handles)) free_handle(nc_container(loop->handles.next, nc_handle, all));
    nc__resolver_free(loop);
    nc_port_free(loop->port);
    nc__slices_free(&loop->slices);
    nc__chunks_free(loop);
    nc__heap_free(&loop->deadlines);
    free(loop);
}

void nc_loop_free(nc_loop *loop) {
    if (!loop) return;
    nc_loop_close_all(loop);
    wait_for_closed(loop);
    free_parts(loop);
}

void nc_loop_forget(nc_loop *loop) {
    nc_port_forget(loop->port);
    nc__lingers_forget(loop);
    for (nc_list *link = loop->handles.next; link != &loop->handles; link = link->next) {
        nc_handle *handle = nc_container(link, nc_handle, all);
        if (handle->kind == NC__STREAM) nc__stream_forget(nc__stream_of(handle));
        if (handle->kind == NC__SERVER) nc__server_forget(nc__server_of(handle));
    }
    loop->resolver = NULL; /* its threads are the parent's, its monitor in an unknown state */
}

nc_status nc_loop_offer(nc_loop *loop, void *data, size_t size, void *token) {
    return nc__slices_offer(&loop->slices, data, size, token);
}

void *nc_loop_withdraw(nc_loop *loop) {
    return nc__slices_withdraw(&loop->slices);
}

void nc_loop_wake(nc_loop *loop) {
    nc_port_wake(loop->port);
}

intptr_t nc_loop_wake_fd(const nc_loop *loop) {
    return nc_port_wake_fd(loop->port);
}

intptr_t nc_loop_fd(const nc_loop *loop) {
    return nc_port_fd(loop->port);
}

nc_status nc_loop_wait(nc_loop *loop, int64_t ms) {
    return nc_port_wait(loop->port, ms);
}

uint64_t nc_loop_now(const nc_loop *loop) {
    return loop->now;
}

void nc_loop_update_time(nc_loop *loop) {
    loop->now = nc__os_now_ms();
}

uint64_t nc_loop_lag(const nc_loop *loop) {
    return nc__os_now_ms() - loop->now;
}

static bool has_events(const nc_loop *loop) {
    return !nc__list_is_empty(&loop->ready) || !nc__list_is_empty(&loop->incoming) || !nc__list_is_empty(&loop->closed);
}

/* Events count, because their handle may be idle already: a local connect has its outcome at once. */
bool nc_loop_alive(const nc_loop *loop) {
    return loop->active > 0 || loop->closing > 0 || has_events(loop);
}

/* Until there is something to do that the port does not know of. */
static int64_t own_timeout(const nc_loop *loop) {
    if (has_events(loop) || !nc__list_is_empty(&loop->dirty)) return 0;
    const nc_heap_node *first = nc__heap_first(&loop->deadlines);
    if (!first) return -1;
    if (first->time <= loop->now) return 0;
    uint64_t rest = first->time - loop->now;
    return rest > INT32_MAX ? INT32_MAX : (int64_t)rest;
}

int64_t nc_loop_timeout(nc_loop *loop) {
    int64_t own = own_timeout(loop), port = nc_port_timeout(loop->port);
    if (own < 0 || port < 0) return own < 0 ? port : own;
    return port < own ? port : own;
}

/* The wait ends with the first of: the embedder's limit, the next deadline, and at once if there is work or nothing that
 * is worth waiting for. */
static int64_t time_to_wait(nc_loop *loop, int64_t max_wait_ms) {
    if (!nc_loop_alive(loop)) return 0;
    int64_t timeout = own_timeout(loop);
    if (timeout < 0) return max_wait_ms;
    return max_wait_ms >= 0 && max_wait_ms < timeout ? max_wait_ms : timeout;
}

static unsigned poll_once(nc_loop *loop, int64_t max_wait_ms) {
    bool woken;
    nc_loop_flush(loop);
    nc_status status = nc_port_poll(loop->port, time_to_wait(loop, max_wait_ms), &woken);
    nc_loop_update_time(loop);
    if (woken) nc__resolver_collect(loop);
    unsigned ended = woken ? NC_TURN_WOKEN : 0;
    if (status != NC_OK) ended |= NC_TURN_INTERRUPTED;
    if (nc__deadline_due(loop)) ended |= NC_TURN_TIMERS;
    if (has_events(loop)) ended |= NC_TURN_EVENTS;
    if (!ended && !nc_loop_alive(loop)) ended |= NC_TURN_IDLE;
    return ended;
}

static void give_back_lent(nc_loop *loop) {
    nc_stream *stream = loop->lent;
    if (!stream) return;
    nc__stream_take_back_slice(stream);
    nc__stream_receive(stream);
}

unsigned nc_loop_turn(nc_loop *loop, int64_t max_wait_ms) {
    give_back_lent(loop);
    uint64_t begin = loop->now;
    unsigned ended;
    do {
        uint64_t spent = loop->now - begin;
        int64_t left = max_wait_ms <= 0                ? max_wait_ms
                       : (uint64_t)max_wait_ms > spent ? max_wait_ms - (int64_t)spent
                                                       : 0;
        ended = poll_once(loop, left);
        if (!ended && max_wait_ms >= 0 && loop->now - begin >= (uint64_t)max_wait_ms) break;
    } while (!ended);
    nc__list_append_all(&loop->ready, &loop->incoming);
    return ended;
}

static bool ask(nc_handle *handle, nc_event *event) {
    switch ((nc_handle_kind)handle->kind) {
        case NC__STREAM: return nc__stream_next_event(nc__stream_of(handle), event);
        case NC__SERVER: return nc__server_next_event(nc__server_of(handle), event);
        default: return nc__lookup_next_event(handle, event);
    }
}

static bool next_io(nc_loop *loop, nc_event *event) {
    while (!nc__list_is_empty(&loop->ready)) {
        nc_list *link = loop->ready.next;
        if (ask(nc_container(link, nc_handle, ready), event)) return true;
        /* A server that closes may have moved to another list by itself. */
        if (loop->ready.next == link) nc__list_remove(link);
    }
    return false;
}

/* Streams nobody owned (accepted, and never handed out) go without a word. */
static bool next_closed(nc_loop *loop, nc_event *event) {
    nc_list *link;
    while ((link = nc__list_shift(&loop->closed))) {
        nc_handle *handle = nc_container(link, nc_handle, ready);
        event->type = NC_EVENT_CLOSED;
        event->owner = handle->owner;
        event->stream = handle->kind == NC__STREAM ? nc__stream_of(handle) : NULL;
        free_handle(handle);
        if (event->owner) return true;
    }
    return false;
}

static bool next_timer(nc_loop *loop, nc_event *event) {
    nc_deadline *deadline = nc__deadline_due(loop);
    if (!deadline) return false;
    deadline->event(loop, deadline, event);
    return true;
}

bool nc_loop_next(nc_loop *loop, nc_phase phase, nc_event *event) {
    give_back_lent(loop);
    *event = (nc_event){.type = NC_EVENT_NONE, .status = NC_OK};
    switch (phase) {
        case NC_PHASE_IO: return next_io(loop, event);
        case NC_PHASE_CLOSE: return next_closed(loop, event);
        default: return next_timer(loop, event);
    }
}

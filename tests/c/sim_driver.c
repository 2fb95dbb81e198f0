/* Random schedules over the simulated port. One run plays an embedder that does at every event something at random (write,
 * pause, shut down, close, reset, relay...) and the peers of its connections, and checks the rules that hold whatever
 * the kernel does:
 *
 *  - input is the peer's bytes, in order, without a gap, each once; EOF or an error once, and nothing after it;
 *  - what the peer gets are the bytes written, in order, and all of them if both sides ended in peace;
 *  - CONNECT is the first event, FINISH comes once and after the whole queue, WROTE not before its offset;
 *  - while a stream is stopped no input comes; after closing nothing comes but CLOSED, once;
 *  - every pin comes back once; every descriptor is closed; in the end the loop is not alive.
 */
#include "sim_driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop_int.h"
#include "netcore/relay.h"
#include "netcore/server.h"
#include "netcore/timer.h"
#include "sim_port.h"

enum { STREAMS = 64, ROUNDS = 300, WRITE_MAX = 20000 };

typedef struct side {
    uint64_t salt; /* of the pattern of the bytes this side sends */
    uint64_t sent, got;
} side;

typedef struct item {
    nc_stream *stream; /* NULL: closed */
    sim_end *peer;
    side ours, theirs;
    uint64_t notify;
    struct item *source; /* whose bytes we relay to our peer; then nothing of our own is written */
    bool live, reading, closing, connecting, ended, shut, finished, failed, relayed, peer_fin, peer_gone, hostile;
    bool idle_set;
    uint64_t idle_from, idle_ms;
} item;

typedef struct run {
    nc_loop *loop;
    nc_server *server;
    bool server_closing, server_closed;
    int listener;
    item items[STREAMS];
    size_t count;
    size_t dialled;
    size_t pins, unpinned;
    char *message;
    size_t cap;
    bool failed;
} run;

static void fail(run *r, const char *format, ...) {
    if (r->failed) return;
    r->failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(r->message, r->cap, format, args);
    va_end(args);
}

static uint8_t pattern(uint64_t salt, uint64_t at) {
    uint64_t x = (at + salt * 7919) * 0x9E3779B97F4A7C15ULL;
    return (uint8_t)(x >> 56);
}

static void fill(uint8_t *data, size_t size, uint64_t salt, uint64_t at) {
    for (size_t i = 0; i < size; i++) data[i] = pattern(salt, at + i);
}

static bool matches(const uint8_t *data, size_t size, uint64_t salt, uint64_t at) {
    for (size_t i = 0; i < size; i++) {
        if (data[i] != pattern(salt, at + i)) return false;
    }
    return true;
}

static item *new_item(run *r, nc_stream *stream) {
    item *it = &r->items[r->count];
    it->ours.salt = r->count * 2 + 1;
    it->theirs.salt = r->count * 2 + 2;
    r->count++;
    it->stream = stream;
    it->live = true;
    nc_stream_set_owner(stream, it);
    return it;
}

/* What the embedder does */

static void start_reading(item *it) {
    it->reading = true;
    nc_stream_read_start(it->stream);
}

/* From here on the embedder sees the bytes again: what came until now was relayed. */
static void relay_stopped(item *it) {
    it->relayed = it->reading = false;
    it->theirs.got = nc_stream_bytes_received(it->stream);
}

static void stop_reading(item *it) {
    if (it->relayed) {
        nc_relay_stop(it->stream);
        relay_stopped(it);
    }
    it->reading = false;
    nc_stream_read_stop(it->stream);
}

static void write_some(run *r, item *it) {
    if (it->source || it->shut) return;
    size_t size = 1 + sim_random(sim_random(4) ? 200 : WRITE_MAX);
    bool pinned = sim_random(2);
    uint8_t *data = malloc(size);
    fill(data, size, it->ours.salt, it->ours.sent);
    nc_status status = nc_stream_write(it->stream, data, size, pinned ? data : NULL);
    if (status == NC_OK) {
        it->ours.sent += size;
        r->pins += pinned;
    } else if (!it->failed && status != NC_ENOTCONN && status != NC_EPIPE) {
        fail(r, "write: %s", nc_status_name(status));
    }
    if (status != NC_OK || !pinned) free(data);
}

/* A relay into a stream that closes is stopped. */
static void leave_relays(run *r, const item *to) {
    for (size_t i = 0; i < r->count; i++) {
        item *from = &r->items[i];
        if (from->relayed && to->source == from) relay_stopped(from);
    }
}

static void close_item(run *r, item *it, bool reset) {
    leave_relays(r, it);
    it->relayed = false;
    it->closing = true;
    it->hostile |= reset;
    if (reset) {
        nc_stream_reset(it->stream);
    } else {
        nc_stream_close(it->stream);
    }
}

static item *some_item(run *r) {
    return r->count ? &r->items[sim_random((uint32_t)r->count)] : NULL;
}

/* A relay is begun only where neither side has sent or seen anything yet, so that the pattern shows whose bytes
 * arrive. */
static void relay_some(run *r, item *from) {
    item *to = some_item(r);
    bool fresh = to->live && !to->closing && !to->source && to->ours.sent == 0 && !to->shut && !to->failed;
    if (!fresh || from->theirs.got > 0 || from->relayed || from->ended || from->closing) return;
    if (nc_relay_start(from->stream, to->stream, true) != NC_OK) return;
    from->relayed = from->reading = true;
    to->source = from;
}

static void notify_some(item *it) {
    it->notify = nc_stream_bytes_sent(it->stream) + nc_stream_bytes_queued(it->stream);
    nc_stream_notify_at(it->stream, it->notify);
}

static void set_idle(run *r, item *it) {
    it->idle_ms = sim_random(3) ? 1 + sim_random(50) : 0;
    it->idle_set = it->idle_ms != 0;
    it->idle_from = nc_loop_now(r->loop);
    if (nc_stream_set_timeout(it->stream, it->idle_ms) != NC_OK) fail(r, "no timeout");
}

static void act(run *r, item *it) {
    if (!it->live || it->closing) return;
    switch (sim_random(24)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4: write_some(r, it); return;
        case 5:
        case 6:
        case 7: start_reading(it); return;
        case 8: stop_reading(it); return;
        case 9:
            it->shut = true;
            /* What is still to be relayed has no way out, and the relay stands still. */
            if (it->source) it->hostile = it->source->hostile = true;
            nc_stream_shutdown(it->stream);
            return;
        case 10: close_item(r, it, false); return;
        case 11:
            if (sim_random(4) == 0) close_item(r, it, true);
            return;
        case 12:
        case 13: relay_some(r, it); return;
        case 14: notify_some(it); return;
        case 15: nc_stream_flush(it->stream); return;
        case 16: set_idle(r, it); return;
        case 17: sim_random(2) ? nc_stream_ref(it->stream) : nc_stream_unref(it->stream); return;
        case 18:
            nc_stream_touch(it->stream);
            it->idle_from = nc_loop_now(r->loop);
            return;
        default: return;
    }
}

static void connect_one(run *r) {
    static const nc_addr peer = {.family = 4, .port = 80};
    nc_stream *stream;
    if (r->count == STREAMS || nc_stream_new(r->loop, NULL, &stream) != NC_OK) return;
    item *it = new_item(r, stream);
    nc_status status = nc_stream_connect(stream, &peer, sim_random(4) ? NULL : &peer);
    if (status != NC_OK) {
        close_item(r, it, false);
        return;
    }
    it->connecting = true;
    it->peer = sim_answer();
    if (!it->peer) it->hostile = true;
}

/* What the peers do */

static void peer_read(run *r, item *it) {
    uint8_t data[5000];
    size_t size = sim_read(it->peer, data, 1 + sim_random(sizeof data));
    side *from = it->source ? &it->source->theirs : &it->ours;
    if (!matches(data, size, from->salt, it->ours.got))
        fail(r, "the peer got other bytes at %llu", (unsigned long long)it->ours.got);
    it->ours.got += size;
}

static void peer_write(item *it) {
    uint8_t data[6000];
    if (it->peer_fin) return;
    size_t size = 1 + sim_random(sim_random(2) ? 50 : sizeof data);
    fill(data, size, it->theirs.salt, it->theirs.sent);
    sim_write(it->peer, data, size);
    it->theirs.sent += size;
}

static void peer_act(run *r, item *it) {
    if (!it->peer || it->peer_gone) return;
    switch (sim_random(16)) {
        case 0:
        case 1:
        case 2:
        case 3: peer_read(r, it); return;
        case 4:
        case 5:
        case 6: peer_write(it); return;
        case 7:
            it->peer_fin = true;
            sim_fin(it->peer);
            return;
        case 8:
            if (sim_random(16)) return;
            it->hostile = it->peer_gone = it->peer_fin = true;
            sim_abort(it->peer);
            return;
        default: return;
    }
}

/* What the embedder hears */

static void on_data(run *r, item *it, const nc_event *event) {
    if (!it->reading) fail(r, "data while stopped");
    if (it->relayed) fail(r, "data of a relayed stream");
    if (it->ended) fail(r, "data after the end");
    if (!matches(event->data, event->size, it->theirs.salt, it->theirs.got)) {
        fail(r, "stream %zu got other data than was sent at %llu of %llu", (size_t)(it - r->items),
             (unsigned long long)it->theirs.got, (unsigned long long)it->theirs.sent);
    }
    it->theirs.got += event->size;
}

static void on_end(run *r, item *it, bool peaceful) {
    if (!it->reading) fail(r, "an end while stopped");
    if (it->ended) fail(r, "a second end");
    it->ended = true;
    if (peaceful && !it->relayed && it->theirs.got != it->theirs.sent) {
        fail(r, "EOF after %llu of %llu bytes", (unsigned long long)it->theirs.got,
             (unsigned long long)it->theirs.sent);
    }
    if (!peaceful) it->hostile = true;
}

static void on_finish(run *r, item *it, nc_status status) {
    bool asked = it->shut || (it->source != NULL);
    if (!asked) fail(r, "finish without shutdown");
    if (it->finished) fail(r, "finish twice");
    it->finished = true;
    if (nc_stream_bytes_queued(it->stream)) fail(r, "finish before the queue was sent");
    if (status != NC_OK) it->hostile = true;
}

static void on_stream_event(run *r, item *it, const nc_event *event) {
    if (!it->live) fail(r, "an event after CLOSED");
    if (it->closing) fail(r, "event %d after close", (int)event->type);
    bool early = event->type == NC_EVENT_CONNECT || event->type == NC_EVENT_WROTE; /* of an offset reached already */
    if (it->connecting && !early) fail(r, "event %d before CONNECT", (int)event->type);
    switch (event->type) {
        case NC_EVENT_CONNECT:
            if (!it->connecting) fail(r, "CONNECT twice");
            it->connecting = false;
            if (event->status != NC_OK) close_item(r, it, false);
            return;
        case NC_EVENT_DATA: on_data(r, it, event); return;
        case NC_EVENT_WROTE:
            if (nc_stream_bytes_sent(it->stream) < it->notify) fail(r, "WROTE before its offset");
            return;
        case NC_EVENT_FINISH: on_finish(r, it, event->status); return;
        case NC_EVENT_SEND_ERROR:
            if (it->failed) fail(r, "SEND_ERROR twice");
            it->failed = it->hostile = true;
            close_item(r, it, false);
            return;
        case NC_EVENT_EOF: on_end(r, it, true); return;
        case NC_EVENT_RECV_ERROR: on_end(r, it, false); return;
        default: fail(r, "event %d of a stream", (int)event->type); return;
    }
}

static void on_connection(run *r, const nc_event *event) {
    if (r->count == STREAMS) {
        nc_stream_close(event->stream);
        return;
    }
    item *it = new_item(r, event->stream);
    it->peer = sim_peer((int)nc_stream_fd(event->stream));
    if (sim_random(4)) start_reading(it);
}

static void on_server_event(run *r, const nc_event *event) {
    if (event->type == NC_EVENT_CONNECTION) {
        on_connection(r, event);
    } else if (event->type != NC_EVENT_DROP && event->type != NC_EVENT_ACCEPT_ERROR) {
        fail(r, "event %d of a server", (int)event->type);
    }
}

static void on_closed(run *r, void *owner) {
    if (owner == r) {
        r->server_closed = true;
        return;
    }
    item *it = owner;
    if (!it->live) fail(r, "CLOSED twice");
    if (!it->closing) fail(r, "CLOSED without close");
    it->live = false;
    it->stream = NULL;
}

static void on_idle(run *r, item *it) {
    if (it->closing) fail(r, "IDLE after close");
    if (!it->idle_set) fail(r, "IDLE without a timeout");
    if (nc_loop_now(r->loop) < it->idle_from + it->idle_ms) fail(r, "IDLE too early");
}

static void take_pins(run *r) {
    for (void *pin; (pin = nc_loop_next_unpinned(r->loop));) {
        r->unpinned++;
        free(pin);
    }
}

static void drain(run *r) {
    nc_event event;
    while (!r->failed && nc_loop_next(r->loop, NC_PHASE_IO, &event)) {
        if (event.owner == r) {
            on_server_event(r, &event);
        } else {
            on_stream_event(r, event.owner, &event);
            act(r, event.owner);
            if (sim_random(4) == 0) act(r, some_item(r));
        }
    }
    while (!r->failed && nc_loop_next(r->loop, NC_PHASE_CLOSE, &event)) on_closed(r, event.owner);
    while (!r->failed && nc_loop_next(r->loop, NC_PHASE_TIMERS, &event)) on_idle(r, event.owner);
    take_pins(r);
}

static void one_round(run *r) {
    sim_advance(sim_random(8));
    if (r->server && !r->server_closing && r->dialled < STREAMS / 2 && sim_random(12) == 0) {
        if (sim_dial(r->listener)) r->dialled++;
    }
    if (sim_random(12) == 0) connect_one(r);
    for (size_t i = 0; i < r->count; i++) {
        peer_act(r, &r->items[i]);
        if (sim_random(6) == 0) act(r, &r->items[i]);
    }
    if (r->server && !r->server_closing && sim_random(400) == 0) {
        r->server_closing = true;
        nc_server_close(r->server);
    }
    nc_loop_turn(r->loop, sim_random(5));
    drain(r);
}

/* The end in peace: no more faults; whoever is open shuts down and reads to the end, and so does his peer. What both
 * ends then have must be whole. */
static void quiet_round(run *r) {
    for (size_t i = 0; i < r->count; i++) {
        item *it = &r->items[i];
        if (it->peer && !it->peer_gone) {
            for (int k = 0; k < 30; k++) peer_read(r, it);
            if (!it->peer_fin) sim_fin(it->peer);
            it->peer_fin = true;
        }
        if (!it->live || it->closing) continue;
        if (!it->reading) start_reading(it);
        bool ended_by_relay = it->source && it->source->relayed && !it->source->hostile;
        if (!it->shut && !ended_by_relay) {
            it->shut = true;
            nc_stream_shutdown(it->stream);
        }
    }
    nc_loop_turn(r->loop, 1);
    for (nc_event event; !r->failed;) {
        if (nc_loop_next(r->loop, NC_PHASE_IO, &event)) {
            if (event.owner == r) {
                on_server_event(r, &event);
            } else {
                on_stream_event(r, event.owner, &event);
            }
        } else if (nc_loop_next(r->loop, NC_PHASE_CLOSE, &event)) {
            on_closed(r, event.owner);
        } else if (nc_loop_next(r->loop, NC_PHASE_TIMERS, &event)) {
            on_idle(r, event.owner);
        } else {
            break;
        }
    }
    take_pins(r);
}

static void check_whole(run *r) {
    for (size_t i = 0; i < r->count && !r->failed; i++) {
        item *it = &r->items[i];
        if (!it->live || it->closing || it->hostile || !it->peer) continue;
        if (!it->ended) fail(r, "stream %zu never ended", i);
        if (!it->finished) fail(r, "stream %zu never finished", i);
        if (!it->relayed && it->theirs.got != it->theirs.sent && !it->hostile) fail(r, "stream %zu lost input", i);
        if (!it->source && it->ours.got != it->ours.sent) fail(r, "stream %zu lost output", i);
        if (it->source && it->source->relayed && !it->source->hostile && !it->source->closing &&
            it->ours.got != it->source->theirs.sent) {
            fail(r, "the relay into stream %zu lost bytes", i);
        }
    }
}

static void close_everything(run *r) {
    for (size_t i = 0; i < r->count; i++) {
        if (r->items[i].live && !r->items[i].closing) close_item(r, &r->items[i], sim_random(2));
    }
    if (r->server && !r->server_closing) nc_server_close(r->server);
    r->server_closing = true;
    for (int i = 0; i < 400 && nc_loop_alive(r->loop) && !r->failed; i++) {
        nc_loop_turn(r->loop, 10);
        drain(r);
    }
    if (nc_loop_alive(r->loop)) fail(r, "the loop is alive though all is closed");
    if (!r->server_closed) fail(r, "the server did not close");
    if (r->loop->slices.current && r->loop->slices.current->slices) fail(r, "a slice was not given back");
    for (size_t i = 0; i < r->count; i++) {
        if (r->items[i].live) fail(r, "stream %zu was not closed", i);
    }
}

static bool begin(run *r) {
    static const nc_addr any = {.family = 4};
    intptr_t fd;
    if (nc_loop_new(&r->loop) != NC_OK) return false;
    nc_status status;
    do {
        status = nc_bind(&any, 0, &fd);
        if (status == NC_OK) {
            status = nc_server_new(r->loop, r, fd, 10, &r->server);
            if (status != NC_OK) nc_socket_close(fd);
        }
    } while (status != NC_OK);
    r->listener = (int)fd;
    if (sim_random(4) == 0) nc_server_set_limit(r->server, (int64_t)sim_random(20));
    return true;
}

int sim_run(uint64_t seed, char *message, size_t cap) {
    sim_options options = {.seed = seed};
    options.holds_buffers = seed & 1;
    options.late = (seed >> 1) % 3 == 0 ? 0 : (seed >> 1) % 3 == 1 ? 60 : 160;
    options.faults = (seed >> 3) % 3 == 0 ? 0 : 12;
    sim_reset(&options);
    run *r = calloc(1, sizeof *r);
    r->message = message;
    r->cap = cap;
    message[0] = '\0';
    if (!begin(r)) fail(r, "no loop");
    for (int i = 0; i < ROUNDS && !r->failed; i++) one_round(r);
    sim_calm();
    for (int i = 0; i < 300 && !r->failed; i++) quiet_round(r);
    check_whole(r);
    close_everything(r);
    if (r->loop) {
        nc_loop_close_all(r->loop);
        take_pins(r);
        nc_loop_free(r->loop);
    }
    if (!r->failed && r->pins != r->unpinned) fail(r, "%zu pins, %zu given back", r->pins, r->unpinned);
    size_t left = sim_end_all();
    if (!r->failed && left) fail(r, "%zu descriptors were not closed", left);
    int failed = r->failed;
    free(r);
    return failed;
}

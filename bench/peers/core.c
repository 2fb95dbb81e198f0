/* netcore's C core without Python: what the binding adds is the difference to it.
 *
 *   core PORT data             an echo server that sees the bytes
 *   core PORT pipe             one that relays each connection to itself
 *   core PORT relay UPSTREAM   a proxy on the native relay */
#include <netcore/netcore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct end {
    nc_stream *stream;
    struct end *other; /* of a proxied connection, or NULL */
    int done;          /* how many of the two directions have ended */
};

struct app {
    nc_loop *loop;
    nc_addr upstream;
    char mode;
};

static struct end *make_end(nc_stream *stream) {
    struct end *e = calloc(1, sizeof *e);
    if (!e) exit(1);
    e->stream = stream;
    if (stream) nc_stream_set_owner(stream, e);
    return e;
}

static void close_end(struct end *e) {
    if (e->stream) nc_stream_close(e->stream);
    e->stream = NULL;
}

static void begin_proxied(struct app *app, struct end *client) {
    struct end *up = make_end(NULL);
    if (nc_stream_new(app->loop, up, &up->stream) != NC_OK) exit(1);
    up->other = client;
    client->other = up;
    nc_status status = nc_stream_connect(up->stream, &app->upstream, NULL);
    if (status == NC_OK) status = nc_relay_start(client->stream, up->stream, true);
    if (status == NC_OK) status = nc_relay_start(up->stream, client->stream, true);
    if (status == NC_OK) return;
    close_end(client);
    close_end(up);
}

static void begin(struct app *app, nc_stream *stream) {
    struct end *e = make_end(stream);
    if (app->mode == 'r')
        begin_proxied(app, e);
    else if (app->mode == 'p')
        nc_relay_start(stream, stream, true);
    else
        nc_stream_read_start(stream);
}

static void failed(struct end *e) {
    if (e->other) close_end(e->other);
    close_end(e);
}

static void half_done(struct end *e) {
    if (++e->done == 2) close_end(e);
}

/* The two ends of a proxied connection are forgotten one by one, and freed with the second. */
static void closed(struct end *e) {
    e->stream = NULL;
    if (e->other) e->other->other = NULL;
    free(e);
}

static void on_event(struct app *app, const nc_event *event) {
    struct end *e = event->owner;
    switch (event->type) {
        case NC_EVENT_CONNECTION: begin(app, event->stream); return;
        case NC_EVENT_DATA: nc_stream_write(event->stream, event->data, event->size, NULL); return;
        case NC_EVENT_EOF:
            if (app->mode == 'd') nc_stream_shutdown(e->stream);
            half_done(e);
            return;
        case NC_EVENT_FINISH: half_done(e); return;
        case NC_EVENT_CONNECT:
            if (event->status != NC_OK) failed(e);
            return;
        case NC_EVENT_SEND_ERROR:
        case NC_EVENT_RECV_ERROR: failed(e); return;
        case NC_EVENT_CLOSED: closed(e); return;
        default: return;
    }
}

static nc_addr loopback(const char *port) {
    nc_addr a;
    if (nc_addr_parse("127.0.0.1", 9, &a) != NC_OK) exit(1);
    a.port = (uint16_t)atoi(port);
    return a;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    struct app app = {.mode = argv[2][0]};
    nc_addr local = loopback(argv[1]);
    if (argc > 3) app.upstream = loopback(argv[3]);
    intptr_t fd;
    nc_server *server;
    if (nc_loop_new(&app.loop) != NC_OK || nc_bind(&local, 0, &fd) != NC_OK) return 1;
    if (nc_server_new(app.loop, &app, fd, 4096, &server) != NC_OK) return 1;
    for (;;) {
        nc_event event;
        nc_loop_turn(app.loop, -1);
        while (nc_loop_next(app.loop, NC_PHASE_IO, &event)) on_event(&app, &event);
        while (nc_loop_next(app.loop, NC_PHASE_CLOSE, &event)) on_event(&app, &event);
        while (nc_loop_next(app.loop, NC_PHASE_TIMERS, &event)) on_event(&app, &event);
    }
}

/* An echo server in plain C, on netcore's core without Python.
 *
 *     make -C csrc install PREFIX=$HOME/netcore
 *     cc echo.c $(PKG_CONFIG_PATH=$HOME/netcore/lib/pkgconfig pkg-config --cflags --libs netcore) -o echo
 *     ./echo 8124
 */
#include <netcore/netcore.h>
#include <stdio.h>
#include <stdlib.h>

/* Relayed to itself, a connection needs nobody to see its bytes; its end and its errors are still told. */
static void begin(nc_stream *stream) {
    nc_stream_set_owner(stream, stream);
    if (nc_relay_start(stream, stream, true) != NC_OK) nc_stream_close(stream);
}

static void handle(const nc_event *event) {
    switch (event->type) {
        case NC_EVENT_CONNECTION: begin(event->stream); break;
        case NC_EVENT_FINISH: /* the relay has half-closed after the client did */
        case NC_EVENT_SEND_ERROR:
        case NC_EVENT_RECV_ERROR: nc_stream_close(event->owner); break;
        default: break;
    }
}

static nc_status listen_on(nc_loop *loop, uint16_t *port) {
    nc_addr local;
    intptr_t fd;
    size_t length;
    nc_server *server;
    nc_status status = nc_addr_parse("127.0.0.1", 9, &local);
    local.port = *port;
    if (status == NC_OK) status = nc_bind(&local, 0, &fd);
    if (status == NC_OK) status = nc_socket_name(fd, &local, NULL, 0, &length);
    if (status == NC_OK) status = nc_server_new(loop, loop, fd, 511, &server);
    *port = local.port;
    return status;
}

int main(int argc, char **argv) {
    nc_loop *loop;
    nc_event event;
    uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 8124;
    nc_status status = nc_loop_new(&loop);
    if (status == NC_OK) status = listen_on(loop, &port);
    if (status != NC_OK) {
        fprintf(stderr, "echo: %s\n", nc_status_string(status));
        return 1;
    }
    printf("listening on %d\n", port);
    fflush(stdout);
    while (nc_loop_alive(loop)) {
        nc_loop_turn(loop, -1);
        while (nc_loop_next(loop, NC_PHASE_IO, &event)) handle(&event);
        while (nc_loop_next(loop, NC_PHASE_CLOSE, &event)) handle(&event);
        while (nc_loop_next(loop, NC_PHASE_TIMERS, &event)) handle(&event);
    }
    nc_loop_free(loop);
    return 0;
}

/* What of the port's contract only Windows has: named pipes that are opened as files, and a thread that waits beside the
 * loop's own. */
#include "probe.h"

static HANDLE open_pipe(const char *path) {
    HANDLE pipe = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(pipe != INVALID_HANDLE_VALUE);
    return pipe;
}

static void who_opens_a_pipe_writes_and_leaves_before_anybody_accepts_is_heard(void) {
    fixture fix;
    probe listener, server;
    char path[100];
    intptr_t fd;
    DWORD gone;
    int length = snprintf(path, sizeof path, "\\\\.\\pipe\\netcore-test-early-%lu", GetCurrentProcessId());
    CHECK(length > 0 && (size_t)length < sizeof path);
    fixture_open(&fix);
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    CHECK_EQUAL(nc__socket_bind_path(fd, path, (size_t)length), NC_OK);
    HANDLE early = open_pipe(path);
    CHECK(WriteFile(early, "early", 5, &gone, NULL));
    CloseHandle(early);
    probe_init(&listener, &fix);
    CHECK_EQUAL(nc_port_attach_listener(fix.port, &listener.sock, fd, NC_SOCK_LOCAL), NC_OK);
    nc_port_accept(fix.port, &listener.sock);
    UNTIL(&fix, listener.accepted);
    CHECK_EQUAL(listener.accept_errors, 0);
    probe_init(&server, &fix);
    CHECK_EQUAL(nc_port_attach(fix.port, &server.sock, listener.fds[0], NC_SOCK_LOCAL), NC_OK);
    probe_read(&server);
    UNTIL(&fix, server.ended);
    CHECK_EQUAL(server.receive_status, NC_EOF);
    CHECK(has(&server, "early"));
    probe_close(&server);
    probe_close(&listener);
    fixture_close(&fix);
}

static void what_is_no_pipe_cannot_be_connected_to(void) {
    fixture fix;
    probe client;
    char path[] = "netcore-test-no-pipe";
    intptr_t fd;
    fixture_open(&fix);
    FILE *file = fopen(path, "w");
    CHECK(file);
    fclose(file);
    probe_init(&client, &fix);
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    CHECK_EQUAL(nc_port_connect_path(fix.port, &client.sock, fd, path, strlen(path)), NC_ENOTSOCK);
    nc__socket_close(fd);
    nc__os_unlink(path);
    fixture_close(&fix);
}

typedef struct beside {
    fixture *fix;
    nc_monitor *done;
    bool stop, is_done;
} beside;

static void wait_beside(void *arg) {
    beside *self = arg;
    nc__os_monitor_enter(self->done);
    while (!self->stop) {
        nc__os_monitor_leave(self->done);
        nc_port_wait(self->fix->port, 50);
        nc__os_monitor_enter(self->done);
    }
    self->is_done = true;
    nc__os_monitor_notify(self->done);
    nc__os_monitor_leave(self->done);
}

static void a_wait_beside_a_poll_takes_nothing_from_it(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    beside other = {&fix, nc__os_monitor_new(), false, false};
    CHECK(other.done);
    peer_fd peer = probe_pair(&server, &fix);
    CHECK_EQUAL(nc__os_thread_start(wait_beside, &other), NC_OK);
    probe_read(&server);
    for (size_t i = 1; i <= 100; i++) {
        uint64_t start = nc__os_now_ms();
        peer_send(peer, "x");
        while (server.size < i) fixture_poll(&fix, 8000);
        CHECK(nc__os_now_ms() - start < 5000);
    }
    nc__os_monitor_enter(other.done);
    other.stop = true;
    while (!other.is_done) {
        nc__os_monitor_leave(other.done);
        fixture_poll(&fix, 10);
        nc__os_monitor_enter(other.done);
    }
    nc__os_monitor_leave(other.done);
    nc__os_monitor_free(other.done);
    probe_close(&server);
    peer_close(peer);
    fixture_close(&fix);
}

static const check_case cases[] = {
    CASE(who_opens_a_pipe_writes_and_leaves_before_anybody_accepts_is_heard),
    CASE(what_is_no_pipe_cannot_be_connected_to),
    CASE(a_wait_beside_a_poll_takes_nothing_from_it),
};

int main(int argc, char **argv) {
    WSADATA data;
    CHECK_EQUAL(WSAStartup(0x202, &data), 0);
    return check_run(cases, COUNT(cases), argc, argv);
}

/* What of the port's contract only systems with BSD sockets have: signals, fork, descriptors passed and used up. */
#include "probe.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int local_pair(probe *self, fixture *fix) {
    int ends[2];
    nc_sock_kind kind;
    CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    CHECK_EQUAL(nc__socket_adopt(ends[0], &kind), NC_OK);
    CHECK_EQUAL(kind, NC_SOCK_LOCAL);
    probe_init(self, fix);
    CHECK_EQUAL(nc_port_attach(fix->port, &self->sock, ends[0], kind), NC_OK);
    return ends[1];
}

static void send_with_descriptor(int fd, const char *text, int passed) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {NULL, strlen(text)};
    struct msghdr message;
    memcpy(&part.iov_base, &text, sizeof part.iov_base);
    memset(&message, 0, sizeof message);
    memset(&control, 0, sizeof control);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &passed, sizeof passed);
    CHECK_EQUAL(sendmsg(fd, &message, 0), strlen(text));
}

static void passed_descriptors_end_a_read_early_but_hide_nothing(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    int peer = local_pair(&server, &fix);
    probe_read(&server);
    fixture_poll(&fix, 0);
    peer_send(peer, "one ");
    send_with_descriptor(peer, "two ", 0);
    peer_send(peer, "three ");
    send_with_descriptor(peer, "four", 0);
    CHECK_EQUAL(shutdown(peer, SHUT_WR), 0);
    UNTIL(&fix, server.ended);
    CHECK(has(&server, "one two three four"));
    probe_close(&server);
    close(peer);
    fixture_close(&fix);
}

static void set_descriptor_limit(rlim_t limit, struct rlimit *before) {
    struct rlimit now;
    CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, before), 0);
    now = *before;
    now.rlim_cur = limit;
    CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &now), 0);
}

static void want_of_descriptors_rests_the_listener_and_lets_others_live(void) {
    fixture fix;
    probe server, listener;
    struct rlimit before;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    uint16_t port = probe_listen(&listener, &fix, 8);
    peer_fd client = peer_connect(port);
    /* Below what is open already, so that none is to be had, even where a library's thread closes some meanwhile. */
    set_descriptor_limit(3, &before);
    nc_port_accept(fix.port, &listener.sock);
    UNTIL(&fix, listener.accept_errors);
    CHECK_EQUAL(listener.accept_status, NC_EMFILE);
    CHECK_EQUAL(listener.accepted, 0);
    int errors = listener.accept_errors;
    peer_send(peer, "still served");
    probe_read(&server);
    UNTIL(&fix, has(&server, "still served"));
    fixture_idle(&fix, 220);
    CHECK(listener.accept_errors - errors < 10);
    CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
    UNTIL(&fix, listener.accepted == 1);
    nc__socket_close(listener.fds[0]);
    close(client);
    probe_close(&listener);
    probe_close(&server);
    close(peer);
    fixture_close(&fix);
}

static void on_alarm(int number) {
    (void)number;
}

static void a_signal_ends_a_poll(void) {
    fixture fix;
    bool woken;
    struct sigaction action;
    struct itimerval soon = {{0, 0}, {0, 50000}};
    fixture_open(&fix);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_EQUAL(setitimer(ITIMER_REAL, &soon, NULL), 0);
    CHECK_EQUAL(nc_port_poll(fix.port, 5000, &woken), NC_EINTR);
    CHECK(!woken);
    fixture_close(&fix);
}

static nc_port *to_wake;

static void wake_on_alarm(int number) {
    (void)number;
    nc_port_wake(to_wake);
}

static void a_signal_handler_may_wake_the_port_that_it_interrupts(void) {
    fixture fix;
    bool woken = false;
    struct sigaction action;
    struct itimerval soon = {{0, 0}, {0, 50000}};
    fixture_open(&fix);
    to_wake = fix.port;
    memset(&action, 0, sizeof action);
    action.sa_handler = wake_on_alarm;
    CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_EQUAL(setitimer(ITIMER_REAL, &soon, NULL), 0);
    nc_status status = nc_port_poll(fix.port, 5000, &woken);
    CHECK(status == NC_EINTR || (status == NC_OK && woken));
    if (!woken) CHECK(fixture_poll(&fix, 5000));
    fixture_close(&fix);
}

static void more_sockets_than_a_wait_takes_at_once_are_all_watched(void) {
    enum { PAIRS = 280 };
    fixture fix;
    probe *near = calloc(PAIRS, sizeof *near), *far = calloc(PAIRS, sizeof *far);
    struct rlimit before;
    CHECK(near && far);
    set_descriptor_limit(2 * PAIRS + 100, &before);
    fixture_open(&fix);
    for (int i = 0; i < PAIRS; i++) {
        int end = local_pair(&near[i], &fix);
        nc_sock_kind kind;
        probe_init(&far[i], &fix);
        CHECK_EQUAL(nc__socket_adopt(end, &kind), NC_OK);
        CHECK_EQUAL(nc_port_attach(fix.port, &far[i].sock, end, kind), NC_OK);
        probe_read(&near[i]);
        probe_read(&far[i]);
    }
    for (int i = 0; i < PAIRS; i++) {
        CHECK_EQUAL(probe_send_all(&near[i], (const uint8_t *)"there", 5), NC_OK);
        CHECK_EQUAL(probe_send_all(&far[i], (const uint8_t *)"back", 4), NC_OK);
    }
    for (int i = 0; i < PAIRS; i++) UNTIL(&fix, has(&far[i], "there") && has(&near[i], "back"));
    for (int i = 0; i < PAIRS; i++) {
        probe_close(&near[i]);
        probe_close(&far[i]);
    }
    free(near);
    free(far);
    fixture_close(&fix);
    CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void a_child_that_forgets_the_port_leaves_the_parents_connections_alone(void) {
    fixture fix;
    probe server;
    int status;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    probe_read(&server);
    fixture_poll(&fix, 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        nc_port_forget(fix.port);
        nc_port_abandon(&server.sock);
        nc_port_free(fix.port);
        _exit(server.closed);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    peer_send(peer, "unharmed");
    UNTIL(&fix, has(&server, "unharmed"));
    nc_port_wake(fix.port);
    CHECK(fixture_poll(&fix, 1000));
    probe_close(&server);
    CHECK(peer_is_at_end(peer));
    close(peer);
    fixture_close(&fix);
}

static void a_pipe_is_read_and_written_until_its_end(void) {
    fixture fix;
    probe in, out;
    int ends[2];
    nc_sock_kind kind;
    fixture_open(&fix);
    CHECK_EQUAL(pipe(ends), 0);
    CHECK_EQUAL(nc__socket_adopt(ends[0], &kind), NC_OK);
    CHECK_EQUAL(kind, NC_SOCK_PLAIN);
    CHECK_EQUAL(nc__socket_adopt(ends[1], &kind), NC_OK);
    probe_init(&in, &fix);
    probe_init(&out, &fix);
    CHECK_EQUAL(nc_port_attach(fix.port, &in.sock, ends[0], kind), NC_OK);
    CHECK_EQUAL(nc_port_attach(fix.port, &out.sock, ends[1], kind), NC_OK);
    probe_read(&in);
    enum { SIZE = 1024 * 1024 };
    uint8_t *data = calloc(1, SIZE);
    CHECK(data);
    CHECK_EQUAL(probe_send_all(&out, data, SIZE), NC_OK);
    UNTIL(&fix, in.size == SIZE);
    CHECK_EQUAL(nc_port_shutdown(fix.port, &out.sock), NC_OK);
    probe_close(&out);
    UNTIL(&fix, in.ended);
    CHECK_EQUAL(in.receive_status, NC_EOF);
    free(data);
    probe_close(&in);
    fixture_close(&fix);
}

static int open_terminal(probe *self, fixture *fix) {
    nc_sock_kind kind;
    int outside = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(outside >= 0);
    CHECK_EQUAL(grantpt(outside), 0);
    CHECK_EQUAL(unlockpt(outside), 0);
    int inside = open(ptsname(outside), O_RDWR | O_NOCTTY);
    CHECK(inside >= 0);
    CHECK_EQUAL(nc__socket_adopt(inside, &kind), NC_OK);
    CHECK_EQUAL(kind, NC_SOCK_PLAIN);
    probe_init(self, fix);
    CHECK_EQUAL(nc_port_attach(fix->port, &self->sock, inside, kind), NC_OK);
    return outside;
}

/* Also where no event can be had of one: then the loop looks after it, and not all the time. */
static void a_terminal_is_read_and_written_without_end(void) {
    fixture fix;
    probe inside;
    char echo[8];
    fixture_open(&fix);
    int outside = open_terminal(&inside, &fix), polls = 0;
    probe_read(&inside);
    for (uint64_t end = nc__os_now_ms() + 300; nc__os_now_ms() < end; polls++) fixture_poll(&fix, 300);
    CHECK(polls < 20);
    for (int i = 0; i < 3; i++) {
        inside.size = 0;
        CHECK_EQUAL(write(outside, "line\n", 5), 5);
        UNTIL(&fix, has(&inside, "line\n"));
        CHECK(read(outside, echo, sizeof echo) > 0);
        CHECK_EQUAL(probe_send_all(&inside, (const uint8_t *)"!", 1), NC_OK);
        CHECK_EQUAL(read(outside, echo, 1), 1);
    }
    probe_close(&inside);
    close(outside);
    fixture_close(&fix);
}

static void a_terminal_that_nobody_reads_is_written_to_later(void) {
    fixture fix;
    probe inside;
    enum { SIZE = 256 * 1024, MORE = 16 * 1024 };
    static const uint8_t data[SIZE];
    static char taken[SIZE];
    size_t size;
    fixture_open(&fix);
    int outside = open_terminal(&inside, &fix), told = 0;
    nc_buf buf = {data, SIZE};
    CHECK_EQUAL(nc_port_send(fix.port, &inside.sock, &buf, 1, &size), NC_EAGAIN);
    CHECK(size < SIZE);
    fixture_idle(&fix, 120);
    CHECK_EQUAL(fcntl(outside, F_SETFL, O_NONBLOCK), 0);
    for (size_t more = 0; more < MORE; more += size) {
        while (read(outside, taken, sizeof taken) > 0) continue;
        UNTIL(&fix, inside.sent > told);
        told = inside.sent;
        nc_status status = nc_port_send(fix.port, &inside.sock, &buf, 1, &size);
        CHECK_EQUAL(status, NC_EAGAIN);
    }
    probe_close(&inside);
    close(outside);
    fixture_close(&fix);
}

static void a_local_socket_without_a_name_has_an_empty_path(void) {
    intptr_t fd;
    char path[200];
    size_t length = 1;
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    CHECK_EQUAL(nc__socket_path(fd, path, sizeof path, &length), NC_OK);
    CHECK_EQUAL(length, 0);
    nc__socket_close(fd);
}

/* Without a NUL byte behind it: what others may bind, and we do not. */
static void the_longest_of_paths_is_told_whole(void) {
    struct sockaddr_un name;
    char path[200];
    size_t length, most = sizeof name.sun_path;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    memset(name.sun_path, 'n', most);
    int start = snprintf(path, sizeof path, "/tmp/netcore-test-%ld-", (long)getpid());
    CHECK(start > 0 && (size_t)start < most);
    memcpy(name.sun_path, path, (size_t)start);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        CHECK_EQUAL(errno, EINVAL); /* OpenBSD asks for the NUL byte */
        close(fd);
        return;
    }
    CHECK_EQUAL(nc__socket_path(fd, path, sizeof path, &length), NC_OK);
    CHECK(length == most && memcmp(path, name.sun_path, most) == 0);
    CHECK_EQUAL(nc__socket_path(fd, path, most - 1, &length), NC_ENAMETOOLONG);
    path[most] = '\0';
    close(fd);
    nc__os_unlink(path);
}

static void a_listening_path_left_by_a_dead_process_refuses(void) {
    fixture fix;
    probe client;
    char path[100];
    intptr_t fd;
    size_t length = (size_t)snprintf(path, sizeof path, "/tmp/netcore-test-stale-%ld", (long)getpid());
    fixture_open(&fix);
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    CHECK_EQUAL(nc__socket_bind_path(fd, path, length), NC_OK);
    nc__socket_close(fd);
    probe_init(&client, &fix);
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    CHECK_EQUAL(nc_port_connect_path(fix.port, &client.sock, fd, path, length), NC_ECONNREFUSED);
    nc__socket_close(fd);
    nc__os_unlink(path);
    fixture_close(&fix);
}

static void a_path_too_long_is_told_before_any_system_call(void) {
    char path[300];
    intptr_t fd;
    memset(path, 'x', sizeof path);
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    CHECK_EQUAL(nc__socket_bind_path(fd, path, sizeof path), NC_ENAMETOOLONG);
    CHECK_EQUAL(nc__socket_connect_path(fd, path, sizeof path), NC_ENAMETOOLONG);
    nc__socket_close(fd);
}

static void a_datagram_socket_or_a_file_is_no_stream(void) {
    nc_sock_kind kind;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(fd >= 0);
    CHECK_EQUAL(nc__socket_adopt(fd, &kind), NC_ENOTSUP);
    close(fd);
    fd = open("/", O_RDONLY);
    CHECK(fd >= 0);
    CHECK_EQUAL(nc__socket_adopt(fd, &kind), NC_ENOTSUP);
    close(fd);
}

static const check_case cases[] = {
    CASE(passed_descriptors_end_a_read_early_but_hide_nothing),
    CASE(want_of_descriptors_rests_the_listener_and_lets_others_live),
    CASE(a_signal_ends_a_poll),
    CASE(a_signal_handler_may_wake_the_port_that_it_interrupts),
    CASE(more_sockets_than_a_wait_takes_at_once_are_all_watched),
    CASE(a_child_that_forgets_the_port_leaves_the_parents_connections_alone),
    CASE(a_pipe_is_read_and_written_until_its_end),
    CASE(a_terminal_is_read_and_written_without_end),
    CASE(a_terminal_that_nobody_reads_is_written_to_later),
    CASE(a_local_socket_without_a_name_has_an_empty_path),
    CASE(the_longest_of_paths_is_told_whole),
    CASE(a_listening_path_left_by_a_dead_process_refuses),
    CASE(a_path_too_long_is_told_before_any_system_call),
    CASE(a_datagram_socket_or_a_file_is_no_stream),
};

int main(int argc, char **argv) {
    return check_run(cases, COUNT(cases), argc, argv);
}

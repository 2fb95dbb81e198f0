/* Every function of port.h, on the backend this was built with. What only some systems have is in
 * test_port_posix.c and test_port_windows.c. */
#include "probe.h"

static void a_poll_without_news_ends_when_its_time_is_up(void) {
    fixture fix;
    fixture_open(&fix);
    CHECK(!fixture_poll(&fix, 0));
    uint64_t start = nc__os_now_ms();
    CHECK(!fixture_poll(&fix, 40));
    CHECK(nc__os_now_ms() - start >= 24); /* Windows counts waits by the ticks of a clock, every 15.6 ms */
    CHECK_EQUAL(nc_port_timeout(fix.port), -1);
    fixture_close(&fix);
}

static void wake_later(void *arg) {
    fixture *fix = arg;
    nc_port_wake(fix->port);
}

static void a_wake_up_ends_the_poll_it_meets_or_the_next_one_and_counts_once(void) {
    fixture fix;
    fixture_open(&fix);
    nc_port_wake(fix.port);
    nc_port_wake(fix.port);
    CHECK(fixture_poll(&fix, 5000));
    CHECK(!fixture_poll(&fix, 0));
    CHECK_EQUAL(nc__os_thread_start(wake_later, &fix), NC_OK);
    CHECK(fixture_poll(&fix, 5000));
    fixture_close(&fix);
}

static void a_poll_may_be_told_to_wait_longer_than_any_system_can(void) {
    fixture fix;
    static const int64_t years[] = {INT32_MAX, (int64_t)INT32_MAX + 1, 200000000000, INT64_MAX};
    fixture_open(&fix);
    for (size_t i = 0; i < COUNT(years); i++) {
        bool woken = false;
        nc_port_wake(fix.port);
        CHECK_EQUAL(nc_port_poll(fix.port, years[i], &woken), NC_OK);
        CHECK(woken);
    }
    fixture_close(&fix);
}

static void a_byte_written_to_the_wake_up_descriptor_wakes(void) {
    fixture fix;
    fixture_open(&fix);
    for (int i = 0; i < 3; i++) {
#if defined(_WIN32)
        CHECK_EQUAL(send((SOCKET)nc_port_wake_fd(fix.port), "x", 1, 0), 1);
#else
        CHECK_EQUAL(write((int)nc_port_wake_fd(fix.port), "x", 1), 1);
#endif
        CHECK(fixture_poll(&fix, 5000));
        CHECK(!fixture_poll(&fix, 0));
    }
    fixture_close(&fix);
}

static void a_listener_accepts_and_tells_who_the_peer_is(void) {
    fixture fix;
    probe listener, server;
    fixture_open(&fix);
    uint16_t port = probe_listen(&listener, &fix, 8);
    nc_port_accept(fix.port, &listener.sock);
    peer_fd peer = peer_connect(port);
    UNTIL(&fix, listener.accepted);
    CHECK_EQUAL(listener.peer.family, 4);
    CHECK_EQUAL(listener.peer.port, peer_port(peer));
    probe_init(&server, &fix);
    nc_addr addr;
    CHECK_EQUAL(nc__socket_peer(listener.fds[0], &addr), NC_OK);
    CHECK_EQUAL(addr.port, peer_port(peer));
    CHECK_EQUAL(nc__socket_name(listener.fds[0], &addr), NC_OK);
    CHECK_EQUAL(addr.port, port);
    CHECK_EQUAL(nc_port_attach(fix.port, &server.sock, listener.fds[0], NC_SOCK_TCP), NC_OK);
    peer_send(peer, "hello");
    probe_read(&server);
    UNTIL(&fix, has(&server, "hello"));
    probe_close(&server);
    CHECK(peer_is_at_end(peer));
    peer_close(peer);
    probe_close(&listener);
    fixture_close(&fix);
}

static void a_hundred_connections_at_once_are_all_accepted(void) {
    fixture fix;
    probe listener;
    peer_fd peers[100];
    fixture_open(&fix);
    uint16_t port = probe_listen(&listener, &fix, 128);
    for (size_t i = 0; i < COUNT(peers); i++) peers[i] = peer_connect(port);
    nc_port_accept(fix.port, &listener.sock);
    UNTIL(&fix, listener.accepted == 100);
    for (size_t i = 0; i < COUNT(peers); i++) {
        peer_close(peers[i]);
        nc__socket_close(listener.fds[i]);
    }
    probe_close(&listener);
    fixture_close(&fix);
}

static void stop_accepting(probe *self) {
    nc_port_accept_stop(self->fix->port, &self->sock);
}

static void accepting_stops_when_told_from_within_and_goes_on_later(void) {
    fixture fix;
    probe listener;
    peer_fd peers[4];
    fixture_open(&fix);
    uint16_t port = probe_listen(&listener, &fix, 8);
    listener.on_accepted = stop_accepting;
    for (size_t i = 0; i < COUNT(peers); i++) peers[i] = peer_connect(port);
    nc_port_accept(fix.port, &listener.sock);
    for (int i = 1; i <= 4; i++) {
        UNTIL(&fix, listener.accepted == i);
        fixture_idle(&fix, 30);
        CHECK_EQUAL(listener.accepted, i);
        if (i < 4) nc_port_accept(fix.port, &listener.sock);
    }
    for (size_t i = 0; i < COUNT(peers); i++) {
        peer_close(peers[i]);
        nc__socket_close(listener.fds[i]);
    }
    probe_close(&listener);
    fixture_close(&fix);
}

static void what_the_kernel_has_completed_is_accepted_before_a_listener_closes(void) {
    fixture fix;
    probe listener;
    peer_fd peers[40];
    fixture_open(&fix);
    uint16_t port = probe_listen(&listener, &fix, 64);
    nc_port_accept(fix.port, &listener.sock);
    fixture_poll(&fix, 0);
    for (size_t i = 0; i < COUNT(peers); i++) peers[i] = peer_connect(port);
    nc_port_accept_stop(fix.port, &listener.sock);
    nc_port_accept_rest(fix.port, &listener.sock, 1000);
    CHECK_EQUAL(listener.accepted, 40);
    probe_close(&listener);
    for (size_t i = 0; i < COUNT(peers); i++) {
        CHECK_EQUAL(send((peer_fd)listener.fds[i], "a", 1, 0), 1);
        char byte;
        CHECK_EQUAL(peer_receive(peers[i], &byte, 1), 1);
        peer_close(peers[i]);
        nc__socket_close(listener.fds[i]);
    }
    fixture_close(&fix);
}

static void start_connect(probe *self, fixture *fix, uint16_t port, nc_status *status) {
    nc_addr addr;
    intptr_t fd;
    probe_init(self, fix);
    CHECK_EQUAL(nc_addr_parse("127.0.0.1", 9, &addr), NC_OK);
    addr.port = port;
    CHECK_EQUAL(nc__socket_open(4, &fd), NC_OK);
    *status = nc_port_connect(fix->port, &self->sock, fd, &addr);
    if (*status != NC_OK && *status != NC_EAGAIN) nc__socket_close(fd);
}

static void finish_connect(probe *self, nc_status *status) {
    if (*status != NC_EAGAIN) return;
    UNTIL(self->fix, self->connected);
    CHECK_EQUAL(self->connected, 1);
    *status = self->connect_status;
}

static void a_connect_succeeds_and_bytes_go_both_ways(void) {
    fixture fix;
    probe listener, client, server;
    nc_status status;
    fixture_open(&fix);
    uint16_t port = probe_listen(&listener, &fix, 8);
    nc_port_accept(fix.port, &listener.sock);
    start_connect(&client, &fix, port, &status);
    finish_connect(&client, &status);
    CHECK_EQUAL(status, NC_OK);
    UNTIL(&fix, listener.accepted);
    probe_init(&server, &fix);
    CHECK_EQUAL(nc_port_attach(fix.port, &server.sock, listener.fds[0], NC_SOCK_TCP), NC_OK);
    probe_read(&server);
    probe_read(&client);
    CHECK_EQUAL(probe_send_all(&client, (const uint8_t *)"ping", 4), NC_OK);
    UNTIL(&fix, has(&server, "ping"));
    CHECK_EQUAL(probe_send_all(&server, (const uint8_t *)"pong", 4), NC_OK);
    UNTIL(&fix, has(&client, "pong"));
    nc_addr name;
    CHECK_EQUAL(nc__socket_peer(client.sock.fd, &name), NC_OK);
    CHECK_EQUAL(name.port, port);
    CHECK_EQUAL(nc__socket_name(client.sock.fd, &name), NC_OK);
    CHECK_EQUAL(name.port, listener.peer.port);
    probe_close(&client);
    UNTIL(&fix, server.receive_status == NC_EOF);
    probe_close(&server);
    probe_close(&listener);
    fixture_close(&fix);
}

static void a_connect_to_a_port_where_nobody_listens_is_refused(void) {
    fixture fix;
    probe listener, client;
    nc_status status;
    fixture_open(&fix);
    uint16_t port = probe_listen(&listener, &fix, 8);
    probe_close(&listener);
    start_connect(&client, &fix, port, &status);
    bool under_way = status == NC_EAGAIN;
    finish_connect(&client, &status);
    CHECK_EQUAL(status, NC_ECONNREFUSED);
    if (under_way) probe_close(&client);
    fixture_close(&fix);
}

static void who_connects_to_no_address_in_particular_reaches_his_own_machine(void) {
    fixture fix;
    probe listener, client;
    nc_addr addr, peer;
    intptr_t fd;
    fixture_open(&fix);
    uint16_t port = probe_listen(&listener, &fix, 8);
    CHECK_EQUAL(nc_addr_parse("0.0.0.0", 7, &addr), NC_OK);
    addr.port = port;
    probe_init(&client, &fix);
    CHECK_EQUAL(nc__socket_open(4, &fd), NC_OK);
    nc_status status = nc_port_connect(fix.port, &client.sock, fd, &addr);
    finish_connect(&client, &status);
    CHECK_EQUAL(status, NC_OK);
    CHECK_EQUAL(nc__socket_peer(client.sock.fd, &peer), NC_OK);
    CHECK_EQUAL(nc_addr_parse("127.0.0.1", 9, &addr), NC_OK);
    CHECK(memcmp(peer.ip, addr.ip, 16) == 0);
    probe_close(&client);
    probe_close(&listener);
    fixture_close(&fix);
}

static void closing_while_connecting_tells_of_nothing_but_the_close(void) {
    fixture fix;
    probe listener, client;
    nc_status status;
    fixture_open(&fix);
    uint16_t port = probe_listen(&listener, &fix, 8);
    start_connect(&client, &fix, port, &status);
    CHECK(status == NC_OK || status == NC_EAGAIN);
    probe_close(&client);
    fixture_idle(&fix, 30);
    CHECK_EQUAL(client.connected, 0);
    CHECK_EQUAL(client.closed, 1);
    probe_close(&listener);
    fixture_close(&fix);
}

static void an_end_behind_data_comes_after_the_data(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    peer_send(peer, "last words");
    CHECK_EQUAL(shutdown(peer, PEER_SHUT_WR), 0);
    probe_read(&server);
    UNTIL(&fix, server.ended);
    CHECK_EQUAL(server.receive_status, NC_EOF);
    CHECK(has(&server, "last words"));
    CHECK_EQUAL(probe_send_all(&server, (const uint8_t *)"still here", 10), NC_OK);
    char answer[10];
    CHECK_EQUAL(peer_receive(peer, answer, 10), 10);
    probe_close(&server);
    peer_close(peer);
    fixture_close(&fix);
}

static void one_receive_is_answered_once_and_every_arrival_is_seen(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    for (int i = 1; i <= 5; i++) {
        nc_port_receive(fix.port, &server.sock);
        fixture_poll(&fix, 0);
        CHECK_EQUAL(server.received, i - 1);
        peer_send(peer, "abc");
        UNTIL(&fix, server.size == (size_t)i * 3);
        CHECK_EQUAL(server.received, i);
        peer_send(peer, "d"); /* not asked for: taken by the next receive, or the one after */
        fixture_idle(&fix, 20);
        CHECK_EQUAL(server.received, i);
        nc_port_receive(fix.port, &server.sock);
        UNTIL(&fix, server.size == (size_t)i * 3 + 1);
        server.size--;
        server.received--;
    }
    probe_close(&server);
    peer_close(peer);
    fixture_close(&fix);
}

static void a_receive_that_was_withdrawn_gives_nothing_until_asked_anew(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    nc_port_receive(fix.port, &server.sock);
    fixture_poll(&fix, 0);
    nc_port_receive_stop(fix.port, &server.sock);
    peer_send(peer, "patience");
    fixture_idle(&fix, 40);
    CHECK(server.received <= 1); /* the contract lets a port that cannot withdraw it answer once */
    CHECK(server.received == 1 || nc_port_has_unread(&server.sock));
    if (!server.received) nc_port_receive(fix.port, &server.sock);
    UNTIL(&fix, has(&server, "patience"));
    CHECK(!nc_port_has_unread(&server.sock));
    probe_close(&server);
    peer_close(peer);
    fixture_close(&fix);
}

static void out_of_band_data_does_not_hide_what_follows_it(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    for (int early = 0; early < 2; early++) {
        server.size = 0;
        if (early) probe_read(&server);
        fixture_poll(&fix, 0);
        peer_send(peer, "ab");
        CHECK_EQUAL(send(peer, "!", 1, MSG_OOB), 1);
        peer_send(peer, "cd");
        probe_read(&server);
        UNTIL(&fix, has(&server, "abcd"));
    }
    probe_close(&server);
    peer_close(peer);
    fixture_close(&fix);
}

static uint8_t pattern(size_t i) {
    return (uint8_t)(i * 31 + i / 253);
}

static uint8_t *make_pattern(size_t size) {
    uint8_t *data = malloc(size);
    CHECK(data);
    for (size_t i = 0; i < size; i++) data[i] = pattern(i);
    return data;
}

typedef struct drinker {
    peer_fd fd;
    size_t size;
    bool right;
    nc_monitor *done;
    bool is_done;
} drinker;

static void drink(void *arg) {
    drinker *self = arg;
    static const size_t piece = 64 * 1024;
    uint8_t *data = malloc(piece);
    CHECK(data);
    self->right = true;
    for (size_t at = 0; at < self->size;) {
        size_t want = self->size - at < piece ? self->size - at : piece;
        size_t got = peer_receive(self->fd, (char *)data, want);
        if (got < want) break;
        for (size_t i = 0; i < got; i++) self->right = self->right && data[i] == pattern(at + i);
        at += got;
    }
    free(data);
    nc__os_monitor_enter(self->done);
    self->is_done = true;
    nc__os_monitor_notify(self->done);
    nc__os_monitor_leave(self->done);
}

/* Also while a receive is under way, as it is on every connection that is read. */
static void large_send(bool reading) {
    fixture fix;
    probe server;
    enum { SIZE = 12 * 1024 * 1024 };
    fixture_open(&fix);
    drinker peer = {probe_pair(&server, &fix), SIZE, false, nc__os_monitor_new(), false};
    CHECK(peer.done);
    uint8_t *data = make_pattern(SIZE);
    if (reading) probe_read(&server);
    /* Nobody drinks yet: the send must come to wait. */
    size_t at = 0;
    nc_buf buf = {data, SIZE};
    CHECK_EQUAL(nc_port_send(fix.port, &server.sock, &buf, 1, &at), NC_EAGAIN);
    CHECK(at < SIZE);
    fixture_idle(&fix, 20);
    CHECK_EQUAL(nc__os_thread_start(drink, &peer), NC_OK);
    UNTIL(&fix, server.sent);
    CHECK_EQUAL(server.send_status, NC_OK);
    at += server.sent_size;
    if (at < SIZE) CHECK_EQUAL(probe_send_all(&server, data + at, SIZE - at), NC_OK);
    nc__os_monitor_enter(peer.done);
    while (!peer.is_done) nc__os_monitor_wait(peer.done);
    nc__os_monitor_leave(peer.done);
    CHECK(peer.right);
    nc__os_monitor_free(peer.done);
    free(data);
    probe_close(&server);
    peer_close(peer.fd);
    fixture_close(&fix);
}

static void a_large_send_to_a_slow_peer_arrives_whole(void) {
    large_send(false);
}

static void a_large_send_arrives_whole_while_a_receive_waits(void) {
    large_send(true);
}

static void set_buffer(intptr_t fd, int name) {
    int size = 4096;
    CHECK_EQUAL(setsockopt((peer_fd)fd, SOL_SOCKET, name, (const char *)&size, sizeof size), 0);
}

/* Byte by byte, so that in the end there is room for none. */
static void a_send_that_finds_no_room_is_told_of_though_a_receive_waits(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    set_buffer((intptr_t)peer, SO_RCVBUF);
    set_buffer(server.sock.fd, SO_SNDBUF);
    probe_read(&server);
    fixture_poll(&fix, 0);
    size_t size, all = 0;
    nc_status status;
    do {
        nc_buf buf = {"x", 1};
        status = nc_port_send(fix.port, &server.sock, &buf, 1, &size);
        all += size;
    } while (status == NC_OK);
    CHECK_EQUAL(status, NC_EAGAIN);
    char *got = malloc(all);
    CHECK(got);
    CHECK_EQUAL(peer_receive(peer, got, all), all);
    UNTIL(&fix, server.sent);
    CHECK_EQUAL(server.send_status, NC_OK);
    if (server.sent_size == 0) CHECK_EQUAL(probe_send_all(&server, (const uint8_t *)"x", 1), NC_OK);
    CHECK_EQUAL(peer_receive(peer, got, 1), 1);
    free(got);
    probe_close(&server);
    peer_close(peer);
    fixture_close(&fix);
}

static void many_small_buffers_go_in_their_order(void) {
    fixture fix;
    probe server;
    nc_buf bufs[NC_PORT_BUFS_MAX];
    char got[NC_PORT_BUFS_MAX + 1];
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    for (size_t i = 0; i < NC_PORT_BUFS_MAX; i++) bufs[i] = (nc_buf){&letters[i], 1};
    size_t size;
    CHECK_EQUAL(nc_port_send(fix.port, &server.sock, bufs, NC_PORT_BUFS_MAX, &size), NC_OK);
    CHECK_EQUAL(size, NC_PORT_BUFS_MAX);
    CHECK_EQUAL(peer_receive(peer, got, NC_PORT_BUFS_MAX), NC_PORT_BUFS_MAX);
    CHECK(memcmp(got, letters, NC_PORT_BUFS_MAX) == 0);
    probe_close(&server);
    peer_close(peer);
    fixture_close(&fix);
}

static void closing_while_a_send_waits_tells_of_nothing_but_the_close(void) {
    fixture fix;
    probe server;
    enum { SIZE = 16 * 1024 * 1024 };
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    uint8_t *data = make_pattern(SIZE);
    nc_buf buf = {data, SIZE};
    size_t gone;
    CHECK_EQUAL(nc_port_send(fix.port, &server.sock, &buf, 1, &gone), NC_EAGAIN);
    nc_port_receive(fix.port, &server.sock);
    probe_close(&server);
    free(data);
    fixture_idle(&fix, 20);
    CHECK_EQUAL(server.sent, 0);
    CHECK_EQUAL(server.received, 0);
    peer_close(peer);
    fixture_close(&fix);
}

static void send_that_will_fail(probe *self, nc_status *status) {
    for (int i = 0; i < 200; i++) {
        *status = probe_send_all(self, (const uint8_t *)"x", 1);
        if (*status != NC_OK) return;
        fixture_poll(self->fix, 5);
    }
}

static void sending_to_a_peer_that_is_gone_fails_without_a_signal(void) {
    fixture fix;
    probe server;
    nc_status status = NC_OK;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    peer_close(peer);
    send_that_will_fail(&server, &status);
    CHECK(status == NC_EPIPE || status == NC_ECONNRESET || status == NC_ECONNABORTED);
    probe_close(&server);
    fixture_close(&fix);
}

static void a_reset_by_the_peer_is_told_as_such(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    probe_read(&server);
    fixture_poll(&fix, 0);
    struct linger linger = {1, 0};
    CHECK_EQUAL(setsockopt(peer, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof linger), 0);
    peer_close(peer);
    UNTIL(&fix, server.ended);
    CHECK_EQUAL(server.receive_status, NC_ECONNRESET);
    probe_close(&server);
    fixture_close(&fix);
}

/* Both may have come before the first look at the socket: Linux then tells a reader of the end, the BSDs of the reset. */
static void an_end_followed_by_a_reset_is_no_error_of_writing(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    size_t size;
    CHECK_EQUAL(nc_port_send(fix.port, &server.sock, &(nc_buf){(uint8_t *)"unread", 6}, 1, &size), NC_OK);
    char byte;
    CHECK_EQUAL(recv(peer, &byte, 1, MSG_PEEK), 1);
    CHECK_EQUAL(shutdown(peer, PEER_SHUT_WR), 0);
    peer_close(peer);
    probe_read(&server);
    UNTIL(&fix, server.ended);
    CHECK(server.receive_status == NC_EOF || server.receive_status == NC_ECONNRESET);
    probe_close(&server);
    fixture_close(&fix);
}

static void closing_with_a_reset_resets(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    nc_port_receive(fix.port, &server.sock);
    fixture_poll(&fix, 0);
    nc_port_close(fix.port, &server.sock, true);
    UNTIL(&fix, server.closed);
    CHECK(peer_is_reset(peer));
    CHECK_EQUAL(server.received, 0);
    peer_close(peer);
    fixture_close(&fix);
}

static void a_shutdown_ends_one_direction_only(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    probe_read(&server);
    CHECK_EQUAL(probe_send_all(&server, (const uint8_t *)"bye", 3), NC_OK);
    CHECK_EQUAL(nc_port_shutdown(fix.port, &server.sock), NC_OK);
    char text[4];
    CHECK_EQUAL(peer_receive(peer, text, 4), 3);
    peer_send(peer, "thanks");
    UNTIL(&fix, has(&server, "thanks"));
    nc_status status = probe_send_all(&server, (const uint8_t *)"x", 1);
    CHECK(status == NC_EPIPE || status == NC_ESHUTDOWN);
    peer_close(peer);
    UNTIL(&fix, server.ended);
    CHECK_EQUAL(server.receive_status, NC_EOF);
    probe_close(&server);
    fixture_close(&fix);
}

static void a_greedy_peer_does_not_starve_its_neighbour(void) {
    fixture fix;
    probe greedy, modest;
    fixture_open(&fix);
    peer_fd flood = probe_pair(&greedy, &fix), trickle = probe_pair(&modest, &fix);
    enum { SIZE = 512 * 1024 };
    uint8_t *data = make_pattern(SIZE);
#if defined(_WIN32)
    u_long on = 1;
    CHECK_EQUAL(ioctlsocket(flood, (long)FIONBIO, &on), 0);
    long long sent = send(flood, (const char *)data, SIZE, 0);
#else
    int much = 192 * 1024; /* the default of some BSDs is less than one receive takes, and NetBSD allows little more */
    CHECK_EQUAL(setsockopt(flood, SOL_SOCKET, SO_SNDBUF, &much, sizeof much), 0);
    long long sent = send(flood, data, SIZE, MSG_DONTWAIT);
#endif
    CHECK(sent > 100 * 1024);
    peer_send(trickle, "me too");
    probe_read(&greedy);
    probe_read(&modest);
    int polls = 0;
    while (!has(&modest, "me too")) {
        int before = greedy.received;
        fixture_poll(&fix, 1000);
        CHECK(greedy.received - before <= 1);
        CHECK(++polls < 50);
    }
    UNTIL(&fix, greedy.size == (size_t)sent);
    CHECK(memcmp(greedy.data, data, greedy.size) == 0);
    free(data);
    probe_close(&greedy);
    probe_close(&modest);
    peer_close(flood);
    peer_close(trickle);
    fixture_close(&fix);
}

static probe *neighbour;

static void close_neighbour(probe *self) {
    nc_port_close(self->fix->port, &neighbour->sock, false);
}

static void a_socket_closed_by_what_happens_to_another_hears_nothing_more(void) {
    fixture fix;
    probe one, two;
    fixture_open(&fix);
    peer_fd first = probe_pair(&one, &fix), second = probe_pair(&two, &fix);
    probe_read(&one);
    probe_read(&two);
    fixture_poll(&fix, 0);
    neighbour = &two;
    one.on_received = close_neighbour;
    peer_send(first, "a");
    UNTIL(&fix, one.received);
    peer_close(second);
    UNTIL(&fix, two.closed);
    fixture_idle(&fix, 20);
    CHECK_EQUAL(two.received, 0);
    CHECK_EQUAL(two.closed, 1);
    one.on_received = NULL;
    probe_close(&one);
    peer_close(first);
    free(two.data);
    fixture_close(&fix);
}

/* Takes all that the system has of what was sent here. */
static void drain(peer_fd peer) {
    char some[4096];
    peer_limit(peer, 300);
    while (recv(peer, some, sizeof some, 0) > 0) continue;
}

static void a_socket_closes_though_the_end_of_its_send_was_not_told_yet(void) {
    fixture fix;
    probe one, two;
    enum { SIZE = 16 * 1024 * 1024 };
    fixture_open(&fix);
    peer_fd first = probe_pair(&one, &fix), second = probe_pair(&two, &fix);
    uint8_t *data = make_pattern(SIZE);
    nc_buf buf = {data, SIZE};
    size_t gone;
    probe_read(&one);
    probe_read(&two);
    CHECK_EQUAL(nc_port_send(fix.port, &two.sock, &buf, 1, &gone), NC_EAGAIN);
    fixture_poll(&fix, 0);
    neighbour = &two;
    one.on_received = close_neighbour;
    peer_send(first, "a");
    drain(second);
    UNTIL(&fix, one.received);
    UNTIL(&fix, two.closed);
    CHECK_EQUAL(two.sent, 0);
    CHECK_EQUAL(two.closed, 1);
    free(data);
    peer_close(second);
    one.on_received = NULL;
    probe_close(&one);
    peer_close(first);
    fixture_close(&fix);
}

static void close_self(probe *self) {
    nc_port_close(self->fix->port, &self->sock, false);
}

static void a_socket_may_close_from_within_each_of_its_events(void) {
    fixture fix;
    probe server, listener;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    server.on_received = close_self;
    nc_port_receive(fix.port, &server.sock);
    peer_send(peer, "end");
    UNTIL(&fix, server.closed);
    CHECK_EQUAL(server.received, 1);
    peer_close(peer);
    free(server.data);
    uint16_t port = probe_listen(&listener, &fix, 8);
    listener.on_accepted = close_self;
    peer_fd one = peer_connect(port), two = peer_connect(port);
    nc_port_accept(fix.port, &listener.sock);
    UNTIL(&fix, listener.closed);
    CHECK_EQUAL(listener.accepted, 1);
    nc__socket_close(listener.fds[0]);
    peer_close(one);
    peer_close(two);
    fixture_idle(&fix, 10);
    CHECK_EQUAL(listener.closed, 1);
    fixture_close(&fix);
}

static void a_detached_socket_works_on_with_another_port(void) {
    fixture first, second;
    probe before, after;
    intptr_t fd;
    fixture_open(&first);
    fixture_open(&second);
    peer_fd peer = probe_pair(&before, &first);
    nc_port_receive(first.port, &before.sock);
    fixture_poll(&first, 0);
    CHECK_EQUAL(nc_port_detach(first.port, &before.sock, &fd), NC_OK);
    peer_send(peer, "moved");
    fixture_idle(&first, 20);
    CHECK_EQUAL(before.received, 0);
    CHECK_EQUAL(before.closed, 0);
    probe_init(&after, &second);
    CHECK_EQUAL(nc_port_attach(second.port, &after.sock, fd, NC_SOCK_TCP), NC_OK);
    probe_read(&after);
    UNTIL(&second, has(&after, "moved"));
    CHECK_EQUAL(probe_send_all(&after, (const uint8_t *)"ok", 2), NC_OK);
    char text[2];
    CHECK_EQUAL(peer_receive(peer, text, 2), 2);
    probe_close(&after);
    peer_close(peer);
    fixture_close(&first);
    fixture_close(&second);
}

static void a_socket_handed_over_on_the_same_port_misses_nothing(void) {
    fixture fix;
    probe before, after;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&before, &fix);
    nc_port_receive(fix.port, &before.sock);
    fixture_poll(&fix, 0);
    peer_send(peer, "early ");
    probe_init(&after, &fix);
    CHECK_EQUAL(nc_port_hand_over(fix.port, &before.sock, &after.sock), NC_OK);
    CHECK_EQUAL(before.sock.fd, NC_SOCK_NONE);
    probe_read(&after);
    UNTIL(&fix, has(&after, "early "));
    peer_send(peer, "late");
    UNTIL(&fix, has(&after, "early late"));
    CHECK_EQUAL(before.received, 0);
    CHECK_EQUAL(before.closed, 0);
    probe_close(&after);
    CHECK(peer_is_at_end(peer));
    peer_close(peer);
    fixture_close(&fix);
}

static void reconnecting_over_and_over_leaks_no_descriptor(void) {
    fixture fix;
    probe server;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    for (int i = 0; i < 300; i++) {
        probe_close(&server);
        CHECK(peer_is_at_end(peer));
        peer_close(peer);
        peer = probe_pair(&server, &fix);
        nc_port_receive(fix.port, &server.sock);
    }
    probe_close(&server);
    peer_close(peer);
    fixture_close(&fix);
}

#if defined(_WIN32)
#define LOCAL_PATH "\\\\.\\pipe\\netcore-test-port"
#else
#define LOCAL_PATH "/tmp/netcore-test-port"
#endif

static size_t local_path(char *path, size_t cap, const char *which) {
#if defined(_WIN32)
    unsigned long id = GetCurrentProcessId();
#else
    unsigned long id = (unsigned long)getpid();
#endif
    int length = snprintf(path, cap, "%s-%lu-%s", LOCAL_PATH, id, which);
    CHECK(length > 0 && (size_t)length < cap);
    return (size_t)length;
}

static void local_listen(probe *self, fixture *fix, const char *path, size_t length) {
    intptr_t fd;
    probe_init(self, fix);
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    CHECK_EQUAL(nc__socket_bind_path(fd, path, length), NC_OK);
    CHECK_EQUAL(nc__socket_listen(fd, 8), NC_OK);
    CHECK_EQUAL(nc_port_attach_listener(fix->port, &self->sock, fd, NC_SOCK_LOCAL), NC_OK);
    nc_port_accept(fix->port, &self->sock);
}

static void local_connect(probe *client, probe *server, probe *listener, const char *path, size_t length) {
    fixture *fix = listener->fix;
    intptr_t fd;
    int before = listener->accepted;
    probe_init(client, fix);
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    nc_status status = nc_port_connect_path(fix->port, &client->sock, fd, path, length);
    finish_connect(client, &status);
    CHECK_EQUAL(status, NC_OK);
    UNTIL(fix, listener->accepted > before);
    CHECK_EQUAL(listener->peer.family, 0);
    probe_init(server, fix);
    CHECK_EQUAL(nc_port_attach(fix->port, &server->sock, listener->fds[before], NC_SOCK_LOCAL), NC_OK);
}

static void a_path_takes_connections_and_carries_bytes_both_ways(void) {
    fixture fix;
    probe listener, client, server;
    char path[100], name[128];
    size_t length = local_path(path, sizeof path, "both"), named;
    fixture_open(&fix);
    local_listen(&listener, &fix, path, length);
    CHECK_EQUAL(nc__socket_path(listener.sock.fd, name, sizeof name, &named), NC_OK);
    CHECK(named == length && memcmp(path, name, length) == 0);
    for (int i = 0; i < 5; i++) {
        local_connect(&client, &server, &listener, path, length);
        probe_read(&server);
        probe_read(&client);
        CHECK_EQUAL(probe_send_all(&client, (const uint8_t *)"question", 8), NC_OK);
        UNTIL(&fix, has(&server, "question"));
        CHECK_EQUAL(probe_send_all(&server, (const uint8_t *)"answer", 6), NC_OK);
        UNTIL(&fix, has(&client, "answer"));
        probe_close(i & 1 ? &client : &server);
        probe *other = i & 1 ? &server : &client;
        UNTIL(&fix, other->ended);
        CHECK_EQUAL(other->receive_status, NC_EOF);
        probe_close(other);
    }
    probe_close(&listener);
    nc__os_unlink(path);
    fixture_close(&fix);
}

static void a_path_carries_much_data_at_once_in_both_directions(void) {
    fixture fix;
    probe listener, ends[2];
    char path[100];
    size_t length = local_path(path, sizeof path, "much"), at[2] = {0, 0};
    enum { SIZE = 3 * 1024 * 1024 };
    bool waiting[2] = {false, false};
    fixture_open(&fix);
    local_listen(&listener, &fix, path, length);
    local_connect(&ends[0], &ends[1], &listener, path, length);
    uint8_t *data = make_pattern(SIZE);
    probe_read(&ends[0]);
    probe_read(&ends[1]);
    while (ends[0].size < SIZE || ends[1].size < SIZE) {
        for (int i = 0; i < 2; i++) {
            if (waiting[i] && ends[i].sent) {
                CHECK_EQUAL(ends[i].send_status, NC_OK);
                at[i] += ends[i].sent_size;
                ends[i].sent = 0;
                ends[i].sent_size = 0;
                waiting[i] = false;
            }
            while (!waiting[i] && at[i] < SIZE) {
                nc_buf bufs[2] = {{data + at[i], (SIZE - at[i] + 1) / 2}, {NULL, 0}};
                bufs[1] = (nc_buf){data + at[i] + bufs[0].size, SIZE - at[i] - bufs[0].size};
                size_t gone = 0;
                nc_status status = nc_port_send(fix.port, &ends[i].sock, bufs, bufs[1].size ? 2 : 1, &gone);
                CHECK(status == NC_OK || status == NC_EAGAIN);
                waiting[i] = status == NC_EAGAIN;
                at[i] += gone;
            }
        }
        fixture_poll(&fix, 1000);
    }
    CHECK(memcmp(ends[0].data, data, SIZE) == 0 && memcmp(ends[1].data, data, SIZE) == 0);
    probe_close(&ends[0]);
    UNTIL(&fix, ends[1].ended);
    probe_close(&ends[1]);
    probe_close(&listener);
    free(data);
    nc__os_unlink(path);
    fixture_close(&fix);
}

static void what_was_sent_on_a_path_arrives_although_the_sender_closes_at_once(void) {
    fixture fix;
    probe listener, client, server;
    char path[100];
    size_t length = local_path(path, sizeof path, "close");
    fixture_open(&fix);
    local_listen(&listener, &fix, path, length);
    local_connect(&client, &server, &listener, path, length);
    CHECK_EQUAL(probe_send_all(&client, (const uint8_t *)"farewell", 8), NC_OK);
    probe_close(&client);
    probe_read(&server);
    UNTIL(&fix, server.ended);
    CHECK_EQUAL(server.receive_status, NC_EOF);
    CHECK(has(&server, "farewell"));
    probe_close(&server);
    probe_close(&listener);
    nc__os_unlink(path);
    fixture_close(&fix);
}

static void a_path_that_is_taken_cannot_be_bound(void) {
    fixture fix;
    probe listener;
    char path[100];
    intptr_t fd;
    size_t length = local_path(path, sizeof path, "taken");
    fixture_open(&fix);
    local_listen(&listener, &fix, path, length);
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    CHECK_EQUAL(nc__socket_bind_path(fd, path, length), NC_EADDRINUSE);
    nc__socket_close(fd);
    probe_close(&listener);
    nc__os_unlink(path);
    fixture_close(&fix);
}

static void a_path_where_nothing_is_cannot_be_connected_to(void) {
    fixture fix;
    probe client;
    char path[100];
    intptr_t fd;
    size_t length = local_path(path, sizeof path, "nothing");
    fixture_open(&fix);
    probe_init(&client, &fix);
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    nc_status status = nc_port_connect_path(fix.port, &client.sock, fd, path, length);
    bool under_way = status == NC_EAGAIN;
    finish_connect(&client, &status);
    CHECK_EQUAL(status, NC_ENOENT);
    if (under_way) {
        probe_close(&client);
    } else {
        nc__socket_close(fd);
    }
    fixture_close(&fix);
}

static void a_path_with_a_nul_inside_is_invalid(void) {
    intptr_t fd;
    CHECK_EQUAL(nc__socket_open(0, &fd), NC_OK);
    CHECK_EQUAL(nc__socket_bind_path(fd, "a\0b", 3), NC_EINVAL);
    CHECK_EQUAL(nc__socket_bind_path(fd, "", 0), NC_EINVAL);
    nc__socket_close(fd);
}

static void closing_a_listening_path_frees_its_name(void) {
    fixture fix;
    probe listener;
    char path[100];
    size_t length = local_path(path, sizeof path, "again");
    fixture_open(&fix);
    for (int i = 0; i < 3; i++) {
        local_listen(&listener, &fix, path, length);
        fixture_poll(&fix, 0);
        probe_close(&listener);
        nc__os_unlink(path);
    }
    fixture_close(&fix);
}

static void an_address_in_use_is_refused(void) {
    fixture fix;
    probe listener;
    intptr_t fd;
    nc_addr addr;
    fixture_open(&fix);
    uint16_t port = probe_listen(&listener, &fix, 8);
    CHECK_EQUAL(nc_addr_parse("127.0.0.1", 9, &addr), NC_OK);
    addr.port = port;
    CHECK_EQUAL(nc__socket_open(4, &fd), NC_OK);
    nc_status status = nc__socket_bind(fd, &addr);
    if (status == NC_OK) status = nc__socket_listen(fd, 8);
    CHECK_EQUAL(status, NC_EADDRINUSE);
    nc__socket_close(fd);
    probe_close(&listener);
    fixture_close(&fix);
}

static void the_options_of_a_tcp_socket_can_be_set(void) {
    fixture fix;
    probe server;
    nc_sock_kind kind;
    fixture_open(&fix);
    peer_fd peer = probe_pair(&server, &fix);
    intptr_t fd = server.sock.fd;
    CHECK_EQUAL(nc__socket_set_no_delay(fd, true), NC_OK);
    CHECK_EQUAL(nc__socket_set_no_delay(fd, false), NC_OK);
    CHECK_EQUAL(nc__socket_set_keep_alive(fd, true, 5), NC_OK);
    CHECK_EQUAL(nc__socket_set_keep_alive(fd, false, 0), NC_OK);
    CHECK_EQUAL(nc__socket_adopt(fd, &kind), NC_OK);
    CHECK_EQUAL(kind, NC_SOCK_TCP);
    CHECK_EQUAL(nc__socket_error(fd), NC_OK);
    peer_send(peer, "12345");
    UNTIL(&fix, nc__socket_unread(fd) == 5);
    CHECK(nc_port_has_unread(&server.sock));
    probe_close(&server);
    peer_close(peer);
    fixture_close(&fix);
}

static void an_ipv6_listener_for_both_families_takes_ipv4_connections(void) {
    fixture fix;
    probe listener;
    nc_addr addr;
    intptr_t fd;
    fixture_open(&fix);
    probe_init(&listener, &fix);
    CHECK_EQUAL(nc_addr_parse("::", 2, &addr), NC_OK);
    nc_status status = nc__socket_open(6, &fd);
    if (status == NC_EAFNOSUPPORT) {
        printf("no IPv6 here\n");
        fixture_close(&fix);
        return;
    }
    CHECK_EQUAL(status, NC_OK);
    status = nc__socket_set_v6_only(fd, false);
    if (status == NC_EINVAL) {
        printf("no socket for both families here\n"); /* as on OpenBSD */
        nc__socket_close(fd);
        fixture_close(&fix);
        return;
    }
    CHECK_EQUAL(status, NC_OK);
    CHECK_EQUAL(nc__socket_bind(fd, &addr), NC_OK);
    CHECK_EQUAL(nc__socket_listen(fd, 8), NC_OK);
    CHECK_EQUAL(nc__socket_name(fd, &addr), NC_OK);
    CHECK_EQUAL(nc_port_attach_listener(fix.port, &listener.sock, fd, NC_SOCK_TCP), NC_OK);
    nc_port_accept(fix.port, &listener.sock);
    peer_fd peer = peer_connect(addr.port);
    UNTIL(&fix, listener.accepted);
    nc_addr loopback;
    CHECK_EQUAL(nc_addr_parse("127.0.0.1", 9, &loopback), NC_OK);
    CHECK(memcmp(loopback.ip, listener.peer.ip, 16) == 0);
    CHECK_EQUAL(listener.peer.family, 6);
    nc__socket_close(listener.fds[0]);
    peer_close(peer);
    probe_close(&listener);
    fixture_close(&fix);
}

static void a_name_is_looked_up(void) {
    nc_addr *addrs = NULL;
    size_t count = 0;
    fixture fix;
    fixture_open(&fix);
    CHECK_EQUAL(nc__os_resolve("127.0.0.1", 0, 0, &addrs, &count), NC_OK);
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(addrs[0].family, 4);
    free(addrs);
    CHECK_EQUAL(nc__os_resolve("localhost", 4, 0, &addrs, &count), NC_OK);
    CHECK(count >= 1);
    CHECK_EQUAL(addrs[0].ip[12], 127);
    free(addrs);
    fixture_close(&fix);
}

static void a_file_is_told_from_another_of_the_same_name(void) {
    nc_file_id one, two;
    char path[100];
#if defined(_WIN32)
    snprintf(path, sizeof path, "netcore-test-%lu", (unsigned long)GetCurrentProcessId());
#else
    local_path(path, sizeof path, "file");
#endif
    CHECK_EQUAL(nc__os_file_id(path, &one), NC_ENOENT);
    FILE *file = fopen(path, "w");
    CHECK(file);
    CHECK_EQUAL(nc__os_file_id(path, &one), NC_OK);
    CHECK_EQUAL(nc__os_file_id(path, &two), NC_OK);
    CHECK(one.file == two.file && one.device == two.device);
    fclose(file);
    nc__os_unlink(path);
    CHECK_EQUAL(nc__os_file_id(path, &one), NC_ENOENT);
}

static const check_case cases[] = {
    CASE(a_poll_without_news_ends_when_its_time_is_up),
    CASE(a_wake_up_ends_the_poll_it_meets_or_the_next_one_and_counts_once),
    CASE(a_poll_may_be_told_to_wait_longer_than_any_system_can),
    CASE(a_byte_written_to_the_wake_up_descriptor_wakes),
    CASE(a_listener_accepts_and_tells_who_the_peer_is),
    CASE(a_hundred_connections_at_once_are_all_accepted),
    CASE(accepting_stops_when_told_from_within_and_goes_on_later),
    CASE(what_the_kernel_has_completed_is_accepted_before_a_listener_closes),
    CASE(a_connect_succeeds_and_bytes_go_both_ways),
    CASE(a_connect_to_a_port_where_nobody_listens_is_refused),
    CASE(who_connects_to_no_address_in_particular_reaches_his_own_machine),
    CASE(closing_while_connecting_tells_of_nothing_but_the_close),
    CASE(an_end_behind_data_comes_after_the_data),
    CASE(one_receive_is_answered_once_and_every_arrival_is_seen),
    CASE(a_receive_that_was_withdrawn_gives_nothing_until_asked_anew),
    CASE(out_of_band_data_does_not_hide_what_follows_it),
    CASE(a_large_send_to_a_slow_peer_arrives_whole),
    CASE(a_large_send_arrives_whole_while_a_receive_waits),
    CASE(a_send_that_finds_no_room_is_told_of_though_a_receive_waits),
    CASE(many_small_buffers_go_in_their_order),
    CASE(closing_while_a_send_waits_tells_of_nothing_but_the_close),
    CASE(sending_to_a_peer_that_is_gone_fails_without_a_signal),
    CASE(a_reset_by_the_peer_is_told_as_such),
    CASE(an_end_followed_by_a_reset_is_no_error_of_writing),
    CASE(closing_with_a_reset_resets),
    CASE(a_shutdown_ends_one_direction_only),
    CASE(a_greedy_peer_does_not_starve_its_neighbour),
    CASE(a_socket_closed_by_what_happens_to_another_hears_nothing_more),
    CASE(a_socket_closes_though_the_end_of_its_send_was_not_told_yet),
    CASE(a_socket_may_close_from_within_each_of_its_events),
    CASE(a_detached_socket_works_on_with_another_port),
    CASE(a_socket_handed_over_on_the_same_port_misses_nothing),
    CASE(reconnecting_over_and_over_leaks_no_descriptor),
    CASE(a_path_takes_connections_and_carries_bytes_both_ways),
    CASE(a_path_carries_much_data_at_once_in_both_directions),
    CASE(what_was_sent_on_a_path_arrives_although_the_sender_closes_at_once),
    CASE(a_path_that_is_taken_cannot_be_bound),
    CASE(a_path_where_nothing_is_cannot_be_connected_to),
    CASE(a_path_with_a_nul_inside_is_invalid),
    CASE(closing_a_listening_path_frees_its_name),
    CASE(an_address_in_use_is_refused),
    CASE(the_options_of_a_tcp_socket_can_be_set),
    CASE(an_ipv6_listener_for_both_families_takes_ipv4_connections),
    CASE(a_name_is_looked_up),
    CASE(a_file_is_told_from_another_of_the_same_name),
};

int main(int argc, char **argv) {
#if defined(_WIN32)
    WSADATA data;
    CHECK_EQUAL(WSAStartup(0x202, &data), 0);
#endif
    return check_run(cases, COUNT(cases), argc, argv);
}

/* Bytes that the kernel moves from socket to socket: Linux only. */
#include "probe.h"

#include <signal.h>

enum { MUCH = 32 * 1024 * 1024 };

static uint8_t *pattern(size_t size) {
    uint8_t *bytes = malloc(size);
    CHECK(bytes);
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(i * 7 + i / 251);
    return bytes;
}

/* Until the kernels' buffers on the way to a peer that does not read are full, and bytes were left over. */
static void fill_the_way(fixture *fix, probe *in, peer_fd sender, const uint8_t *bytes) {
    for (size_t gone = 0; in->onward;) {
        ssize_t part = send(sender, bytes + gone, MUCH - gone, MSG_DONTWAIT);
        if (part > 0) gone += (size_t)part;
        CHECK(gone < MUCH);
        fixture_poll(fix, 0);
    }
}

static void bytes_moved_by_the_kernel_come_before_those_that_are_left_over(void) {
    fixture fix;
    probe in, out;
    fixture_open(&fix);
    peer_fd sender = probe_pair(&in, &fix), receiver = probe_pair(&out, &fix);
    uint8_t *sent = pattern(MUCH), *came = malloc(MUCH);
    signal(SIGPIPE, SIG_IGN);
    in.onward = &out.sock;
    probe_read(&in);
    fill_the_way(&fix, &in, sender, sent);
    size_t first = in.before_passed;
    CHECK(in.passed > 0 && in.size > first);
    CHECK_EQUAL(peer_receive(receiver, (char *)came, in.passed), in.passed);
    CHECK(memcmp(in.data, sent, first) == 0);
    CHECK(memcmp(came, sent + first, in.passed) == 0);
    CHECK(memcmp(in.data + first, sent + first + in.passed, in.size - first) == 0);
    free(sent);
    free(came);
    probe_close(&in);
    probe_close(&out);
    close(sender);
    close(receiver);
    fixture_close(&fix);
}

static void a_signal_that_would_end_the_process_keeps_the_kernel_from_moving_bytes(void) {
    fixture fix;
    probe in, out;
    fixture_open(&fix);
    peer_fd sender = probe_pair(&in, &fix), receiver = probe_pair(&out, &fix);
    uint8_t *sent = pattern(MUCH);
    signal(SIGPIPE, SIG_DFL);
    in.onward = &out.sock;
    probe_read(&in);
    for (size_t gone = 0; gone < MUCH; fixture_poll(&fix, 0)) {
        ssize_t part = send(sender, sent + gone, MUCH - gone, MSG_DONTWAIT);
        if (part > 0) gone += (size_t)part;
    }
    UNTIL(&fix, in.size == MUCH);
    CHECK_EQUAL(in.passed, 0);
    free(sent);
    probe_close(&in);
    probe_close(&out);
    close(sender);
    close(receiver);
    fixture_close(&fix);
}

static const check_case cases[] = {
    CASE(bytes_moved_by_the_kernel_come_before_those_that_are_left_over),
    CASE(a_signal_that_would_end_the_process_keeps_the_kernel_from_moving_bytes),
};

int main(int argc, char **argv) {
    return check_run(cases, COUNT(cases), argc, argv);
}

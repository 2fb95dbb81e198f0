/* One thread changes a block list, others check it all the while. What a rule covers that is never removed must be blocked
 * at every moment, what no rule ever covers must not be, and a rule across many leaves must appear and go as a whole. Run
 * under the thread sanitizer this also shows that readers need no lock.
 *
 * Usage: blocklist_threads [ROUNDS]. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netcore/blocklist.h"

enum { READERS = 2 };

static nc_blocklist *list;
static atomic_bool done;
static atomic_int failures;

static nc_addr read_addr(const char *text) {
    nc_addr addr;
    if (nc_addr_parse(text, strlen(text), &addr) != NC_OK) exit(2);
    return addr;
}

static nc_rule subnet(const char *text, uint8_t prefix) {
    return (nc_rule){.kind = NC_RULE_SUBNET, .first = read_addr(text), .prefix = prefix};
}

static nc_rule range(const char *first, const char *last) {
    return (nc_rule){.kind = NC_RULE_RANGE, .first = read_addr(first), .last = read_addr(last)};
}

static void expect(bool good, const char *what) {
    if (good) return;
    printf("%s\n", what);
    atomic_fetch_add(&failures, 1);
}

static void *reader(void *unused) {
    const nc_addr always4 = read_addr("10.1.2.3"), always6 = read_addr("2001:db8::5");
    const nc_addr never4 = read_addr("9.9.9.9"), never6 = read_addr("2001:db9::1");
    /* The first two lie at both ends of a range that comes and goes. Batches are answered by the group, of at most this
     * size, and a group from one state of the set, so the two must agree. */
    const uint8_t ends[64 * 4] = {20, 0, 0, 1, 99, 255, 255, 254};
    uint8_t mask[64];
    (void)unused;
    while (!atomic_load_explicit(&done, memory_order_relaxed)) {
        expect(nc_blocklist_check(list, &always4), "an address that is always blocked was not");
        expect(nc_blocklist_check(list, &always6), "an IPv6 address that is always blocked was not");
        expect(!nc_blocklist_check(list, &never4), "an address that is never blocked was");
        expect(!nc_blocklist_check(list, &never6), "an IPv6 address that is never blocked was");
        nc_blocklist_check_packed(list, ends, 4, 64, mask);
        expect(mask[0] == mask[1], "half of a rule was there");
    }
    return NULL;
}

static void change(nc_status status) {
    expect(status == NC_OK, "a change failed");
}

/* Rules around and beside the ones that stay, so that their leaves and nodes are rebuilt all the time. */
static void write_round(unsigned i) {
    char text[64];
    snprintf(text, sizeof text, "10.1.%u.%u", i / 7 % 256, i * 37 % 256);
    nc_rule near4 = {.kind = NC_RULE_ADDRESS, .first = read_addr(text)};
    snprintf(text, sizeof text, "2001:db8:%x::%x", i % 300, i * 7 % 65536);
    nc_rule near6 = {.kind = NC_RULE_ADDRESS, .first = read_addr(text)};
    nc_rule over4 = subnet("10.1.0.0", 16), over6 = subnet("2001:db8::", 32);
    nc_rule wide = range("20.0.0.0", "99.255.255.255"), wide6 = range("2001:db7::", "2001:db8:ffff::");
    change(nc_blocklist_add(list, &near4));
    change(nc_blocklist_add(list, &near6));
    change(nc_blocklist_add(list, &wide));
    change(nc_blocklist_add(list, &over4));
    change(nc_blocklist_add(list, &over6));
    change(nc_blocklist_remove(list, &wide));
    change(nc_blocklist_remove(list, &over4));
    if (i % 5 == 0) {
        change(nc_blocklist_add(list, &wide6));
        change(nc_blocklist_remove(list, &wide6));
    }
    change(nc_blocklist_remove(list, &over6));
    if (i % 3 == 0) {
        change(nc_blocklist_remove(list, &near4));
        change(nc_blocklist_remove(list, &near6));
    }
}

int main(int argc, char **argv) {
    pthread_t threads[READERS];
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1500;
    nc_rule always4 = range("10.1.2.0", "10.1.2.7"), always6 = subnet("2001:db8::", 64);
    if (nc_blocklist_new(&list) != NC_OK) return 2;
    change(nc_blocklist_add(list, &always4));
    change(nc_blocklist_add(list, &always6));
    for (int i = 0; i < READERS; i++)
        if (pthread_create(&threads[i], NULL, reader, NULL) != 0) return 2;
    for (unsigned i = 0; i < rounds && atomic_load(&failures) == 0; i++) write_round(i);
    atomic_store(&done, true);
    for (int i = 0; i < READERS; i++) pthread_join(threads[i], NULL);
    nc_blocklist_release(list);
    return atomic_load(&failures) > 0;
}

/* What changing a block list costs as it grows: not seconds, which depend on the machine, but work. That is the comparisons
 * made among the rules and the bytes of new nodes in the set. Each scenario makes all rules and takes them all away again, with
 * N rules and with four times as many; what is quadratic would be sixteen times the work.
 *
 * Usage: blocklist_work. Prints the work of each scenario and exits with 1 if one grows too fast. */
#include <stdio.h>
#include <stdlib.h>

#include "core/blocklist_key.h"

static unsigned long long work;

/* The list's own files, with counters at what they do most; the library's copies of them are not linked then. */
#define nc__key_less(a, b) (work++, nc__key_less(a, b))
#include "core/blocklist_rules.c"
#undef nc__key_less
#define nc__change_alloc uncounted_alloc
#include "core/blocklist_memory.c"
#undef nc__change_alloc

void *nc__change_alloc(nc__change *change, size_t size);

void *nc__change_alloc(nc__change *change, size_t size) {
    work += size / 16;
    return uncounted_alloc(change, size);
}

enum { FEW = 10000, MANY = 4 * FEW };

typedef nc_rule (*maker)(uint32_t i, uint32_t count);

static nc_addr address_4(uint32_t offset) {
    nc_addr addr = {.ip = {[10] = 0xff, [11] = 0xff}, .family = 4};
    for (int i = 0; i < 4; i++) addr.ip[12 + i] = (uint8_t)(((uint32_t)10 << 24 | offset) >> (24 - 8 * i));
    return addr;
}

static nc_addr address_6(uint32_t offset) {
    nc_addr addr = {.ip = {0x20, 0x01, 0x0d, 0xb8}, .family = 6};
    for (int i = 0; i < 4; i++) addr.ip[4 + i] = (uint8_t)(offset >> (24 - 8 * i));
    return addr;
}

static nc_rule ascending(uint32_t i, uint32_t count) {
    (void)count;
    return (nc_rule){.kind = NC_RULE_ADDRESS, .first = address_4(2 * i)};
}

static nc_rule descending(uint32_t i, uint32_t count) {
    return ascending(count - 1 - i, count);
}

static nc_rule scattered(uint32_t i, uint32_t count) {
    (void)count;
    return (nc_rule){.kind = NC_RULE_SUBNET, .first = address_4((i * 2654435761u & 0xffff) << 8), .prefix = 24};
}

static nc_rule descending_6(uint32_t i, uint32_t count) {
    return (nc_rule){.kind = NC_RULE_SUBNET, .first = address_6((count - 1 - i) << 9), .prefix = 56};
}

static nc_rule nested(uint32_t i, uint32_t count) {
    (void)count;
    return (nc_rule){.kind = NC_RULE_RANGE, .first = address_4(i), .last = address_4(0xffffff - i)};
}

/* The innermost goes first where rules are nested. */
static void all_and_none(nc_blocklist *list, maker make, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        nc_rule rule = make(i, count);
        if (nc_blocklist_add(list, &rule) != NC_OK) exit(2);
    }
    for (uint32_t i = count; i > 0; i--) {
        nc_rule rule = make(i - 1, count);
        if (nc_blocklist_remove(list, &rule) != NC_OK) exit(2);
    }
}

/* Two are added, the first of them is taken away, and so on. */
static void in_turn(nc_blocklist *list, maker make, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        nc_rule rule = make(i, count);
        if (nc_blocklist_add(list, &rule) != NC_OK) exit(2);
        rule = make(i & ~(uint32_t)1, count);
        if (i & 1 && nc_blocklist_remove(list, &rule) != NC_OK) exit(2);
    }
}

static unsigned long long work_of(void (*run)(nc_blocklist *list, maker make, uint32_t count), maker make,
                                  uint32_t count) {
    nc_blocklist *list;
    if (nc_blocklist_new(&list) != NC_OK) exit(2);
    work = 0;
    run(list, make, count);
    nc_blocklist_release(list);
    return work;
}

static int check(const char *name, maker make) {
    unsigned long long few = work_of(all_and_none, make, FEW), many = work_of(all_and_none, make, MANY);
    unsigned long long few_in_turn = work_of(in_turn, make, FEW), many_in_turn = work_of(in_turn, make, MANY);
    printf("%-12s all and none %10llu %10llu   in turn %10llu %10llu\n", name, few, many, few_in_turn, many_in_turn);
    return many > 8 * few || many_in_turn > 8 * few_in_turn;
}

int main(void) {
    int failures = check("ascending", ascending) + check("descending", descending) + check("scattered", scattered);
    return failures + check("descending 6", descending_6) + check("nested", nested) > 0;
}

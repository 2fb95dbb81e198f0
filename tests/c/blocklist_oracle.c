/* Compares a block list with a brute-force oracle over random rules, added and removed in any order: the rules are kept in
 * a plain array, and an address is blocked if any of them covers it. The rules are drawn so that they overlap, nest,
 * touch and repeat, and every address asked for lies on a rule's edge or one beside it.
 *
 * Usage: blocklist_oracle [SEED ROUNDS]. Prints what differs and exits with 1, or exits with 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blocklist_rules.h"
#include "draw.h"

enum { RULES_MAX = 400, STEPS = 600, PROBES = 12 };

static void put(nc_addr *addr, nc__key key, uint8_t family) {
    *addr = (nc_addr){.family = family};
    for (int i = 0; i < 8; i++) {
        addr->ip[i] = (uint8_t)(key.high >> (56 - 8 * i));
        addr->ip[8 + i] = (uint8_t)(key.low >> (56 - 8 * i));
    }
}

/* An address of a small neighbourhood, so that rules meet; `wide` says how much of the space it is taken from. */
static nc__key draw_key(bool v4, unsigned wide) {
    static const uint32_t nets[] = {0,          0x0a000000, 0x0a00ff00, 0x0a01fffe,
                                    0x0affff00, 0x7f000000, 0xc0a80000, 0xfffffff0};
    uint64_t spread = wide == 0 ? 8 : wide == 1 ? 1024 : wide == 2 ? 200000 : (uint64_t)1 << 32;
    uint32_t ip = nets[draw(8)] + (uint32_t)draw(spread);
    if (draw(3) == 0) ip &= ~(uint32_t)255; /* leaves are written in another way where all ends are such */
    if (v4) return (nc__key){0, (uint64_t)0xffff << 32 | ip};
    /* Every octet may be the one in which rules differ, so that the trie branches at every depth. */
    if (draw(2) == 0) return (nc__key){0x2001000000000000 | draw(0x400) << 8 * draw(7), draw(2) << 8 * draw(8)};
    static const uint64_t tops[] = {0, 0x20010db800000000, 0x20010db8ffffffff, 0xfe80000000000000, UINT64_MAX};
    nc__key key = {tops[draw(5)] + (wide > 1 ? draw(3) : 0), draw(2) ? draw(spread) : draw(UINT64_MAX)};
    return draw(4) == 0 ? (nc__key){0, ((uint64_t)0xffff << 32) + draw(64) - 32} : key;
}

static nc_rule draw_rule(unsigned wide) {
    nc_rule rule = {.kind = (uint8_t)draw(3)};
    bool v4 = draw(3) != 0;
    nc__key first = draw_key(v4, wide);
    put(&rule.first, first, v4 ? 4 : 6);
    if (rule.kind == NC_RULE_SUBNET) {
        unsigned max = v4 ? 32 : 128;
        rule.prefix = (uint8_t)(draw(40) == 0 ? draw(max + 1) : max - draw(v4 ? 22 : draw(4) == 0 ? 128 : 80));
    }
    if (rule.kind == NC_RULE_RANGE) {
        bool last4 = draw(10) == 0 ? !v4 : v4;
        nc__key last = draw_key(last4, wide);
        put(&rule.first, nc__key_min(first, last), nc__key_less(last, first) ? (last4 ? 4 : 6) : (v4 ? 4 : 6));
        put(&rule.last, nc__key_max(first, last), nc__key_less(last, first) ? (v4 ? 4 : 6) : (last4 ? 4 : 6));
    }
    return rule;
}

static bool covers(const nc_rule *rule, nc__key key) {
    nc__span span;
    return nc__rule_span(rule, &span) && !nc__key_less(key, span.first) && !nc__key_less(span.last, key);
}

typedef struct oracle {
    nc_rule rules[RULES_MAX];
    size_t count;
} oracle;

static bool same_rule(const nc_rule *a, const nc_rule *b) {
    unsigned pa = a->prefix + (a->first.family == 4 ? 96u : 0u);
    unsigned pb = b->prefix + (b->first.family == 4 ? 96u : 0u);
    return a->kind == b->kind && memcmp(a->first.ip, b->first.ip, 16) == 0 && (a->kind != NC_RULE_SUBNET || pa == pb) &&
           (a->kind != NC_RULE_RANGE || memcmp(a->last.ip, b->last.ip, 16) == 0);
}

static bool oracle_remove(oracle *o, nc_rule rule) {
    for (size_t i = o->count; i > 0; i--) {
        if (!same_rule(&o->rules[i - 1], &rule)) continue;
        memmove(&o->rules[i - 1], &o->rules[i], (o->count - i) * sizeof rule);
        o->count--;
        return true;
    }
    return false;
}

static void oracle_add(oracle *o, nc_rule rule) {
    if (rule.kind == NC_RULE_ADDRESS) oracle_remove(o, rule);
    o->rules[o->count++] = rule;
}

static bool oracle_check(const oracle *o, nc__key key) {
    for (size_t i = 0; i < o->count; i++)
        if (covers(&o->rules[i], key)) return true;
    return false;
}

static int failures;

static void probe(const nc_blocklist *list, const oracle *o, nc__key key) {
    nc_addr addr;
    uint8_t mask = 2;
    put(&addr, key, 6);
    bool expected = oracle_check(o, key);
    nc_blocklist_check_packed(list, addr.ip, 16, 1, &mask);
    if (nc_blocklist_check(list, &addr) == expected && mask == expected) return;
    char text[NC_ADDR_TEXT_MAX];
    nc_addr_format(&addr, text, sizeof text);
    printf("%s: expected %d, mask %d, %zu rules\n", text, expected, mask, o->count);
    failures++;
}

static void probe_rule(const nc_blocklist *list, const oracle *o, const nc_rule *rule) {
    nc__span span;
    if (!nc__rule_span(rule, &span)) return;
    nc__key edges[] = {span.first, nc__key_before(span.first), nc__key_next(span.first),
                       span.last,  nc__key_before(span.last),  nc__key_next(span.last)};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) probe(list, o, edges[i]);
}

/* A batch of IPv4 addresses, many enough for the lanes of the batch. */
static void probe_batch(const nc_blocklist *list, const oracle *o, unsigned wide) {
    uint8_t packed[4 * 37], mask[37];
    nc__key keys[37];
    for (size_t i = 0; i < 37; i++) {
        nc_addr addr;
        keys[i] = draw_key(true, wide);
        put(&addr, keys[i], 4);
        memcpy(packed + 4 * i, addr.ip + 12, 4);
    }
    nc_blocklist_check_packed(list, packed, 4, 37, mask);
    for (size_t i = 0; i < 37; i++) {
        if (mask[i] == oracle_check(o, keys[i])) continue;
        printf("batch: address %08x is %d\n", (unsigned)keys[i].low, mask[i]);
        failures++;
    }
}

static bool step(nc_blocklist *list, oracle *o, unsigned wide) {
    nc_rule rule = o->count > 0 && draw(3) == 0 ? o->rules[draw(o->count)] : draw_rule(wide);
    if (draw(150) == 0) {
        o->count = 0;
        return nc_blocklist_clear(list) == NC_OK;
    }
    if (o->count == RULES_MAX || draw(5) < 2) {
        bool had = oracle_remove(o, rule);
        return nc_blocklist_remove(list, &rule) == (had ? NC_OK : NC_ENOENT);
    }
    oracle_add(o, rule);
    return nc_blocklist_add(list, &rule) == NC_OK;
}

static void compare_listing(const nc_blocklist *list, const oracle *o) {
    static nc_rule rules[RULES_MAX];
    size_t count = nc_blocklist_rules(list, rules, RULES_MAX);
    bool same = count == o->count && nc_blocklist_size(list) == count;
    size_t at = 0;
    for (uint8_t kind = 0; kind < 3 && same; kind++)
        for (size_t i = o->count; i > 0; i--) {
            char a[NC_RULE_TEXT_MAX], b[NC_RULE_TEXT_MAX];
            if (o->rules[i - 1].kind != kind) continue;
            nc_rule_format(&o->rules[i - 1], a, sizeof a);
            nc_rule_format(&rules[at++], b, sizeof b);
            same = same && strcmp(a, b) == 0;
        }
    if (!same) {
        printf("the listing differs: %zu rules, %zu expected\n", count, o->count);
        failures++;
    }
}

/* One /16 in which so many addresses are blocked that its leaf becomes a bitmap, and an array again. */
static void run_dense(void) {
    static bool blocked[65536];
    nc_blocklist *list;
    nc_rule rule = {.kind = NC_RULE_ADDRESS,
                    .first = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 77, [13] = 5}, .family = 4}};
    if (nc_blocklist_new(&list) != NC_OK) exit(2);
    memset(blocked, 0, sizeof blocked);
    for (int i = 0; i < 12000; i++) {
        unsigned offset = (unsigned)draw(65536);
        bool add = i < 6000 ? draw(8) != 0 : draw(8) == 0;
        if (i >= 6000)
            while (!add && !blocked[offset] && draw(200) != 0) offset = (offset + 1) % 65536;
        rule.first.ip[14] = (uint8_t)(offset >> 8);
        rule.first.ip[15] = (uint8_t)offset;
        nc_status status = add ? nc_blocklist_add(list, &rule) : nc_blocklist_remove(list, &rule);
        failures += status != (add || blocked[offset] ? NC_OK : NC_ENOENT);
        blocked[offset] = add;
        if (i % 500 != 0) continue;
        for (unsigned at = 0; at < 65536; at++) {
            nc_addr addr = rule.first;
            addr.ip[14] = (uint8_t)(at >> 8);
            addr.ip[15] = (uint8_t)at;
            failures += nc_blocklist_check(list, &addr) != blocked[at];
        }
    }
    if (failures > 0) printf("the dense leaf differs\n");
    nc_blocklist_release(list);
}

static void run_round(void) {
    static oracle o;
    nc_blocklist *list;
    unsigned wide = (unsigned)draw(4);
    o.count = 0;
    if (nc_blocklist_new(&list) != NC_OK) exit(2);
    for (int i = 0; i < STEPS && failures < 10; i++) {
        if (!step(list, &o, wide)) {
            printf("a change failed that should not, or the other way round\n");
            failures++;
        }
        for (int j = 0; j < PROBES && o.count > 0; j++) probe_rule(list, &o, &o.rules[draw(o.count)]);
        probe(list, &o, draw_key(draw(2), wide));
        if (i % 16 == 0) {
            probe_batch(list, &o, wide);
            compare_listing(list, &o);
        }
    }
    nc_blocklist_release(list);
}

int main(int argc, char **argv) {
    state = (argc > 1 ? strtoull(argv[1], NULL, 10) : 1) * 0x9e3779b97f4a7c15 | 1;
    for (long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 10; rounds > 0 && failures == 0; rounds--) run_round();
    run_dense();
    return failures > 0;
}

#include "netcore/blocklist.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "port/os.h"
#include "core/address_int.h"
#include "core/blocklist_rules.h"
#include "core/blocklist_v4.h"
#include "core/blocklist_v6.h"

struct nc_blocklist {
    nc__set4 v4;
    nc__set6 v6; /* what it says of IPv4-mapped addresses is never asked for */
    nc__pool pool;
    nc__rules rules;
    _Atomic(size_t) size;
    _Atomic(size_t) references;
    nc_monitor *changing;
};

static const nc__span MAPPED = {{0, (uint64_t)0xffff << 32}, {0, (uint64_t)0xffff << 32 | UINT32_MAX}};

/* Changes wait for each other, and so does whoever lists the rules. Readers never come here. */
static void lock(const nc_blocklist *list) {
    nc__os_monitor_enter(list->changing);
}

static void unlock(const nc_blocklist *list) {
    nc__os_monitor_leave(list->changing);
}

nc_status nc_blocklist_new(nc_blocklist **out) {
    nc_blocklist *list = calloc(1, sizeof *list);
    if (list == NULL) return NC_ENOMEM;
    list->changing = nc__os_monitor_new();
    if (list->changing == NULL) {
        free(list);
        return NC_ENOMEM;
    }
    nc__pool_init(&list->pool);
    list->v4.pool = list->v6.pool = &list->pool;
    nc__rules_init(&list->rules);
    atomic_init(&list->references, 1);
    *out = list;
    return NC_OK;
}

nc_blocklist *nc_blocklist_retain(nc_blocklist *list) {
    atomic_fetch_add_explicit(&list->references, 1, memory_order_relaxed);
    return list;
}

void nc_blocklist_release(nc_blocklist *list) {
    if (list == NULL || atomic_fetch_sub_explicit(&list->references, 1, memory_order_acq_rel) > 1) return;
    nc__pool_destroy(&list->pool);
    nc__rules_destroy(&list->rules);
    nc__os_monitor_free(list->changing);
    free(list);
}

/* ---- Changing ---- */

static void replace_v4(nc_blocklist *list, nc__change *change, nc__span where, const nc__span *spans, size_t count) {
    nc__interval4 one;
    nc__interval4 *intervals = count <= 1 ? &one : malloc(count * sizeof *intervals);
    size_t kept = 0;
    if (intervals == NULL) {
        change->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        nc__key first = nc__key_max(spans[i].first, MAPPED.first);
        nc__key last = nc__key_min(spans[i].last, MAPPED.last);
        if (!nc__key_less(last, first)) intervals[kept++] = (nc__interval4){(uint32_t)first.low, (uint32_t)last.low};
    }
    uint32_t from = (uint32_t)nc__key_max(where.first, MAPPED.first).low;
    uint32_t to = (uint32_t)nc__key_min(where.last, MAPPED.last).low;
    nc__set4_replace(&list->v4, change, from, to, intervals, kept);
    if (intervals != &one) free(intervals);
}

/* Makes the addresses of `where` be exactly those of the spans. */
static nc_status replace(nc_blocklist *list, nc__span where, const nc__span *spans, size_t count) {
    nc__change change;
    bool begins_in = !nc__key_less(where.first, MAPPED.first) && !nc__key_less(MAPPED.last, where.first);
    bool ends_in = !nc__key_less(where.last, MAPPED.first) && !nc__key_less(MAPPED.last, where.last);
    bool meets = !nc__key_less(where.last, MAPPED.first) && !nc__key_less(MAPPED.last, where.first);
    nc__change_begin(&change, &list->pool);
    if (!begins_in || !ends_in) nc__set6_replace(&list->v6, &change, where, spans, count);
    if (meets) replace_v4(list, &change, where, spans, count);
    return nc__change_end(&change) ? NC_OK : NC_ENOMEM;
}

static void publish_size(nc_blocklist *list) {
    atomic_store_explicit(&list->size, list->rules.live, memory_order_relaxed);
}

static nc_status add_locked(nc_blocklist *list, const nc_rule *rule, nc__span span) {
    uint32_t id;
    nc_status status = NC_ENOENT;
    if (!nc__rules_reserve(&list->rules)) return NC_ENOMEM;
    if (rule->kind == NC_RULE_ADDRESS && nc_blocklist_check(list, &rule->first))
        status = nc__rules_find(&list->rules, rule, &id);
    if (status == NC_OK)
        nc__rules_drop(&list->rules, id);
    else if (status == NC_ENOENT)
        status = replace(list, span, &span, 1);
    if (status == NC_OK) nc__rules_append(&list->rules, rule);
    publish_size(list);
    return status;
}

nc_status nc_blocklist_add(nc_blocklist *list, const nc_rule *rule) {
    nc__span span;
    if (!nc__rule_span(rule, &span)) return NC_EINVAL;
    lock(list);
    nc_status status = add_locked(list, rule, span);
    unlock(list);
    return status;
}

static nc_status remove_locked(nc_blocklist *list, const nc_rule *rule, nc__span span) {
    uint32_t id;
    nc__span *rest;
    size_t count;
    nc_status status = nc__rules_find(&list->rules, rule, &id);
    if (status != NC_OK) return status;
    status = nc__rules_cover(&list->rules, span, id, &rest, &count);
    if (status != NC_OK) return status;
    status = replace(list, span, rest, count);
    free(rest);
    if (status == NC_OK) nc__rules_drop(&list->rules, id);
    publish_size(list);
    return status;
}

nc_status nc_blocklist_remove(nc_blocklist *list, const nc_rule *rule) {
    nc__span span;
    if (!nc__rule_span(rule, &span)) return NC_EINVAL;
    lock(list);
    nc_status status = remove_locked(list, rule, span);
    unlock(list);
    return status;
}

nc_status nc_blocklist_clear(nc_blocklist *list) {
    nc__span all = {{0, 0}, {UINT64_MAX, UINT64_MAX}};
    lock(list);
    nc_status status = replace(list, all, NULL, 0);
    if (status == NC_OK) {
        nc__rules_destroy(&list->rules);
        publish_size(list);
    }
    unlock(list);
    return status;
}

/* ---- Asking ---- */

size_t nc_blocklist_size(const nc_blocklist *list) {
    return atomic_load_explicit(&((nc_blocklist *)list)->size, memory_order_relaxed);
}

static inline int check_ip(const nc_blocklist *list, const uint8_t ip[16]) {
    nc__key key = nc__key_of(ip);
    if (key.high == 0 && key.low >> 32 == 0xffff) return nc__set4_has(&list->v4, (uint32_t)key.low);
    return nc__set6_has(&list->v6, key);
}

bool nc_blocklist_check(const nc_blocklist *list, const nc_addr *addr) {
    return addr->family != 0 && check_ip(list, addr->ip);
}

enum { SOME = 256 };

static inline uint32_t read_be32(const uint8_t at[4]) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void check_packed_v4(const nc_blocklist *list, const uint8_t *packed, size_t count, uint8_t *mask) {
    uint32_t ips[SOME];
    while (count > 0) {
        size_t some = count < SOME ? count : SOME;
        for (size_t i = 0; i < some; i++, packed += 4) ips[i] = read_be32(packed);
        nc__set4_has_many(&list->v4, ips, some, mask);
        mask += some;
        count -= some;
    }
}

void nc_blocklist_check_packed(const nc_blocklist *list, const uint8_t *packed, size_t width, size_t count,
                               uint8_t *mask) {
    if (width == 4) {
        check_packed_v4(list, packed, count, mask);
        return;
    }
    for (size_t i = 0; i < count; i++) mask[i] = (uint8_t)check_ip(list, packed + 16 * i);
}

static inline int check_text_v4(const nc_blocklist *list, nc_text text) {
    int64_t ip = nc__parse_ipv4(text.at, text.len);
    return ip < 0 ? NC_NOT_AN_ADDRESS : nc__set4_has(&list->v4, (uint32_t)ip);
}

static int check_text_v6(const nc_blocklist *list, nc_text text) {
    uint8_t ip[16];
    if (nc__parse_ipv6(text.at, text.len, ip)) return check_ip(list, ip);
    nc_addr addr;
    nc_zone zone;
    if (nc_addr_parse_zoned(text.at, text.len, &addr, &zone) != NC_OK || addr.family != 6) return NC_NOT_AN_ADDRESS;
    return check_ip(list, addr.ip);
}

int nc_blocklist_check_text(const nc_blocklist *list, nc_text text, int family) {
    if (family == 4) return check_text_v4(list, text);
    int has = family == 6 ? NC_NOT_AN_ADDRESS : check_text_v4(list, text);
    return has == NC_NOT_AN_ADDRESS ? check_text_v6(list, text) : has;
}

/* All of a few texts are read before the set is asked, so that it answers for all of them at once; what it says of those
 * that are no IPv4 addresses is written over. */
static void check_some_texts(const nc_blocklist *list, const nc_text *texts, size_t count, int family,
                             uint8_t *answers) {
    uint32_t ips[SOME];
    uint16_t others[SOME];
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t ip = family == 6 ? -1 : nc__parse_ipv4(texts[i].at, texts[i].len);
        ips[i] = (uint32_t)ip;
        others[found] = (uint16_t)i;
        found += ip < 0;
    }
    if (found < count) nc__set4_has_many(&list->v4, ips, count, answers);
    for (size_t i = 0; i < found; i++)
        answers[others[i]] = family == 4 ? NC_NOT_AN_ADDRESS : (uint8_t)check_text_v6(list, texts[others[i]]);
}

void nc_blocklist_check_texts(const nc_blocklist *list, const nc_text *texts, size_t count, int family,
                              uint8_t *answers) {
    for (size_t i = 0; i < count; i += SOME)
        check_some_texts(list, texts + i, count - i < SOME ? count - i : SOME, family, answers + i);
}

size_t nc_blocklist_rules(const nc_blocklist *list, nc_rule *out, size_t cap) {
    lock(list);
    size_t count = nc__rules_list(&list->rules, out, cap);
    unlock(list);
    return count;
}

void nc_blocklist_memory(const nc_blocklist *list, size_t *set, size_t *log) {
    lock(list);
    *set = sizeof *list + list->pool.total;
    *log = nc__rules_memory(&list->rules);
    unlock(list);
}

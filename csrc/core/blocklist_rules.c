/* Two logs of records, one for the rules written in IPv4, which are small, and one for all others. Nothing is kept in
 * order but the log itself, because adding is what people do by the million. Removing needs to know which other rules
 * meet the one that goes: for that an index is made when it is first asked for, and kept from then on.
 *
 * The index is the ids of the rules sorted by their first address, and read as a balanced tree whose root is the middle
 * element: `reach` says at each node which rule of its subtree ends last, so that a search can pass over subtrees that end
 * too early. What the rules cover of some stretch is asked for in the order of their beginnings, and only beyond what is
 * known to be covered, so that many rules one over the other cost little. Records that came after the index was made are
 * looked at one by one. When there are too many of them they become a run of their own, and take in the runs before them that
 * are not more than twice as long: so there are few runs, and a record is moved only as often as the list doubles, however
 * adding and searching take turns. */
#include "core/blocklist_rules.h"

#include <stdlib.h>
#include <string.h>

typedef struct nc__rule4 {
    uint32_t first;
    uint32_t last; /* of a range; the prefix of a subnet */
    uint32_t tag;
} rule4;

typedef struct nc__rule6 {
    uint8_t first[16];
    uint8_t last[16]; /* of a range; the prefix of a subnet is last[0] */
    uint32_t tag;
} rule6;

/* The tag of a record: its kind, how its ends are written, whether it is gone, and its number among all rules. */
enum { KIND = 3, FIRST_IS_V4 = 4, LAST_IS_V4 = 8, GONE = 16, NUMBER_SHIFT = 5 };

static const uint32_t NUMBER_MAX = UINT32_MAX >> NUMBER_SHIFT;
static const uint32_t IS_V6 = (uint32_t)1 << 31; /* in an id: the rest is the position in that log */
static const uint64_t MAPPED = (uint64_t)0xffff << 32;

void nc__rules_init(nc__rules *rules) {
    memset(rules, 0, sizeof *rules);
}

static void free_runs(nc__rules *rules, unsigned keep) {
    while (rules->run_count > keep) {
        nc__run *run = &rules->runs[--rules->run_count];
        free(run->sorted);
        free(run->reach);
    }
}

static void forget_index(nc__rules *rules) {
    free_runs(rules, 0);
    rules->indexed4 = rules->indexed6 = 0;
}

void nc__rules_destroy(nc__rules *rules) {
    free(rules->v4);
    free(rules->v6);
    forget_index(rules);
    nc__rules_init(rules);
}

bool nc__rule_span(const nc_rule *rule, nc__span *out) {
    nc__key first = nc__key_of(rule->first.ip);
    *out = (nc__span){first, first};
    if (rule->first.family == 0 || rule->first.scope != 0) return false;
    if (rule->kind == NC_RULE_SUBNET) {
        bool v4 = rule->first.family == 4;
        if (rule->prefix > (v4 ? 32 : 128)) return false;
        *out = nc__span_of_prefix(first, rule->prefix + (v4 ? 96u : 0u));
        return true;
    }
    if (rule->kind != NC_RULE_RANGE) return rule->kind == NC_RULE_ADDRESS;
    out->last = nc__key_of(rule->last.ip);
    return rule->last.family != 0 && rule->last.scope == 0 && !nc__key_less(out->last, out->first);
}

static uint32_t *tag_of(const nc__rules *rules, uint32_t id) {
    return id & IS_V6 ? &rules->v6[id & ~IS_V6].tag : &rules->v4[id].tag;
}

static nc__span span_of(const nc__rules *rules, uint32_t id) {
    uint32_t kind = *tag_of(rules, id) & KIND;
    if (id & IS_V6) {
        const rule6 *r = &rules->v6[id & ~IS_V6];
        nc__key first = nc__key_of(r->first);
        if (kind == NC_RULE_SUBNET) return nc__span_of_prefix(first, r->last[0]);
        return (nc__span){first, kind == NC_RULE_RANGE ? nc__key_of(r->last) : first};
    }
    const rule4 *r = &rules->v4[id];
    nc__key first = {0, MAPPED | r->first};
    if (kind == NC_RULE_SUBNET) return nc__span_of_prefix(first, 96 + r->last);
    return (nc__span){first, {0, MAPPED | (kind == NC_RULE_RANGE ? r->last : r->first)}};
}

static void write_ipv4(nc_addr *out, uint32_t ip) {
    *out = (nc_addr){.ip = {[10] = 0xff, [11] = 0xff}, .family = 4};
    for (int i = 0; i < 4; i++) out->ip[12 + i] = (uint8_t)(ip >> (24 - 8 * i));
}

static uint32_t read_ipv4(const nc_addr *addr) {
    return (uint32_t)nc__key_of(addr->ip).low;
}

static void write_ipv6(nc_addr *out, const uint8_t ip[16], bool as_v4) {
    *out = (nc_addr){.family = as_v4 ? 4 : 6};
    memcpy(out->ip, ip, 16);
}

static nc_rule rule_at(const nc__rules *rules, uint32_t id) {
    uint32_t tag = *tag_of(rules, id);
    nc_rule rule = {.kind = (uint8_t)(tag & KIND)};
    if (id & IS_V6) {
        const rule6 *r = &rules->v6[id & ~IS_V6];
        write_ipv6(&rule.first, r->first, tag & FIRST_IS_V4);
        rule.prefix = rule.kind == NC_RULE_SUBNET ? r->last[0] : 0;
        if (rule.kind == NC_RULE_RANGE) write_ipv6(&rule.last, r->last, tag & LAST_IS_V4);
        return rule;
    }
    const rule4 *r = &rules->v4[id];
    write_ipv4(&rule.first, r->first);
    rule.prefix = rule.kind == NC_RULE_SUBNET ? (uint8_t)r->last : 0;
    if (rule.kind == NC_RULE_RANGE) write_ipv4(&rule.last, r->last);
    return rule;
}

/* ---- The log ---- */

static void *grown(void *items, uint32_t *cap, size_t size) {
    uint32_t wanted = *cap < 16 ? 16 : *cap + *cap / 2;
    void *larger = wanted >= IS_V6 ? NULL : realloc(items, wanted * size);
    if (larger != NULL) *cap = wanted;
    return larger;
}

/* Drops the records that are gone and numbers the others anew, in their order. */
static void compact(nc__rules *rules) {
    uint32_t i = 0, j = 0, v4 = 0, v6 = 0, number = 0;
    while (i < rules->v4_count || j < rules->v6_count) {
        bool take4 = i < rules->v4_count;
        if (take4 && j < rules->v6_count) take4 = rules->v4[i].tag >> NUMBER_SHIFT < rules->v6[j].tag >> NUMBER_SHIFT;
        uint32_t tag = take4 ? rules->v4[i].tag : rules->v6[j].tag;
        bool gone = tag & GONE;
        tag = (tag & (KIND | FIRST_IS_V4 | LAST_IS_V4)) | number << NUMBER_SHIFT;
        if (take4) {
            rules->v4[v4] = rules->v4[i++];
            rules->v4[v4].tag = tag;
            v4 += !gone;
        } else {
            rules->v6[v6] = rules->v6[j++];
            rules->v6[v6].tag = tag;
            v6 += !gone;
        }
        number += !gone;
    }
    rules->v4_count = v4;
    rules->v6_count = v6;
    rules->next = number;
    forget_index(rules);
}

bool nc__rules_reserve(nc__rules *rules) {
    if (rules->next == NUMBER_MAX) compact(rules);
    if (rules->next == NUMBER_MAX) return false;
    if (rules->v4_count == rules->v4_cap) {
        rule4 *larger = grown(rules->v4, &rules->v4_cap, sizeof *larger);
        if (larger == NULL) return false;
        rules->v4 = larger;
    }
    if (rules->v6_count == rules->v6_cap) {
        rule6 *larger = grown(rules->v6, &rules->v6_cap, sizeof *larger);
        if (larger == NULL) return false;
        rules->v6 = larger;
    }
    return true;
}

void nc__rules_append(nc__rules *rules, const nc_rule *rule) {
    bool range = rule->kind == NC_RULE_RANGE;
    bool first4 = rule->first.family == 4;
    bool last4 = range ? rule->last.family == 4 : first4;
    uint32_t tag = rule->kind | rules->next++ << NUMBER_SHIFT;
    rules->live++;
    if (first4 && last4) {
        uint32_t first = read_ipv4(&rule->first);
        uint32_t last = range ? read_ipv4(&rule->last) : rule->kind == NC_RULE_SUBNET ? rule->prefix : first;
        rules->v4[rules->v4_count++] = (rule4){first, last, tag};
        return;
    }
    rule6 record = {.tag = tag | (first4 ? FIRST_IS_V4 : 0u) | (last4 ? LAST_IS_V4 : 0u)};
    memcpy(record.first, rule->first.ip, 16);
    if (range)
        memcpy(record.last, rule->last.ip, 16);
    else
        record.last[0] = rule->prefix;
    rules->v6[rules->v6_count++] = record;
}

void nc__rules_drop(nc__rules *rules, uint32_t id) {
    *tag_of(rules, id) |= GONE;
    rules->live--;
    size_t gone = (size_t)rules->v4_count + rules->v6_count - rules->live;
    if (gone > rules->live + 1024 || rules->live == 0) compact(rules);
}

/* ---- The index ---- */

/* Fills `reach` for the subtree of the positions from `low` up to `high`, and returns the rule in it that ends last. */
static uint32_t build_reach(const nc__rules *rules, nc__run *run, size_t low, size_t high) {
    size_t middle = low + (high - low) / 2;
    uint32_t best = run->sorted[middle];
    if (low < middle) {
        uint32_t left = build_reach(rules, run, low, middle);
        if (nc__key_less(span_of(rules, best).last, span_of(rules, left).last)) best = left;
    }
    if (middle + 1 < high) {
        uint32_t right = build_reach(rules, run, middle + 1, high);
        if (nc__key_less(span_of(rules, best).last, span_of(rules, right).last)) best = right;
    }
    return run->reach[middle] = best;
}

/* `b` may be the end of `out`. */
static void merge(const nc__rules *rules, const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count,
                  uint32_t *out) {
    size_t i = 0, j = 0;
    while (i < a_count && j < b_count) {
        bool second = nc__key_less(span_of(rules, b[j]).first, span_of(rules, a[i]).first);
        *out++ = second ? b[j++] : a[i++];
    }
    memmove(out, a + i, (a_count - i) * sizeof *a);
    memmove(out + (a_count - i), b + j, (b_count - j) * sizeof *b);
}

static void sort(const nc__rules *rules, uint32_t *ids, uint32_t *spare, size_t count) {
    if (count < 2) return;
    size_t half = count / 2;
    sort(rules, ids, spare, half);
    sort(rules, ids + half, spare, count - half);
    memcpy(spare, ids, half * sizeof *ids);
    merge(rules, spare, half, ids + half, count - half, ids);
}

static size_t live_of_run(const nc__rules *rules, const nc__run *run, uint32_t *out) {
    size_t count = 0;
    for (size_t i = 0; i < run->count; i++)
        if (!(*tag_of(rules, run->sorted[i]) & GONE)) out[count++] = run->sorted[i];
    return count;
}

static size_t live_of_waiting(const nc__rules *rules, uint32_t *out) {
    size_t count = 0;
    for (uint32_t i = rules->indexed4; i < rules->v4_count; i++)
        if (!(rules->v4[i].tag & GONE)) out[count++] = i;
    for (uint32_t i = rules->indexed6; i < rules->v6_count; i++)
        if (!(rules->v6[i].tag & GONE)) out[count++] = i | IS_V6;
    return count;
}

static size_t waiting_count(const nc__rules *rules) {
    return (size_t)(rules->v4_count - rules->indexed4) + (rules->v6_count - rules->indexed6);
}

/* Makes a run of the records that wait and of the runs from `keep` on; `ids` and `reach` have room for all of them. */
static nc__run merged_run(const nc__rules *rules, unsigned keep, uint32_t *ids, uint32_t *reach) {
    size_t count = live_of_waiting(rules, ids);
    sort(rules, ids, reach, count);
    for (unsigned i = rules->run_count; i > keep; i--) {
        size_t old = live_of_run(rules, &rules->runs[i - 1], reach);
        memmove(ids + old, ids, count * sizeof *ids);
        merge(rules, reach, old, ids + old, count, ids);
        count += old;
    }
    return (nc__run){ids, reach, count};
}

static bool add_run(nc__rules *rules) {
    unsigned keep = rules->run_count;
    size_t total = waiting_count(rules);
    while (keep > 0 && rules->runs[keep - 1].count <= 2 * total) total += rules->runs[--keep].count;
    uint32_t *ids = malloc(total * sizeof *ids);
    uint32_t *reach = malloc(total * sizeof *reach);
    if (ids == NULL || reach == NULL) {
        free(ids);
        free(reach);
        return false;
    }
    nc__run run = merged_run(rules, keep, ids, reach);
    free_runs(rules, keep);
    if (run.count > 0) build_reach(rules, &run, 0, run.count);
    rules->runs[rules->run_count++] = run;
    rules->indexed4 = rules->v4_count;
    rules->indexed6 = rules->v6_count;
    return true;
}

enum { WAITING_MAX = 256 };

/* Calls `look` with each rule that has come since the index was made, and makes an index if there are too many. */
static nc_status look_at_waiting(nc__rules *rules, void (*look)(void *context, uint32_t id), void *context) {
    if (waiting_count(rules) > WAITING_MAX && !add_run(rules)) return NC_ENOMEM;
    for (uint32_t i = rules->v4_count; i > rules->indexed4; i--) look(context, i - 1);
    for (uint32_t i = rules->v6_count; i > rules->indexed6; i--) look(context, (i - 1) | IS_V6);
    return NC_OK;
}

/* ---- Finding a rule ---- */

typedef struct wanted {
    const nc__rules *rules;
    const nc_rule *rule;
    bool found;
    uint32_t id;
} wanted;

/* A rule's prefix as that of an IPv6 subnet, so that both spellings compare. */
static unsigned prefix_of(const nc_rule *rule) {
    if (rule->kind != NC_RULE_SUBNET) return 0;
    return rule->prefix + (rule->first.family == 4 ? 96u : 0u);
}

static bool is_same(const nc_rule *a, const nc_rule *b) {
    if (a->kind != b->kind || memcmp(a->first.ip, b->first.ip, 16) != 0 || prefix_of(a) != prefix_of(b)) return false;
    return a->kind != NC_RULE_RANGE || memcmp(a->last.ip, b->last.ip, 16) == 0;
}

/* Takes note of the newest rule that is the wanted one. */
static void compare_rule(void *context, uint32_t id) {
    wanted *w = context;
    if (*tag_of(w->rules, id) & GONE) return;
    nc_rule rule = rule_at(w->rules, id);
    if (!is_same(&rule, w->rule)) return;
    if (!w->found || *tag_of(w->rules, id) > *tag_of(w->rules, w->id)) w->id = id;
    w->found = true;
}

/* The position of the first rule of a run that does not begin before `first`. */
static size_t position_in(const nc__rules *rules, const nc__run *run, nc__key first) {
    size_t low = 0, high = run->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (nc__key_less(span_of(rules, run->sorted[middle]).first, first))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

nc_status nc__rules_find(nc__rules *rules, const nc_rule *rule, uint32_t *id) {
    wanted w = {rules, rule, false, 0};
    nc__span span;
    if (!nc__rule_span(rule, &span)) return NC_EINVAL;
    if (look_at_waiting(rules, compare_rule, &w) != NC_OK) return NC_ENOMEM;
    for (unsigned i = 0; i < rules->run_count; i++) {
        const nc__run *run = &rules->runs[i];
        for (size_t at = position_in(rules, run, span.first); at < run->count; at++) {
            if (!nc__key_equal(span_of(rules, run->sorted[at]).first, span.first)) break;
            compare_rule(&w, run->sorted[at]);
        }
    }
    *id = w.id;
    return w.found ? NC_OK : NC_ENOENT;
}

/* ---- What other rules cover ---- */

typedef struct gathered {
    const nc__rules *rules;
    nc__span where;
    uint32_t except;
    nc__span *spans;
    size_t count, cap;
    size_t others; /* the spans that are not of the run that is being looked at */
    bool failed;
} gathered;

static void add_span(gathered *g, nc__key first, nc__key last) {
    if (g->count == g->cap) {
        size_t cap = g->cap == 0 ? 16 : g->cap * 2;
        nc__span *spans = realloc(g->spans, cap * sizeof *spans);
        g->failed = spans == NULL;
        if (g->failed) return;
        g->spans = spans;
        g->cap = cap;
    }
    g->spans[g->count++] = (nc__span){first, last};
}

/* Whether a rule counts, and covers something between `from` and the end of the stretch that is asked for. */
static bool counts(const gathered *g, uint32_t id, nc__span span, nc__key from) {
    if (id == g->except || *tag_of(g->rules, id) & GONE) return false;
    return !nc__key_less(g->where.last, span.first) && !nc__key_less(span.last, from);
}

static void gather_span(void *context, uint32_t id) {
    gathered *g = context;
    nc__span span = span_of(g->rules, id);
    if (g->failed || !counts(g, id, span, g->where.first)) return;
    add_span(g, nc__key_max(span.first, g->where.first), nc__key_min(span.last, g->where.last));
}

/* The rules of a run come in the order of their beginnings, so what one of them covers need not be asked for again: `from`
 * moves behind it, and subtrees that end before that are passed over. True once the end is reached. */
static bool gather_run(gathered *g, const nc__run *run, size_t low, size_t high, nc__key *from) {
    while (low < high && !g->failed) {
        size_t middle = low + (high - low) / 2;
        if (nc__key_less(span_of(g->rules, run->reach[middle]).last, *from)) return false;
        if (gather_run(g, run, low, middle, from)) return true;
        nc__span span = span_of(g->rules, run->sorted[middle]);
        if (nc__key_less(g->where.last, span.first)) return true;
        if (counts(g, run->sorted[middle], span, *from)) {
            bool touches = g->count > g->others && !nc__key_less(*from, span.first);
            if (touches)
                g->spans[g->count - 1].last = nc__key_min(span.last, g->where.last);
            else
                add_span(g, nc__key_max(span.first, *from), nc__key_min(span.last, g->where.last));
            if (!nc__key_less(span.last, g->where.last)) return true;
            *from = nc__key_next(span.last);
        }
        low = middle + 1;
    }
    return g->failed;
}

static int compare_spans(const void *a, const void *b) {
    const nc__span *x = a, *y = b;
    return nc__key_less(x->first, y->first) ? -1 : nc__key_less(y->first, x->first);
}

/* Joins sorted spans that overlap or touch, in place. None of them ends where the address space does but the last. */
static size_t join(nc__span *spans, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool apart = kept == 0 || nc__key_less(nc__key_next(spans[kept - 1].last), spans[i].first);
        if (kept > 0 && nc__key_equal(spans[kept - 1].last, (nc__key){UINT64_MAX, UINT64_MAX})) apart = false;
        if (apart)
            spans[kept++] = spans[i];
        else
            spans[kept - 1].last = nc__key_max(spans[kept - 1].last, spans[i].last);
    }
    return kept;
}

nc_status nc__rules_cover(nc__rules *rules, nc__span where, uint32_t except, nc__span **spans, size_t *count) {
    gathered g = {.rules = rules, .where = where, .except = except};
    nc_status status = look_at_waiting(rules, gather_span, &g);
    for (unsigned i = 0; status == NC_OK && i < rules->run_count; i++) {
        nc__key from = where.first;
        g.others = g.count;
        gather_run(&g, &rules->runs[i], 0, rules->runs[i].count, &from);
    }
    if (status != NC_OK || g.failed) {
        free(g.spans);
        return NC_ENOMEM;
    }
    if (g.count > 1) qsort(g.spans, g.count, sizeof *g.spans, compare_spans);
    *spans = g.spans;
    *count = join(g.spans, g.count);
    return NC_OK;
}

/* ---- Listing ---- */

static size_t list_kind(const nc__rules *rules, uint32_t kind, nc_rule *out, size_t cap, size_t count) {
    uint32_t i = rules->v4_count, j = rules->v6_count;
    while (i > 0 || j > 0) {
        bool take4 = i > 0 && (j == 0 || rules->v4[i - 1].tag >> NUMBER_SHIFT > rules->v6[j - 1].tag >> NUMBER_SHIFT);
        uint32_t id = take4 ? --i : --j | IS_V6;
        uint32_t tag = *tag_of(rules, id);
        if ((tag & KIND) != kind || tag & GONE) continue;
        if (count < cap) out[count] = rule_at(rules, id);
        count++;
    }
    return count;
}

size_t nc__rules_list(const nc__rules *rules, nc_rule *out, size_t cap) {
    size_t count = list_kind(rules, NC_RULE_ADDRESS, out, cap, 0);
    count = list_kind(rules, NC_RULE_SUBNET, out, cap, count);
    return list_kind(rules, NC_RULE_RANGE, out, cap, count);
}

size_t nc__rules_memory(const nc__rules *rules) {
    size_t indexed = 0;
    for (unsigned i = 0; i < rules->run_count; i++) indexed += rules->runs[i].count;
    return rules->v4_cap * sizeof(rule4) + rules->v6_cap * sizeof(rule6) + 2 * indexed * sizeof(uint32_t);
}

/* The rules of a block list as they were written: what lists them, and what knows the rest that covers an address when one
 * of them goes. Writers only. */
#ifndef NC_BLOCKLIST_RULES_H
#define NC_BLOCKLIST_RULES_H

#include <stddef.h>

#include "core/blocklist_key.h"
#include "netcore/blocklist.h"

/* A part of the index: ids of rules sorted by their first address, and for each the id of the rule below it that ends last. */
typedef struct nc__run {
    uint32_t *sorted;
    uint32_t *reach;
    size_t count;
} nc__run;

enum { NC__RUNS = 40 };

typedef struct nc__rules {
    struct nc__rule4 *v4;
    struct nc__rule6 *v6;
    uint32_t v4_count, v4_cap;
    uint32_t v6_count, v6_cap;
    size_t live;   /* rules that have not been removed */
    uint32_t next; /* the number that the next rule gets */
    /* The index of the first `indexed4` and `indexed6` records. */
    nc__run runs[NC__RUNS];
    unsigned run_count;
    uint32_t indexed4, indexed6;
} nc__rules;

void nc__rules_init(nc__rules *rules);
void nc__rules_destroy(nc__rules *rules);

/* What a rule covers; false if it is no rule. */
bool nc__rule_span(const nc_rule *rule, nc__span *out);

/* Makes room for one more rule, so that nc__rules_append cannot fail; false if memory runs out. */
bool nc__rules_reserve(nc__rules *rules);
void nc__rules_append(nc__rules *rules, const nc_rule *rule);

/* Finds the newest rule equal to `rule`. NC_ENOENT, NC_ENOMEM. */
nc_status nc__rules_find(nc__rules *rules, const nc_rule *rule, uint32_t *id);
void nc__rules_drop(nc__rules *rules, uint32_t id);

/* What rules other than `except` cover of `where`: sorted, disjoint spans, to be freed by the caller. */
nc_status nc__rules_cover(nc__rules *rules, nc__span where, uint32_t except, nc__span **spans, size_t *count);

size_t nc__rules_list(const nc__rules *rules, nc_rule *out, size_t cap);
size_t nc__rules_memory(const nc__rules *rules);

#endif

/* Any bytes as a list of rules: loaded, listed, compared with looking at every rule, and taken away again rule by rule. */
#include <stdlib.h>
#include <string.h>

#include "core/blocklist_rules.h"
#include "netcore/blocklist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RULES_MAX = 256 };

static void require(int good) {
    if (!good) abort();
}

static bool go_on(void *context, size_t line, const char *text, size_t len) {
    (void)context, (void)text, (void)len;
    return line > 0;
}

static bool covered(const nc_rule *rules, size_t count, nc__key key) {
    for (size_t i = 0; i < count; i++) {
        nc__span span;
        require(nc__rule_span(&rules[i], &span));
        if (!nc__key_less(key, span.first) && !nc__key_less(span.last, key)) return true;
    }
    return false;
}

static void check_at(const nc_blocklist *list, const nc_rule *rules, size_t count, nc__key key) {
    nc_addr addr = {.family = 6};
    for (int i = 0; i < 8; i++) {
        addr.ip[i] = (uint8_t)(key.high >> (56 - 8 * i));
        addr.ip[8 + i] = (uint8_t)(key.low >> (56 - 8 * i));
    }
    require(nc_blocklist_check(list, &addr) == covered(rules, count, key));
}

static void check_edges(const nc_blocklist *list, const nc_rule *rules, size_t count) {
    for (size_t i = 0; i < count; i++) {
        nc__span span;
        require(nc__rule_span(&rules[i], &span));
        check_at(list, rules, count, span.first);
        check_at(list, rules, count, nc__key_before(span.first));
        check_at(list, rules, count, span.last);
        check_at(list, rules, count, nc__key_next(span.last));
    }
}

static void text_and_back(const nc_rule *rule) {
    char text[NC_RULE_TEXT_MAX], again[NC_RULE_TEXT_MAX];
    nc_rule parsed;
    size_t len = nc_rule_format(rule, text, sizeof text);
    require(len > 0 && nc_rule_parse(text, len, &parsed) == NC_OK);
    require(nc_rule_format(&parsed, again, sizeof again) == len && memcmp(text, again, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static nc_rule rules[RULES_MAX];
    nc_blocklist *list;
    nc_rule rule;
    size_t added;
    if (nc_rule_parse((const char *)data, size, &rule) == NC_OK) text_and_back(&rule);
    require(nc_blocklist_new(&list) == NC_OK);
    require(nc_blocklist_load(list, (const char *)data, size, go_on, NULL, &added) == NC_OK);
    size_t count = nc_blocklist_rules(list, rules, RULES_MAX);
    require(count <= added && nc_blocklist_size(list) == count);
    for (; count <= RULES_MAX && count > 0; count--) {
        text_and_back(&rules[0]);
        check_edges(list, rules, count);
        require(nc_blocklist_remove(list, &rules[0]) == NC_OK);
        memmove(rules, rules + 1, (count - 1) * sizeof rules[0]);
    }
    nc_blocklist_release(list);
    return 0;
}

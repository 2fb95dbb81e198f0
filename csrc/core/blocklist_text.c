/* Rules as text: Node's listing of them, and the lines of lists that people download. */
#include <stdio.h>
#include <string.h>

#include "netcore/blocklist.h"

typedef struct text {
    const char *at;
    const char *end;
} text;

static size_t left(text t) {
    return (size_t)(t.end - t.at);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static text trimmed(text t) {
    while (t.at != t.end && is_blank(*t.at)) t.at++;
    while (t.at != t.end && is_blank(t.end[-1])) t.end--;
    return t;
}

static bool skip(text *t, const char *word) {
    size_t len = strlen(word);
    if (left(*t) < len || memcmp(t->at, word, len) != 0) return false;
    t->at += len;
    return true;
}

/* Cuts off what stands before the first `c`, and leaves what stands after it. */
static bool split(text *t, char c, text *head) {
    const char *found = left(*t) == 0 ? NULL : memchr(t->at, c, left(*t));
    if (found == NULL) return false;
    *head = (text){t->at, found};
    t->at = found + 1;
    return true;
}

/* The next word of a line, and what stands after it. */
static text next_word(text *t) {
    *t = trimmed(*t);
    text word = {t->at, t->at};
    while (word.end != t->end && !is_blank(*word.end)) word.end++;
    t->at = word.end;
    *t = trimmed(*t);
    return word;
}

/* An address without a zone, since a rule has none. */
static bool read_address(text t, nc_addr *out) {
    nc_zone zone;
    return nc_addr_parse_zoned(t.at, left(t), out, &zone) == NC_OK && zone.name == NULL;
}

/* A number up to 999 as people write prefixes: no sign, no leading zero. */
static bool read_prefix(text t, uint8_t max, uint8_t *out) {
    unsigned value = 0;
    if (left(t) == 0 || left(t) > 3 || (left(t) > 1 && *t.at == '0')) return false;
    for (; t.at != t.end; t.at++) {
        if (*t.at < '0' || *t.at > '9') return false;
        value = value * 10 + (unsigned)(*t.at - '0');
    }
    *out = (uint8_t)value;
    return value <= max;
}

static bool read_subnet(text t, uint8_t max, nc_rule *out) {
    text head;
    if (!split(&t, '/', &head) || !read_address(head, &out->first)) return false;
    out->kind = NC_RULE_SUBNET;
    return read_prefix(t, max != 0 ? max : out->first.family == 4 ? 32 : 128, &out->prefix);
}

static bool read_range(text t, nc_rule *out) {
    text head;
    if (!split(&t, '-', &head) || !read_address(trimmed(head), &out->first) || !read_address(trimmed(t), &out->last))
        return false;
    out->kind = NC_RULE_RANGE;
    return true;
}

static bool read_single(text t, nc_rule *out) {
    out->kind = NC_RULE_ADDRESS;
    return read_address(t, &out->first);
}

nc_status nc_rule_parse(const char *from, size_t len, nc_rule *out) {
    text t = {from, from + len};
    nc_rule rule = {0};
    bool subnet = skip(&t, "Subnet: ");
    bool range = !subnet && skip(&t, "Range: ");
    if (!subnet && !range && !skip(&t, "Address: ")) return NC_EINVAL;
    bool v4 = skip(&t, "IPv4 ");
    if (!v4 && !skip(&t, "IPv6 ")) return NC_EINVAL;
    bool read = subnet ? read_subnet(t, UINT8_MAX, &rule) : range ? read_range(t, &rule) : read_single(t, &rule);
    if (!read || (rule.first.family == 4) != v4) return NC_EINVAL;
    *out = rule;
    return NC_OK;
}

/* "add NAME ENTRY [options]" as `ipset save` writes it. An entry that is marked "nomatch" means the opposite of a rule. */
static bool ipset_entry(text *t) {
    if (!skip(t, "add ") && !skip(t, "-A ")) return true;
    next_word(t);
    text options = *t;
    text entry = next_word(&options);
    while (left(options) > 0) {
        text option = next_word(&options);
        if (skip(&option, "nomatch") && left(option) == 0) return false;
    }
    *t = entry;
    return true;
}

static bool is_ipset_heading(text t) {
    return skip(&t, "create ") || skip(&t, "-N ") || skip(&t, "flush ") || (skip(&t, "COMMIT") && left(t) == 0);
}

static text without_comment(text t) {
    for (const char *at = t.at; at != t.end; at++)
        if (*at == '#' || *at == ';') return (text){t.at, at};
    return t;
}

nc_status nc_rule_parse_line(const char *line, size_t len, nc_rule *out) {
    text t = trimmed(without_comment((text){line, line + len}));
    nc_rule rule = {0};
    if (left(t) == 0 || is_ipset_heading(t)) return NC_ENOENT;
    if (!ipset_entry(&t)) return NC_EINVAL;
    if (!read_single(t, &rule) && !read_subnet(t, 0, &rule) && !read_range(t, &rule)) return NC_EINVAL;
    if (rule.kind == NC_RULE_RANGE && memcmp(rule.first.ip, rule.last.ip, sizeof rule.first.ip) > 0) return NC_EINVAL;
    *out = rule;
    return NC_OK;
}

static const char *family_name(const nc_addr *addr) {
    return addr->family == 4 ? "IPv4" : "IPv6";
}

size_t nc_rule_format(const nc_rule *rule, char *out, size_t cap) {
    char first[NC_ADDR_TEXT_MAX], last[NC_ADDR_TEXT_MAX];
    int len;
    nc_addr_format(&rule->first, first, sizeof first);
    if (rule->kind == NC_RULE_SUBNET) {
        len = snprintf(out, cap, "Subnet: %s %s/%u", family_name(&rule->first), first, (unsigned)rule->prefix);
    } else if (rule->kind == NC_RULE_RANGE) {
        nc_addr_format(&rule->last, last, sizeof last);
        len = snprintf(out, cap, "Range: %s %s-%s", family_name(&rule->first), first, last);
    } else {
        len = snprintf(out, cap, "Address: %s %s", family_name(&rule->first), first);
    }
    return len < 0 || (size_t)len >= cap ? 0 : (size_t)len;
}

/* ---- Loading ---- */

static text next_line(text *rest) {
    text line;
    if (!split(rest, '\n', &line)) {
        line = *rest;
        rest->at = rest->end;
    }
    while (line.at != line.end && is_blank(line.end[-1])) line.end--;
    return line;
}

static bool all_lines_are_rules(text rest, nc_bad_line bad, void *context) {
    nc_rule rule;
    for (size_t number = 1; left(rest) > 0; number++) {
        text line = next_line(&rest);
        if (nc_rule_parse_line(line.at, left(line), &rule) != NC_EINVAL) continue;
        if (bad == NULL || !bad(context, number, line.at, left(line))) return false;
    }
    return true;
}

nc_status nc_blocklist_load(nc_blocklist *list, const char *from, size_t len, nc_bad_line bad, void *context,
                            size_t *added) {
    text rest = {from, from + len};
    size_t count = 0;
    nc_rule rule;
    skip(&rest, "\xef\xbb\xbf");
    if (!all_lines_are_rules(rest, bad, context)) return NC_EINVAL;
    nc_status status = NC_OK;
    while (left(rest) > 0 && status == NC_OK) {
        text line = next_line(&rest);
        if (nc_rule_parse_line(line.at, left(line), &rule) != NC_OK) continue;
        status = nc_blocklist_add(list, &rule);
        count += status == NC_OK;
    }
    if (added != NULL) *added = count;
    return status;
}

#include "netcore/address.h"

#include <stdbool.h>
#include <string.h>

#include "core/address_int.h"

static const uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_zone(const char *at, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char c = at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !is_digit(c) && c != '-' && c != '.' && c != ':') return false;
    }
    return len > 0;
}

/* The number that a zone is, 0 for a name. An interface's index is never 0, so "%0" is the same as no zone. */
static uint32_t zone_number(const char *at, size_t len) {
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(at[i]) || value > UINT32_MAX) return 0;
        value = value * 10 + (uint64_t)(at[i] - '0');
    }
    return value > UINT32_MAX ? 0 : (uint32_t)value;
}

static nc_status parse_ipv6_zoned(const char *text, size_t len, nc_addr *out, nc_zone *zone) {
    nc_addr result = {.family = 6};
    nc_zone found = {NULL, 0};
    if (!nc__parse_ipv6(text, len, result.ip)) {
        const char *percent = len == 0 ? NULL : memchr(text, '%', len);
        if (percent == NULL || !nc__parse_ipv6(text, (size_t)(percent - text), result.ip)) return NC_EINVAL;
        found.name = percent + 1;
        found.len = (size_t)(text + len - found.name);
        if (!is_zone(found.name, found.len)) return NC_EINVAL;
        result.scope = zone_number(found.name, found.len);
    }
    *out = result;
    *zone = found;
    return NC_OK;
}

nc_status nc_addr_parse_zoned(const char *text, size_t len, nc_addr *out, nc_zone *zone) {
    nc_addr result = {.family = 4};
    int64_t quad = nc__parse_ipv4(text, len);
    if (quad < 0) return parse_ipv6_zoned(text, len, out, zone);
    memcpy(result.ip, MAPPED, sizeof MAPPED);
    nc__write_be32(result.ip + 12, (uint32_t)quad);
    *out = result;
    *zone = (nc_zone){NULL, 0};
    return NC_OK;
}

static bool is_number(nc_zone zone) {
    for (size_t i = 0; i < zone.len; i++)
        if (!is_digit(zone.name[i])) return false;
    return true;
}

nc_status nc_addr_parse(const char *text, size_t len, nc_addr *out) {
    nc_addr result;
    nc_zone zone;
    nc_status status = nc_addr_parse_zoned(text, len, &result, &zone);
    if (status != NC_OK) return status;
    if (zone.name != NULL && result.scope == 0 && !is_number(zone)) return NC_EINVAL;
    *out = result;
    return NC_OK;
}

int nc_is_ip(const char *text, size_t len) {
    if (nc__parse_ipv4(text, len) >= 0) return 4;
    uint8_t ip[16];
    if (nc__parse_ipv6(text, len, ip)) return 6;
    nc_addr addr;
    nc_zone zone;
    return parse_ipv6_zoned(text, len, &addr, &zone) == NC_OK ? 6 : 0;
}

static char *format_octet(char *at, uint8_t value) {
    if (value >= 100) *at++ = (char)('0' + value / 100);
    if (value >= 10) *at++ = (char)('0' + value / 10 % 10);
    *at++ = (char)('0' + value % 10);
    return at;
}

static char *format_ipv4(char *at, const uint8_t ip[4]) {
    for (int i = 0; i < 4; i++) {
        if (i > 0) *at++ = '.';
        at = format_octet(at, ip[i]);
    }
    return at;
}

static char *format_group(char *at, unsigned value) {
    static const char digits[] = "0123456789abcdef";
    for (int shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0; shift >= 0; shift -= 4)
        *at++ = digits[value >> shift & 15];
    return at;
}

/* The longest run of zero groups, the first of several, as its start and length; a single zero group is not a run. */
static void longest_gap(const unsigned groups[8], int *start, int *length) {
    *start = -1;
    *length = 1;
    for (int i = 0; i < 8; i++) {
        int run = 0;
        while (i + run < 8 && groups[i + run] == 0) run++;
        if (run > *length) {
            *start = i;
            *length = run;
        }
        i += run;
    }
}

static char *format_ipv6(char *at, const uint8_t ip[16]) {
    unsigned groups[8];
    int gap, length;
    for (int i = 0; i < 8; i++) groups[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
    longest_gap(groups, &gap, &length);
    bool embedded = gap == 0 && (length == 6 || (length == 5 && groups[5] == 0xffff));
    int last = embedded ? 6 : 8;
    for (int i = 0; i < last; i++) {
        if (i == gap) {
            *at++ = ':';
            i += length - 1;
            if (i == 7) *at++ = ':';
            continue;
        }
        if (i > 0) *at++ = ':';
        at = format_group(at, groups[i]);
    }
    if (!embedded) return at;
    *at++ = ':';
    return format_ipv4(at, ip + 12);
}

size_t nc_addr_format(const nc_addr *addr, char *out, size_t cap) {
    char text[NC_ADDR_TEXT_MAX];
    if (addr->family == 0) return 0;
    char *end = addr->family == 4 ? format_ipv4(text, addr->ip + 12) : format_ipv6(text, addr->ip);
    size_t len = (size_t)(end - text);
    if (len >= cap) return 0;
    memcpy(out, text, len);
    out[len] = '\0';
    return len;
}

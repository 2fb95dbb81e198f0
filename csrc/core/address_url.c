/* Node's SocketAddress.parse puts "http://" before its input and lets the URL parser have it, so what that parser does to the
 * authority of a URL is the grammar: tabs and line ends are dropped, everything before the last '@' is, percent signs
 * are decoded in hosts that are not in brackets, and such a host may be one to four numbers in base 8, 10 or 16. */
#include <string.h>

#include "core/address_int.h"
#include "netcore/address.h"

enum { HOST_MAX = 255 };

static bool is_dropped(char c) {
    return c == '\t' || c == '\n' || c == '\r';
}

static bool is_end(char c) {
    return c == '/' || c == '\\' || c == '?' || c == '#';
}

/* The authority of the URL, without user and password: `*at` to the end that is returned. */
static const char *authority(const char **at, const char *end) {
    while (end != *at && (uint8_t)end[-1] <= ' ') end--;
    while (*at != end && (**at == '/' || **at == '\\' || is_dropped(**at))) ++*at;
    const char *stop = *at;
    for (; stop != end && !is_end(*stop); stop++)
        if (*stop == '@') *at = stop + 1;
    return stop;
}

/* Digits to a number of at most 65,535; no digits are 0. */
static bool parse_port(const char *at, const char *end, uint16_t *out) {
    unsigned value = 0;
    for (; at != end; at++) {
        if (is_dropped(*at)) continue;
        if (*at < '0' || *at > '9') return false;
        value = value * 10 + (unsigned)(*at - '0');
        if (value > UINT16_MAX) return false;
    }
    *out = (uint16_t)value;
    return true;
}

static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Copies a host without what is dropped in it: its length, or HOST_MAX + 1 if it is too long. */
static size_t copy_host(const char *at, const char *end, char *out, bool decode) {
    size_t len = 0;
    char clean[HOST_MAX];
    for (; at != end; at++) {
        if (is_dropped(*at)) continue;
        if (len == HOST_MAX) return HOST_MAX + 1;
        clean[len++] = *at;
    }
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        bool escape =
            decode && clean[i] == '%' && i + 2 < len && digit_of(clean[i + 1]) < 16 && digit_of(clean[i + 2]) < 16;
        out[kept++] = escape ? (char)(digit_of(clean[i + 1]) * 16 + digit_of(clean[i + 2])) : clean[i];
        i += escape ? 2 : 0;
    }
    return kept;
}

/* One number of a host: "0x" before hexadecimal digits (none at all are 0), "0" before octal ones, else decimal. */
static bool parse_number(const char *at, const char *end, uint64_t *out) {
    int base = 10;
    if (at == end) return false;
    if (end - at >= 2 && at[0] == '0') {
        base = (at[1] | 0x20) == 'x' ? 16 : 8;
        at += base == 16 ? 2 : 1;
    }
    *out = 0;
    for (; at != end; at++) {
        int digit = digit_of(*at);
        if (digit >= base) return false;
        *out = *out * (uint64_t)base + (uint64_t)digit;
        if (*out > UINT32_MAX) *out = (uint64_t)UINT32_MAX + 1;
    }
    return true;
}

/* One to four numbers with dots between them, and one dot more at the end if you like. The last number fills all octets
 * that are left. */
static bool parse_numbers(const char *host, size_t len, uint8_t out[4]) {
    uint64_t numbers[4];
    int count = 0;
    const char *end = host + len;
    if (len > 1 && end[-1] == '.') end--;
    for (const char *at = host; at <= end;) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        const char *stop = dot == NULL ? end : dot;
        if (count == 4 || !parse_number(at, stop, &numbers[count++])) return false;
        at = stop + 1;
    }
    uint64_t value = numbers[count - 1];
    if (value >> (8 * (5 - count)) != 0) return false;
    for (int i = 0; i < count - 1; i++) {
        if (numbers[i] > 255) return false;
        value |= numbers[i] << (24 - 8 * i);
    }
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (24 - 8 * i));
    return true;
}

static bool parse_host(const char *at, const char *end, nc_addr *out) {
    char host[HOST_MAX];
    bool bracket = at != end && *at == '[';
    size_t len = copy_host(at, end, host, !bracket);
    if (len == 0 || len > HOST_MAX) return false;
    out->family = bracket ? 6 : 4;
    if (bracket) return host[len - 1] == ']' && nc__parse_ipv6(host + 1, len - 2, out->ip);
    out->ip[10] = out->ip[11] = 0xff;
    return parse_numbers(host, len, out->ip + 12);
}

nc_status nc_addr_parse_url(const char *text, size_t len, nc_addr *out) {
    nc_addr result = {.family = 0};
    if (memchr(text, '\0', len) != NULL) return NC_EINVAL;
    const char *at = text;
    const char *end = authority(&at, text + len);
    while (at != end && is_dropped(*at)) at++;
    const char *colon = at;
    bool inside = false;
    for (; colon != end && (inside || *colon != ':'); colon++) inside = *colon == '[' || (inside && *colon != ']');
    if (!parse_host(at, colon, &result)) return NC_EINVAL;
    if (colon != end && !parse_port(colon + 1, end, &result.port)) return NC_EINVAL;
    *out = result;
    return NC_OK;
}

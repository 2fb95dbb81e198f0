/* The readers of addresses that take a text as a whole, against those that take one character after the other, over texts
 * that are almost addresses. Where the processor has no vectors both are the same.
 *
 * Usage: address_readers [SEED ROUNDS]. Prints what differs and exits with 1, or exits with 0. */
#include <stdio.h>
#include <stdlib.h>

#include "core/address_v4.c"
#include "core/address_v6.c"
#include "draw.h"

enum { TEXT_MAX = 64 };

static size_t append(char *text, size_t len, const char *format, unsigned value) {
    int more = snprintf(text + len, TEXT_MAX - len, format, value);
    return len + (size_t)more < TEXT_MAX ? len + (size_t)more : TEXT_MAX - 1;
}

static size_t draw_quad(char *text) {
    size_t len = 0;
    for (int i = 0; i < 4; i++)
        len = append(text, len, i == 3 ? "%u" : "%u.", (unsigned)draw(draw(3) ? 256 : draw(4) ? 30 : 1100));
    return len;
}

static size_t draw_groups(char *text) {
    size_t len = 0;
    unsigned count = draw(3) ? 8 : (unsigned)draw(22), gap = draw(3) ? (unsigned)draw(9) : 99;
    if (gap < 9 && draw(9)) count = (unsigned)draw(8);
    for (unsigned i = 0; i < count || i == gap; i++) {
        if (i == gap) len = append(text, len, i == 0 || i >= count ? "::" : ":", 0);
        if (i >= count) break;
        len = append(text, len, i + 1 < count ? "%x:" : "%x",
                     (unsigned)draw((uint64_t)1 << (count > 9 ? 4 : 4 * draw(5))));
    }
    return len;
}

static size_t change(char *text, size_t len) {
    static const char letters[] = "0123456789abcdefABCDEFgG:::::....%/@ \x10\x19\x80\xff\0";
    for (uint64_t n = draw(2) ? 0 : 1 + draw(3); n > 0 && len > 0 && len < TEXT_MAX - 1; n--) {
        size_t at = (size_t)draw(len), kind = (size_t)draw(3);
        if (kind == 0) memmove(text + at, text + at + 1, --len - at);
        if (kind == 1) memmove(text + at + 1, text + at, len++ - at);
        if (kind != 0) text[at] = letters[draw(sizeof letters)];
    }
    return len;
}

/* `text` is a block of just that length, so that a sanitizer sees what is read beside it. */
static bool agree(const char *text, size_t len) {
    uint8_t a[16] = {0}, b[16] = {0};
    bool is_a = nc__parse_ipv6(text, len, a), is_b = parse_plainly(text, len, b);
    return nc__parse_ipv4(text, len) == parse_octets(text, len) && is_a == is_b && memcmp(a, b, 16) == 0;
}

int main(int argc, char **argv) {
    state = (argc > 1 ? strtoull(argv[1], NULL, 10) : 1) * 0x9e3779b97f4a7c15 | 1;
    for (long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 300000; rounds > 0; rounds--) {
        char drawn[TEXT_MAX];
        size_t len = change(drawn, draw(2) ? draw_quad(drawn) : draw_groups(drawn));
        char *text = malloc(len + 1);
        if (text == NULL) return 2;
        memcpy(text + 1, drawn, len);
        bool good = agree(text + 1, len);
        if (!good) printf("%.*s\n", (int)len, drawn);
        free(text);
        if (!good) return 1;
    }
    return 0;
}

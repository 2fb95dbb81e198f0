/* Dotted quads. Checks and `isIP` cost little more than reading the text, so a text of a usual length is read as a whole
 * where the processor can do that: a loop over the characters guesses wrong at every octet's length. */
#include <string.h>

#include "base/sse2.h"
#include "core/address_int.h"

/* One octet: the text after it, or NULL. A leading zero is refused because some readers take it for octal, so that two of
 * them would see two different addresses. */
static const char *parse_octet(const char *at, const char *end, uint32_t *ip) {
    unsigned value = 0;
    const char *start = at;
    for (; at != end && *at >= '0' && *at <= '9' && at - start < 3; at++) value = value * 10 + (unsigned)(*at - '0');
    if (at == start || value > 255 || (*start == '0' && at - start > 1)) return NULL;
    *ip = *ip << 8 | value;
    return at;
}

static int64_t parse_octets(const char *text, size_t len) {
    const char *end = text + len;
    uint32_t ip = 0;
    const char *at = parse_octet(text, end, &ip);
    for (int i = 1; i < 4; i++) {
        if (at == NULL || at == end || *at != '.') return -1;
        at = parse_octet(at + 1, end, &ip);
    }
    return at == end ? (int64_t)ip : -1;
}

#if defined(NC__SSE2)

enum { QUAD_MIN = 8, QUAD_MAX = 15 };

/* The lengths of the four octets are the shape of a text. There are 81, and a table says for each of them how to read it.
 * The lanes are those of a vector, from the last octet to the first, and an octet's digits are at the upper end of its lane. */
typedef struct quad_shape {
    uint32_t own[4];        /* the bytes of each lane that are digits */
    uint16_t least[4];      /* what a number of that length is at least, as it has no leading zero */
    uint32_t first, second; /* what moves these octets, which are read from their beginnings, to the upper end */
    uint32_t key;           /* the shape itself, see below */
    uint8_t second_at;      /* where the second octet begins */
    uint8_t third_at;       /* four characters before the end of the third */
} quad_shape;

/* The place of a shape in the table: the factor is one that gives each of them its own. */
#define PLACE(key) ((uint32_t)((key)*0x21e3b313u) >> 24)

#define LENGTH(a, b, c, d) ((a) + (b) + (c) + (d) + 3)
#define DOTS(a, b, c) (1u << (a) | 1u << ((a) + (b) + 1) | 1u << ((a) + (b) + (c) + 2))
/* A shape as a number: where dots are among the first eight characters and among the last eight, and the length. */
#define KEY(dots, length) (((dots)&255) | ((dots) >> (((length)-8) & 31) & 255) << 8 | (uint32_t)(length) << 16)
#define OWN(n) (0xffffffffu << (32 - 8 * (n)))
#define LEAST(n) ((n) == 3 ? 100 : (n) == 2 ? 10 : 0)
#define SHAPE(a, b, c, d)                                                                                              \
    [PLACE(KEY(DOTS(a, b, c), LENGTH(a, b, c, d)))] = {                                                                \
        .own = {OWN(d), OWN(c), OWN(b), OWN(a)},                                                                       \
        .least = {LEAST(d), LEAST(c), LEAST(b), LEAST(a)},                                                             \
        .first = 1u << (32 - 8 * (a)),                                                                                 \
        .second = 1u << (32 - 8 * (b)),                                                                                \
        .key = KEY(DOTS(a, b, c), LENGTH(a, b, c, d)),                                                                 \
        .second_at = (a) + 1,                                                                                          \
        .third_at = (a) + (b) + (c)-2,                                                                                 \
    }
#define SHAPES_3(a, b, c) SHAPE(a, b, c, 1), SHAPE(a, b, c, 2), SHAPE(a, b, c, 3)
#define SHAPES_2(a, b) SHAPES_3(a, b, 1), SHAPES_3(a, b, 2), SHAPES_3(a, b, 3)
#define SHAPES_1(a) SHAPES_2(a, 1), SHAPES_2(a, 2), SHAPES_2(a, 3)

static const quad_shape QUAD_SHAPES[256] = {SHAPES_1(1), SHAPES_1(2), SHAPES_1(3)};

static uint32_t read_chars(const char *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* The text's digits in their lanes, as numbers of 0 to 9 or, where there is something else, beyond. */
static __m128i quad_digits(const quad_shape *shape, const char *text, size_t len) {
    uint32_t first = read_chars(text) * shape->first, second = read_chars(text + shape->second_at) * shape->second;
    uint32_t third = read_chars(text + shape->third_at), fourth = read_chars(text + len - 4);
    __m128i own = _mm_loadu_si128((const __m128i *)(const void *)shape->own);
    __m128i chars = _mm_set_epi32((int)first, (int)second, (int)third, (int)fourth);
    return _mm_and_si128(_mm_sub_epi8(chars, _mm_set1_epi8('0')), own);
}

/* Nothing beside the text is touched: the first eight characters and the last eight may overlap, and so may what is read of
 * each octet. */
static int64_t parse_shape(const char *text, size_t len) {
    __m128i front = _mm_loadl_epi64((const __m128i *)(const void *)text);
    __m128i back = _mm_loadl_epi64((const __m128i *)(const void *)(text + len - 8));
    __m128i dots = _mm_cmpeq_epi8(_mm_unpacklo_epi64(front, back), _mm_set1_epi8('.'));
    uint32_t key = (uint32_t)_mm_movemask_epi8(dots) | (uint32_t)len << 16;
    const quad_shape *shape = &QUAD_SHAPES[PLACE(key)];
    if (shape->key != key) return -1;

    __m128i digits = quad_digits(shape, text, len); /* of each lane: nothing, hundreds, tens, ones */
    __m128i strange = _mm_subs_epu8(digits, _mm_set1_epi8(9));
    __m128i hundreds_and_ones = _mm_madd_epi16(_mm_srli_epi16(digits, 8), _mm_set1_epi32(1 << 16 | 100));
    __m128i tens = _mm_madd_epi16(_mm_and_si128(digits, _mm_set1_epi16(0xff)), _mm_set1_epi32(10 << 16));
    __m128i values = _mm_add_epi32(hundreds_and_ones, tens);
    __m128i octets = _mm_packs_epi32(values, values);
    __m128i least = _mm_loadl_epi64((const __m128i *)(const void *)shape->least);
    __m128i too_large = _mm_subs_epu16(octets, _mm_set1_epi16(255)), too_small = _mm_subs_epu16(least, octets);
    __m128i wrong = _mm_or_si128(strange, _mm_or_si128(too_large, too_small));
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) != 0xffff) return -1;
    return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(octets, octets));
}

int64_t nc__parse_ipv4(const char *text, size_t len) {
    if (len > QUAD_MAX) return -1;
    return len >= QUAD_MIN ? parse_shape(text, len) : parse_octets(text, len);
}

#undef SHAPES_1
#undef SHAPES_2
#undef SHAPES_3
#undef SHAPE
#undef LEAST
#undef OWN
#undef KEY
#undef DOTS
#undef LENGTH
#undef PLACE

#else

int64_t nc__parse_ipv4(const char *text, size_t len) {
    return parse_octets(text, len);
}

#endif

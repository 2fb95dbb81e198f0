/* Dotted quads. Checks and `isIP` cost little more than reading the text, so the text is read as a whole where the
 * processor can do that: a loop over the characters guesses wrong at every octet's length. */
#include <string.h>

#include "address_int.h"

#if defined(__SSE2__) || (defined(_M_X64) && !defined(_M_ARM64EC))
#include <emmintrin.h>

#include "../base/bits.h"

static uint64_t read64(const char *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint32_t read32(const void *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* All of a text of 7 to 15 characters, and zeros after it; nothing beside the text is touched. */
static __m128i read_text(const char *text, size_t len) {
    if (len == 7) return _mm_set_epi64x(0, (int64_t)(read32(text) | (uint64_t)read32(text + 3) << 24));
    uint64_t tail = read64(text + len - 8) >> 1 >> (127 - 8 * len);
    return _mm_set_epi64x((int64_t)tail, (int64_t)read64(text));
}

/* By the length of an octet's text: which of the last four bytes before its end belong to it, and what it is at least,
 * if it has no leading zero. */
static const uint32_t BELONGS[4] = {0, 0xff000000, 0xffff0000, 0xffffff00};
static const int LEAST[4] = {256, 0, 10, 100};

static int digits_before(const uint8_t *digits, unsigned end, unsigned len) {
    return (int)(read32(digits + end) & BELONGS[len]);
}

/* Four octets at once: each lane holds the digits of one, [0, hundreds, tens, ones]. */
static bool values_of(__m128i digits, __m128i least, uint8_t out[4]) {
    __m128i odd = _mm_madd_epi16(_mm_srli_epi16(digits, 8), _mm_set1_epi32(1 << 16 | 100));
    __m128i tens = _mm_madd_epi16(_mm_and_si128(digits, _mm_set1_epi16(0xff)), _mm_set1_epi32(10 << 16));
    __m128i values = _mm_add_epi32(odd, tens);
    __m128i wrong = _mm_or_si128(_mm_cmpgt_epi32(values, _mm_set1_epi32(255)), _mm_cmplt_epi32(values, least));
    __m128i packed = _mm_packs_epi32(values, values);
    int ip = _mm_cvtsi128_si32(_mm_packus_epi16(packed, packed));
    memcpy(out, &ip, 4);
    return _mm_movemask_epi8(wrong) == 0;
}

bool nc__parse_ipv4(const char *text, size_t len, uint8_t out[4]) {
    if (len < 7 || len > 15) return false;
    __m128i chars = read_text(text, len);
    __m128i digits = _mm_sub_epi8(chars, _mm_set1_epi8('0'));
    unsigned all = (1u << len) - 1;
    unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(chars, _mm_set1_epi8('.')));
    unsigned numbers = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits));
    if (((dots | numbers) & all) != all) return false;

    /* The ends of the octets are the three dots and the end of the text; the bits above stand for dots that are missing. */
    unsigned ends = dots | 1u << len | 0xf0000000u;
    unsigned a = nc__lowest_bit(ends);
    unsigned b = nc__lowest_bit(ends &= ends - 1);
    unsigned c = nc__lowest_bit(ends &= ends - 1);
    unsigned d = nc__lowest_bit(ends &= ends - 1);
    unsigned b_len = b - a - 1, c_len = c - b - 1, d_len = d - c - 1;
    if (d != len || (ends & (ends - 1)) != 0xf0000000u || (a | b_len | c_len | d_len) > 3) return false;

    uint8_t before[20] = {0};
    _mm_storeu_si128((__m128i *)(before + 4), digits);
    return values_of(_mm_set_epi32(digits_before(before, d, d_len), digits_before(before, c, c_len),
                                   digits_before(before, b, b_len), digits_before(before, a, a)),
                     _mm_set_epi32(LEAST[d_len], LEAST[c_len], LEAST[b_len], LEAST[a]), out);
}

#else

/* One octet: the text after it, or NULL. A leading zero is refused because some readers take it for octal, so that two of
 * them would see two different addresses. */
static const char *parse_octet(const char *at, const char *end, uint8_t *out) {
    unsigned value = 0;
    const char *start = at;
    for (; at != end && *at >= '0' && *at <= '9' && at - start < 3; at++) value = value * 10 + (unsigned)(*at - '0');
    if (at == start || value > 255 || (*start == '0' && at - start > 1)) return NULL;
    *out = (uint8_t)value;
    return at;
}

bool nc__parse_ipv4(const char *text, size_t len, uint8_t out[4]) {
    const char *end = text + len;
    const char *at = parse_octet(text, end, &out[0]);
    for (int i = 1; i < 4; i++) {
        if (at == NULL || at == end || *at != '.') return false;
        at = parse_octet(at + 1, end, &out[i]);
    }
    return at == end;
}

#endif

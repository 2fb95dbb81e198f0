/* Dotted quads. Checks and `isIP` cost little more than reading the text, so the text is read as a whole where the
 * processor can do that: a loop over the characters guesses wrong at every octet's length. */
#include <string.h>

#include "core/address_int.h"

#if defined(__SSE2__) || (defined(_M_X64) && !defined(_M_ARM64EC))
#include <emmintrin.h>

#include "base/bits.h"

static uint64_t read64(const char *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint32_t read32(const char *at) {
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

static unsigned where(__m128i lanes) {
    return (unsigned)_mm_movemask_epi8(lanes);
}

/* By the length of an octet's text: what moves four characters that begin with it to the upper end of a word, and which of
 * four characters that end with it are its own. */
static const uint32_t UP[4] = {0, 1u << 24, 1u << 16, 1u << 8};
static const uint32_t OWN[4] = {0, 0xff000000, 0xffff0000, 0xffffff00};

/* Four octets at once: each lane holds the characters of one, [0, hundreds, tens, ones], the last octet in the lowest. */
static bool values_of(__m128i chars, uint32_t *ip) {
    __m128i digits = _mm_and_si128(chars, _mm_set1_epi8(15));
    __m128i odd = _mm_madd_epi16(_mm_srli_epi16(digits, 8), _mm_set1_epi32(1 << 16 | 100));
    __m128i tens = _mm_madd_epi16(_mm_and_si128(digits, _mm_set1_epi16(0xff)), _mm_set1_epi32(10 << 16));
    __m128i values = _mm_add_epi32(odd, tens);
    __m128i packed = _mm_packs_epi32(values, values);
    *ip = (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(packed, packed));
    return where(_mm_cmpgt_epi32(values, _mm_set1_epi32(255))) == 0;
}

/* The shape is decided on bit masks of the characters. The octets are then read from the text itself, the first two from
 * their beginnings and the others from their ends, so that no read leaves the text. */
bool nc__parse_ipv4(const char *text, size_t len, uint32_t *ip) {
    if (len < 7 || len > 15) return false;
    __m128i chars = read_text(text, len);
    __m128i digits = _mm_sub_epi8(chars, _mm_set1_epi8('0'));
    unsigned dots = where(_mm_cmpeq_epi8(chars, _mm_set1_epi8('.')));
    unsigned zeros = where(_mm_cmpeq_epi8(chars, _mm_set1_epi8('0')));
    unsigned numbers = where(_mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits));
    unsigned end = 1u << len, starts = dots << 1 | 1, pairs = numbers & numbers >> 1;
    unsigned strangers = (dots | numbers) ^ (end - 1);
    unsigned leading_zeros = zeros & starts & numbers >> 1;
    unsigned too_long = pairs & pairs >> 2;
    unsigned too_short = (dots | end) & starts;
    unsigned a_end = dots, b_end = a_end & (a_end - 1), c_end = b_end & (b_end - 1);
    unsigned dots_beyond = c_end & (c_end - 1);
    if ((strangers | leading_zeros | too_long | too_short | dots_beyond) != 0 || c_end == 0) return false;

    size_t a = nc__lowest_bit(a_end), b = nc__lowest_bit(b_end), c = nc__lowest_bit(c_end);
    uint32_t first = read32(text) * UP[a], second = read32(text + a + 1) * UP[b - a - 1];
    uint32_t third = read32(text + c - 4) & OWN[c - b - 1], fourth = read32(text + len - 4) & OWN[len - c - 1];
    return values_of(_mm_set_epi32((int)first, (int)second, (int)third, (int)fourth), ip);
}

#else

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

bool nc__parse_ipv4(const char *text, size_t len, uint32_t *ip) {
    const char *end = text + len;
    *ip = 0;
    const char *at = parse_octet(text, end, ip);
    for (int i = 1; i < 4; i++) {
        if (at == NULL || at == end || *at != '.') return false;
        at = parse_octet(at + 1, end, ip);
    }
    return at == end;
}

#endif

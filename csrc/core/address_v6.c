/* IPv6 addresses without a zone. As with dotted quads (address_v4.c), the shape of most texts is decided on bit masks of their
 * characters, because a loop over them guesses wrong at every group's length; what has a dot in it, or is shorter or longer
 * than usual, goes through the plain parser, and so does everything where the processor has no vectors. */
#include <string.h>

#include "base/bits.h"
#include "core/address_int.h"

#define X16 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16
/* The value of each hexadecimal digit; 16 for every other byte. */
static const uint8_t HEX[256] = {
    X16, X16, X16, 0,  1,  2,  3,  4,  5,  6,  7,   8,   9,   16,  16,  16,  16,  16,  16,  16, 10,
    11,  12,  13,  14, 15, 16, 16, 16, 16, 16, 16,  16,  16,  16,  X16, 16,  10,  11,  12,  13, 14,
    15,  16,  16,  16, 16, 16, 16, 16, 16, 16, X16, X16, X16, X16, X16, X16, X16, X16, X16,
};
#undef X16

/* A group of up to four hexadecimal digits: the text after it, or NULL where there is no digit or a fifth. */
static const char *parse_group(const char *at, const char *end, uint8_t out[2]) {
    const char *start = at;
    unsigned value = 0;
    while (at != end && HEX[(uint8_t)*at] < 16) value = value << 4 | HEX[(uint8_t)*at++];
    if (at == start || at - start > 4) return NULL;
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return at;
}

/* Groups are read from the left; `gap` remembers where "::" stood, and in the end what came after it moves to the right
 * edge. An embedded dotted quad may only be the last thing, and takes the room of two groups. */
static bool parse_plainly(const char *text, size_t len, uint8_t out[16]) {
    const char *at = text;
    const char *end = text + len;
    uint8_t ip[16];
    int used = 0;
    int gap = -1;

    if (len < 2) return false;
    if (at[0] == ':') {
        if (at[1] != ':') return false;
        gap = 0;
        at += 2;
    }
    while (at != end) {
        if (used == 16) return false;
        const char *next = parse_group(at, end, ip + used);
        if (next != NULL && next != end && *next == '.' && used <= 12) {
            int64_t quad = nc__parse_ipv4(at, (size_t)(end - at));
            if (quad < 0) return false;
            nc__write_be32(ip + used, (uint32_t)quad);
            used += 4;
            break;
        }
        if (next == NULL) return false;
        used += 2;
        at = next;
        if (at == end) break;
        if (*at++ != ':' || at == end) return false;
        if (*at == ':') {
            if (gap >= 0) return false;
            gap = used;
            at++;
        }
    }
    if (gap < 0 ? used != 16 : used > 14) return false;
    if (gap < 0) gap = used;
    memset(out, 0, 16);
    memcpy(out, ip, (size_t)gap);
    memcpy(out + 16 - (used - gap), ip + gap, (size_t)(used - gap));
    return true;
}

#if defined(__SSE2__) || (defined(_M_X64) && !defined(_M_ARM64EC))
#include <emmintrin.h>

enum { FAST_MIN = 8, FAST_MAX = 39, GROUPS = 8, BEFORE = 4 };

/* Which characters of a text are what, a bit for each, and each one's value as a digit after BEFORE bytes of nothing. */
typedef struct shape {
    uint64_t colons;
    uint64_t digits;
    uint8_t values[BEFORE + 48];
} shape;

static inline __m128i look_at(shape *s, __m128i chars, size_t at) {
    __m128i number = _mm_sub_epi8(chars, _mm_set1_epi8('0'));
    __m128i letter = _mm_sub_epi8(_mm_or_si128(chars, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    __m128i is_number = _mm_cmpeq_epi8(_mm_min_epu8(number, _mm_set1_epi8(9)), number);
    __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
    __m128i is_colon = _mm_cmpeq_epi8(chars, _mm_set1_epi8(':'));
    s->digits |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_or_si128(is_number, is_letter)) << at;
    s->colons |= (uint64_t)(unsigned)_mm_movemask_epi8(is_colon) << at;
    return _mm_add_epi8(_mm_and_si128(chars, _mm_set1_epi8(15)), _mm_and_si128(is_letter, _mm_set1_epi8(9)));
}

static inline void look_at_8(shape *s, const char *text, size_t at) {
    __m128i chars = _mm_loadl_epi64((const __m128i *)(const void *)(text + at));
    _mm_storel_epi64((__m128i *)(void *)(s->values + BEFORE + at), look_at(s, chars, at));
}

static inline void look_at_16(shape *s, const char *text, size_t at) {
    __m128i chars = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
    _mm_storeu_si128((__m128i *)(void *)(s->values + BEFORE + at), look_at(s, chars, at));
}

/* The reads overlap where the text is not a multiple of them, so that nothing beside it is touched. */
static inline void find_shape(shape *s, const char *text, size_t len) {
    s->colons = s->digits = 0;
    memset(s->values, 0, BEFORE);
    if (len < 16) {
        look_at_8(s, text, 0);
        look_at_8(s, text, len - 8);
        return;
    }
    look_at_16(s, text, 0);
    if (len > 32) look_at_16(s, text, 16);
    look_at_16(s, text, len - 16);
}

static unsigned count_bits(uint64_t bits) {
    bits -= bits >> 1 & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    return (unsigned)(((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56);
}

/* Zero if the text has the shape of an address, apart from the number of its groups. */
static uint64_t flaws(const shape *s, size_t len, uint64_t gaps) {
    uint64_t pairs = s->digits & s->digits >> 1;
    uint64_t lone_first = s->colons & 1 & ~gaps;
    uint64_t lone_last = s->colons >> (len - 1) & ~(gaps >> (len - 2)) & 1;
    uint64_t fives = pairs & pairs >> 2 & s->digits >> 4;
    return lone_first | lone_last | fives | (gaps & (gaps - 1));
}

/* Two digits of 4 bits in each word become one byte in it. */
static __m128i join_digits(__m128i digits) {
    __m128i joined = _mm_or_si128(_mm_slli_epi16(digits, 4), _mm_srli_epi16(digits, 8));
    return _mm_and_si128(joined, _mm_set1_epi16(0xff));
}

/* Each group's digits, four bytes with zeros before them, go to the place that the group has in an address. */
static void place_groups(const shape *s, unsigned gap, unsigned left_out, uint32_t groups[GROUPS]) {
    static const uint32_t own[5] = {0, 0xff000000, 0xffff0000, 0xffffff00, 0xffffffff};
    uint64_t starts = s->digits & ~(s->digits << 1), ends = s->digits & ~(s->digits >> 1);
    for (unsigned i = 0; starts != 0; i++, starts &= starts - 1, ends &= ends - 1) {
        unsigned start = nc__lowest_bit(starts), end = nc__lowest_bit(ends) + 1;
        uint32_t digits;
        memcpy(&digits, s->values + end, sizeof digits);
        groups[start > gap ? i + left_out : i] = digits & own[end - start];
    }
}

bool nc__parse_ipv6(const char *text, size_t len, uint8_t out[16]) {
    if (len < FAST_MIN || len > FAST_MAX) return parse_plainly(text, len, out);
    shape s;
    find_shape(&s, text, len);
    if ((s.colons | s.digits) != ((uint64_t)1 << len) - 1) return parse_plainly(text, len, out);
    uint64_t gaps = s.colons & s.colons >> 1;
    if (flaws(&s, len, gaps) != 0) return false;
    unsigned count = count_bits(s.digits & ~(s.digits << 1));
    if (gaps == 0 ? count != GROUPS : count >= GROUPS) return false;

    __m128i groups[2];
    uint32_t placed[GROUPS] = {0};
    place_groups(&s, gaps == 0 ? 64 : nc__lowest_bit(gaps), GROUPS - count, placed);
    memcpy(groups, placed, sizeof placed);
    __m128i octets = _mm_packus_epi16(join_digits(groups[0]), join_digits(groups[1]));
    _mm_storeu_si128((__m128i *)(void *)out, octets);
    return true;
}

#else

bool nc__parse_ipv6(const char *text, size_t len, uint8_t out[16]) {
    return parse_plainly(text, len, out);
}

#endif

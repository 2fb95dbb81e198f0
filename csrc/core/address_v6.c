/* IPv6 addresses without a zone. As with dotted quads (address_v4.c), the shape of most texts is decided on bit masks of their
 * characters, because a loop over them guesses wrong at every group's length; what has a dot in it, or is shorter or longer
 * than usual, goes through the plain parser, and so does everything where the processor has no vectors. */
#include <string.h>

#include "base/bits.h"
#include "base/sse2.h"
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

#if defined(NC__SSE2)

/* BEFORE the digits of a text are as many bytes as a group has, so that those of a short first group can be read with them. */
enum { FAST_MIN = 8, FAST_MAX = 39, GROUPS = 8, BEFORE = 4 };

/* What is known of a text, apart from its digits. */
typedef struct outline {
    uint64_t colons; /* a bit for each */
    __m128i known;   /* zero in a byte if a character was neither a digit nor a colon */
} outline;

/* The value that each of 16 characters has as a digit, and which of them are colons. */
static inline __m128i look_at(__m128i chars, __m128i *known, uint64_t *colons) {
    __m128i number = _mm_sub_epi8(chars, _mm_set1_epi8('0'));
    __m128i letter = _mm_sub_epi8(_mm_or_si128(chars, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    __m128i is_number = _mm_cmpeq_epi8(_mm_min_epu8(number, _mm_set1_epi8(9)), number);
    __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
    __m128i is_colon = _mm_cmpeq_epi8(chars, _mm_set1_epi8(':'));
    *known = _mm_or_si128(_mm_or_si128(is_number, is_letter), is_colon);
    *colons = (uint64_t)(unsigned)_mm_movemask_epi8(is_colon);
    return _mm_add_epi8(_mm_and_si128(chars, _mm_set1_epi8(15)), _mm_and_si128(is_letter, _mm_set1_epi8(9)));
}

static inline void look_at_16(outline *o, const char *text, size_t at, uint8_t *values) {
    uint64_t colons;
    __m128i known, chars = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
    _mm_storeu_si128((__m128i *)(void *)(values + at), look_at(chars, &known, &colons));
    o->known = _mm_and_si128(o->known, known);
    o->colons |= colons << at;
}

/* The first eight characters and the last eight. */
static inline void look_at_ends(outline *o, const char *text, size_t len, uint8_t *values) {
    __m128i front = _mm_loadl_epi64((const __m128i *)(const void *)text);
    __m128i back = _mm_loadl_epi64((const __m128i *)(const void *)(text + len - 8));
    uint64_t colons;
    __m128i both = look_at(_mm_unpacklo_epi64(front, back), &o->known, &colons);
    _mm_storel_epi64((__m128i *)(void *)values, both);
    _mm_storel_epi64((__m128i *)(void *)(values + len - 8), _mm_unpackhi_epi64(both, both));
    o->colons = (colons & 255) | colons >> 8 << (len - 8);
}

/* The reads overlap where the text is not a multiple of them, so that nothing beside it is touched. */
static inline outline look_at_text(const char *text, size_t len, uint8_t *values) {
    outline o = {0, _mm_set1_epi8(-1)};
    if (len < 16) {
        look_at_ends(&o, text, len, values);
        return o;
    }
    look_at_16(&o, text, 0, values);
    if (len > 32) look_at_16(&o, text, 16, values);
    look_at_16(&o, text, len - 16, values);
    return o;
}

/* Every group is to end at a colon, also the last one, for which one is added; "::" is a group without digits, and at the
 * edges of the text it is a colon shorter. False if a single colon is at an edge. */
static inline bool trim_edges(uint64_t *colons, size_t len, size_t *start) {
    *start = *colons & 1;
    if (*start && !(*colons & 2)) return false;
    *colons &= ~(uint64_t)1;
    if (!(*colons >> (len - 1))) {
        *colons |= (uint64_t)1 << len;
        return true;
    }
    return *colons >> (len - 2) & 1;
}

/* Where groups go, each as four bytes of digits: the front of an address from the beginning on; then nothing; then, from
 * BACK on, what comes after "::". What lies before the end of the last group, as long as an address, is the back of one.
 * There is room for the groups of any text. */
enum { BACK = 2 * GROUPS, PLACES = BACK + FAST_MAX / 2 + 1 };

/* The end of the back, or 0 if the text is no address. */
static inline size_t place_groups(uint32_t *places, const uint8_t *values, uint64_t colons, size_t start) {
    static const uint32_t own[4] = {0xff000000, 0xffff0000, 0xffffff00, 0xffffffff};
    size_t count = 0, front = 0;
    bool gap = false;
    for (; colons != 0; colons &= colons - 1) {
        size_t end = nc__lowest_bit(colons), others = end - start - 1;
        start = end + 1;
        if (others < 4) {
            uint32_t group;
            memcpy(&group, values + end - sizeof group, sizeof group);
            places[count++] = group & own[others];
            continue;
        }
        if (gap || others != SIZE_MAX) return 0;
        gap = true;
        front = count;
        count = BACK;
    }
    if (!gap) return count == GROUPS ? BACK : 0;
    return front + count < BACK + GROUPS ? count : 0;
}

/* Eight groups of four digits to 16 bytes. */
static inline __m128i join_digits(__m128i a, __m128i b) {
    __m128i byte = _mm_set1_epi16(0xff);
    a = _mm_and_si128(_mm_or_si128(_mm_slli_epi16(a, 4), _mm_srli_epi16(a, 8)), byte);
    b = _mm_and_si128(_mm_or_si128(_mm_slli_epi16(b, 4), _mm_srli_epi16(b, 8)), byte);
    return _mm_packus_epi16(a, b);
}

static inline __m128i four_groups(const uint32_t *front, const uint32_t *back) {
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)front);
    return _mm_or_si128(a, _mm_loadu_si128((const __m128i *)(const void *)back));
}

bool nc__parse_ipv6(const char *text, size_t len, uint8_t out[16]) {
    uint8_t values[BEFORE + FAST_MAX];
    uint32_t places[PLACES];
    size_t start;
    if (len < FAST_MIN || len > FAST_MAX) return parse_plainly(text, len, out);
    memset(values, 0, BEFORE);
    outline o = look_at_text(text, len, values + BEFORE);
    if (_mm_movemask_epi8(o.known) != 0xffff) return parse_plainly(text, len, out);
    if (!trim_edges(&o.colons, len, &start)) return false;
    memset(places, 0, BACK * sizeof places[0]);
    size_t end = place_groups(places, values + BEFORE, o.colons, start);
    if (end == 0) return false;
    const uint32_t *back = places + end - GROUPS;
    __m128i octets = join_digits(four_groups(places, back), four_groups(places + 4, back + 4));
    _mm_storeu_si128((__m128i *)(void *)out, octets);
    return true;
}

#else

bool nc__parse_ipv6(const char *text, size_t len, uint8_t out[16]) {
    return parse_plainly(text, len, out);
}

#endif

/* A trie of three levels that holds ranges, not prefixes. The root is indexed by the first octet, a branch by the second;
 * a leaf holds what is blocked among the 65,536 addresses that share both, as the sorted offsets at which "blocked" and
 * "free" change places:
 *
 *      root ── 10 ──> branch ── 0 ──> leaf [256, 512, 600]
 *                            ── 1 ──> all            10.0.1.0 to 10.0.1.255 and 10.0.2.88 to 10.0.255.255
 *           ── 11 ──> none
 *
 * An address is blocked if an odd number of offsets is at or below its own. Three offsets fit into the branch's word itself,
 * or seven where all are multiples of 256, as they are where nothing smaller than a /24 is blocked; up to ARRAY_MAX lie in
 * an array, and past that a bitmap of the addresses is smaller. So a check is two dependent loads and a search in some
 * bytes, whatever the number of rules.
 *
 * How a change is published decides what readers see of it: within one leaf, a store into the branch; within one first
 * octet, a store into the root of a branch built anew; else a new root. It is one store each time, so every change is
 * seen whole. */
#include "core/blocklist_v4.h"

#include <string.h>

#include "base/bits.h"
#include "base/sse2.h"

#if defined(NC__SSE2) && !defined(__SANITIZE_THREAD__)
#define VECTORS 1
#else
#define VECTORS 0
#endif

enum { FANOUT = 256, LEAF_SIZE = 65536, ARRAY_MAX = 2048, BITMAP_WORDS = LEAF_SIZE / 64 };

/* A word of a table. The two lowest bits say what it is; blocks are aligned to 16 bytes, so a pointer leaves them free.
 * 0 is "none" in every table, and EVERY is "all" (an inline leaf with the one offset 0). In the root, a pointer is to a branch.
 *
 * An inline leaf has its count in the bits 2 to 4, and above that the offsets: from bit 16 on in 16 bits each or, if IN_BYTES
 * is set, from bit 8 on the upper 8 bits of each. There is but one way to write a leaf, so equal leaves are equal words. */
typedef uint64_t word;
enum { IS_POINTER = 0, IS_INLINE = 1, IS_BITMAP = 2, TAG = 3, IN_BYTES = 32, EVERY = IS_INLINE | 1 << 2 | IN_BYTES };
enum { SHORTS_MAX = 3, BYTES_MAX = 7 };

typedef struct table {
    _Atomic(word) slots[FANOUT];
} table;

typedef struct array {
    _Atomic(uint16_t) count;
    _Atomic(uint16_t) offsets[];
} array;

typedef struct bitmap {
    _Atomic(uint64_t) words[BITMAP_WORDS];
} bitmap;

#define LOAD(at) atomic_load_explicit(&(at), memory_order_relaxed)
#define STORE(at, value) atomic_store_explicit(&(at), (value), memory_order_relaxed)

static void *pointer_of(word w) {
    return (void *)(uintptr_t)(w & ~(word)TAG);
}

static word slot(const table *t, unsigned i) {
    return atomic_load_explicit(&((table *)t)->slots[i], memory_order_acquire);
}

static size_t array_size(unsigned count) {
    return sizeof(array) + count * sizeof(uint16_t);
}

/* ---- Reading ---- */

static unsigned inline_count(word w) {
    return w >> 2 & 7;
}

static bool shorts_have(word w, unsigned offset) {
    unsigned count = inline_count(w);
    unsigned below = offset >= (w >> 16 & 0xffff);
    below ^= (unsigned)(count > 1) & (offset >= (w >> 32 & 0xffff));
    below ^= (unsigned)(count > 2) & (offset >= w >> 48);
    return below;
}

/* The offsets are sorted, so those at or below are the first ones, and the first one above tells how many they are. */
static bool odd_below(uint64_t below, unsigned count) {
    return nc__lowest_bit(~(below & (((uint64_t)1 << count) - 1))) & 1;
}

static bool bytes_have(word w, unsigned offset) {
#if VECTORS
    __m128i x = _mm_set1_epi8((char)(offset >> 8));
    __m128i none_above = _mm_cmpeq_epi8(_mm_subs_epu8(_mm_set_epi64x(0, (int64_t)w), x), _mm_setzero_si128());
    return odd_below((unsigned)_mm_movemask_epi8(none_above) >> 1, inline_count(w));
#else
    uint64_t below = 0;
    for (unsigned i = 0; i < BYTES_MAX; i++) below |= (uint64_t)(offset >> 8 >= (w >> (8 + 8 * i) & 0xff)) << i;
    return odd_below(below, inline_count(w));
#endif
}

/* Also false for the word 0, which so needs no branch of its own. */
static inline bool inline_has(word w, unsigned offset) {
    return (w & (TAG | IN_BYTES)) == IS_INLINE ? shorts_have(w, offset) : bytes_have(w, offset);
}

/* Whether an odd number of the first `count` offsets, of which there is at least one, is at or below `offset`. */
static bool array_search(const array *leaf, unsigned count, unsigned offset) {
    _Atomic(uint16_t) *base = ((array *)leaf)->offsets;
    _Atomic(uint16_t) *from = base;
    while (count > 1) {
        unsigned half = count / 2;
        base += LOAD(base[half - 1]) <= offset ? half : 0;
        count -= half;
    }
    return ((unsigned)(base - from) + (LOAD(*base) <= offset)) & 1;
}

#if VECTORS

enum { VECTOR_LANES = 8, VECTORS_MAX = 8 };

/* The same, eight words of the block at a time, of which the first is the count: it is masked out, and so is what lies
 * behind the offsets. That these loads are not atomic does no harm: torn or not, what they read is thrown away if a
 * writer has come in between. */
static bool array_has(const array *leaf, unsigned count, unsigned offset) {
    if (count >= VECTOR_LANES * VECTORS_MAX) return array_search(leaf, count, offset);
    const __m128i *at = (const __m128i *)(const void *)leaf;
    const __m128i x = _mm_set1_epi16((short)offset);
    uint64_t below = 0;
    for (unsigned i = 0; i <= count / VECTOR_LANES; i++) {
        __m128i none_above = _mm_cmpeq_epi16(_mm_subs_epu16(_mm_loadu_si128(at + i), x), _mm_setzero_si128());
        uint64_t lanes = (uint64_t)_mm_movemask_epi8(_mm_packs_epi16(none_above, _mm_setzero_si128()));
        below |= lanes << (i * VECTOR_LANES);
    }
    return odd_below(below >> 1, count);
}

#else

static bool array_has(const array *leaf, unsigned count, unsigned offset) {
    return array_search(leaf, count, offset);
}

#endif

static bool bitmap_has(const bitmap *leaf, unsigned offset) {
    return LOAD(((bitmap *)leaf)->words[offset / 64]) >> offset % 64 & 1;
}

enum { AGAIN = 2 };

/* Whether `offset` is in a leaf that is not in the word itself. */
static int leaf_has(const nc__pool *pool, uint64_t generation, word w, unsigned offset) {
    bool has;
    if ((w & TAG) == IS_BITMAP) {
        has = bitmap_has(pointer_of(w), offset);
    } else {
        const array *leaf = pointer_of(w);
        unsigned count = LOAD(((array *)leaf)->count);
        if (!nc__pool_still(pool, generation)) return AGAIN;
        has = array_has(leaf, count, offset);
    }
    return nc__pool_still(pool, generation) ? has : AGAIN;
}

/* One attempt: whether `ip` is in it, or AGAIN where a writer came in between. */
static inline int try_has(const nc__set4 *set, uint32_t ip) {
    const nc__pool *pool = set->pool;
    uint64_t generation = nc__pool_enter(pool);
    const table *root = pointer_of(atomic_load_explicit(&((nc__set4 *)set)->root, memory_order_acquire));
    if (root == NULL) return 0;
    word w = slot(root, ip >> 24);
    if (!nc__pool_still(pool, generation)) return AGAIN;
    if (w == 0) return 0;
    if ((w & TAG) == IS_POINTER) {
        w = slot(pointer_of(w), ip >> 16 & 0xff);
        if (!nc__pool_still(pool, generation)) return AGAIN;
        if (w == 0) return 0;
    }
    return (w & TAG) == IS_INLINE ? inline_has(w, ip & 0xffff) : leaf_has(pool, generation, w, ip & 0xffff);
}

int nc__set4_has(const nc__set4 *set, uint32_t ip) {
    int has;
    do has = try_has(set, ip);
    while (has == AGAIN);
    return has;
}

/* A batch goes through the levels side by side, so that the memory's answers for one address are under way while the
 * others are asked for: past the caches that is what a check costs. Nor does it branch on what kind of word an address
 * meets, which no processor can guess: the addresses that have a leaf to look into are collected first. */
enum { LANES = 32 };

typedef struct lanes {
    word words[LANES];
    uint8_t deep[LANES]; /* those with a leaf of their own */
    uint16_t counts[LANES];
    unsigned deep_count;
} lanes;

static inline bool is_table(word w) {
    return (w & TAG) == IS_POINTER && w != 0;
}

static void collect_deep(lanes *l, const uint32_t *ips, uint8_t *mask) {
    l->deep_count = 0;
    for (unsigned i = 0; i < LANES; i++) {
        word w = l->words[i];
        bool here = (w & IS_INLINE) != 0;
        mask[i] = here & inline_has(w, ips[i] & 0xffff);
        l->deep[l->deep_count] = (uint8_t)i;
        l->deep_count += !here & (w != 0);
    }
}

/* From the root's words to the branches'. A word that leads to no branch, which is 0 or EVERY, is read from a table, too:
 * that costs less than a guess. */
static void descend(lanes *l, const uint32_t *ips) {
    static const _Atomic(word) all_or_none[2] = {0, EVERY};
    for (unsigned i = 0; i < LANES; i++) {
        word w = l->words[i];
        uintptr_t below = (uintptr_t)pointer_of(w) + (ips[i] >> 16 & 0xff) * sizeof(word);
        uintptr_t here = (uintptr_t)&all_or_none[w & 1], mask = 0 - (uintptr_t)is_table(w);
        l->words[i] = atomic_load_explicit((_Atomic(word) *)((below & mask) | (here & ~mask)), memory_order_acquire);
    }
}

static void look_into_leaves(lanes *l, const uint32_t *ips, uint8_t *mask) {
    for (unsigned i = 0; i < l->deep_count; i++) {
        unsigned lane = l->deep[i];
        const void *leaf = pointer_of(l->words[lane]);
        bool bits = (l->words[lane] & TAG) == IS_BITMAP;
        mask[lane] = bits ? bitmap_has(leaf, ips[lane] & 0xffff) : array_has(leaf, l->counts[i], ips[lane] & 0xffff);
    }
}

static bool try_lanes(const nc__set4 *set, const uint32_t *ips, uint8_t *mask) {
    lanes l;
    uint64_t generation = nc__pool_enter(set->pool);
    const table *root = pointer_of(atomic_load_explicit(&((nc__set4 *)set)->root, memory_order_acquire));
    for (unsigned i = 0; i < LANES; i++) l.words[i] = slot(root, ips[i] >> 24);
    if (!nc__pool_still(set->pool, generation)) return false;
    descend(&l, ips);
    if (!nc__pool_still(set->pool, generation)) return false;
    collect_deep(&l, ips, mask);
    for (unsigned i = 0; i < l.deep_count; i++) l.counts[i] = LOAD(((array *)pointer_of(l.words[l.deep[i]]))->count);
    if (!nc__pool_still(set->pool, generation)) return false;
    look_into_leaves(&l, ips, mask);
    return nc__pool_still(set->pool, generation);
}

void nc__set4_has_many(const nc__set4 *set, const uint32_t *ips, size_t count, uint8_t *mask) {
    size_t i = 0;
    if (atomic_load_explicit(&((nc__set4 *)set)->root, memory_order_acquire) == 0) {
        memset(mask, 0, count);
        return;
    }
    for (; count - i >= LANES; i += LANES)
        while (!try_lanes(set, ips + i, mask + i)) continue;
    if (i == count) return;
    uint32_t last[LANES] = {0};
    uint8_t last_mask[LANES];
    memcpy(last, ips + i, (count - i) * sizeof *ips);
    while (!try_lanes(set, last, last_mask)) continue;
    memcpy(mask + i, last_mask, count - i);
}

/* ---- Changing ---- */

/* What of a change falls into one leaf: offsets from `first` to `last` become those of the intervals. */
typedef struct part {
    uint32_t base; /* the address of the leaf's offset 0 */
    unsigned first, last;
    const nc__interval4 *intervals;
    size_t count;
} part;

/* Writes offsets of change to a list, an offset only where the value does change. */
typedef struct offsets {
    uint16_t at[ARRAY_MAX + 4];
    unsigned count;
    bool value;
} offsets;

static void turn(offsets *out, unsigned offset, bool value) {
    if (out->value == value || offset >= LEAF_SIZE) return;
    out->at[out->count++] = (uint16_t)offset;
    out->value = value;
}

static unsigned clip(const part *p, uint32_t ip) {
    if (ip < p->base + p->first) return p->first;
    return ip > p->base + p->last ? p->last : ip - p->base;
}

static unsigned leaf_offsets(word w, uint16_t *out) {
    if ((w & TAG) == IS_INLINE) {
        unsigned count = inline_count(w);
        for (unsigned i = 0; i < count; i++)
            out[i] = (uint16_t)(w & IN_BYTES ? (w >> (8 + 8 * i) & 0xff) << 8 : w >> (16 + 16 * i));
        return count;
    }
    if (w == 0) return 0;
    array *leaf = pointer_of(w);
    unsigned count = LOAD(leaf->count);
    for (unsigned i = 0; i < count; i++) out[i] = LOAD(leaf->offsets[i]);
    return count;
}

/* An inline leaf, or 0 where there are too many offsets for one. */
static word inline_leaf(const offsets *list) {
    unsigned low = 0;
    word w = IS_INLINE | (word)list->count << 2;
    for (unsigned i = 0; i < list->count && i < BYTES_MAX; i++) low |= list->at[i] & 0xff;
    bool in_bytes = low == 0 && list->count <= BYTES_MAX;
    if (!in_bytes && list->count > SHORTS_MAX) return 0;
    for (unsigned i = 0; i < list->count; i++)
        w |= in_bytes ? (word)(list->at[i] >> 8) << (8 + 8 * i) : (word)list->at[i] << (16 + 16 * i);
    return in_bytes ? w | IN_BYTES : w;
}

static word leaf_of_offsets(nc__change *change, const offsets *list) {
    if (list->count == 0) return 0;
    word w = inline_leaf(list);
    if (w != 0) return w;
    array *leaf = nc__change_alloc(change, array_size(list->count));
    if (leaf == NULL) return 0;
    STORE(leaf->count, (uint16_t)list->count);
    for (unsigned i = 0; i < list->count; i++) STORE(leaf->offsets[i], list->at[i]);
    return (word)(uintptr_t)leaf;
}

static word replace_in_array(nc__change *change, word old, const part *p) {
    uint16_t had[ARRAY_MAX + 4];
    offsets out = {.count = 0, .value = false};
    unsigned count = leaf_offsets(old, had);
    unsigned i = 0;
    for (; i < count && had[i] < p->first; i++) turn(&out, had[i], !out.value);
    unsigned at = p->first;
    for (size_t j = 0; j < p->count; j++) {
        unsigned first = clip(p, p->intervals[j].first);
        if (first > at) turn(&out, at, false);
        turn(&out, first, true);
        at = clip(p, p->intervals[j].last) + 1;
    }
    if (at <= p->last) turn(&out, at, false);
    for (; i < count && had[i] <= p->last + 1; i++) continue;
    turn(&out, p->last + 1, i & 1);
    for (; i < count; i++) turn(&out, had[i], !out.value);
    if (out.count == count && memcmp(out.at, had, count * sizeof had[0]) == 0) return old;
    return leaf_of_offsets(change, &out);
}

/* The words of a bitmap that is being made. */
static void fill(uint64_t *words, unsigned first, unsigned last, bool value) {
    for (unsigned i = first / 64; i <= last / 64; i++) {
        uint64_t bits = ~(uint64_t)0;
        if (i == first / 64) bits &= ~(uint64_t)0 << first % 64;
        if (i == last / 64) bits &= ~(uint64_t)0 >> (63 - last % 64);
        words[i] = value ? words[i] | bits : words[i] & ~bits;
    }
}

static void leaf_bits(word w, uint64_t *words) {
    uint16_t at[ARRAY_MAX + 4];
    if ((w & TAG) == IS_BITMAP) {
        for (unsigned i = 0; i < BITMAP_WORDS; i++) words[i] = LOAD(((bitmap *)pointer_of(w))->words[i]);
        return;
    }
    unsigned count = leaf_offsets(w, at);
    memset(words, 0, BITMAP_WORDS * sizeof words[0]);
    for (unsigned i = 0; i < count; i += 2) fill(words, at[i], i + 1 < count ? at[i + 1] - 1u : LEAF_SIZE - 1, true);
}

/* The offsets of change of a bitmap, if an array can hold half of what it may: the other half is for what comes next. */
static bool offsets_of_bits(const uint64_t *words, offsets *out) {
    uint64_t before = 0;
    out->count = 0;
    out->value = false;
    for (unsigned i = 0; i < BITMAP_WORDS; i++) {
        uint64_t changes = words[i] ^ (words[i] << 1 | before);
        before = words[i] >> 63;
        for (; changes != 0; changes &= changes - 1) {
            if (out->count == ARRAY_MAX / 2) return false;
            out->at[out->count++] = (uint16_t)(i * 64 + nc__lowest_bit(changes));
        }
    }
    return true;
}

static word replace_in_bitmap(nc__change *change, word old, const part *p) {
    uint64_t words[BITMAP_WORDS];
    offsets list;
    leaf_bits(old, words);
    fill(words, p->first, p->last, false);
    for (size_t i = 0; i < p->count; i++)
        fill(words, clip(p, p->intervals[i].first), clip(p, p->intervals[i].last), true);
    if (offsets_of_bits(words, &list)) return leaf_of_offsets(change, &list);
    bitmap *leaf = nc__change_alloc(change, sizeof *leaf);
    if (leaf == NULL) return 0;
    for (unsigned i = 0; i < BITMAP_WORDS; i++) STORE(leaf->words[i], words[i]);
    return (word)(uintptr_t)leaf | IS_BITMAP;
}

static void retire_leaf(nc__change *change, word w) {
    if ((w & TAG) == IS_BITMAP)
        nc__change_retire(change, pointer_of(w), sizeof(bitmap));
    else if ((w & TAG) == IS_POINTER && w != 0)
        nc__change_retire(change, pointer_of(w), array_size(LOAD(((array *)pointer_of(w))->count)));
}

static word replace_leaf(nc__change *change, word old, const part *p) {
    word new;
    if (p->first == 0 && p->last == LEAF_SIZE - 1 && p->count == 0) {
        new = 0;
    } else {
        unsigned had = (old & TAG) != IS_POINTER || old == 0 ? BYTES_MAX : LOAD(((array *)pointer_of(old))->count);
        bool small = (old & TAG) != IS_BITMAP && p->count <= ARRAY_MAX / 2 && had + 2 * p->count <= ARRAY_MAX;
        new = small ? replace_in_array(change, old, p) : replace_in_bitmap(change, old, p);
    }
    if (new != old) retire_leaf(change, old);
    return new;
}

/* The intervals of a change, which its leaves take from the left to the right. */
typedef struct cursor {
    const nc__interval4 *at;
    const nc__interval4 *end;
} cursor;

static part next_part(cursor *c, uint32_t first, uint32_t last) {
    part p = {.base = first & 0xffff0000, .first = first & 0xffff, .last = last & 0xffff};
    while (c->at != c->end && c->at->last < first) c->at++;
    p.intervals = c->at;
    while (c->at + p.count != c->end && c->at[p.count].first <= last) p.count++;
    return p;
}

/* A table of its own with what `old` stands for: that table's words, or the one word everywhere. */
static table *copy_table(nc__change *change, word old) {
    table *copy = nc__change_alloc(change, sizeof *copy);
    if (copy == NULL) return NULL;
    bool is_table = (old & TAG) == IS_POINTER && old != 0;
    for (unsigned i = 0; i < FANOUT; i++) STORE(copy->slots[i], is_table ? slot(pointer_of(old), i) : old);
    if (is_table) nc__change_retire(change, pointer_of(old), sizeof *copy);
    return copy;
}

static void retire_branch(nc__change *change, word old) {
    if ((old & TAG) != IS_POINTER || old == 0) return;
    for (unsigned i = 0; i < FANOUT; i++) retire_leaf(change, slot(pointer_of(old), i));
    nc__change_retire(change, pointer_of(old), sizeof(table));
}

/* What the change makes of all addresses from `first` to `last`, if that is one thing: 0 or EVERY; else IS_BITMAP. */
static word uniform(const cursor *c, uint32_t first, uint32_t last) {
    const nc__interval4 *at = c->at;
    while (at != c->end && at->last < first) at++;
    if (at == c->end || at->first > last) return 0;
    return at->first <= first && at->last >= last ? EVERY : IS_BITMAP;
}

/* The word for one first octet, in which the addresses from `first` to `last` change. */
static word replace_branch(nc__change *change, word old, uint32_t first, uint32_t last, cursor *c) {
    word all = uniform(c, first, last);
    if (all == old) return old;
    if (all != IS_BITMAP && last - first == 0xffffff) {
        retire_branch(change, old);
        return all;
    }
    table *branch = copy_table(change, old);
    for (uint32_t high = first >> 16; branch != NULL && high <= last >> 16; high++) {
        uint32_t from = high == first >> 16 ? first : high << 16;
        uint32_t to = high == last >> 16 ? last : high << 16 | 0xffff;
        part p = next_part(c, from, to);
        STORE(branch->slots[high & 0xff], replace_leaf(change, slot(branch, high & 0xff), &p));
    }
    return (word)(uintptr_t)branch;
}

/* A change within one first octet, for which there is a root. */
static void replace_below(nc__change *change, table *root, uint32_t first, uint32_t last, cursor *c) {
    word old = slot(root, first >> 24);
    bool branch = (old & TAG) == IS_POINTER && old != 0;
    if (!branch || first >> 16 != last >> 16) {
        nc__change_publish(change, &root->slots[first >> 24], replace_branch(change, old, first, last, c));
        return;
    }
    _Atomic(word) *at = &((table *)pointer_of(old))->slots[first >> 16 & 0xff];
    part p = next_part(c, first, last);
    nc__change_publish(change, at, replace_leaf(change, LOAD(*at), &p));
}

static void replace_root(nc__change *change, nc__set4 *set, uint32_t first, uint32_t last, cursor *c) {
    table *root = copy_table(change, LOAD(set->root));
    for (uint32_t octet = first >> 24; root != NULL && octet <= last >> 24; octet++) {
        uint32_t from = octet == first >> 24 ? first : octet << 24;
        uint32_t to = octet == last >> 24 ? last : octet << 24 | 0xffffff;
        STORE(root->slots[octet], replace_branch(change, slot(root, octet), from, to, c));
    }
    nc__change_publish(change, &set->root, (uintptr_t)root);
}

void nc__set4_replace(nc__set4 *set, nc__change *change, uint32_t first, uint32_t last, const nc__interval4 *intervals,
                      size_t count) {
    cursor c = {intervals, intervals + count};
    word root = LOAD(set->root);
    if (root != 0 && first >> 24 == last >> 24)
        replace_below(change, pointer_of(root), first, last, &c);
    else
        replace_root(change, set, first, last, &c);
}

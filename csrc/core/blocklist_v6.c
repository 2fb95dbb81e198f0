/* A trie over the octets of an address that is only as deep as the rules are dense. What is blocked in some area of the address
 * space (all addresses that begin with the same octets) is one word:
 *
 *      0, EVERY    nothing; all of it
 *      a leaf      up to LEAF_MAX spans, sorted; a small list is one leaf and nothing else
 *      a table     256 words, one for each value that the next octet can have
 *      a guard     a table further down, for an area whose rules all begin with some more octets that are the same
 *
 *      guard 2001:db8::/32 ── table ── 00 ──> leaf [2001:db8:0012::/48, 2001:db8:0045:1::/64]
 *                                   ── 01 ──> 0
 *                                   ── 02 ──> guard 2001:db8:0200:ff00::/56 ── table ...
 *
 * A leaf that overflows becomes a table, so the levels above an address are those where more than LEAF_MAX spans had to be told
 * apart: at a hundred thousand rules a check is two or three tables and a leaf with a few spans. Nobody can make it more
 * than 16 by choosing addresses, as they could fill the chains of a hash table. What spans several areas lies in each of them.
 *
 * Nodes are never changed, except that one word in a table may be exchanged for another. A change builds anew what it meets,
 * below the deepest table that has all of it in one slot, and publishes it by one store into that slot: so every change is
 * seen whole. */
#include "core/blocklist_v6.h"

#include <stdlib.h>
#include <string.h>

enum { FANOUT = 256, LEAF_MAX = 32, LEAF_FEW = 12, OCTETS = 16 };

#define LOAD(at) atomic_load_explicit(&(at), memory_order_relaxed)
#define STORE(at, value) atomic_store_explicit(&(at), (value), memory_order_relaxed)

/* The two lowest bits of a word say what it is; blocks are aligned to 16 bytes, so a pointer leaves them free. */
typedef uint64_t word;
enum { IS_LEAF = 0, IS_TABLE = 1, IS_GUARD = 2, EVERY = 3, TAG = 3 };

typedef struct shared_key {
    _Atomic(uint64_t) high;
    _Atomic(uint64_t) low;
} shared_key;

typedef struct shared_span {
    shared_key first;
    shared_key last;
} shared_span;

typedef struct leaf {
    _Atomic(uint64_t) count;
    shared_span spans[];
} leaf;

typedef struct table {
    _Atomic(word) slots[FANOUT];
} table;

typedef struct guard {
    shared_span area; /* of the table */
    _Atomic(uint64_t) depth;
    _Atomic(word) below;
} guard;

static const nc__span EVERYTHING = {{0, 0}, {UINT64_MAX, UINT64_MAX}};

static void *pointer_of(word w) {
    return (void *)(uintptr_t)(w & ~(word)TAG);
}

static word slot(const table *t, unsigned i) {
    return atomic_load_explicit(&((table *)t)->slots[i], memory_order_acquire);
}

static inline nc__key load_key(const shared_key *at) {
    shared_key *key = (shared_key *)at;
    return (nc__key){LOAD(key->high), LOAD(key->low)};
}

static void store_key(shared_key *at, nc__key key) {
    STORE(at->high, key.high);
    STORE(at->low, key.low);
}

static inline nc__span load_span(const shared_span *at) {
    return (nc__span){load_key(&at->first), load_key(&at->last)};
}

static void store_span(shared_span *at, nc__span span) {
    store_key(&at->first, span.first);
    store_key(&at->last, span.last);
}

static inline unsigned octet(nc__key key, unsigned depth) {
    uint64_t half = depth < 8 ? key.high : key.low;
    return half >> (56 - 8 * (depth & 7)) & 0xff;
}

/* ---- Reading ---- */

enum { AGAIN = 2 };

/* The last span that does not begin after `key`, or the first. */
static inline unsigned span_of(const leaf *l, unsigned count, nc__key key) {
    unsigned base = 0;
    while (count > 1) {
        unsigned half = count / 2;
        base += nc__key_less(key, load_key(&l->spans[base + half].first)) ? 0 : half;
        count -= half;
    }
    return base;
}

static inline int leaf_has(const nc__pool *pool, uint64_t generation, const leaf *l, nc__key key) {
    unsigned count = (unsigned)LOAD(((leaf *)l)->count);
    if (!nc__pool_still(pool, generation)) return AGAIN;
    const shared_span *span = &l->spans[span_of(l, count, key)];
    bool has = nc__span_has((nc__span){load_key(&span->first), load_key(&span->last)}, key);
    return nc__pool_still(pool, generation) ? has : AGAIN;
}

/* One attempt: whether `key` is in it, or AGAIN where a writer came in between. */
static inline int try_has(const nc__set6 *set, nc__key key) {
    const nc__pool *pool = set->pool;
    uint64_t generation = nc__pool_enter(pool);
    word w = atomic_load_explicit(&((nc__set6 *)set)->root, memory_order_acquire);
    unsigned depth = 0;
    for (;;) {
        if ((w & TAG) == IS_TABLE) {
            w = slot(pointer_of(w), octet(key, depth++));
        } else if ((w & TAG) == IS_GUARD) {
            guard *g = pointer_of(w);
            bool inside = nc__span_has((nc__span){load_key(&g->area.first), load_key(&g->area.last)}, key);
            depth = (unsigned)LOAD(g->depth);
            w = inside ? atomic_load_explicit(&g->below, memory_order_acquire) : 0;
        } else {
            break;
        }
        if (!nc__pool_still(pool, generation)) return AGAIN;
    }
    if (w == 0) return 0;
    return w == EVERY ? 1 : leaf_has(pool, generation, pointer_of(w), key);
}

int nc__set6_has(const nc__set6 *set, nc__key key) {
    int has;
    do has = try_has(set, key);
    while (has == AGAIN);
    return has;
}

/* ---- Changing ---- */

/* What of a change falls into one area: the addresses of `where` become those of the spans, of which the first and the last
 * may reach beyond it. */
typedef struct part {
    nc__span where;
    const nc__span *spans;
    size_t count;
} part;

/* A change under way. It may exchange a word of a table in place if each slot that it came through holds all of it. */
typedef struct writer {
    nc__change *change;
    bool in_place;
} writer;

static nc__span slot_area(nc__span area, unsigned depth, unsigned i) {
    uint64_t bits = (uint64_t)i << (56 - 8 * (depth & 7));
    nc__key first =
        depth < 8 ? (nc__key){area.first.high | bits, 0} : (nc__key){area.first.high, area.first.low | bits};
    return nc__span_of_prefix(first, 8 * (depth + 1));
}

static bool covers(nc__span outer, nc__span inner) {
    return nc__span_has(outer, inner.first) && nc__span_has(outer, inner.last);
}

/* How many octets two addresses have in common. */
static unsigned common_octets(nc__key a, nc__key b) {
    unsigned depth = 0;
    while (depth < OCTETS && octet(a, depth) == octet(b, depth)) depth++;
    return depth;
}

/* What of `rest` falls into the next area; `rest` loses the spans that end before it. */
static part next_part(part *rest, nc__span area) {
    part p = {{nc__key_max(rest->where.first, area.first), nc__key_min(rest->where.last, area.last)}, NULL, 0};
    while (rest->count > 0 && nc__key_less(rest->spans->last, p.where.first)) {
        rest->spans++;
        rest->count--;
    }
    p.spans = rest->spans;
    while (p.count < rest->count && !nc__key_less(p.where.last, p.spans[p.count].first)) p.count++;
    return p;
}

static size_t leaf_size(uint64_t count) {
    return sizeof(leaf) + (size_t)count * sizeof(shared_span);
}

static void retire(writer *c, word w) {
    if (w == 0 || w == EVERY) return;
    if ((w & TAG) == IS_LEAF) {
        leaf *l = pointer_of(w);
        nc__change_retire(c->change, l, leaf_size(LOAD(l->count)));
    } else if ((w & TAG) == IS_GUARD) {
        guard *g = pointer_of(w);
        retire(c, LOAD(g->below));
        nc__change_retire(c->change, g, sizeof *g);
    } else {
        table *t = pointer_of(w);
        for (unsigned i = 0; i < FANOUT; i++) retire(c, slot(t, i));
        nc__change_retire(c->change, t, sizeof *t);
    }
}

static word new_leaf(writer *c, const nc__span *spans, size_t count, nc__span area) {
    leaf *l = nc__change_alloc(c->change, leaf_size(count));
    if (l == NULL) return 0;
    STORE(l->count, count);
    for (size_t i = 0; i < count; i++) store_span(&l->spans[i], spans[i]);
    store_key(&l->spans[0].first, nc__key_max(spans[0].first, area.first));
    store_key(&l->spans[count - 1].last, nc__key_min(spans[count - 1].last, area.last));
    return (uintptr_t)l | IS_LEAF;
}

/* A table for the area that `first` has at `depth`, in the place of all of `area`. */
static word new_table(writer *c, const word *slots, nc__key first, unsigned depth, nc__span area) {
    table *t = nc__change_alloc(c->change, sizeof *t);
    if (t == NULL) return 0;
    for (unsigned i = 0; i < FANOUT; i++) STORE(t->slots[i], slots[i]);
    nc__span own = nc__span_of_prefix(first, 8 * depth);
    if (nc__key_equal(own.first, area.first) && nc__key_equal(own.last, area.last)) return (uintptr_t)t | IS_TABLE;
    guard *g = nc__change_alloc(c->change, sizeof *g);
    if (g == NULL) return 0;
    store_span(&g->area, own);
    STORE(g->depth, depth);
    STORE(g->below, (uintptr_t)t | IS_TABLE);
    return (uintptr_t)g | IS_GUARD;
}

/* The word for an area in which the spans are all that is blocked; the first and the last may reach beyond it. */
static word build(writer *c, part p, nc__span area) {
    if (p.count == 0) return 0;
    if (p.count == 1 && covers(p.spans[0], area)) return EVERY;
    if (p.count <= LEAF_MAX) return new_leaf(c, p.spans, p.count, area);
    nc__key first = nc__key_max(p.spans[0].first, area.first), last = nc__key_min(p.spans[p.count - 1].last, area.last);
    unsigned depth = common_octets(first, last);
    nc__span own = nc__span_of_prefix(first, 8 * depth);
    word slots[FANOUT];
    for (unsigned i = 0; i < FANOUT; i++) {
        nc__span below = slot_area(own, depth, i);
        p.where = area;
        slots[i] = c->change->failed ? 0 : build(c, next_part(&p, below), below);
    }
    return new_table(c, slots, first, depth, area);
}

/* Appends a span to a sorted list, to its last one where they touch. */
static void append(nc__span *list, size_t *count, nc__key first, nc__key last) {
    if (*count > 0 && nc__key_equal(nc__key_next(list[*count - 1].last), first) && (first.high | first.low) != 0) {
        list[*count - 1].last = last;
        return;
    }
    list[(*count)++] = (nc__span){first, last};
}

/* The spans of a word that is no table. */
static size_t spans_of(word w, nc__span area, nc__span *out) {
    if (w == 0) return 0;
    if (w == EVERY) {
        out[0] = area;
        return 1;
    }
    leaf *l = pointer_of(w);
    size_t count = (size_t)LOAD(l->count);
    for (size_t i = 0; i < count; i++) out[i] = load_span(&l->spans[i]);
    return count;
}

/* What a list of spans becomes: what of them lies before the change, the change's own, what lies after it. */
static size_t merge(const nc__span *had, size_t had_count, const part *p, nc__span *out) {
    size_t count = 0;
    nc__span where = p->where;
    for (size_t i = 0; i < had_count && nc__key_less(had[i].first, where.first); i++) {
        bool reaches = !nc__key_less(had[i].last, where.first);
        append(out, &count, had[i].first, reaches ? nc__key_before(where.first) : had[i].last);
    }
    for (size_t i = 0; i < p->count; i++)
        append(out, &count, nc__key_max(p->spans[i].first, where.first), nc__key_min(p->spans[i].last, where.last));
    for (size_t i = 0; i < had_count; i++) {
        if (!nc__key_less(where.last, had[i].last)) continue;
        bool reaches = !nc__key_less(where.last, had[i].first);
        append(out, &count, reaches ? nc__key_next(where.last) : had[i].first, had[i].last);
    }
    return count;
}

static word replace_spans(writer *c, word old, nc__span area, const part *p) {
    nc__span had[LEAF_MAX], few[2 * LEAF_MAX];
    size_t had_count = spans_of(old, area, had);
    size_t most = had_count + p->count + 2;
    nc__span *spans = most <= 2 * LEAF_MAX ? few : malloc(most * sizeof *spans);
    if (spans == NULL) {
        c->change->failed = true;
        return 0;
    }
    size_t count = merge(had, had_count, p, spans);
    word new = old;
    if (count != had_count || memcmp(spans, had, count * sizeof had[0]) != 0) {
        new = build(c, (part){area, spans, count}, area);
        retire(c, old);
    }
    if (spans != few) free(spans);
    return new;
}

/* Whether what is below a table's slots would fit into one leaf with room to spare. */
static bool are_few(const word *slots) {
    uint64_t count = 0;
    for (unsigned i = 0; i < FANOUT && count <= LEAF_FEW; i++) {
        if (slots[i] == 0) continue;
        if (slots[i] != EVERY && (slots[i] & TAG) != IS_LEAF) return false;
        count += slots[i] == EVERY ? 1 : LOAD(((leaf *)pointer_of(slots[i]))->count);
    }
    return count <= LEAF_FEW;
}

static word collapse(writer *c, const word *slots, nc__span own, unsigned depth, nc__span area) {
    nc__span all[LEAF_MAX], some[LEAF_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < FANOUT; i++) {
        size_t found = spans_of(slots[i], slot_area(own, depth, i), some);
        for (size_t j = 0; j < found; j++) append(all, &count, some[j].first, some[j].last);
        retire(c, slots[i]);
    }
    return build(c, (part){area, all, count}, area);
}

static word replace(writer *c, word old, nc__span area, const part *p);

/* The change of those slots of an area that it meets. Whether there was anything to change. */
static bool replace_slots(writer *c, word *slots, nc__span own, unsigned depth, const part *p) {
    unsigned left = octet(p->where.first, depth), right = octet(p->where.last, depth);
    bool changed = false;
    part rest = *p;
    for (unsigned i = left; i <= right && !c->change->failed; i++) {
        nc__span below = slot_area(own, depth, i);
        part q = next_part(&rest, below);
        word new = replace(c, slots[i], below, &q);
        changed |= new != slots[i];
        slots[i] = new;
    }
    return changed && !c->change->failed;
}

/* The change of a table at `depth`, which stands alone or behind a guard (then `old` is the guard's word). A table of which
 * a slot has become empty is looked at: perhaps little is left in it. */
static word replace_table(writer *c, word old, table *t, nc__span own, unsigned depth, nc__span area, const part *p) {
    unsigned left = octet(p->where.first, depth), right = octet(p->where.last, depth);
    bool in_place = c->in_place && left == right;
    word slots[FANOUT];
    for (unsigned i = left; i <= right; i++) slots[i] = slot(t, i);
    c->in_place = in_place;
    if (!replace_slots(c, slots, own, depth, p)) return old;
    if (in_place && slots[left] != 0) {
        nc__change_publish(c->change, &t->slots[left], slots[left]);
        return old;
    }
    for (unsigned i = 0; i < FANOUT; i++)
        if (i < left || i > right) slots[i] = slot(t, i);
    bool shrink = are_few(slots);
    if (in_place && !shrink) {
        nc__change_publish(c->change, &t->slots[left], slots[left]);
        return old;
    }
    word new = shrink ? collapse(c, slots, own, depth, area) : new_table(c, slots, own.first, depth, area);
    nc__change_retire(c->change, t, sizeof *t);
    if ((old & TAG) == IS_GUARD) nc__change_retire(c->change, pointer_of(old), sizeof(guard));
    return new;
}

/* A guarded table, and a change beyond its area: both come below a new table, of the area that they have in common. */
static word widen(writer *c, word old, const guard *g, nc__span area, const part *p) {
    nc__span inner = load_span(&g->area);
    nc__key first = nc__key_min(inner.first, p->where.first), last = nc__key_max(inner.last, p->where.last);
    unsigned depth = common_octets(first, last);
    nc__span own = nc__span_of_prefix(first, 8 * depth);
    word slots[FANOUT] = {0};
    c->in_place = false;
    slots[octet(inner.first, depth)] = old;
    if (!replace_slots(c, slots, own, depth, p)) return old;
    return are_few(slots) ? collapse(c, slots, own, depth, area) : new_table(c, slots, first, depth, area);
}

/* The word for an area, of which `old` is the word, after the change. */
static word replace(writer *c, word old, nc__span area, const part *p) {
    if (covers(p->where, area) && (p->count == 0 || covers(p->spans[0], area))) {
        retire(c, old);
        return p->count == 0 ? 0 : EVERY;
    }
    if ((old & TAG) == IS_TABLE) {
        unsigned depth = common_octets(area.first, area.last);
        return replace_table(c, old, pointer_of(old), area, depth, area, p);
    }
    if ((old & TAG) != IS_GUARD) return replace_spans(c, old, area, p);
    guard *g = pointer_of(old);
    nc__span inner = load_span(&g->area);
    if (!covers(inner, p->where)) return widen(c, old, g, area, p);
    return replace_table(c, old, pointer_of(LOAD(g->below)), inner, (unsigned)LOAD(g->depth), area, p);
}

void nc__set6_replace(nc__set6 *set, nc__change *change, nc__span where, const nc__span *spans, size_t count) {
    writer c = {change, true};
    word old = LOAD(set->root);
    word new = replace(&c, old, EVERYTHING, &(part){where, spans, count});
    if (new != old) nc__change_publish(change, &set->root, new);
}

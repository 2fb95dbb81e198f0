/* A B+ tree of disjoint spans. A leaf holds spans, sorted; a branch holds its children, each with a key that is above
 * every address of the child before it and not above any of its own. (The first child's key is never looked at.) The
 * order costs no more than hashing would at the sizes that occur, it cannot be attacked by choosing addresses, and a rule
 * that covers a thousand others is one cut through it.
 *
 * Nodes are never changed, except that a branch's pointer to one child may be exchanged for another. A change
 * rebuilds the leaf it falls into, and of the nodes above it only those whose keys change; a change that spans several
 * leaves cuts out the children between its ends. What is rebuilt is published by one store, so every change is seen whole.
 *
 * Removals may leave leaves short, but never empty, and they are not merged with their neighbours: a check gets no
 * slower by it. */
#include "blocklist_v6.h"

#include <stdlib.h>

enum { LEAF_MAX = 32, LEAF_FILL = 24, BRANCH_MAX = 128, BRANCH_FILL = 96 };

#define LOAD(at) atomic_load_explicit(&(at), memory_order_relaxed)
#define STORE(at, value) atomic_store_explicit(&(at), (value), memory_order_relaxed)

typedef struct shared_key {
    _Atomic(uint64_t) high;
    _Atomic(uint64_t) low;
} shared_key;

typedef struct child {
    shared_key key;
    _Atomic(uint64_t) node;
} child;

typedef struct shared_span {
    shared_key first;
    shared_key last;
} shared_span;

/* The head of every node: 0 in `level` for a leaf, and how many spans or children follow. */
typedef struct node {
    _Atomic(uint32_t) level;
    _Atomic(uint32_t) count;
} node;

typedef struct leaf {
    node head;
    shared_span spans[];
} leaf;

typedef struct branch {
    node head;
    child children[];
} branch;

static nc__key load_key(const shared_key *at) {
    shared_key *key = (shared_key *)at;
    return (nc__key){LOAD(key->high), LOAD(key->low)};
}

static void store_key(shared_key *at, nc__key key) {
    STORE(at->high, key.high);
    STORE(at->low, key.low);
}

/* ---- Reading ---- */

/* The last child that may hold `key`. */
static unsigned child_of(const branch *b, unsigned count, nc__key key) {
    unsigned base = 0;
    while (count > 1) {
        unsigned half = count / 2;
        base += nc__key_less(key, load_key(&b->children[base + half].key)) ? 0 : half;
        count -= half;
    }
    return base;
}

/* The last span that does not begin after `key`, or the first. */
static unsigned span_of(const leaf *l, unsigned count, nc__key key) {
    unsigned base = 0;
    while (count > 1) {
        unsigned half = count / 2;
        base += nc__key_less(key, load_key(&l->spans[base + half].first)) ? 0 : half;
        count -= half;
    }
    return base;
}

/* One attempt; false where a writer came in between. */
static inline bool try_has(const nc__set6 *set, nc__key key, bool *has) {
    uint64_t generation = nc__pool_enter(set->pool);
    uint64_t at = atomic_load_explicit(&((nc__set6 *)set)->root, memory_order_acquire);
    *has = false;
    if (at == 0) return true;
    for (;;) {
        node *n = (node *)(uintptr_t)at;
        uint32_t level = LOAD(n->level);
        uint32_t count = LOAD(n->count);
        if (!nc__pool_still(set->pool, generation)) return false;
        if (level == 0) {
            leaf *l = (leaf *)n;
            const shared_span *span = &l->spans[span_of(l, count, key)];
            *has = !nc__key_less(key, load_key(&span->first)) && !nc__key_less(load_key(&span->last), key);
            return nc__pool_still(set->pool, generation);
        }
        branch *b = (branch *)n;
        at = atomic_load_explicit(&b->children[child_of(b, count, key)].node, memory_order_acquire);
        if (!nc__pool_still(set->pool, generation)) return false;
    }
}

bool nc__set6_has(const nc__set6 *set, nc__key key) {
    bool has;
    while (!try_has(set, key, &has)) continue;
    return has;
}

/* ---- Changing ---- */

/* A node under way to its parent. */
typedef struct piece {
    nc__key key;
    void *node;
} piece;

/* The nodes that take the place of one. */
typedef struct pieces {
    piece *items;
    size_t count;
    size_t cap;
} pieces;

/* A change of the set: what lies within `where` becomes the spans. */
typedef struct cut {
    nc__change *change;
    nc__span where;
    const nc__span *spans;
    size_t count;
    bool whole; /* so far the change has gone down into one child only, so that one word there may publish it */
    bool done;  /* that word has been found, or there is nothing to change */
} cut;

static void push_piece(cut *c, pieces *list, nc__key key, void *item) {
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 8 : list->cap * 2;
        piece *items = realloc(list->items, cap * sizeof *items);
        if (items == NULL) {
            c->change->failed = true;
            return;
        }
        list->items = items;
        list->cap = cap;
    }
    list->items[list->count++] = (piece){key, item};
}

static size_t leaf_size(size_t count) {
    return sizeof(leaf) + count * sizeof(shared_span);
}

static size_t branch_size(size_t count) {
    return sizeof(branch) + count * sizeof(child);
}

static void push_leaf(cut *c, pieces *out, const nc__span *spans, size_t count) {
    leaf *l = nc__change_alloc(c->change, leaf_size(count));
    if (l == NULL) return;
    STORE(l->head.level, 0);
    STORE(l->head.count, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        store_key(&l->spans[i].first, spans[i].first);
        store_key(&l->spans[i].last, spans[i].last);
    }
    push_piece(c, out, spans[0].first, l);
}

static void push_branch(cut *c, pieces *out, uint32_t level, const piece *children, size_t count) {
    branch *b = nc__change_alloc(c->change, branch_size(count));
    if (b == NULL) return;
    STORE(b->head.level, level);
    STORE(b->head.count, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        store_key(&b->children[i].key, children[i].key);
        STORE(b->children[i].node, (uintptr_t)children[i].node);
    }
    push_piece(c, out, children[0].key, b);
}

/* How many of `left` items go into the next node: all if they fit, else as many as leave room for more. */
static size_t portion(size_t left, size_t max, size_t fill) {
    if (left <= max) return left;
    return left < 2 * fill ? left / 2 : fill;
}

static void push_leaves(cut *c, pieces *out, const nc__span *spans, size_t count) {
    while (count > 0 && !c->change->failed) {
        size_t some = portion(count, LEAF_MAX, LEAF_FILL);
        push_leaf(c, out, spans, some);
        spans += some;
        count -= some;
    }
}

static void push_branches(cut *c, pieces *out, uint32_t level, const piece *children, size_t count) {
    while (count > 0 && !c->change->failed) {
        size_t some = portion(count, BRANCH_MAX, BRANCH_FILL);
        push_branch(c, out, level, children, some);
        children += some;
        count -= some;
    }
}

/* Appends a span to a sorted list, to its last one where they touch. */
static void append(nc__span *list, size_t *count, nc__key first, nc__key last) {
    if (*count > 0 && nc__key_equal(nc__key_next(list[*count - 1].last), first) && (first.high | first.low) != 0) {
        list[*count - 1].last = last;
        return;
    }
    list[(*count)++] = (nc__span){first, last};
}

static nc__span load_span(const leaf *l, unsigned i) {
    return (nc__span){load_key(&l->spans[i].first), load_key(&l->spans[i].last)};
}

/* What a leaf's spans become: those before the cut, the new ones, those after it. */
static size_t cut_spans(const cut *c, const leaf *l, unsigned had, nc__span *out) {
    size_t count = 0;
    unsigned i = 0;
    for (; i < had && nc__key_less(load_span(l, i).first, c->where.first); i++) {
        nc__span span = load_span(l, i);
        bool reaches = !nc__key_less(span.last, c->where.first);
        append(out, &count, span.first, reaches ? nc__key_before(c->where.first) : span.last);
    }
    for (size_t j = 0; j < c->count; j++) append(out, &count, c->spans[j].first, c->spans[j].last);
    for (i = i > 0 ? i - 1 : 0; i < had; i++) {
        nc__span span = load_span(l, i);
        if (!nc__key_less(c->where.last, span.last)) continue;
        bool reaches = !nc__key_less(c->where.last, span.first);
        append(out, &count, reaches ? nc__key_next(c->where.last) : span.first, span.last);
    }
    return count;
}

static bool same_spans(const leaf *l, unsigned had, const nc__span *spans, size_t count) {
    for (unsigned i = 0; i < had && had == count; i++) {
        nc__span span = load_span(l, i);
        if (!nc__key_equal(span.first, spans[i].first) || !nc__key_equal(span.last, spans[i].last)) return false;
    }
    return had == count;
}

static void cut_leaf(cut *c, leaf *l, nc__key key, pieces *out) {
    nc__span few[2 * LEAF_MAX];
    unsigned had = LOAD(l->head.count);
    nc__span *spans = had + c->count + 2 <= 2 * LEAF_MAX ? few : malloc((had + c->count + 2) * sizeof *spans);
    if (spans == NULL) {
        c->change->failed = true;
        return;
    }
    size_t count = cut_spans(c, l, had, spans);
    if (same_spans(l, had, spans, count)) {
        c->done = c->whole;
        push_piece(c, out, key, l);
    } else {
        push_leaves(c, out, spans, count);
        nc__change_retire(c->change, l, leaf_size(had));
    }
    if (spans != few) free(spans);
}

static void retire_tree(cut *c, node *n) {
    uint32_t count = LOAD(n->count);
    if (LOAD(n->level) == 0) {
        nc__change_retire(c->change, n, leaf_size(count));
        return;
    }
    for (uint32_t i = 0; i < count; i++) retire_tree(c, (node *)(uintptr_t)LOAD(((branch *)n)->children[i].node));
    nc__change_retire(c->change, n, branch_size(count));
}

static void cut_node(cut *c, node *n, nc__key key, pieces *out);

/* A branch being cut. The key of its first child is the branch's own, since only that one is kept true. */
typedef struct opened {
    branch *branch;
    unsigned count;
    nc__key key;
} opened;

static piece child_at(const opened *o, unsigned i) {
    child *at = &o->branch->children[i];
    return (piece){i == 0 ? o->key : load_key(&at->key), (node *)(uintptr_t)LOAD(at->node)};
}

/* The children that a cut through several leaves. What lies in the cut goes into the leftmost child it touches; the
 * children between its ends go; the rightmost loses what the cut covers, and its key moves behind the cut. */
static void cut_children(cut *c, const opened *o, unsigned left, unsigned right, pieces *out) {
    c->whole = false;
    for (unsigned i = left; i <= right; i++) {
        piece each = child_at(o, i);
        if (i == left) {
            cut_node(c, each.node, each.key, out);
        } else if (i < right) {
            retire_tree(c, each.node);
        } else {
            size_t spans = c->count;
            c->count = 0;
            cut_node(c, each.node, nc__key_next(c->where.last), out);
            c->count = spans;
        }
    }
}

/* Where one node takes the place of one, all above it stays as it is, and the pointer to it is the word to publish. */
static bool exchange_child(cut *c, const opened *o, unsigned at, const pieces *cut_out) {
    if (!c->whole || c->change->failed || cut_out->count != 1) return false;
    nc__change_publish(c->change, &o->branch->children[at].node, (uintptr_t)cut_out->items[0].node);
    c->done = true;
    return true;
}

static void rebuild_branch(cut *c, const opened *o, unsigned left, unsigned right, const pieces *middle, pieces *out) {
    pieces all = {NULL, 0, 0};
    for (unsigned i = 0; i < left; i++) {
        piece each = child_at(o, i);
        push_piece(c, &all, each.key, each.node);
    }
    for (size_t i = 0; i < middle->count; i++) push_piece(c, &all, middle->items[i].key, middle->items[i].node);
    for (unsigned i = right + 1; i < o->count; i++) {
        piece each = child_at(o, i);
        push_piece(c, &all, each.key, each.node);
    }
    push_branches(c, out, LOAD(o->branch->head.level), all.items, all.count);
    nc__change_retire(c->change, o->branch, branch_size(o->count));
    free(all.items);
}

static void cut_branch(cut *c, branch *b, nc__key key, pieces *out) {
    opened o = {b, LOAD(b->head.count), key};
    unsigned left = child_of(b, o.count, c->where.first);
    unsigned right = child_of(b, o.count, c->where.last);
    pieces middle = {NULL, 0, 0};
    if (left == right) {
        piece only = child_at(&o, left);
        cut_node(c, only.node, only.key, &middle);
    } else {
        cut_children(c, &o, left, right, &middle);
    }
    if (!c->done && !c->change->failed && !exchange_child(c, &o, left, &middle))
        rebuild_branch(c, &o, left, right, &middle, out);
    free(middle.items);
}

static void cut_node(cut *c, node *n, nc__key key, pieces *out) {
    if (c->change->failed) return;
    if (LOAD(n->level) == 0)
        cut_leaf(c, (leaf *)n, key, out);
    else
        cut_branch(c, (branch *)n, key, out);
}

/* Stacks branches on what has become of the root until one node holds everything. */
static uint64_t new_root(cut *c, pieces *list) {
    while (list->count > 1 && !c->change->failed) {
        pieces above = {NULL, 0, 0};
        uint32_t level = LOAD(((node *)list->items[0].node)->level);
        push_branches(c, &above, level + 1, list->items, list->count);
        free(list->items);
        *list = above;
    }
    return list->count == 0 ? 0 : (uintptr_t)list->items[0].node;
}

void nc__set6_replace(nc__set6 *set, nc__change *change, nc__span where, const nc__span *spans, size_t count) {
    cut c = {.change = change, .where = where, .spans = spans, .count = count, .whole = true, .done = false};
    node *root = (node *)(uintptr_t)LOAD(set->root);
    pieces out = {NULL, 0, 0};
    if (root == NULL)
        push_leaves(&c, &out, spans, count);
    else
        cut_node(&c, root, (nc__key){0, 0}, &out);
    if (!c.done) nc__change_publish(change, &set->root, new_root(&c, &out));
    free(out.items);
}

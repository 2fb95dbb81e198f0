/* A doubly linked ring. A node that is in no ring points at itself, so that taking it out twice does no harm. */
#ifndef NC_BASE_LIST_H
#define NC_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct nc_list {
    struct nc_list *next, *prev;
} nc_list;

/* The struct of type `type` whose member `member` is at `node`. */
#define nc_container(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void nc__list_init(nc_list *list) {
    list->next = list->prev = list;
}

static inline bool nc__list_is_empty(const nc_list *list) {
    return list->next == list;
}

static inline void nc__list_remove(nc_list *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    nc__list_init(node);
}

static inline void nc__list_append(nc_list *list, nc_list *node) {
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

/* Takes out the first node; NULL if there is none. */
static inline nc_list *nc__list_shift(nc_list *list) {
    nc_list *first = list->next;
    if (first == list) return NULL;
    nc__list_remove(first);
    return first;
}

/* Moves all nodes of `from` behind those of `to`. */
static inline void nc__list_append_all(nc_list *to, nc_list *from) {
    if (nc__list_is_empty(from)) return;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    nc__list_init(from);
}

#endif

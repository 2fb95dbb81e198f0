#include "netcore/timer.h"

#include <stdlib.h>

#include "core/loop_int.h"

struct nc_timer {
    nc_deadline deadline;
    nc_loop *loop;
    void *owner;
    bool ref;
};

nc_status nc__deadline_start(nc_loop *loop, nc_deadline *deadline, uint64_t time) {
    deadline->node.time = time;
    deadline->node.order = loop->order++;
    return nc__heap_put(&loop->deadlines, &deadline->node);
}

nc_deadline *nc__deadline_due(nc_loop *loop) {
    nc_heap_node *node;
    while ((node = nc__heap_first(&loop->deadlines)) && node->time <= loop->now) {
        nc_deadline *deadline = nc_container(node, nc_deadline, node);
        if (!deadline->expire || deadline->expire(loop, deadline)) return deadline;
    }
    return NULL;
}

static void count(nc_timer *timer, bool before) {
    bool counts = timer->ref && nc_timer_is_active(timer);
    if (counts && !before) timer->loop->active++;
    if (!counts && before) timer->loop->active--;
}

static void timer_event(nc_loop *loop, nc_deadline *deadline, nc_event *event) {
    nc_timer *timer = nc_container(deadline, nc_timer, deadline);
    (void)loop;
    nc_timer_stop(timer);
    event->type = NC_EVENT_TIMER;
    event->owner = timer->owner;
}

nc_status nc_timer_new(nc_loop *loop, void *owner, nc_timer **out) {
    nc_timer *timer = calloc(1, sizeof *timer);
    if (!timer) return NC_ENOMEM;
    timer->deadline.event = timer_event;
    timer->loop = loop;
    timer->owner = owner;
    timer->ref = true;
    *out = timer;
    return NC_OK;
}

nc_status nc_timer_start(nc_timer *timer, uint64_t ms) {
    uint64_t now = timer->loop->now;
    bool before = timer->ref && nc_timer_is_active(timer);
    nc_status status = nc__deadline_start(timer->loop, &timer->deadline, ms > UINT64_MAX - now ? UINT64_MAX : now + ms);
    count(timer, before);
    return status;
}

void nc_timer_stop(nc_timer *timer) {
    bool before = timer->ref && nc_timer_is_active(timer);
    nc__deadline_stop(timer->loop, &timer->deadline);
    count(timer, before);
}

/* Stopping one moves others within the heap; the last of the heap moves none. */
void nc__timers_stop(nc_loop *loop) {
    size_t place = loop->deadlines.count;
    while (place > 0) {
        nc_deadline *deadline = nc_container(loop->deadlines.nodes[--place], nc_deadline, node);
        if (deadline->event != timer_event) continue;
        nc_timer_stop(nc_container(deadline, nc_timer, deadline));
        place = loop->deadlines.count;
    }
}

bool nc_timer_is_active(const nc_timer *timer) {
    return nc__deadline_is_set(&timer->deadline);
}

static void set_ref(nc_timer *timer, bool ref) {
    bool before = timer->ref && nc_timer_is_active(timer);
    timer->ref = ref;
    count(timer, before);
}

void nc_timer_ref(nc_timer *timer) {
    set_ref(timer, true);
}

void nc_timer_unref(nc_timer *timer) {
    set_ref(timer, false);
}

bool nc_timer_has_ref(const nc_timer *timer) {
    return timer->ref;
}

void nc_timer_free(nc_timer *timer) {
    if (!timer) return;
    nc_timer_stop(timer);
    free(timer);
}

/* Timers of the embedder's. They fire in the order of their time, those of one time in the order of their start. */
#ifndef NETCORE_TIMER_H
#define NETCORE_TIMER_H

#include "netcore/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a stopped timer whose NC_EVENT_TIMER carries `owner`. It belongs to the caller: nc_timer_free(). */
nc_status nc_timer_new(nc_loop *loop, void *owner, nc_timer **out);

/* Starts, or starts anew, to fire once `ms` after the loop's clock. NC_ENOMEM leaves it stopped. */
nc_status nc_timer_start(nc_timer *timer, uint64_t ms);
void nc_timer_stop(nc_timer *timer);
bool nc_timer_is_active(const nc_timer *timer);

/* Whether an active timer keeps the loop alive. At first it does. */
void nc_timer_ref(nc_timer *timer);
void nc_timer_unref(nc_timer *timer);
bool nc_timer_has_ref(const nc_timer *timer);

/* Stops it and frees it. NULL is allowed. */
void nc_timer_free(nc_timer *timer);

#ifdef __cplusplus
}
#endif

#endif

/* The native relay: what one stream receives, another sends, without the embedder seeing the bytes. */
#ifndef NETCORE_RELAY_H
#define NETCORE_RELAY_H

#include "netcore/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From now on, what `from` receives is sent to `to` (which may be the same stream) in the same turn; when `to` cannot keep
 * up, `from` is not read. A slice that `from` already holds goes first. With `end_too`, EOF of `from` shuts `to` down;
 * NC_EVENT_EOF of `from` comes in either case. Errors of either stream arrive as their own events, and closing either
 * stops the relay. Idle timeouts and byte counts go on. Both streams must be open and of one loop: NC_EINVAL; NC_EBUSY if
 * `from` is relayed already. NC_EPIPE if `to` is shut down.
 *
 * On Linux much input between TCP streams is moved by splice(2). That can raise SIGPIPE, so it is done only while the
 * process ignores or handles the signal. */
nc_status nc_relay_start(nc_stream *from, nc_stream *to, bool end_too);

/* Stops the relay of `from`, if any. `from` is then stopped as by nc_stream_read_stop(); what it had passed on stays
 * in the queue of the other stream. */
void nc_relay_stop(nc_stream *from);

/* The stream that `from` is relayed to, or NULL. */
nc_stream *nc_relay_target(const nc_stream *from);

#ifdef __cplusplus
}
#endif

#endif

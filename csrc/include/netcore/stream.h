/* Streams: connected sockets (TCP or Unix-domain) with a write queue, an idle timeout and byte counts.
 *
 * A stream is made without a socket, gets one by connect, by adopting a descriptor or from a server, and lives until
 * the NC_EVENT_CLOSED that follows nc_stream_close(). Nothing here blocks. */
#ifndef NETCORE_STREAM_H
#define NETCORE_STREAM_H

#include "netcore/address.h"
#include "netcore/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a stream without a socket. Its events carry `owner`. Errors: NC_ENOMEM. */
nc_status nc_stream_new(nc_loop *loop, void *owner, nc_stream **out);

/* Changes the owner; a stream that a server accepted has none until its receiver says so. */
void nc_stream_set_owner(nc_stream *stream, void *owner);

/* Opens a TCP socket, binds it to `local` if that is not NULL, and starts to connect it to `peer`. NC_OK means that
 * NC_EVENT_CONNECT will come; any other status (NC_EADDRNOTAVAIL, NC_EMFILE, NC_ECONNREFUSED...) is the end of the attempt, and the stream is
 * without a socket as before. Bytes written meanwhile wait. If the attempt fails later, the stream can only be closed. */
nc_status nc_stream_connect(nc_stream *stream, const nc_addr *peer, const nc_addr *local);

/* The same for a Unix-domain path (a first NUL byte: an abstract name). NC_EINVAL if it is too long for the system or
 * has a NUL elsewhere. */
nc_status nc_stream_connect_path(nc_stream *stream, const char *path, size_t length);

/* Takes over a connected stream socket that was made elsewhere, and from then on owns it. NC_ENOTSOCK, NC_EINVAL if
 * it is not one; then the descriptor stays the caller's. */
nc_status nc_stream_adopt(nc_stream *stream, intptr_t fd);

/* Takes over a socket that is bound but not connected, to be used by the next nc_stream_connect(). */
nc_status nc_stream_adopt_bound(nc_stream *stream, intptr_t fd);

/* Gives the descriptor away and closes the stream (NC_EVENT_CLOSED comes). NC_EBUSY while bytes are queued to be
 * sent, or a received slice or an error is not yet handed out. What else was to come does not come any more: whoever
 * adopts the descriptor has to ask again for a half-close that was not told of. */
nc_status nc_stream_release(nc_stream *stream, intptr_t *fd);

/* Starts and stops the delivery of NC_EVENT_DATA, NC_EVENT_EOF and NC_EVENT_RECV_ERROR. While stopped, an event that
 * had come stays with the stream (at most one slice). After EOF or an error, starting has no effect. */
void nc_stream_read_start(nc_stream *stream);
void nc_stream_read_stop(nc_stream *stream);

/* Queues bytes to be sent in the next flush. With `pin` NULL they are copied; otherwise `data` must stay valid until
 * nc_loop_next_unpinned() returns `pin`. Errors (nothing queued, nothing pinned): NC_ENOMEM, NC_EPIPE after
 * nc_stream_shutdown() or a send error, NC_ENOTCONN without a socket. */
nc_status nc_stream_write(nc_stream *stream, const void *data, size_t size, void *pin);

/* Tries to send the stream's queue now, in one system call at most. What happens is told by events as ever. */
void nc_stream_flush(nc_stream *stream);

/* Asks for one NC_EVENT_WROTE as soon as nc_stream_bytes_sent() is `offset` or more. A later call replaces it. */
void nc_stream_notify_at(nc_stream *stream, uint64_t offset);

/* Half-closes once the queue is sent; NC_EVENT_FINISH tells when it has happened. Once only. */
void nc_stream_shutdown(nc_stream *stream);

/* Ends the stream: what the kernel takes of the queue at once is still sent, the rest dropped; no event follows but
 * NC_EVENT_CLOSED. If bytes were sent and others received but never read, the connection lingers out of sight for at
 * most a second, because closing it at once would reset it and cut off what was sent. Once only. */
void nc_stream_close(nc_stream *stream);

/* Ends the stream with a reset: the queue is dropped, the peer's reads fail with ECONNRESET. */
void nc_stream_reset(nc_stream *stream);

/* The idle timeout: NC_EVENT_IDLE comes once when no byte has moved either way for `ms` milliseconds; moving bytes, or
 * setting it, starts it anew. 0: none. Costs nothing while bytes flow. It does not keep the loop alive. NC_ENOMEM. */
nc_status nc_stream_set_timeout(nc_stream *stream, uint64_t ms);
/* Counts as a byte moved. */
void nc_stream_touch(nc_stream *stream);

/* Whether the stream keeps the loop alive while it is active (reading, connecting or sending). At first it does. */
void nc_stream_ref(nc_stream *stream);
void nc_stream_unref(nc_stream *stream);
bool nc_stream_has_ref(const nc_stream *stream);

/* Bytes received and handed out or relayed; bytes taken by the kernel; bytes queued and not yet taken. */
uint64_t nc_stream_bytes_received(const nc_stream *stream);
uint64_t nc_stream_bytes_sent(const nc_stream *stream);
size_t nc_stream_bytes_queued(const nc_stream *stream);

bool nc_stream_is_open(const nc_stream *stream);  /* it has a socket and is not closing */
bool nc_stream_is_local(const nc_stream *stream); /* the socket is a Unix-domain one or a pipe, not TCP */
intptr_t nc_stream_fd(const nc_stream *stream);   /* -1 without a socket */

/* The two ends' addresses. NC_ENOTCONN, NC_EBADF where there is none; a Unix-domain end has family 0. */
nc_status nc_stream_local_address(const nc_stream *stream, nc_addr *out);
nc_status nc_stream_peer_address(const nc_stream *stream, nc_addr *out);

/* Options of TCP sockets; NC_EBADF without a socket. `idle_s` is the delay before the first probe in seconds, 0 to
 * leave it; enabling sets ten probes one second apart. */
nc_status nc_stream_set_no_delay(nc_stream *stream, bool on);
nc_status nc_stream_set_keep_alive(nc_stream *stream, bool on, unsigned idle_s);
nc_status nc_stream_set_type_of_service(nc_stream *stream, unsigned tos);
nc_status nc_stream_get_type_of_service(const nc_stream *stream, unsigned *tos);

#ifdef __cplusplus
}
#endif

#endif

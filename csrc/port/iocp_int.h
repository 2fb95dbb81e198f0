/* What the files of the IOCP port share. See iocp.c. */
#ifndef NC_PORT_IOCP_INT_H
#define NC_PORT_IOCP_INT_H

#include "port/port.h"
#include "port/win_errno.h"
#include "port/win_pipe.h"

enum {
    READABLE = 1, /* a receive is likely to find something */
    WANT_IN = 2,
    RECEIVING = 4, /* the kernel has our receive of no bytes */
    SENDING = 8,   /* the kernel has bytes to send */
    SENT = 16,     /* news of that */
    CONNECTING = 32,
    CONNECTED = 64, /* news of that */
    LISTENER = 128,
    WANT_ACCEPT = 256,
    BIG = 512,     /* the last read filled its room: offer more */
    ENDING = 1024, /* a pipe that was shut down */
    KIND_SHIFT = 16
};

enum { ENTRIES = 256 }; /* packets taken at a time */

typedef struct nc_chan nc_chan;
typedef struct nc_accept nc_accept;

typedef enum nc_op_kind { OP_RECEIVE, OP_SEND, OP_CONNECT, OP_ACCEPT } nc_op_kind;

/* One operation that the kernel may have. */
typedef struct nc_op {
    OVERLAPPED over; /* first */
    nc_chan *chan;
    nc_op_kind kind;
    HANDLE event, wait; /* for a handle that tells another port; else NULL */
} nc_op;

/* The port's record of a socket. The kernel writes into it, so that it stays until the last operation has ended, which
 * may be long after the socket is closed, or detached, and its nc_sock gone. */
struct nc_chan {
    nc_port *port;
    nc_sock *sock; /* NULL: gone */
    HANDLE handle;
    nc_op in, out;
    unsigned pending; /* operations that the kernel has */
    bool skips;       /* what ends at once is not told as a packet, too */
    bool apart;       /* the handle tells another completion port: see nc__op_start() */
    bool closing;     /* closed but for bytes being sent */
    nc_status in_status, out_status;
    size_t out_size;
    nc_accept *accepts;
    nc_list done;          /* accepts with a result */
    nc_list link;          /* among the port's channels that wait for a time */
    uint64_t due, give_up; /* the latter: of a pipe that is busy */
};

struct nc_port {
    HANDLE iocp;
    nc_slices *slices;
    nc_list queue;
    nc_list timed;
    size_t chans;
    LONG volatile woken;
    OVERLAPPED_ENTRY found[ENTRIES]; /* by nc_port_wait(), for the next poll; under `lock` */
    ULONG found_count;
    bool polling; /* the loop's thread may be waiting itself; under `lock` */
    SRWLOCK lock;
    CONDITION_VARIABLE room; /* `found` was taken over */
    LPFN_ACCEPTEX accept_ex;
    LPFN_CONNECTEX connect_ex;
    LPFN_GETACCEPTEXSOCKADDRS get_addresses;
    SOCKET wake_socket;
    OVERLAPPED wake_over;
    bool wake_asked; /* the kernel has our receive for it */
    bool asks_once;  /* this Windows can be told to ask but once for a connection */
    char wake_bytes[64];
};

static inline nc_sock_kind nc__kind_of(const nc_sock *sock) {
    return (nc_sock_kind)((sock->flags >> KIND_SHIFT) & 3);
}

void nc__iocp_enqueue(nc_port *port, nc_sock *sock);
/* Waits for packets, and notes what they tell of. `*woken` is set by a wake-up. */
nc_status nc__iocp_gather(nc_port *port, int64_t ms, bool *woken);
/* Has the channel looked at again at a time; once. */
void nc__iocp_at(nc_chan *chan, uint64_t due);

nc_status nc__chan_new(nc_port *port, nc_sock *sock, HANDLE handle, nc_chan **out);
/* Lets the handle tell this port. `joined` is the port that it tells already. */
nc_status nc__chan_join(nc_chan *chan, HANDLE joined);
/* Frees a channel that neither a socket nor the kernel needs. */
void nc__chan_settle(nc_chan *chan);

/* Before an operation is given to the kernel. */
void nc__op_start(nc_op *op);
/* After that. NC_OK: it has ended, and no packet will tell. NC_EAGAIN: a packet will. */
nc_status nc__op_started(nc_op *op, bool at_once, DWORD error);
nc_status nc__op_init(nc_op *op, nc_chan *chan, nc_op_kind kind);
void nc__op_free(nc_op *op);

/* Listeners (iocp_accept.c). */
nc_status nc__accepts_new(nc_chan *chan);
void nc__accepts_free(nc_chan *chan);
/* Asks the kernel for connections as far as that is not under way. */
void nc__accepts_ask(nc_port *port, nc_sock *sock);
void nc__accepts_deliver(nc_port *port, nc_sock *sock);
void nc__accepts_cancel(nc_chan *chan);
void nc__accept_ended(nc_op *op);

/* Pipes (iocp_pipe.c). */
nc_status nc__iocp_pipe_receive(nc_chan *chan);
nc_status nc__iocp_pipe_send(nc_chan *chan, const nc_buf *bufs, size_t count, size_t *size);
nc_status nc__iocp_pipe_connect(nc_chan *chan);
/* The channel's time has come: a busy pipe is tried again, or one that was shut down has heard nothing more. */
void nc__iocp_pipe_due(nc_chan *chan);
void nc__iocp_pipe_shutdown(nc_chan *chan);

#endif

/* splice(2), from socket to pipe and from pipe to socket: pages change hands, bytes stay where they are. A bulk relay takes
 * a fifth less processor time than one that copies.
 *
 * What the target does not take is read out of the pipe at once, into an ordinary slice. So one pipe serves every relay of a
 * loop, nothing is ever hidden in it when a relay ends or a listener wants to see the bytes, and a slow target costs what it
 * cost without splice.
 *
 * splice knows no MSG_NOSIGNAL: it is used only while SIGPIPE does not end the process (Python ignores it). */
#if defined(__linux__)
#define _GNU_SOURCE 1
#endif
#include "port/splice.h"

#include <unistd.h>

#include "port/posix_errno.h"

void nc__splice_init(nc_splice *splice) {
    *splice = (nc_splice){NC_SOCK_NONE, NC_SOCK_NONE};
}

void nc__splice_close(nc_splice *splice) {
    if (splice->in != NC_SOCK_NONE) close((int)splice->in);
    if (splice->out != NC_SOCK_NONE) close((int)splice->out);
    nc__splice_init(splice);
}

#if defined(__linux__)
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

/* Room is counted in pages, and received bytes rarely fill theirs. */
enum { PIPE_ROOM = 2 * NC_SLAB_SIZE };

static bool signal_is_harmless(void) {
    struct sigaction action;
    return sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler != SIG_DFL;
}

static bool is_open(nc_splice *splice) {
    int ends[2];
    if (splice->in != NC_SOCK_NONE) return true;
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return false;
    splice->out = ends[0];
    splice->in = ends[1];
    /* An unprivileged user may have used up his share: the room there is by default will do. */
    int room = fcntl(ends[1], F_SETPIPE_SZ, PIPE_ROOM);
    (void)room;
    return true;
}

static nc_status move(intptr_t from, intptr_t to, size_t size, size_t *moved) {
    for (;;) {
        ssize_t count = splice((int)from, NULL, (int)to, NULL, size, SPLICE_F_NONBLOCK);
        *moved = count > 0 ? (size_t)count : 0;
        if (count >= 0) return count > 0 ? NC_OK : NC_EOF;
        if (errno != EINTR) return nc__posix_status(errno);
    }
}

/* What is left in the pipe. It is there, so reading it does not fail; if it does, a new pipe is opened the next time. */
static nc_status read_rest(nc_splice *splice, uint8_t *data, size_t size) {
    while (size > 0) {
        ssize_t count = read((int)splice->out, data, size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            nc__splice_close(splice);
            return NC_EIO;
        }
        data += count;
        size -= (size_t)count;
    }
    return NC_OK;
}

nc_status nc__splice(nc_splice *splice, nc_slices *slices, intptr_t from, intptr_t to, nc_passed *out) {
    size_t room, taken, gone;
    if (!signal_is_harmless() || !is_open(splice)) return NC_ENOTSUP;
    uint8_t *data = nc__slices_reserve(slices, NC_SLAB_SIZE, NC_SLAB_SIZE, &room);
    if (!data) return NC_ENOMEM;
    nc_status status = move(from, splice->in, room, &taken);
    if (status != NC_OK) return status == NC_EINVAL ? NC_ENOTSUP : status;
    status = move(splice->out, to, taken, &gone);
    bool would_block = status == NC_EAGAIN || status == NC_EOF;
    *out = (nc_passed){.size = gone, .status = would_block ? NC_OK : status};
    if (gone == taken) return NC_OK;
    nc_status read_status = read_rest(splice, data, taken - gone);
    if (read_status == NC_OK) {
        out->rest = nc__slices_commit(slices, taken - gone);
    } else {
        out->status = read_status;
    }
    return NC_OK;
}
#else
nc_status nc__splice(nc_splice *splice, nc_slices *slices, intptr_t from, intptr_t to, nc_passed *out) {
    (void)splice, (void)slices, (void)from, (void)to, (void)out;
    return NC_ENOTSUP;
}
#endif

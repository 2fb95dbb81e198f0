/* Named pipes, which are what a path means on Windows.
 *
 * A pipe has no descriptor before it has a name, and each connection of a listener is a handle of its own. So what the
 * core carries about as a descriptor is the address of a record with its lowest bit set; handles of sockets are
 * multiples of four. */
#ifndef NC_PORT_WIN_PIPE_H
#define NC_PORT_WIN_PIPE_H

#include "port/port.h"
#include "port/win.h"

typedef struct nc_pipe {
    HANDLE handle; /* INVALID_HANDLE_VALUE: none yet, or given to a connection */
    HANDLE joined; /* the completion port that the handle belongs to; NULL: none */
    wchar_t *name; /* NULL: none yet */
    char *path;    /* the same as it was given */
    size_t length;
    bool is_server; /* this end made the pipe */
} nc_pipe;

static inline bool nc__is_pipe(intptr_t fd) {
    return fd > 0 && (fd & 3) == 1;
}

static inline nc_pipe *nc__pipe_of(intptr_t fd) {
    return (nc_pipe *)(fd & ~(intptr_t)3);
}

/* UTF-8 to what Windows takes; malloc'ed. */
nc_status nc__wide(const char *text, size_t length, wchar_t **out);
bool nc__is_pipe_name(const char *path, size_t length);

nc_status nc__pipe_new(intptr_t *fd);
void nc__pipe_free(nc_pipe *pipe);
/* A connection of a listener: `handle`, which belongs to the completion port `joined`. */
nc_status nc__pipe_from(HANDLE handle, HANDLE joined, intptr_t *fd);

nc_status nc__pipe_bind(nc_pipe *pipe, const char *path, size_t length);
/* Another record of a bound pipe, whose connections come to instances of its own. */
nc_status nc__pipe_duplicate(const nc_pipe *pipe, intptr_t *fd);
/* One more instance of a bound pipe, to be connected to. */
nc_status nc__pipe_instance(const nc_pipe *pipe, HANDLE *out);
nc_status nc__pipe_open_to_all(nc_pipe *pipe, bool readable, bool writable);

/* Connects. NC_EBUSY: all instances of the pipe are taken at the moment. */
nc_status nc__pipe_name(nc_pipe *pipe, const char *path, size_t length);
nc_status nc__pipe_connect(nc_pipe *pipe);

/* As nc__socket_receive(). */
nc_status nc__pipe_receive(nc_pipe *pipe, void *data, size_t room, size_t *size, bool *more);

#endif

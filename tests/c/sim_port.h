/* A kernel in memory, for the tests: it implements port.h and the calls of socket.h that the core makes, and lets a test
 * play the other side of every connection. Whatever a kernel may do it does at random from a seed: it is late, short,
 * reorders what ended between sockets, and fails. */
#ifndef SIM_PORT_H
#define SIM_PORT_H

#include "port/port.h"

typedef struct sim_pipe {
    uint8_t *bytes;
    size_t size, room;
    bool fin, reset;
} sim_pipe;

/* One end of a connection. The core's ends are descriptors; the test holds the others. */
typedef struct sim_end {
    struct sim_end *peer; /* NULL: gone */
    sim_pipe in;
    int fd; /* of the core's end; -1 for the test's */
    bool open;
} sim_end;

typedef struct sim_options {
    uint64_t seed;
    bool holds_buffers; /* like IOCP: sends in the background, cancels late, closes late */
    unsigned late;      /* chances in 256 that something that could end does not end in this poll */
    unsigned faults;    /* chances in 4096 that an operation fails */
} sim_options;

void sim_reset(const sim_options *options);
/* Frees what is left; gives the number of descriptors that were never closed. */
size_t sim_end_all(void);

uint32_t sim_random(uint32_t below);
void sim_advance(uint64_t ms);
/* No fault is injected from now on, and nothing is late. */
void sim_calm(void);

/* The nth operation from now on that can fail will; 0: none. And how many there have been. */
void sim_fail_at(unsigned nth);
unsigned sim_chances(void);

/* The test connects to a listener; NULL if nobody listens there. */
sim_end *sim_dial(int listener);
/* The test's end of the connection that the core last asked for with nc_stream_connect(), or NULL. */
sim_end *sim_answer(void);
/* The test's end of a connection whose other end is the core's descriptor `fd`. */
sim_end *sim_peer(int fd);
void sim_write(sim_end *end, const uint8_t *data, size_t size);
size_t sim_read(sim_end *end, uint8_t *data, size_t room);
void sim_fin(sim_end *end);
void sim_abort(sim_end *end);
void sim_drop(sim_end *end);          /* the test lets go of its end */
bool sim_saw_fin(const sim_end *end); /* and everything before it was read */
bool sim_saw_reset(const sim_end *end);

#endif

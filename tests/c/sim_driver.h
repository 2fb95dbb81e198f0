#ifndef SIM_DRIVER_H
#define SIM_DRIVER_H

#include <stddef.h>
#include <stdint.h>

/* Plays the schedule of one seed. 0, or 1 with what went wrong in `message`. */
int sim_run(uint64_t seed, char *message, size_t cap);

#endif
